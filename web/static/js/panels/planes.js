// Over the picture: sliders through time and height, and channels, where its file has several.

/** @import {Channel, State, Taken} from "../types.js" */
import { again } from "../analysis.js";
import { byId, fillSelect, h, swap } from "../dom.js";
import { channelsOf, hasPlanes, isAhead } from "../planes.js";
import { current, now, set, subscribe } from "../state.js";

/** @param {Partial<Taken>} part */
const take = (part) => set({ asked: { ...now().asked, taken: { ...now().asked.taken, ...part } } });

/** @param {string} id @returns {HTMLInputElement} */
const slider = (id) => byId(id);

/** @param {string} id @returns {HTMLSelectElement} */
const choice = (id) => byId(id);

export function start() {
  slider("frame-slider").addEventListener("input", () => take({ frame: slider("frame-slider").valueAsNumber }));
  slider("plane-slider").addEventListener("input", () => take({ plane: slider("plane-slider").valueAsNumber }));
  choice("plane-choice").addEventListener("change", () => {
    const { value } = choice("plane-choice");
    take({ plane: value === "one" ? slider("plane-slider").valueAsNumber : value || null });
  });
  choice("channel-choice").addEventListener("change", () => take({ channel: Number(choice("channel-choice").value) }));
  byId("analyse-plane").addEventListener("click", () => {
    const picture = current();
    if (picture) again(picture.id);
  });
  subscribe(["pictures", "current", "asked"], paint);
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  const axes = picture?.answer?.image.axes;
  byId("planes").hidden = !picture || !hasPlanes(picture);
  if (!picture || !axes || !hasPlanes(picture)) return;
  const { taken } = state.asked;
  paintFrame(taken, axes.frames);
  paintPlane(taken, axes.planes);
  paintChannels(taken, axes.channels);
  const ahead = isAhead(state, picture) || JSON.stringify(channelsOf(taken)) !== JSON.stringify(channelsOf(picture.taken));
  byId("analyse-plane").hidden = !ahead || picture.status === "working";
}

/** @param {Taken} taken @param {number} frames */
function paintFrame({ frame }, frames) {
  byId("frames").hidden = frames < 2;
  slider("frame-slider").max = String(frames - 1);
  slider("frame-slider").value = String(frame ?? 0);
  byId("frame-value").textContent = `${frame ?? 0} of ${frames}`;
}

/** @param {Taken} taken @param {number} planes */
function paintPlane({ plane }, planes) {
  byId("heights").hidden = planes < 2;
  const one = typeof plane === "number";
  slider("plane-slider").max = String(planes - 1);
  slider("plane-slider").value = String(one ? plane : Math.floor(planes / 2));
  slider("plane-slider").hidden = !one;
  choice("plane-choice").value = one ? "one" : plane === "max" ? "max" : "";
  byId("plane-value").textContent = one ? `${plane} of ${planes}` : "";
}

/** @param {Taken} taken @param {readonly string[]} channels as the service names them */
function paintChannels(taken, channels) {
  byId("channels").hidden = byId("light-channels").hidden = channels.length < 2;
  const [own, lights] = [placeOf(taken.channel, channels) ?? 0, channelsOf(taken).map((each) => placeOf(each, channels))];
  fillSelect(choice("channel-choice"), channels.map((name, i) => /** @type {const} */ ([i, name])), own);
  swap(byId("light-chips"), ...channels.map((name, i) => h("button", {
    type: "button", class: "button quiet small", "aria-pressed": String(lights.includes(i)), "data-key": `light-${i}`, onclick: () => toggle(taken, i, channels),
  }, name)));
}

/**
 * Take a channel as fluorescence, or no longer.
 * @param {Taken} taken
 * @param {number} channel
 * @param {readonly string[]} channels
 */
function toggle(taken, channel, channels) {
  const lights = channelsOf(taken).map((each) => placeOf(each, channels)).filter((each) => each !== null);
  const next = lights.includes(channel) ? lights.filter((each) => each !== channel) : [...lights, channel].sort((one, other) => one - other);
  take({ fluorescence_channel: next.length > 1 ? next : (next[0] ?? null) });
}

/**
 * The index of a channel that is given by index or name, which stands in brackets behind the index.
 * @param {Channel | null} channel
 * @param {readonly string[]} channels
 */
function placeOf(channel, channels) {
  if (channel === null || typeof channel === "number") return channel;
  const found = channels.findIndex((name) => name.toLowerCase().endsWith(`(${channel.toLowerCase()})`));
  return found < 0 ? null : found;
}

// Region and pixel size, in the panel beside the picture.

/** @import {State} from "../types.js" */
import { byId } from "../dom.js";
import { number } from "../format.js";
import { edit, givePixelSize } from "../history.js";
import { viewer } from "../stage.js";
import { current, now, set, subscribe } from "../state.js";
import { umOf } from "../units.js";

export function start() {
  /** @type {HTMLInputElement} */
  const field = byId("pixel-size");
  field.addEventListener("change", () => {
    const um = field.valueAsNumber;
    const possible = um >= Number(field.min) && um <= Number(field.max);
    field.setAttribute("aria-invalid", String(field.value !== "" && !possible));
    if (possible || field.value === "") givePixelSize(possible ? um : null);
  });
  own.addEventListener("change", () => {
    const picture = current();
    if (picture) edit(picture, { pixelSize: own.checked ? (umOf(now(), picture) ?? null) : null });
  });
  byId("draw-scale").addEventListener("click", () => {
    set({ tool: "measure" });
    viewer.canvas.focus();
  });
  byId("region-clear").addEventListener("click", () => {
    const picture = current();
    if (picture) edit(picture, { region: null });
  });
  byId("region-view").addEventListener("click", () => {
    const picture = current();
    if (!picture?.answer) return;
    const { width, height } = picture.answer.image;
    const [left, top, right, bottom] = viewer.camera.seen();
    const [x1, y1, x2, y2] = [Math.max(0, left), Math.max(0, top), Math.min(width, right), Math.min(height, bottom)];
    edit(picture, { region: [[x1, y1], [x2, y1], [x2, y2], [x1, y2]] });
  });
  subscribe(["pictures", "current", "pixelSize"], paint);
}

/** @type {HTMLInputElement} */
const own = byId("pixel-size-own");

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  const region = picture?.edits.region ?? null;
  byId("region-clear").hidden = !region;
  byId("region-state").textContent = region ? "Only droplets with their centre inside count." : "All of the picture counts.";
  const read = picture?.answer?.image;
  /** @type {HTMLInputElement} */
  const field = byId("pixel-size");
  const given = picture?.edits.pixelSize ?? state.pixelSize;
  own.checked = Boolean(picture?.edits.pixelSize);
  own.disabled = !own.checked && !given && !read?.pixel_size_um;
  if (document.activeElement !== field) field.value = given ? String(Number(given.toPrecision(5))) : "";
  field.placeholder = read?.pixel_size_um ? number(read.pixel_size_um, 5) : "not known";
  byId("scale-source").textContent = given
    ? "As given here."
    : read?.pixel_size_um ? `Read from the picture: ${read.pixel_size_source}.` : "Not in the file: diameters are in pixels.";
}

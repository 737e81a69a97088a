// In the panel "ddPCR": two dyes against each other, how many droplets hold both, and droplets picked by a lasso.

/** @import {Picture, State} from "../types.js" */
import { lasso } from "../charts/lasso.js";
import { byId, fillSelect, pairs } from "../dom.js";
import { selected } from "../filters.js";
import { count, number, percent } from "../format.js";
import { edit } from "../history.js";
import { tell } from "../notices.js";
import { brightness, dyeOf, dyesOf, nameOfDye, partitions, thresholdOf } from "../pcr.js";
import { NONE_PICKED, current, now, set } from "../state.js";
import { whileSeen } from "./tabs.js";

export function start() {
  whileSeen("pcr", ["pictures", "current", "dye", "picked", "filters"], paint);
  byId("other-dye").addEventListener("change", () => {
    set({ picked: NONE_PICKED });
    paint(now());
  });
  byId("picked-clear").addEventListener("click", () => set({ picked: NONE_PICKED }));
  byId("picked-exclude").addEventListener("click", () => {
    const [picture, { picked }] = [current(), now()];
    if (!picture || picked.picture !== picture.id) return;
    set({ picked: NONE_PICKED });
    edit(picture, { excluded: new Set([...picture.edits.excluded, ...picked.keys]) });
    tell(`${count(picked.keys.size, "droplet")} excluded.`);
  });
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  const dyes = dyesOf(picture?.answer ?? null);
  byId("two-dyes").hidden = dyes.length < 2;
  if (!picture || dyes.length < 2) return;
  const across = dyeOf(state, picture) ?? 0;
  const up = otherOf(picture, across);
  const counted = partitions(selected(picture, state.filters).kept, [across, up]);
  const thresholds = /** @type {const} */ ([thresholdOf(picture, across), thresholdOf(picture, up)]);
  const own = state.picked.picture === picture.id ? state.picked.keys : NONE_PICKED.keys;
  lasso(byId("pair"), {
    dots: counted.map((item) => [brightness(item, across), brightness(item, up)]),
    names: [nameOfDye(picture, across), nameOfDye(picture, up)],
    thresholds,
    picked: counted.flatMap(({ key }, i) => (own.has(key) ? [i] : [])),
    onpick: (dots) => set({ picked: dots.length ? { picture: picture.id, keys: new Set(dots.map((i) => counted[i].key)) } : NONE_PICKED }),
  });
  byId("picked").hidden = !own.size;
  byId("picked-count").textContent = `${count(own.size, "droplet")} picked (${percent(own.size / counted.length)})`;
  const over = (/** @type {typeof counted[number]} */ item) => [across, up].map((dye, i) => thresholds[i] !== null && brightness(item, dye) >= thresholds[i]);
  const groups = counted.map(over);
  const of = (/** @type {boolean} */ first, /** @type {boolean} */ second) => number(groups.filter(([one, two]) => one === first && two === second).length);
  pairs(byId("pair-figures"), thresholds.includes(null) ? [["droplets that count for both", number(counted.length)]] : [
    ["positive for both", of(true, true)],
    [`for ${nameOfDye(picture, across)} alone`, of(true, false)],
    [`for ${nameOfDye(picture, up)} alone`, of(false, true)],
    ["for neither", of(false, false)],
  ]);
}

/**
 * The dye up the chart: the one that is chosen, offered where there are more than two.
 * @param {Picture} picture
 * @param {number} across
 */
function otherOf(picture, across) {
  /** @type {HTMLSelectElement} */
  const choice = byId("other-dye");
  const others = dyesOf(picture.answer).map((_, i) => i).filter((i) => i !== across);
  const chosen = others.includes(Number(choice.value)) && choice.value ? Number(choice.value) : others[0];
  fillSelect(choice, others.map((i) => /** @type {const} */ ([i, nameOfDye(picture, i)])), chosen);
  return chosen;
}

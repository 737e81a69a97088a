// In the panel "Pictures": the diameters of two groups of pictures against each other.

/** @import {State} from "../types.js" */
import { overlaid } from "../charts/overlaid.js";
import { mannWhitney, welch } from "../comparison.js";
import { byId, pairs } from "../dom.js";
import { selected } from "../filters.js";
import { number } from "../format.js";
import { analysed } from "../scope.js";
import { isWhole } from "../statistics.js";
import { lengths } from "../units.js";
import { whileSeen } from "./tabs.js";

const GROUPS = /** @type {const} */ (["A", "B"]);
const FEWEST = 2; // droplets of each

export function start() {
  whileSeen("pictures", [analysed, "filters", "pixelSize"], paint);
}

/** @param {State} state */
function paint(state) {
  const groups = GROUPS.map((name) => analysed(state).filter(({ edits }) => edits.group === name));
  const { unit, per } = lengths(state, groups.flat());
  const [one, other] = groups.map((pictures) => pictures.flatMap((picture) =>
    selected(picture, state.filters).kept.filter(isWhole).map(({ mask }) => mask.equivalent_diameter * per(picture))));
  const some = groups.every((pictures) => pictures.length);
  byId("comparison").hidden = !some;
  byId("comparison-how").hidden = some;
  if (!some) return;
  const enough = Math.min(one.length, other.length) >= FEWEST;
  byId("comparison-few").hidden = enough;
  byId("comparison-chart").hidden = !enough;
  if (!enough) return byId("comparison-figures").replaceChildren();
  overlaid(byId("comparison-chart"), [["A", one], ["B", other]], `diameter (${unit})`);
  const [ranks, means] = [mannWhitney(one, other), welch(one, other)];
  pairs(byId("comparison-figures"), [
    ["droplets, A and B", `${number(one.length)} and ${number(other.length)}`],
    ["Mann-Whitney U", number(ranks.u), `p ${chance(ranks.p)}`],
    ["Cliff's delta", number(ranks.delta, 3), "−1 to 1; 0: neither is larger"],
    means !== null && ["difference of the means, A − B", `${number(means.difference)} ${unit}`, `(95 %: ${number(means.interval[0])} to ${number(means.interval[1])})`],
    means !== null && ["Welch's t", number(means.t), `p ${chance(means.p)}`],
    means !== null && ["Hedges' g", number(means.g), "in standard deviations"],
  ]);
}

/** @param {number} p */
const chance = (p) => (p < 1e-4 ? "< 0.0001" : number(p, 2));

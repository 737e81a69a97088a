// What a hovered or focused object tells of itself.

/** @import {Item, Picture, State} from "./types.js" */
import { h } from "./dom.js";
import { nameOf, selected } from "./filters.js";
import { number } from "./format.js";
import { EXCLUSIONS, lightsOf } from "./pcr.js";
import { lengths } from "./units.js";

const FATES = { kept: "", filtered: "left out by a filter", outside: "outside the region", excluded: "excluded by you", replaced: "", absent: "" };

/**
 * Figures of an item with their names.
 * @param {State} state
 * @param {Picture} picture
 * @param {Item} item
 * @returns {[string, string][]}
 */
function figuresOf(state, picture, { key, mask }) {
  const { unit, per } = lengths(state, [picture]);
  const { beads } = selected(picture, state.filters);
  const scale = per(picture);
  const off = mask.boundary?.uncertainty_px;
  return [
    ["diameter", `${number(mask.equivalent_diameter * scale, 4)}${off ? ` ± ${number(off * scale, 2)}` : ""} ${unit}`],
    ["area", `${number(mask.area * scale ** 2, 4)} ${unit}²`],
    ["circularity", number(mask.circularity)],
    ["mean intensity", number(mask.pixel_stats.mean_intensity, 4)],
    ...(mask.kind === "droplet" ? [/** @type {[string, string]} */ (["beads", String(beads.get(key) ?? 0)])] : []),
    ...lightsOf(mask).map((light, i, { length }) => /** @type {[string, string]} */ ([length > 1 ? `amplitude ${i + 1}` : "amplitude", number(light?.amplitude, 4)])),
    ...(mask.excluded ? [/** @type {[string, string]} */ (["digital PCR", EXCLUSIONS[mask.excluded] ?? mask.excluded])] : []),
  ];
}

/**
 * @param {State} state
 * @param {Picture} picture
 * @param {Item} item
 */
export function tooltipOf(state, picture, item) {
  const selection = selected(picture, state.filters);
  const fate = FATES[selection.fates[item.key]];
  return [
    h("p", {}, h("i", { class: `swatch ${item.mask.kind}` }), h("strong", {}, nameOf(item, selection)), item.drawn ? " (drawn)" : item.added && " (added)"),
    h("dl", {}, ...figuresOf(state, picture, item).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    ...(fate ? [h("p", { class: "fate" }, fate)] : []),
  ];
}

/**
 * The same as a sentence, to be read out.
 * @param {State} state
 * @param {Picture} picture
 * @param {Item} item
 */
export function sentenceOf(state, picture, item) {
  const selection = selected(picture, state.filters);
  const fate = FATES[selection.fates[item.key]];
  const figures = figuresOf(state, picture, item).map(([name, value]) => `${name} ${value}`);
  return `${[nameOf(item, selection), ...figures, ...(fate ? [fate] : [])].join(", ")}.`;
}

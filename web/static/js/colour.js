// Colours of outlines: a scale for figures, fixed colours for kinds.

/** @import {ColourBy, Item, Kind, Picture, State} from "./types.js" */
import { selected } from "./filters.js";
import { dyeOf, isPositive } from "./pcr.js";
import { inScope } from "./scope.js";
import { quantile, rising } from "./statistics.js";

/** Plasma without its darkest third, which cannot be told from a dark picture. */
const SCALE = [
  [156, 23, 158], [189, 55, 134], [216, 87, 107], [237, 121, 83], [251, 159, 58], [253, 202, 38], [240, 249, 33],
];
const STEPS = 24;

/** @type {Record<Kind, string>} */
const KIND_COLOURS = { droplet: "#ffb020", bead: "#46c2ff", other: "#ff7ac8" };
export const EXCLUDED_COLOUR = "#ff5a52";
export const FAINT_COLOUR = "rgba(150, 160, 175, 0.55)";

/** @type {Record<ColourBy, string>} */
export const COLOURINGS = { kind: "Kind", size: "Diameter", intensity: "Mean intensity", beads: "Beads inside", positive: "Positive" };
/** Of positive, negative and not counted droplets; told apart by colour-blind eyes too. */
const POSITIVE_COLOURS = { positive: "#ffb020", negative: "#46c2ff", "not counted": "#9aa4b2" };
export const PICKED_COLOUR = "#ffffff";

/**
 * A colour of the scale.
 * @param {number} part 0 to 1
 */
export function colourAt(part) {
  const place = Math.min(1, Math.max(0, part)) * (SCALE.length - 1);
  const below = Math.min(SCALE.length - 2, Math.floor(place));
  const mix = SCALE[below].map((value, i) => Math.round(value + (place - below) * (SCALE[below + 1][i] - value)));
  return `rgb(${mix.join(", ")})`;
}

/**
 * How the items of a picture are coloured; a scale's ends are those of the pictures in scope.
 * @param {State} state
 * @param {Picture} picture
 * @returns {{of: (item: Item) => string, low: number, high: number, steps: [string, string][]}} `steps` for a
 *   legend of separate colours, `low` and `high` for one of a scale
 */
export function colouring(state, picture) {
  const { picked } = state;
  const plain = colours(state, picture);
  if (picked.picture !== picture.id || !picked.keys.size) return plain;
  return { ...plain, of: (item) => (picked.keys.has(item.key) ? PICKED_COLOUR : plain.of(item)) };
}

/**
 * The same, whatever is picked.
 * @param {State} state
 * @param {Picture} picture
 * @returns {ReturnType<typeof colouring>}
 */
function colours(state, picture) {
  const { colourBy: by, filters } = state;
  const selection = selected(picture, filters);
  if (by === "positive") {
    const dye = dyeOf(state, picture);
    const name = (/** @type {Item} */ item) => {
      const positive = dye === null ? null : isPositive(picture, item, dye);
      return positive === null ? "not counted" : positive ? "positive" : "negative";
    };
    const steps = /** @type {[string, string][]} */ (Object.entries(POSITIVE_COLOURS));
    return { of: (item) => POSITIVE_COLOURS[name(item)], low: 0, high: 0, steps };
  }
  if (by === "kind") {
    const steps = /** @type {[string, string][]} */ (Object.entries(KIND_COLOURS));
    return { of: ({ mask }) => KIND_COLOURS[mask.kind], low: 0, high: 0, steps };
  }
  if (by === "beads") {
    const most = Math.max(1, ...selection.beads.values());
    const at = (/** @type {number} */ n) => (n === 0 ? "#e3e8f0" : colourAt(most === 1 ? 1 : 0.25 + (0.75 * (n - 1)) / (most - 1)));
    const steps = Array.from({ length: most + 1 }, (_, n) => /** @type {[string, string]} */ ([String(n), at(n)]));
    return { of: ({ key }) => at(selection.beads.get(selection.parents[key] ?? key) ?? 0), low: 0, high: 0, steps: steps.slice(0, 8) };
  }
  const figure = by === "size" ? diameter : brightness;
  const items = inScope(state).flatMap((each) => each.items);
  const values = Array.from(rising(items.filter(({ mask }) => mask.kind !== "bead").map(figure)));
  const low = quantile(values, 0.02) ?? 0;
  const high = quantile(values, 0.98) ?? 1;
  const step = (/** @type {number} */ value) => Math.round(((value - low) / (high - low || 1)) * STEPS) / STEPS;
  return { of: (item) => colourAt(step(figure(item))), low, high, steps: [] };
}

/** @param {Item} item */
const diameter = ({ mask }) => mask.equivalent_diameter;

/** @param {Item} item */
const brightness = ({ mask }) => mask.pixel_stats.mean_intensity;

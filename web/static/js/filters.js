// The service's user filters, applied here: same names, same meaning, no request.

/** @import {Fate, Filters, Item, Mask, Picture, Selection, State} from "./types.js" */
import { inside } from "./outline.js";

/**
 * @typedef {Object} Figure a figure of a mask that filters limit
 * @property {string} label
 * @property {"length" | "area" | "grey" | "none"} unit
 * @property {(mask: Mask) => number} of
 * @property {string | null} min name of the lower limit
 * @property {string | null} max
 * @property {boolean} more shown on demand only
 */

/** @type {Figure[]} */
export const FIGURES = [
  { label: "Diameter", unit: "length", of: (m) => m.equivalent_diameter, min: "diameter_min", max: "diameter_max", more: false },
  { label: "Area", unit: "area", of: (m) => m.area, min: "area_min", max: "area_max", more: false },
  { label: "Circularity", unit: "none", of: (m) => m.circularity, min: "circularity_min", max: null, more: false },
  { label: "Mean intensity", unit: "grey", of: (m) => m.pixel_stats.mean_intensity, min: "mean_min", max: "mean_max", more: false },
  { label: "Distance to the border", unit: "length", of: (m) => m.edge_stats.min_distance_to_edge, min: "min_edge_distance", max: null, more: false },
  { label: "Median intensity", unit: "grey", of: (m) => m.pixel_stats.median_intensity, min: "median_min", max: "median_max", more: true },
  { label: "Spread of intensity", unit: "grey", of: (m) => m.pixel_stats.std_intensity, min: "std_min", max: "std_max", more: true },
  { label: "Darkest pixel", unit: "grey", of: (m) => m.pixel_stats.min_intensity, min: "min_threshold", max: null, more: true },
  { label: "Brightest pixel", unit: "grey", of: (m) => m.pixel_stats.max_intensity, min: null, max: "max_threshold", more: true },
];

/**
 * Whether a mask keeps all limits.
 * @param {Mask} mask
 * @param {Filters} filters
 */
function keepsLimits(mask, filters) {
  if (filters.exclude_edge_touching && mask.edge_stats.touches_edge) return false;
  return FIGURES.every(({ of, min, max }) => {
    const low = min ? filters[min] : null;
    const high = max ? filters[max] : null;
    return !(typeof low === "number" && of(mask) < low) && !(typeof high === "number" && of(mask) > high);
  });
}

/**
 * Whether limits act on an item: a bead or other object in a droplet stays or goes with it.
 * @param {Item} item
 */
export const isLimited = ({ mask, parent }) => parent === null || mask.kind === "droplet";

/**
 * The filters with other limits of a figure.
 * @param {Filters} filters
 * @param {Figure} figure
 * @param {number | null} low in pixels; null for no limit
 * @param {number | null} high
 * @returns {Filters}
 */
export function limited(filters, { min, max }, low, high) {
  return { ...filters, ...(min && { [min]: low }), ...(max && { [max]: high }) };
}

/**
 * The filters that are set, as the service takes them.
 * @param {Filters} filters
 */
export function setFilters(filters) {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== null && value !== false));
}

/** @type {WeakMap<object, {edits: unknown, filters: unknown, selection: Selection}>} */
const known = new WeakMap();

/**
 * What the filters in use, region and edits leave of a picture; remembered until one of them changes.
 * @param {Picture} picture
 * @param {Filters} filters
 * @returns {Selection}
 */
export function selected(picture, filters) {
  const before = known.get(picture.items);
  if (before && before.edits === picture.edits && before.filters === filters) return before.selection;
  const selection = select(picture, filters);
  known.set(picture.items, { edits: picture.edits, filters, selection });
  return selection;
}

/**
 * The items of a picture that can be looked through: kept or excluded by hand, of the kinds that are shown.
 * @param {Pick<State, "filters" | "shown">} state
 * @param {Picture} picture
 */
export function listed({ filters, shown }, picture) {
  const { fates } = selected(picture, filters);
  return picture.items.filter(({ key, mask }) => shown[mask.kind] && (fates[key] === "kept" || fates[key] === "excluded"));
}

/**
 * What filters, region and edits leave of some items. What a removed droplet contains goes with it. Added and drawn
 * items stay whatever the filters say.
 * @param {Pick<Picture, "items" | "edits">} picture
 * @param {Filters} filters
 * @returns {Selection}
 */
export function select({ items, edits }, filters) {
  const [added, drawn] = [new Set(edits.added), new Set(edits.drawn)];
  const ring = edits.region && [edits.region.flat()];
  const outer = edits.drawn.map((key) => items[key]).filter(({ key, parent }) => parent === null && !edits.excluded.has(key));
  const holders = outer.filter(({ mask }) => mask.kind === "droplet").sort((one, other) => other.mask.area - one.mask.area);
  const parents = items.map(parentOf);
  /** @type {Fate[]} */
  const fates = [];
  for (const item of items) fate(item);
  const kept = items.filter((item) => fates[item.key] === "kept");
  const counts = { droplet: 0, bead: 0, other: 0 };
  for (const { mask } of kept) counts[mask.kind] += 1;
  return { fates, parents, kept, numbers: numbered(kept), counts, beads: beadCounts(kept, parents) };

  /**
   * What is smaller than a droplet that was drawn and has its centre in it belongs to that.
   * @param {Item} item
   * @returns {number | null}
   */
  function parentOf({ drawn: own, mask, parent }) {
    const holder = own ? null : holders.find((each) => each.mask.area > mask.area && covers(each.mask, mask));
    return holder?.key ?? parent;
  }

  /**
   * Whether what was drawn has the place of an item.
   * @param {Item} item
   */
  function isReplaced({ drawn: own, mask, parent }) {
    if (own || parent !== null) return false;
    return outer.some((each) => covers(mask, each.mask) || (each.mask.kind === mask.kind && covers(each.mask, mask)));
  }

  /** @param {Item} item @returns {Fate} */
  function fate(item) {
    return (fates[item.key] ??= judged(item));
  }

  /** @param {Item} item @returns {Fate} */
  function judged(item) {
    const parent = parents[item.key];
    if ((item.added && !added.has(item.key)) || (item.drawn && !drawn.has(item.key))) return "absent";
    if (edits.excluded.has(item.key)) return isReplaced(item) ? "replaced" : "excluded";
    if (parent !== item.parent && !passes(item)) return "filtered"; // what filters leave out is not there to be held
    const around = parent === null ? "kept" : fate(items[parent]);
    if (around !== "kept") return around;
    if (parent === null && ring && !covers({ polygons: ring }, item.mask)) return "outside";
    return passes(item) ? "kept" : "filtered";
  }

  /**
   * Whether filters leave an item, and the one around it as it was found.
   * @param {Item} item
   * @returns {boolean}
   */
  function passes(item) {
    if (item.parent !== null && !passes(items[item.parent])) return false;
    return added.has(item.key) || Boolean(item.drawn) || !isLimited(item) || keepsLimits(item.mask, filters);
  }
}

/**
 * Whether the centre of a mask lies in another one.
 * @param {Pick<Mask, "polygons">} outer
 * @param {Mask} mask
 */
const covers = ({ polygons }, { centroid: [x, y] }) => inside(polygons, x + 0.5, y + 0.5);

/**
 * @param {readonly Item[]} kept
 * @returns {Map<number, number>}
 */
function numbered(kept) {
  const bySize = [...kept].sort((one, other) => other.mask.area - one.mask.area);
  return new Map(bySize.map(({ key }, number) => [key, number]));
}

/**
 * What an item is called: by its number, or by its place where it has none.
 * @param {Item} item
 * @param {Selection} selection
 */
export function nameOf({ key, mask }, { numbers }) {
  const number = numbers.get(key);
  const [x, y] = mask.centroid.map(Math.round);
  return number === undefined ? `${mask.kind} at ${x}, ${y}` : `${mask.kind} ${number}`;
}

/** @param {Item[]} kept @param {(number | null)[]} parents */
function beadCounts(kept, parents) {
  /** @type {Map<number, number>} */
  const beads = new Map();
  for (const { key, mask } of kept) {
    const parent = parents[key];
    if (mask.kind === "bead" && parent !== null) beads.set(parent, (beads.get(parent) ?? 0) + 1);
  }
  return beads;
}

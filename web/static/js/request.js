// Requests to the service: for an analysis to work on, and for just what is on the page, filters, edits and all.

/** @import {Item, Picture, Shape, State, Taken} from "./types.js" */
import { select, selected, setFilters } from "./filters.js";
import { inside, pointOf } from "./outline.js";
import { polygon } from "./shapes.js";
import { NO_EDITS } from "./state.js";

/** Options as the service has them by default, which need not be said. */
const DEFAULTS = /** @type {Record<string, unknown>} */ ({ quality: "balanced", refine_edges: true, contents: true, objects: "auto", edge: "auto", diameter_px: null });

/**
 * The three groups of parameters for the service, without what is default anyway.
 * @param {State} state
 * @param {Picture} picture
 * @returns {{filters: Record<string, unknown>, preprocessing: Record<string, unknown>, options: Record<string, unknown>}}
 */
export function request(state, picture) {
  const { channel, taken, preprocessing, automatic_filters, ...asked } = state.asked;
  /** @type {Record<string, unknown>} */
  const options = {
    ...Object.fromEntries(Object.entries(asked).filter(([name, value]) => value !== DEFAULTS[name])),
    ...said(taken),
  };
  const off = Object.entries(automatic_filters).filter(([, on]) => !on);
  if (off.length) options.automatic_filters = Object.fromEntries(off);
  const um = picture.edits.pixelSize ?? state.pixelSize;
  if (um) options.pixel_size_um = Number(um.toPrecision(6));
  const ddpcr = { ...(channel && { channel }), ...thresholds(picture) };
  if (Object.keys(ddpcr).length) options.ddpcr = ddpcr;
  const { add, exclude, drawn } = corrections(state, picture);
  if (add.length) options.add = add;
  if (exclude.length) options.exclude = exclude;
  if (drawn.length) options.drawn = drawn;
  if (picture.edits.region) options.roi = polygon(picture.edits.region);
  return { filters: rounded(setFilters(state.filters)), preprocessing, options };
}

/**
 * The thresholds that were set by hand, as options of digital PCR.
 * @param {Picture} picture
 */
function thresholds({ answer, edits }) {
  const given = (/** @type {number} */ dye) => edits.thresholds[dye] ?? null;
  if (!answer?.ddpcr || !edits.thresholds.some((each) => each !== null)) return {};
  return answer.ddpcr.dyes ? { dyes: answer.ddpcr.dyes.map((_, dye) => ({ threshold: given(dye) })) } : { threshold: given(0) };
}

/**
 * Points of what was added by hand and of what is to be left out, and outlines of what was drawn.
 * @param {State} state
 * @param {Picture} picture
 */
function corrections(state, picture) {
  const { fates, parents } = selected(picture, state.filters);
  // The service filters first and excludes then, so what filters leave out need not be excluded.
  const unedited = select({ items: picture.items, edits: NO_EDITS }, state.filters).fates;
  const out = (/** @type {number} */ key) => fates[key] === "excluded" || fates[key] === "replaced";
  /** @type {Map<number, Item[]>} */
  const contained = new Map();
  for (const item of picture.items) {
    if (item.parent !== null) contained.set(item.parent, [...(contained.get(item.parent) ?? []), item]);
  }
  const gone = picture.items.filter(({ key }) => {
    const around = parents[key];
    return unedited[key] === "kept" && out(key) && !(around !== null && out(around));
  });
  const counts = (/** @type {number} */ key) => fates[key] === "kept" || fates[key] === "outside";
  return {
    add: addedPoints(picture, ({ key }) => counts(key)),
    exclude: gone.map((item) => pointOf(item, contained.get(item.key) ?? [])),
    drawn: picture.edits.drawn.filter(counts).map((key) => picture.items[key].drawn),
  };
}

/**
 * Points of what was added by hand.
 * @param {Picture} picture
 * @param {(item: Item) => boolean} [wanted] of the items that lie in no other one
 */
export function addedPoints({ items, edits }, wanted = () => true) {
  const added = edits.added.map((key) => items[key]).filter((item) => item.parent === null && wanted(item));
  return added.map((item) => pointOf(item, items.filter((other) => liesIn(other, item))));
}

/**
 * Whether an item lies in another one, be it known as its content or not: the droplet may have been added later.
 * @param {Item} item
 * @param {Item} other
 */
function liesIn(item, other) {
  const [x, y] = item.mask.centroid;
  return item.mask.area < other.mask.area && inside(other.mask.polygons, x + 0.5, y + 0.5);
}

/**
 * The request as a form, with its files.
 * @param {State} state
 * @param {Picture} picture
 * @param {Record<string, unknown>} [more] options beside those of the page
 */
export function requestForm(state, picture, more = {}) {
  const { options, ...others } = request(state, picture);
  return formOf(picture, { ...others, options: { ...options, ...more } });
}

/**
 * An analysis that the page filters and edits itself, as a form with its files.
 * @param {State} state
 * @param {Picture} picture
 * @param {Record<string, unknown>} [more] options beside those of the page
 */
export function analysisForm({ asked }, picture, more = {}) {
  const { channel, taken, preprocessing, ...others } = asked;
  const options = { ...others, ...said(taken), mask_format: "polygon", ...(channel && { ddpcr: { channel } }), ...more };
  return formOf(picture, { options, preprocessing });
}

/**
 * All that is found with shapes that are drawn, whatever filters and region leave of it, as a form with its files.
 * @param {State} state
 * @param {Picture} picture
 * @param {Shape[]} drawn
 */
export function drawingForm(state, picture, drawn) {
  const edits = { ...picture.edits, drawn: [], region: null };
  const { options, preprocessing } = request({ ...state, filters: {} }, { ...picture, edits });
  return formOf(picture, { options: { ...options, drawn, mask_format: "polygon" }, preprocessing });
}

/**
 * Options that take the plane to be looked at out of a file.
 * @param {Taken} taken
 */
export const planeOptions = ({ fluorescence_channel: _, ...others }) => said(others);

/** @param {Partial<Taken>} taken */
const said = (taken) => Object.fromEntries(Object.entries(taken).filter(([, value]) => value !== null));

/**
 * @param {Picture} picture
 * @param {Record<string, Record<string, unknown>>} groups of parameters; empty ones need not be sent
 */
function formOf(picture, groups) {
  const fields = new FormData();
  fields.set("file", picture.file, picture.name);
  for (const light of picture.fluorescence) fields.append("fluorescence", light);
  for (const [name, group] of filled(groups)) fields.set(name, JSON.stringify(group));
  return fields;
}

/**
 * The groups of parameters that say something, with their names.
 * @param {Record<string, Record<string, unknown>>} groups
 */
export const filled = (groups) => Object.entries(groups).filter(([, group]) => Object.keys(group).length);

/**
 * Figures with as many digits as the service gives.
 * @param {Record<string, unknown>} filters
 */
function rounded(filters) {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, typeof value === "number" ? Number(value.toPrecision(7)) : value]));
}

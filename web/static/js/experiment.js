// All pictures as one experiment: a row of figures a picture, and how far the analysis is.

/** @import {Filters, Picture, State} from "./types.js" */
import { table } from "./exports.js";
import { selected } from "./filters.js";
import { count, duration } from "./format.js";
import { brightness, concentration, partitions, thresholdOf, volume, volumeUncertainty } from "./pcr.js";
import { figuresOver } from "./scope.js";
import { umOf } from "./units.js";

/**
 * @typedef {Object} Row figures of a picture; null where they are not known
 * @property {Picture} picture
 * @property {number | null} droplets
 * @property {number | null} mean diameter, in `unit`
 * @property {string} unit
 * @property {number | null} cv
 * @property {number | null} lambda copies a droplet
 * @property {number | null} copies in a microlitre
 * @property {readonly string[]} notes
 */

/** @type {[string, (row: Row) => string | number | null][]} */
const COLUMNS = [
  ["picture", ({ picture }) => picture.name],
  ["droplets", ({ droplets }) => droplets],
  ["mean_diameter", ({ mean }) => mean],
  ["unit", ({ unit }) => unit.replace("µ", "u")],
  ["cv", ({ cv }) => cv],
  ["copies_per_droplet", ({ lambda }) => lambda],
  ["copies_per_ul", ({ copies }) => copies],
  ["group", ({ picture }) => picture.edits.group],
  ["notes", ({ notes }) => notes.join("; ")],
  ["state", ({ picture }) => picture.status],
];

/** @type {WeakMap<Picture, {filters: Filters, pixelSize: number | null, row: Row}>} */
const known = new WeakMap();

/**
 * The rows of all pictures; one is made again only when something that it shows has changed.
 * @param {State} state
 * @returns {Row[]}
 */
export function rows(state) {
  const { filters, pixelSize } = state;
  return state.pictures.map((picture) => {
    const before = known.get(picture);
    if (before?.filters === filters && before.pixelSize === pixelSize) return before.row;
    const row = rowOf(state, picture);
    known.set(picture, { filters, pixelSize, row });
    return row;
  });
}

/** @param {State} state a row a picture */
export const experimentCsv = (state) => table(COLUMNS, rows(state));

/**
 * @param {State} state
 * @param {Picture} picture
 * @returns {Row}
 */
function rowOf(state, picture) {
  if (!picture.answer) return { picture, droplets: null, mean: null, unit: "px", cv: null, lambda: null, copies: null, notes: [] };
  const { droplets, sizes, unit } = figuresOver(state, [picture]);
  const dye = picture.answer.ddpcr ? 0 : null;
  const threshold = thresholdOf(picture, dye);
  const counted = partitions(selected(picture, state.filters).kept, dye === null ? [] : [dye]);
  const um = umOf(state, picture);
  const volumes = um ? counted.map(({ mask }) => volume(mask.equivalent_diameter, um)) : [];
  const pcr = threshold === null ? null
    : concentration(counted.filter((item) => brightness(item, dye) >= threshold).length, counted.length, volumes, volumeUncertainty(counted));
  return {
    picture, droplets, mean: sizes.mean, unit, cv: sizes.cv,
    lambda: pcr?.lambda[0] ?? null, copies: pcr?.copies?.[0] ?? null,
    notes: [...picture.answer.image.notes, ...(picture.answer.ddpcr?.warnings ?? [])],
  };
}

/**
 * What a picture's analysis has come to.
 * @param {Filters} filters
 * @param {Picture} picture
 */
export function statusText(filters, picture) {
  const { status, error } = picture;
  if (status === "done") return count(selected(picture, filters).counts.droplet, "droplet");
  return { waiting: "waiting", working: "analysing", failed: error?.title ?? "failed" }[status];
}

/**
 * How far the analysis of all pictures is; null when it is at its end.
 * @param {State} state
 */
export function advance({ pictures }) {
  const left = pictures.filter(({ status }) => status === "waiting" || status === "working").length;
  if (!left) return null;
  const times = pictures.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
  const seconds = times.length ? (left * times.reduce((sum, each) => sum + each, 0)) / times.length : null;
  const soon = seconds === null ? "" : `, about ${duration(seconds)} left`;
  return `${pictures.length - left} of ${pictures.length} analysed${soon}`;
}

// Files made here of what is selected, and the ZIP that the service makes.

/** @import {Source} from "./planes.js" */
/** @import {Item, Picture, State} from "./types.js" */
import { post } from "./api.js";
import { zipped } from "./archive.js";
import { paintOutlines, paintPicture, pictureOf, shiftOf } from "./canvas/scene.js";
import { toneTable } from "./canvas/tone.js";
import { colouring } from "./colour.js";
import { display } from "./display.js";
import { selected } from "./filters.js";
import { isPositive, lightOf, volume } from "./pcr.js";
import { sourceOf } from "./planes.js";
import { request, requestForm } from "./request.js";
import { countdown } from "./state.js";
import { umOf } from "./units.js";

/** @typedef {{picture: Picture, item: Item, number: number, beads: number, um: number | null, parent: number | null}} Entry */

/** @typedef {[string, (entry: Entry) => string | number | null]} Column */

const MOST_DYES = 4;

/** @param {number} dye @returns {Column[]} */
function dyeColumns(dye) {
  const number = dye ? `_${dye + 1}` : "";
  const positive = (/** @type {Entry} */ { picture, item }) => isPositive(picture, item, dye);
  return [
    [`fluorescence${number}_intensity`, ({ item }) => lightOf(item, dye)?.intensity ?? null],
    [`fluorescence${number}_amplitude`, ({ item }) => lightOf(item, dye)?.amplitude ?? null],
    [`positive${number}`, (entry) => (positive(entry) === null ? null : Number(positive(entry)))],
  ];
}

/** @type {Column[]} columns by the names of the service's tables */
const COLUMNS = [
  ["picture", ({ picture }) => picture.name],
  ["id", ({ number }) => number],
  ["kind", ({ item }) => item.mask.kind],
  ["confidence", ({ item }) => item.mask.confidence],
  ["parent_id", ({ parent }) => parent],
  ["beads", ({ beads }) => beads],
  ["found_by", ({ item }) => item.mask.found_by],
  ["centroid_x_px", ({ item }) => item.mask.centroid[0]],
  ["centroid_y_px", ({ item }) => item.mask.centroid[1]],
  ["area_px", ({ item }) => item.mask.area],
  ["area_um2", ({ item, um }) => um && item.mask.area * um ** 2],
  ["equivalent_diameter_px", ({ item }) => item.mask.equivalent_diameter],
  ["equivalent_diameter_um", ({ item, um }) => um && item.mask.equivalent_diameter * um],
  ["diameter_uncertainty_px", ({ item }) => item.mask.boundary?.uncertainty_px ?? null],
  ["inner_diameter_px", ({ item }) => item.mask.inner_diameter],
  ["volume_pl", ({ item, um }) => um && volume(item.mask.equivalent_diameter, um)],
  ["max_feret_diameter_px", ({ item }) => item.mask.max_feret_diameter],
  ["circularity", ({ item }) => item.mask.circularity],
  ["solidity", ({ item }) => item.mask.solidity],
  ["border_distance_px", ({ item }) => item.mask.edge_stats.min_distance_to_edge],
  ["mean_intensity", ({ item }) => item.mask.pixel_stats.mean_intensity],
  ["median_intensity", ({ item }) => item.mask.pixel_stats.median_intensity],
  ["std_intensity", ({ item }) => item.mask.pixel_stats.std_intensity],
  ["min_intensity", ({ item }) => item.mask.pixel_stats.min_intensity],
  ["max_intensity", ({ item }) => item.mask.pixel_stats.max_intensity],
  ...Array.from({ length: MOST_DYES }, (_, dye) => dyeColumns(dye)).flat(),
  ["excluded", ({ item }) => item.mask.excluded],
];

/**
 * What is kept and shown of a picture.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Entry[]}
 */
function entries(state, picture) {
  const { kept, beads, numbers, parents } = selected(picture, state.filters);
  const shown = kept.filter(({ mask }) => state.shown[mask.kind]);
  const keys = new Set(shown.map(({ key }) => key));
  const parent = (/** @type {number | null} */ key) => (key !== null && keys.has(key) ? (numbers.get(key) ?? null) : null);
  return shown.sort((one, other) => Number(numbers.get(one.key)) - Number(numbers.get(other.key))).map((item) => ({
    picture, item, number: /** @type {number} */ (numbers.get(item.key)), beads: beads.get(item.key) ?? 0, um: umOf(state, picture),
    parent: parent(parents[item.key]),
  }));
}

/**
 * A table of what is selected.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 */
export function csv(state, pictures) {
  return table(COLUMNS, pictures.flatMap((picture) => entries(state, picture)));
}

/**
 * A table as CSV.
 * @template Row
 * @param {[string, (row: Row) => string | number | null][]} columns
 * @param {readonly Row[]} rows
 */
export function table(columns, rows) {
  const lines = rows.map((row) => columns.map(([, of]) => cell(of(row))).join(","));
  return [columns.map(([name]) => name).join(","), ...lines, ""].join("\r\n");
}

/**
 * A cell; text that a spreadsheet would run as a formula is marked as text.
 * @param {string | number | null} value
 */
function cell(value) {
  if (typeof value !== "string") return value === null ? "" : String(Number(value.toPrecision(7)));
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * What is selected, with all its figures and outlines.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 */
export function json(state, pictures) {
  return JSON.stringify({
    pictures: pictures.map((picture) => ({
      name: picture.name,
      image: { ...picture.answer?.image, pixel_size_um: umOf(state, picture) },
      request: request(state, picture),
      region: picture.edits.region,
      masks: masks(entries(state, picture)),
    })),
  });
}

/**
 * Masks as the service gives them, with the ids of what is kept.
 * @param {Entry[]} listed
 */
function masks(listed) {
  /** @type {Map<number | null, number[]>} */
  const children = new Map();
  for (const { number, parent } of listed) children.set(parent, [...(children.get(parent) ?? []), number]);
  return listed.map(({ item, number, parent }) => ({
    ...item.mask, id: number, parent_id: parent,
    children: children.get(number) ?? [],
  }));
}

/**
 * The picture with its outlines as the page shows them, in its own size.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Promise<Blob>}
 */
export async function overlay(state, picture) {
  const { width, height } = /** @type {NonNullable<Picture["answer"]>} */ (picture.answer).image;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const bitmap = pictureOf(state, picture) ?? (await shown(sourceOf(state, picture)));
  paintPicture(context, { bitmap, width, height, shift: shiftOf(state, picture), tone: toneTable(state.tone) }, 1);
  const selection = selected(picture, state.filters);
  const colours = colouring(state, picture);
  const line = Math.max(1, Math.max(width, height) / 1500);
  paintOutlines(context, { selection, colour: colours.of, shown: state.shown }, selection.kept, 1, line);
  return canvas.convertToBlob({ type: "image/png" });
}

/**
 * The same of several pictures, in a ZIP archive.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 * @returns {Promise<Blob>}
 */
export async function overlays(state, pictures) {
  /** @type {[string, Blob][]} */
  const files = [];
  for (const [i, picture] of pictures.entries()) files.push([`${i + 1}-${picture.name.replaceAll("/", "-")}-overlay.png`, await overlay(state, picture)]);
  return zipped(files);
}

/** @param {Source} source */
const shown = ({ file, plane }) => display(file, plane);

/**
 * Everything, made by the service with the present filters and edits.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Promise<Blob>}
 */
export function zip(state, picture) {
  return post("/download_analysis", requestForm(state, picture), { as: "blob", onremaining: countdown });
}

/**
 * Hand a file over.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

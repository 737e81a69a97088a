// A session as plain values, and back: for the browser's store and for files.

/** @import {Answer, Asked, ColourBy, Edits, Filters, Item, Kind, Picture, Point, State, Tone} from "../types.js" */
import { itemsOf, outlined } from "../items.js";
import { NO_EDITS } from "../state.js";

/**
 * @typedef {Object} View what is the same for all pictures
 * @property {Filters} filters
 * @property {number | null} pixelSize
 * @property {ColourBy} colourBy
 * @property {Record<Kind, boolean>} shown
 * @property {Tone} tone
 * @property {Asked} asked
 *
 * @typedef {Omit<Edits, "excluded"> & {excluded: number[]}} KeptEdits
 *
 * @typedef {Pick<Picture, "id" | "name" | "taken" | "status" | "error"> & {edits: KeptEdits}} KeptPicture
 *
 * @typedef {{file: File, fluorescence: readonly File[]}} KeptFiles
 *
 * @typedef {Object} KeptAnswer
 * @property {Answer} answer
 * @property {Pick<Item, "mask" | "parent" | "added" | "drawn">[]} additions items that are not of the answer
 * @property {[number, Point][]} points by the keys of items of the answer that were asked for by hand
 *
 * @typedef {Object} Kept a session without its pictures' parts
 * @property {string} id
 * @property {number} changed when, in ms since the epoch
 * @property {View} view
 * @property {KeptPicture[]} pictures
 */

/** @param {State} state @returns {View} */
export const viewOf = ({ filters, pixelSize, colourBy, shown, tone, asked }) => ({ filters, pixelSize, colourBy, shown, tone, asked });

/** @param {Picture} picture @returns {KeptPicture} what is asked for at the time is asked for again */
export function pictureRecord({ id, name, taken, status, error, edits }) {
  return { id, name, taken, status: status === "working" ? "waiting" : status, error, edits: { ...edits, excluded: [...edits.excluded] } };
}

/** @param {Picture} picture @returns {KeptAnswer | null} */
export function answerRecord({ answer, items }) {
  if (!answer) return null;
  const found = answer.masks.length;
  return {
    answer,
    additions: items.slice(found).map(({ mask, parent, added, drawn }) => ({ mask, parent, added, drawn })),
    points: items.slice(0, found).flatMap(({ key, added }) => (added ? [/** @type {[number, Point]} */ ([key, added])] : [])),
  };
}

/**
 * A picture as it was.
 * @param {KeptPicture} record
 * @param {KeptFiles} files
 * @param {KeptAnswer | null} answered
 * @returns {Picture}
 */
export function revived({ edits, ...others }, files, answered) {
  return {
    ...others, ...files, bitmap: null, light: null, thumb: null, progress: null, seconds: null,
    answer: answered?.answer ?? null,
    items: answered ? itemsWith(answered) : [],
    edits: { ...NO_EDITS, ...edits, excluded: new Set(edits.excluded) },
  };
}

/** @param {KeptAnswer} answered @returns {Item[]} */
function itemsWith({ answer, additions, points }) {
  const items = itemsOf(answer);
  for (const [key, point] of points) items[key].added = point;
  return [...items, ...additions.map((each, i) => outlined({ ...each, key: items.length + i }))];
}

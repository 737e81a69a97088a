// Back to how a picture is shown at first: what that takes back, and doing it.

/** @import {State} from "./types.js" */
import { count } from "./format.js";
import { setFilters } from "./filters.js";
import { revise } from "./history.js";
import { NO_EDITS, START, now } from "./state.js";

/**
 * What a reset takes back, in words.
 * @param {State} state
 * @returns {string[]} none where all is as at the start
 */
export function resettable({ pictures, filters, colourBy, shown, pixelSize }) {
  const edits = pictures.map((each) => each.edits);
  const sum = (/** @type {(each: typeof edits[number]) => number} */ of) => edits.reduce((total, each) => total + of(each), 0);
  const counted = /** @type {const} */ ([
    [Object.keys(setFilters(filters)).length, "filter"],
    [sum(({ excluded }) => excluded.size), "exclusion"],
    [sum(({ added }) => added.length), "addition"],
    [sum(({ drawn }) => drawn.length), "drawn outline"],
    [sum(({ region }) => Number(region !== null)), "region"],
    [sum(({ thresholds }) => thresholds.filter((each) => each !== null).length), "threshold"],
    [sum(({ pixelSize: own }) => Number(own !== null)), "picture's own pixel size"],
    [sum(({ group }) => Number(group !== null)), "picture in a group"],
  ]);
  const looks = colourBy !== START.colourBy || Object.values(shown).includes(false);
  return [
    ...counted.filter(([number]) => number).map(([number, noun]) => count(number, noun)),
    ...(pixelSize === null ? [] : ["the pixel size"]),
    ...(looks ? ["colours and kinds that are shown"] : []),
  ];
}

/** Filters, colours and the edits of all pictures as at the start; pictures and answers stay. */
export function reset() {
  const { filters, pixelSize, colourBy, shown } = START;
  revise({
    filters, pixelSize, colourBy, shown,
    pictures: now().pictures.map((each) => ({ ...each, edits: NO_EDITS })),
  });
}

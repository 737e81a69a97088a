// Bitmaps of the picture that is looked at, and small ones of all; decoded one after the other, as each takes memory.

/** @import {Picture, State, Taken} from "./types.js" */
import { halve } from "./canvas/pyramid.js";
import { display } from "./display.js";
import { planeOptions } from "./request.js";
import { find, now, subscribe, update } from "./state.js";

const KEPT = 3; // pictures looked at last whose bitmaps are kept
const SMALL = { width: 144, height: 108 };

/** @typedef {"bitmap" | "light"} Where */

/** @type {WeakMap<File, Taken>} what could not be shown of a file */
const failed = new WeakMap();
/** @type {number[]} ids of the pictures looked at last, the latest first */
let recent = [];
let loading = false;

export function start() {
  subscribe(["current"], forget);
  subscribe(["pictures", "current"], () => void load());
}

/**
 * Try to show a picture once more: what could not be shown without a key can be with one.
 * @param {Picture} picture
 */
export function retry({ file, fluorescence }) {
  failed.delete(file);
  if (fluorescence) failed.delete(fluorescence);
}

/** @param {State} state */
function forget({ current }) {
  if (current === null) return;
  recent = [current, ...recent.filter((id) => id !== current)];
  for (const id of recent.splice(KEPT)) update(id, { bitmap: null, light: null });
}

async function load() {
  if (loading) return;
  loading = true;
  try {
    for (let next = wanted(now()); next; next = wanted(now())) await show(...next);
  } finally {
    loading = false;
  }
}

/**
 * What is to be decoded next: what is looked at, then what the strip shows.
 * @param {State} state
 * @returns {[Picture, Where, File] | null}
 */
function wanted({ pictures, current }) {
  const possible = (/** @type {Picture} */ { taken }, /** @type {File | null} */ file) => file !== null && failed.get(file) !== taken;
  const seen = pictures.find(({ id }) => id === current);
  if (seen && !seen.bitmap && possible(seen, seen.file)) return [seen, "bitmap", seen.file];
  if (seen?.fluorescence && !seen.light && possible(seen, seen.fluorescence)) return [seen, "light", seen.fluorescence];
  const next = pictures.find((each) => !each.thumb && possible(each, each.file));
  return next ? [next, "bitmap", next.file] : null;
}

/**
 * @param {Picture} picture
 * @param {Where} where
 * @param {File} file
 */
async function show({ id, taken }, where, file) {
  /** @type {Partial<Picture>} */
  let made;
  try {
    const bitmap = await display(file, planeOptions(taken, where));
    const seen = recent.includes(id);
    if (seen) await halve(bitmap);
    made = where === "light" ? { ...(seen && { light: bitmap }) } : { ...(seen && { bitmap }), thumb: await small(bitmap) };
    if (!seen) bitmap.close(); // only its small one is shown
  } catch {
    failed.set(file, taken); // the analysis says why
    return;
  }
  const latest = find(id);
  const same = latest?.taken === taken && (where === "light" ? latest.fluorescence : latest.file) === file;
  if (!same) return;
  update(id, made);
}

/** @param {ImageBitmap} bitmap */
function small(bitmap) {
  const scale = Math.max(SMALL.width / bitmap.width, SMALL.height / bitmap.height);
  const [resizeWidth, resizeHeight] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  return createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: "medium" });
}

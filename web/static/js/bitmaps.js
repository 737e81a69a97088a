// Bitmaps of the picture that is looked at, and small ones of all; decoded one after the other, as each takes memory.

/** @import {Source} from "./planes.js" */
/** @import {Picture, State} from "./types.js" */
import { halve } from "./canvas/pyramid.js";
import { display } from "./display.js";
import { lightSource, sameSource, sourceOf } from "./planes.js";
import { find, now, subscribe, update } from "./state.js";

const KEPT = 3; // pictures looked at last whose bitmaps are kept
const SMALL = { width: 144, height: 108 };

/** @typedef {"bitmap" | "light"} Where */

/** @type {WeakMap<File, Source>} what could not be shown of a file */
const failed = new WeakMap();
/** @type {WeakMap<ImageBitmap, Source>} what a bitmap shows */
const sources = new WeakMap();
/** @type {number[]} ids of the pictures looked at last, the latest first */
let recent = [];
let loading = false;

export function start() {
  subscribe(["current"], forget);
  subscribe(["pictures", "current", "asked", "dye"], () => void load());
}

/**
 * Try to show a picture once more: what could not be shown without a key can be with one.
 * @param {Picture} picture
 */
export function retry({ file, fluorescence }) {
  for (const each of [file, ...fluorescence]) failed.delete(each);
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
 * @returns {[Picture, Where, Source] | null}
 */
function wanted(state) {
  const { pictures, current } = state;
  const seen = pictures.find(({ id }) => id === current);
  if (seen) {
    const [source, light] = [sourceOf(state, seen), lightSource(state, seen)];
    if (lacks(seen.bitmap, source)) return [seen, "bitmap", source];
    if (light && lacks(seen.light, light)) return [seen, "light", light];
  }
  const next = pictures.find((each) => !each.thumb && lacks(null, sourceOf(state, each)));
  return next ? [next, "bitmap", sourceOf(state, next)] : null;
}

/**
 * Whether a bitmap does not show a source, and it can be tried.
 * @param {ImageBitmap | null} bitmap
 * @param {Source} source
 */
function lacks(bitmap, source) {
  const [shown, lost] = [bitmap && sources.get(bitmap), failed.get(source.file)];
  return !(shown && sameSource(shown, source)) && !(lost && sameSource(lost, source));
}

/**
 * @param {Picture} picture
 * @param {Where} where
 * @param {Source} source
 */
async function show({ id }, where, source) {
  /** @type {Partial<Picture>} */
  let made;
  try {
    const bitmap = await display(source.file, source.plane);
    sources.set(bitmap, source);
    const seen = recent.includes(id);
    if (seen) await halve(bitmap);
    made = where === "light" ? { ...(seen && { light: bitmap }) } : { ...(seen && { bitmap }), thumb: await small(bitmap) };
    if (!seen) bitmap.close(); // only its small one is shown
  } catch {
    failed.set(source.file, source); // the analysis says why
    return;
  }
  const latest = find(id);
  if (latest && [latest.file, ...latest.fluorescence].includes(source.file)) update(id, made);
}

/** @param {ImageBitmap} bitmap */
function small(bitmap) {
  const scale = Math.max(SMALL.width / bitmap.width, SMALL.height / bitmap.height);
  const [resizeWidth, resizeHeight] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  return createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: "medium" });
}

// Brightness, contrast and gamma of what is shown, by a table over grey values.

/** @import {Tone} from "../types.js" */
/** @import {Context} from "./scene.js" */

/** Shares of the pixels that an automatic choice shows black and white. */
const CLIPPED = 0.005;

/**
 * What each grey value is shown as; null where all stay as they are.
 * @param {Tone} tone
 * @returns {Uint8ClampedArray | null} 256 values
 */
export function toneTable({ low, high, gamma }) {
  if (low === 0 && high === 255 && gamma === 1) return null;
  const width = Math.max(1, high - low);
  return Uint8ClampedArray.from({ length: 256 }, (_, value) => 255 * Math.min(1, Math.max(0, (value - low) / width)) ** gamma);
}

/**
 * Show what is painted by a table.
 * @param {Context} context
 * @param {Uint8ClampedArray} table
 */
export function applyTone(context, table) {
  const { width, height } = context.canvas;
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let i = 0; i < data.length; i += 4) {
    data[i] = table[data[i]];
    data[i + 1] = table[data[i + 1]];
    data[i + 2] = table[data[i + 2]];
  }
  context.putImageData(pixels, 0, 0);
}

/**
 * The tone that uses all of the range from dark to bright for a picture, but for a few pixels at both ends.
 * @param {ImageBitmap} bitmap a small one will do
 * @returns {Pick<Tone, "low" | "high">}
 */
export function automatic(bitmap) {
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d"));
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const greys = new Uint8Array(data.length / 4);
  for (let i = 0; i < greys.length; i++) greys[i] = Math.round((data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
  greys.sort();
  const at = (/** @type {number} */ part) => greys[Math.round(part * (greys.length - 1))];
  const low = at(CLIPPED);
  return { low, high: Math.max(low + 1, at(1 - CLIPPED)) };
}

// A picture with its outlines, painted wherever it is needed.

/** @import {Fate, Item, Kind, Picture, Point, Selection, State} from "../types.js" */
import { EXCLUDED_COLOUR, FAINT_COLOUR } from "../colour.js";
import { dyesOf } from "../pcr.js";
import { levelFor } from "./pyramid.js";
import { applyTone } from "./tone.js";

const PIXELS_FROM = 3; // scale from which single pixels are shown
const COARSE_TO = 0.4; // scale up to which coarse outlines will do
const [DASH, DRAWN_DASH] = [[5, 4], [9, 3]]; // CSS pixels

/** @type {Fate[]} of what is not there to be seen */
export const HIDDEN = ["replaced", "absent"];

/**
 * @typedef {Object} Scene
 * @property {number} picture its id
 * @property {ImageBitmap | null} bitmap
 * @property {number} width of the picture
 * @property {number} height
 * @property {readonly Item[]} items
 * @property {Selection} selection
 * @property {(item: Item) => string} colour of what is kept
 * @property {Record<Kind, boolean>} shown
 * @property {boolean} outlines
 * @property {readonly Point[] | null} region
 * @property {Point} shift of the bitmap against the picture, in its pixels
 * @property {Uint8ClampedArray | null} tone what each grey value is shown as
 */

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

/**
 * What is looked at of a picture: itself, or its fluorescence.
 * @param {State} state
 * @param {Picture} picture
 */
export const pictureOf = ({ showLight }, { bitmap, light }) => (showLight && light) || bitmap;

/**
 * How far what is looked at is shifted against the picture, as the registration found it.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Point}
 */
export function shiftOf({ showLight, dye }, { light, answer }) {
  const dyes = dyesOf(answer);
  return (showLight && light && dyes[Math.min(dye, dyes.length - 1)]?.registration.shift) || [0, 0];
}

/**
 * @param {Context} context in the picture's coordinates
 * @param {Pick<Scene, "bitmap" | "width" | "height" | "shift" | "tone">} scene
 * @param {number} scale device pixels a picture's pixel
 */
export function paintPicture(context, scene, scale) {
  if (!scene.bitmap) return;
  context.imageSmoothingEnabled = scale < PIXELS_FROM;
  const [x, y] = scene.shift;
  context.drawImage(levelFor(scene.bitmap, scale), -x, -y, scene.width, scene.height);
  if (scene.tone) applyTone(context, scene.tone);
}

/**
 * Strokes each outline on its own, as one path of thousands is slower to paint.
 * @param {Context} context in the picture's coordinates
 * @param {Pick<Scene, "selection" | "colour" | "shown">} scene
 * @param {Iterable<Item>} items
 * @param {number} scale device pixels a picture's pixel
 * @param {number} width of the lines in the picture's pixels
 */
export function paintOutlines(context, scene, items, scale, width) {
  const coarse = scale <= COARSE_TO;
  context.lineWidth = width;
  for (const [colour, same] of byColour(scene, items)) {
    context.strokeStyle = colour;
    stroke(same.filter(({ drawn }) => !drawn), colour === EXCLUDED_COLOUR ? DASH : []);
    stroke(same.filter(({ drawn }) => drawn), DRAWN_DASH);
    if (colour === EXCLUDED_COLOUR) cross(context, same);
  }
  context.setLineDash([]);

  /** @param {readonly Item[]} some @param {readonly number[]} dash in CSS pixels */
  function stroke(some, dash) {
    context.setLineDash(dash.map((part) => part * (width / 1.6)));
    for (const item of some) context.stroke(coarse ? item.coarse : item.fine);
  }
}

/**
 * Strike out what is excluded, so that it does not stand out by its colour alone.
 * @param {Context} context
 * @param {readonly Item[]} items
 */
function cross(context, items) {
  context.setLineDash([]);
  context.beginPath();
  for (const { mask } of items) {
    const [x, y, width, height] = mask.bbox;
    const [middleX, middleY, reach] = [x + width / 2, y + height / 2, Math.min(width, height) / 5];
    context.moveTo(middleX - reach, middleY - reach);
    context.lineTo(middleX + reach, middleY + reach);
    context.moveTo(middleX + reach, middleY - reach);
    context.lineTo(middleX - reach, middleY + reach);
  }
  context.stroke();
}

/**
 * @param {Pick<Scene, "selection" | "colour" | "shown">} scene
 * @param {Iterable<Item>} items
 */
function byColour(scene, items) {
  /** @type {Map<string, Item[]>} */
  const groups = new Map();
  for (const item of items) {
    const colour = colourOf(item, scene);
    if (!colour) continue;
    const group = groups.get(colour);
    if (group) group.push(item);
    else groups.set(colour, [item]);
  }
  return groups;
}

/**
 * @param {Item} item
 * @param {Pick<Scene, "selection" | "colour" | "shown">} scene
 * @returns {string | null} null for what is not drawn
 */
function colourOf(item, scene) {
  const fate = scene.selection.fates[item.key];
  if (HIDDEN.includes(fate) || !scene.shown[item.mask.kind]) return null;
  if (fate === "kept") return scene.colour(item);
  return fate === "excluded" ? EXCLUDED_COLOUR : FAINT_COLOUR;
}

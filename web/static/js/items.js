// From the service's masks to the page's items.

/** @import {Answer, Edits, Item, Mask, Picture, Point} from "./types.js" */
import { inside, outlineOf } from "./outline.js";

/** @typedef {Pick<Mask, "bbox" | "area" | "centroid" | "polygons">} Seen */

const SAME = 0.5; // of the larger area, that two masks of one object have at least in common

/**
 * The items of an answer.
 * @param {Answer} answer
 * @returns {Item[]}
 */
export const itemsOf = (answer) => made(answer.masks, 0, null);

/**
 * The items of a picture's new answer, and what becomes of edits of those before: they go on to what lies at their place.
 * @param {Picture} picture
 * @param {Answer} answer
 * @returns {{items: Item[], carry: (edits: Edits) => Edits}}
 */
export function succeed(picture, answer) {
  const found = itemsOf(answer);
  const items = [...found];
  /** @type {Map<number, number | null>} */
  const places = new Map();
  const to = (/** @type {number} */ key) => {
    const { mask } = picture.items[key];
    if (!places.has(key)) places.set(key, found.find((item) => isSame(mask, item.mask))?.key ?? null);
    return places.get(key) ?? null;
  };
  for (const { key, added } of picture.items) {
    const next = added && to(key);
    if (typeof next === "number") items[next].added = added;
  }
  for (const item of picture.items.filter(({ drawn }) => drawn)) { // what was drawn stays as it is
    const key = items.length;
    items.push({ ...item, key, parent: item.parent === null ? null : to(item.parent) });
    places.set(item.key, key);
  }
  const all = (/** @type {Iterable<number>} */ keys) => new Set([...keys].map(to).filter((key) => key !== null));
  return { items, carry: (edits) => ({ ...edits, excluded: all(edits.excluded), added: [...all(edits.added)], drawn: [...all(edits.drawn)] }) };
}

/**
 * What is new among masks that were asked for at a point, to be added to a picture.
 * @param {Picture} picture
 * @param {Mask[]} masks
 * @param {Point} point
 * @returns {{items: Item[], known: Item | null}} `known`: the item that lies there already
 */
export function additions(picture, masks, point) {
  const { drawn } = picture.edits;
  const there = (/** @type {Mask} */ mask) => picture.items.find((item) => (!item.drawn || drawn.includes(item.key)) && isSame(item.mask, mask)) ?? null;
  const outermost = masks.find((mask) => mask.parent_id === null);
  const known = outermost ? there(outermost) : null;
  const fresh = known ? [] : masks.filter((mask) => !there(mask)); // the beads of a cut off droplet may be known
  return { items: made(fresh, picture.items.length, point), known };
}

/**
 * @param {Mask[]} masks each after the one that contains it
 * @param {number} first key
 * @param {Point | null} added
 * @returns {Item[]}
 */
function made(masks, first, added) {
  const keys = new Map(masks.map((mask, i) => [mask.id, first + i]));
  return masks.map((mask, i) => outlined({
    key: first + i,
    mask,
    parent: mask.parent_id === null ? null : (keys.get(mask.parent_id) ?? null),
    added,
    drawn: null,
  }));
}

/**
 * An item with what is drawn of it.
 * @param {Omit<Item, "fine" | "coarse">} item
 * @returns {Item}
 */
export const outlined = (item) => ({ ...item, ...outlineOf(item.mask) });

/**
 * Whether two masks show one object.
 * @param {Seen} one
 * @param {Seen} other
 */
export function isSame(one, other) {
  if (!overlap(one.bbox, other.bbox)) return false;
  const ratio = Math.min(one.area, other.area) / Math.max(one.area, other.area);
  const [[x1, y1], [x2, y2]] = [one.centroid, other.centroid];
  return ratio > SAME && inside(one.polygons, x2 + 0.5, y2 + 0.5) && inside(other.polygons, x1 + 0.5, y1 + 0.5);
}

/**
 * @param {Mask["bbox"]} one x, y, width and height
 * @param {Mask["bbox"]} other
 */
function overlap([x, y, width, height], [left, top, across, down]) {
  return x < left + across && left < x + width && y < top + down && top < y + height;
}

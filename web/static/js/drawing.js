// Corrections by hand: outlines that are drawn, moved, split and merged, and measured by the service.

/** @import {Answer, Item, Mask, Picture, Point, Shape} from "./types.js" */
import { post } from "./api.js";
import { selected } from "./filters.js";
import { count } from "./format.js";
import { edit } from "./history.js";
import { isSame, outlined } from "./items.js";
import { drawingForm } from "./request.js";
import { across, chord, circle, cut, hull, isCircle, polygon, rim, ringOf, silhouette } from "./shapes.js";
import { quantile, rising } from "./statistics.js";
import { countdown, current, find, now, set, update } from "./state.js";

/** @type {Promise<unknown>} one after the other, as each goes on from what the one before has left */
let last = Promise.resolve();

/**
 * Draw a circle, or change one. What shows the same object is left out.
 * @param {Picture} picture
 * @param {Shape} shape
 * @param {Item | null} [old] the circle that is moved or resized
 */
export async function drawCircle(picture, shape, old = null) {
  const own = silhouette(shape, sizeOf(picture));
  if (!own.area) return "The circle lies outside the picture.";
  const same = old ? [old] : selected(picture, now().filters).kept.filter(({ mask }) => isSame(mask, own));
  await draw(picture, [shape], same);
  return old ? "Changed." : same.length ? `Drawn in the place of ${count(same.length, "object")}.` : "Drawn.";
}

/**
 * The circle that a line means: from the middle to the rim of a new one, or what a handle of an old one is dragged to.
 * @param {Picture | null} picture
 * @param {Point} from in pixel corners
 * @param {Point} to
 * @param {number} reach pixels from a handle in which it is held
 * @returns {{shape: Shape, old: Item | null}}
 */
export function circleBy(picture, from, to, reach) {
  for (const { item, centre, radius } of picture ? circles(picture) : []) {
    const away = Math.hypot(from[0] - centre[0], from[1] - centre[1]);
    if (Math.abs(away - radius) < reach) return { shape: circle(centre, Math.max(1, radius + Math.hypot(to[0] - centre[0], to[1] - centre[1]) - away)), old: item };
    if (away < Math.min(reach, radius / 2)) return { shape: circle([centre[0] + to[0] - from[0], centre[1] + to[1] - from[1]], radius), old: item };
  }
  return { shape: circle(from, Math.max(1, Math.hypot(to[0] - from[0], to[1] - from[1]))), old: null };
}

/**
 * Middles and rims of the circles that were drawn, in pixel corners.
 * @param {Picture} picture
 * @returns {Point[]}
 */
export function gripsOf(picture) {
  return circles(picture).flatMap(({ centre: [x, y], radius }) => /** @type {Point[]} */ ([[x, y], [x + radius, y], [x - radius, y], [x, y + radius], [x, y - radius]]));
}

/**
 * A circle as large as most droplets are.
 * @param {Picture} picture
 * @param {Point} centre in pixel corners
 */
export function usualCircle(picture, centre) {
  const { width, height } = sizeOf(picture);
  const droplets = selected(picture, now().filters).kept.filter(({ mask }) => mask.kind === "droplet");
  const usual = quantile(Array.from(rising(droplets.map(({ mask }) => mask.equivalent_diameter))), 0.5);
  return circle(centre, (usual ?? Math.min(width, height) / 8) / 2);
}

/**
 * A circle a step further, larger or smaller; null for what is no circle that was drawn.
 * @param {Item} item
 * @param {number} dx pixels to the right
 * @param {number} dy down
 * @param {number} wider of the radius
 * @returns {Shape | null}
 */
export function stepped({ drawn }, dx, dy, wider) {
  if (!drawn || !isCircle(drawn)) return null;
  const [x, y, radius] = drawn;
  return [x + dx, y + dy, Math.max(1, radius + wider)];
}

/** @param {Picture} picture the circles drawn on it that count, in pixel corners */
function circles({ items, edits }) {
  return edits.drawn.filter((key) => !edits.excluded.has(key)).flatMap((key) => {
    const { drawn } = items[key];
    if (!drawn || !isCircle(drawn)) return [];
    const [x, y, radius] = drawn;
    return [{ item: items[key], centre: /** @type {Point} */ ([x + 0.5, y + 0.5]), radius }];
  });
}

/**
 * Split the object that a line crosses, the one with the longest chord if there are several.
 * @param {Picture} picture
 * @param {Point} from in pixel corners
 * @param {Point} to
 */
export async function splitAlong(picture, from, to) {
  let [best, longest] = [/** @type {Item | null} */ (null), 0];
  for (const item of selected(picture, now().filters).kept) {
    const length = chord(outlineOf(item), from, to);
    if (length > longest) [best, longest] = [item, length];
  }
  if (!best) return "Draw the line from one side of an object to the other, and begin and end outside of it.";
  return split(picture, best, from, to);
}

/**
 * Split an object in the middle, across the way in which it is longest.
 * @param {Picture} picture
 * @param {Item} item
 */
export const splitInTwo = (picture, item) => split(picture, item, ...across(outlineOf(item)));

/**
 * @param {Picture} picture
 * @param {Item} item
 * @param {Point} from
 * @param {Point} to
 */
async function split(picture, item, from, to) {
  const parts = cut(outlineOf(item), from, to).map(polygon);
  await draw(picture, parts, [item]);
  return `Split in two: ${item.mask.kind}.`;
}

/**
 * Merge two objects: the tightest convex outline round both takes their place.
 * @param {Picture} picture
 * @param {Item} one
 * @param {Item} other
 */
export async function merge(picture, one, other) {
  await draw(picture, [polygon(hull([...outlineOf(one), ...outlineOf(other)]))], [one, other]);
  return "Merged.";
}

/** @param {Item} item @returns {Point[]} in pixel corners */
const outlineOf = ({ drawn, mask }) => (drawn ? ringOf(drawn) : rim(mask));

/** @param {Picture} picture */
const sizeOf = ({ answer }) => /** @type {Answer} */ (answer).image;

/**
 * Have the service measure shapes among all else, and show them.
 * @param {Picture} picture
 * @param {Shape[]} shapes
 * @param {readonly Item[]} replaced what they take the place of
 * @returns {Promise<void>}
 */
export function draw({ id }, shapes, replaced) {
  const next = last.then(() => drawNow(id, shapes, replaced));
  last = next.catch(() => {}); // who has asked hears of it
  return next;
}

/**
 * @param {number} id
 * @param {Shape[]} shapes
 * @param {readonly Item[]} replaced
 */
async function drawNow(id, shapes, replaced) {
  const before = find(id);
  if (!before?.answer) return;
  const old = new Set(replaced.map(({ drawn }) => drawn)); // their keys may be others by now
  const out = replaced.filter(({ drawn }) => !drawn).map(({ key }) => key);
  const left = { ...before.edits, drawn: before.edits.drawn.filter((key) => !old.has(before.items[key].drawn)), excluded: new Set([...before.edits.excluded, ...out]) };
  const stay = left.drawn.filter((key) => !left.excluded.has(key));
  const all = [...stay.map((key) => shapeOf(before, key)), ...shapes];
  const masks = all.length ? await measured({ ...before, edits: left }, all) : [];
  const latest = find(id);
  if (!latest) return;
  const { items, keys } = withShapes(latest, all, stay, masks);
  update(id, { items });
  const idle = left.drawn.filter((key) => left.excluded.has(key));
  edit(/** @type {Picture} */ (find(id)), { excluded: new Set([...latest.edits.excluded, ...out]), drawn: [...idle, ...keys] });
  if (current()?.id === id) set({ focus: shapes.length ? keys[stay.length] : null });
}

/**
 * Measure what was drawn once more, as the picture has been analysed anew.
 * @param {Picture} picture
 */
export async function redraw(picture) {
  const { drawn, excluded } = picture.edits;
  const keys = drawn.filter((key) => !excluded.has(key));
  if (!keys.length) return;
  const shapes = keys.map((key) => shapeOf(picture, key));
  const masks = await measured(picture, shapes);
  const latest = find(picture.id);
  if (latest?.answer !== picture.answer) return;
  const own = ownOf(latest, shapes, masks);
  const fresh = new Map(keys.map((key, i) => [key, own[i]]));
  update(latest.id, { items: latest.items.map((item) => {
    const mask = fresh.get(item.key);
    return mask ? outlined({ ...item, mask }) : item;
  }) });
}

/** @param {Picture} picture @param {number} key */
const shapeOf = ({ items }, key) => /** @type {Shape} */ (items[key].drawn);

/**
 * @param {Picture} picture
 * @param {Shape[]} shapes
 * @returns {Promise<Mask[]>} all that the service finds with them
 */
async function measured(picture, shapes) {
  const answer = /** @type {Answer} */ (await post("/segment_file", drawingForm(now(), picture, shapes), { onremaining: countdown }));
  return answer.masks;
}

/**
 * The masks of shapes, among all that were found.
 * @param {Picture} picture
 * @param {Shape[]} shapes
 * @param {Mask[]} masks
 * @returns {Mask[]}
 */
function ownOf(picture, shapes, masks) {
  const free = new Set(masks.filter(({ found_by }) => found_by === "hand"));
  return shapes.map((shape) => {
    const { centroid: [x, y], area } = silhouette(shape, sizeOf(picture));
    const off = (/** @type {Mask} */ mask) => Math.hypot(mask.centroid[0] - x, mask.centroid[1] - y) + Math.abs(Math.sqrt(mask.area) - Math.sqrt(area));
    const [own] = [...free].sort((one, other) => off(one) - off(other));
    free.delete(own);
    return own;
  });
}

/**
 * A picture's items with those of shapes, and their keys. An item stays if it is what it was: of its kind, in the same one.
 * @param {Picture} picture
 * @param {Shape[]} shapes
 * @param {readonly number[]} before keys of the first shapes' items
 * @param {Mask[]} masks all that were found with them
 */
function withShapes(picture, shapes, before, masks) {
  const own = ownOf(picture, shapes, masks);
  const items = [...picture.items];
  /** @type {Map<number, number>} */
  const keys = new Map();
  for (const mask of [...own].sort((one, other) => one.id - other.id)) { // what contains comes before what it contains
    const i = own.indexOf(mask);
    const around = mask.parent_id === null ? null : masks[mask.parent_id];
    const parent = around && (keys.get(around.id) ?? picture.items.find((item) => !item.drawn && isSame(item.mask, around))?.key ?? null);
    const known = items[before[i]];
    const key = known?.parent === parent && known.mask.kind === mask.kind ? known.key : items.length;
    if (key === items.length) items.push(outlined({ key, mask, parent, added: null, drawn: shapes[i] }));
    keys.set(mask.id, key);
  }
  return { items, keys: own.map(({ id }) => /** @type {number} */ (keys.get(id))) };
}

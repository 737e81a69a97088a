// Outlines: from the edges of pixels to smooth lines, and what lies inside them.

/** @import {Item, Mask, Point} from "./types.js" */

const FINE = 0.3; // pixels that a drawn line may lie off the mask's own edge
const COARSE = 1.5;

/**
 * What is drawn and hit of a mask.
 * @param {Mask} mask
 * @returns {Pick<Item, "fine" | "coarse">}
 */
export function outlineOf(mask) {
  const smooth = mask.polygons.map(halfway);
  return {
    fine: path(smooth.map((ring) => simplified(ring, FINE))),
    coarse: path(smooth.map((ring) => simplified(ring, COARSE))),
  };
}

/**
 * The line through the middles of the pixel edges: the mask's contour at one half.
 * @param {number[]} corners horizontal and vertical edges in turn
 */
export function halfway(corners) {
  const points = [];
  for (let i = 0; i < corners.length; i += 2) {
    const [x, y] = [corners[i], corners[i + 1]];
    const [toX, toY] = [corners[(i + 2) % corners.length], corners[(i + 3) % corners.length]];
    const length = Math.hypot(toX - x, toY - y);
    const [stepX, stepY] = [(toX - x) / length / 2, (toY - y) / length / 2];
    points.push(x + stepX, y + stepY);
    if (length > 1) points.push(toX - stepX, toY - stepY);
  }
  return new Float32Array(points);
}

/**
 * The closed line with fewer points, none further than `tolerance` from it (Douglas and Peucker 1973).
 * @param {Float32Array} ring
 * @param {number} tolerance
 */
export function simplified(ring, tolerance) {
  const count = ring.length / 2;
  if (count < 8) return ring;
  const keep = new Uint8Array(count);
  const far = farthestFrom(ring, 0);
  keep[0] = keep[far] = 1;
  /** @type {[number, number][]} */
  const stack = [[0, far], [far, count]];
  for (let span = stack.pop(); span; span = stack.pop()) {
    const [first, last] = span;
    const [split, distance] = farthestFromChord(ring, first, last % count, last);
    if (distance > tolerance) {
      keep[split] = 1;
      stack.push([first, split], [split, last]);
    }
  }
  const points = [];
  for (let i = 0; i < count; i++) if (keep[i]) points.push(ring[2 * i], ring[2 * i + 1]);
  return new Float32Array(points);
}

/**
 * Whether a point lies inside closed rings, by the even-odd rule.
 * @param {readonly ArrayLike<number>[]} rings x and y in turn
 * @param {number} x
 * @param {number} y
 */
export function inside(rings, x, y) {
  let odd = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const above = ring[i + 1] > y;
      if (above !== ring[j + 1] > y) {
        const crossing = ring[i] + ((y - ring[i + 1]) * (ring[j] - ring[i])) / (ring[j + 1] - ring[i + 1]);
        if (x < crossing) odd = !odd;
      }
    }
  }
  return odd;
}

/**
 * A pixel of an item that is none of what it contains, for the service to know it by.
 * @param {Item} item
 * @param {readonly Item[]} contained
 * @returns {Point}
 */
export function pointOf(item, contained) {
  const own = (/** @type {Point} */ [x, y]) =>
    inside(item.mask.polygons, x + 0.5, y + 0.5) &&
    !contained.some((each) => inside(each.mask.polygons, x + 0.5, y + 0.5));
  const centre = /** @type {Point} */ (item.mask.centroid.map(Math.round));
  for (const point of [item.added, centre]) if (point && own(point)) return point;
  const [left, top, width, height] = item.mask.bbox;
  for (let step = 16; step >= 1; step /= 2) {
    for (let y = top; y < top + height; y += step) {
      for (let x = left; x < left + width; x += step) if (own([x, y])) return [x, y];
    }
  }
  return centre;
}

/** @param {Float32Array[]} rings */
function path(rings) {
  const drawn = new Path2D();
  for (const ring of rings) {
    drawn.moveTo(ring[0], ring[1]);
    for (let i = 2; i < ring.length; i += 2) drawn.lineTo(ring[i], ring[i + 1]);
    drawn.closePath();
  }
  return drawn;
}

/** @param {Float32Array} ring @param {number} from */
function farthestFrom(ring, from) {
  let [best, farthest] = [0, -1];
  for (let i = 0; i < ring.length / 2; i++) {
    const distance = Math.hypot(ring[2 * i] - ring[2 * from], ring[2 * i + 1] - ring[2 * from + 1]);
    if (distance > farthest) [best, farthest] = [i, distance];
  }
  return best;
}

/**
 * @param {Float32Array} ring
 * @param {number} first
 * @param {number} end the chord's other point
 * @param {number} last as `end`, but not wrapped round
 * @returns {[number, number]} which point between them, and how far from their chord
 */
function farthestFromChord(ring, first, end, last) {
  const [x, y] = [ring[2 * first], ring[2 * first + 1]];
  const [dx, dy] = [ring[2 * end] - x, ring[2 * end + 1] - y];
  const length = Math.hypot(dx, dy) || 1;
  let [best, farthest] = [first, 0];
  for (let i = first + 1; i < last; i++) {
    const distance = Math.abs((ring[2 * i] - x) * dy - (ring[2 * i + 1] - y) * dx) / length;
    if (distance > farthest) [best, farthest] = [i, distance];
  }
  return [best, farthest];
}

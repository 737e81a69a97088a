// Outlines that are drawn by hand: circles and polygons, what is cut off them, and what goes round several.

/** @import {Mask, Point, Shape} from "./types.js" */
import { halfway, simplified } from "./outline.js";

export const MOST_CORNERS = 200; // that the service takes
const ROUND = 96; // corners of a circle that is shown

/**
 * A shape's corners, in pixel corners; the service counts pixels from their centres.
 * @param {Shape} shape
 * @returns {Point[]}
 */
export function ringOf(shape) {
  if (!isCircle(shape)) return shape.map(([x, y]) => [x + 0.5, y + 0.5]);
  const [x, y, radius] = shape;
  return Array.from({ length: ROUND }, (_, i) => {
    const angle = (2 * Math.PI * i) / ROUND;
    return [x + 0.5 + radius * Math.cos(angle), y + 0.5 + radius * Math.sin(angle)];
  });
}

/** @param {Shape} shape @returns {shape is [number, number, number]} */
export const isCircle = (shape) => typeof shape[0] === "number";

/**
 * @param {Point} centre in pixel corners
 * @param {number} radius
 * @returns {Shape}
 */
export const circle = ([x, y], radius) => [rounded(x - 0.5), rounded(y - 0.5), rounded(radius)];

/**
 * The polygon of a ring, with no more corners than the service takes.
 * @param {readonly Point[]} ring in pixel corners
 * @returns {Shape}
 */
export const polygon = (ring) => sparse(ring).map(([x, y]) => /** @type {Point} */ ([rounded(x - 0.5), rounded(y - 0.5)]));

/** @param {number} value as exact as a pointer is, and short in code */
const rounded = (value) => Number(value.toFixed(2));

/**
 * A closed line with no more corners than the service takes, as near to it as that allows.
 * @param {readonly Point[]} ring
 * @returns {Point[]}
 */
export function sparse(ring) {
  /** @type {Point[]} */
  let points = ring.map(([x, y]) => [rounded(x), rounded(y)]);
  for (let off = 0.1; points.length > MOST_CORNERS; off *= 1.5) points = pairs(simplified(new Float32Array(ring.flat()), off));
  return points;
}

/** @param {ArrayLike<number>} flat x and y in turn @returns {Point[]} */
const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [rounded(flat[2 * i]), rounded(flat[2 * i + 1])]);

/**
 * The largest outer line of a mask, smooth, in pixel corners.
 * @param {Pick<Mask, "polygons">} mask
 * @returns {Point[]}
 */
export function rim({ polygons }) {
  const rings = polygons.map((corners) => pairs(halfway(corners)));
  return rings.reduce((largest, ring) => (Math.abs(areaOf(ring)) > Math.abs(areaOf(largest)) ? ring : largest));
}

/**
 * The circle through three points; null where they lie on a line.
 * @param {readonly Point[]} points in pixel corners
 * @returns {Shape | null}
 */
export function circleThrough([[x, y], second, third]) {
  const [bx, by, cx, cy] = [second[0] - x, second[1] - y, third[0] - x, third[1] - y];
  const twice = 2 * (bx * cy - by * cx);
  const [b2, c2] = [bx * bx + by * by, cx * cx + cy * cy];
  const [ux, uy] = [(cy * b2 - by * c2) / twice, (bx * c2 - cx * b2) / twice];
  return Math.abs(twice) < 1e-3 * (b2 + c2) ? null : circle([x + ux, y + uy], Math.hypot(ux, uy));
}

/**
 * Both parts of a ring that a straight line cuts (Sutherland and Hodgman 1974); less than three corners for none.
 * @param {readonly Point[]} ring
 * @param {Point} from
 * @param {Point} to
 * @returns {[Point[], Point[]]}
 */
export function cut(ring, from, to) {
  const side = (/** @type {Point} */ [x, y]) => (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]);
  const part = (/** @type {1 | -1} */ sign) => ring.flatMap((point, i) => {
    const next = ring[(i + 1) % ring.length];
    const [here, there] = [sign * side(point), sign * side(next)];
    /** @type {Point[]} */
    const kept = here >= 0 ? [point] : [];
    if (here >= 0 === there >= 0) return kept;
    const share = here / (here - there);
    return [...kept, /** @type {Point} */ ([point[0] + share * (next[0] - point[0]), point[1] + share * (next[1] - point[1])])];
  });
  return [part(1), part(-1)];
}

/**
 * How much of a stretch lies in a ring that it crosses from side to side; 0 where it begins or ends in it.
 * @param {readonly Point[]} ring
 * @param {Point} from
 * @param {Point} to
 */
export function chord(ring, from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const side = (/** @type {Point} */ [x, y]) => dx * (y - from[1]) - dy * (x - from[0]);
  const parts = ring.flatMap((point, i) => {
    const next = ring[(i + 1) % ring.length];
    const [here, there] = [side(point), side(next)];
    if (here >= 0 === there >= 0) return [];
    const share = here / (here - there);
    const [x, y] = [point[0] + share * (next[0] - point[0]), point[1] + share * (next[1] - point[1])];
    return [((x - from[0]) * dx + (y - from[1]) * dy) / (dx * dx + dy * dy)];
  }).sort((one, other) => one - other);
  const before = parts.filter((part) => part < 0).length;
  const within = parts.filter((part) => part >= 0 && part <= 1);
  if (before % 2 || within.length % 2) return 0;
  return Math.hypot(dx, dy) * within.reduce((sum, part, i) => sum + (i % 2 ? part : -part), 0);
}

/**
 * The line through the middle of a ring, across the way in which it is longest.
 * @param {readonly Point[]} ring
 * @returns {[Point, Point]}
 */
export function across(ring) {
  const [x, y] = centreOf(ring);
  const sum = (/** @type {(dx: number, dy: number) => number} */ of) => ring.reduce((total, [px, py]) => total + of(px - x, py - y), 0);
  const angle = Math.atan2(2 * sum((dx, dy) => dx * dy), sum((dx, dy) => dx * dx - dy * dy)) / 2 + Math.PI / 2;
  const reach = Math.max(...ring.map(([px, py]) => Math.hypot(px - x, py - y))) + 1;
  const [dx, dy] = [reach * Math.cos(angle), reach * Math.sin(angle)];
  return [[x - dx, y - dy], [x + dx, y + dy]];
}

/**
 * The tightest convex line round points (Andrew 1979).
 * @param {readonly Point[]} points
 * @returns {Point[]}
 */
export function hull(points) {
  const sorted = [...points].sort(([x1, y1], [x2, y2]) => x1 - x2 || y1 - y2);
  const half = (/** @type {readonly Point[]} */ ordered) => {
    /** @type {Point[]} */
    const line = [];
    for (const point of ordered) {
      while (line.length > 1 && turn(line[line.length - 2], line[line.length - 1], point) <= 0) line.pop();
      line.push(point);
    }
    return line.slice(0, -1);
  };
  return [...half(sorted), ...half([...sorted].reverse())];
}

/** @param {Point} a @param {Point} b @param {Point} c */
const turn = ([ax, ay], [bx, by], [cx, cy]) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);

/**
 * What of a ring lies in a picture.
 * @param {readonly Point[]} ring
 * @param {number} width
 * @param {number} height
 */
function within(ring, width, height) {
  /** @type {Point[]} */
  const corners = [[0, 0], [width, 0], [width, height], [0, height]];
  return corners.reduce((left, corner, i) => cut(left, corner, corners[(i + 1) % 4])[0], [...ring]);
}

/**
 * What a mask of a shape has to show that it is one's own: place, box, area and outline.
 * @param {Shape} shape
 * @param {{width: number, height: number}} picture
 * @returns {Pick<Mask, "bbox" | "area" | "centroid" | "polygons">}
 */
export function silhouette(shape, { width, height }) {
  const ring = within(ringOf(shape), width, height);
  if (ring.length < 3) return { bbox: [0, 0, 0, 0], area: 0, centroid: [0, 0], polygons: [] };
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [x, y] = centreOf(ring);
  return {
    bbox: [left, top, Math.max(...xs) - left, Math.max(...ys) - top],
    area: Math.abs(areaOf(ring)), centroid: [x - 0.5, y - 0.5], polygons: [ring.flat()],
  };
}

/** @param {readonly Point[]} ring */
const areaOf = (ring) => ring.reduce((sum, [x, y], i) => {
  const [nextX, nextY] = ring[(i + 1) % ring.length];
  return sum + (x * nextY - nextX * y) / 2;
}, 0);

/**
 * The centre of what lies in a ring, in pixel corners.
 * @param {readonly Point[]} ring
 * @returns {Point}
 */
export function centreOf(ring) {
  let [x, y] = [0, 0];
  const [originX, originY] = ring[0];
  ring.forEach((point, i) => {
    const next = ring[(i + 1) % ring.length];
    const [px, py, qx, qy] = [point[0] - originX, point[1] - originY, next[0] - originX, next[1] - originY];
    const cross = px * qy - qx * py;
    x += (px + qx) * cross;
    y += (py + qy) * cross;
  });
  const six = 6 * areaOf(ring) || 1;
  return [originX + x / six, originY + y / six];
}

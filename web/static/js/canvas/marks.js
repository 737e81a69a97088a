// What lies over the scene: the item under the pointer, the region, what is being drawn.

/** @import {Item, Point} from "../types.js" */
/** @import {Camera} from "./camera.js" */

/**
 * @typedef {Object} Marks
 * @property {Item | null} hover
 * @property {Item | null} focus
 * @property {readonly Point[]} draft of a region or a line, in pixel corners
 * @property {boolean} closed
 * @property {readonly (readonly Point[])[]} sketches outlines that were drawn and are not answered yet, in pixel corners
 * @property {readonly Point[]} grips middles and rims by which circles are moved and resized, in pixel corners
 * @property {readonly Point[]} pending points that were clicked at and are not answered yet
 */

/** @type {Marks} */
export const NO_MARKS = { hover: null, focus: null, draft: [], closed: false, sketches: [], grips: [], pending: [] };

/**
 * @param {CanvasRenderingContext2D} context in the picture's coordinates
 * @param {Camera} camera
 * @param {Marks} marks
 * @param {readonly Point[] | null} region
 */
export function paintMarks(context, camera, marks, region) {
  context.lineJoin = "round";
  if (region) paintRegion(context, camera, region);
  for (const [item, fill] of /** @type {const} */ ([[marks.focus, 0.28], [marks.hover, 0.16]])) {
    if (!item) continue;
    context.fillStyle = `rgba(255, 255, 255, ${fill})`;
    context.fill(item.fine);
    context.strokeStyle = "#fff";
    context.lineWidth = 2.4 / camera.scale;
    context.stroke(item.fine);
  }
  if (marks.draft.length) paintDraft(context, camera, marks);
  for (const sketch of marks.sketches) {
    context.setLineDash([6 / camera.scale, 4 / camera.scale]);
    context.beginPath();
    trace(context, sketch);
    context.closePath();
    strokeTwice(context, camera);
    context.setLineDash([]);
  }
  for (const [x, y] of marks.grips) {
    context.beginPath();
    context.arc(x, y, 4.5 / camera.scale, 0, 2 * Math.PI);
    strokeTwice(context, camera);
  }
  for (const [x, y] of marks.pending) {
    context.strokeStyle = "#fff";
    context.lineWidth = 2 / camera.scale;
    context.beginPath();
    context.arc(x + 0.5, y + 0.5, 9 / camera.scale, 0, 2 * Math.PI);
    context.stroke();
  }
}

/**
 * Darken what lies outside the region.
 * @param {CanvasRenderingContext2D} context
 * @param {Camera} camera
 * @param {readonly Point[]} region
 */
function paintRegion(context, camera, region) {
  const [left, top, right, bottom] = camera.seen();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  trace(context, region);
  context.closePath();
  context.fillStyle = "rgba(6, 9, 14, 0.5)";
  context.fill("evenodd");
  context.beginPath();
  trace(context, region);
  context.closePath();
  strokeTwice(context, camera);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Camera} camera
 * @param {Marks} marks
 */
function paintDraft(context, camera, { draft, closed }) {
  context.beginPath();
  trace(context, draft);
  if (closed) context.closePath();
  strokeTwice(context, camera);
  context.fillStyle = "#fff";
  for (const [x, y] of [draft[0], draft[draft.length - 1]]) {
    context.beginPath();
    context.arc(x, y, 3.5 / camera.scale, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * White on black, to be seen on any picture.
 * @param {CanvasRenderingContext2D} context
 * @param {Camera} camera
 */
function strokeTwice(context, camera) {
  context.lineWidth = 3 / camera.scale;
  context.strokeStyle = "rgba(10, 14, 20, 0.8)";
  context.stroke();
  context.lineWidth = 1.5 / camera.scale;
  context.strokeStyle = "#fff";
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly Point[]} points
 */
function trace(context, points) {
  context.moveTo(...points[0]);
  for (const point of points.slice(1)) context.lineTo(...point);
}

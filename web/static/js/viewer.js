// The canvas: a picture, the outlines over it, and what the pointer is about.

/** @import {Item, Kind, Point, Selection} from "./types.js" */
import { Camera } from "./camera.js";
import { EXCLUDED_COLOUR, FAINT_COLOUR } from "./colour.js";
import { Grid } from "./grid.js";
import { levelFor } from "./pyramid.js";

const FEW = 500; // items that are drawn one by one, with all their points
const PIXELS_FROM = 3; // scale from which single pixels are shown
const WIDTH = 1.6; // of a line, in CSS pixels

/**
 * @typedef {Object} Scene
 * @property {ImageBitmap | null} bitmap
 * @property {number} width of the picture
 * @property {number} height
 * @property {readonly Item[]} items
 * @property {Selection} selection
 * @property {(item: Item) => string} colour of what is kept
 * @property {Record<Kind, boolean>} shown
 * @property {boolean} outlines
 * @property {readonly Point[] | null} region
 */

/**
 * @typedef {Object} Marks what lies over the scene
 * @property {Item | null} hover
 * @property {Item | null} focus
 * @property {readonly Point[]} draft of a region or a line, in pixel corners
 * @property {boolean} closed
 * @property {readonly Point[]} pending points that were clicked at and are not answered yet
 */

export class Viewer {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLCanvasElement} overlay
   */
  constructor(canvas, overlay) {
    this.canvas = canvas;
    this.overlay = overlay;
    this.camera = new Camera();
    /** @type {Scene | null} */
    this.scene = null;
    /** @type {Marks} */
    this.marks = { hover: null, focus: null, draft: [], closed: false, pending: [] };
    /** @type {Grid | null} */
    this.grid = null;
    /** @type {Map<string, Path2D>} */
    this.batches = new Map();
    this.stale = { scene: false, marks: false };
    /** @type {() => void} */
    this.onmove = () => {};
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /**
   * Show a scene; the view stays where it is if the picture's size does.
   * @param {Scene} scene
   * @param {boolean} fresh another picture
   */
  show(scene, fresh) {
    const before = this.scene;
    this.scene = scene;
    if (before?.items !== scene.items) this.grid = new Grid(scene.items, scene.width, scene.height);
    this.batches.clear();
    const { camera } = this;
    const resized = camera.pictureWidth !== scene.width || camera.pictureHeight !== scene.height;
    [camera.pictureWidth, camera.pictureHeight] = [scene.width, scene.height];
    if (fresh || resized) camera.fit();
    this.repaint();
  }

  /** @param {Partial<Marks>} change */
  mark(change) {
    this.marks = { ...this.marks, ...change };
    this.schedule("marks");
  }

  repaint() {
    this.schedule("scene");
    this.schedule("marks");
    this.onmove();
  }

  /**
   * The item at a point of the screen that can be seen there.
   * @param {number} x
   * @param {number} y
   */
  hit(x, y) {
    const { scene, grid } = this;
    if (!scene || !grid || !scene.outlines) return null;
    const [pictureX, pictureY] = this.camera.toPicture(x, y);
    return grid.at(
      pictureX, pictureY, (item) => scene.selection.fates[item.key] !== "absent" && scene.shown[item.mask.kind],
    );
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.max(1, Math.round(clientWidth * devicePixelRatio));
      canvas.height = Math.max(1, Math.round(clientHeight * devicePixelRatio));
    }
    [this.camera.width, this.camera.height] = [clientWidth, clientHeight];
    if (this.camera.fitted) this.camera.fit();
    this.repaint();
  }

  /** @param {"scene" | "marks"} what */
  schedule(what) {
    const waiting = this.stale.scene || this.stale.marks;
    this.stale[what] = true;
    if (waiting) return;
    requestAnimationFrame(() => {
      const { scene, marks } = this.stale;
      this.stale = { scene: false, marks: false };
      if (scene) this.paintScene();
      if (marks) this.paintMarks();
    });
  }

  paintScene() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: true }));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const { scene } = this;
    if (!scene) return;
    this.place(context);
    if (scene.bitmap) {
      const scale = this.camera.scale * devicePixelRatio;
      context.imageSmoothingEnabled = scale < PIXELS_FROM;
      context.drawImage(levelFor(scene.bitmap, scale), 0, 0, scene.width, scene.height);
    }
    if (scene.outlines) this.paintOutlines(context, scene);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Scene} scene
   */
  paintOutlines(context, scene) {
    context.lineJoin = "round";
    context.lineWidth = WIDTH / this.camera.scale;
    const [left, top, right, bottom] = this.camera.seen();
    const seen = /** @type {Grid} */ (this.grid).within(left, top, right, bottom);
    if (seen.size > FEW) {
      if (!this.batches.size) this.batch(scene.items, scene);
      for (const [colour, path] of this.batches) {
        context.strokeStyle = colour;
        context.stroke(path);
      }
      return;
    }
    for (const item of seen) {
      const colour = colourOf(item, scene);
      if (!colour) continue;
      context.strokeStyle = colour;
      context.setLineDash(colour === EXCLUDED_COLOUR ? [5 / this.camera.scale, 4 / this.camera.scale] : []);
      context.stroke(item.fine);
    }
    context.setLineDash([]);
  }

  /**
   * One path for all outlines of a colour.
   * @param {readonly Item[]} items
   * @param {Scene} scene
   */
  batch(items, scene) {
    for (const item of items) {
      const colour = colourOf(item, scene);
      if (!colour) continue;
      const path = this.batches.get(colour) ?? new Path2D();
      path.addPath(item.coarse);
      this.batches.set(colour, path);
    }
  }

  paintMarks() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.overlay.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.overlay.width, this.overlay.height);
    const { scene, marks, camera } = this;
    if (!scene) return;
    this.place(context);
    context.lineJoin = "round";
    if (scene.region) this.paintRegion(context, scene.region);
    for (const [item, fill] of /** @type {const} */ ([[marks.focus, 0.28], [marks.hover, 0.16]])) {
      if (!item) continue;
      context.fillStyle = `rgba(255, 255, 255, ${fill})`;
      context.fill(item.fine);
      context.strokeStyle = "#fff";
      context.lineWidth = 2.4 / camera.scale;
      context.stroke(item.fine);
    }
    if (marks.draft.length) this.paintDraft(context);
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
   * @param {readonly Point[]} region
   */
  paintRegion(context, region) {
    const { camera } = this;
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
    this.strokeDraft(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  paintDraft(context) {
    context.beginPath();
    trace(context, this.marks.draft);
    if (this.marks.closed) context.closePath();
    this.strokeDraft(context);
    context.fillStyle = "#fff";
    for (const [x, y] of [this.marks.draft[0], this.marks.draft[this.marks.draft.length - 1]]) {
      context.beginPath();
      context.arc(x, y, 3.5 / this.camera.scale, 0, 2 * Math.PI);
      context.fill();
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  strokeDraft(context) {
    context.lineWidth = 3 / this.camera.scale;
    context.strokeStyle = "rgba(10, 14, 20, 0.8)";
    context.stroke();
    context.lineWidth = 1.5 / this.camera.scale;
    context.strokeStyle = "#fff";
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context */
  place(context) {
    const { scale, left, top } = this.camera;
    const ratio = devicePixelRatio;
    context.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
  }
}

/**
 * @param {Item} item
 * @param {Pick<Scene, "selection" | "colour" | "shown">} scene
 * @returns {string | null} null for what is not drawn
 */
export function colourOf(item, scene) {
  const fate = scene.selection.fates[item.key];
  if (fate === "absent" || !scene.shown[item.mask.kind]) return null;
  if (fate === "kept") return scene.colour(item);
  return fate === "excluded" ? EXCLUDED_COLOUR : FAINT_COLOUR;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly Point[]} points
 */
function trace(context, points) {
  context.moveTo(...points[0]);
  for (const point of points.slice(1)) context.lineTo(...point);
}

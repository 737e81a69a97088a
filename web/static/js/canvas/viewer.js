// The canvas. A painted scene is kept with a margin, so that panning only moves it.

/** @import {Marks} from "./marks.js" */
/** @import {Scene} from "./scene.js" */
import { Camera } from "./camera.js";
import { Grid } from "./grid.js";
import { NO_MARKS, paintMarks } from "./marks.js";
import { HIDDEN, paintOutlines, paintPicture } from "./scene.js";

const LINE = 1.6; // CSS pixels
const MARGIN = 240; // CSS pixels that are painted beyond the window
const SETTLE = 90; // ms after the last zoom until the picture is painted sharp

/**
 * @typedef {Object} Painted a scene as it was painted last
 * @property {HTMLCanvasElement} canvas
 * @property {Scene} scene
 * @property {number} scale
 * @property {number} left of the painted part, in device pixels from the picture's corner
 * @property {number} top
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
    /** @type {Painted | null} */
    this.painted = null;
    this.marks = NO_MARKS;
    /** @type {Grid | null} */
    this.grid = null;
    this.stale = { scene: false, marks: false };
    this.settling = 0;
    /** @type {() => void} */
    this.onmove = () => {};
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /**
   * Show a scene; the view stays where it is as long as the picture and its size do.
   * @param {Scene} scene
   */
  show(scene) {
    const fresh = this.scene?.picture !== scene.picture;
    if (this.scene?.items !== scene.items) this.grid = new Grid(scene.items, scene.width, scene.height);
    this.scene = scene;
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

  /** The camera has moved, or there is something new to see. */
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
    const { selection, shown } = scene;
    return grid.at(...this.camera.toPicture(x, y), ({ key, mask }) => !HIDDEN.includes(selection.fates[key]) && shown[mask.kind]);
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.max(1, Math.round(clientWidth * devicePixelRatio));
      canvas.height = Math.max(1, Math.round(clientHeight * devicePixelRatio));
    }
    [this.camera.width, this.camera.height] = [clientWidth, clientHeight];
    if (this.camera.fitted) this.camera.fit();
    this.painted = null;
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
      if (marks) this.paintOver();
    });
  }

  paintScene() {
    const context = cleared(this.canvas);
    const { scene, camera } = this;
    if (!scene) return;
    const zooming = this.painted?.scene === scene && this.painted.scale !== camera.scale;
    if (zooming) {
      this.place(context);
      paintPicture(context, scene, camera.scale * devicePixelRatio);
      this.settle();
    } else if (!this.covers(scene)) this.painted = this.paint(scene);
    const { canvas, scale, left, top } = /** @type {Painted} */ (this.painted);
    const [cornerX, cornerY] = this.corner();
    const stretch = camera.scale / scale;
    context.setTransform(stretch, 0, 0, stretch, cornerX, cornerY);
    context.drawImage(canvas, left, top);
  }

  /** Paint sharp when the zooming has come to an end. */
  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.painted = null;
      this.schedule("scene");
    }, SETTLE);
  }

  /**
   * Whether what has been painted holds all that is seen.
   * @param {Scene} scene
   */
  covers(scene) {
    const { painted } = this;
    if (!painted || painted.scene !== scene) return false;
    const [left, top, right, bottom] = this.window(0);
    return left >= painted.left && top >= painted.top
      && right <= painted.left + painted.canvas.width && bottom <= painted.top + painted.canvas.height;
  }

  /**
   * The part of the picture that lies in the window and `margin` around it: left, top, right and bottom in
   * device pixels from the picture's corner.
   * @param {number} margin in CSS pixels
   */
  window(margin) {
    const ratio = devicePixelRatio;
    const [cornerX, cornerY] = this.corner();
    const { scale, pictureWidth, pictureHeight } = this.camera;
    const within = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.ceil(most), Math.max(0, value));
    const [width, height] = [pictureWidth * scale * ratio, pictureHeight * scale * ratio];
    const beyond = Math.ceil(margin * ratio);
    return [
      within(-cornerX - beyond, width), within(-cornerY - beyond, height),
      within(this.canvas.width - cornerX + beyond, width), within(this.canvas.height - cornerY + beyond, height),
    ];
  }

  /** @param {Scene} scene @returns {Painted} */
  paint(scene) {
    const scale = this.camera.scale * devicePixelRatio;
    const [left, top, right, bottom] = this.window(MARGIN);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.max(1, right - left), Math.max(1, bottom - top)];
    const context = cleared(canvas);
    context.setTransform(scale, 0, 0, scale, -left, -top);
    paintPicture(context, scene, scale);
    if (scene.outlines && this.grid) {
      const items = this.grid.within(left / scale, top / scale, right / scale, bottom / scale);
      paintOutlines(context, scene, items, scale, LINE / this.camera.scale);
    }
    return { canvas, scene, scale: this.camera.scale, left, top };
  }

  paintOver() {
    const context = cleared(this.overlay);
    if (!this.scene) return;
    this.place(context);
    paintMarks(context, this.camera, this.marks, this.scene.region);
  }

  /** @returns {[number, number]} the picture's corner on the canvas, in whole device pixels */
  corner() {
    return [Math.round(this.camera.left * devicePixelRatio), Math.round(this.camera.top * devicePixelRatio)];
  }

  /** @param {CanvasRenderingContext2D} context */
  place(context) {
    const scale = this.camera.scale * devicePixelRatio;
    context.setTransform(scale, 0, 0, scale, ...this.corner());
  }
}

/** @param {HTMLCanvasElement} canvas */
function cleared(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

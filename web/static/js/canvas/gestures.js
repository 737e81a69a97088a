// Pointer, wheel and pinch over the canvas: panning, zooming, and what the chosen tool makes of the rest.

/** @import {Point, Tool} from "../types.js" */
/** @import {Viewer} from "./viewer.js" */

const STILL = 5; // CSS pixels that a click may move
/** @type {Tool[]} tools that draw round something */
const ENCLOSING = ["region", "lasso"];
/** @type {Tool[]} tools that draw from one point to another */
const LINES = ["measure", "circle", "split"];
const ON_RIM = 3; // clicks that tell a circle
const CLOSE = 12; // to a polygon's first corner

/**
 * @typedef {Object} Acts what gestures lead to; points are in pixel corners of the picture
 * @property {() => Tool} tool
 * @property {(x: number, y: number) => void} pick a click with the tool "select" or "merge", on the screen
 * @property {(point: Point) => void} add
 * @property {(area: Point[]) => void} enclose a closed outline, by a tool that draws round something
 * @property {(from: Point, to: Point) => void} line by a tool that draws from one point to another
 * @property {(points: Point[]) => void} rim three points of a circle
 * @property {(points: Point[]) => {draft: Point[], closed: boolean}} sketch how what has been drawn so far looks
 * @property {(x: number, y: number) => void} hover
 * @property {() => void} leave
 */

export class Gestures {
  /**
   * @param {Viewer} viewer
   * @param {Acts} acts
   */
  constructor(viewer, acts) {
    this.viewer = viewer;
    this.acts = acts;
    /** @type {Map<number, Point>} where each pointer is on the screen */
    this.pointers = new Map();
    /** @type {{start: Point, moved: boolean, pan: boolean} | null} */
    this.press = null;
    /** @type {Point[]} corners of the polygon in the making */
    this.corners = [];
    this.pinch = 0;
    this.space = false;
    const { canvas } = viewer;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.lost(event));
    canvas.addEventListener("pointerleave", () => this.acts.leave());
    canvas.addEventListener("dblclick", () => this.finish());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Give up what is being drawn. @returns {boolean} whether there was anything */
  cancel() {
    const drawing = this.corners.length > 0;
    this.corners = [];
    this.viewer.mark({ draft: [] });
    return drawing;
  }

  /** Close the polygon in the making. */
  finish() {
    if (!ENCLOSING.includes(this.acts.tool())) return;
    const corners = this.corners;
    this.cancel();
    if (corners.length >= 3) this.acts.enclose(corners);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const at = this.place(event);
    this.viewer.canvas.setPointerCapture(event.pointerId);
    this.viewer.canvas.focus({ preventScroll: true });
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) {
      this.pinch = this.spread();
      this.press = null;
      this.cancel();
      return;
    }
    const tool = this.acts.tool();
    const drawing = (ENCLOSING.includes(tool) || LINES.includes(tool)) && event.button === 0 && !this.space;
    this.press = { start: at, moved: false, pan: !drawing };
    if (LINES.includes(tool) && drawing) this.corners = [this.picture(at)];
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.place(event);
    const before = this.pointers.get(event.pointerId);
    if (before) this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) return this.pinched();
    if (!before || !this.press) {
      this.acts.hover(...at);
      if (this.corners.length) this.viewer.mark(this.acts.sketch([...this.corners, this.picture(at)]));
      return;
    }
    const { press } = this;
    press.moved ||= Math.hypot(at[0] - press.start[0], at[1] - press.start[1]) > STILL;
    if (!press.moved) return;
    this.acts.leave();
    if (press.pan) {
      this.viewer.camera.pan(at[0] - before[0], at[1] - before[1]);
      this.viewer.repaint();
    } else this.draw(at, event.shiftKey);
  }

  /** @param {PointerEvent} event */
  up(event) {
    const at = this.place(event);
    this.pointers.delete(event.pointerId);
    const press = this.press;
    this.press = null;
    if (!press) return;
    const tool = this.acts.tool();
    if (press.pan) {
      if (press.moved || event.button !== 0) return;
      if (tool === "select" || tool === "merge") this.acts.pick(...at);
      else if (tool === "add") this.acts.add(this.picture(at));
      else if (tool === "rim") this.corner(at);
    } else if (LINES.includes(tool)) {
      const from = this.corners[0];
      this.cancel();
      if (press.moved) this.acts.line(from, this.picture(at));
    } else if (press.moved) this.finish();
    else this.corner(at);
  }

  /** @param {PointerEvent} event */
  lost(event) {
    this.pointers.delete(event.pointerId);
    this.press = null;
    this.cancel();
  }

  /**
   * A line is drawn to `at`: its end, a rectangle's corner, or on along a free outline.
   * @param {Point} at
   * @param {boolean} rectangle
   */
  draw(at, rectangle) {
    const point = this.picture(at);
    if (LINES.includes(this.acts.tool())) {
      this.viewer.mark(this.acts.sketch([this.corners[0], point]));
      return;
    }
    if (!this.corners.length) this.corners = [this.picture(/** @type {NonNullable<typeof this.press>} */ (this.press).start)];
    const [first] = this.corners;
    if (rectangle) this.corners = [first, [point[0], first[1]], point, [first[0], point[1]]];
    else this.corners.push(point);
    this.viewer.mark({ draft: this.corners, closed: true });
  }

  /**
   * A click sets a corner of a polygon, which one on the first corner closes, or a point of a circle's rim.
   * @param {Point} at
   */
  corner(at) {
    if (this.acts.tool() === "rim") {
      const points = [...this.corners, this.picture(at)];
      if (points.length === ON_RIM) {
        this.cancel();
        return this.acts.rim(points);
      }
      this.corners = points;
      this.viewer.mark(this.acts.sketch(points));
      return;
    }
    if (this.corners.length >= 3) {
      const [x, y] = this.viewer.camera.toScreen(...this.corners[0]);
      if (Math.hypot(x - at[0], y - at[1]) < CLOSE) return this.finish();
    }
    this.corners = [...this.corners, this.picture(at)];
    this.viewer.mark({ draft: this.corners, closed: false });
  }

  pinched() {
    const spread = this.spread();
    const [[x1, y1], [x2, y2]] = this.pointers.values();
    this.viewer.camera.zoom(spread / this.pinch, (x1 + x2) / 2, (y1 + y2) / 2);
    this.pinch = spread;
    this.viewer.repaint();
  }

  spread() {
    const [[x1, y1], [x2, y2]] = this.pointers.values();
    return Math.max(1, Math.hypot(x1 - x2, y1 - y2));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const step = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 30;
    const speed = event.ctrlKey ? 0.01 : 0.0018; // a pinch on a touchpad comes as a wheel with Ctrl
    this.viewer.camera.zoom(Math.exp(-step * speed), ...this.place(event));
    this.viewer.repaint();
  }

  /** @param {MouseEvent} event @returns {Point} */
  place(event) {
    const box = this.viewer.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {Point} at @returns {Point} */
  picture(at) {
    const { camera } = this.viewer;
    const [x, y] = camera.toPicture(...at);
    return [Math.min(camera.pictureWidth, Math.max(0, x)), Math.min(camera.pictureHeight, Math.max(0, y))];
  }
}

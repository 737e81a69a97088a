// The tools that correct outlines by hand: what a line, three clicks, a second click and the keyboard mean.

/** @import {Viewer} from "./canvas/viewer.js" */
/** @import {Item, Picture, Point, Shape} from "./types.js" */
import { failed } from "./dialogs.js";
import { circleBy, drawCircle, gripsOf, merge, splitAlong, splitInTwo, stepped, usualCircle } from "./drawing.js";
import { selected } from "./filters.js";
import { say, tell } from "./notices.js";
import { circleThrough, ringOf } from "./shapes.js";
import { current, now, set } from "./state.js";

const REACH = 9; // CSS pixels from a handle in which it is held
const SETTLE = 500; // ms after the last step of a circle until it is drawn

export class Hand {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Item | null} the first of two that are to be merged */
    this.first = null;
    /** @type {{item: Item, dx: number, dy: number, wider: number} | null} steps that are not drawn yet */
    this.steps = null;
    this.settling = 0;
  }

  /** Give up what was begun, and show the handles of what can be held now. */
  restart() {
    const [picture, { tool }] = [current(), now()];
    if (tool !== "merge" || !picture?.items.some((item) => item === this.first)) this.first = null;
    this.viewer.mark({ grips: picture && tool === "circle" ? gripsOf(picture) : [] });
  }

  /**
   * How what has been drawn so far looks.
   * @param {Point[]} points in pixel corners
   */
  sketch(points) {
    const { tool } = now();
    const shape = tool === "circle" ? this.circle(points[0], points[1]).shape : tool === "rim" && points.length === 3 ? circleThrough(points) : null;
    return shape ? { draft: ringOf(shape), closed: true } : { draft: points, closed: false };
  }

  /**
   * A line was drawn: a circle's radius, or a cut.
   * @param {Point} from in pixel corners
   * @param {Point} to
   */
  line(from, to) {
    const picture = current();
    if (!picture?.answer) return;
    if (now().tool === "split") return void this.ask(() => splitAlong(picture, from, to));
    const { shape, old } = this.circle(from, to);
    void this.ask(() => drawCircle(picture, shape, old), [shape]);
  }

  /**
   * Three points of a circle were clicked on.
   * @param {Point[]} points in pixel corners
   */
  rim(points) {
    const [picture, shape] = [current(), circleThrough(points)];
    if (!shape) tell("These points lie on a line.");
    else if (picture?.answer) void this.ask(() => drawCircle(picture, shape), [shape]);
  }

  /**
   * One of two items that are to be merged was pointed at.
   * @param {Picture} picture
   * @param {Item} item
   */
  join(picture, item) {
    if (!counts(picture, item)) return tell("Only what counts can be merged.");
    const other = this.first && this.first !== item ? this.first : null;
    this.first = other ? null : item;
    set({ focus: item.key });
    if (other) void this.ask(() => merge(picture, other, item));
    else tell("Now the other one.");
  }

  /** Use the tool without a pointer: in the middle of what is seen, or on the chosen item. */
  act() {
    const [picture, { tool, focus }] = [current(), now()];
    if (!picture?.answer) return;
    const item = focus === null ? null : picture.items[focus];
    if (tool === "circle") {
      const [left, top, right, bottom] = this.viewer.camera.seen();
      const shape = usualCircle(picture, [(left + right) / 2, (top + bottom) / 2]);
      void this.ask(() => drawCircle(picture, shape), [shape]);
    } else if (!item) say("No droplet is chosen; N goes to the next one.");
    else if (tool === "split" && !counts(picture, item)) tell("Only what counts can be split.");
    else if (tool === "split") void this.ask(() => splitInTwo(picture, item));
    else if (tool === "merge") this.join(picture, item);
  }

  /**
   * Move or resize the chosen circle; steps that follow each other closely are drawn as one.
   * @param {number} dx pixels to the right
   * @param {number} dy down
   * @param {number} wider of the radius
   */
  nudge(dx, dy, wider) {
    const [picture, { focus }] = [current(), now()];
    const item = focus === null ? null : picture?.items[focus];
    const before = this.steps?.item === item && this.steps ? this.steps : { dx: 0, dy: 0, wider: 0 };
    const steps = { dx: before.dx + dx, dy: before.dy + dy, wider: before.wider + wider };
    const shape = item ? stepped(item, steps.dx, steps.dy, steps.wider) : null;
    if (!picture || !item || !shape) return say("No circle that was drawn is chosen; N goes to the next object.");
    this.steps = { item, ...steps };
    this.viewer.mark({ draft: ringOf(shape), closed: true });
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.steps = null;
      this.viewer.mark({ draft: [] });
      void this.ask(() => drawCircle(picture, shape, item), [shape]);
    }, SETTLE);
  }

  /**
   * The circle that a line draws, moves or resizes.
   * @param {Point} from in pixel corners
   * @param {Point} to
   */
  circle(from, to) {
    return circleBy(current(), from, to, REACH / this.viewer.camera.scale);
  }

  /**
   * Do what was asked for, show it until the service has measured it, and tell what came of it.
   * @param {() => Promise<string>} act
   * @param {Shape[]} shapes
   */
  async ask(act, shapes = []) {
    const { viewer } = this;
    const rings = shapes.map(ringOf);
    viewer.mark({ sketches: [...viewer.marks.sketches, ...rings] });
    try {
      tell(await act());
    } catch (error) {
      failed(error);
    } finally {
      viewer.mark({ sketches: viewer.marks.sketches.filter((each) => !rings.some((ring) => ring === each)) });
    }
  }
}

/** @param {Picture} picture @param {Item} item */
const counts = (picture, { key }) => selected(picture, now().filters).fates[key] === "kept";

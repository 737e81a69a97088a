// Which items lie at a point or in a window, without looking at all of them.

/** @import {Item} from "../types.js" */
import { inside } from "../outline.js";

const CELLS = 48; // along the picture's longer side

export class Grid {
  /**
   * @param {readonly Item[]} items
   * @param {number} width of the picture
   * @param {number} height
   */
  constructor(items, width, height) {
    this.size = Math.max(width, height) / CELLS;
    this.columns = Math.ceil(width / this.size);
    this.rows = Math.ceil(height / this.size);
    /** @type {Item[][]} */
    this.cells = Array.from({ length: this.columns * this.rows }, () => []);
    for (const item of items) {
      const [x, y, w, h] = item.mask.bbox;
      for (const cell of this.over(x, y, x + w, y + h)) cell.push(item);
    }
  }

  /**
   * The smallest item whose mask covers a point.
   * @param {number} x in pixel corners
   * @param {number} y
   * @param {(item: Item) => boolean} wanted
   * @returns {Item | null}
   */
  at(x, y, wanted) {
    /** @type {Item | null} */
    let best = null;
    for (const cell of this.over(x, y, x, y)) {
      for (const item of cell) {
        const smaller = !best || item.mask.area < best.mask.area;
        if (smaller && wanted(item) && inside(item.mask.polygons, x, y)) best = item;
      }
    }
    return best;
  }

  /**
   * The items whose boxes may meet a window.
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  within(left, top, right, bottom) {
    /** @type {Set<Item>} */
    const found = new Set();
    for (const cell of this.over(left, top, right, bottom)) for (const item of cell) found.add(item);
    return found;
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   */
  *over(left, top, right, bottom) {
    const bound = (/** @type {number} */ value, /** @type {number} */ most) =>
      Math.min(most - 1, Math.max(0, Math.floor(value / this.size)));
    for (let row = bound(top, this.rows); row <= bound(bottom, this.rows); row++) {
      for (let column = bound(left, this.columns); column <= bound(right, this.columns); column++) {
        yield this.cells[row * this.columns + column];
      }
    }
  }
}

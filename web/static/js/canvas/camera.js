// Where the picture lies on the screen.

const MOST = 40; // screen pixels a picture's pixel
const PAD = 24;

export class Camera {
  constructor() {
    this.scale = 1;
    this.left = 0; // of the picture's corner on the screen, in CSS pixels
    this.top = 0;
    this.width = 1; // of the window
    this.height = 1;
    this.pictureWidth = 1;
    this.pictureHeight = 1;
    this.fitted = true;
  }

  /** The scale at which the whole picture is seen. */
  get fitScale() {
    const across = (this.width - 2 * PAD) / this.pictureWidth;
    return Math.max(0.01, Math.min(across, (this.height - 2 * PAD) / this.pictureHeight, MOST));
  }

  fit() {
    this.scale = this.fitScale;
    this.left = (this.width - this.pictureWidth * this.scale) / 2;
    this.top = (this.height - this.pictureHeight * this.scale) / 2;
    this.fitted = true;
  }

  /**
   * @param {number} factor
   * @param {number} [x] the point of the screen that stays where it is; the middle by default
   * @param {number} [y]
   */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(MOST, Math.max(this.fitScale / 2, this.scale * factor));
    const change = scale / this.scale;
    this.left = x - (x - this.left) * change;
    this.top = y - (y - this.top) * change;
    this.scale = scale;
    this.pan(0, 0);
  }

  /**
   * @param {number} dx in CSS pixels
   * @param {number} dy
   */
  pan(dx, dy) {
    const reach = (/** @type {number} */ at, /** @type {number} */ size, /** @type {number} */ window) =>
      Math.min(window - 2 * PAD, Math.max(2 * PAD - size, at));
    this.left = reach(this.left + dx, this.pictureWidth * this.scale, this.width);
    this.top = reach(this.top + dy, this.pictureHeight * this.scale, this.height);
    this.fitted = false;
  }

  /**
   * Bring a point of the picture to the middle.
   * @param {number} x
   * @param {number} y
   * @param {number} least scale
   */
  centre(x, y, least) {
    this.scale = Math.max(this.scale, Math.min(MOST, least));
    this.left = this.width / 2 - x * this.scale;
    this.top = this.height / 2 - y * this.scale;
    this.fitted = false;
  }

  /** @param {number} x @param {number} y @returns {[number, number]} of the picture, in pixel corners */
  toPicture(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toScreen(x, y) {
    return [x * this.scale + this.left, y * this.scale + this.top];
  }

  /** The part of the picture that is seen: left, top, right, bottom. */
  seen() {
    return [...this.toPicture(0, 0), ...this.toPicture(this.width, this.height)];
  }
}

// A range with two thumbs (or one), the values' distribution behind it, and its ends as numbers.

import { h, s } from "../dom.js";
import { number } from "../format.js";
import { counts } from "../statistics.js";

const STEPS = 400;
const BINS = 60;

/**
 * @typedef {Object} Given
 * @property {string} label
 * @property {boolean} lower whether it has a lower thumb
 * @property {boolean} upper
 * @property {() => [number | null, number | null]} limits as they are now, lower and upper; null for no limit
 * @property {(low: number | null, high: number | null) => void} onchange null for no limit
 */

export class Range {
  /** @param {Given} given */
  constructor(given) {
    this.given = given;
    this.ends = [0, 1];
    this.empty = true;
    this.unit = "";
    this.low = this.thumb(`${given.label}: lowest`, given.lower, 0);
    this.high = this.thumb(`${given.label}: highest`, given.upper, 1);
    this.lowText = this.field(`${given.label}: lowest, as a number`, given.lower, 0);
    this.highText = this.field(`${given.label}: highest, as a number`, given.upper, 1);
    this.shape = s("path", { class: "density" });
    this.unitText = h("span", { class: "muted" });
    this.track = h("span", { class: "range-track" });
    this.element = h(
      "div", { class: "range", role: "group", "aria-label": given.label },
      h("div", { class: "range-head" }, h("span", {}, given.label, " ", this.unitText),
        h("span", { class: "range-ends" }, given.lower && this.lowText, given.lower && given.upper && "–", given.upper && this.highText)),
      h("div", { class: "range-body" },
        s("svg", { viewBox: `0 0 ${BINS} 1`, preserveAspectRatio: "none", "aria-hidden": "true" }, this.shape),
        this.track, given.lower && this.low, given.upper && this.high),
    );
  }

  /**
   * Show values and limits.
   * @param {readonly number[]} values
   * @param {number | null} low
   * @param {number | null} high
   * @param {string} unit
   */
  show(values, low, high, unit) {
    const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    this.ends = [least, most > least ? most : least + 1];
    this.empty = !values.length;
    this.unitText.textContent = unit;
    this.draw(values);
    this.place(low, high);
  }

  /** @param {readonly number[]} values */
  draw(values) {
    const [least, most] = this.ends;
    const edges = Array.from({ length: BINS + 1 }, (_, i) => least + ((most - least) * i) / BINS);
    const bins = counts(values, edges);
    const tallest = Math.max(1, ...bins);
    this.shape.setAttribute("d", bins.map((count, i) => `M${i},1v${-Math.sqrt(count / tallest)}h1V1z`).join(""));
  }

  /**
   * @param {number | null} low
   * @param {number | null} high
   */
  place(low, high) {
    const [least, most] = this.ends;
    const part = (/** @type {number} */ value) => Math.min(1, Math.max(0, (value - least) / (most - least)));
    const [from, to] = [low === null ? 0 : part(low), high === null ? 1 : part(high)];
    if (document.activeElement !== this.low) this.low.value = String(Math.round(from * STEPS));
    if (document.activeElement !== this.high) this.high.value = String(Math.round(to * STEPS));
    for (const [text, value, end] of /** @type {const} */ ([[this.lowText, low, least], [this.highText, high, most]])) {
      if (document.activeElement !== text) text.value = value === null ? "" : trimmed(value);
      text.placeholder = this.empty ? "" : trimmed(end);
    }
    this.low.setAttribute("aria-valuetext", low === null ? "no limit" : number(low, 4));
    this.high.setAttribute("aria-valuetext", high === null ? "no limit" : number(high, 4));
    this.track.style.setProperty("--from", String(from));
    this.track.style.setProperty("--to", String(to));
    this.element.classList.toggle("set", low !== null || high !== null);
  }

  /**
   * A thumb was moved: the other end stays, unless it is pushed along.
   * @param {0 | 1} end
   */
  moved(end) {
    const [least, most] = this.ends;
    const step = Number((end ? this.high : this.low).value);
    const limits = this.given.limits();
    limits[end] = step === (end ? STEPS : 0) ? null : least + ((most - least) * step) / STEPS;
    if (crossed(limits)) limits[end ? 0 : 1] = limits[end];
    this.given.onchange(...limits);
  }

  /**
   * A number was typed: the other end stays, unless the two have to be swapped.
   * @param {0 | 1} end
   */
  typed(end) {
    const typed = (end ? this.highText : this.lowText).valueAsNumber;
    const limits = this.given.limits();
    limits[end] = Number.isFinite(typed) ? typed : null;
    if (crossed(limits)) limits.reverse();
    this.given.onchange(...limits);
  }

  /** @param {string} label @param {boolean} there @param {0 | 1} end */
  thumb(label, there, end) {
    return h("input", { type: "range", min: 0, max: STEPS, "aria-label": label, disabled: !there, oninput: () => this.moved(end) });
  }

  /** @param {string} label @param {boolean} there @param {0 | 1} end */
  field(label, there, end) {
    return h("input", { type: "number", step: "any", class: "range-field", "aria-label": label, disabled: !there, onchange: () => this.typed(end) });
  }
}

/** @param {[number | null, number | null]} limits */
const crossed = ([low, high]) => low !== null && high !== null && low > high;

/** @param {number} value */
const trimmed = (value) => String(Number(value.toPrecision(4)));

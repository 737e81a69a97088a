// What the charts share: a frame with axes, and the way from figures to its pixels.

import { s } from "../dom.js";
import { tick } from "../format.js";

export const MARGIN = { left: 40, right: 10, top: 8, bottom: 34 };

/**
 * Round figures between two ends, at most `most` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 */
export function ticks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(1, Math.floor(high / step + 1e-9) - first + 1) }, (_, i) => (first + i) * step);
}

/**
 * @typedef {Object} Frame
 * @property {SVGSVGElement} svg
 * @property {number} width
 * @property {number} height
 * @property {(value: number) => number} x
 * @property {(value: number) => number} y
 * @property {(event: PointerEvent) => [number, number]} at where the pointer is, in figures
 */

/**
 * A new chart in a place of the page.
 * @param {Element} place
 * @param {Object} what
 * @param {string} what.label for who cannot see it
 * @param {string} what.across title of the axis across
 * @param {string} what.up
 * @param {[number, number]} what.xs ends of the axis
 * @param {[number, number]} what.ys
 * @param {number} [what.height]
 * @param {boolean} [what.numbered] with numbers along the axis across
 * @returns {Frame}
 */
export function frame(place, { label, across, up, xs, ys, height = 200, numbered = true }) {
  const width = Math.max(200, place.clientWidth);
  const { left, right, top, bottom } = MARGIN;
  const scale = (/** @type {[number, number]} */ [low, high], /** @type {number} */ from, /** @type {number} */ to) =>
    (/** @type {number} */ value) => from + ((value - low) / (high - low || 1)) * (to - from);
  const x = scale(xs, left, width - right);
  const y = scale(ys, height - bottom, top);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
  for (const value of ticks(...ys, 4)) {
    svg.append(
      s("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      s("text", { class: "tick", x: left - 6, y: y(value) + 3.5, "text-anchor": "end" }, tick(value)),
    );
  }
  for (const value of numbered ? ticks(...xs, Math.floor(width / 64)) : []) {
    svg.append(s("text", { class: "tick", x: x(value), y: height - bottom + 14, "text-anchor": "middle" }, tick(value)));
  }
  svg.append(
    s("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    s("text", { class: "axis-title", x: width - right, y: height - 4, "text-anchor": "end" }, across),
    s("text", { class: "axis-title", x: 2, y: top + 2, "text-anchor": "start", transform: `rotate(-90 8 ${height / 2 - 8})` }, ""),
  );
  svg.dataset.up = up;
  place.replaceChildren(svg);
  const at = (/** @type {PointerEvent} */ event) => {
    const box = svg.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    return /** @type {[number, number]} */ ([
      xs[0] + ((px - left) / (width - left - right)) * (xs[1] - xs[0]),
      ys[0] + ((height - bottom - py) / (height - top - bottom)) * (ys[1] - ys[0]),
    ]);
  };
  return { svg, width, height, x, y, at };
}

/**
 * In place of a chart: why there is none.
 * @param {Element} place
 * @param {string} why
 */
export function empty(place, why) {
  const text = document.createElement("p");
  text.className = "no-chart";
  text.textContent = why;
  place.replaceChildren(text);
}

/**
 * Hear of a pointer that is dragged over a chart.
 * @param {Frame} chart
 * @param {(from: [number, number], to: [number, number], done: boolean) => void} ondrag
 */
export function dragging(chart, ondrag) {
  /** @type {[number, number] | null} */
  let from = null;
  const { svg } = chart;
  svg.addEventListener("pointerdown", (event) => {
    from = chart.at(event);
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (from) ondrag(from, chart.at(event), false);
  });
  svg.addEventListener("pointerup", (event) => {
    if (from) ondrag(from, chart.at(event), true);
    from = null;
  });
  svg.addEventListener("pointercancel", () => { from = null; });
}

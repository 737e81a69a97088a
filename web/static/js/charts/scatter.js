// A dot a droplet, and a threshold across that can be dragged.

import { s } from "../dom.js";
import { number } from "../format.js";
import { MARGIN, dragging, empty, frame } from "./frame.js";

/**
 * @param {Element} place
 * @param {Object} what
 * @param {readonly (readonly [number, number])[]} what.dots
 * @param {string} what.across
 * @param {string} what.up
 * @param {number | null} what.threshold
 * @param {(threshold: number, done: boolean) => void} what.onthreshold
 */
export function scatter(place, { dots, across, up, threshold, onthreshold }) {
  if (!dots.length) return empty(place, "No whole droplets to compare.");
  const [xs, ys] = [ends(dots.map(([x]) => x)), ends(dots.map(([, y]) => y))];
  const chart = frame(place, { label: `${up} of ${dots.length} droplets against ${across}`, across, up, xs, ys, height: 240 });
  const positive = s("path", { class: "dots positive" });
  const negative = s("path", { class: "dots" });
  const line = s("line", { class: "threshold", x1: MARGIN.left, x2: chart.width - MARGIN.right });
  const grip = s("text", { class: "grip", x: chart.width - MARGIN.right - 4, "text-anchor": "end" });
  const paint = (/** @type {number | null} */ at) => {
    const drawn = (/** @type {(y: number) => boolean} */ wanted) =>
      dots.filter(([, y]) => wanted(y)).map(([x, y]) => `M${chart.x(x).toFixed(1)},${chart.y(y).toFixed(1)}h0`).join("");
    positive.setAttribute("d", drawn((y) => at !== null && y >= at));
    negative.setAttribute("d", drawn((y) => at === null || y < at));
    line.toggleAttribute("hidden", at === null);
    const place = String(chart.y(Math.min(ys[1], Math.max(ys[0], at ?? ys[0]))));
    line.setAttribute("y1", place);
    line.setAttribute("y2", place);
    grip.setAttribute("y", String(Number(place) - 5));
    grip.textContent = at === null ? "" : number(at, 4);
  };
  paint(threshold);
  chart.svg.append(negative, positive, line, grip);
  chart.svg.classList.add("draggable");
  dragging(chart, (_, [, y], done) => {
    paint(y);
    onthreshold(y, done);
  });
}

/** @param {number[]} values @returns {[number, number]} a little beyond the values */
function ends(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - pad, high + pad];
}

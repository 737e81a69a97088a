// Histogram of diameters; a stretch of it can be marked.

import { s } from "../dom.js";
import { binEdges, counts } from "../statistics.js";
import { MARGIN, dragging, empty, frame } from "./frame.js";

/**
 * @param {Element} place
 * @param {Object} what
 * @param {readonly number[]} what.all every value that the mark may take in
 * @param {readonly number[]} what.kept
 * @param {string} what.unit
 * @param {[number | null, number | null]} what.mark its ends
 * @param {(low: number | null, high: number | null) => void} what.onmark null, null to take the mark away
 */
export function histogram(place, { all, kept, unit, mark, onmark }) {
  if (!all.length) return empty(place, "No whole droplets to measure.");
  const edges = binEdges(all);
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const [ghosts, bars] = [counts(all, edges), counts(kept, edges)];
  const pad = (high - low) * 0.04;
  const chart = frame(place, {
    label: `Histogram of ${kept.length} droplet diameters in ${unit}`,
    across: `diameter (${unit})`, up: "droplets", xs: [low - pad, high + pad], ys: [0, Math.max(...ghosts) * 1.08],
  });
  const bar = (/** @type {number[]} */ heights, /** @type {string} */ name) =>
    heights.map((count, i) => {
      const [left, right] = [chart.x(edges[i]), chart.x(edges[i + 1])];
      return count && s("rect", {
        class: name, x: left + 0.5, width: Math.max(0.5, right - left - 1), y: chart.y(count), height: chart.y(0) - chart.y(count),
      });
    });
  chart.svg.append(...[...bar(ghosts, "column ghost"), ...bar(bars, "column")].filter((each) => each !== 0));
  const shade = s("rect", { class: "brush", y: MARGIN.top, height: chart.y(0) - MARGIN.top });
  const paint = (/** @type {number | null} */ from, /** @type {number | null} */ to) => {
    const [left, right] = [chart.x(Math.max(low - pad, from ?? low - pad)), chart.x(Math.min(high + pad, to ?? high + pad))];
    shade.setAttribute("x", String(left));
    shade.setAttribute("width", String(Math.max(0, right - left)));
    shade.classList.toggle("on", from !== null || to !== null);
  };
  paint(...mark);
  chart.svg.append(shade);
  chart.svg.classList.add("brushable");
  dragging(chart, ([from], [to], done) => {
    const [left, right] = [Math.min(from, to), Math.max(from, to)];
    const clicked = chart.x(right) - chart.x(left) < 4;
    if (!done) paint(left, right);
    else if (clicked) onmark(null, null);
    else onmark(Math.max(left, 0), right);
  });
}

// Histogram of diameters; a stretch of it can be marked.

import { number } from "../format.js";
import { binEdges, counts, fitted } from "../statistics.js";
import { chartIn } from "./chart.js";
import { countAxis, faint, layout, titled } from "./look.js";

/**
 * @param {HTMLElement} place
 * @param {Object} what
 * @param {string | null} what.pending why there are no values yet
 * @param {readonly number[]} what.all every value that the mark may take in
 * @param {readonly number[]} what.kept
 * @param {boolean} what.fits whether to draw the distributions of the same moments
 * @param {string} what.unit
 * @param {[number | null, number | null]} what.mark its ends
 * @param {(low: number | null, high: number | null) => void} what.onmark null, null to take the mark away
 */
export function histogram(place, { all, kept, fits, unit, mark, pending, onmark }) {
  const chart = chartIn(place);
  if (!all.length) return chart.none(pending ?? "No whole droplets to measure.");
  const edges = binEdges(all);
  const pad = (edges[edges.length - 1] - edges[0]) * 0.04;
  const [low, high] = [edges[0] - pad, edges[edges.length - 1] + pad];
  const marked = mark[0] !== null || mark[1] !== null;
  const [before, now] = [counts(all, edges), counts(kept, edges)];
  const x = before.map((_, i) => (edges[i] + edges[i + 1]) / 2);
  const width = edges[1] - edges[0];
  const curves = fits ? curvesOf(kept, low, high, width) : [];
  const top = Math.max(...before, ...curves.flatMap(({ y }) => y)) * 1.08;
  const text = now.map((count, i) => `${number(edges[i], 4)} to ${number(edges[i + 1], 4)} ${unit}: ${count}`);
  chart.plot.classList.add("brushable");
  chart.show({
    label: `Histogram of ${kept.length} droplet diameters in ${unit}`,
    height: 200,
    draw: (look) => {
      const bars = (/** @type {number[]} */ y, /** @type {string} */ color) => ({
        type: "bar", x, y, width,
        marker: { color, line: { color: look.surface, width: 1 } },
        selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 0.4 } },
      });
      const shade = {
        type: "rect", x0: Math.max(low, mark[0] ?? low), x1: Math.min(high, mark[1] ?? high), yref: "paper", y0: 0, y1: 1,
        fillcolor: faint(look.accent), line: { color: look.accent, width: 1.5 },
      };
      return {
        data: [
          { ...bars(before, look.line), hoverinfo: "skip" },
          { ...bars(now, look.accent), text, textposition: "none", hovertemplate: "%{text}<extra></extra>" },
          ...curves.map(({ x: along, y }, i) => ({
            type: "scatter", mode: "lines", x: along, y, hoverinfo: "skip", line: { color: i ? look.good : look.warn, width: 2, ...(i && { dash: "dash" }) },
          })),
        ],
        layout: layout(look, { range: [low, high], ...titled(`diameter (${unit})`) }, countAxis(top), {
          barmode: "overlay", dragmode: "select", selectdirection: "h", clickanywhere: true, selections: [],
          newselection: { line: { color: look.accent, width: 1.5, dash: "solid" } },
          shapes: marked ? [shade] : [],
        }),
      };
    },
    heard: {
      plotly_selected: (told) => told?.range && onmark(Math.max(told.range.x[0], 0), told.range.x[1]),
      plotly_click: () => onmark(null, null),
    },
  });
}

const POINTS = 120;

/**
 * The Gaussian and the lognormal of the values, as droplets a bin.
 * @param {readonly number[]} values
 * @param {number} low
 * @param {number} high
 * @param {number} width of a bin
 * @returns {{x: number[], y: number[]}[]} none of too few values
 */
function curvesOf(values, low, high, width) {
  const densities = fitted(values);
  if (!densities) return [];
  const x = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * (i + 0.5)) / POINTS).filter((each) => each > 0);
  return [densities.gaussian, densities.lognormal].map((density) => ({ x, y: x.map((each) => values.length * width * density(each)) }));
}

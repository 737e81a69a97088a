// A dot a droplet, and a threshold across that can be dragged.

/** @import {Trace} from "./plotly.js" */
import { number } from "../format.js";
import { chartIn } from "./chart.js";
import { layout, titled } from "./look.js";

/**
 * @typedef {Object} Given
 * @property {readonly (readonly [number, number])[]} dots
 * @property {string} across
 * @property {string} up
 * @property {number | null} threshold
 * @property {(threshold: number, done: boolean) => void} onthreshold
 *
 * @typedef {Given & {groups: {x: number[], y: number[]}[], xs: [number, number], ys: [number, number]}} Shown
 *   with the dots below and above the threshold and the ends of the axes
 */

/** @type {WeakMap<Element, Shown>} */
const shown = new WeakMap();

/**
 * @param {HTMLElement} place
 * @param {Given} given
 */
export function scatter(place, given) {
  const { dots, threshold } = given;
  if (!shown.has(place)) dragging(place);
  const groups = [false, true].map((positive) => {
    const some = dots.filter(([, y]) => (threshold !== null && y >= threshold) === positive);
    return { x: some.map(([x]) => x), y: some.map(([, y]) => y) };
  });
  const all = { ...given, groups, xs: ends(dots.map(([x]) => x)), ys: ends(dots.map(([, y]) => y)) };
  shown.set(place, all);
  if (dots.length) paint(place, all, threshold);
  else chartIn(place).none("No whole droplets to compare.");
}

/**
 * @param {HTMLElement} place
 * @param {Shown} shown
 * @param {number | null} threshold where the line lies; the dots keep their colours while it is dragged
 */
function paint(place, { dots, groups, across, up, xs, ys }, threshold) {
  chartIn(place).show({
    label: `${up} of ${dots.length} droplets against ${across}`,
    height: 240,
    draw: (look) => {
      const [negative, positive] = groups.map((group) => ({
        ...group, type: "scatter", mode: "markers", hovertemplate: `${across} %{x:.4~g}<br>${up} %{y:.4~g}<extra></extra>`,
      }));
      return {
        data: [
          { ...negative, marker: { color: look.muted, opacity: 0.75, size: 5 } },
          { ...positive, marker: { color: look.accent, opacity: 0.9, size: 5 } },
        ],
        layout: layout(look, { range: xs, ...titled(across) }, { range: ys }, {
          shapes: threshold === null ? [] : [line(threshold, ys, look.warn)],
        }),
      };
    },
  });
}

/**
 * @param {number} threshold
 * @param {[number, number]} ys
 * @param {string} color
 * @returns {Trace}
 */
function line(threshold, [low, high], color) {
  const y = Math.min(high, Math.max(low, threshold));
  const yanchor = y > (low + high) / 2 ? "top" : "bottom"; // so that the figure stays inside
  return {
    type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color, width: 2 },
    label: { text: number(threshold, 4), textposition: "end", yanchor, font: { color, weight: 600 } },
  };
}

/** @param {HTMLElement} place where a pointer that is pressed takes the threshold with it */
function dragging(place) {
  const chart = chartIn(place);
  const { plot } = chart;
  plot.classList.add("draggable");
  plot.addEventListener("pointerdown", (event) => plot.setPointerCapture(event.pointerId));
  for (const name of /** @type {const} */ (["pointermove", "pointerup"])) {
    plot.addEventListener(name, (event) => {
      const now = shown.get(place);
      if (!now || !plot.hasPointerCapture(event.pointerId)) return;
      const threshold = now.ys[0] + (now.ys[1] - now.ys[0]) * chart.at(event)[1];
      paint(place, now, threshold);
      now.onthreshold(threshold, name === "pointerup");
    });
  }
}

/** @param {number[]} values @returns {[number, number]} a little beyond the values */
function ends(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - pad, high + pad];
}

// A dot a droplet over two dyes, with both thresholds; some of the dots can be picked by drawing round them.

import { number } from "../format.js";
import { chartIn } from "./chart.js";
import { layout, titled } from "./look.js";

/**
 * @param {HTMLElement} place
 * @param {Object} what
 * @param {readonly (readonly [number, number])[]} what.dots
 * @param {readonly [string, string]} what.names of the axes
 * @param {readonly [number | null, number | null]} what.thresholds
 * @param {readonly number[]} what.picked dots by their places
 * @param {(dots: number[]) => void} what.onpick
 */
export function lasso(place, { dots, names, thresholds, picked, onpick }) {
  const chart = chartIn(place);
  if (!dots.length) return chart.none("No droplets count for both dyes.");
  const [x, y] = [0, 1].map((axis) => dots.map((dot) => dot[axis]));
  const group = dots.map((dot) => [0, 1].reduce((sum, axis) => sum + (isOver(dot[axis], thresholds[axis]) ? axis + 1 : 0), 0));
  chart.plot.classList.add("brushable");
  chart.show({
    label: `${names[1]} of ${dots.length} droplets against ${names[0]}`,
    height: 280,
    draw: (look) => {
      const colours = [look.muted, look.accent, look.good, look.warn]; // neither, the first, the second, both
      return {
        data: [{
          type: "scatter", mode: "markers", x, y, marker: { color: group.map((each) => colours[each]), size: 5, opacity: 0.85 },
          hovertemplate: `${names[0]} %{x:.4~g}<br>${names[1]} %{y:.4~g}<extra></extra>`,
          selectedpoints: picked.length ? picked : null, selected: { marker: { opacity: 1, size: 7 } }, unselected: { marker: { opacity: 0.3 } },
        }],
        layout: layout(look, titled(names[0]), titled(names[1]), {
          dragmode: "lasso", selections: [], newselection: { line: { color: look.accent, width: 1.5, dash: "solid" } },
          shapes: thresholds.flatMap((threshold, axis) => (threshold === null ? [] : [line(threshold, axis, look.warn)])),
          margin: { l: 56, r: 10, t: 8, b: 40 },
        }),
      };
    },
    heard: {
      plotly_selected: (told) => told?.points?.length && onpick(told.points.map(({ pointNumber }) => pointNumber)),
      plotly_click: () => onpick([]),
    },
  });
}

/** @param {number} value @param {number | null} threshold */
const isOver = (value, threshold) => threshold !== null && value >= threshold;

/**
 * @param {number} threshold
 * @param {number} axis 0 for the one across
 * @param {string} color
 */
function line(threshold, axis, color) {
  const [own, other] = axis ? ["y", "x"] : ["x", "y"];
  return {
    type: "line", [`${other}ref`]: "paper", [`${other}0`]: 0, [`${other}1`]: 1, [`${own}0`]: threshold, [`${own}1`]: threshold,
    line: { color, width: 2, dash: "dot" }, label: { text: number(threshold, 4), textposition: "end", ...(!axis && { textangle: 0, xanchor: "left", yanchor: "top" }), font: { color, weight: 600 } },
  };
}

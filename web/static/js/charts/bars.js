// Droplets by number of beads, found and expected by chance.

import { s } from "../dom.js";
import { number } from "../format.js";
import { empty, frame } from "./frame.js";

/**
 * @param {Element} place
 * @param {readonly number[]} observed droplets with 0, 1, 2, ... beads; the last one with so many or more
 * @param {readonly number[]} expected
 */
export function bars(place, observed, expected) {
  if (!observed.some(Boolean)) return empty(place, "No whole droplets to look into.");
  const classes = observed.length;
  const chart = frame(place, {
    label: `Droplets by number of beads: ${observed.map((count, k) => `${k}: ${count}, expected ${number(expected[k])}`).join("; ")}`,
    across: "beads in a droplet", up: "droplets", xs: [-0.5, classes - 0.5],
    ys: [0, Math.max(...observed, ...expected) * 1.15], numbered: false,
  });
  const half = Math.min(26, (chart.x(1) - chart.x(0)) * 0.32);
  observed.forEach((count, k) => {
    const [middle, top] = [chart.x(k), chart.y(count)];
    chart.svg.append(
      s("rect", { class: "column", x: middle - half, width: 2 * half, y: top, height: chart.y(0) - top, rx: 2 }),
      s("line", { class: "expected", x1: middle - half - 4, x2: middle + half + 4, y1: chart.y(expected[k]), y2: chart.y(expected[k]) }),
      s("text", { class: "tick", x: middle, y: chart.y(0) + 14, "text-anchor": "middle" }, k === classes - 1 ? `${k}+` : k),
      s("text", { class: "value", x: middle, y: Math.min(top, chart.y(expected[k])) - 5, "text-anchor": "middle" }, count),
    );
  });
}

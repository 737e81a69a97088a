// Droplets by number of beads, found and expected by chance.

import { number } from "../format.js";
import { chartIn } from "./chart.js";
import { countAxis, layout, titled } from "./look.js";

/**
 * @param {HTMLElement} place
 * @param {readonly number[]} observed droplets with 0, 1, 2, ... beads; the last one with so many or more
 * @param {readonly number[]} expected
 * @param {string | null} pending why there are no droplets yet
 */
export function bars(place, observed, expected, pending) {
  const chart = chartIn(place);
  if (!observed.some(Boolean)) return chart.none(pending ?? "No whole droplets to look into.");
  const x = observed.map((_, k) => k);
  const names = x.map((k) => (k === x.length - 1 ? `${k}+` : String(k)));
  const higher = observed.map((count, k) => Math.max(count, expected[k]));
  const told = observed.map((count, k) => `${names[k]}: ${count}, expected ${number(expected[k])}`);
  chart.show({
    label: `Droplets by number of beads: ${told.join("; ")}`,
    height: 200,
    draw: (look) => ({
      data: [
        { type: "bar", x, y: observed, width: 0.64, marker: { color: look.accent, cornerradius: 2 }, text: told, textposition: "none", hovertemplate: "%{text}<extra></extra>" },
        {
          mode: "markers", x, y: expected, marker: { opacity: 0 }, hoverinfo: "skip",
          error_x: { type: "constant", value: 0.38, color: look.warn, thickness: 2.5, width: 0 },
        },
        { mode: "text", x, y: higher, text: observed.map(String), textposition: "top center", textfont: { color: look.text, weight: 600 }, hoverinfo: "skip", cliponaxis: false },
      ],
      layout: layout(
        look, { range: [-0.5, x.length - 0.5], tickvals: x, ticktext: names, ...titled("beads in a droplet") },
        countAxis(Math.max(...higher) * 1.15),
      ),
    }),
  });
}

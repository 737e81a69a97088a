// Histograms of two groups over each other, as shares of each.

import { number, percent } from "../format.js";
import { binEdges, counts } from "../statistics.js";
import { chartIn } from "./chart.js";
import { layout, titled } from "./look.js";

/**
 * @param {HTMLElement} place
 * @param {readonly (readonly [name: string, values: readonly number[]])[]} groups two
 * @param {string} across what the values are, with their unit
 */
export function overlaid(place, groups, across) {
  const edges = binEdges(groups.flatMap(([, values]) => values));
  const x = edges.slice(1).map((edge, i) => (edges[i] + edge) / 2);
  const width = edges[1] - edges[0];
  const shares = groups.map(([, values]) => counts(values, edges).map((each) => each / values.length));
  const top = Math.max(...shares.flat()) * 1.08;
  chartIn(place).show({
    label: `Histograms of ${across}: ${groups.map(([name, values]) => `${values.length} of group ${name}`).join(" and ")}`,
    height: 220,
    draw: (look) => ({
      data: groups.map(([name], i) => ({
        type: "bar", x, y: shares[i], width, opacity: 0.6, marker: { color: i ? look.warn : look.accent, line: { color: look.surface, width: 1 } },
        text: shares[i].map((share, bin) => `group ${name}, ${number(edges[bin], 4)} to ${number(edges[bin + 1], 4)}: ${percent(share)}`),
        textposition: "none", hovertemplate: "%{text}<extra></extra>",
      })),
      layout: layout(look, titled(across), { range: [0, top], tickformat: ".0%" }, { barmode: "overlay" }),
    }),
  });
}

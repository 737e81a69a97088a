// How charts look: the colours and the type of the page's style sheets, light or dark.

/** @import {Trace} from "./plotly.js" */
import { h } from "../dom.js";

const NAMES = /** @type {const} */ (["text", "muted", "line", "control", "accent", "good", "warn", "bad", "surface", "surface-2"]);
const CLEAR = "rgba(0, 0, 0, 0)";
const FEW = 5;

/** @typedef {Record<typeof NAMES[number], string> & {font: string}} Look */

const probe = h("span", { hidden: true });

/**
 * The colours in use, with `light-dark()` resolved.
 * @returns {Look}
 */
export function look() {
  if (!probe.isConnected) document.body.append(probe);
  const style = getComputedStyle(probe);
  const colour = (/** @type {string} */ name) => {
    probe.style.color = `var(--${name})`;
    return style.color;
  };
  const colours = /** @type {Record<typeof NAMES[number], string>} */ (Object.fromEntries(NAMES.map((name) => [name, colour(name)])));
  return { ...colours, font: style.fontFamily };
}

/**
 * Call back when light becomes dark, or dark light.
 * @param {() => void} callback
 */
export function onLook(callback) {
  document.addEventListener("themechange", callback);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}

/**
 * The layout that all charts share.
 * @param {Look} look
 * @param {Trace} xaxis what is special of the axis across
 * @param {Trace} yaxis
 * @param {Trace} [others]
 * @returns {Trace}
 */
export function layout(look, xaxis, yaxis, others = {}) {
  const axis = { fixedrange: true, zeroline: false, ticks: "", tickangle: 0 };
  return {
    margin: { l: 44, r: 10, t: 8, b: 40 },
    font: { family: look.font, size: 11, color: look.muted },
    paper_bgcolor: CLEAR, plot_bgcolor: CLEAR, showlegend: false, dragmode: false, hovermode: "closest",
    hoverlabel: { bgcolor: look.surface, bordercolor: look.control, font: { family: look.font, size: 12, color: look.text } },
    xaxis: { ...axis, showgrid: false, showline: true, linecolor: look.control, ticklabelstandoff: 3, ...xaxis },
    yaxis: { ...axis, gridcolor: look.line, nticks: FEW, ticklabelstandoff: 6, ...yaxis },
    ...others,
  };
}

/**
 * A colour that lets through what lies under it.
 * @param {string} colour as browsers write it, `rgb(1, 2, 3)`
 */
export const faint = (colour) => colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.14)");

/**
 * @param {string} text
 * @returns {Trace}
 */
export const titled = (text) => ({ title: { text, standoff: 4, font: { size: 12 } } });

/**
 * An axis of counts from nothing up, numbered in whole ones.
 * @param {number} top
 * @returns {Trace}
 */
export const countAxis = (top) => ({ range: [0, top], ...(top < FEW && { dtick: 1 }) });

// A chart in a place of the page: drawn by Plotly, at most once a frame, again when its width or the colours change.

/** @import {Look} from "./look.js" */
/** @import {Heard, Plot, Trace} from "./plotly.js" */
import { h } from "../dom.js";
import { look, onLook } from "./look.js";
import { load } from "./plotly.js";

const CONFIG = { displayModeBar: false, doubleClick: false, showTips: false };
const PNG_SCALE = 3; // for print
const UNLOADED = "The chart could not be loaded.";

/**
 * What a chart shows.
 * @typedef {Object} Figure
 * @property {string} label for who cannot see it
 * @property {number} height in CSS pixels
 * @property {(look: Look, width: number) => {data: Trace[], layout: Trace}} draw
 * @property {Record<string, (told: Heard | undefined) => void>} [heard] by the name of Plotly's event
 */

/** @type {WeakMap<Element, Chart>} */
const charts = new WeakMap();

/**
 * The chart of a place.
 * @param {HTMLElement} place
 */
export function chartIn(place) {
  const chart = charts.get(place) ?? new Chart(place);
  charts.set(place, chart);
  return chart;
}

export class Chart {
  /** @type {Figure | null} */
  #figure = null;
  #asked = 0;
  #told = new Set();

  /** @param {HTMLElement} place */
  constructor(place) {
    this.plot = h("div", { class: "plot", role: "img" });
    this.why = h("p", { class: "no-chart", hidden: true });
    place.replaceChildren(this.plot, this.why);
    onLook(() => this.#later());
    new ResizeObserver(() => this.#later()).observe(place);
  }

  /** @param {Figure} figure */
  show(figure) {
    this.#figure = figure;
    this.plot.ariaLabel = figure.label;
    this.#later();
  }

  /**
   * No chart, but why there is none.
   * @param {string} why
   */
  none(why) {
    this.#figure = null;
    this.#say(why);
  }

  /**
   * Where a pointer is between the ends of the axes: 0 to 1 across and up, less or more beyond them.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  at(event) {
    const area = this.plot.querySelector(".nsewdrag")?.getBoundingClientRect();
    return area ? [(event.clientX - area.left) / area.width, (area.bottom - event.clientY) / area.height] : [NaN, NaN];
  }

  /**
   * Save the chart as a file, if there is one.
   * @param {"svg" | "png"} format
   * @param {string} filename without ending
   */
  async save(format, filename) {
    const plotly = this.#figure && (await load());
    if (!plotly || !this.#figure) return;
    const { clientWidth: width } = this.plot;
    await plotly.downloadImage(this.plot, { format, filename, width, height: this.#figure.height, scale: format === "png" ? PNG_SCALE : 1 });
  }

  /** @param {string} why */
  #say(why) {
    this.why.textContent = why;
    this.why.hidden = !why;
    this.plot.hidden = Boolean(why);
  }

  #later() {
    this.plot.ariaBusy = "true";
    this.#asked ||= requestAnimationFrame(() => {
      this.#asked = 0;
      void this.#paint().finally(() => { this.plot.ariaBusy = "false"; });
    });
  }

  async #paint() {
    const plotly = this.#figure && (await load());
    if (!this.#figure) return;
    const { label, height, draw, heard } = this.#figure;
    this.#say(plotly ? "" : `${UNLOADED} ${label}`);
    const width = this.plot.clientWidth;
    if (!plotly || !width) return;
    const { data, layout } = draw(look(), width);
    const drawn = await plotly.react(this.plot, data, { width, height, ...layout }, CONFIG);
    for (const event of Object.keys(heard ?? {})) this.#listen(drawn, event);
  }

  /**
   * Once, whatever figure is shown.
   * @param {Plot} plot
   * @param {string} event
   */
  #listen(plot, event) {
    if (this.#told.has(event)) return;
    this.#told.add(event);
    plot.on(event, (told) => this.#figure?.heard?.[event]?.(told));
  }
}

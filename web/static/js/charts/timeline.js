// Figures over time: stacked bars or lines, read with the pointer, with the arrow keys or as a table.

/** @import {Look} from "./look.js" */
/** @import {Trace} from "./plotly.js" */
import { h } from "../dom.js";
import { Chart } from "./chart.js";
import { countAxis, layout } from "./look.js";

/**
 * @typedef {{start: number, seconds: number}} Span of time, in seconds since the epoch
 */

/**
 * One figure of each span.
 * @template {Span} S
 * @typedef {object} Layer
 * @property {string} name
 * @property {"bar" | "line"} kind bars of several layers stand on one another
 * @property {"accent" | "good" | "warn" | "bad" | "muted"} colour
 * @property {(span: S) => number | null} value null where there is none
 */

const HEIGHT = 184;
const DAY_MS = 86_400_000;
const DATES = [
  { dtickrange: [null, DAY_MS - 1], value: "%H:%M\n%-d %b" },
  { dtickrange: [DAY_MS, null], value: "%-d %b" },
];

/**
 * A chart of spans of equal length.
 * @template {Span} S
 */
export class Timeline {
  /** @type {S[]} */
  #spans = [];
  #at = -1;

  /**
   * @param {HTMLElement} parent
   * @param {string} title what the chart shows, for those who do not see it
   * @param {string} empty what stands there when no span has a figure
   * @param {Layer<S>[]} layers
   * @param {(value: number) => string} format a value with its unit
   * @param {Trace} axis of the values, as Plotly names its attributes
   */
  constructor(parent, title, empty, layers, format, axis = {}) {
    this.title = title;
    this.layers = layers;
    this.format = format;
    this.axis = axis;
    this.readout = h("p", { class: "readout", "aria-live": "polite" });
    const place = h("div", { class: "timeline" });
    this.chart = new Chart(place);
    this.rows = h("tbody");
    this.figure = h("div", {}, this.readout, place, this.#table());
    this.nothing = h("p", { class: "empty muted" }, empty);
    parent.replaceChildren(this.figure, this.nothing);

    const { plot } = this.chart;
    plot.tabIndex = 0;
    plot.addEventListener("pointermove", (event) => {
      const at = this.#spanAt(event);
      if (at !== this.#at) this.#point(at);
    });
    plot.addEventListener("pointerleave", () => this.#point(-1));
    plot.addEventListener("blur", () => this.#point(-1));
    plot.addEventListener("keydown", (event) => this.#step(event));
    this.#point(-1);
  }

  /** @param {S[]} spans oldest first */
  show(spans) {
    this.#spans = spans;
    const some = spans.some((span) => this.layers.some(({ value }) => value(span)));
    this.figure.hidden = !some;
    this.nothing.hidden = some;
    if (!some) return;
    this.rows.replaceChildren(...spans.toReversed().map((span) => this.#row(span)));
    this.#point(Math.min(this.#at, spans.length - 1));
  }

  #draw() {
    if (!this.#spans.length || this.figure.hidden) return;
    const last = this.#spans[this.#spans.length - 1];
    this.chart.show({
      label: `${this.title}, ${when(this.#spans[0].start)} to ${when(last.start + last.seconds)}. Arrow keys read the figures; the table below has them all.`,
      height: HEIGHT,
      draw: (look, width) => ({ data: this.layers.map((layer) => this.#trace(layer, look)), layout: this.#layout(look, width) }),
    });
  }

  /** @param {Look} look @param {number} width */
  #layout(look, width) {
    const [start, end] = this.#ends();
    const span = this.#spans[this.#at];
    const cursor = span && {
      type: "rect", layer: "below", yref: "paper", y0: 0, y1: 1, fillcolor: look["surface-2"], line: { width: 0 },
      x0: this.#x(span.start), x1: this.#x(span.start + span.seconds),
    };
    return layout(
      look,
      {
        type: "date", range: [this.#x(start), this.#x(end)], tickformatstops: DATES, nticks: Math.max(2, Math.floor(width / 64)),
        ticklabeloverflow: "hide past div",
      },
      { ...countAxis(this.#highest() * 1.06), ...this.axis },
      { barmode: "stack", hovermode: false, shapes: cursor ? [cursor] : [], margin: { l: 52, r: 8, t: 8, b: 36 } },
    );
  }

  /**
   * Bars, or a line with gaps where there is no figure, in which a lone figure is a dot.
   * @param {Layer<S>} layer
   * @param {Look} look
   * @returns {Trace}
   */
  #trace({ kind, colour, value }, look) {
    const x = this.#spans.map(({ start, seconds }) => this.#x(start + seconds / 2));
    const y = this.#spans.map(value);
    const color = look[colour];
    if (kind === "bar") {
      return { type: "bar", x, y, width: 1000 * this.#spans[0].seconds, marker: { color, line: { color: look.surface, width: 1 } } };
    }
    const alone = (/** @type {number} */ i) => y[i] !== null && (y[i - 1] ?? null) === null && (y[i + 1] ?? null) === null;
    return {
      type: "scatter", mode: "lines+markers", x, y, connectgaps: false,
      line: { color, width: 1.75 }, marker: { color, size: y.map((_, i) => (alone(i) ? 5 : 0)) },
    };
  }

  #table() {
    const names = ["From", ...this.layers.map(({ name }) => name)];
    return h(
      "details",
      { class: "as-table" },
      h("summary", {}, "As a table"),
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": `${this.title}, as a table` },
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, ...names.map((name, index) => h("th", { scope: "col", class: index ? "number" : "" }, name)))),
          this.rows,
        ),
      ),
    );
  }

  /** @param {S} span */
  #row(span) {
    const cells = this.layers.map(({ value }) => h("td", { class: "number" }, this.#told(value(span))));
    return h("tr", {}, h("th", { scope: "row" }, when(span.start)), ...cells);
  }

  /**
   * Read the figures of one span, or of none: -1.
   * @param {number} index
   */
  #point(index) {
    this.#at = index;
    const span = this.#spans[index];
    this.readout.replaceChildren(
      ...this.layers.map(({ name, colour, value }) =>
        h("span", { class: `key ${colour}` }, name, span ? h("b", {}, ` ${this.#told(value(span))}`) : ""),
      ),
      h("span", { class: "muted when" }, span ? `${when(span.start)} – ${clock(span.start + span.seconds)}` : ""),
    );
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const last = this.#spans.length - 1;
    const from = this.#at < 0 ? last + 1 : this.#at;
    /** @type {Record<string, number>} */
    const targets = { ArrowLeft: Math.max(0, from - 1), ArrowRight: Math.min(last, from + 1), Home: 0, End: last, Escape: -1 };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.#point(targets[event.key]);
  }

  /** @param {number | null} value */
  #told(value) {
    return value === null ? "–" : this.format(value);
  }

  #highest() {
    const stacks = this.#spans.map((span) =>
      this.layers.reduce((sum, { kind, value }) => sum + (kind === "bar" ? (value(span) ?? 0) : 0), 0),
    );
    const lines = this.layers
      .filter(({ kind }) => kind === "line")
      .flatMap(({ value }) => this.#spans.map((span) => value(span) ?? 0));
    return Math.max(...stacks, ...lines);
  }

  #ends() {
    const last = this.#spans[this.#spans.length - 1];
    return [this.#spans[0].start, last.start + last.seconds];
  }

  /**
   * Milliseconds for Plotly, whose dates have no time zone: it gets those that the reader's clock shows.
   * @param {number} time
   */
  #x(time) {
    return 1000 * time - 60_000 * new Date(1000 * this.#ends()[1]).getTimezoneOffset();
  }

  /** @param {PointerEvent} event */
  #spanAt(event) {
    const index = Math.floor(this.chart.at(event)[0] * this.#spans.length);
    return Math.min(this.#spans.length - 1, Math.max(0, index || 0));
  }
}

const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const clocks = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** @param {number} seconds since the epoch */
const when = (seconds) => dates.format(1000 * seconds);
/** @param {number} seconds since the epoch */
const clock = (seconds) => clocks.format(1000 * seconds);

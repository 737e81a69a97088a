// Figures over time: stacked bars or lines, read with the pointer, with the arrow keys or as a table.

import { h, s } from "../dom.js";
import { ticks } from "./frame.js";
import { timeTicks } from "./times.js";

/**
 * @typedef {{start: number, seconds: number}} Span of time, in seconds since the epoch
 */

/**
 * One figure of each span.
 * @template {Span} S
 * @typedef {object} Layer
 * @property {string} name
 * @property {"bar" | "line"} kind bars of several layers stand on one another
 * @property {string} colour a class: accent, good, warn, bad or muted
 * @property {(span: S) => number | null} value null where there is none
 */

const HEIGHT = 168;
const INSET = { top: 8, right: 8, bottom: 22, left: 52 };

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
   */
  constructor(parent, title, empty, layers, format) {
    this.title = title;
    this.layers = layers;
    this.format = format;
    this.readout = h("p", { class: "readout", "aria-live": "polite" });
    this.svg = s("svg", { class: "timeline", height: HEIGHT, tabindex: "0", role: "img" });
    this.rows = h("tbody");
    this.figure = h("div", {}, this.readout, this.svg, this.#table());
    this.nothing = h("p", { class: "empty muted" }, empty);
    parent.replaceChildren(this.figure, this.nothing);

    this.svg.addEventListener("pointermove", (event) => this.#point(this.#spanAt(event.offsetX)));
    this.svg.addEventListener("pointerleave", () => this.#point(-1));
    this.svg.addEventListener("blur", () => this.#point(-1));
    this.svg.addEventListener("keydown", (event) => this.#step(event));
    new ResizeObserver(() => this.#draw()).observe(this.figure);
    this.#point(-1);
  }

  /** @param {S[]} spans oldest first */
  show(spans) {
    this.#spans = spans;
    const some = spans.some((span) => this.layers.some(({ value }) => value(span)));
    this.figure.hidden = !some;
    this.nothing.hidden = some;
    if (!some) return;
    this.#at = Math.min(this.#at, spans.length - 1);
    this.#draw();
    this.rows.replaceChildren(...spans.toReversed().map((span) => this.#row(span)));
    const last = spans[spans.length - 1];
    this.svg.ariaLabel = `${this.title}, ${when(spans[0].start)} to ${when(last.start + last.seconds)}. Arrow keys read the figures; the table below has them all.`;
  }

  #draw() {
    const width = this.figure.clientWidth;
    if (!this.#spans.length || !width) return;
    this.svg.setAttribute("width", String(width));
    const top = this.#highest() * 1.06;
    /** @param {number} value */
    const y = (value) => HEIGHT - INSET.bottom - (value / top) * (HEIGHT - INSET.top - INSET.bottom);
    this.svg.replaceChildren(
      ...ticks(0, top, 4).map((tick) => this.#line(tick, y(tick), width)),
      ...timeTicks(this.#spans[0].start, this.#end(), Math.max(2, Math.floor(width / 70))).map((tick) => this.#date(tick)),
      s("rect", { class: "cursor", y: INSET.top, height: HEIGHT - INSET.top - INSET.bottom }),
      ...this.#bars(y),
      ...this.layers.filter(({ kind }) => kind === "line").flatMap((layer) => this.#curve(layer, y)),
    );
    this.#point(this.#at);
  }

  /** @param {(value: number) => number} y */
  #bars(y) {
    const width = Math.max(1, this.#x(this.#spans[0].start + this.#spans[0].seconds) - INSET.left - 1);
    return this.#spans.flatMap((span) => {
      let below = 0;
      return this.layers.flatMap(({ kind, colour, value }) => {
        const part = kind === "bar" ? value(span) : 0;
        if (!part) return [];
        const foot = y(below);
        below += part;
        const height = Math.max(1, foot - y(below));
        return [s("rect", { class: `fill ${colour}`, x: this.#x(span.start), y: foot - height, width, height })];
      });
    });
  }

  /**
   * A line with gaps where there is no figure; a lone figure is a dot.
   * @param {Layer<S>} layer
   * @param {(value: number) => number} y
   */
  #curve({ colour, value }, y) {
    let path = "";
    let open = false;
    /** @type {SVGElement[]} */
    const dots = [];
    this.#spans.forEach((span, index) => {
      const here = value(span);
      if (here !== null) {
        const x = this.#x(span.start + span.seconds / 2);
        path += `${open ? "L" : "M"}${x.toFixed(1)} ${y(here).toFixed(1)}`;
        const next = this.#spans[index + 1];
        const alone = !open && (!next || value(next) === null);
        if (alone) dots.push(s("circle", { class: `fill ${colour}`, cx: x, cy: y(here), r: 2.5 }));
      }
      open = here !== null;
    });
    return [s("path", { class: `stroke ${colour}`, d: path }), ...dots];
  }

  /**
   * @param {number} tick
   * @param {number} y
   * @param {number} width
   */
  #line(tick, y, width) {
    return s(
      "g",
      { class: "axis", "aria-hidden": "true" },
      s("line", { x1: INSET.left, x2: width - INSET.right, y1: y, y2: y }),
      s("text", { x: INSET.left - 8, y: y + 4, "text-anchor": "end" }, this.format(tick)),
    );
  }

  /** @param {{at: number, label: string}} tick */
  #date({ at, label }) {
    const attributes = { class: "axis", x: this.#x(at), y: HEIGHT - 6, "text-anchor": "middle", "aria-hidden": "true" };
    return s("text", attributes, label);
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
    const cursor = this.svg.querySelector(".cursor");
    if (cursor && span) {
      cursor.setAttribute("x", String(this.#x(span.start)));
      cursor.setAttribute("width", String(Math.max(1, this.#x(span.start + span.seconds) - this.#x(span.start))));
    }
    cursor?.classList.toggle("shown", Boolean(span));
    this.readout.replaceChildren(
      ...this.layers.map(({ name, colour, value }) =>
        h("span", { class: `key ${colour}` }, name, span ? h("b", {}, ` ${this.#told(value(span))}`) : ""),
      ),
      h("span", { class: "muted when" }, span ? `${when(span.start)} – ${clock(span.start + span.seconds)}` : ""),
    );
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

  #end() {
    const last = this.#spans[this.#spans.length - 1];
    return last.start + last.seconds;
  }

  /** @param {number} time */
  #x(time) {
    const [start, end] = [this.#spans[0].start, this.#end()];
    return INSET.left + ((time - start) / (end - start)) * (this.svg.clientWidth - INSET.left - INSET.right);
  }

  /** @param {number} x */
  #spanAt(x) {
    const part = (x - INSET.left) / (this.svg.clientWidth - INSET.left - INSET.right);
    return Math.min(this.#spans.length - 1, Math.max(0, Math.floor(part * this.#spans.length)));
  }
}

const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const clocks = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** @param {number} seconds since the epoch */
const when = (seconds) => dates.format(1000 * seconds);
/** @param {number} seconds since the epoch */
const clock = (seconds) => clocks.format(1000 * seconds);

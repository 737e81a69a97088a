// Filters: a range a figure, acting at once.

/** @import {Figure} from "../filters.js" */
/** @import {State} from "../types.js" */
import { byId, h } from "../dom.js";
import { FIGURES, isLimited, limited, selected, setFilters } from "../filters.js";
import { number } from "../format.js";
import { revise } from "../history.js";
import { inScope, known } from "../scope.js";
import { now, subscribe } from "../state.js";
import { lengths } from "../units.js";
import { Range } from "./range.js";

/** @type {[Figure, Range][]} */
const ranges = FIGURES.map((figure) => [figure, new Range({
  label: figure.label,
  lower: figure.min !== null,
  upper: figure.max !== null,
  limits: () => limits(figure, now(), factor(figure, now())),
  onchange: (low, high) => {
    const scale = factor(figure, now());
    const filters = limited(now().filters, figure, low === null ? null : low / scale, high === null ? null : high / scale);
    revise({ filters }, figure.label);
  },
})]);

export function start() {
  for (const [{ more }, range] of ranges) byId(more ? "more-ranges" : "ranges").append(range.element);
  /** @type {HTMLInputElement} */
  const edge = byId("exclude-edge");
  edge.addEventListener("change", () => revise({ filters: { ...now().filters, exclude_edge_touching: edge.checked } }));
  byId("filters-clear").addEventListener("click", () => revise({ filters: {} }));
  subscribe([inScope, "current", "pixelSize"], paint);
  subscribe(["filters"], place);
  subscribe([inScope, "current", "filters"], tell);
  subscribe([inScope, "current", "filters", "shown"], paintKinds);
  startKinds();
}

/** @param {State} state */
function paint(state) {
  const masks = inScope(state).flatMap((picture) => picture.items.filter(isLimited).map(({ mask }) => mask));
  for (const [figure, range] of ranges) {
    const scale = factor(figure, state);
    const { unit } = lengths(state, inScope(state));
    const units = { length: unit, area: `${unit}²`, grey: "", none: "" };
    range.show(masks.map((mask) => figure.of(mask) * scale), ...limits(figure, state, scale), units[figure.unit]);
  }
}

/** @param {State} state */
function place(state) {
  for (const [figure, range] of ranges) range.place(...limits(figure, state, factor(figure, state)));
}

/**
 * Limits of a figure in the units that are shown.
 * @param {Figure} figure
 * @param {State} state
 * @param {number} scale
 * @returns {[number | null, number | null]}
 */
function limits({ min, max }, { filters }, scale) {
  const limit = (/** @type {string | null} */ name) => {
    const value = name ? filters[name] : null;
    return typeof value === "number" ? value * scale : null;
  };
  return [limit(min), limit(max)];
}

/**
 * Shown units a pixel (or square pixel). Pictures of one series share it.
 * @param {Figure} figure
 * @param {State} state
 */
function factor(figure, state) {
  const pictures = inScope(state);
  const scale = pictures.length ? lengths(state, pictures).per(pictures[0]) : 1;
  return figure.unit === "length" ? scale : figure.unit === "area" ? scale ** 2 : 1;
}

/** @param {State} state */
function tell(state) {
  /** @type {HTMLInputElement} */
  const edge = byId("exclude-edge");
  edge.checked = Boolean(state.filters.exclude_edge_touching);
  const fates = inScope(state).flatMap((picture) => selected(picture, state.filters).fates);
  const filtered = fates.filter((fate) => fate === "filtered").length;
  byId("filters-count").textContent = filtered ? `${number(filtered)} of ${number(fates.length)} left out` : "";
  byId("filters-clear").toggleAttribute("hidden", !Object.keys(setFilters(state.filters)).length);
}

const KINDS = /** @type {const} */ ({ droplet: "Droplets", bead: "Beads", other: "Others" });

function startKinds() {
  for (const [kind, label] of Object.entries(KINDS)) {
    const toggle = () => {
      const { shown } = now();
      revise({ shown: { ...shown, [kind]: !shown[/** @type {keyof typeof KINDS} */ (kind)] } });
    };
    byId("kinds").append(h("button", { type: "button", class: "chip", "data-kind": kind, "aria-pressed": "true", onclick: toggle },
      h("i", { class: `swatch ${kind}` }), h("span", {}, label), h("span", { class: "muted" })));
  }
}

/** @param {State} state */
function paintKinds(state) {
  const counts = inScope(state).map((picture) => selected(picture, state.filters).counts);
  for (const chip of /** @type {NodeListOf<HTMLElement>} */ (byId("kinds").querySelectorAll("[data-kind]"))) {
    const kind = /** @type {keyof typeof KINDS} */ (chip.dataset.kind);
    chip.setAttribute("aria-pressed", String(state.shown[kind]));
    /** @type {Element} */ (chip.lastElementChild).textContent = number(known(state, counts.reduce((sum, each) => sum + each[kind], 0)));
  }
}

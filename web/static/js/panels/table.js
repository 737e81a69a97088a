// The panel "Table": every object with its figures, a page at a time; what the canvas shows, for reading.

/** @import {Item, Picture, Selection, State} from "../types.js" */
import { byId, h, swap } from "../dom.js";
import { listed, nameOf, selected } from "../filters.js";
import { number } from "../format.js";
import { look, toggle } from "../stage.js";
import { current, now, set, subscribe } from "../state.js";
import { lengths } from "../units.js";
import { whileSeen } from "./tabs.js";

const ROWS = 50;

/** @type {{sort: number, falling: boolean, page: number}} */
const view = { sort: 0, falling: false, page: 0 };

/** @typedef {{title: string, of: (item: Item) => number | string, text?: (item: Item) => string}} Column */

export function start() {
  subscribe(["current"], () => { view.page = 0; });
  whileSeen("table", ["pictures", "current", "filters", "pixelSize", "shown", "focus"], paint);
  byId("page-back").addEventListener("click", () => turn(-1));
  byId("page-next").addEventListener("click", () => turn(1));
}

/** @param {number} step */
function turn(step) {
  view.page += step;
  paint(now());
}

/**
 * @param {State} state
 * @param {Picture} picture
 * @returns {Column[]}
 */
function columns(state, picture) {
  const { unit, per } = lengths(state, [picture]);
  const { beads } = selected(picture, state.filters);
  const scale = per(picture);
  return [
    { title: "#", of: ({ mask }) => -mask.area }, // as they are numbered; what is excluded stays at its place
    { title: "Kind", of: ({ mask }) => (mask.found_by === "hand" ? `${mask.kind}, by hand` : mask.kind) },
    { title: `⌀ (${unit})`, of: ({ mask }) => mask.equivalent_diameter * scale },
    { title: "Intensity", of: ({ mask }) => mask.pixel_stats.mean_intensity },
    { title: "Round", of: ({ mask }) => mask.circularity },
    { title: "Beads", of: (item) => beads.get(item.key) ?? 0 },
  ];
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  if (!picture) return;
  const selection = selected(picture, state.filters);
  const shown = columns(state, picture);
  const key = shown[view.sort].of;
  const items = listed(state, picture)
    .sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : one.key - other.key) * (view.falling ? -1 : 1));
  const pages = Math.max(1, Math.ceil(items.length / ROWS));
  view.page = Math.min(pages - 1, Math.max(0, view.page));
  const [first, last] = [view.page * ROWS, Math.min(items.length, (view.page + 1) * ROWS)];
  swap(byId("table-head"), head(shown));
  swap(byId("table-body"), ...items.slice(first, last).map((item) => row(picture, item, shown, selection, state.focus === item.key)));
  byId("page-state").textContent = items.length ? `${number(first + 1)} to ${number(last)} of ${number(items.length)}` : (picture.answer ? "nothing" : "not analysed yet");
  byId("page-back").toggleAttribute("disabled", view.page === 0);
  byId("page-next").toggleAttribute("disabled", view.page === pages - 1);
}

/** @param {Column[]} shown */
function head(shown) {
  const sorted = (/** @type {number} */ i) => (i !== view.sort ? "none" : view.falling ? "descending" : "ascending");
  const sort = (/** @type {number} */ i) => {
    view.falling = i === view.sort && !view.falling;
    view.sort = i;
    paint(now());
  };
  return h("tr", {}, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Counts")),
    ...shown.map(({ title }, i) => h("th", { scope: "col", class: i === 1 ? "" : "number", "aria-sort": sorted(i) },
      h("button", { type: "button", class: "sort", "data-key": `sort-${i}`, onclick: () => sort(i) }, title))));
}

/**
 * @param {Picture} picture
 * @param {Item} item
 * @param {Column[]} shown
 * @param {Selection} selection
 * @param {boolean} focused
 */
function row(picture, item, shown, selection, focused) {
  const kept = selection.fates[item.key] === "kept";
  const name = nameOf(item, selection);
  const check = h("input", { type: "checkbox", "data-key": `counts-${item.key}`, checked: kept, "aria-label": `${name} counts`, onchange: () => toggle(picture, item) });
  const cell = (/** @type {Column} */ { of }, /** @type {number} */ i) => {
    const value = of(item);
    const text = i === 0 ? String(selection.numbers.get(item.key) ?? "–") : typeof value === "number" ? number(value, i === 4 ? 3 : 4) : value;
    if (i > 0) return h("td", { class: i === 1 ? "" : "number" }, text);
    return h("td", { class: "number" }, h("button", { type: "button", class: "sort", "data-key": `show-${item.key}`, "aria-label": `Show ${name}`, onclick: () => show(item) }, text));
  };
  return h("tr", { class: `${kept ? "" : "excluded"} ${focused ? "focused" : ""}` }, h("td", {}, check), ...shown.map(cell));
}

/** @param {Item} item */
function show(item) {
  set({ focus: item.key });
  look(item);
}

// The panel "Table": every object with its figures, a page at a time; what the canvas shows, for reading.

/** @import {Item, Picture, Selection, State} from "../types.js" */
import { byId, h, swap } from "../dom.js";
import { listed, nameOf, selected } from "../filters.js";
import { count, number } from "../format.js";
import { inScope } from "../scope.js";
import { look, toggle } from "../stage.js";
import { choose, current, now, set, subscribe } from "../state.js";
import { lengths } from "../units.js";
import { whileSeen } from "./tabs.js";

const ROWS = 50;

/** @type {{sort: number, falling: boolean, page: number}} */
const view = { sort: 0, falling: false, page: 0 };

/** @typedef {{picture: Picture, item: Item}} Row */
/** @typedef {{title: string, of: (row: Row) => number | string, number?: boolean}} Column */

export function start() {
  subscribe(["current", "pooled"], () => { view.page = 0; });
  whileSeen("table", ["pictures", "current", "pooled", "filters", "pixelSize", "shown", "focus"], paint);
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
 * @param {readonly Picture[]} pictures
 * @returns {Column[]}
 */
function columns(state, pictures) {
  const { unit, per } = lengths(state, pictures);
  return [
    { title: "#", of: ({ item }) => -item.mask.area }, // as they are numbered; what is excluded stays at its place
    ...(pictures.length > 1 ? [{ title: "Picture", of: (/** @type {Row} */ { picture }) => picture.name }] : []),
    { title: "Kind", of: ({ item: { mask } }) => (mask.found_by === "hand" ? `${mask.kind}, by hand` : mask.kind) },
    { title: `⌀ (${unit})`, of: ({ picture, item }) => item.mask.equivalent_diameter * per(picture), number: true },
    { title: "Intensity", of: ({ item }) => item.mask.pixel_stats.mean_intensity, number: true },
    { title: "Round", of: ({ item }) => item.mask.circularity, number: true },
    { title: "Beads", of: ({ picture, item }) => selected(picture, state.filters).beads.get(item.key) ?? 0, number: true },
  ];
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  if (!picture) return;
  const pictures = state.pooled ? inScope(state) : [picture];
  const shown = columns(state, pictures);
  const key = shown[Math.min(view.sort, shown.length - 1)].of;
  const rows = pictures.flatMap((each) => listed(state, each).map((item) => ({ picture: each, item, key: key({ picture: each, item }) })))
    .sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : one.picture.id - other.picture.id || one.item.key - other.item.key) * (view.falling ? -1 : 1));
  const pages = Math.max(1, Math.ceil(rows.length / ROWS));
  view.page = Math.min(pages - 1, Math.max(0, view.page));
  const [first, last] = [view.page * ROWS, Math.min(rows.length, (view.page + 1) * ROWS)];
  byId("table-scope").textContent = pictures.length > 1 ? `Objects of all ${count(pictures.length, "picture")}` : `Objects of ${picture.name}`;
  swap(byId("table-head"), head(shown));
  swap(byId("table-body"), ...rows.slice(first, last).map((each) =>
    row(each, shown, selected(each.picture, state.filters), each.picture === picture && state.focus === each.item.key)));
  byId("page-state").textContent = rows.length ? `${number(first + 1)} to ${number(last)} of ${number(rows.length)}` : (picture.answer ? "nothing" : "not analysed yet");
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
    ...shown.map(({ title, number: right }, i) => h("th", { scope: "col", class: i && !right ? "" : "number", "aria-sort": sorted(i) },
      h("button", { type: "button", class: "sort", "data-key": `sort-${i}`, onclick: () => sort(i) }, title))));
}

/**
 * @param {Row} of
 * @param {Column[]} shown
 * @param {Selection} selection
 * @param {boolean} focused
 */
function row({ picture, item }, shown, selection, focused) {
  const kept = selection.fates[item.key] === "kept";
  const [name, place] = [nameOf(item, selection), `${picture.id}-${item.key}`];
  const check = h("input", { type: "checkbox", "data-key": `counts-${place}`, checked: kept, "aria-label": `${name} counts`, onchange: () => toggle(picture, item) });
  const cell = (/** @type {Column} */ { of, title, number: right }, /** @type {number} */ i) => {
    const value = of({ picture, item });
    const text = i === 0 ? String(selection.numbers.get(item.key) ?? "–") : typeof value === "number" ? number(value, title === "Round" ? 3 : 4) : value;
    if (i > 0) return h("td", { class: right ? "number" : "", title: title === "Picture" ? text : null }, text);
    return h("td", { class: "number" }, h("button", { type: "button", class: "sort", "data-key": `show-${place}`, "aria-label": `Show ${name}`, onclick: () => show(picture, item) }, text));
  };
  return h("tr", { class: `${kept ? "" : "excluded"} ${focused ? "focused" : ""}` }, h("td", {}, check), ...shown.map(cell));
}

/** @param {Picture} picture @param {Item} item */
function show({ id }, item) {
  if (now().current !== id) choose(id);
  set({ focus: item.key });
  requestAnimationFrame(() => look(item)); // when the picture is the one that is shown
}

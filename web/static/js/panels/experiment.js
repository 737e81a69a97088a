// The panel "Pictures": a row of figures a picture.

/** @import {Row} from "../experiment.js" */
/** @import {Group, Picture, State} from "../types.js" */
import { byId, h, remembered, swap } from "../dom.js";
import { advance, experimentCsv, rows, statusText } from "../experiment.js";
import { save } from "../exports.js";
import { number, percent } from "../format.js";
import { edit } from "../history.js";
import { choose, now } from "../state.js";
import { thumbOf } from "../thumbs.js";
import { whileSeen } from "./tabs.js";

export function start() {
  whileSeen("pictures", ["pictures", "current", "filters", "pixelSize"], paint);
  byId("experiment-csv").addEventListener("click", () => save(new Blob([experimentCsv(now())], { type: "text/csv" }), "experiment.csv"));
}

/** @param {State} state */
function paint(state) {
  byId("advance").textContent = advance(state) ?? "";
  swap(byId("experiment-body"), ...rows(state).map((row) => line(row, row.picture.id === state.current)));
}

/**
 * The choice of a picture's group.
 * @param {Picture} picture
 */
function groupOf(picture) {
  const chosen = (/** @type {Event} */ event) => edit(picture, { group: /** @type {Group | null} */ (/** @type {HTMLSelectElement} */ (event.target).value || null) });
  const options = ["", "A", "B"].map((name) => h("option", { value: name, selected: name === (picture.edits.group ?? "") }, name || "–"));
  return h("select", { class: "select small", "data-key": `group-${picture.id}`, "aria-label": `Group of ${picture.name}`, onchange: chosen }, ...options);
}

const line = remembered((/** @type {Row} */ row, /** @type {boolean} */ chosen) => {
  const { picture, droplets, mean, unit, cv, lambda, copies, notes } = row;
  const figures = [number(droplets), mean === null ? "–" : `${number(mean, 4)} ${unit}`, percent(cv), number(lambda), number(copies)];
  return h("tr", { class: chosen ? "focused" : "" },
    h("td", {}, thumbOf(picture)),
    h("th", { scope: "row" }, h("button", { type: "button", class: "sort", "data-key": `row-${picture.id}`, "aria-current": chosen ? "true" : null, onclick: () => choose(picture.id) }, picture.name)),
    h("td", {}, groupOf(picture)),
    ...figures.map((figure) => h("td", { class: "number" }, figure)),
    h("td", { class: "number", title: notes.join("\n") }, notes.length ? String(notes.length) : ""),
    h("td", { class: picture.status === "failed" ? "error-text" : "" }, picture.status === "done" ? "done" : statusText({}, picture)));
});

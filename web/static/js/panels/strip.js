// The strip of pictures, with a summary of all.

/** @import {Filters, Picture, State} from "../types.js" */
import { remove } from "../analysis.js";
import { byId, h, icon, remembered, swap } from "../dom.js";
import { advance, statusText } from "../experiment.js";
import { count, number, percent } from "../format.js";
import { analysed, figuresOver } from "../scope.js";
import { choose, now, subscribe } from "../state.js";
import { thumbOf } from "../thumbs.js";

export function start() {
  subscribe(["pictures", "current", "filters"], paint);
  subscribe(["current"], reveal);
  subscribe([analysed, advance, "filters", "pixelSize"], paintSummary);
}

const AT_ONCE = 20; // entries that a frame has time for

let shown = 0;
let growing = 0;

/** @param {State} state */
function paint(state) {
  const [{ length }, before] = [state.pictures, shown];
  shown = Math.min(length, shown + AT_ONCE);
  swap(byId("strip"), ...state.pictures.slice(0, shown).map((picture) => entry(picture, picture.id === state.current, state.filters)));
  if (shown > before) reveal();
  if (shown < length) growing ||= requestAnimationFrame(() => {
    growing = 0;
    paint(now());
  });
}

/** Scroll the strip, and nothing around it, to the current picture. */
function reveal() {
  const strip = byId("strip");
  const entry = /** @type {HTMLElement | null} */ (strip.querySelector(".chosen"));
  if (!entry) return;
  const [left, right] = [entry.offsetLeft, entry.offsetLeft + entry.offsetWidth - strip.clientWidth];
  strip.scrollLeft = Math.min(left, Math.max(right, strip.scrollLeft));
}

const entry = remembered((/** @type {Picture} */ picture, /** @type {boolean} */ chosen, /** @type {Filters} */ filters) => {
  return h("li", { class: chosen ? "chosen" : "" },
    h("button", { type: "button", class: "thumb", "data-key": `show-${picture.id}`, "aria-current": chosen ? "true" : null, title: picture.name, onclick: () => choose(picture.id) },
      thumbOf(picture), h("span", { class: "thumb-text" }, h("strong", {}, picture.name), h("span", { class: picture.status === "failed" ? "error-text" : "muted" }, statusText(filters, picture)))),
    h("button", { type: "button", class: "remove", "data-key": `remove-${picture.id}`, "aria-label": `Take ${picture.name} away`, onclick: () => remove(picture.id) }, icon("close")));
});

/** @param {State} state */
function paintSummary(state) {
  const pictures = analysed(state);
  const far = state.pictures.length > 1 ? advance(state) : null;
  if (pictures.length < 2) return byId("summary").replaceChildren(...(far ? [far] : []));
  const { unit, droplets, sizes, loading } = figuresOver(state, pictures);
  const parts = [
    ...(far ? [far] : []),
    count(pictures.length, "picture"), count(droplets, "droplet"), `mean ${number(sizes.mean, 4)} ${unit}`, `CV ${percent(sizes.cv)}`,
    `λ ${number(loading.lambda)} beads`,
  ];
  byId("summary").replaceChildren(...parts.map((part) => h("span", {}, part)));
}

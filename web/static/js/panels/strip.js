// The strip of pictures, with a summary of all.

/** @import {Picture, State} from "../types.js" */
import { remove } from "../analysis.js";
import { byId, h, icon, swap } from "../dom.js";
import { selected } from "../filters.js";
import { count, number, percent } from "../format.js";
import { analysed, figuresOver } from "../scope.js";
import { choose, subscribe } from "../state.js";

/** @type {WeakMap<ImageBitmap, HTMLCanvasElement>} */
const thumbs = new WeakMap();

export function start() {
  subscribe(["pictures", "current", "filters"], paint);
  subscribe(["current"], reveal);
  subscribe([analysed, "filters", "pixelSize"], paintSummary);
}

/** @param {State} state */
function paint(state) {
  swap(byId("strip"), ...state.pictures.map((picture) => entry(state, picture)));
}

/** Scroll the strip, and nothing around it, to the current picture. */
function reveal() {
  const strip = byId("strip");
  const entry = /** @type {HTMLElement | null} */ (strip.querySelector(".chosen"));
  if (!entry) return;
  const [left, right] = [entry.offsetLeft, entry.offsetLeft + entry.offsetWidth - strip.clientWidth];
  strip.scrollLeft = Math.min(left, Math.max(right, strip.scrollLeft));
}

/**
 * @param {State} state
 * @param {Picture} picture
 */
function entry(state, picture) {
  const chosen = picture.id === state.current;
  const texts = { waiting: "waiting", working: "analysing", failed: picture.error?.title ?? "failed", done: count(selected(picture, state.filters).counts.droplet, "droplet") };
  return h("li", { class: chosen ? "chosen" : "" },
    h("button", { type: "button", class: "thumb", "data-key": `show-${picture.id}`, "aria-current": chosen ? "true" : null, title: picture.name, onclick: () => choose(picture.id) },
      thumb(picture), h("span", { class: "thumb-text" }, h("strong", {}, picture.name), h("span", { class: picture.status === "failed" ? "error-text" : "muted" }, texts[picture.status]))),
    h("button", { type: "button", class: "remove", "data-key": `remove-${picture.id}`, "aria-label": `Take ${picture.name} away`, onclick: () => remove(picture.id) }, icon("close")));
}

/** @param {Picture} picture */
function thumb({ thumb: small, status }) {
  if (!small) return h("span", { class: `thumb-blank ${status}` }, icon("picture"));
  let drawn = thumbs.get(small);
  if (!drawn) {
    drawn = h("canvas", { width: small.width, height: small.height, "aria-hidden": "true" });
    drawn.getContext("2d")?.drawImage(small, 0, 0);
    thumbs.set(small, drawn);
  }
  return drawn;
}

/** @param {State} state */
function paintSummary(state) {
  const pictures = analysed(state);
  if (pictures.length < 2) return byId("summary").replaceChildren();
  const { unit, droplets, sizes, loading } = figuresOver(state, pictures);
  const parts = [
    count(pictures.length, "picture"), count(droplets, "droplet"), `mean ${number(sizes.mean, 4)} ${unit}`, `CV ${percent(sizes.cv)}`,
    `λ ${number(loading.lambda)} beads`,
  ];
  byId("summary").replaceChildren(...parts.map((part) => h("span", {}, part)));
}

// The strip of pictures with one summary, and the card that tells how the current one is doing.

/** @import {Picture, State} from "./types.js" */
import { again, cancel, remove } from "./analysis.js";
import { byId, h, icon, swap } from "./dom.js";
import { selected } from "./filters.js";
import { count, duration, number, percent } from "./format.js";
import { analysed, figuresOver } from "./scope.js";
import { current, now, set, subscribe } from "./state.js";

const THUMB = { width: 72, height: 54 };

/** @type {WeakMap<ImageBitmap, HTMLCanvasElement>} */
const thumbs = new WeakMap();

export function start() {
  subscribe(["pictures", "current", "filters"], paint);
  subscribe([analysed, "filters", "pixelSize"], paintSummary);
  subscribe(["pictures", "current"], paintProgress);
  setInterval(() => paintProgress(now()), 500);
}

/** @param {State} state */
function paint(state) {
  swap(byId("strip"), ...state.pictures.map((picture) => entry(state, picture)));
}

/**
 * @param {State} state
 * @param {Picture} picture
 */
function entry(state, picture) {
  const chosen = picture.id === state.current;
  const texts = { waiting: "waiting", working: "analysing", failed: picture.error?.title ?? "failed", done: count(selected(picture, state.filters).counts.droplet, "droplet") };
  return h("li", { class: chosen ? "chosen" : "" },
    h("button", { type: "button", class: "thumb", "data-key": `show-${picture.id}`, "aria-current": chosen ? "true" : null, title: picture.name, onclick: () => set({ current: picture.id, focus: null }) },
      thumb(picture), h("span", { class: "thumb-text" }, h("strong", {}, picture.name), h("span", { class: picture.status === "failed" ? "error-text" : "muted" }, texts[picture.status]))),
    h("button", { type: "button", class: "remove", "data-key": `remove-${picture.id}`, "aria-label": `Take ${picture.name} away`, onclick: () => remove(picture.id) }, icon("close")));
}

/** @param {Picture} picture */
function thumb({ bitmap, status }) {
  if (!bitmap) return h("span", { class: `thumb-blank ${status}` }, icon("picture"));
  let drawn = thumbs.get(bitmap);
  if (!drawn) {
    drawn = h("canvas", { width: THUMB.width * 2, height: THUMB.height * 2, "aria-hidden": "true" });
    const scale = Math.max(drawn.width / bitmap.width, drawn.height / bitmap.height);
    drawn.getContext("2d")?.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
    thumbs.set(bitmap, drawn);
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

/** @param {State} state */
function paintProgress(state) {
  const picture = current(state);
  const card = byId("progress");
  const idle = !picture || picture.status === "done" || !byId("viewer").isConnected;
  card.hidden = idle;
  if (!picture || idle) return;
  if (picture.status === "failed") return paintFailure(card, picture);
  const { text, bar } = described(picture);
  const key = `${picture.id} ${picture.status}`;
  if (card.dataset.key !== key) {
    card.dataset.key = key;
    card.className = "progress card";
    card.replaceChildren(h("p", { class: "progress-text" }), h("progress", { max: 1, "aria-label": "Progress" }),
      h("button", { type: "button", class: "button small", onclick: () => cancel(picture.id) }, "Cancel"));
  }
  /** @type {Element} */ (card.querySelector(".progress-text")).textContent = text;
  const element = /** @type {HTMLProgressElement} */ (card.querySelector("progress"));
  if (bar === null) element.removeAttribute("value");
  else element.value = bar;
}

/**
 * @param {Picture} picture
 * @returns {{text: string, bar: number | null}}
 */
function described({ progress }) {
  if (!progress) return { text: "Waiting for its turn", bar: null };
  const elapsed = (performance.now() - progress.since) / 1000;
  if (progress.stage === "upload") return { text: `Uploading: ${Math.round(progress.part * 100)} %`, bar: progress.part };
  if (progress.stage === "wait") return { text: `Finding droplets: ${duration(elapsed)}`, bar: null };
  const left = (progress.until - performance.now()) / 1000;
  return { text: `${progress.message} Trying again in ${duration(left)}.`, bar: 1 - left / ((progress.until - progress.since) / 1000) };
}

/**
 * @param {HTMLElement} card
 * @param {Picture} picture
 */
function paintFailure(card, picture) {
  const { title, message } = picture.error ?? { title: "Failed", message: "" };
  const key = `${picture.id} ${title} ${message}`;
  if (card.dataset.key === key) return;
  card.dataset.key = key;
  card.className = "progress card failed";
  card.replaceChildren(icon("alert"), h("div", {}, h("strong", {}, title), h("p", {}, message)),
    h("div", { class: "row" },
      h("button", { type: "button", class: "button small primary", onclick: () => again(picture.id) }, "Try again"),
      h("button", { type: "button", class: "button small", onclick: () => remove(picture.id) }, "Take it away")));
}

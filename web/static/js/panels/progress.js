// The card over the picture that tells how its analysis is doing.

/** @import {Picture, State} from "../types.js" */
import { again, cancel, remove } from "../analysis.js";
import { byId, h, icon } from "../dom.js";
import { duration } from "../format.js";
import { current, now, subscribe } from "../state.js";

const EVERY = 500; // ms; the seconds that it counts are no change of the state

export function start() {
  subscribe(["pictures", "current"], paint);
  setInterval(() => paint(now()), EVERY);
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  const card = byId("progress");
  card.hidden = !picture || picture.status === "done";
  if (!picture || card.hidden) return;
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

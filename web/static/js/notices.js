// What the page says: to screen readers, and in a note that stays until it is read.

import { byId, h, icon } from "./dom.js";

/**
 * Have a screen reader say something; sighted readers see it happen.
 * @param {string} message
 */
export function say(message) {
  byId("said").textContent = message;
}

const TOLD = 5000; // ms that a sentence is to be read
let fading = 0;

/**
 * Say something that sighted readers would not see happen either: it stands over the picture for a while.
 * @param {string} message
 */
export function tell(message) {
  say(message);
  byId("told").textContent = message;
  byId("told").hidden = !message;
  clearTimeout(fading);
  fading = setTimeout(() => { byId("told").hidden = true; }, TOLD);
}

/**
 * Tell of something that went wrong, with what to do about it.
 * @param {string} title
 * @param {string} message
 */
export function problem(title, message) {
  const close = h("button", { type: "button", class: "button quiet icon-only", "aria-label": "Close" }, icon("close"));
  const note = h("div", { class: "notice", role: "alert" }, icon("alert"), h("div", {}, h("strong", {}, title), h("p", {}, message)), close);
  close.addEventListener("click", () => note.remove());
  byId("notices").replaceChildren(note);
}

/**
 * A sentence that qualifies the figures it stands under.
 * @param {string} text
 */
export const warning = (text) => h("p", { class: "warning" }, icon("alert"), h("span", {}, text));

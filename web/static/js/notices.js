// What the page says: to screen readers, and in a note that stays until it is read.

import { byId, h, icon } from "./dom.js";

/**
 * Have a screen reader say something; sighted readers see it happen.
 * @param {string} message
 */
export function say(message) {
  byId("said").textContent = message;
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

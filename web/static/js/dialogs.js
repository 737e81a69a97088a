// Dialogs: the key, a known length, help.

/** @import {State} from "./types.js" */
import { ApiError } from "./api.js";
import { byId, h } from "./dom.js";
import { number } from "./format.js";
import { apiKey, keepKey } from "./key.js";
import { problem } from "./notices.js";
import { now, set, subscribe } from "./state.js";

/** @param {string} id @returns {HTMLDialogElement} */
const dialog = (id) => byId(id);

/** @param {string} id @returns {HTMLInputElement} */
const input = (id) => byId(id);

/** @param {() => void} onkey called when a key has been entered */
export function start(onkey) {
  byId("key-button").addEventListener("click", () => askKey(""));
  byId("key-cancel").addEventListener("click", () => dialog("key-dialog").close());
  byId("key-forget").addEventListener("click", () => {
    keep("");
    dialog("key-dialog").close();
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!keep(input("key-input").value)) return;
    dialog("key-dialog").close();
    onkey();
  });
  byId("start-key").addEventListener("submit", (event) => {
    event.preventDefault();
    if (keep(input("start-key-input").value)) onkey();
  });
  byId("help-button").addEventListener("click", () => dialog("help-dialog").showModal());
  byId("help-close").addEventListener("click", () => dialog("help-dialog").close());
  byId("length-cancel").addEventListener("click", () => dialog("length-dialog").close());
  subscribe(["remaining"], tell);
  tell(now());
}

/**
 * Ask for the key.
 * @param {string} reason why the last one will not do
 */
export function askKey(reason) {
  byId("key-error").textContent = reason;
  input("key-input").value = "";
  input("key-input").setAttribute("aria-invalid", String(reason !== ""));
  byId("key-forget").hidden = !apiKey();
  if (!dialog("key-dialog").open) dialog("key-dialog").showModal();
}

/**
 * Tell of a request that failed; if it was for the key, ask for another one.
 * @param {unknown} error
 */
export function failed(error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.refused) askKey(error.message);
  else problem(error.title, error.message);
}

/**
 * Ask how long a line is.
 * @param {number} pixels its length
 * @returns {Promise<number | null>} micrometres a pixel
 */
export function askLength(pixels) {
  byId("length-note").textContent = `The line is ${number(pixels, 4)} pixels long.`;
  const [form, box, field] = [byId("length-form"), dialog("length-dialog"), input("length-input")];
  box.showModal();
  return new Promise((resolve) => {
    /** @type {number | null} */
    let um = null;
    form.onsubmit = (event) => {
      event.preventDefault();
      if (!(field.valueAsNumber > 0)) return;
      um = field.valueAsNumber / pixels;
      box.close();
    };
    box.onclose = () => resolve(um);
  });
}

/**
 * Ask whether to reset.
 * @param {readonly string[]} goes what that takes back
 * @returns {Promise<boolean>}
 */
export function askReset(goes) {
  const box = dialog("reset-dialog");
  byId("reset-goes").replaceChildren(...goes.map((each) => h("li", {}, each)));
  box.returnValue = "";
  box.showModal();
  return new Promise((resolve) => {
    box.onclose = () => resolve(box.returnValue === "reset");
  });
}

/** @param {string} key @returns {boolean} whether there is one now */
function keep(key) {
  keepKey(key.trim());
  set({ remaining: null });
  tell(now());
  return Boolean(apiKey());
}

/**
 * Whether there is a key, and whether the service has accepted it: only then it says how many requests are left.
 * @param {State} state
 */
function tell({ remaining }) {
  const there = Boolean(apiKey());
  const accepted = there && remaining !== null;
  byId("key-state").textContent = accepted ? "Key set" : there ? "Key entered" : "API key";
  byId("key-button").classList.toggle("set", accepted);
  byId("start-key-note").textContent = there
    ? "The key is entered. It stays in this tab and goes only to this service."
    : "The key stays in this tab and goes only to this service.";
  if (there) input("start-key-input").value = "";
}

import { ApiError, ask } from "./api.js";
import { Board } from "./board.js";
import { byId, h } from "../dom.js";
import { age, clock } from "./format.js";
import { Gate } from "./gate.js";
import { Poller } from "./poller.js";

const EVERY_S = 10;
const STORED = "admin-key";

const element = byId("board");
const trouble = byId("trouble");
const updated = byId("updated");
const pause = /** @type {HTMLButtonElement} */ (byId("pause"));
const board = new Board();
const poller = new Poller(refresh, EVERY_S);
const gate = new Gate((entered) => {
  key = entered;
  poller.start();
});

let key = sessionStorage.getItem(STORED) ?? "";
let hours = "24";
let request = new AbortController();
let answered = "";

/** Fetch both answers and show them; tells the seconds to wait if they are not the usual ones. */
async function refresh() {
  request = new AbortController();
  const { signal } = request;
  try {
    const stats = await ask(`/admin/stats?hours=${hours}`, key, signal);
    const health = await ask("/admin/health", key, signal); // not at once: a wrong key would count twice
    sessionStorage.setItem(STORED, key);
    answered = clock(new Date());
    updated.textContent = `Updated ${answered}`;
    gate.close();
    element.hidden = false;
    element.classList.remove("stale");
    trouble.hidden = true;
    board.show(stats, health);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    return failed(error);
  }
}

/**
 * @param {ApiError} error
 * @returns {number | void}
 */
function failed(error) {
  if (error.trouble === "refused") {
    lock("", element.hidden ? "This is not the admin key; check it for typing errors." : "The admin key has changed.");
  } else if (element.hidden) {
    lock(key, error.message);
  } else {
    const wait = Math.max(error.wait, EVERY_S);
    trouble.replaceChildren(
      h("strong", {}, error.message),
      ` These figures are from ${answered}. `,
      poller.paused ? "Refreshing is paused." : `Next try in ${age(wait)}.`,
    );
    trouble.hidden = false;
    element.classList.add("stale");
    return wait;
  }
}

/**
 * Back to the form.
 * @param {string} kept what stands in its field
 * @param {string} reason
 */
function lock(kept, reason) {
  poller.stop();
  request.abort();
  sessionStorage.removeItem(STORED);
  element.hidden = true;
  gate.open(kept, reason);
}

/** Radio buttons choose the time shown; the address remembers it. */
function chooseRange() {
  const choices = [...document.querySelectorAll("input[name=hours]")].filter((each) => each instanceof HTMLInputElement);
  const wanted = new URLSearchParams(location.search).get("hours");
  if (choices.some((choice) => choice.value === wanted)) hours = /** @type {string} */ (wanted);
  for (const choice of choices) {
    choice.checked = choice.value === hours;
    choice.addEventListener("change", () => {
      hours = choice.value;
      history.replaceState(null, "", `?hours=${hours}`);
      request.abort();
      void poller.now();
    });
  }
}

pause.addEventListener("click", () => {
  poller.pause(!poller.paused);
  pause.ariaPressed = String(poller.paused);
});
/** @type {HTMLButtonElement} */ (byId("refresh")).addEventListener("click", () => void poller.now());
/** @type {HTMLButtonElement} */ (byId("leave")).addEventListener("click", () => lock("", ""));

chooseRange();
if (key) poller.start();
else gate.open("", "");

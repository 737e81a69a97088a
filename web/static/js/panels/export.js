// The panel "Export": files, and the same request as code.

/** @import {Picture, State} from "../types.js" */
import { chartIn } from "../charts/chart.js";
import { curl, optionsFile, python } from "../code.js";
import { failed } from "../dialogs.js";
import { byId, choice } from "../dom.js";
import { csv, json, overlay, save, zip } from "../exports.js";
import { say } from "../notices.js";
import { inScope } from "../scope.js";
import { ENDING, sessionFile } from "../session/file.js";
import { savedInFile } from "../session/keeping.js";
import { current, now } from "../state.js";
import { whileSeen } from "./tabs.js";

/** Buttons for files that only an answer can fill. */
const OF_ANSWERS = ["export-zip", "export-csv", "export-json", "export-png"];

let language = "curl";
const press = choice("code", (value) => {
  language = value;
  paint(now());
});

export function start() {
  whileSeen("export", ["pictures", "current", "filters", "pixelSize", "asked"], paint);
  offer("export-zip", async (state, picture) => save(await zip(state, picture), `${stem(picture)}-analysis.zip`));
  offer("export-csv", (state, picture) => save(text(csv(state, inScope(state)), "text/csv"), `${named(state, picture)}.csv`));
  offer("export-json", (state, picture) => save(text(json(state, inScope(state)), "application/json"), `${named(state, picture)}.json`));
  offer("export-png", async (state, picture) => save(await overlay(state, picture), `${stem(picture)}-overlay.png`));
  offer("save-session", async (state) => {
    save(await sessionFile(state), `session${ENDING}`);
    savedInFile();
  });
  offer("options-file", (state, picture) => save(text(optionsFile(state, picture) ?? "{}", "application/json"), "options.json"));
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"))) {
    const { chart = "", format } = button.dataset;
    const name = { histogram: "diameters", "bead-bars": "beads", scatter: "brightness" }[chart] ?? chart;
    button.addEventListener("click", () => void chartIn(byId(chart)).save(format === "svg" ? "svg" : "png", name));
  }
  byId("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(byId("code").textContent ?? "");
      flash("Copied");
    } catch {
      getSelection()?.selectAllChildren(byId("code")); // where the page may not write it, Ctrl+C can
      flash("Press Ctrl+C");
    }
  });
}

/** @param {string} message */
function flash(message) {
  const label = /** @type {Element} */ (byId("copy").querySelector("span"));
  label.textContent = message;
  say(message);
  setTimeout(() => { label.textContent = "Copy"; }, 1500);
}

/**
 * @param {string} id
 * @param {(state: State, picture: Picture) => void | Promise<void>} make
 */
function offer(id, make) {
  /** @type {HTMLButtonElement} */
  const button = byId(id);
  button.addEventListener("click", async () => {
    const picture = current();
    if (!picture) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
      await make(now(), picture);
    } catch (error) {
      failed(error);
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  if (!picture) return;
  for (const id of OF_ANSWERS) byId(id).toggleAttribute("disabled", !picture.answer && byId(id).ariaBusy !== "true");
  byId("code").textContent = (language === "curl" ? curl : python)(state, picture);
  byId("options-file").hidden = optionsFile(state, picture) === null;
  press(language);
}

/** @param {string} content @param {string} type */
const text = (content, type) => new Blob([content], { type });

/** @param {Picture} picture */
const stem = ({ name }) => name.replace(/\.[^.]*$/, "") || "picture";

/** @param {State} state @param {Picture} picture */
const named = (state, picture) => (inScope(state).length > 1 ? "pictures" : stem(picture));

// The panel "Export": files, and the same request as code.

/** @import {Picture, State} from "../types.js" */
import { chartIn } from "../charts/chart.js";
import { codeFiles, curl, python } from "../code.js";
import { failed } from "../dialogs.js";
import { byId, choice, h } from "../dom.js";
import { csv, json, overlay, overlays, save, zip } from "../exports.js";
import { count } from "../format.js";
import { say } from "../notices.js";
import { inScope } from "../scope.js";
import { ENDING, sessionFile } from "../session/file.js";
import { savedInFile } from "../session/keeping.js";
import { canRefer } from "../session/references.js";
import { current, now } from "../state.js";
import { fromJob } from "./job.js";
import { whileSeen } from "./tabs.js";

/** Buttons for files that only an answer can fill. */
const OF_ANSWERS = ["export-zip", "export-report", "export-csv", "export-json", "export-png"];
/** What the service makes of several pictures as jobs, if it takes any. */
const JOBS = document.body.dataset.jobs === "on";

let language = "curl";
const press = choice("code", (value) => {
  language = value;
  paint(now());
});

export function start() {
  whileSeen("export", ["pictures", "current", "pooled", "filters", "pixelSize", "asked"], paint);
  offer("export-zip", async (state, picture) => {
    const blob = several(state) ? await fromJob(state, inScope(state)) : await zip(state, picture);
    if (blob) save(blob, `${named(state, picture)}-analysis.zip`);
  });
  offer("export-report", async (state, picture) => {
    const blob = await fromJob(state, inScope(state), "summary.html");
    if (blob) save(blob, `${named(state, picture)}-report.html`);
  });
  offer("export-csv", (state, picture) => save(text(csv(state, inScope(state)), "text/csv"), `${named(state, picture)}.csv`));
  offer("export-json", (state, picture) => save(text(json(state, inScope(state)), "application/json"), `${named(state, picture)}.json`));
  offer("export-png", async (state, picture) => (several(state)
    ? save(await overlays(state, inScope(state)), "pictures-overlays.zip")
    : save(await overlay(state, picture), `${stem(picture)}-overlay.png`)));
  for (const [id, whole] of /** @type {const} */ ([["save-session", true], ["save-references", false]])) {
    offer(id, async (state) => {
      save(await sessionFile(state, whole), `session${ENDING}`);
      savedInFile();
    });
  }
  byId("save-references").hidden = !canRefer;
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
      const making = make(now(), picture);
      paint(now()); // what else is asked for as a job waits for this one
      await making;
    } catch (error) {
      failed(error);
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
      paint(now());
    }
  });
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  if (!picture) return;
  const pictures = inScope(state);
  const busy = !byId("job").hidden;
  for (const id of OF_ANSWERS) byId(id).toggleAttribute("disabled", !pictures.length || byId(id).ariaBusy === "true");
  byId("export-report").toggleAttribute("disabled", !pictures.length || busy);
  byId("export-zip").toggleAttribute("disabled", !pictures.length || busy || (several(state) && !JOBS));
  byId("export-report").hidden = !JOBS;
  const whose = several(state) ? `all ${count(pictures.length, "picture")}` : "this picture";
  byId("export-scope").textContent = several(state) ? `Files of ${whose}.` : `Files of this picture, ${picture.name}.`;
  byId("export-zip-label").textContent = `Everything as ZIP, of ${whose}`;
  byId("export-report-label").textContent = `Report of ${whose} (HTML)`;
  byId("export-png").textContent = several(state) ? "Overlay PNGs" : "Overlay PNG";
  byId("export-cost").textContent = cost(state, pictures.length);
  const coded = several(state) && JOBS ? pictures : [picture];
  byId("code").textContent = (language === "curl" ? curl : python)(state, coded);
  byId("code-scope").textContent = `The same for ${several(state) && JOBS ? whose : "this picture"}`;
  byId("code-files").replaceChildren(...codeFiles(state, coded).map(([name, content]) =>
    h("button", { type: "button", class: "button quiet small", onclick: () => save(text(content, "application/json"), name) }, name)));
  press(language);
}

/** @param {string} content @param {string} type */
const text = (content, type) => new Blob([content], { type });

/** @param {Picture} picture */
const stem = ({ name }) => name.replace(/\.[^.]*$/, "") || "picture";

/** @param {State} state */
const several = (state) => inScope(state).length > 1;

/** @param {State} state @param {Picture} picture */
const named = (state, picture) => (several(state) ? "pictures" : stem(picture));

/**
 * What a file that the service makes costs.
 * @param {State} state
 * @param {number} pictures
 */
function cost(state, pictures) {
  if (several(state) && !JOBS) return "This service takes no jobs: a ZIP can be had of single pictures only.";
  const left = state.remaining === null ? "" : ` of ${state.remaining} left in this hour`;
  return `ZIP and report are made by the service with these filters and edits, as ${count(pictures, "request")}${left}.`;
}

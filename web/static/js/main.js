// The page's beginning: every part is started, and the frame follows the state.

/** @import {State} from "./types.js" */
import { again, connect } from "./analysis.js";
import * as dialogs from "./dialogs.js";
import { byId, choice } from "./dom.js";
import * as intake from "./intake.js";
import * as keys from "./keys.js";
import { say } from "./notices.js";
import * as analysis from "./panels/analysis.js";
import * as beads from "./panels/beads.js";
import * as exporting from "./panels/export.js";
import * as figures from "./panels/figures.js";
import * as filters from "./panels/filters.js";
import * as pcr from "./panels/pcr.js";
import * as progress from "./panels/progress.js";
import * as scale from "./panels/scale.js";
import * as sizes from "./panels/sizes.js";
import * as strip from "./panels/strip.js";
import * as table from "./panels/table.js";
import * as tabs from "./panels/tabs.js";
import * as stage from "./stage.js";
import { current, now, redo, resetView, set, subscribe, undo } from "./state.js";

const press = choice("tool", (value) => set({ tool: /** @type {State["tool"]} */ (value) }));
subscribe(["pictures", "current", "colourBy", "tool", "remaining"], frame);
const parts = [
  intake, keys, tabs, filters, figures, sizes, beads, pcr, table, exporting, scale, analysis, stage, strip, progress,
];
for (const part of parts) part.start();
connect({ needKey: dialogs.askKey, say });
dialogs.start(() => {
  for (const { id, error } of now().pictures) if (error?.status === 401 || error?.status === 403) again(id);
  intake.resume();
});

byId("undo").addEventListener("click", undo);
byId("redo").addEventListener("click", redo);
byId("reset").addEventListener("click", resetView);
byId("colour-by").addEventListener("change", (event) => {
  set({ colourBy: /** @type {State["colourBy"]} */ (/** @type {HTMLSelectElement} */ (event.target).value) });
});

// A click that came before this would be lost, or send a form that the policy of the page forbids.
for (const button of document.querySelectorAll("[data-until-ready]")) button.removeAttribute("disabled");

/** @param {State} state */
function frame(state) {
  const picture = current(state);
  byId("main").dataset.state = picture ? "open" : "empty";
  byId("start").hidden = picture !== null;
  byId("stage").hidden = byId("filters-side").hidden = byId("results-side").hidden = picture === null;
  byId("undo").toggleAttribute("disabled", !picture?.past.length);
  byId("redo").toggleAttribute("disabled", !picture?.future.length);
  /** @type {HTMLSelectElement} */ (byId("colour-by")).value = state.colourBy;
  press(state.tool);
  byId("key-button").title = state.remaining === null ? "API key" : `${state.remaining} requests left in this hour`;
}

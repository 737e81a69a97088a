// The page's beginning: every part is started, and the frame follows the state.

/** @import {State} from "./types.js" */
import * as analysing from "./analysis.js";
import * as bitmaps from "./bitmaps.js";
import { load } from "./charts/plotly.js";
import * as dialogs from "./dialogs.js";
import { byId, choice } from "./dom.js";
import * as intake from "./intake/intake.js";
import { apiKey } from "./key.js";
import * as keys from "./keys.js";
import { redo, revise, undo } from "./history.js";
import { say, tell } from "./notices.js";
import * as analysis from "./panels/analysis.js";
import * as beads from "./panels/beads.js";
import * as comparison from "./panels/comparison.js";
import * as experiment from "./panels/experiment.js";
import * as exporting from "./panels/export.js";
import * as figures from "./panels/figures.js";
import * as filters from "./panels/filters.js";
import * as job from "./panels/job.js";
import * as neighbours from "./panels/neighbours.js";
import * as partitions from "./panels/partitions.js";
import * as pcr from "./panels/pcr.js";
import * as planes from "./panels/planes.js";
import * as progress from "./panels/progress.js";
import * as scale from "./panels/scale.js";
import * as sizes from "./panels/sizes.js";
import * as strip from "./panels/strip.js";
import * as table from "./panels/table.js";
import * as tabs from "./panels/tabs.js";
import * as tone from "./panels/tone.js";
import * as twoDyes from "./panels/two-dyes.js";
import { reset, resettable } from "./reset.js";
import * as keeping from "./session/keeping.js";
import * as offer from "./session/offer.js";
import * as stage from "./stage.js";
import { current, now, set, subscribe } from "./state.js";

const press = choice("tool", (value) => set({ tool: /** @type {State["tool"]} */ (value) }));
subscribe(["pictures", "current", "colourBy", "tool", "remaining", "past", "future"], frame);
const parts = [
  bitmaps, analysing, intake, keys, tabs, filters, figures, sizes, neighbours, beads, pcr, partitions, twoDyes, table, experiment, comparison, exporting, job, scale, analysis, stage, strip, planes, progress, tone,
  keeping, offer,
];
for (const part of parts) void part.start();
analysing.connect({ needKey: dialogs.askKey, say, tell });
dialogs.start(() => {
  for (const { id, error } of now().pictures) if (error?.status === 401 || error?.status === 403) analysing.again(id);
  intake.resume();
  prepare();
});
if (apiKey()) prepare();

for (const id of ["undo", "bring-back"]) byId(id).addEventListener("click", undo);
byId("redo").addEventListener("click", redo);
byId("reset").addEventListener("click", askReset);
byId("colour-by").addEventListener("change", (event) => {
  revise({ colourBy: /** @type {State["colourBy"]} */ (/** @type {HTMLSelectElement} */ (event.target).value) });
});

// A click that came before this would be lost, or send a form that the policy of the page forbids.
for (const button of document.querySelectorAll("[data-until-ready]")) button.removeAttribute("disabled");

/** What draws charts takes long to begin with: it comes when pictures may be sent, before there are any to wait for. */
function prepare() {
  (globalThis.requestIdleCallback ?? setTimeout)(() => void load());
}

async function askReset() {
  const goes = resettable(now());
  if (!goes.length) tell("Nothing to reset: all is as at the start.");
  else if (await dialogs.askReset(goes)) reset();
}

/** @param {State} state */
function frame(state) {
  const picture = current(state);
  byId("main").dataset.state = picture ? "open" : "empty";
  byId("start").hidden = picture !== null;
  byId("bring-back").hidden = !state.past.length;
  byId("stage").hidden = byId("filters-side").hidden = byId("results-side").hidden = picture === null;
  byId("undo").toggleAttribute("disabled", !state.past.length);
  byId("redo").toggleAttribute("disabled", !state.future.length);
  /** @type {HTMLSelectElement} */ (byId("colour-by")).value = state.colourBy;
  press(state.tool);
  byId("key-button").title = state.remaining === null ? "API key" : `${state.remaining} requests left in this hour`;
}

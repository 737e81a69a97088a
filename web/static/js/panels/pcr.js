// The panel "ddPCR": fluorescence of droplets, a dye at a time, and a threshold that can be moved.

/** @import {Picture, State} from "../types.js" */
import { again } from "../analysis.js";
import { chartIn } from "../charts/chart.js";
import { scatter } from "../charts/scatter.js";
import { byId, fillSelect } from "../dom.js";
import { selected } from "../filters.js";
import { edit } from "../history.js";
import { brightness, dyeOf, dyesOf, nameOfDye, partitions, thresholdOf } from "../pcr.js";
import { pending } from "../scope.js";
import { NONE_PICKED, current, find, now, set, update } from "../state.js";
import { umOf } from "../units.js";
import { paintFigures } from "./partitions.js";
import { whileSeen } from "./tabs.js";

export function start() {
  whileSeen("pcr", ["pictures", "current", "dye", "filters", "pixelSize", "asked"], paint);
  byId("scatter-x").addEventListener("change", () => paint(now()));
  byId("fluorescence").addEventListener("click", () => byId("fluorescence-file").click());
  byId("fluorescence-file").addEventListener("change", (event) => {
    const files = [.../** @type {HTMLInputElement} */ (event.target).files ?? []];
    if (files.length) giveLight(files);
  });
  byId("channel").addEventListener("change", (event) => {
    set({ asked: { ...now().asked, channel: /** @type {HTMLSelectElement} */ (event.target).value || null } });
    const picture = current();
    if (picture) otherLight(picture, {});
  });
  byId("dye").addEventListener("change", (event) => {
    set({ dye: Number(/** @type {HTMLSelectElement} */ (event.target).value), picked: NONE_PICKED });
  });
  byId("threshold").addEventListener("change", (event) => {
    const { valueAsNumber } = /** @type {HTMLInputElement} */ (event.target);
    setThreshold(Number.isFinite(valueAsNumber) ? valueAsNumber : null);
  });
  byId("threshold-reset").addEventListener("click", () => setThreshold(null));
}

/** @param {readonly File[]} files one a dye */
function giveLight(files) {
  const picture = current();
  if (!picture) return;
  otherLight(picture, { fluorescence: files, light: null });
}

/**
 * Analyse a picture with another fluorescence, for which a threshold of the last one means nothing.
 * @param {Picture} picture
 * @param {Partial<Picture>} change
 */
function otherLight({ id, edits }, change) {
  update(id, { ...change, edits: { ...edits, thresholds: [] } });
  again(id);
}

/** @param {number | null} threshold of the dye that is looked at */
function setThreshold(threshold) {
  const picture = current();
  if (!picture) return;
  const dye = dyeOf(now(), picture) ?? 0;
  const { length } = picture.edits.thresholds;
  edit(picture, { thresholds: Array.from({ length: Math.max(length, dye + 1) }, (_, i) => (i === dye ? threshold : (picture.edits.thresholds[i] ?? null))) });
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  if (!picture) return;
  const names = picture.fluorescence.map(({ name }) => name).join(", ");
  byId("fluorescence").querySelector("span")?.replaceChildren(names || "Add the fluorescence picture");
  /** @type {HTMLSelectElement} */ (byId("channel")).value = state.asked.channel ?? "";
  if (!picture.answer) return chartIn(byId("scatter")).none(pending(state) ?? "Not analysed yet.");
  const dye = dyeOf(state, picture);
  paintDyes(picture, dye);
  const counted = partitions(selected(picture, state.filters).kept, dye === null ? [] : [dye]);
  const um = umOf(state, picture) ?? 1;
  const byIndex = /** @type {HTMLSelectElement} */ (byId("scatter-x")).value === "index";
  const threshold = thresholdOf(picture, dye);
  byId("scatter-title").textContent = dye === null ? "Mean intensity" : "Fluorescence amplitude";
  scatter(byId("scatter"), {
    dots: counted.map((item, i) => [byIndex ? i : item.mask.equivalent_diameter * um, brightness(item, dye)]),
    across: byIndex ? "droplet" : `diameter (${umOf(state, picture) ? "µm" : "px"})`,
    up: dye === null ? "mean intensity" : "amplitude",
    threshold,
    onthreshold: (moved, done) => {
      if (done) setThreshold(moved);
      else paintFigures(state, picture, moved);
    },
  });
  /** @type {HTMLInputElement} */
  const field = byId("threshold");
  if (document.activeElement !== field) field.value = threshold === null ? "" : String(Number(threshold.toPrecision(5)));
  byId("threshold-reset").hidden = (find(picture.id)?.edits.thresholds[dye ?? 0] ?? null) === null;
}

/**
 * Offer the dyes where there are several.
 * @param {Picture} picture
 * @param {number | null} dye
 */
function paintDyes(picture, dye) {
  const dyes = dyesOf(picture.answer);
  byId("dyes").hidden = dyes.length < 2;
  fillSelect(byId("dye"), dyes.map((_, i) => /** @type {const} */ ([i, nameOfDye(picture, i)])), dye ?? 0);
}

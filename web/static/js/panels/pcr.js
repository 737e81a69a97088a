// The panel "ddPCR": bright droplets, and the copies they stand for.

/** @import {Picture, State} from "../types.js" */
import { again } from "../analysis.js";
import { chartIn } from "../charts/chart.js";
import { scatter } from "../charts/scatter.js";
import { byId, h, pairs } from "../dom.js";
import { selected } from "../filters.js";
import { number, percent } from "../format.js";
import { edit } from "../history.js";
import { warning } from "../notices.js";
import { brightness, concentration, partitions, thresholdOf, volume, volumeUncertainty } from "../pcr.js";
import { pending } from "../scope.js";
import { current, find, now, set, update } from "../state.js";
import { umOf } from "../units.js";
import { whileSeen } from "./tabs.js";

export function start() {
  whileSeen("pcr", ["pictures", "current", "filters", "pixelSize", "asked"], paint);
  const axis = byId("scatter-x");
  axis.addEventListener("change", () => paint(now()));
  byId("fluorescence").addEventListener("click", () => byId("fluorescence-file").click());
  byId("fluorescence-file").addEventListener("change", (event) => {
    const file = /** @type {HTMLInputElement} */ (event.target).files?.[0];
    if (file) giveLight(file);
  });
  byId("channel").addEventListener("change", (event) => {
    set({ asked: { ...now().asked, channel: /** @type {HTMLSelectElement} */ (event.target).value || null } });
    const picture = current();
    if (picture) otherLight(picture, {});
  });
  byId("threshold").addEventListener("change", (event) => {
    const { valueAsNumber } = /** @type {HTMLInputElement} */ (event.target);
    setThreshold(Number.isFinite(valueAsNumber) ? valueAsNumber : null);
  });
  byId("threshold-reset").addEventListener("click", () => setThreshold(null));
}

/** @param {File} file */
function giveLight(file) {
  const picture = current();
  if (!picture) return;
  otherLight(picture, { fluorescence: file, light: null });
}

/**
 * Analyse a picture with another fluorescence, for which a threshold of the last one means nothing.
 * @param {Picture} picture
 * @param {Partial<Picture>} change
 */
function otherLight({ id, edits }, change) {
  update(id, { ...change, edits: { ...edits, threshold: null } });
  again(id);
}

/** @param {number | null} threshold */
function setThreshold(threshold) {
  const picture = current();
  if (picture) edit(picture, { threshold });
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  if (!picture) return;
  if (!picture.answer) return paintPending(state);
  const light = picture.answer.ddpcr !== null;
  const counted = partitions(selected(picture, state.filters).kept, light);
  const um = umOf(state, picture) ?? 1;
  /** @type {HTMLSelectElement} */
  const axis = byId("scatter-x");
  const byIndex = axis.value === "index";
  byId("scatter-title").textContent = light ? "Fluorescence amplitude" : "Mean intensity";
  byId("fluorescence").querySelector("span")?.replaceChildren(picture.fluorescence ? picture.fluorescence.name : "Add the fluorescence picture");
  /** @type {HTMLSelectElement} */ (byId("channel")).value = state.asked.channel ?? "";
  scatter(byId("scatter"), {
    dots: counted.map((item, i) => [byIndex ? i : item.mask.equivalent_diameter * um, brightness(item, light)]),
    across: byIndex ? "droplet" : `diameter (${umOf(state, picture) ? "µm" : "px"})`,
    up: light ? "amplitude" : "mean intensity",
    threshold: thresholdOf(picture),
    onthreshold: (threshold, done) => {
      if (done) setThreshold(threshold);
      else paintFigures(state, picture, threshold);
    },
  });
  paintFigures(state, picture, thresholdOf(picture));
}

/** @param {State} state */
function paintPending(state) {
  chartIn(byId("scatter")).none(pending(state) ?? "Not analysed yet.");
  for (const id of ["pcr-figures", "pcr-notes"]) byId(id).replaceChildren();
}

/**
 * @param {State} state
 * @param {Picture} picture
 * @param {number | null} threshold
 */
function paintFigures(state, picture, threshold) {
  const ddpcr = picture.answer?.ddpcr ?? null;
  const light = ddpcr !== null;
  const counted = partitions(selected(picture, state.filters).kept, light);
  const um = umOf(state, picture);
  /** @type {HTMLInputElement} */
  const field = byId("threshold");
  if (document.activeElement !== field) field.value = threshold === null ? "" : String(Number(threshold.toPrecision(5)));
  byId("threshold-reset").hidden = find(picture.id)?.edits.threshold === null;
  if (threshold === null) {
    pairs(byId("pcr-figures"), [["droplets", number(counted.length)]]);
  } else {
    const positives = counted.filter((item) => brightness(item, light) >= threshold).length;
    const volumes = um ? counted.map(({ mask }) => volume(mask.equivalent_diameter, um)) : [];
    const { part, lambda, copies, volume: average } = concentration(positives, counted.length, volumes, volumeUncertainty(counted));
    pairs(byId("pcr-figures"), [
      ["droplets", number(counted.length)],
      ["positive", number(positives), `(${percent(part)})`],
      ["λ, copies a droplet", number(lambda[0], 4), interval(lambda)],
      copies ? ["copies per µl", number(copies[0], 4), interval(copies)] : ["copies per µl", "–", "needs a pixel size"],
      average !== null && ["mean volume", `${number(average, 4)} pl`],
    ]);
  }
  const notes = light ? ddpcr.warnings : ["Without a fluorescence picture (or a channel) the droplets' own brightness is shown."];
  byId("pcr-notes").replaceChildren(...notes.map((text) => (light ? warning(text) : h("p", {}, text))));
}

/** @param {readonly number[]} estimate value, low, high */
const interval = ([, low, high]) => `(95 %: ${number(low, 4)} to ${Number.isFinite(high) ? number(high, 4) : "∞"})`;

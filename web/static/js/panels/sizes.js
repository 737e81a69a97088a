// The panel "Sizes": the distribution of diameters.

/** @import {Picture, State} from "../types.js" */
import { histogram } from "../charts/histogram.js";
import { byId, h, pairs } from "../dom.js";
import { FIGURES, limited, select } from "../filters.js";
import { number, percent } from "../format.js";
import { revise } from "../history.js";
import { figures, inScope, known, pending } from "../scope.js";
import { now } from "../state.js";
import { isWhole, mean } from "../statistics.js";
import { whileSeen } from "./tabs.js";

let fits = false;

export function start() {
  byId("fits").addEventListener("change", (event) => {
    fits = /** @type {HTMLInputElement} */ (event.target).checked;
    byId("fit-keys").hidden = !fits;
    paint(now());
  });
  whileSeen("sizes", [figures, pending], paint);
}

/** @type {Record<string, string>} what the service leaves out by itself, by its names */
const REASONS = {
  unsure: "much less sure than the rest", edge: "cut off by the border", area: "clumps by size", circularity: "not round", debris: "debris",
  duplicate: "two of one object", clump: "over several objects", background: "background", annotation: "scale bar or its text",
};

/**
 * How many objects the service left out for which reason, most first.
 * @param {readonly Picture[]} pictures
 * @returns {[string, number][]}
 */
function removedOver(pictures) {
  /** @type {Map<string, number>} */
  const total = new Map();
  for (const { answer } of pictures) {
    for (const [reason, number] of Object.entries(answer?.removed ?? {})) total.set(reason, (total.get(reason) ?? 0) + number);
  }
  return [...total].filter(([, number]) => number).sort(([, one], [, other]) => other - one);
}

/** @param {State} state */
function paint(state) {
  const pictures = inScope(state);
  const { unit, per, diameters, uncertainties, sizes } = figures(state);
  const open = { ...state.filters, diameter_min: null, diameter_max: null };
  const all = pictures.flatMap((picture) =>
    select(picture, open).kept.filter(isWhole).map(({ mask }) => mask.equivalent_diameter * per(picture)));
  const scale = pictures.length ? per(pictures[0]) : 1;
  const end = (/** @type {number | boolean | null | undefined} */ value) => (typeof value === "number" ? value * scale : null);
  histogram(byId("histogram"), {
    all, kept: diameters, fits, unit, pending: pending(state),
    mark: [end(state.filters.diameter_min), end(state.filters.diameter_max)],
    onmark: (low, high) => revise({ filters: limited(now().filters, FIGURES[0], low && low / scale, high && high / scale) }),
  });
  const length = (/** @type {number | null} */ value, digits = 4) => (value === null ? "–" : `${number(value, digits)} ${unit}`);
  pairs(byId("size-figures"), [
    ["n (whole droplets)", number(known(state, sizes.n))],
    ["mean", length(sizes.mean), sizes.mean95 ? `(95 %: ${number(sizes.mean95[0], 4)} to ${number(sizes.mean95[1], 4)})` : ""],
    ["standard deviation", length(sizes.std, 3)],
    ["CV", percent(sizes.cv)],
    ["D10", length(sizes.d10)],
    ["D50", length(sizes.d50)],
    ["D90", length(sizes.d90)],
    ["span, (D90 − D10) / D50", number(sizes.span)],
    ["D32 (Sauter)", length(sizes.d32)],
    ["volume of all", unit === "µm" && sizes.volume !== null ? `${number(sizes.volume / 1000, 4)} pl` : "–", unit === "µm" ? "" : "needs a pixel size"],
    ["uncertainty of a size", length(mean(uncertainties) || null, 2)],
  ]);
  const gone = removedOver(pictures);
  byId("removed").hidden = !gone.length;
  pairs(byId("removed-figures"), gone.map(([reason, number]) => [REASONS[reason] ?? reason, String(number)]));
  const notes = state.pooled ? [] : (pictures[0]?.answer?.image.notes ?? []);
  byId("notes").replaceChildren(...notes.map((note) => h("p", { class: "muted" }, note)));
}

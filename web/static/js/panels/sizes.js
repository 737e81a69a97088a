// The panel "Sizes": the distribution of diameters.

/** @import {State} from "../types.js" */
import { histogram } from "../charts/histogram.js";
import { load } from "../charts/plotly.js";
import { byId, h, pairs } from "../dom.js";
import { FIGURES, limited, select } from "../filters.js";
import { number, percent } from "../format.js";
import { revise } from "../history.js";
import { figures, inScope, known, pending } from "../scope.js";
import { now, subscribe } from "../state.js";
import { isWhole, mean } from "../statistics.js";
import { whileSeen } from "./tabs.js";

export function start() {
  subscribe(["pictures"], ({ pictures }) => {
    if (pictures.length) void load(); // while the picture is analysed
  });
  whileSeen("sizes", [figures], paint);
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
    all, kept: diameters, unit, pending: pending(state),
    mark: [end(state.filters.diameter_min), end(state.filters.diameter_max)],
    onmark: (low, high) => revise({ filters: limited(now().filters, FIGURES[0], low && low / scale, high && high / scale) }),
  });
  const length = (/** @type {number | null} */ value, digits = 4) => (value === null ? "–" : `${number(value, digits)} ${unit}`);
  pairs(byId("size-figures"), [
    ["n (whole droplets)", number(known(state, sizes.n))],
    ["mean", length(sizes.mean)],
    ["standard deviation", length(sizes.std, 3)],
    ["CV", percent(sizes.cv)],
    ["D10", length(sizes.d10)],
    ["D50", length(sizes.d50)],
    ["D90", length(sizes.d90)],
    ["uncertainty of a size", length(mean(uncertainties) || null, 2)],
  ]);
  const notes = state.pooled ? [] : (pictures[0]?.answer?.image.notes ?? []);
  byId("notes").replaceChildren(...notes.map((note) => h("p", { class: "muted" }, note)));
}

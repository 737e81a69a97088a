// The figures on top, and the panels "Sizes" and "Beads".

/** @import {Item, Picture, State} from "../types.js" */
import { bars } from "../charts/bars.js";
import { histogram } from "../charts/histogram.js";
import { load } from "../charts/plotly.js";
import { byId, h } from "../dom.js";
import { FIGURES, selected } from "../filters.js";
import { number, percent } from "../format.js";
import { now, set, subscribe } from "../state.js";
import { isWhole, loading, mean, sizes } from "../statistics.js";
import { inScope, lengths } from "../units.js";
import { limited } from "./filters.js";
import { pairs } from "./pairs.js";
import { whenSeen } from "./tabs.js";

export function start() {
  const repaint = () => paint(now());
  whenSeen("sizes", repaint);
  whenSeen("beads", repaint);
  subscribe((state, before) => {
    if (state.pictures.length) void load(); // while the picture is analysed
    if (state.pictures !== before.pictures || state.current !== before.current || state.filters !== before.filters
      || state.pixelSize !== before.pixelSize || state.pooled !== before.pooled) paint(state);
  });
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (byId("scope").querySelectorAll("[data-pooled]"))) {
    button.addEventListener("click", () => set({ pooled: button.dataset.pooled === "true" }));
  }
}

/**
 * Figures over pictures: diameters of whole droplets with their uncertainties, in the units that are shown, and their beads.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 */
export function gathered(state, pictures) {
  const { unit, per } = lengths(state, pictures);
  const diameters = [];
  const uncertainties = [];
  const beads = [];
  let droplets = 0;
  for (const picture of pictures) {
    const { kept, beads: inside } = selected(picture, state.filters);
    droplets += kept.filter(({ mask }) => mask.kind === "droplet").length;
    for (const item of kept.filter(isWhole)) {
      diameters.push(item.mask.equivalent_diameter * per(picture));
      uncertainties.push((item.mask.boundary?.uncertainty_px ?? 0) * per(picture));
      beads.push(inside.get(item.key) ?? 0);
    }
  }
  return { unit, per, droplets, diameters, uncertainties, beads };
}

/** @param {State} state */
function paint(state) {
  const pictures = inScope(state);
  byId("scope").hidden = state.pictures.filter((each) => each.answer).length < 2;
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (byId("scope").querySelectorAll("[data-pooled]"))) {
    button.setAttribute("aria-pressed", String(button.dataset.pooled === String(state.pooled)));
  }
  const all = gathered(state, pictures);
  const spread = sizes(all.diameters);
  const loaded = loading(all.beads);
  byId("figures").replaceChildren(
    figure("droplets", number(all.droplets)),
    figure(`mean diameter (${all.unit})`, number(spread.mean, 4)),
    figure("CV", percent(spread.cv)),
    figure("beads a droplet", number(loaded.lambda)),
  );
  if (!byId("panel-sizes").hidden) paintSizes(state, pictures, all, spread);
  if (!byId("panel-beads").hidden) paintBeads(all, loaded);
}

/** @param {string} name @param {string} value */
const figure = (name, value) => h("div", {}, h("strong", {}, value), h("span", {}, name));

/**
 * @param {State} state
 * @param {readonly Picture[]} pictures
 * @param {ReturnType<typeof gathered>} all
 * @param {ReturnType<typeof sizes>} spread
 */
function paintSizes(state, pictures, all, spread) {
  const open = { ...state.filters, diameter_min: null, diameter_max: null };
  const before = pictures.flatMap((picture) =>
    selectedWith(picture, open).filter(isWhole).map(({ mask }) => mask.equivalent_diameter * all.per(picture)));
  const scale = pictures.length ? all.per(pictures[0]) : 1;
  const end = (/** @type {number | boolean | null | undefined} */ value) => (typeof value === "number" ? value * scale : null);
  histogram(byId("histogram"), {
    all: before, kept: all.diameters, unit: all.unit,
    mark: [end(state.filters.diameter_min), end(state.filters.diameter_max)],
    onmark: (low, high) => set({ filters: limited(FIGURES[0], low && low / scale, high && high / scale) }),
  });
  const length = (/** @type {number | null} */ value, digits = 4) => (value === null ? "–" : `${number(value, digits)} ${all.unit}`);
  pairs(byId("size-figures"), [
    ["n (whole droplets)", number(spread.n)],
    ["mean", length(spread.mean)],
    ["standard deviation", length(spread.std, 3)],
    ["CV", percent(spread.cv)],
    ["D10", length(spread.d10)],
    ["D50", length(spread.d50)],
    ["D90", length(spread.d90)],
    ["uncertainty of a size", length(mean(all.uncertainties) || null, 2)],
  ]);
  const notes = state.pooled ? [] : (pictures[0]?.answer?.image.notes ?? []);
  byId("notes").replaceChildren(...notes.map((note) => h("p", { class: "muted" }, note)));
}

/**
 * The same picture under other filters, without forgetting the selection in use.
 * @param {Picture} picture
 * @param {State["filters"]} filters
 * @returns {Item[]}
 */
const selectedWith = (picture, filters) => selected({ ...picture, items: [...picture.items] }, filters).kept;

/**
 * @param {ReturnType<typeof gathered>} all
 * @param {ReturnType<typeof loading>} loaded
 */
function paintBeads(all, loaded) {
  bars(byId("bead-bars"), all.diameters.length ? loaded.observed : [], loaded.expected);
  pairs(byId("bead-figures"), [
    ["whole droplets", number(loaded.droplets)],
    ["beads in them", number(loaded.beads)],
    ["λ, beads a droplet", number(loaded.lambda, 4)],
    ["with beads", percent(loaded.occupied)],
    ["of these with one", percent(loaded.singleOfOccupied)],
  ]);
}

// The pictures that figures are about, and the figures over them.

/** @import {Picture, State} from "./types.js" */
import { selected } from "./filters.js";
import { current, derived } from "./state.js";
import { isWhole, loading, sizes } from "./statistics.js";
import { lengths } from "./units.js";

/** The pictures that have been analysed. */
export const analysed = steady(derived(["pictures"], ({ pictures }) => pictures.filter((each) => each.answer)));

/** The pictures that figures are about: the current one, or all that are analysed. */
export const inScope = steady(derived([analysed, "current", "pooled"], (state) =>
  (state.pooled ? analysed(state) : analysed(state).filter(({ id }) => id === state.current))));

/**
 * The same list as before as long as the same pictures are in it: that another one comes on is no change of it.
 * @param {(state: State) => readonly Picture[]} list
 */
function steady(list) {
  /** @type {readonly Picture[]} */
  let last = [];
  return (/** @type {State} */ state) => {
    const next = list(state);
    if (next.length !== last.length || next.some((each, i) => each !== last[i])) last = next;
    return last;
  };
}

/**
 * Why there are no figures: nothing in scope is analysed yet. Null where there are some, be they 0.
 * @param {State} state
 */
export function pending(state) {
  if (inScope(state).length) return null;
  const status = current(state)?.status;
  return status === "failed" ? "The analysis failed." : status === "working" ? "Being analysed." : "Not analysed yet.";
}

/** The figures over the pictures in scope. */
export const figures = derived([inScope, "current", "filters", "pixelSize"], (state) => figuresOver(state, inScope(state)));

/**
 * A count over the pictures in scope; null as long as none of them is analysed, as it is not known then.
 * @param {State} state
 * @param {number} count
 */
export const known = (state, count) => (inScope(state).length ? count : null);

/**
 * Figures over pictures: diameters of whole droplets with their uncertainties, in the units that are shown, and their
 * beads.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 */
export function figuresOver(state, pictures) {
  const { unit, per } = lengths(state, pictures);
  const diameters = [];
  const uncertainties = [];
  const beads = [];
  let droplets = 0;
  for (const picture of pictures) {
    const { kept, counts, beads: inside } = selected(picture, state.filters);
    droplets += counts.droplet;
    for (const item of kept.filter(isWhole)) {
      diameters.push(item.mask.equivalent_diameter * per(picture));
      uncertainties.push((item.mask.boundary?.uncertainty_px ?? 0) * per(picture));
      beads.push(inside.get(item.key) ?? 0);
    }
  }
  return { unit, per, droplets, diameters, uncertainties, sizes: sizes(diameters), loading: loading(beads) };
}

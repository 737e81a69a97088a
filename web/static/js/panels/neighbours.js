// In the panel "Sizes": how the droplets of a picture lie, which the service works out when it is asked.

/** @import {Selection, State} from "../types.js" */
import { post } from "../api.js";
import { failed } from "../dialogs.js";
import { byId, pairs } from "../dom.js";
import { selected } from "../filters.js";
import { number, percent } from "../format.js";
import { requestForm } from "../request.js";
import { countdown, current, now, subscribe } from "../state.js";
import { lengths } from "../units.js";

/**
 * @typedef {{mean: number | null}} Spread
 *
 * @typedef {Object} Neighbours as the service answers, in pixels
 * @property {number} interior droplets of which all neighbours are known
 * @property {Spread} neighbours
 * @property {Spread} contacts
 * @property {Spread} nearest_gap
 * @property {number | null} packing_fraction
 * @property {number} covered_fraction
 */

/** @type {WeakMap<Selection, Neighbours>} what was answered holds for the filters and edits that were asked with */
const answered = new WeakMap();

export function start() {
  byId("ask-neighbours").addEventListener("click", ask);
  subscribe(["pictures", "current", "pooled", "filters", "pixelSize"], paint);
}

async function ask() {
  const [state, picture] = [now(), current()];
  if (!picture?.answer) return;
  /** @type {HTMLButtonElement} */
  const button = byId("ask-neighbours");
  button.disabled = true;
  try {
    const form = requestForm(state, picture, { mask_format: "none" });
    const { neighbours } = await post("/advanced_analysis", form, { onremaining: countdown });
    answered.set(selected(picture, state.filters), neighbours);
  } catch (error) {
    failed(error);
  } finally {
    button.disabled = false;
    paint(now());
  }
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  const known = picture && answered.get(selected(picture, state.filters));
  byId("neighbours").hidden = !picture?.answer || state.pooled;
  byId("ask-neighbours").hidden = Boolean(known);
  if (!picture || !known) return byId("neighbour-figures").replaceChildren();
  const { unit, per } = lengths(state, [picture]);
  const gap = known.nearest_gap.mean;
  pairs(byId("neighbour-figures"), [
    ["droplets amid others", number(known.interior)],
    ["neighbours of each, mean", number(known.neighbours.mean)],
    ["of these touching", number(known.contacts.mean)],
    ["gap to the nearest, mean", gap === null ? "–" : `${number(gap * per(picture))} ${unit}`],
    ["packing fraction", percent(known.packing_fraction)],
    ["part of the picture covered", percent(known.covered_fraction)],
  ]);
}

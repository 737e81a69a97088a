// The figures on top, and whether they are of one picture or of all.

/** @import {State} from "../types.js" */
import { byId, choice, h } from "../dom.js";
import { number, percent } from "../format.js";
import { analysed, figures, known } from "../scope.js";
import { set, subscribe } from "../state.js";

export function start() {
  subscribe([figures], paint);
}

const press = choice("pooled", (value) => set({ pooled: value === "true" }));

/** @param {State} state */
function paint(state) {
  byId("scope").hidden = analysed(state).length < 2;
  press(String(state.pooled));
  const { unit, droplets, sizes, loading } = figures(state);
  byId("figures").replaceChildren(
    figure("droplets", number(known(state, droplets))),
    figure(`mean diameter (${unit})`, number(sizes.mean, 4)),
    figure("CV", percent(sizes.cv)),
    figure("beads a droplet", number(loading.lambda)),
  );
}

/** @param {string} name @param {string} value */
const figure = (name, value) => h("div", {}, h("strong", {}, value), h("span", {}, name));

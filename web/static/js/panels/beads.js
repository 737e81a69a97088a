// The panel "Beads": beads per droplet against loading by chance.

/** @import {State} from "../types.js" */
import { bars } from "../charts/bars.js";
import { byId, pairs } from "../dom.js";
import { number, percent } from "../format.js";
import { figures, known, pending } from "../scope.js";
import { whileSeen } from "./tabs.js";

export function start() {
  whileSeen("beads", [figures, pending], paint);
}

/** @param {State} state */
function paint(state) {
  const { loading } = figures(state);
  bars(byId("bead-bars"), loading.droplets ? loading.observed : [], loading.expected, pending(state));
  pairs(byId("bead-figures"), [
    ["whole droplets", number(known(state, loading.droplets))],
    ["beads in them", number(known(state, loading.beads))],
    ["λ, beads a droplet", number(loading.lambda, 4)],
    ["with beads", percent(loading.occupied)],
    ["of these with one", percent(loading.singleOfOccupied)],
    ["χ² against Poisson", loading.fit ? number(loading.fit.chiSquare) : "–", loading.fit ? `(p ${number(loading.fit.p, 2)})` : "too few classes"],
  ]);
}

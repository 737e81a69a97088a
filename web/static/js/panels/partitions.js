// In the panel "ddPCR": copies by the droplets that count, why others do not, and how the fluorescence lies on the picture.

/** @import {Picture, State} from "../types.js" */
import { HIDDEN } from "../canvas/scene.js";
import { byId, h, pairs } from "../dom.js";
import { selected } from "../filters.js";
import { number, percent } from "../format.js";
import { warning } from "../notices.js";
import { EXCLUSIONS, brightness, concentration, dyeOf, dyesOf, lightOf, partitions, thresholdOf, volume, volumeUncertainty } from "../pcr.js";
import { current } from "../state.js";
import { isWhole } from "../statistics.js";
import { umOf } from "../units.js";
import { whileSeen } from "./tabs.js";

export function start() {
  whileSeen("pcr", ["pictures", "current", "dye", "filters", "pixelSize"], paint);
}

/** @param {State} state */
function paint(state) {
  const picture = current(state);
  byId("pcr-counted").hidden = byId("pcr-registration").hidden = !picture?.answer;
  if (!picture?.answer) {
    for (const id of ["pcr-figures", "pcr-notes"]) byId(id).replaceChildren();
    return;
  }
  const dye = dyeOf(state, picture);
  paintFigures(state, picture, thresholdOf(picture, dye));
  paintCounted(state, picture, dye);
  paintRegistration(picture, dye);
  const notes = dye === null ? ["Without a fluorescence picture (or a channel) the droplets' own brightness is shown."] : dyesOf(picture.answer)[dye].warnings;
  byId("pcr-notes").replaceChildren(...notes.map((text) => (dye === null ? h("p", {}, text) : warning(text))));
}

/**
 * Copies at a threshold, be it one that is being dragged.
 * @param {State} state
 * @param {Picture} picture
 * @param {number | null} threshold
 */
export function paintFigures(state, picture, threshold) {
  const dye = dyeOf(state, picture);
  const counted = partitions(selected(picture, state.filters).kept, dye === null ? [] : [dye]);
  const um = umOf(state, picture);
  if (threshold === null) return pairs(byId("pcr-figures"), [["droplets that count", number(counted.length)]]);
  const positives = counted.filter((item) => brightness(item, dye) >= threshold).length;
  const volumes = um ? counted.map(({ mask }) => volume(mask.equivalent_diameter, um)) : [];
  const { part, lambda, copies, volume: average } = concentration(positives, counted.length, volumes, volumeUncertainty(counted));
  pairs(byId("pcr-figures"), [
    ["droplets that count", number(counted.length)],
    ["positive", number(positives), `(${percent(part)})`],
    ["λ, copies a droplet", number(lambda[0], 4), interval(lambda)],
    copies ? ["copies per µl", number(copies[0], 4), interval(copies)] : ["copies per µl", "–", "needs a pixel size"],
    average !== null && ["mean volume", `${number(average, 4)} pl`],
  ]);
}

/**
 * Why fewer droplets count than are seen.
 * @param {State} state
 * @param {Picture} picture
 * @param {number | null} dye
 */
function paintCounted(state, picture, dye) {
  const { fates } = selected(picture, state.filters);
  const droplets = picture.items.filter(({ key, mask }) => mask.kind === "droplet" && !HIDDEN.includes(fates[key]));
  /** @type {Map<string, number>} */
  const reasons = new Map();
  for (const item of droplets) {
    const reason = reasonOf(item);
    if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  byId("pcr-counted").hidden = !reasons.size;
  pairs(byId("pcr-reasons"), [
    ["found in the picture", number(droplets.length)],
    ...[...reasons].sort(([, one], [, other]) => other - one).map(([reason, times]) => /** @type {const} */ ([reason, `−${times}`])),
    ["count", number(droplets.length - [...reasons.values()].reduce((sum, each) => sum + each, 0))],
  ]);

  /** @param {Picture["items"][number]} item */
  function reasonOf(item) {
    const left = { kept: "", filtered: "left out by a filter", outside: "outside the region", excluded: "excluded by you", replaced: "", absent: "" }[fates[item.key]];
    if (left) return left;
    if (dye === null) return isWhole(item) ? "" : EXCLUSIONS.touching;
    if (isWhole(item) && lightOf(item, dye)) return "";
    return item.mask.excluded ? (EXCLUSIONS[item.mask.excluded] ?? item.mask.excluded) : "not in this dye's picture";
  }
}

/**
 * How the fluorescence lies on the picture, and how sure that is.
 * @param {Picture} picture
 * @param {number | null} dye
 */
function paintRegistration({ answer }, dye) {
  const found = dye === null ? null : dyesOf(answer)[dye].registration;
  byId("pcr-registration").hidden = !found;
  if (!found) return;
  const [x, y] = found.shift;
  pairs(byId("pcr-shift"), [
    ["shift", `${number(x)}, ${number(y)} px`, "right, down"],
    ["droplets that match", percent(found.matched), found.residual === null ? "" : `off by ${number(found.residual, 2)} px`],
    ["confidence", found.confidence === null ? "–" : percent(found.confidence), found.confidence === null ? "taken as one frame" : ""],
  ]);
}

/** @param {readonly number[]} estimate value, low, high */
const interval = ([, low, high]) => `(95 %: ${number(low, 4)} to ${Number.isFinite(high) ? number(high, 4) : "∞"})`;

// Digital PCR at a threshold set on the page, as the service evaluates it (docs/labs/ddpcr.md).

/** @import {Answer, Dye, Item, Light, Picture, State} from "./types.js" */
import { inverseBeta } from "./special.js";
import { isWhole, mean, quantile, rising } from "./statistics.js";

const PL_PER_UL = 1e6;
const NORMAL_95 = 1.959964; // standard deviations to either side of a 95 % interval
const PIXEL_SIZE_UNCERTAINTY = 0.005; // relative, as droplets/ddpcr/settings.py has it

/**
 * What a dye is called: by its file, where each has one, else as the service does.
 * @param {Picture} picture
 * @param {number} dye
 */
export function nameOfDye({ answer, fluorescence }, dye) {
  const dyes = dyesOf(answer);
  return fluorescence.length > 1 && fluorescence.length === dyes.length ? fluorescence[dye].name.replace(/\.[^.]*$/, "") : (dyes[dye]?.name ?? `dye ${dye + 1}`);
}

/** @type {Record<string, string>} why a droplet does not count, by the service's names */
export const EXCLUSIONS = {
  "no droplet": "no droplet", touching: "cut by the border", outside: "not wholly in the fluorescence picture", debris: "much smaller than most",
  deformed: "out of round",
};

/**
 * The dyes of a picture; none without fluorescence.
 * @param {Answer | null} answer
 * @returns {readonly Dye[]}
 */
export const dyesOf = (answer) => (answer?.ddpcr ? (answer.ddpcr.dyes ?? [answer.ddpcr]) : []);

/**
 * The place of the dye that is looked at; null without fluorescence.
 * @param {Pick<State, "dye">} state
 * @param {Picture} picture
 */
export function dyeOf({ dye }, { answer }) {
  const { length } = dyesOf(answer);
  return length ? Math.min(dye, length - 1) : null;
}

/**
 * A droplet's light of a dye; null where it does not count for it.
 * @param {Item} item
 * @param {number} dye
 * @returns {Light | null}
 */
export const lightOf = ({ mask }, dye) => lightsOf(mask)[dye] ?? null;

/** @param {Item["mask"]} mask @returns {readonly (Light | null)[]} its light of each dye */
export const lightsOf = ({ dyes, fluorescence }) => (dyes?.length ? dyes : fluorescence ? [fluorescence] : []);

/**
 * What the scatter plot shows of a droplet that counts: its amplitude of a dye, else its own brightness.
 * @param {Item} item
 * @param {number | null} dye
 */
export const brightness = (item, dye) =>
  dye === null ? item.mask.pixel_stats.mean_intensity : /** @type {Light} */ (lightOf(item, dye)).amplitude;

/**
 * The droplets that count for all of some dyes.
 * @param {readonly Item[]} kept
 * @param {readonly number[]} dyes
 */
export const partitions = (kept, dyes) => kept.filter((item) => isWhole(item) && dyes.every((dye) => lightOf(item, dye)));

/**
 * Volume of a ball in picolitres.
 * @param {number} diameter in pixels
 * @param {number} um a pixel
 */
export const volume = (diameter, um) => ((Math.PI / 6) * (diameter * um) ** 3) / 1000;

/**
 * The threshold in use: set by hand, else the service's.
 * @param {Picture} picture
 * @param {number | null} dye null for the droplets' own brightness
 * @returns {number | null}
 */
export const thresholdOf = ({ answer, edits }, dye) => edits.thresholds[dye ?? 0] ?? (dye === null ? null : (dyesOf(answer)[dye]?.threshold ?? null));

/**
 * Whether a droplet is positive; null where it does not count, or no threshold tells.
 * @param {Picture} picture
 * @param {Item} item
 * @param {number} dye
 */
export function isPositive(picture, item, dye) {
  const [light, threshold] = [isWhole(item) && lightOf(item, dye), thresholdOf(picture, dye)];
  return light && threshold !== null ? light.amplitude >= threshold : null;
}

/**
 * Relative standard uncertainty of the droplets' mean volume: of pixel size, edges and roundness.
 * @param {readonly Item[]} counted
 */
export function volumeUncertainty(counted) {
  const median = (/** @type {number[]} */ values) => quantile([...rising(values)], 0.5) ?? 0;
  const edge = median(counted.flatMap(({ mask }) => mask.boundary?.uncertainty_px ? [mask.boundary.uncertainty_px / mask.equivalent_diameter] : []));
  const round = median(counted.map(({ mask }) => Math.log(Math.max(1, mask.max_feret_diameter / mask.equivalent_diameter))));
  return Math.hypot(3 * PIXEL_SIZE_UNCERTAINTY, 3 * edge, round / Math.sqrt(3));
}

/**
 * An end of lambda's interval, moved off by the volume's spread in logarithms.
 * @param {number} end
 * @param {number} value lambda
 * @param {number} spread
 */
function moved(end, value, spread) {
  if (!end || !Number.isFinite(end)) return end;
  if (!value || !Number.isFinite(value)) return end * Math.exp(value === 0 ? spread : -spread);
  const way = Math.log(end / value);
  return value * Math.exp(Math.sign(way || 1) * Math.hypot(way, spread));
}

/**
 * Copies from the number of positives, with Clopper and Pearson's 95 % interval; that of copies a microlitre holds
 * the volume's uncertainty too.
 * @param {number} positives
 * @param {number} n
 * @param {readonly number[]} volumes in picolitres, none without a pixel size
 * @param {number} uncertainty relative standard uncertainty of the mean volume
 */
export function concentration(positives, n, volumes, uncertainty) {
  const parts = [
    n ? positives / n : NaN,
    positives ? inverseBeta(positives, n - positives + 1, 0.025) : 0,
    positives < n ? inverseBeta(positives + 1, n - positives, 0.975) : 1,
  ];
  const lambdas = parts.map((part) => Math.abs(Math.log1p(-part)));
  const average = mean(volumes);
  return {
    part: parts[0],
    lambda: lambdas,
    copies: average ? lambdas.map((lambda, i) => (moved(lambda, lambdas[0], i ? NORMAL_95 * uncertainty : 0) * PL_PER_UL) / average) : null,
    volume: average,
  };
}

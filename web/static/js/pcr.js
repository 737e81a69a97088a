// Digital PCR at a threshold set on the page, as the service evaluates it (docs/labs/ddpcr.md).

/** @import {Item, Picture} from "./types.js" */
import { inverseBeta } from "./special.js";
import { isWhole, mean, quantile, rising } from "./statistics.js";

const PL_PER_UL = 1e6;
const NORMAL_95 = 1.959964; // standard deviations to either side of a 95 % interval
const PIXEL_SIZE_UNCERTAINTY = 0.005; // relative, as droplets/ddpcr/settings.py has it

/**
 * What the scatter plot shows of a droplet: its amplitude in the fluorescence, else its own brightness.
 * @param {Item} item
 * @param {boolean} light whether there is fluorescence
 */
export const brightness = ({ mask }, light) =>
  light ? /** @type {NonNullable<typeof mask.fluorescence>} */ (mask.fluorescence).amplitude : mask.pixel_stats.mean_intensity;

/**
 * The droplets that count.
 * @param {readonly Item[]} kept
 * @param {boolean} light
 */
export const partitions = (kept, light) => kept.filter((item) => isWhole(item) && (!light || item.mask.fluorescence));

/**
 * Volume of a ball in picolitres.
 * @param {number} diameter in pixels
 * @param {number} um a pixel
 */
export const volume = (diameter, um) => ((Math.PI / 6) * (diameter * um) ** 3) / 1000;

/** @param {Picture} picture @returns {number | null} the threshold in use: set by hand, else the service's */
export const thresholdOf = (picture) => picture.edits.threshold ?? picture.answer?.ddpcr?.threshold ?? null;

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

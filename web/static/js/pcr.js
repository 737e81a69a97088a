// Digital PCR at a threshold set on the page, as the service evaluates it (docs/labs/ddpcr.md).

/** @import {Item, Picture} from "./types.js" */
import { inverseBeta } from "./special.js";
import { isWhole, mean } from "./statistics.js";

const PL_PER_UL = 1e6;

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
 * Copies from the number of positives, with Clopper and Pearson's 95 % interval.
 * @param {number} positives
 * @param {number} n
 * @param {readonly number[]} volumes in picolitres, none without a pixel size
 */
export function concentration(positives, n, volumes) {
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
    copies: average ? lambdas.map((lambda) => (lambda * PL_PER_UL) / average) : null,
    volume: average,
  };
}

// Figures over droplets, as the service computes them (docs/labs/measurements.md).

/** @import {Item} from "./types.js" */
import { gammaAbove, inverseBeta, logGamma } from "./special.js";

const MOST_BINS = 50;
const LEAST_EXPECTED = 5; // droplets in a class of the chi-squared test (Cochran 1954)

/**
 * Whether it is a droplet proper that no border cuts: only such a one has a size and contents.
 * @param {Item} item
 */
export const isWhole = ({ mask }) => mask.kind === "droplet" && !mask.edge_stats.touches_edge;

/** @param {readonly number[]} values */
export const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

/**
 * Standard deviation of the sample.
 * @param {readonly number[]} values
 */
export function deviation(values) {
  const middle = mean(values);
  if (middle === null || values.length < 2) return null;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/**
 * The value under which a part of them lies, between the two nearest.
 * @param {readonly number[]} sorted rising
 * @param {number} part 0 to 1
 */
export function quantile(sorted, part) {
  if (!sorted.length) return null;
  const place = part * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** @param {readonly number[]} values */
export const rising = (values) => Float64Array.from(values).sort();

/**
 * The distribution of sizes.
 * @param {readonly number[]} diameters
 */
export function sizes(diameters) {
  const sorted = Array.from(rising(diameters));
  const [average, spread] = [mean(diameters), deviation(diameters)];
  const [d10, d50, d90] = [0.1, 0.5, 0.9].map((part) => quantile(sorted, part));
  const moment = (/** @type {number} */ power) => diameters.reduce((sum, each) => sum + each ** power, 0);
  return {
    n: diameters.length,
    mean: average,
    std: spread,
    cv: average && spread !== null ? spread / average : null,
    mean95: meanInterval(diameters.length, average, spread),
    d10, d50, d90,
    span: d10 !== null && d50 && d90 !== null ? (d90 - d10) / d50 : null,
    d32: diameters.length ? moment(3) / moment(2) : null,
    volume: diameters.length ? (Math.PI / 6) * moment(3) : null,
  };
}

/**
 * Student's 95 % interval of a mean.
 * @param {number} n
 * @param {number | null} average
 * @param {number | null} spread
 * @returns {[number, number] | null}
 */
function meanInterval(n, average, spread) {
  if (average === null || spread === null) return null;
  const freedom = n - 1;
  const part = inverseBeta(freedom / 2, 0.5, 0.05);
  const reach = Math.sqrt((freedom * (1 - part)) / part / n) * spread;
  return [average - reach, average + reach];
}

/**
 * Densities of the normal and the lognormal distribution with the moments of the values; null of too few or equal ones.
 * @param {readonly number[]} values over 0
 * @returns {{gaussian: (x: number) => number, lognormal: (x: number) => number} | null}
 */
export function fitted(values) {
  const normal = densityOf(values);
  const logarithmic = densityOf(values.map(Math.log));
  return normal && logarithmic && { gaussian: normal, lognormal: (x) => logarithmic(Math.log(x)) / x };
}

/** @param {readonly number[]} values @returns {((x: number) => number) | null} */
function densityOf(values) {
  const [middle, spread] = [mean(values), deviation(values)];
  if (middle === null || !spread) return null;
  return (x) => Math.exp(-(((x - middle) / spread) ** 2) / 2) / (spread * Math.sqrt(2 * Math.PI));
}

/**
 * Edges of bins of Freedman and Diaconis' width (Sturges' number if the middle half is equal).
 * @param {readonly number[]} values
 * @returns {number[]} one more than there are bins; none without values
 */
export function binEdges(values) {
  if (!values.length) return [];
  const sorted = Array.from(rising(values));
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  if (high - low <= 1e-9 * high) return [0.95 * low, 1.05 * low];
  const middle = /** @type {number} */ (quantile(sorted, 0.75)) - /** @type {number} */ (quantile(sorted, 0.25));
  const width = (2 * middle) / Math.cbrt(values.length);
  const bins = Math.max(1, Math.min(MOST_BINS, Math.ceil(width ? (high - low) / width : Math.log2(values.length) + 1)));
  return Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
}

/**
 * How many values lie in each bin.
 * @param {readonly number[]} values
 * @param {readonly number[]} edges of equal distance
 */
export function counts(values, edges) {
  const bins = new Array(Math.max(0, edges.length - 1)).fill(0);
  const [low, high] = [edges[0], edges[edges.length - 1]];
  for (const value of values) {
    const bin = Math.floor(((value - low) / (high - low)) * bins.length);
    if (value >= low && value <= high) bins[Math.min(bin, bins.length - 1)] += 1;
  }
  return bins;
}

/**
 * Beads per droplet against loading by chance.
 * @param {readonly number[]} beads of each droplet
 */
export function loading(beads) {
  const droplets = beads.length;
  const total = beads.reduce((sum, each) => sum + each, 0);
  const most = Math.max(3, ...beads);
  const observed = new Array(most + 1).fill(0);
  for (const each of beads) observed[each] += 1;
  const lambda = droplets ? total / droplets : null;
  const expected = observed.map((_, k) => (lambda === null ? 0 : droplets * poisson(k, lambda, k === most)));
  return {
    droplets,
    beads: total,
    observed,
    expected,
    lambda,
    occupied: droplets ? (droplets - observed[0]) / droplets : null,
    singleOfOccupied: droplets > observed[0] ? observed[1] / (droplets - observed[0]) : null,
    fit: goodness(observed, expected),
  };
}

/**
 * Pearson's chi-squared test of what was found against Poisson, over classes that expect enough droplets.
 * @param {readonly number[]} observed
 * @param {readonly number[]} expected
 * @returns {{chiSquare: number, freedom: number, p: number} | null} null where there are too few classes
 */
function goodness(observed, expected) {
  const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, each) => total + each, 0);
  /** @type {number[]} */
  const starts = [0];
  let gathered = 0;
  for (const [k, value] of expected.entries()) {
    if (gathered >= LEAST_EXPECTED && sum(expected.slice(k)) >= LEAST_EXPECTED) {
      starts.push(k);
      gathered = 0;
    }
    gathered += value;
  }
  const freedom = starts.length - 2;
  if (freedom < 1 || !sum(observed.slice(1))) return null;
  const chiSquare = sum(starts.map((start, i) => {
    const [found, awaited] = [observed, expected].map((counts) => sum(counts.slice(start, starts[i + 1])));
    return (found - awaited) ** 2 / awaited;
  }));
  return { chiSquare, freedom, p: gammaAbove(freedom / 2, chiSquare / 2) };
}

/**
 * @param {number} k
 * @param {number} lambda
 * @param {boolean} orMore the chance of k or more
 */
function poisson(k, lambda, orMore) {
  if (orMore) {
    let below = 0;
    for (let i = 0; i < k; i++) below += poisson(i, lambda, false);
    return Math.max(0, 1 - below);
  }
  if (lambda === 0) return k === 0 ? 1 : 0;
  return Math.exp(k * Math.log(lambda) - lambda - logGamma(k + 1));
}

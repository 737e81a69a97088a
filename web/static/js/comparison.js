// Whether two groups of values differ, and by how much.

import { betaPart, gammaAbove, inverseBeta } from "./special.js";
import { deviation, mean } from "./statistics.js";

/**
 * Mann and Whitney's test (1947) by the normal distribution, with ties and continuity corrected for.
 * @param {readonly number[]} one not empty
 * @param {readonly number[]} other not empty
 * @returns {{u: number, p: number, delta: number}} u of the first; two-sided p; Cliff's delta (1993): how much more often
 *   a value of the first is the larger one than a value of the other, -1 to 1
 */
export function mannWhitney(one, other) {
  const [n, m] = [one.length, other.length];
  const { sum, ties } = ranked(one, other);
  const u = sum - (n * (n + 1)) / 2;
  const spread = Math.sqrt(((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1))));
  const z = (Math.abs(u - (n * m) / 2) - 0.5) / spread;
  return { u, p: z > 0 ? gammaAbove(0.5, z ** 2 / 2) : 1, delta: (2 * u) / (n * m) - 1 };
}

/**
 * Welch's test (1947) of the means.
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 * @returns {{difference: number, interval: [number, number], t: number, p: number, g: number} | null} the mean of the first
 *   less that of the other with its 95 % interval; two-sided p; Hedges' g (1981), the difference in standard deviations.
 *   Null of fewer than two values, and where all are equal
 */
export function welch(one, other) {
  const [[n, m], [first, second], spreads] = [[one.length, other.length], [mean(one), mean(other)], [deviation(one), deviation(other)]];
  if (first === null || second === null || spreads[0] === null || spreads[1] === null || !(spreads[0] || spreads[1])) return null;
  const [a, b] = [spreads[0] ** 2 / n, spreads[1] ** 2 / m];
  const difference = first - second;
  const t = difference / Math.sqrt(a + b);
  const freedom = (a + b) ** 2 / (a ** 2 / (n - 1) + b ** 2 / (m - 1));
  const part = inverseBeta(freedom / 2, 0.5, 0.05);
  const reach = Math.sqrt((freedom * (1 - part)) / part * (a + b));
  const pooled = Math.sqrt(((n - 1) * spreads[0] ** 2 + (m - 1) * spreads[1] ** 2) / (n + m - 2));
  return {
    difference, interval: [difference - reach, difference + reach], t,
    p: betaPart(freedom / 2, 0.5, freedom / (freedom + t ** 2)),
    g: (difference / pooled) * (1 - 3 / (4 * (n + m - 2) - 1)),
  };
}

/**
 * The sum of the ranks of the first values among all, where equal ones share theirs; and the sum of t^3 - t over t equal ones.
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 */
function ranked(one, other) {
  const all = [...one.map((value) => ({ value, first: 1 })), ...other.map((value) => ({ value, first: 0 }))].sort((a, b) => a.value - b.value);
  let [sum, ties] = [0, 0];
  for (let start = 0, end = 0; start < all.length; start = end) {
    let firsts = 0;
    for (; end < all.length && all[end].value === all[start].value; end++) firsts += all[end].first;
    sum += (firsts * (start + 1 + end)) / 2;
    ties += (end - start) ** 3 - (end - start);
  }
  return { sum, ties };
}

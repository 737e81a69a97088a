// Figures of the dashboard as people read them.

import { number, percent } from "../format.js";

/** @type {[number, string][]} */
const UNITS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/**
 * A count that stays short however large it is.
 * @param {number} value
 */
export const figure = (value) => (value < 100_000 ? whole : compact).format(value);

/**
 * @param {number} part
 * @param {number} of
 */
export function share(part, of) {
  return of && part && part / of < 0.001 ? "< 0.1 %" : percent(of ? part / of : null, 2);
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 60_000) return age(ms / 1000);
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? number(ms, 2) : Math.round(ms)} ms`;
}

/**
 * A time span in its two largest units.
 * @param {number | null | undefined} seconds
 */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${whole.format(seconds)} s`;
  const at = UNITS.findIndex(([length]) => seconds >= length);
  const [[large, name], [small, rest]] = [UNITS[at], UNITS[at + 1]];
  return `${Math.floor(seconds / large)} ${name} ${Math.floor((seconds % large) / small)} ${rest}`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${whole.format(bytes / 1024 ** step)} ${units[step]}`;
}

/** @param {Date} date */
export const clock = (date) => time.format(date);

/**
 * Answers that are errors; that a limit holds is none.
 * @param {{errors: number, rate_limited: number}} use
 */
export const failures = ({ errors, rate_limited }) => errors - rate_limited;

// Numbers as people read them.

/**
 * A number with so many significant digits, without needless exponents; a dash for none.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-3)) return value.toExponential(digits - 1).replace("e+", "e");
  const decimals = Number.isInteger(value) ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
}

/**
 * A part as per cent.
 * @param {number | null | undefined} part
 * @param {number} [digits]
 */
export function percent(part, digits = 3) {
  return part === null || part === undefined ? "–" : `${number(part * 100, digits)} %`;
}

/**
 * A count and its noun.
 * @param {number} count
 * @param {string} noun
 */
export function count(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Seconds as "4 s" or "2 min 5 s".
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

// Round times for axes.

const HOUR = 3600;
const DAY = 86_400;
const STEPS_S = [60, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY, 90 * DAY];
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/**
 * Round local times between two, with their labels; the rim is left free for the labels' halves.
 * @param {number} start seconds since the epoch
 * @param {number} end
 * @param {number} most how many there may be
 */
export function timeTicks(start, end, most) {
  const step = STEPS_S.find((each) => (end - start) / each <= most) ?? 90 * DAY;
  const shift = 60 * new Date(1000 * start).getTimezoneOffset();
  const rim = (end - start) / most / 3;
  const ticks = [];
  for (let at = Math.ceil((start - shift) / step) * step + shift; at <= end; at += step) {
    if (at - start < rim || end - at < rim) continue;
    ticks.push({ at, label: (step < DAY ? clock : date).format(1000 * at) });
  }
  return ticks;
}

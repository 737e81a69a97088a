import { h } from "../dom.js";
import { failures, figure, milliseconds, share, size } from "./format.js";
import { Table } from "./table.js";

/**
 * @import { KeyEntry, Stats, Summary } from "./types.js"
 * @import { Column } from "./table.js"
 */

/**
 * A row of the keys; `entry` is missing for requests without a known key.
 * @typedef {{name: string, entry?: KeyEntry, use: Summary}} KeyRow
 * @typedef {{name: string, use: Summary, of: number}} EndpointRow
 */

/**
 * What every summary has.
 * @satisfies {Record<string, Column<{use: Summary}>>}
 */
const FIGURES = {
  requests: {
    title: "Requests",
    number: true,
    cell: ({ use }) => figure(use.requests),
    value: ({ use }) => use.requests,
  },
  errors: {
    title: "Errors",
    number: true,
    cell: ({ use }) => counted(failures(use), "bad"),
    value: ({ use }) => failures(use),
  },
  overLimit: {
    title: "Over limit",
    number: true,
    minor: true,
    cell: ({ use }) => counted(use.rate_limited, "warn"),
    value: ({ use }) => use.rate_limited,
  },
  p50: percentile("p50"),
  p95: percentile("p95"),
  p99: percentile("p99"),
  masks: {
    title: "Masks",
    number: true,
    minor: true,
    cell: ({ use }) => figure(use.masks),
    value: ({ use }) => use.masks,
  },
  sent: {
    title: "Sent",
    number: true,
    minor: true,
    cell: ({ use }) => size(use.bytes),
    value: ({ use }) => use.bytes,
  },
};

/** @type {Column<KeyRow>[]} */
const KEYS = [
  { title: "Key", cell: keyName, value: ({ name }) => name },
  { title: "Last hour of limit", cell: limitBar, value: ({ entry }) => (entry ? used(entry) : -1) },
  FIGURES.requests,
  FIGURES.errors,
  FIGURES.overLimit,
  FIGURES.p50,
  FIGURES.p95,
  FIGURES.masks,
  FIGURES.sent,
];

/** @type {Column<EndpointRow>[]} */
const ENDPOINTS = [
  { title: "Endpoint", cell: ({ name }) => h("code", {}, name), value: ({ name }) => name },
  {
    title: "Share",
    minor: true,
    cell: ({ use, of }) => bar(use.requests / of, share(use.requests, of)),
    value: ({ use }) => use.requests,
  },
  FIGURES.requests,
  FIGURES.errors,
  FIGURES.overLimit,
  FIGURES.p50,
  { ...FIGURES.p95, minor: false },
  FIGURES.p99,
];

/** Who asks, and for what: the tables of keys and endpoints. */
export class Use {
  /**
   * @param {HTMLElement} keys
   * @param {HTMLElement} endpoints
   */
  constructor(keys, endpoints) {
    this.keys = new Table(keys, "Use by key", "No keys are set.", KEYS);
    this.endpoints = new Table(endpoints, "Use by endpoint", "No requests in this time.", ENDPOINTS);
  }

  /** @param {Stats} stats */
  show(stats) {
    /** @type {KeyRow[]} */
    const rows = stats.keys.map((entry) => ({ name: entry.name, entry, use: entry }));
    if (stats.unauthenticated.requests) rows.push({ name: "No known key", use: stats.unauthenticated });
    this.keys.show(rows);
    this.endpoints.show(
      Object.entries(stats.endpoints)
        .map(([name, use]) => ({ name, use, of: stats.totals.requests }))
        .sort((one, other) => other.use.requests - one.use.requests),
    );
  }
}

/**
 * @param {"p50" | "p95" | "p99"} name
 * @returns {Column<{use: Summary}>}
 */
function percentile(name) {
  return {
    title: name,
    number: true,
    minor: true,
    cell: ({ use }) => milliseconds(use.processing_ms[name]),
    value: ({ use }) => use.processing_ms[name] ?? 0,
  };
}

/** @param {KeyRow} row */
function keyName({ name, entry }) {
  if (!entry) return h("span", { class: "muted" }, name);
  const parts = [h("span", { class: "name" }, name), h("code", { class: "muted" }, entry.hint)];
  if (!entry.enabled) parts.push(h("span", { class: "tag" }, "disabled"));
  return h("span", { class: "named" }, ...parts);
}

/** @param {KeyRow} row */
function limitBar({ entry }) {
  if (!entry) return h("span", { class: "muted" }, "–");
  return bar(used(entry), `${figure(entry.used_last_hour)} / ${figure(entry.limit_per_hour)}`, true);
}

/** @param {KeyEntry} entry */
const used = (entry) => entry.used_last_hour / entry.limit_per_hour;

/**
 * A bar with its figure beside it.
 * @param {number} part 0 to 1
 * @param {string} text
 * @param {boolean} limit whether to warn when it is nearly full
 */
function bar(part, text, limit = false) {
  const filled = h("span");
  filled.style.width = `${100 * Math.min(1, part)}%`;
  const level = !limit || part < 0.8 ? "" : part < 1 ? "warn" : "bad";
  return h(
    "span",
    { class: `barred ${level}` },
    h("span", { class: "track", "aria-hidden": "true" }, filled),
    h("span", {}, text),
  );
}

/**
 * @param {number} number
 * @param {string} level how it is coloured unless it is 0
 */
function counted(number, level) {
  return h("span", { class: number ? level : "muted" }, figure(number));
}

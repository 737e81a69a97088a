import { Timeline } from "../charts/timeline.js";
import { byId, h, pairs } from "../dom.js";
import { age, failures, figure, milliseconds, share, size } from "./format.js";
import { badge, levelList } from "./health.js";
import { Table } from "./table.js";
import { Use } from "./use.js";

/**
 * @import { Health, Instance, Levels, Model, Span, Stats } from "./types.js"
 * @import { Column } from "./table.js"
 * @import { Layer } from "../charts/timeline.js"
 */

const QUIET = "No requests in this time.";

/** @type {Layer<Span>[]} */
const REQUESTS = [
  { name: "Answered", kind: "bar", colour: "accent", value: ({ requests, errors }) => requests - errors },
  { name: "Over limit", kind: "bar", colour: "warn", value: ({ rate_limited }) => rate_limited },
  { name: "Errors", kind: "bar", colour: "bad", value: failures },
];
/** @type {Layer<Span>[]} */
const LATENCY = [
  { name: "p95", kind: "line", colour: "warn", value: ({ processing_ms: { p95 } }) => seconds(p95) },
  { name: "p50", kind: "line", colour: "accent", value: ({ processing_ms: { p50 } }) => seconds(p50) },
];
const SECONDS = { tickformat: "~s", ticksuffix: "s" };

/** @param {number | null} ms */
const seconds = (ms) => (ms === null ? null : ms / 1000);

/** @type {Column<Instance>[]} */
const INSTANCES = [
  { title: "Host", cell: ({ host }) => h("code", {}, host), value: ({ host }) => host },
  { title: "Process", minor: true, cell: ({ pid }) => String(pid), value: ({ pid }) => pid },
  {
    title: "Model",
    cell: ({ model_loaded: loaded }) => h("span", { class: `status ${loaded ? "good" : ""}` }, loaded ? "loaded" : "not loaded"),
    value: ({ model_loaded: loaded }) => Number(loaded),
  },
  { title: "Waiting", number: true, cell: ({ queue_length: length }) => String(length), value: (each) => each.queue_length },
  {
    title: "Up for",
    number: true,
    cell: ({ started }) => age(Math.round(Date.now() / 1000 - started)),
    value: ({ started }) => -started,
  },
  { title: "Version", minor: true, cell: ({ version }) => version, value: ({ version }) => version },
];

/** Everything the dashboard shows of one pair of answers. */
export class Board {
  #use = new Use(byId("keys"), byId("endpoints"));
  #requests = new Timeline(byId("requests-chart"), "Requests over time", QUIET, REQUESTS, figure);
  #latency = new Timeline(byId("latency-chart"), "Latency over time", QUIET, LATENCY, (value) => milliseconds(1000 * value), SECONDS);
  #instances = new Table(byId("instances"), "Instances", "No worker has reported yet.", INSTANCES);

  /**
   * @param {Stats} stats
   * @param {Health} health
   */
  show(stats, health) {
    byId("overall").replaceChildren(badge(health.status));
    byId("tiles").replaceChildren(...tiles(stats, health.levels.model));
    byId("health").replaceChildren(levelList(health));
    byId("model").replaceChildren(modelFacts(health.levels));
    this.#requests.show(stats.series);
    this.#latency.show(stats.series);
    this.#use.show(stats);
    this.#instances.show(stats.instances);
  }
}

/**
 * The figures on top.
 * @param {Stats} stats
 * @param {Model} model
 */
function tiles({ totals, hours, instances }, model) {
  const { processing_ms: time, queue_ms: waited } = totals;
  const failed = failures(totals);
  const waiting = instances.reduce((sum, each) => sum + each.queue_length, 0);
  return [
    tile("Requests", figure(totals.requests), `${figure(totals.requests / hours)} an hour`),
    tile("Errors", share(failed, totals.requests), `${figure(failed)} answers`, failed > totals.requests / 20 && "bad"),
    tile("Over limit", figure(totals.rate_limited), "answers 429", totals.rate_limited > 0 && "warn"),
    tile("Median time", milliseconds(time.p50), `p95 ${milliseconds(time.p95)}`),
    tile("Median wait", milliseconds(waited.p50), `p95 ${milliseconds(waited.p95)}`),
    tile("Masks", figure(totals.masks), `${size(totals.bytes)} received`),
    tile("Waiting now", figure(waiting), model.running ? "one in work here" : `room for ${model.queue_size} a worker`),
    tile("Instances", figure(instances.length), `${instances.filter((each) => each.model_loaded).length} with a model`),
  ];
}

/**
 * @param {string} name
 * @param {string} figure
 * @param {string} note
 * @param {string | false} colour
 */
function tile(name, figure, note, colour = false) {
  return h(
    "div",
    { class: "card tile" },
    h("dt", {}, name),
    h("dd", { class: `figure ${colour || ""}` }, figure),
    h("dd", { class: "muted" }, note),
  );
}

/**
 * The model of the worker that answered.
 * @param {Levels} levels
 */
function modelFacts({ container, model }) {
  const { checkpoint, head } = model;
  /** @type {[string, Node | string][]} */
  const facts = [
    ["Worker that answered", `process ${container.pid}`],
    ["State", model.draining ? "draining" : model.model_loaded ? "loaded" : "not loaded yet"],
    ["Device", model.device ?? "–"],
    ["Precision", model.precision ?? "–"],
    ["Runtime", model.runtime ?? "–"],
    ["Loaded in", age(model.load_seconds)],
    ["Checkpoint", checkpoint.name ?? checkpoint.reason ?? "–"],
    ["Source", checkpoint.source ?? "–"],
    ["SHA-256", h("code", {}, checkpoint.sha256 ?? "–")],
    ["Head", head.name ?? head.reason ?? "–"],
    ["Its SHA-256", h("code", {}, head.sha256 ?? "–")],
    ["Queue", `${model.queue_length} of ${model.queue_size}${model.running ? ", one in work" : ""}`],
    ["Pictures remembered", figure(model.remembered_pictures)],
  ];
  const list = h("dl", { class: "pairs" });
  pairs(list, facts);
  return list;
}

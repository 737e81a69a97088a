import { h } from "../dom.js";
import { count } from "../format.js";
import { age, figure, milliseconds, size } from "./format.js";

/** @import { Health, Levels, Status } from "./types.js" */

/** @type {Record<Status, {word: string, colour: string}>} */
const WORDS = {
  healthy: { word: "Healthy", colour: "good" },
  degraded: { word: "Degraded", colour: "warn" },
  unhealthy: { word: "Unhealthy", colour: "bad" },
};

/**
 * A status as a coloured dot and a word.
 * @param {Status} status
 */
export function badge(status) {
  const { word, colour } = WORDS[status];
  return h("span", { class: `status ${colour}` }, word);
}

/**
 * The five levels, each with its status, what is wrong, and its figures in a line.
 * @param {Health} health
 */
export function levelList({ levels }) {
  /** @type {[string, {status: Status, reasons: string[]}, string][]} */
  const rows = [
    ["Container", levels.container, container(levels.container)],
    ["Application", levels.application, application(levels.application)],
    ["Model", levels.model, levels.model.model_loaded ? "In memory" : "Is loaded with the first picture"],
    ["Tunnel", levels.tunnel, tunnel(levels.tunnel)],
    ["Response times", levels.response_times, times(levels.response_times)],
  ];
  return h(
    "ul",
    { class: "levels" },
    ...rows.map(([name, level, figures]) =>
      h(
        "li",
        {},
        h("span", { class: "level-name" }, name),
        badge(level.status),
        h("span", { class: "muted small-text" }, figures),
        ...level.reasons.map((reason) => h("span", { class: "reason" }, reason)),
      ),
    ),
  );
}

/**
 * Figures in a line that breaks between them only.
 * @param {...string} figures
 */
const line = (...figures) => figures.map((each) => each.replaceAll(" ", "\u00a0")).join(" · ");

/** @param {Levels["container"]} container */
function container({ memory, cpus, load_average: [load], disk, uptime_s: uptime }) {
  return line(
    `${size(memory.used_bytes)} of ${size(memory.limit_bytes)} memory`,
    `load ${load.toFixed(1)} on ${count(cpus, "CPU")}`,
    ...(disk ? [`${size(disk.free_bytes)} disk free`] : []),
    `up ${age(uptime)}`,
  );
}

/** @param {Levels["application"]} application */
function application({ store, draining, workers, takes_pictures: takes }) {
  return line(
    `${store.backend} store ${store.answers ? "answers" : "does not answer"}`,
    draining ? "draining" : takes ? "takes pictures" : "takes no pictures now",
    count(workers, "worker"),
  );
}

/** @param {Levels["tunnel"]} tunnel */
function tunnel({ configured, connections }) {
  if (!configured) return "Not configured";
  return connections === null ? "Connections not known" : count(connections, "connection");
}

/** @param {Levels["response_times"]} times */
function times({ requests, server_errors: faults, processing_ms: ms }) {
  if (!requests || !ms) return "No requests in the last hour";
  return line(`${figure(requests)} in the last hour`, `p95 ${milliseconds(ms.p95)}`, count(faults ?? 0, "server error"));
}

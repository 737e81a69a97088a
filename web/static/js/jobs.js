// Pictures as one job of the service: their files go up one after the other, and what comes of it is what the command line writes.

/** @import {Picture, State} from "./types.js" */
import { ask } from "./api.js";
import { PICTURE } from "./intake/pairs.js";
import { filled, request } from "./request.js";
import { countdown } from "./state.js";

const EVERY = 1000; // ms between two questions how far it is
const EXPORTS = ["overlay", "coco", "imagej", "geojson", "labels"];
const LONGEST = 160; // bytes of a name without its ending

/** @typedef {Record<string, Record<string, unknown>>} Groups of parameters, by their names */
/** @typedef {{id: string, state: string, pictures: number | null, done: number, failed: number, seconds_left: number | null, message: string | null}} Job */

/**
 * What a job is asked for: what all pictures share, what each has of its own, and all files by the names they are sent with.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 * @returns {{groups: Groups, files: [name: string, file: File, path: string | null][]}} path: of the picture, as it came
 */
export function jobRequest(state, pictures) {
  const requests = pictures.map((picture) => /** @type {Groups} */ (request(state, picture)));
  const shared = Object.fromEntries(Object.keys(requests[0]).map((name) => [name, common(requests.map((each) => each[name]))]));
  /** @type {[string, File, string | null][]} */
  const files = [];
  /** @type {Record<string, Record<string, unknown>>} */
  const each = {};
  const free = names();
  for (const [i, picture] of pictures.entries()) {
    const name = free(picture.name);
    const lights = picture.fluorescence.map((light) => /** @type {const} */ ([free(`fluorescence/${light.name}`), light]));
    files.push([name, picture.file, picture.name], ...lights.map(([sentAs, light]) => /** @type {[string, File, null]} */ ([sentAs, light, null])));
    const own = Object.fromEntries(filled(Object.fromEntries(Object.entries(requests[i]).map(([group, values]) => [group, less(values, shared[group])]))));
    if (lights.length || Object.keys(own).length) each[name] = { ...own, ...(lights.length && { fluorescence: lights.map(([sentAs]) => sentAs) }) };
  }
  return { groups: { run: { export: EXPORTS }, ...shared, each }, files };
}

/**
 * Have the service do it; answers with the job when it is done.
 * @param {ReturnType<typeof jobRequest>} wanted
 * @param {(how: string, part: number) => void} tell how far it is
 * @param {AbortSignal} signal
 * @returns {Promise<Job>}
 */
export async function runJob({ groups, files }, tell, signal) {
  const form = new FormData();
  for (const [name, group] of filled({ ...groups, run: { ...groups.run, start: false } })) form.set(name, JSON.stringify(group));
  tell("Beginning", 0);
  /** @type {Job} */
  let job = await ask("POST", "/jobs", form, { signal });
  const path = `/jobs/${job.id}`;
  try {
    for (const [i, [name, file]] of files.entries()) {
      tell(`Sending file ${i + 1} of ${files.length}`, i / files.length);
      await ask("PUT", `${path}/files/${name.split("/").map(encodeURIComponent).join("/")}`, file, { signal });
    }
    job = await ask("POST", `${path}/start`, null, { signal, onremaining: countdown });
    while (!["done", "failed"].includes(job.state)) {
      const left = job.seconds_left === null ? "" : `, about ${Math.ceil(job.seconds_left)} s left`;
      tell(`${job.done + job.failed} of ${job.pictures} analysed${left}`, (job.done + job.failed) / (job.pictures ?? 1));
      await new Promise((done) => setTimeout(done, EVERY));
      job = await ask("GET", path, null, { signal });
    }
    return job;
  } catch (error) {
    void dropJob(job);
    throw error;
  }
}

/**
 * What has come of a job that is done.
 * @param {Job} job
 * @param {string} [table] one of its files alone
 * @returns {Promise<Blob>}
 */
export const resultOf = ({ id }, table) => ask("GET", `/jobs/${id}/result${table ? `?table=${table}` : ""}`, null, { as: "blob" });

/**
 * Remove a job with all that it has; if that fails, the service does it in time.
 * @param {Job} job
 */
export const dropJob = ({ id }) => ask("DELETE", `/jobs/${id}`, null).catch(() => {});

/**
 * What is the same in all of some groups.
 * @param {readonly Record<string, unknown>[]} groups
 */
const common = ([first, ...others]) => Object.fromEntries(Object.entries(first).filter(([name, value]) => others.every((each) => same(each[name], value))));

/**
 * What of a group is not shared.
 * @param {Record<string, unknown>} values
 * @param {Record<string, unknown>} shared
 */
const less = (values, shared) => Object.fromEntries(Object.entries(values).filter(([name]) => !(name in shared)));

/** @param {unknown} one @param {unknown} other */
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Gives names that the service takes, each once. */
function names() {
  const used = new Set();
  return (/** @type {string} */ wanted) => {
    const plain = wanted.replace(/[:\\]/g, "_").split("/").map((part) => part.replace(/^(\.|__MACOSX)+/, "_")).join("/");
    const ending = PICTURE.exec(plain)?.[0] ?? ".png"; // the service tells the type by the content
    let stem = plain.replace(PICTURE, "");
    while (new TextEncoder().encode(stem).length > LONGEST) stem = stem.slice(1);
    let name = `${stem}${ending}`;
    for (let i = 2; used.has(name); i++) name = `${stem} (${i})${ending}`;
    used.add(name);
    return name;
  };
}

// In the panel "Export": what the service makes of pictures as a job, and how far it is.

/** @import {Picture, State} from "../types.js" */
/** @import {Job} from "../jobs.js" */
import { ApiError } from "../api.js";
import { byId } from "../dom.js";
import { count } from "../format.js";
import { dropJob, jobRequest, resultOf, runJob } from "../jobs.js";
import { tell } from "../notices.js";

/** @type {{wanted: ReturnType<typeof jobRequest>, job: Job} | null} what was done last: its files can be had without doing it again */
let made = null;
let control = new AbortController();

export function start() {
  byId("job-cancel").addEventListener("click", () => control.abort());
}

/**
 * A file of what the service makes of pictures, or all of them as a ZIP; null if it was stopped.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 * @param {string} [table]
 * @returns {Promise<Blob | null>}
 */
export async function fromJob(state, pictures, table) {
  const wanted = jobRequest(state, pictures);
  if (!made || !isSame(made.wanted, wanted)) {
    if (made) void dropJob(made.job);
    made = null;
    const job = await run(wanted);
    if (!job) return null;
    made = { wanted, job };
  }
  return resultOf(made.job, table);
}

/** @param {ReturnType<typeof jobRequest>} wanted */
async function run(wanted) {
  control = new AbortController();
  byId("job").hidden = false;
  try {
    const job = await runJob(wanted, show, control.signal);
    if (job.state === "failed") throw new ApiError(0, "The service has failed to do it", job.message ?? "Try again.");
    if (job.failed) tell(`${count(job.failed, "picture")} could not be analysed; errors.csv in the ZIP says why.`);
    return job;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  } finally {
    byId("job").hidden = true;
  }
}

/** @param {string} how @param {number} part */
function show(how, part) {
  byId("job-text").textContent = how;
  /** @type {HTMLProgressElement} */ (byId("job-progress")).value = part;
}

/**
 * @param {ReturnType<typeof jobRequest>} one
 * @param {ReturnType<typeof jobRequest>} other
 */
function isSame(one, other) {
  const files = one.files.length === other.files.length && one.files.every(([, file], i) => file === other.files[i][1]);
  return files && JSON.stringify(one.groups) === JSON.stringify(other.groups);
}

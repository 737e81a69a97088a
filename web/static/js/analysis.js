// Pictures come in, are sent one after the other, and their answers are kept.

/** @import {Brought} from "./intake/pairs.js" */
/** @import {Answer, Picture} from "./types.js" */
import { ApiError, post } from "./api.js";
import { retry } from "./bitmaps.js";
import { redraw } from "./drawing.js";
import { count } from "./format.js";
import { amend, revise } from "./history.js";
import { succeed } from "./items.js";
import { apiKey } from "./key.js";
import { addedPoints, analysisForm } from "./request.js";
import { NO_EDITS, choose, countdown, find, now, set, subscribe, update } from "./state.js";

const PATIENCE = 5; // times that a busy service is asked again by itself
const SHORTEST_WAIT = 2; // seconds

/** @type {Map<number, AbortController>} */
const running = new Map();
let nextId = 1;
let busy = false;

/** @type {{needKey: (reason: string) => void, say: (message: string) => void, tell: (message: string) => void}} */
const asks = { needKey: () => {}, say: () => {}, tell: () => {} };

/** @param {typeof asks} given called when the key is missing or wrong, to say what happens, and to tell what is not seen */
export const connect = (given) => Object.assign(asks, given);

/**
 * Take pictures in and analyse them.
 * @param {readonly Brought[]} brought
 */
export function take(brought) {
  const limit = Number(document.body.dataset.maxFileMb);
  const pictures = brought.map(({ name, file, fluorescence }) => /** @type {Picture} */ ({
    id: freshId(),
    name,
    file,
    fluorescence,
    taken: now().asked.taken,
    bitmap: null,
    light: null,
    thumb: null,
    status: "waiting",
    progress: null,
    seconds: null,
    error: null,
    answer: null,
    items: [],
    edits: NO_EDITS,
    ...tooLarge(file, limit),
  }));
  adopt(pictures);
  if (pictures.length) choose(pictures[0].id);
}

/**
 * Show pictures beside those that are there, and analyse those that wait.
 * @param {readonly Picture[]} pictures whose ids no other picture has, nor had
 */
export function adopt(pictures) {
  nextId = Math.max(nextId, ...pictures.map(({ id }) => id + 1));
  set({ pictures: [...now().pictures, ...pictures] });
  void work();
}

/** An id that no picture has had. */
export const freshId = () => nextId++;

/** What comes back by undoing may wait to be analysed. */
export function start() {
  subscribe(["pictures"], () => {
    if (apiKey()) void work();
  });
}

/**
 * @param {File} file
 * @param {number} limit in MB
 * @returns {Partial<Picture>}
 */
function tooLarge(file, limit) {
  const size = file.size / 2 ** 20;
  if (size <= limit) return {};
  const message = `${file.name} has ${size.toFixed(1)} MB; the service takes up to ${limit} MB. Save it with compression, or crop it.`;
  return { status: "failed", error: { status: 413, title: "The file is too large", message } };
}

/**
 * Take a picture away, whatever it is doing.
 * @param {number} id
 */
export function remove(id) {
  running.get(id)?.abort();
  const { pictures: all, away, current } = now();
  const picture = find(id);
  if (!picture) return;
  const status = picture.status === "working" ? "waiting" : picture.status;
  const pictures = all.filter((each) => each.id !== id);
  revise({ pictures, away: [...away, { ...picture, status, progress: null, bitmap: null, light: null }] });
  if (current === id) choose(pictures.at(-1)?.id ?? null);
}

/** @param {number} id */
export function cancel(id) {
  running.get(id)?.abort();
  const picture = find(id);
  if (picture?.status === "waiting") update(id, stopped(picture));
}

/**
 * Analyse a picture again, from the beginning if it is being analysed.
 * @param {number} id
 */
export function again(id) {
  update(id, { status: "waiting", error: null, progress: null });
  running.get(id)?.abort();
  void work();
}

/** Send what waits, one after the other; without a key nothing is sent. */
export async function work() {
  if (busy) return;
  busy = true;
  try {
    for (let next = waiting(); next; next = waiting()) {
      if (!apiKey()) return asks.needKey("");
      await analyse(next);
    }
  } finally {
    busy = false;
  }
}

const waiting = () => now().pictures.find((each) => each.status === "waiting");

/** @param {Picture} picture */
async function analyse(picture) {
  const { id } = picture;
  const control = new AbortController();
  running.set(id, control);
  const { taken } = now().asked;
  const stale = picture.taken !== taken;
  const began = performance.now();
  retry(picture);
  update(id, { status: "working", error: null, taken, ...(stale && { bitmap: null, light: null, thumb: null }) });
  try {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await send(/** @type {Picture} */ (find(id)), control.signal);
        accept(id, answer, (performance.now() - began) / 1000);
        return await drawAgain(id);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 503 || tries > PATIENCE) throw error;
        await pause(id, error, control.signal);
      }
    }
  } catch (error) {
    refuse(id, error);
  } finally {
    running.delete(id);
  }
}

/**
 * @param {Picture} picture
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
function send(picture, signal) {
  const since = performance.now();
  const tell = (/** @type {number} */ part) => {
    const stage = part < 1 ? "upload" : "wait";
    update(picture.id, { progress: { stage, part, since, until: 0, message: "" } });
  };
  tell(0);
  const add = addedPoints(picture); // so that what was added is measured like the rest
  return post("/segment_file", analysisForm(now(), picture, add.length ? { add } : {}), { signal, onupload: tell, onremaining: countdown });
}

/**
 * @param {number} id
 * @param {Answer} answer
 * @param {number} seconds that it took
 */
function accept(id, answer, seconds) {
  const picture = find(id);
  if (picture?.status !== "working") return; // taken away, or to be analysed again
  const { items, carry } = succeed(picture, answer);
  const edits = carry(picture.edits);
  update(id, { status: "done", progress: null, seconds, answer, items, edits });
  amend(id, carry);
  asks.say(`${picture.name}: ${answer.masks.filter((mask) => mask.kind === "droplet").length} droplets found.`);
  const lost = [
    [picture.edits.excluded.size - edits.excluded.size, "exclusion"], [picture.edits.added.length - edits.added.length, "addition"],
  ].filter(([number]) => number).map(([number, noun]) => count(Number(number), String(noun)));
  if (lost.length) asks.tell(`${picture.name}: ${lost.join(" and ")} could not be kept, as nothing was found there again.`);
}

/**
 * What was drawn by hand is measured among what was found anew.
 * @param {number} id
 */
async function drawAgain(id) {
  const picture = find(id);
  try {
    if (picture?.answer) await redraw(picture);
  } catch {
    asks.tell(`${picture?.name}: what was drawn could not be measured again; its figures are those of before.`);
  }
}

/**
 * @param {number} id
 * @param {unknown} error
 */
function refuse(id, error) {
  const picture = find(id);
  if (picture?.status !== "working") return;
  if (!(error instanceof ApiError)) {
    if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    return update(id, stopped(picture));
  }
  update(id, { status: "failed", progress: null, error: { status: error.status, title: error.title, message: error.message } });
  asks.say(`${picture.name}: ${error.title}. ${error.message}`);
  if (error.refused) asks.needKey(error.message);
}

/** @param {Picture} picture @returns {Partial<Picture>} */
function stopped(picture) {
  if (picture.answer) return { status: "done", progress: null };
  return { status: "failed", progress: null, error: { status: null, title: "Cancelled", message: "Start it again when you like." } };
}

/**
 * Wait until a busy service may be asked again.
 * @param {number} id
 * @param {ApiError} error
 * @param {AbortSignal} signal
 */
function pause(id, error, signal) {
  const since = performance.now();
  const until = since + 1000 * Math.max(SHORTEST_WAIT, error.retryAfter ?? 0);
  update(id, { progress: { stage: "retry", part: 0, since, until, message: error.message } });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, until - since);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    });
  });
}

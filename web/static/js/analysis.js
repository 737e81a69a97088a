// Pictures come in, are sent one after the other, and their answers are kept.

/** @import {Answer, Picture, Taken} from "./types.js" */
import { ApiError, post } from "./api.js";
import { halve } from "./canvas/pyramid.js";
import { display } from "./display.js";
import { itemsOf } from "./items.js";
import { apiKey } from "./key.js";
import { analysisForm, planeOptions } from "./request.js";
import { NO_EDITS, choose, countdown, find, now, set, update } from "./state.js";

const PATIENCE = 5; // times that a busy service is asked again by itself
const SHORTEST_WAIT = 2; // seconds

/** @type {Map<number, AbortController>} */
const running = new Map();
/** @type {Map<File, Taken>} */
const showing = new Map();
let nextId = 1;
let busy = false;

/** @type {{needKey: (reason: string) => void, say: (message: string) => void}} */
const asks = { needKey: () => {}, say: () => {} };

/** @param {typeof asks} given what is called when the key is missing or wrong, and to tell the reader something */
export const connect = (given) => Object.assign(asks, given);

/**
 * Take pictures in and analyse them.
 * @param {Iterable<File>} files
 */
export function take(files) {
  const limit = Number(document.body.dataset.maxFileMb);
  const pictures = [...files].map((file) => /** @type {Picture} */ ({
    id: nextId++,
    name: file.name || "pasted picture",
    file,
    fluorescence: null,
    taken: now().asked.taken,
    bitmap: null,
    light: null,
    status: "waiting",
    progress: null,
    error: null,
    answer: null,
    items: [],
    edits: NO_EDITS,
    past: [],
    future: [],
    threshold: null,
    ...tooLarge(file, limit),
  }));
  if (!pictures.length) return;
  set({ pictures: [...now().pictures, ...pictures] });
  choose(pictures[0].id);
  for (const picture of pictures) if (picture.status === "waiting") void show(picture, "bitmap", picture.file);
  void work();
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
 * Make a file's picture ready to be looked at. If it cannot be shown, the analysis says why.
 * @param {Picture} picture
 * @param {"bitmap" | "light"} where
 * @param {File} file
 */
export async function show({ id, taken }, where, file) {
  if (showing.get(file) === taken) return;
  showing.set(file, taken);
  const bitmap = await display(file, planeOptions(taken, where)).then(halved).catch(() => null);
  if (showing.get(file) !== taken) return; // another plane of it is asked for by now
  showing.delete(file);
  update(id, { [where]: bitmap });
}

/** @param {ImageBitmap} bitmap */
async function halved(bitmap) {
  await halve(bitmap);
  return bitmap;
}

/**
 * Take a picture away, whatever it is doing.
 * @param {number} id
 */
export function remove(id) {
  cancel(id);
  const pictures = now().pictures.filter((each) => each.id !== id);
  set({ pictures });
  if (now().current === id) choose(pictures.at(-1)?.id ?? null);
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
  update(id, { status: "working", error: null, taken });
  if (stale || !picture.bitmap) void show({ ...picture, taken }, "bitmap", picture.file);
  if (stale && picture.fluorescence) void show({ ...picture, taken }, "light", picture.fluorescence);
  try {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await send(/** @type {Picture} */ (find(id)), control.signal);
        accept(id, answer);
        return;
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
  return post("/segment_file", analysisForm(now(), picture), { signal, onupload: tell, onremaining: countdown });
}

/**
 * @param {number} id
 * @param {Answer} answer
 */
function accept(id, answer) {
  const picture = find(id);
  if (picture?.status !== "working") return; // taken away, or to be analysed again
  update(id, {
    status: "done", progress: null, answer, items: itemsOf(answer),
    edits: NO_EDITS, past: [], future: [], threshold: null,
  });
  asks.say(`${picture.name}: ${answer.masks.filter((mask) => mask.kind === "droplet").length} droplets found.`);
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

// Keeps the session in the browser as it changes, so that a reload loses nothing.

/** @import {Picture, State} from "../types.js" */
/** @import {Part} from "./database.js" */
/** @import {Kept, KeptAnswer, KeptFiles} from "./record.js" */
import { adopt } from "../analysis.js";
import { problem } from "../notices.js";
import { choose, now, set, subscribe } from "../state.js";
import { forget, keep, parts, sessions } from "./database.js";
import { answerRecord, pictureRecord, revived, viewOf } from "./record.js";

const APART = 400; // ms between two times of writing
const MOST = 5; // sessions that are kept

let id = `${Date.now()}-${Math.random()}`;
/** @type {Map<number, Record<Part, unknown>>} what is kept of each picture, by its id */
let kept = new Map();
let changed = false;
let writing = false;
let failing = false;
/** @type {State["pictures"] | null} as they were when saved in a file */
let inFile = null;

export function start() {
  subscribe(["pictures", "filters", "pixelSize", "colourBy", "shown", "tone", "asked"], () => {
    changed = kept.size > 0 || now().pictures.length > 0;
    if (changed) void write();
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved()) event.preventDefault();
  });
}

/** Whether leaving the page would lose something. */
const unsaved = () => failing && now().pictures.length > 0 && now().pictures !== inFile;

/** The session has been saved in a file, as it is. */
export function savedInFile() {
  inFile = now().pictures;
}

/** The sessions that can be gone on with. */
export async function offered() {
  const all = (await sessions()).filter(({ pictures }) => pictures.length);
  const { held = [] } = (await navigator.locks?.query()) ?? {}; // only where the address is a secure one
  const open = new Set(held.map(({ name }) => name));
  return all.filter((each) => !open.has(lockOf(each.id)));
}

/**
 * Go on with a session where the page is empty.
 * @param {Kept} session
 */
export async function goOn(session) {
  const pictures = await Promise.all(session.pictures.map(async (record) => {
    const { files, answer } = await parts(session.id, record.id);
    return revived(record, files, answer);
  }));
  id = session.id;
  kept = new Map(pictures.map((picture) => [picture.id, versions(picture)]));
  set(session.view);
  adopt(pictures);
  choose(pictures[0]?.id ?? null);
}

async function write() {
  if (writing) return;
  writing = true;
  hold();
  try {
    while (changed) {
      changed = false;
      await writeOnce(now());
      await new Promise((done) => setTimeout(done, APART));
    }
    failing = false;
  } catch {
    if (!failing) {
      problem("This browser cannot keep the pictures",
        "A reload would lose them. Save the session as a file (Export) before you leave the page.");
    }
    failing = true;
  } finally {
    writing = false;
  }
}

/** @param {State} state */
async function writeOnce(state) {
  const { pictures } = state;
  /** @type {[Part, number, KeptFiles | KeptAnswer][]} */
  const news = [];
  const after = new Map(pictures.map((picture) => [picture.id, versions(picture)]));
  for (const picture of pictures) {
    const before = kept.get(picture.id);
    const { files, answers } = versions(picture);
    if (before?.files !== files) news.push(["files", picture.id, { file: picture.file, fluorescence: picture.fluorescence }]);
    const record = before?.answers === answers ? null : answerRecord(picture);
    if (record) news.push(["answers", picture.id, record]);
  }
  const gone = [...kept.keys()].filter((each) => !after.has(each));
  await keep({ id, changed: Date.now(), view: viewOf(state), pictures: pictures.map(pictureRecord) }, news, gone);
  if (!kept.size) for (const old of (await sessions()).slice(MOST)) await forget(old.id);
  kept = after;
}

/**
 * What tells whether a part of a picture is another one than before.
 * @param {Picture} picture
 * @returns {Record<Part, unknown>}
 */
const versions = ({ file, fluorescence, items }) => ({ files: fluorescence.length ? fluorescence : file, answers: items });

let held = "";

/** No other tab offers the session as long as it is open in this one. */
function hold() {
  if (held === id || !navigator.locks) return;
  held = id;
  void navigator.locks.request(lockOf(id), () => new Promise(() => {}));
}

/** @param {string} session */
const lockOf = (session) => `session ${session}`;

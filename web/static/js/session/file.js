// A session as one file: JSON, with its pictures inside or by reference.

/** @import {Picture, State} from "../types.js" */
/** @import {KeptAnswer, KeptPicture, View} from "./record.js" */
/** @import {Reference} from "./references.js" */
import { adopt, freshId } from "../analysis.js";
import { count } from "../format.js";
import { problem, tell } from "../notices.js";
import { choose, now, set } from "../state.js";
import { askPictures } from "./asking.js";
import { answerRecord, pictureRecord, revived, viewOf } from "./record.js";
import { referenceTo } from "./references.js";

const FORMAT = "sam-droplets session";
const VERSION = 2;
export const ENDING = ".droplets.json";

/**
 * @typedef {{name: string, type: string, base64: string}} Inside a file within the file
 *
 * @typedef {Object} Entry
 * @property {KeptPicture} picture
 * @property {KeptAnswer | null} answered
 * @property {Inside | Reference} file
 * @property {(Inside | Reference)[]} fluorescence
 *
 * @typedef {{format: string, version: number, view: View, pictures: Entry[]}} Saved
 */

/**
 * The session, to be saved. A part a picture, as no text can hold them all.
 * @param {State} state
 * @param {boolean} whole with its pictures inside; else these are asked for when it is opened
 * @returns {Promise<Blob>}
 */
export async function sessionFile(state, whole) {
  const head = JSON.stringify({ format: FORMAT, version: VERSION, view: viewOf(state) }).slice(0, -1);
  const told = whole ? inside : referenceTo;
  /** @type {BlobPart[]} */
  const parts = [head, ',"pictures":['];
  for (const [i, picture] of state.pictures.entries()) parts.push(i ? "," : "", JSON.stringify(await entryOf(picture, told)));
  return new Blob([...parts, "]}"], { type: "application/json" });
}

/**
 * @param {Picture} picture
 * @param {(file: File) => Promise<Inside | Reference>} told what is written of a file
 * @returns {Promise<Entry>}
 */
async function entryOf(picture, told) {
  return {
    picture: pictureRecord(picture), answered: answerRecord(picture),
    file: await told(picture.file), fluorescence: await Promise.all(picture.fluorescence.map(told)),
  };
}

/**
 * Open a session beside the pictures that are there; its filters and options are taken on where there are none.
 * @param {File} file
 */
export async function openSession(file) {
  let pictures;
  /** @type {Saved} */
  let saved;
  try {
    saved = JSON.parse(await file.text());
    if (saved.format !== FORMAT || saved.version !== VERSION) throw new TypeError("another format");
    const references = saved.pictures.flatMap(({ file: own, fluorescence }) => [own, ...fluorescence].filter((each) => "sha256" in each));
    const found = references.length ? await askPictures(references) : new Map();
    if (!found) return;
    pictures = saved.pictures.flatMap((entry) => opened(entry, found));
  } catch {
    problem(`${file.name} cannot be opened`, `It is no session that this page has saved, or it is damaged. Choose a file that ends in ${ENDING}.`);
    return;
  }
  const left = saved.pictures.length - pictures.length;
  if (left) tell(`${count(left, "picture")} left out, as their files were not there.`);
  if (!now().pictures.length) set(saved.view);
  adopt(pictures);
  if (pictures.length) choose(pictures[0].id);
}

/**
 * A picture as it was, if all its files are there.
 * @param {Entry} entry
 * @param {ReadonlyMap<string, File>} found files that are referred to, by their hashes
 * @returns {Picture[]} one or none
 */
function opened({ picture, answered, file, fluorescence }, found) {
  const [own, ...lights] = [file, ...fluorescence].map((each) => ("sha256" in each ? found.get(each.sha256) : outside(each)));
  if (!own || !lights.every((light) => light !== undefined)) return [];
  return [revived({ ...picture, id: freshId() }, { file: own, fluorescence: lights }, answered)];
}

/** @param {File} file @returns {Promise<Inside>} */
function inside(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const address = /** @type {string} */ (reader.result);
      resolve({ name: file.name, type: file.type, base64: address.slice(address.indexOf(",") + 1) });
    };
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** @param {Inside} inside @returns {File} */
function outside({ name, type, base64 }) {
  return new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name, { type });
}

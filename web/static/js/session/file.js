// A session as one file: JSON with its pictures inside.

/** @import {Picture, State} from "../types.js" */
/** @import {KeptAnswer, KeptPicture, View} from "./record.js" */
import { adopt, freshId } from "../analysis.js";
import { problem } from "../notices.js";
import { choose, now, set } from "../state.js";
import { answerRecord, pictureRecord, revived, viewOf } from "./record.js";

const FORMAT = "sam-droplets session";
const VERSION = 1;
export const ENDING = ".droplets.json";

/**
 * @typedef {{name: string, type: string, base64: string}} Inside a file within the file
 *
 * @typedef {Object} Entry
 * @property {KeptPicture} picture
 * @property {KeptAnswer | null} answered
 * @property {Inside} file
 * @property {Inside | null} fluorescence
 *
 * @typedef {{format: string, version: number, view: View, pictures: Entry[]}} Saved
 */

/**
 * The session, to be saved. A part a picture, as no text can hold them all.
 * @param {State} state
 * @returns {Promise<Blob>}
 */
export async function sessionFile(state) {
  const head = JSON.stringify({ format: FORMAT, version: VERSION, view: viewOf(state) }).slice(0, -1);
  /** @type {BlobPart[]} */
  const parts = [head, ',"pictures":['];
  for (const [i, picture] of state.pictures.entries()) parts.push(i ? "," : "", JSON.stringify(await entryOf(picture)));
  return new Blob([...parts, "]}"], { type: "application/json" });
}

/** @param {Picture} picture @returns {Promise<Entry>} */
async function entryOf(picture) {
  return {
    picture: pictureRecord(picture), answered: answerRecord(picture),
    file: await inside(picture.file), fluorescence: picture.fluorescence && (await inside(picture.fluorescence)),
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
    pictures = saved.pictures.map(({ picture, answered, file: own, fluorescence }) =>
      revived({ ...picture, id: freshId() }, { file: outside(own), fluorescence: fluorescence && outside(fluorescence) }, answered));
  } catch {
    problem(`${file.name} cannot be opened`, `It is no session that this page has saved, or it is damaged. Choose a file that ends in ${ENDING}.`);
    return;
  }
  if (!now().pictures.length) set(saved.view);
  adopt(pictures);
  if (pictures.length) choose(pictures[0].id);
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

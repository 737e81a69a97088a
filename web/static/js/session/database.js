// What the browser keeps of sessions, in IndexedDB. Every call rejects where it cannot be kept.

/** @import {Kept, KeptAnswer, KeptFiles} from "./record.js" */

const NAME = "sam-droplets";
const VERSION = 2; // another form of what is kept: what a page of before has kept goes

/** @typedef {"files" | "answers"} Part of a picture, kept by session and picture */

/** @type {Promise<IDBDatabase> | null} */
let opening = null;

/** @returns {Promise<IDBDatabase>} */
function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const name of request.result.objectStoreNames) request.result.deleteObjectStore(name);
      request.result.createObjectStore("sessions", { keyPath: "id" });
      for (const part of ["files", "answers"]) request.result.createObjectStore(part);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  opening.catch(() => { opening = null; });
  return opening;
}

/** @returns {Promise<Kept[]>} all sessions, the latest first */
export async function sessions() {
  const transaction = (await database()).transaction("sessions");
  const found = /** @type {Kept[]} */ (await result(transaction.objectStore("sessions").getAll()));
  return found.sort((one, other) => other.changed - one.changed);
}

/**
 * The parts of a picture.
 * @param {string} session
 * @param {number} picture
 * @returns {Promise<{files: KeptFiles, answer: KeptAnswer | null}>}
 */
export async function parts(session, picture) {
  const transaction = (await database()).transaction(["files", "answers"]);
  const [files, answer] = await Promise.all([
    result(transaction.objectStore("files").get([session, picture])),
    result(transaction.objectStore("answers").get([session, picture])),
  ]);
  return { files, answer: answer ?? null };
}

/**
 * Keep a session and what is new of its pictures, all of it or nothing.
 * @param {Kept} session
 * @param {readonly [Part, number, KeptFiles | KeptAnswer][]} news parts of pictures
 * @param {readonly number[]} gone pictures
 */
export async function keep(session, news, gone) {
  const transaction = (await database()).transaction(["sessions", "files", "answers"], "readwrite");
  const done = ended(transaction);
  transaction.objectStore("sessions").put(session);
  for (const [part, picture, value] of news) transaction.objectStore(part).put(value, [session.id, picture]);
  for (const picture of gone) {
    for (const part of ["files", "answers"]) transaction.objectStore(part).delete([session.id, picture]);
  }
  await done;
}

/** @param {string} session */
export async function forget(session) {
  const transaction = (await database()).transaction(["sessions", "files", "answers"], "readwrite");
  const done = ended(transaction);
  transaction.objectStore("sessions").delete(session);
  const all = IDBKeyRange.bound([session], [session, []]);
  for (const part of ["files", "answers"]) transaction.objectStore(part).delete(all);
  await done;
}

/** @param {IDBRequest} request @returns {Promise<any>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function ended(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

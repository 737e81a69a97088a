// Files of a drop, with those in folders.

/** @import {Found} from "./pairs.js" */

/**
 * Must be called while the drop is handled, as its items are gone afterwards.
 * @param {DataTransfer} data
 * @returns {Promise<Found[]>}
 */
export async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files = [...data.files];
  if (!entries.length) return files.map((file) => ({ path: file.name, file })); // made by a script
  return (await Promise.all(entries.map(within))).flat();
}

/** @param {FileSystemEntry} entry @returns {Promise<Found[]>} */
async function within(entry) {
  if (!entry.isDirectory) {
    /** @type {File} */
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) { // it gives some at a time, and none at the end
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) found.push(...(await within(each)));
  }
}

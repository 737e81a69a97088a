// Files that a session refers to instead of holding them: by name, size and the hash of their content.

/** @typedef {{name: string, size: number, sha256: string}} Reference */

/** Whether files can be referred to: browsers hash only where the address is a secure one. */
export const canRefer = globalThis.crypto?.subtle !== undefined;

/** @param {File} file @returns {Promise<Reference>} */
export async function referenceTo(file) {
  return { name: file.name, size: file.size, sha256: await sha256(file) };
}

/**
 * Which of some files are referred to.
 * @param {readonly Reference[]} references
 * @param {readonly File[]} files
 * @returns {Promise<{found: Map<string, File>, others: string[]}>} by their hashes; and names of files that are called like
 *   one that is referred to, but are others
 */
export async function matched(references, files) {
  const wanted = new Set(references.map((each) => each.sha256));
  /** @type {Map<string, File>} */
  const found = new Map();
  const others = [];
  for (const file of files) {
    const hash = references.some(({ size }) => size === file.size) ? await sha256(file) : "";
    if (wanted.has(hash)) found.set(hash, file);
    else if (references.some(({ name }) => name === file.name)) others.push(file.name);
  }
  return { found, others };
}

/** @param {File} file */
async function sha256(file) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

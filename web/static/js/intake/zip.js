// Files in a ZIP archive: stored or deflated ones, as all common programs write them.

/** @import {Found} from "./pairs.js" */

const END = 0x06054b50; // signatures of its parts (PKWARE's APPNOTE 4.3)
const ENTRY = 0x02014b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 65_535;
const DEFLATED = 8;

/**
 * @param {File} archive
 * @returns {Promise<Found[]>} without folders and what macOS adds
 * @throws {TypeError} where it is no such archive
 */
export async function filesInZip(archive) {
  const tail = await view(archive, Math.max(0, archive.size - END_LENGTH - LONGEST_COMMENT), archive.size);
  const end = placeOf(tail, END);
  if (end === null) throw new TypeError("no end of the directory");
  const [entries, size, start] = [tail.getUint16(end + 10, true), tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  const directory = await view(archive, start, start + size);
  const found = [];
  for (let at = 0, i = 0; i < entries; i++) {
    if (directory.getUint32(at, true) !== ENTRY) throw new TypeError("no entry of the directory");
    const [name, extra, comment] = [28, 30, 32].map((offset) => directory.getUint16(at + offset, true));
    const path = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, name));
    if (!path.endsWith("/") && !path.startsWith("__MACOSX/")) {
      found.push({ path, file: await extracted(archive, path, directory, at) });
    }
    at += 46 + name + extra + comment;
  }
  return found;
}

/**
 * @param {File} archive
 * @param {string} path
 * @param {DataView} directory
 * @param {number} at where the entry begins in it
 */
async function extracted(archive, path, directory, at) {
  const [method, packed, start] = [directory.getUint16(at + 10, true), directory.getUint32(at + 20, true), directory.getUint32(at + 42, true)];
  const head = await view(archive, start, start + 30);
  const from = start + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const content = archive.slice(from, from + packed);
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (method === 0) return new File([content], name);
  if (method !== DEFLATED) throw new TypeError("packed in a way of its own");
  return new File([await new Response(content.stream().pipeThrough(new DecompressionStream("deflate-raw"))).blob()], name);
}

/** @param {Blob} blob @param {number} from @param {number} to */
const view = async (blob, from, to) => new DataView(await blob.slice(from, to).arrayBuffer());

/**
 * Where a signature stands last.
 * @param {DataView} bytes
 * @param {number} signature
 */
function placeOf(bytes, signature) {
  for (let at = bytes.byteLength - END_LENGTH; at >= 0; at--) if (bytes.getUint32(at, true) === signature) return at;
  return null;
}

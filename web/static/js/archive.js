// Files packed into a ZIP archive, stored as they are: pictures get no smaller.

const LOCAL = 0x04034b50; // signatures of its parts (PKWARE's APPNOTE 4.3)
const ENTRY = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20; // that reads it
const UTF8 = 0x0800; // names are
const POLYNOMIAL = 0xedb88320;
const FIRST_OF_1980 = 33; // the date that such archives have where none is told

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ POLYNOMIAL : byte >>> 1;
  return byte;
});

/**
 * @param {readonly (readonly [name: string, content: Blob])[]} files
 * @returns {Promise<Blob>}
 */
export async function zipped(files) {
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {BlobPart[]} */
  const directory = [];
  let at = 0;
  let length = 0;
  for (const [name, content] of files) {
    const [path, sum] = [new TextEncoder().encode(name), crc32(new Uint8Array(await content.arrayBuffer()))];
    const shared = [[2, VERSION], [2, UTF8], [2, 0], [2, 0], [2, FIRST_OF_1980], [4, sum], [4, content.size], [4, content.size], [2, path.length], [2, 0]];
    const head = record([[4, LOCAL], ...shared]);
    const entry = record([[4, ENTRY], [2, VERSION], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]);
    parts.push(head, path, content);
    directory.push(entry, path);
    at += head.length + path.length + content.size;
    length += entry.length + path.length;
  }
  const end = record([[4, END], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, at], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/**
 * @param {readonly number[][]} fields bytes and value of each
 * @returns {Uint8Array<ArrayBuffer>}
 */
function record(fields) {
  const bytes = fields.flatMap(([size, value]) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff));
  return Uint8Array.from(bytes);
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

// Pictures as the browser can show them; what it cannot, the service turns into 8-bit PNG.

import { post } from "./api.js";

/**
 * A picture to look at.
 * @param {File} file
 * @param {Record<string, unknown>} plane options that take it out of the file; without any it is the first one
 * @param {{signal?: AbortSignal}} [sending]
 * @returns {Promise<ImageBitmap>}
 */
export async function display(file, plane, sending = {}) {
  const special = Object.keys(plane).length > 0;
  if (!special && await shownAsIs(file)) {
    try {
      return await createImageBitmap(file);
    } catch {
      // A format that this browser does not know: the service may.
    }
  }
  const form = new FormData();
  form.set("file", file);
  if (special) form.set("options", JSON.stringify(plane));
  return createImageBitmap(await post("/preview", form, { ...sending, as: "blob" }));
}

/**
 * Whether the browser shows the file rightly: TIFF it cannot, and of 16 bits it shows the highest eight,
 * which of a 12-bit camera are nearly black.
 * @param {File} file
 */
async function shownAsIs(file) {
  const head = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const tiff = (head[0] === 0x49 && head[1] === 0x49) || (head[0] === 0x4d && head[1] === 0x4d);
  const png = head[0] === 0x89 && head[1] === 0x50;
  return !tiff && !(png && head[24] === 16);
}

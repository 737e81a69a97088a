// What is a picture, and which fluorescence picture belongs to which brightfield picture, by their names.

/** @typedef {{path: string, file: File}} Found a file, with its path in a folder or archive */
/** @typedef {{name: string, file: File, fluorescence: readonly File[]}} Brought */

/** Endings of names that the service takes. */
export const PICTURE = /\.(png|jpe?g|tiff?|webp|bmp|avi|mp4|mov|czi|nd2|lif)$/i;

/** Parts of names, between signs that separate; pictures of one field differ by these alone. */
const BRIGHT = /(?<=^|[/_\-. ])(bf|brightfield)(?=$|[/_\-. ])/i;
const LIGHT = /(?<=^|[/_\-. ])(fl|fluorescence)\d?(?=$|[/_\-. ])/i;

/**
 * Pictures with their fluorescence, by rising names.
 * @param {readonly Found[]} found
 * @returns {Brought[]}
 */
export function paired(found) {
  const fieldOf = (/** @type {string} */ path, /** @type {RegExp} */ part) => (part.test(path) ? path.replace(part, "").toLowerCase() : null);
  const sorted = [...found].sort((one, other) => one.path.localeCompare(other.path, "en", { numeric: true }));
  /** @type {Map<string, File[]>} */
  const lights = new Map();
  for (const { path, file } of sorted) {
    const field = fieldOf(path, LIGHT);
    if (field !== null) lights.set(field, [...(lights.get(field) ?? []), file]);
  }
  const used = new Set();
  const pictures = sorted.map(({ path, file }) => {
    const field = fieldOf(path, BRIGHT);
    const fluorescence = (field !== null && lights.get(field)) || [];
    for (const each of fluorescence) used.add(each);
    return { name: path, file, fluorescence };
  });
  return pictures.filter(({ file }) => !used.has(file));
}

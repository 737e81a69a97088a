// Which fluorescence picture belongs to which brightfield picture, by their names.

/** @typedef {{path: string, file: File}} Found a file, with its path in a folder or archive */
/** @typedef {{name: string, file: File, fluorescence: File | null}} Brought */

/** Parts of names, between signs that separate; pictures of one field differ by these alone. */
const BRIGHT = /(?<=^|[/_\-. ])(bf|brightfield)(?=$|[/_\-. ])/i;
const LIGHT = /(?<=^|[/_\-. ])(fl|fluorescence)(?=$|[/_\-. ])/i;

/**
 * Pictures with their fluorescence, by rising names.
 * @param {readonly Found[]} found
 * @returns {Brought[]}
 */
export function paired(found) {
  const fieldOf = (/** @type {string} */ path, /** @type {RegExp} */ part) => (part.test(path) ? path.replace(part, "").toLowerCase() : null);
  const lights = new Map(found.map((each) => [fieldOf(each.path, LIGHT), each]));
  const used = new Set();
  const pictures = found.map(({ path, file }) => {
    const field = fieldOf(path, BRIGHT);
    const light = field === null ? undefined : lights.get(field);
    if (light) used.add(light.file);
    return { name: path, file, fluorescence: light?.file ?? null };
  });
  return pictures.filter(({ file }) => !used.has(file)).sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

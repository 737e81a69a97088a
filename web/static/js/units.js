// Pixels and micrometres.

/** @import {Picture, State} from "./types.js" */

/**
 * Micrometres a pixel: given by hand for the picture or for all, else what the service read from the file.
 * @param {State} state
 * @param {Picture | null} picture
 */
export const umOf = (state, picture) => picture?.edits.pixelSize ?? state.pixelSize ?? picture?.answer?.image.pixel_size_um ?? null;

/**
 * How lengths are shown.
 * @param {State} state
 * @param {readonly Picture[]} pictures micrometres only if the size is known of all of them
 * @returns {{unit: string, per: (picture: Picture) => number}} `per`: units a pixel
 */
export function lengths(state, pictures) {
  const known = pictures.length > 0 && pictures.every((each) => umOf(state, each));
  return { unit: known ? "µm" : "px", per: (picture) => (known ? /** @type {number} */ (umOf(state, picture)) : 1) };
}

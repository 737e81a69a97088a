// Which planes of their files a picture and its fluorescence are: of several dyes, of stacks and of videos.

/** @import {Channel, Picture, State, Taken} from "./types.js" */
import { planeOptions } from "./request.js";

/** @typedef {{file: File, plane: Record<string, unknown>}} Source a file, and the options that take a plane out of it */

/**
 * Whether there is something to choose in the picture's file.
 * @param {Picture} picture
 */
export function hasPlanes({ answer }) {
  const axes = answer?.image.axes;
  return axes !== undefined && (axes.frames > 1 || axes.planes > 1 || axes.channels.length > 1);
}

/**
 * What is looked at: of a file with several planes what is asked for now, be it analysed or not.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Taken}
 */
const looked = ({ asked }, picture) => (hasPlanes(picture) ? asked.taken : picture.taken);

/**
 * Where the picture itself is.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Source}
 */
export const sourceOf = (state, picture) => ({ file: picture.file, plane: planeOptions(looked(state, picture)) });

/**
 * Where the fluorescence of the dye that is looked at is; null where there is none.
 * @param {State} state
 * @param {Picture} picture
 * @returns {Source | null}
 */
export function lightSource(state, picture) {
  const taken = looked(state, picture);
  const channels = channelsOf(taken);
  const files = picture.fluorescence.length ? picture.fluorescence : channels.length ? [picture.file] : [];
  const all = files.flatMap((file) => (channels.length ? channels : [null]).map((channel) => ({ file, plane: planeOptions({ ...taken, channel }) })));
  return all[Math.min(state.dye, all.length - 1)] ?? null;
}

/** @param {Taken} taken @returns {readonly Channel[]} of the fluorescence */
export function channelsOf({ fluorescence_channel: channels }) {
  return channels === null ? [] : typeof channels === "object" ? channels : [channels];
}

/** @param {Source} one @param {Source} other */
export const sameSource = (one, other) => one.file === other.file && JSON.stringify(one.plane) === JSON.stringify(other.plane);

/**
 * Whether another plane is looked at than was analysed, so that what was found does not belong to it.
 * @param {State} state
 * @param {Picture} picture
 */
export const isAhead = (state, picture) =>
  JSON.stringify(planeOptions(looked(state, picture))) !== JSON.stringify(planeOptions(picture.taken));

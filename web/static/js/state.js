// The page's state: one object, replaced on every change; listeners hear of it once a frame.

/** @import {Edits, Picture, State} from "./types.js" */

/** @type {Edits} */
export const NO_EDITS = { excluded: new Set(), added: [], region: null };

/** @type {State} */
const START = {
  pictures: [],
  current: null,
  filters: {},
  colourBy: "kind",
  shown: { droplet: true, bead: true, other: true },
  outlines: true,
  showLight: false,
  tool: "select",
  focus: null,
  pixelSize: null,
  pooled: false,
  asked: {
    quality: "balanced",
    refine_edges: true,
    contents: true,
    objects: "auto",
    automatic_filters: { unsure: true, edge: true, area: true, circularity: true, debris: true },
    preprocessing: {},
    channel: null,
  },
  remaining: null,
};

let state = START;
let announced = START;
let scheduled = false;

/** @type {Set<(state: State, before: State) => void>} */
const listeners = new Set();

/** The state as it is now. */
export const now = () => state;

/**
 * Change some of the state.
 * @param {Partial<State>} change
 */
export function set(change) {
  state = { ...state, ...change };
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const before = announced;
    announced = state;
    for (const listener of listeners) listener(state, before);
  });
}

/**
 * Call `listener` after each change, at most once a frame.
 * @param {(state: State, before: State) => void} listener
 */
export function subscribe(listener) {
  listeners.add(listener);
}

/**
 * Change some of a picture; nothing if it has been taken away.
 * @param {number} id
 * @param {Partial<Picture>} change
 */
export function update(id, change) {
  set({ pictures: state.pictures.map((each) => (each.id === id ? { ...each, ...change } : each)) });
}

/** @param {State} [of] @returns {Picture | null} the picture that is looked at */
export function current(of = state) {
  return of.pictures.find((each) => each.id === of.current) ?? null;
}

/** @param {number} id */
export function find(id) {
  return state.pictures.find((each) => each.id === id) ?? null;
}

/**
 * Change the edits of a picture; what was there can be had again by `undo`.
 * @param {Picture} picture
 * @param {Partial<Edits>} change
 */
export function edit(picture, change) {
  update(picture.id, {
    edits: { ...picture.edits, ...change },
    past: [...picture.past, picture.edits],
    future: [],
  });
}

/** @param {Picture} picture */
export function undo(picture) {
  const edits = picture.past.at(-1);
  if (!edits) return;
  update(picture.id, { edits, past: picture.past.slice(0, -1), future: [picture.edits, ...picture.future] });
}

/** @param {Picture} picture */
export function redo(picture) {
  const [edits, ...future] = picture.future;
  if (edits) update(picture.id, { edits, past: [...picture.past, picture.edits], future });
}

/** Filters, colours, options and edits as at the start; the pictures and their answers stay. */
export function resetView() {
  const { pictures, current: id, remaining, asked } = state;
  set({
    ...START,
    remaining,
    asked,
    current: id,
    pictures: pictures.map((each) => ({ ...each, edits: NO_EDITS, past: [], future: [], threshold: null })),
  });
}

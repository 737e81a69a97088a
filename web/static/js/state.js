// The page's state: one object, replaced on every change; who shows some of it hears of that once a frame.

/** @import {Edits, Picked, Picture, State} from "./types.js" */

/** @type {Edits} */
export const NO_EDITS = { excluded: new Set(), added: [], drawn: [], region: null, thresholds: [], pixelSize: null, group: null };

/** @type {Picked} */
export const NONE_PICKED = { picture: null, keys: new Set() };

/** @type {State} */
export const START = {
  pictures: [],
  away: [],
  past: [],
  future: [],
  current: null,
  filters: {},
  colourBy: "kind",
  shown: { droplet: true, bead: true, other: true },
  outlines: true,
  showLight: false,
  dye: 0,
  picked: NONE_PICKED,
  tool: "select",
  focus: null,
  pixelSize: null,
  tone: { low: 0, high: 255, gamma: 1 },
  pooled: false,
  asked: {
    quality: "balanced",
    refine_edges: true,
    contents: true,
    objects: "auto",
    edge: "auto",
    diameter_px: null,
    taken: { channel: null, plane: null, frame: null, fluorescence_channel: null },
    automatic_filters: { unsure: true, edge: true, area: true, circularity: true, debris: true },
    preprocessing: {},
    channel: null,
  },
  remaining: null,
};

let state = START;
let scheduled = false;

/**
 * @typedef {keyof State | ((state: State) => unknown)} Key a part of the state, or a value made of it
 */

/** @type {((state: State) => void)[]} in the order in which they subscribed */
const subscribers = [];

/** The state as it is now. */
export const now = () => state;

/**
 * Change some of the state. All changes of a frame are one update.
 * @param {Partial<State>} change
 */
export function set(change) {
  state = { ...state, ...change };
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const latest = state; // all are told the same, even if one of them changes something
    for (const tell of subscribers) tell(latest);
  });
}

/**
 * Call `render` once after each update that changed one of `keys`; who subscribed first is called first.
 * @param {readonly Key[]} keys what `render` shows
 * @param {(state: State) => void} render
 */
export function subscribe(keys, render) {
  const changed = watch(keys);
  changed(state);
  subscribers.push((latest) => {
    if (changed(latest)) render(latest);
  });
}

/**
 * A value that several parts of the page show, made again only when one of `keys` has changed.
 * @template T
 * @param {readonly Key[]} keys what it is made of
 * @param {(state: State) => T} make
 * @returns {(state: State) => T}
 */
export function derived(keys, make) {
  const changed = watch(keys);
  /** @type {T} */
  let value;
  return (of) => {
    if (changed(of)) value = make(of);
    return value;
  };
}

/**
 * Tells whether one of `keys` is another than in the state that it was asked about last; at first they are.
 * @param {readonly Key[]} keys
 * @returns {(of: State) => boolean}
 */
function watch(keys) {
  /** @type {unknown[] | null} */
  let last = null;
  return (of) => {
    const before = last;
    const values = keys.map((key) => (typeof key === "function" ? key(of) : of[key]));
    last = values;
    return !before || values.some((value, i) => value !== before[i]);
  };
}

/**
 * Look at another picture; none of its items is chosen or picked yet.
 * @param {number | null} id
 */
export const choose = (id) => set({ current: id, focus: null, picked: NONE_PICKED });

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

/** @param {number} remaining requests left in this hour */
export const countdown = (remaining) => set({ remaining });

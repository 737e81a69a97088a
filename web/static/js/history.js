// What can be undone: filters, pixel size, colours, the edits of all pictures, and taking pictures away.

/** @import {Edits, Picture, State, Step} from "./types.js" */
import { current, now, set } from "./state.js";

const MOST = 200; // steps
const TOGETHER = 1000; // ms from one change to the next of its kind, such as of a slider, that are one step

let last = { kind: "", at: 0 };

/**
 * Change what can be undone.
 * @param {Partial<State>} change
 * @param {string} [kind] changes of one kind that follow each other closely are one step
 */
export function revise(change, kind = "") {
  const state = now();
  const at = performance.now();
  const goesOn = kind !== "" && kind === last.kind && at - last.at < TOGETHER;
  last = { kind, at };
  const past = goesOn ? state.past : [...state.past, stepOf(state)].slice(-MOST);
  const away = (change.away ?? state.away).filter(({ id }) => past.some(({ edits }) => edits.has(id)));
  set({ ...change, away, past, future: [] });
}

/**
 * Change the edits of a picture.
 * @param {Picture} picture
 * @param {Partial<Edits>} change
 */
export function edit({ id }, change) {
  const edited = (/** @type {Picture} */ each) => ({ ...each, edits: { ...each.edits, ...change } });
  revise({ pictures: now().pictures.map((each) => (each.id === id ? edited(each) : each)) });
}

/**
 * Give the pixel size: of the picture that is looked at if it has one of its own, else of all.
 * @param {number | null} um
 */
export function givePixelSize(um) {
  const picture = current();
  if (picture?.edits.pixelSize) edit(picture, { pixelSize: um });
  else revise({ pixelSize: um });
}

/** Go back by a step. */
export function undo() {
  const state = now();
  const step = state.past.at(-1);
  if (step) goTo(step, { past: state.past.slice(0, -1), future: [stepOf(state), ...state.future] });
}

/** Go forward again by a step. */
export function redo() {
  const state = now();
  const [step, ...future] = state.future;
  if (step) goTo(step, { past: [...state.past, stepOf(state)], future });
}

/**
 * Edits of a picture in all steps are about other items now.
 * @param {number} id
 * @param {(edits: Edits) => Edits} carry
 */
export function amend(id, carry) {
  const amended = (/** @type {Step} */ step) => {
    const edits = step.edits.get(id);
    return edits ? { ...step, edits: new Map(step.edits).set(id, carry(edits)) } : step;
  };
  set({ past: now().past.map(amended), future: now().future.map(amended) });
}

/** @param {State} state @returns {Step} */
function stepOf({ filters, pixelSize, colourBy, shown, pictures, away }) {
  return {
    filters, pixelSize, colourBy, shown,
    edits: new Map(pictures.map(({ id, edits }) => [id, edits])),
    away: new Set(away.map(({ id }) => id)),
  };
}

/**
 * Be where a step was. Pictures that came since stay; a single one that changes is looked at.
 * @param {Step} step
 * @param {Pick<State, "past" | "future">} ways from there
 */
function goTo({ edits, away, ...view }, ways) {
  last = { kind: "", at: 0 };
  const state = now();
  const all = [...state.pictures, ...state.away].sort((one, other) => one.id - other.id).map((picture) => {
    const then = edits.get(picture.id) ?? picture.edits;
    return then === picture.edits ? picture : { ...picture, edits: then };
  });
  const pictures = all.filter(({ id }) => !away.has(id));
  const changed = pictures.filter((picture) => !state.pictures.includes(picture));
  const seen = changed.length === 1 ? changed[0] : (pictures.find(({ id }) => id === state.current) ?? pictures.at(-1));
  const current = seen?.id ?? null;
  set({
    ...view, ...ways, pictures, away: all.filter(({ id }) => away.has(id)),
    current, focus: current === state.current ? state.focus : null,
  });
}

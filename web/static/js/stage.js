// The picture and all that is done on it: what the viewer shows, and what a click means.

/** @import {Item, Picture, Point, State} from "./types.js" */
import { addAt } from "./addition.js";
import { Gestures } from "./canvas/gestures.js";
import { pictureOf, shiftOf } from "./canvas/scene.js";
import { toneTable } from "./canvas/tone.js";
import { Viewer } from "./canvas/viewer.js";
import { COLOURINGS, colourAt, colouring } from "./colour.js";
import { askLength, failed } from "./dialogs.js";
import { byId, h } from "./dom.js";
import { nameOf, selected } from "./filters.js";
import { count, number } from "./format.js";
import { Hand } from "./hand.js";
import { edit, givePixelSize } from "./history.js";
import { say, tell } from "./notices.js";
import { inside } from "./outline.js";
import { isAhead } from "./planes.js";
import { inScope } from "./scope.js";
import { sparse } from "./shapes.js";
import { current, now, set, subscribe } from "./state.js";
import { tooltipOf } from "./tooltip.js";
import { lengths } from "./units.js";

const CLOSER = 1.5; // scale at which an item is looked at
const HINTS = {
  select: "",
  region: "Click corners, or draw round an area; Shift draws a rectangle. Enter closes it.",
  lasso: "Draw round what is to be left out, or brought back; Shift draws a rectangle.",
  add: "Click on a droplet that was missed.",
  circle: "Drag from the middle of a droplet to its rim. Handles move and resize circles; Enter draws one in the middle.",
  rim: "Click three times on a droplet's rim.",
  split: "Draw a line across an object, from side to side. Enter splits the chosen one in the middle.",
  merge: "Click on two objects that are one.",
  measure: "Draw along a known length, such as a scale bar.",
};

export const viewer = new Viewer(byId("canvas"), byId("overlay"));
export const hand = new Hand(viewer);
/** @type {Point[]} */
let pending = [];

export const gestures = new Gestures(viewer, {
  tool: () => now().tool,
  pick: (x, y) => {
    const [picture, item] = [current(), viewer.hit(x, y)];
    if (!picture || !item) return;
    if (now().tool === "merge") hand.join(picture, item);
    else toggle(picture, item);
  },
  add,
  enclose: (area) => {
    const picture = current();
    if (!picture) return;
    if (now().tool === "lasso") return toggleWithin(picture, area);
    edit(picture, { region: sparse(area) });
    set({ tool: "select" });
  },
  line: async (from, to) => {
    if (now().tool !== "measure") return hand.line(from, to);
    const um = await askLength(Math.hypot(to[0] - from[0], to[1] - from[1]));
    if (!um) return;
    givePixelSize(um);
    set({ tool: "select" });
  },
  rim: (points) => hand.rim(points),
  sketch: (points) => hand.sketch(points),
  hover,
  leave: () => hover(-1, -1),
});

export function start() {
  viewer.onmove = () => {
    byId("zoom-actual").textContent = `${Math.round(viewer.camera.scale * devicePixelRatio * 100)} %`;
  };
  subscribe([
    "current", "filters", "colourBy", "shown", "outlines", "showLight", "dye", "picked", "pixelSize", "tone", "asked", answers,
    of("items"), of("edits"), of("bitmap"), of("light"),
  ], show);
  subscribe(["current", "focus"], showFocus);
  subscribe(["tool"], showTool);
  subscribe(["current", "tool", of("edits")], () => hand.restart());
}

/**
 * Which answers lie in scope, as they set the ends of the colour scale.
 * @param {State} state
 */
const answers = (state) => inScope(state).map(({ answer }) => answer?.request_id).join();

/** @param {keyof Picture} part of the picture that is looked at */
const of = (part) => (/** @type {State} */ state) => current(state)?.[part];

/**
 * Exclude an item, or include it again. What was added by hand is taken away.
 * @param {Picture} picture
 * @param {Item} item
 */
export function toggle(picture, item) {
  const selection = selected(picture, now().filters);
  const fate = selection.fates[item.key];
  if (fate !== "kept" && fate !== "excluded") return tell("Filters or the region leave this one out.");
  const excluded = new Set(picture.edits.excluded);
  const parent = selection.parents[item.key];
  const around = parent !== null && excluded.has(parent) ? parent : item.key;
  if (!excluded.delete(around)) excluded.add(around);
  edit(picture, { excluded });
  say(`${nameOf(item, selection)} ${excluded.has(around) ? "excluded" : "included"}.`);
}

/**
 * Exclude everything in an area, or include it again if all of it is excluded.
 * @param {Picture} picture
 * @param {Point[]} area in pixel corners
 */
function toggleWithin(picture, area) {
  const { fates, parents } = selected(picture, now().filters);
  const ring = [area.flat()];
  const within = picture.items.filter(({ key, mask }) => {
    const parent = parents[key];
    const own = fates[key] === "kept" || (fates[key] !== "replaced" && picture.edits.excluded.has(key));
    const goesWithIt = parent !== null && inside(ring, ...centre(picture.items[parent]));
    return own && !goesWithIt && inside(ring, ...centre({ mask }));
  });
  const out = within.some(({ key }) => fates[key] === "kept");
  const excluded = new Set(picture.edits.excluded);
  for (const { key } of within) excluded[out ? "add" : "delete"](key);
  if (!within.length) return tell("Nothing lies in this area.");
  edit(picture, { excluded });
  tell(`${count(within.length, "object")} ${out ? "excluded" : "included"}.`);
}

/** @param {Pick<Item, "mask">} item @returns {Point} in pixel corners */
const centre = ({ mask: { centroid: [x, y] } }) => [x + 0.5, y + 0.5];

/** @param {Point} point in pixel corners */
async function add([x, y]) {
  const picture = current();
  if (!picture?.answer) return;
  const point = /** @type {Point} */ ([Math.floor(x), Math.floor(y)]);
  pending = [...pending, point];
  viewer.mark({ pending });
  try {
    tell(await addAt(picture, point));
  } catch (error) {
    failed(error);
  } finally {
    pending = pending.filter((each) => each !== point);
    viewer.mark({ pending });
  }
}

/**
 * Show an item in the middle.
 * @param {Item} item
 */
export function look(item) {
  const [x, y] = item.mask.centroid;
  viewer.camera.centre(x + 0.5, y + 0.5, CLOSER / devicePixelRatio);
  viewer.repaint();
}

/** @param {number} x @param {number} y on the screen */
function hover(x, y) {
  const picture = current();
  const item = picture && ["select", "merge"].includes(now().tool) ? viewer.hit(x, y) : null;
  if (viewer.marks.hover !== item) viewer.mark({ hover: item });
  viewer.canvas.classList.toggle("over", item !== null);
  const tip = byId("tooltip");
  tip.hidden = !item;
  if (!picture || !item) return;
  tip.replaceChildren(...tooltipOf(now(), picture, item));
  const { width, height } = viewer.camera;
  tip.style.setProperty("left", `${x + 16 + tip.offsetWidth > width ? Math.max(4, x - 16 - tip.offsetWidth) : x + 16}px`);
  tip.style.setProperty("top", `${Math.max(4, Math.min(y + 12, height - tip.offsetHeight - 8))}px`);
}

/** @param {State} state */
function showFocus(state) {
  const item = state.focus === null ? null : current(state)?.items[state.focus];
  viewer.mark({ focus: item ?? null, hover: null });
}

/**
 * Show which tool is in use, and give up what was begun with another one.
 * @param {State} state
 */
function showTool({ tool }) {
  viewer.canvas.dataset.tool = tool;
  gestures.cancel();
  hover(-1, -1);
  byId("hint").textContent = HINTS[tool];
  byId("hint").hidden = !HINTS[tool];
}

/** @param {State} state */
function show(state) {
  const picture = current(state);
  if (!picture) return;
  const selection = selected(picture, state.filters);
  const colours = colouring(state, picture);
  const bitmap = pictureOf(state, picture);
  viewer.show({
    picture: picture.id,
    bitmap,
    width: picture.answer?.image.width ?? bitmap?.width ?? 1,
    height: picture.answer?.image.height ?? bitmap?.height ?? 1,
    items: picture.items,
    selection,
    colour: colours.of,
    shown: state.shown,
    outlines: state.outlines && !isAhead(state, picture),
    shift: shiftOf(state, picture),
    region: picture.edits.region,
    tone: toneTable(state.tone),
  });
  const { width, height } = /** @type {NonNullable<typeof viewer.scene>} */ (viewer.scene);
  byId("viewer").style.setProperty("--ratio", String(height / width)); // where the page is narrow, the viewer is as high as the picture
  byId("zoom").hidden = !bitmap && !picture.answer;
  byId("light").hidden = !picture.light;
  byId("light").setAttribute("aria-pressed", String(state.showLight));
  byId("outlines").setAttribute("aria-pressed", String(state.outlines));
  viewer.canvas.setAttribute("aria-label", picture.answer ? `${picture.name} with the outlines of ${selection.counts.droplet} droplets` : picture.name);
  legend(state, picture, colours);
}

/**
 * @param {State} state
 * @param {Picture} picture
 * @param {ReturnType<typeof colouring>} colours
 */
function legend(state, picture, { low, high, steps }) {
  const place = byId("legend");
  place.hidden = !picture.answer || !state.outlines;
  const { unit, per } = lengths(state, [picture]);
  const sized = state.colourBy === "size";
  const title = h("span", { class: "legend-title" }, COLOURINGS[state.colourBy], sized && ` (${unit})`);
  if (steps.length) {
    const swatch = (/** @type {string} */ colour) => {
      const square = h("i", { class: "swatch" });
      square.style.setProperty("background", colour);
      return square;
    };
    place.replaceChildren(title, ...steps.map(([name, colour]) => h("span", { class: "key" }, swatch(colour), name)));
    return;
  }
  const ramp = h("i", { class: "ramp" });
  ramp.style.setProperty("background", `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(colourAt).join(", ")})`);
  const text = (/** @type {number} */ value) => h("span", {}, number(value * (sized ? per(picture) : 1)));
  place.replaceChildren(title, text(low), ramp, text(high));
}

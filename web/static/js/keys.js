// Shortcuts; the help dialog lists them.

/** @import {Tool} from "./types.js" */
import { byId } from "./dom.js";
import { listed } from "./filters.js";
import { redo, undo } from "./history.js";
import { say } from "./notices.js";
import { gestures, hand, look, toggle, viewer } from "./stage.js";
import { choose, current, now, set } from "./state.js";
import { sentenceOf } from "./tooltip.js";

const STEP = 60; // CSS pixels that an arrow key moves the picture
const ZOOM = 1.25;

/** @type {Record<string, Tool>} */
const TOOLS = {
  v: "select", r: "region", l: "lasso", a: "add", c: "circle", t: "rim", s: "split", j: "merge", m: "measure",
};

/** @type {Tool[]} tools that Enter uses where no pointer does */
const DRAWING = ["circle", "split", "merge"];

/** @type {Record<string, () => void>} */
const KEYS = {
  "+": () => zoom(ZOOM),
  "=": () => zoom(ZOOM),
  "-": () => zoom(1 / ZOOM),
  0: fit,
  1: actual,
  n: () => step(1),
  p: () => step(-1),
  x: toggleFocus,
  o: () => set({ outlines: !now().outlines }),
  f: () => set({ showLight: !now().showLight }),
  "[": () => turn(-1),
  "]": () => turn(1),
  "?": () => /** @type {HTMLDialogElement} */ (byId("help-dialog")).showModal(),
  "<": () => hand.nudge(0, 0, -1),
  ">": () => hand.nudge(0, 0, 1),
  Enter: () => (DRAWING.includes(now().tool) ? hand.act() : gestures.finish()),
  Escape: () => gestures.cancel() || set({ tool: "select", focus: null }),
};

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

export function start() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("keydown", (event) => { gestures.space = event.key === " "; });
  document.addEventListener("keyup", () => { gestures.space = false; });
  const buttons = { "zoom-in": KEYS["+"], "zoom-out": KEYS["-"], "zoom-fit": fit, "zoom-actual": actual, outlines: KEYS.o, light: KEYS.f };
  for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches("input:not([type=checkbox]):not([type=range]), select, textarea") || document.querySelector("dialog[open]")) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "z") return acted(event, event.shiftKey ? redo : undo);
  if (command && event.key.toLowerCase() === "y") return acted(event, redo);
  if (command || event.altKey || !current()) return;
  if (target === viewer.canvas) {
    const arrow = ARROWS[event.key];
    if (arrow) return acted(event, () => (event.shiftKey ? hand.nudge(-Math.sign(arrow[0]), -Math.sign(arrow[1]), 0) : pan(...arrow)));
    if (event.key === " ") return event.preventDefault();
  } else if (event.key === "Enter") return;
  const tool = TOOLS[event.key];
  if (tool) return acted(event, () => set({ tool }));
  if (Object.hasOwn(KEYS, event.key)) acted(event, KEYS[event.key]);
}

/** @param {Event} event @param {() => void} act */
function acted(event, act) {
  event.preventDefault();
  act();
}

/** @param {number} dx @param {number} dy */
function pan(dx, dy) {
  viewer.camera.pan(dx, dy);
  viewer.repaint();
}

/** @param {number} factor */
function zoom(factor) {
  viewer.camera.zoom(factor);
  viewer.repaint();
}

function fit() {
  viewer.camera.fit();
  viewer.repaint();
}

function actual() {
  viewer.camera.zoom(1 / devicePixelRatio / viewer.camera.scale);
  viewer.repaint();
}

/** @param {number} by */
function step(by) {
  const [picture, state] = [current(), now()];
  if (!picture) return;
  const items = listed(state, picture);
  if (!items.length) return;
  const at = items.findIndex(({ key }) => key === state.focus);
  const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : (at + by + items.length) % items.length];
  set({ focus: next.key });
  look(next);
  say(sentenceOf(state, picture, next));
}

function toggleFocus() {
  const [picture, { focus }] = [current(), now()];
  const item = focus === null ? null : picture?.items[focus];
  if (picture && item) toggle(picture, item);
  else say("No droplet is chosen; N goes to the next one.");
}

/** @param {number} by */
function turn(by) {
  const { pictures, current: id } = now();
  const next = pictures[pictures.findIndex((each) => each.id === id) + by];
  if (next) choose(next.id);
}

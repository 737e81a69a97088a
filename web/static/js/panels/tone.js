// The popover for brightness, contrast and gamma of what is shown.

/** @import {State, Tone} from "../types.js" */
import { automatic } from "../canvas/tone.js";
import { byId } from "../dom.js";
import { START, current, now, set, subscribe } from "../state.js";

/** @type {(keyof Tone)[]} */
const PARTS = ["low", "high", "gamma"];
const EDGE = 8; // CSS pixels that stay free beside the popover

/** @param {keyof Tone} part @returns {HTMLInputElement} */
const field = (part) => byId(`tone-${part}`);

export function start() {
  for (const part of PARTS) {
    field(part).addEventListener("input", () => {
      const tone = { ...now().tone, [part]: field(part).valueAsNumber };
      if (part === "low") tone.high = Math.max(tone.high, tone.low + 1);
      if (part === "high") tone.low = Math.min(tone.low, tone.high - 1);
      set({ tone });
    });
  }
  byId("tone-auto").addEventListener("click", () => {
    const [picture, { showLight, tone }] = [current(), now()];
    const bitmap = (showLight && picture?.light) || picture?.thumb;
    if (bitmap) set({ tone: { ...tone, ...automatic(bitmap) } });
  });
  byId("tone-reset").addEventListener("click", () => set({ tone: START.tone }));
  byId("tone").addEventListener("toggle", beside);
  subscribe(["tone"], paint);
  paint(now());
}

/** Under its button, within the window. */
function beside() {
  const [box, button] = [byId("tone"), byId("tone-button").getBoundingClientRect()];
  box.style.setProperty("top", `${button.bottom + EDGE}px`);
  box.style.setProperty("left", `${Math.max(EDGE, Math.min(button.left, innerWidth - box.offsetWidth - EDGE))}px`);
}

/** @param {State} state */
function paint({ tone }) {
  for (const part of PARTS) {
    field(part).value = String(tone[part]);
    byId(`tone-${part}-value`).textContent = String(tone[part]);
  }
  byId("tone-button").setAttribute("aria-pressed", String(PARTS.some((part) => tone[part] !== START.tone[part])));
}

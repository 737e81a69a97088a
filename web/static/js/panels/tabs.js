// Tabs of the results, as the ARIA practices describe them.

/** @import {State} from "../types.js" */
/** @import {Key} from "../state.js" */
import { byId } from "../dom.js";
import { now, subscribe } from "../state.js";

/** @type {Map<string, ((state: State) => void)[]>} */
const renders = new Map();

/**
 * Call `render` when a tab's panel comes into view, and while it is in view after each update that changed one of `keys`.
 * @param {string} name of the tab
 * @param {readonly Key[]} keys what the panel shows
 * @param {(state: State) => void} render
 */
export function whileSeen(name, keys, render) {
  const panel = byId(`panel-${name}`);
  renders.set(name, [...(renders.get(name) ?? []), render]);
  subscribe(keys, (state) => {
    if (!panel.hidden) render(state);
  });
}

export function start() {
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role="tab"]')]);
  const choose = (/** @type {HTMLElement} */ chosen) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      byId(/** @type {string} */ (tab.getAttribute("aria-controls"))).hidden = !on;
    }
    for (const render of renders.get(chosen.id.replace("tab-", "")) ?? []) render(now());
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const next = step ? tabs[(i + step + tabs.length) % tabs.length] : { Home: tabs[0], End: tabs[tabs.length - 1] }[event.key];
      if (!next) return;
      event.preventDefault();
      next.focus();
      choose(next);
    });
  });
}

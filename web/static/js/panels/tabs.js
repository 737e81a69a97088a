// Tabs of the results, as the ARIA practices describe them.

import { byId } from "../dom.js";

/** @type {Map<string, (() => void)[]>} */
const seen = new Map();

/**
 * Call back when a panel comes into view.
 * @param {string} name
 * @param {() => void} callback
 */
export function whenSeen(name, callback) {
  seen.set(name, [...(seen.get(name) ?? []), callback]);
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
    for (const callback of seen.get(chosen.id.replace("tab-", "")) ?? []) callback();
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

// Elements: finding and making them.

/**
 * The element with an id, which the page must have.
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return /** @type {T} */ (/** @type {unknown} */ (found));
}

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * A new HTML element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [given] attributes; `on…` are listeners, true and false set and leave out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  equip(element, given, children);
  return element;
}

/**
 * A new SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [given]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, given = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  equip(element, given, children);
  return element;
}

/**
 * Replace what is in an element, but for what is at its place already; the keyboard's focus stays on what has the same
 * `data-key`, else in the element.
 * @param {Element} place
 * @param {...Element} children
 */
export function swap(place, ...children) {
  const focused = /** @type {HTMLElement | null} */ (place.contains(document.activeElement) ? document.activeElement : null);
  const before = [...place.children];
  const inPlace = before.length === children.length && children.every((child, i) => child === before[i] || !child.isConnected);
  if (inPlace) {
    for (const [i, child] of children.entries()) if (child !== before[i]) before[i].replaceWith(child);
  } else place.replaceChildren(...children);
  if (!focused || focused === document.activeElement) return;
  const again = focused.dataset.key && place.querySelector(`[data-key="${focused.dataset.key}"]`);
  /** @type {HTMLElement | null} */ (again || place.querySelector("button, input"))?.focus({ preventScroll: true });
}

/**
 * Elements that are made again only for another thing or for other circumstances.
 * @template {object} T
 * @param {(thing: T, ...circumstances: any[]) => Element} make
 * @returns {typeof make}
 */
export function remembered(make) {
  /** @type {WeakMap<T, {circumstances: unknown[], element: Element}>} */
  const known = new WeakMap();
  return (thing, ...circumstances) => {
    const before = known.get(thing);
    if (before?.circumstances.every((each, i) => each === circumstances[i])) return before.element;
    const element = make(thing, ...circumstances);
    known.set(thing, { circumstances, element });
    return element;
  };
}

/**
 * Buttons of which one is pressed.
 * @param {string} name of the data attribute that tells them apart
 * @param {(value: string) => void} onchoose
 * @returns {(value: string) => void} presses the one with this value
 */
export function choice(name, onchoose) {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll(`button[data-${name}]`)]);
  const valueOf = (/** @type {HTMLButtonElement} */ { dataset }) => /** @type {string} */ (dataset[name]);
  for (const button of buttons) button.addEventListener("click", () => onchoose(valueOf(button)));
  return (value) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(valueOf(button) === value));
  };
}

/**
 * Fill a select. Its options are made again only where they are others, as a list that is open would close.
 * @param {HTMLSelectElement} select
 * @param {readonly (readonly [value: string | number, text: string])[]} options
 * @param {string | number} chosen value
 */
export function fillSelect(select, options, chosen) {
  const same = options.length === select.options.length && options.every(([value, text], i) =>
    select.options[i].value === String(value) && select.options[i].text === text);
  if (!same) select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  select.value = String(chosen);
}

/**
 * Fill a definition list: figures with their names.
 * @param {Element} list
 * @param {readonly (readonly [string, Node | string, string?] | false)[]} pairs name, figure and perhaps a remark
 */
export function pairs(list, pairs) {
  list.replaceChildren(...pairs.filter((each) => each !== false).map(([name, figure, remark]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, figure, remark && h("span", { class: "muted" }, ` ${remark}`)))));
}

/**
 * One of the icons in icons.html.
 * @param {string} name
 */
export function icon(name) {
  return s("svg", { class: "icon", "aria-hidden": "true" }, s("use", { href: `#icon-${name}` }));
}

/**
 * @param {Element} element
 * @param {Record<string, unknown>} given
 * @param {Child[]} children
 */
function equip(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(typeof child === "number" ? String(child) : child);
    }
  }
}

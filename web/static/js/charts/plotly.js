// Plotly's JavaScript, fetched when the first chart is wanted. Here are the parts of it that the charts use.

/**
 * @typedef {Record<string, unknown>} Trace figures of one kind, as Plotly's reference names its attributes
 *
 * @typedef {Object} Heard what Plotly tells of a click or a selection
 * @property {{x: [number, number], y: [number, number]}} [range] that was selected
 * @property {{pointNumber: number}[]} [points] within it
 *
 * @typedef {HTMLElement & {on: (event: string, heard: (told: Heard | undefined) => void) => void}} Plot
 *
 * @typedef {Object} Plotly
 * @property {(place: HTMLElement, how: Trace) => Promise<unknown>} downloadImage
 * @property {(place: HTMLElement, data: readonly Trace[], layout: Trace, config: Trace) => Promise<Plot>} react
 */

const AGAIN_AFTER_MS = 10_000;

/** @type {Promise<Plotly | null> | null} */
let loading = null;

/**
 * Plotly, or null if it cannot be loaded; then a later call tries again.
 * @returns {Promise<Plotly | null>}
 */
export function load() {
  loading ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=plotly]")).content;
    // The first chart is drawn in a frame of its own, as running the script fills one.
    script.addEventListener("load", () => setTimeout(() => resolve(/** @type {{Plotly?: Plotly}} */ (globalThis).Plotly ?? null)));
    script.addEventListener("error", () => {
      resolve(null);
      setTimeout(() => { loading = null; }, AGAIN_AFTER_MS);
    });
    document.head.append(script);
  });
  return loading;
}

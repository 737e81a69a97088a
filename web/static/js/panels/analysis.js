// Options of the analysis itself: a change of these needs a new request.

/** @import {Asked, Channel, State} from "../types.js" */
import { again } from "../analysis.js";
import { byId } from "../dom.js";
import { now, set, subscribe } from "../state.js";

/** Fields on what of a file is taken, by their ids. */
const TAKEN = { "take-channel": "channel", "take-plane": "plane", "take-frame": "frame", "take-fluorescence": "fluorescence_channel" };

export function start() {
  const change = (/** @type {Partial<Asked>} */ part) => set({ asked: { ...now().asked, ...part } });
  onChoice("quality", (value) => change({ quality: /** @type {Asked["quality"]} */ (value) }));
  onChoice("objects", (value) => change({ objects: /** @type {Asked["objects"]} */ (value) }));
  onChoice("edge", (value) => change({ edge: /** @type {Asked["edge"]} */ (value) }));
  onDiameter((pixels) => change({ diameter_px: pixels }));
  for (const [id, name] of Object.entries(TAKEN)) {
    onText(id, (value) => change({ taken: { ...now().asked.taken, [name]: value } }));
  }
  onCheck("#refine", (on) => change({ refine_edges: on }));
  onCheck("#contents", (on) => change({ contents: on }));
  onCheck("[data-automatic]", (on, { dataset }) => {
    change({ automatic_filters: { ...now().asked.automatic_filters, [/** @type {string} */ (dataset.automatic)]: on } });
  });
  onCheck("[data-prepare]", (on, { dataset }) => {
    const { [/** @type {string} */ (dataset.prepare)]: _, ...others } = now().asked.preprocessing;
    change({ preprocessing: on ? { ...others, [/** @type {string} */ (dataset.prepare)]: true } : others });
  });
  byId("rerun").addEventListener("click", () => {
    for (const { id, status } of now().pictures) if (status === "done" || status === "failed") again(id);
  });
  subscribe(["pictures"], paint);
  subscribe(["asked"], fill);
}

/**
 * Show what is asked for: a session that is gone on with brings its own.
 * @param {State} state
 */
function fill({ asked }) {
  for (const id of /** @type {const} */ (["quality", "objects", "edge"])) write(id, asked[id]);
  write("diameter-px", asked.diameter_px);
  for (const [id, name] of Object.entries(TAKEN)) write(id, String(asked.taken[/** @type {keyof Asked["taken"]} */ (name)] ?? ""));
  check("#refine", () => asked.refine_edges);
  check("#contents", () => asked.contents);
  check("[data-automatic]", ({ automatic = "" }) => asked.automatic_filters[automatic]);
  check("[data-prepare]", ({ prepare = "" }) => prepare in asked.preprocessing);
}

/**
 * @param {string} id of a field
 * @param {string | number | null} value
 */
function write(id, value) {
  const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (byId(id));
  if (field !== document.activeElement) field.value = String(value ?? "");
}

/**
 * @param {string} selector of boxes
 * @param {(data: DOMStringMap) => boolean} on
 */
function check(selector, on) {
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(selector))) box.checked = on(box.dataset);
}

/**
 * @param {string} id of a select
 * @param {(value: string) => void} heard
 */
function onChoice(id, heard) {
  const choice = /** @type {HTMLSelectElement} */ (byId(id));
  choice.addEventListener("change", () => heard(choice.value));
}

/** @param {(pixels: number | null) => void} heard */
function onDiameter(heard) {
  const field = /** @type {HTMLInputElement} */ (byId("diameter-px"));
  field.addEventListener("change", () => heard(field.validity.valid && field.valueAsNumber > 0 ? field.valueAsNumber : null));
}

/**
 * @param {string} id of a field of text
 * @param {(value: Channel | Channel[] | null) => void} heard an index where it is a number, several where commas part them
 */
function onText(id, heard) {
  const field = /** @type {HTMLInputElement} */ (byId(id));
  field.addEventListener("change", () => {
    const values = field.value.split(",").map((text) => text.trim()).filter(Boolean).map((text) => (/^\d+$/.test(text) ? Number(text) : text));
    heard(values.length > 1 ? values : (values[0] ?? null));
  });
}

/**
 * @param {string} selector
 * @param {(on: boolean, input: HTMLInputElement) => void} heard
 */
function onCheck(selector, heard) {
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(selector))) {
    input.addEventListener("change", () => heard(input.checked, input));
  }
}

/** @param {State} state */
function paint(state) {
  byId("rerun").toggleAttribute("disabled", !state.pictures.some(({ status }) => status === "done" || status === "failed"));
  byId("rerun").textContent = state.pictures.length > 1 ? "Analyse all again" : "Analyse again";
}

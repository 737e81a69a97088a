// The dialog that asks for the pictures of a session that has none inside.

/** @import {Reference} from "./references.js" */
import { byId, h } from "../dom.js";
import { count } from "../format.js";
import { dropped } from "../intake/folders.js";
import { problem } from "../notices.js";
import { canRefer, matched } from "./references.js";

const LISTED = 8; // names

/**
 * Ask for files until all are there, or what is there will do.
 * @param {readonly Reference[]} references
 * @returns {Promise<Map<string, File> | null>} by their hashes; null if it was given up
 */
export function askPictures(references) {
  /** @type {HTMLDialogElement} */
  const box = byId("pictures-dialog");
  /** @type {HTMLInputElement} */
  const chosen = byId("pictures-files");
  /** @type {Map<string, File>} */
  const found = new Map();
  if (!canRefer) {
    problem("The pictures of this session cannot be told", "Browsers do so only at a secure address: open this page by https, or on the service's own machine.");
    return Promise.resolve(null);
  }
  const missing = () => references.filter((each) => !found.has(each.sha256));
  const show = (/** @type {readonly string[]} */ others) => {
    const left = missing();
    const names = [...new Set(left.map(({ name }) => name))];
    byId("pictures-wanted").replaceChildren(
      ...names.slice(0, LISTED).map((name) => h("li", {}, name, others.includes(name) && " (what was given under this name is another file)")),
      ...(names.length > LISTED ? [h("li", {}, `and ${names.length - LISTED} more`)] : []));
    byId("pictures-note").textContent = `${count(left.length, "file")} of ${references.length} still to be found.`;
    byId("pictures-some").toggleAttribute("disabled", !found.size);
    if (!left.length) box.close("open");
  };
  const look = async (/** @type {readonly File[]} */ files) => {
    const { found: more, others } = await matched(missing(), files);
    for (const [hash, file] of more) found.set(hash, file);
    show(others);
  };
  chosen.onchange = () => void look([...(chosen.files ?? [])]);
  box.ondragenter = box.ondragleave = (event) => event.stopPropagation();
  box.ondrop = (event) => {
    event.preventDefault();
    event.stopPropagation(); // or they would come in as pictures of their own
    if (event.dataTransfer) void dropped(event.dataTransfer).then((some) => look(some.map(({ file }) => file)));
  };
  byId("pictures-choose").onclick = () => chosen.click();
  box.returnValue = "";
  chosen.value = "";
  box.showModal();
  show([]);
  return new Promise((resolve) => {
    box.onclose = () => resolve(box.returnValue === "open" ? found : null);
  });
}

// Pictures come by drop, paste, choice, or as the sample.

import { take as analyse, work } from "./analysis.js";
import { byId } from "./dom.js";
import { apiKey } from "./key.js";
import { problem } from "./notices.js";
import { ENDING, openSession } from "./session/file.js";

/**
 * Take in what was given: pictures, and sessions that were saved as files.
 * @param {Iterable<File>} files
 */
function take(files) {
  const pictures = [];
  for (const file of files) {
    if (file.name.endsWith(ENDING)) void openSession(file);
    else pictures.push(file);
  }
  analyse(pictures);
}

export function start() {
  /** @type {HTMLInputElement} */
  const files = byId("files");
  files.addEventListener("change", () => {
    if (files.files) take(files.files);
    files.value = "";
  });
  for (const id of ["dropzone", "more"]) byId(id).addEventListener("click", () => files.click());
  byId("sample").addEventListener("click", takeSample);
  document.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.files;
    if (pasted?.length) take(pasted);
  });
  let depth = 0; // dragenter and dragleave come for every element on the way
  const over = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    byId("drop-here").hidden = depth === 0;
    byId("dropzone").classList.toggle("over", depth > 0);
  };
  document.addEventListener("dragenter", () => over(1));
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
  });
}

async function takeSample() {
  try {
    const answer = await fetch("/sample.png");
    take([new File([await answer.blob()], "droplets.png", { type: "image/png" })]);
    requestAnimationFrame(() => byId("canvas").focus()); // the button that was pressed is gone
  } catch {
    problem("The service does not answer", "Check the connection, and that the service is running; then try again.");
  }
}

/** A key has been entered: what waited for it goes on. */
export function resume() {
  if (apiKey()) void work();
}

// Pictures come by drop, paste, choice, or as the sample; single, in folders or in archives.

/** @import {Found} from "./pairs.js" */
import { take as analyse, work } from "../analysis.js";
import { byId } from "../dom.js";
import { count } from "../format.js";
import { apiKey } from "../key.js";
import { problem, tell } from "../notices.js";
import { ENDING, openSession } from "../session/file.js";
import { dropped } from "./folders.js";
import { PICTURE, paired } from "./pairs.js";
import { filesInZip } from "./zip.js";


/**
 * Take in what was given: pictures, archives of pictures, and sessions that were saved as files.
 * @param {readonly Found[]} given
 */
async function take(given) {
  const pictures = [];
  let less = 0;
  for (const each of given) {
    if (each.path.endsWith(ENDING)) await openSession(each.file);
    else if (/\.zip$/i.test(each.path)) {
      const inside = await unpacked(each.file);
      const some = inside.filter(isPicture);
      pictures.push(...some);
      less += inside.length - some.length;
    } else if (!each.path.includes("/") || isPicture(each)) pictures.push(each); // of a single file the service says what it is
    else less++;
  }
  analyse(paired(pictures));
  if (less) tell(`${count(less, "file")} left out, as no pictures.`);
}

/** @param {File} archive */
async function unpacked(archive) {
  try {
    return await filesInZip(archive);
  } catch {
    problem(`${archive.name} cannot be opened`, "It is damaged, or packed in a way that browsers cannot read. Unpack it and drop the folder.");
    return [];
  }
}

/** @param {Found} found */
const isPicture = ({ path }) => PICTURE.test(path) && !/(^|\/)\./.test(path);

/** @param {Iterable<File>} files */
const plain = (files) => [...files].map((file) => ({ path: file.name || "pasted picture", file }));

export function start() {
  /** @type {HTMLInputElement} */
  const files = byId("files");
  files.addEventListener("change", () => {
    if (files.files) void take(plain(files.files));
    files.value = "";
  });
  for (const id of ["dropzone", "more"]) byId(id).addEventListener("click", () => files.click());
  byId("sample").addEventListener("click", takeSample);
  document.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.files;
    if (pasted?.length) void take(plain(pasted));
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
    if (event.dataTransfer) void dropped(event.dataTransfer).then(take);
  });
}

async function takeSample() {
  try {
    const answer = await fetch("/sample.png");
    await take(plain([new File([await answer.blob()], "droplets.png", { type: "image/png" })]));
    requestAnimationFrame(() => byId("canvas").focus()); // the button that was pressed is gone
  } catch {
    problem("The service does not answer", "Check the connection, and that the service is running; then try again.");
  }
}

/** A key has been entered: what waited for it goes on. */
export function resume() {
  if (apiKey()) void work();
}

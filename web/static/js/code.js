// The same request for a terminal and for a script.

/** @import {Picture, State} from "./types.js" */
import { filled, request } from "./request.js";

const LONG = 600; // characters of options that no command line should carry

/**
 * The groups that say something, as JSON.
 * @param {State} state
 * @param {Picture} picture
 * @returns {[string, string][]}
 */
function groups(state, picture) {
  return filled(request(state, picture)).map(([name, group]) => [name, JSON.stringify(group)]);
}

/**
 * The options as a file, where they are too long for a line; null where they are not.
 * @param {State} state
 * @param {Picture} picture
 */
export function optionsFile(state, picture) {
  const options = groups(state, picture).find(([name]) => name === "options")?.[1] ?? "";
  return options.length > LONG ? options : null;
}

/**
 * A line for curl.
 * @param {State} state
 * @param {Picture} picture
 */
export function curl(state, picture) {
  const file = optionsFile(state, picture);
  const fields = groups(state, picture).map(([name, text]) => (name === "options" && file ? "-F 'options=<options.json'" : `--form-string ${quoted(`${name}=${text}`)}`));
  const light = picture.fluorescence ? [upload("fluorescence", picture.fluorescence.name)] : [];
  const parts = [upload("file", picture.name), ...light, ...fields];
  return [`curl -H 'X-API-Key: YOUR_KEY'`, ...parts.map((part) => `  ${part}`), `  ${location.origin}/segment_file`].join(" \\\n");
}

/**
 * The same for Python.
 * @param {State} state
 * @param {Picture} picture
 */
export function python(state, picture) {
  const file = optionsFile(state, picture);
  const fields = groups(state, picture).map(([name, text]) =>
    `        "${name}": ${name === "options" && file ? 'open("options.json").read()' : JSON.stringify(text)},`);
  const light = picture.fluorescence ? [`        "fluorescence": open(${JSON.stringify(picture.fluorescence.name)}, "rb"),`] : [];
  return [
    "import requests",
    "",
    "answer = requests.post(",
    `    "${location.origin}/segment_file",`,
    `    headers={"X-API-Key": "YOUR_KEY"},`,
    `    files={`,
    `        "file": open(${JSON.stringify(picture.name)}, "rb"),`,
    ...light,
    "    },",
    ...(fields.length ? ["    data={", ...fields, "    },"] : []),
    ")",
    "answer.raise_for_status()",
    `print(answer.json()["summary_statistics"]["count"]["droplet"])`,
  ].join("\n");
}

/**
 * A file's field; curl reads `;` and `,` in names as its own unless they are quoted.
 * @param {string} field
 * @param {string} name
 */
function upload(field, name) {
  const plain = /^[^;,"\\\s][^;,"\\]*$/.test(name);
  const read = plain ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
  return `-F ${quoted(`${field}=@${read}`)}`;
}

/** @param {string} text for a POSIX shell */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

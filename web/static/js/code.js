// The same request for a terminal and for a script: of one picture, or of all as a job.

/** @import {Picture, State} from "./types.js" */
import { jobRequest } from "./jobs.js";
import { filled, request } from "./request.js";

const LONG = 600; // characters of a group that no command line should carry

/**
 * @typedef {Object} Coded a request that code is made of
 * @property {string} path
 * @property {readonly [field: string, file: string, sentAs: string][]} files
 * @property {readonly (readonly [string, string])[]} groups with their JSON
 */

/**
 * The request for one picture, or for several as a job.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 * @returns {Coded}
 */
function coded(state, pictures) {
  const json = (/** @type {Record<string, Record<string, unknown>>} */ groups) =>
    filled(groups).map(([name, group]) => /** @type {const} */ ([name, JSON.stringify(group)]));
  if (pictures.length > 1) {
    const { groups, files } = jobRequest(state, pictures);
    return { path: "/jobs", files: files.map(([sentAs, file, path]) => ["file", path ?? file.name, sentAs]), groups: json(groups) };
  }
  const [picture] = pictures;
  const own = ["file", picture.name, picture.name.replace(/.*\//, "")];
  const lights = picture.fluorescence.map(({ name }) => ["fluorescence", name, name]);
  return { path: "/segment_file", files: /** @type {[string, string, string][]} */ ([own, ...lights]), groups: json(request(state, picture)) };
}

/**
 * The groups that are too long for a line, as files that the code reads.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 * @returns {[name: string, content: string][]}
 */
export const codeFiles = (state, pictures) =>
  coded(state, pictures).groups.filter(([, text]) => text.length > LONG).map(([name, text]) => [`${name}.json`, text]);

/**
 * Lines for curl.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 */
export function curl(state, pictures) {
  const { path, files, groups } = coded(state, pictures);
  const fields = groups.map(([name, text]) => (text.length > LONG ? `-F '${name}=<${name}.json'` : `--form-string ${quoted(`${name}=${text}`)}`));
  const parts = [...files.map(upload), ...fields];
  const lines = ["curl -H 'X-API-Key: YOUR_KEY'", ...parts.map((part) => `  ${part}`), `  ${location.origin}${path}`].join(" \\\n");
  if (path !== "/jobs") return lines;
  return [
    lines, "# ID is the answer's id; when the first line says \"state\":\"done\", the second one fetches all:",
    `curl -H 'X-API-Key: YOUR_KEY' ${location.origin}/jobs/ID`, `curl -H 'X-API-Key: YOUR_KEY' -o results.zip ${location.origin}/jobs/ID/result`,
  ].join("\n");
}

/**
 * The same for Python.
 * @param {State} state
 * @param {readonly Picture[]} pictures
 */
export function python(state, pictures) {
  const { path, files, groups } = coded(state, pictures);
  const fields = groups.map(([name, text]) => `        "${name}": ${text.length > LONG ? `open("${name}.json").read()` : JSON.stringify(text)},`);
  const parts = files.map(([field, file, sentAs]) => `        ("${field}", (${JSON.stringify(sentAs)}, open(${JSON.stringify(file)}, "rb"))),`);
  const asked = [
    "answer = requests.post(", `    "${location.origin}${path}",`, "    headers=KEY,", "    files=[", ...parts, "    ],",
    ...(fields.length ? ["    data={", ...fields, "    },"] : []), ")", "answer.raise_for_status()",
  ];
  const key = ['KEY = {"X-API-Key": "YOUR_KEY"}', ""];
  if (path !== "/jobs") return ["import requests", "", ...key, ...asked, `print(answer.json()["summary_statistics"]["count"]["droplet"])`].join("\n");
  return [
    "import time", "", "import requests", "", ...key, ...asked,
    `job = "${location.origin}/jobs/" + answer.json()["id"]`,
    `while (state := requests.get(job, headers=KEY).json()["state"]) not in ("done", "failed"):`, "    time.sleep(1)",
    "print(state)", `open("results.zip", "wb").write(requests.get(job + "/result", headers=KEY).content)`,
  ].join("\n");
}

/**
 * A file's field; curl reads \`;\` and \`,\` in names as its own unless they are quoted, and sends the name without its folders.
 * @param {readonly [string, string, string]} file
 */
function upload([field, file, sentAs]) {
  const read = (/** @type {string} */ name) => (/^[^;,"\\\s][^;,"\\]*$/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`);
  const named = sentAs === file.replace(/.*\//, "") ? "" : `;filename=${read(sentAs)}`;
  return `-F ${quoted(`${field}=@${read(file)}${named}`)}`;
}

/** @param {string} text for a POSIX shell */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

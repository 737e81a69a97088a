// Requests to the service: with the key, with progress, and with errors that say what to do.

import { duration } from "./format.js";
import { apiKey } from "./key.js";

export class ApiError extends Error {
  /**
   * @param {number} status 0 if there was no answer at all
   * @param {string} title
   * @param {string} message what to do about it
   * @param {number | null} [retryAfter] seconds
   */
  constructor(status, title, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.title = title;
    this.retryAfter = retryAfter;
  }

  /** Whether it was for the key. */
  get refused() {
    return this.status === 401 || this.status === 403;
  }
}

/** @type {Record<number, string>} */
const TITLES = {
  0: "The service does not answer",
  400: "The service refuses the request",
  401: "The key is not accepted",
  403: "The key is not accepted",
  413: "The file is too large",
  415: "Not a picture the service takes",
  422: "The picture cannot be read",
  429: "The hourly limit is reached",
  503: "The service is busy",
};

/**
 * @typedef {Object} Sending
 * @property {AbortSignal} [signal]
 * @property {(part: number) => void} [onupload] told how much has been sent, 0 to 1
 * @property {(remaining: number) => void} [onremaining] told how many requests are left in the hour
 * @property {"json" | "blob"} [as]
 */

/**
 * POST a form; the answer's body.
 * @param {string} address
 * @param {FormData} form
 * @param {Sending} [sending]
 * @returns {Promise<any>}
 */
export const post = (address, form, sending) => ask("POST", address, form, sending);

/**
 * A request with the key; the answer's body.
 *
 * XMLHttpRequest, because fetch tells nothing of an upload's progress.
 * @param {"GET" | "POST" | "PUT" | "DELETE"} method
 * @param {string} address
 * @param {FormData | File | null} body
 * @param {Sending} [sending]
 * @returns {Promise<any>}
 */
export function ask(method, address, body, { signal, onupload, onremaining, as = "json" } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, address);
    request.responseType = "blob";
    request.setRequestHeader("X-API-Key", headerText(apiKey() ?? ""));
    request.upload.onprogress = (event) => onupload?.(event.total ? event.loaded / event.total : 1);
    request.upload.onload = () => onupload?.(1);
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onerror = () =>
      reject(new ApiError(0, TITLES[0], "Check the connection, and that the service is running; then try again."));
    request.onload = () => {
      signal?.removeEventListener("abort", abort);
      const remaining = request.getResponseHeader("X-RateLimit-Remaining");
      if (remaining !== null) onremaining?.(Number(remaining));
      read(request, as).then(resolve, reject);
    };
    if (signal?.aborted) return reject(new DOMException("cancelled", "AbortError"));
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}

/**
 * @param {XMLHttpRequest} request
 * @param {"json" | "blob"} as
 */
async function read(request, as) {
  if (request.status >= 200 && request.status < 300) {
    return as === "blob" ? request.response : JSON.parse(await request.response.text());
  }
  throw await errorOf(request);
}

/** @param {XMLHttpRequest} request */
async function errorOf(request) {
  const { status } = request;
  const wait = Number(request.getResponseHeader("Retry-After")) || null;
  let message = "";
  try {
    message = JSON.parse(await request.response.text()).message;
  } catch {
    message = "Something between this page and the service answered in its place.";
  }
  if (status === 429 && wait) message = `The next request is possible in ${duration(wait)}.`;
  const title = TITLES[status] ?? `The service failed (${status})`;
  return new ApiError(status, title, message, wait);
}

/**
 * A text as a header can carry it: its UTF-8 bytes, each as one character.
 * @param {string} text
 */
export function headerText(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

import { headerText } from "../api.js";

/**
 * What can go wrong with a request: the key is refused, too many wrong keys came from here, nobody answers,
 * or the service fails.
 * @typedef {"refused" | "limited" | "away" | "failed"} Trouble
 */

export class ApiError extends Error {
  /**
   * @param {Trouble} trouble
   * @param {string} message what to tell the reader
   * @param {number} wait seconds until another try makes sense; 0 if the service did not say
   */
  constructor(trouble, message, wait = 0) {
    super(message);
    this.trouble = trouble;
    this.wait = wait;
  }
}

/**
 * The JSON answer of an admin route.
 * @param {string} path
 * @param {string} key the admin key
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function ask(path, key, signal) {
  let response;
  try {
    response = await fetch(path, { headers: { "X-Admin-Key": headerText(key) }, cache: "no-store", signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError("away", "The service does not answer.");
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const message = body.message ?? `The service answers ${response.status}.`;
  if (response.status === 403) throw new ApiError("refused", message);
  if (response.status === 429) {
    throw new ApiError("limited", message, Number(response.headers.get("Retry-After")) || 60);
  }
  throw new ApiError("failed", message);
}

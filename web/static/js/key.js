// The API key: kept for this tab's session only, never in an address.

const NAME = "sam-api-key";

/** @returns {string | null} */
export const apiKey = () => sessionStorage.getItem(NAME);

/** @param {string} key */
export function keepKey(key) {
  if (key) sessionStorage.setItem(NAME, key);
  else sessionStorage.removeItem(NAME);
}

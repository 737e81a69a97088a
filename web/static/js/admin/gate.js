import { byId } from "../dom.js";

/** The form that asks for the admin key. */
export class Gate {
  #form = /** @type {HTMLFormElement} */ (byId("gate"));
  #field = /** @type {HTMLInputElement} */ (byId("key"));
  #error = byId("gate-error");
  #button = /** @type {HTMLButtonElement} */ (byId("enter"));

  /** @param {(key: string) => void} entered */
  constructor(entered) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.#field.value.trim();
      if (!key) return;
      this.#error.textContent = "";
      this.#button.disabled = true;
      entered(key);
    });
  }

  /**
   * Ask for the key.
   * @param {string} key what stands in the field
   * @param {string} error why the last try failed, if it did
   */
  open(key, error) {
    this.#form.hidden = false;
    this.#button.disabled = false;
    this.#error.textContent = error;
    this.#field.ariaInvalid = String(Boolean(error));
    this.#field.value = key;
    this.#field.focus();
    this.#field.select();
  }

  close() {
    this.#form.hidden = true;
    this.#field.value = "";
  }
}

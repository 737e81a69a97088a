// The page of the specification: Swagger UI, in the colours that the reader has chosen.

/**
 * @typedef {{createElement: (type: string, props: Record<string, unknown>, ...children: unknown[]) => unknown}} React
 * @typedef {{operationProps: {get: (name: string) => any}}} OperationProps
 */

/** @type {(options: Record<string, unknown>) => unknown} */
const show = /** @type {any} */ (globalThis).SwaggerUIBundle;
const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches;
  root.classList.toggle("dark-mode", dark);
}

paint();
document.addEventListener("themechange", paint);
systemIsDark.addEventListener("change", paint);

/**
 * Shows an operation's path as text. Swagger UI makes it a link within the button that opens the operation,
 * which screen readers cannot reach; opening the operation puts the same link into the address bar.
 * @param {{React: React}} system
 */
const PathAsText = ({ React }) => ({
  components: {
    OperationSummaryPath: (/** @type {OperationProps} */ { operationProps }) => {
      const path = operationProps.get("path");
      const name = operationProps.get("deprecated") ? "opblock-summary-path__deprecated" : "opblock-summary-path";
      const parts = path.split(/(?=\/)/g).flatMap((/** @type {string} */ part, /** @type {number} */ i) =>
        (i ? [React.createElement("wbr", { key: i }), part] : [part]));
      return React.createElement("span", { className: name, "data-path": path }, ...parts);
    },
  },
});

/** @type {Record<string, Record<string, string>>} what Swagger UI leaves without a name, or out of the keyboard's reach */
const LACKING = {
  ".examples-select-element": { "aria-label": "Example" },
  ".body-param__text": { "aria-label": "Request body" },
  ".microlight": { tabindex: "0" },
};

function complete() {
  for (const [selector, attributes] of Object.entries(LACKING)) {
    for (const element of document.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    }
  }
}

new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });

show({
  url: "/openapi.json",
  dom_id: "#specification",
  plugins: [PathAsText],
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  requestSnippetsEnabled: true,
  syntaxHighlight: { theme: "obsidian" },
  validatorUrl: null,
});

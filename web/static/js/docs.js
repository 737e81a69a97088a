// The page of the specification: Swagger UI, in the colours that the reader has chosen.

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

show({
  url: "/openapi.json",
  dom_id: "#specification",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  requestSnippetsEnabled: true,
  validatorUrl: null,
});

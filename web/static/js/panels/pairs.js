// Figures with their names.

import { h } from "../dom.js";

/**
 * Fill a definition list.
 * @param {Element} list
 * @param {readonly (readonly [string, Node | string, string?] | false)[]} pairs name, figure and perhaps a remark
 */
export function pairs(list, pairs) {
  list.replaceChildren(...pairs.filter((each) => each !== false).map(([name, figure, remark]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, figure, remark && h("span", { class: "muted" }, ` ${remark}`)))));
}

import { h } from "../dom.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: Row) => Node | string} cell
 * @property {(row: Row) => number | string} value what the column sorts by
 * @property {boolean} [number] set to the right
 * @property {boolean} [minor] left out where there is little room
 */

/**
 * A table whose columns sort when their headings are pressed. The order survives new rows.
 * @template Row
 */
export class Table {
  /** @type {Row[]} */
  #rows = [];
  #by = -1;
  #down = true;

  /**
   * @param {HTMLElement} parent
   * @param {string} caption read out, not shown
   * @param {string} empty what stands there without rows
   * @param {Column<Row>[]} columns the first one names the row
   */
  constructor(parent, caption, empty, columns) {
    this.columns = columns;
    this.body = h("tbody");
    this.headings = columns.map((column, index) => this.#heading(column, index));
    this.table = h(
      "table",
      {},
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, ...this.headings)),
      this.body,
    );
    this.empty = h("p", { class: "empty muted" }, empty);
    parent.replaceChildren(this.table, this.empty);
    this.show([]);
  }

  /** @param {Row[]} rows */
  show(rows) {
    this.#rows = rows;
    this.table.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    this.#fill();
  }

  #fill() {
    const rows = [...this.#rows];
    if (this.#by >= 0) {
      const { value } = this.columns[this.#by];
      rows.sort((one, other) => compare(value(one), value(other)) * (this.#down ? -1 : 1));
    }
    this.body.replaceChildren(...rows.map((row) => this.#row(row)));
  }

  /** @param {Row} row */
  #row(row) {
    const cells = this.columns.map((column, index) =>
      h(index ? "td" : "th", { ...(index ? {} : { scope: "row" }), class: classes(column) }, column.cell(row)),
    );
    return h("tr", {}, ...cells);
  }

  /**
   * @param {Column<Row>} column
   * @param {number} index
   */
  #heading(column, index) {
    const button = h("button", { type: "button", class: "sort" }, column.title);
    button.addEventListener("click", () => {
      this.#down = this.#by === index ? !this.#down : Boolean(column.number);
      this.#by = index;
      this.headings.forEach((heading, each) => {
        if (each === index) heading.ariaSort = this.#down ? "descending" : "ascending";
        else heading.removeAttribute("aria-sort");
      });
      this.#fill();
    });
    return h("th", { scope: "col", class: classes(column) }, button);
  }
}

/** @param {{number?: boolean, minor?: boolean}} column */
function classes({ number, minor }) {
  return [number && "number", minor && "minor"].filter(Boolean).join(" ");
}

/**
 * @param {number | string} one
 * @param {number | string} other
 */
function compare(one, other) {
  return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
}

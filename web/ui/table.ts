// Tables that become cards on a narrow screen. Roles are said again, because a
// table that is laid out as cards would lose them.
import { h, setAttribute, setText } from "./dom";

type Child = Node | string;

export class Table {
  readonly root: HTMLTableElement;
  readonly body = h("tbody", { role: "rowgroup" });

  constructor(caption: string, columns: readonly string[]) {
    this.root = h("table", { role: "table", class: "cards" },
      h("caption", { class: "unseen" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...columns.map((c) => h("th", { scope: "col", role: "columnheader" }, c)))),
      this.body);
  }
}

// A cell; on a narrow screen its label stands before it.
export function cell(label: string, ...children: Child[]): HTMLTableCellElement {
  return h("td", { role: "cell", "data-label": label }, ...children);
}

export interface Line {
  root: HTMLElement;
  show(value: string, more: string, tone?: string): void;
}

// A value with a remark below it.
export function line(): Line {
  const value = h("span", { class: "value" });
  const more = h("small");
  return {
    root: h("span", { class: "two" }, value, more),
    show(text, remark, tone = "") {
      setText(value, text);
      setText(more, remark);
      setAttribute(value, "class", `value ${tone}`.trim());
    },
  };
}

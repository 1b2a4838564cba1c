// The purge box: remove objects from every edge, also from those that are away.
import { purge } from "./api";
import { h, setAttribute, setText } from "./dom";
import { count, plural, sentenceList } from "./format";
import type { PurgeAnswer } from "./wire";

type Extent = "prefix" | "exact" | "all";

function told(answer: PurgeAnswer): string {
  const edges = Object.entries(answer.removed).sort(([a], [b]) => a.localeCompare(b));
  const total = edges.reduce((sum, [, n]) => sum + n, 0);
  const each = edges.map(([edge, n]) => `${edge} ${count(n)}`).join(", ");
  const late = answer.failed.length > 0 ? ` ${sentenceList(answer.failed)} will do it when back.` : "";
  return `Purge ${answer.seq}: ${plural(total, "object")} removed${each ? ` (${each})` : ""}.${late}`;
}

export class PurgeBox {
  private readonly path = h("input", { type: "text", name: "path", placeholder: "/sample/", "aria-label": "Path to purge", autocomplete: "off", spellcheck: "false" });
  private readonly button = h("button", { type: "submit" }, "Purge");
  private readonly answer = h("p", { class: "answer", role: "status" });
  private extent: Extent = "prefix";

  constructor(parent: Element) {
    const choice = (value: Extent, text: string): HTMLElement =>
      h("label", {}, h("input", { type: "radio", name: "extent", value, ...(value === "prefix" ? { checked: true } : {}), onchange: () => this.choose(value) }), text);
    parent.append(h("form", { class: "purge", onsubmit: (event) => { event.preventDefault(); void this.go(); } },
      h("div", { class: "row" }, this.path, this.button),
      h("fieldset", {}, h("legend", { class: "unseen" }, "How much"), choice("prefix", "all below the path"), choice("exact", "this object only"), choice("all", "everything")),
      this.answer));
  }

  private choose(extent: Extent): void {
    this.extent = extent;
    this.path.disabled = extent === "all";
    setText(this.button, extent === "all" ? "Purge everything" : "Purge");
    this.button.classList.toggle("danger", extent === "all");
  }

  private async go(): Promise<void> {
    const path = this.extent === "all" ? "/" : this.path.value.trim();
    if (!path.startsWith("/")) return this.say("The path begins with a slash, as in /sample/720/.", true);
    if (path === "/" && this.extent !== "all") return this.say("“/” is everything: choose “everything” to mean it.", true);
    this.button.disabled = true;
    this.say("Purging …", false);
    try {
      this.say(told(await purge(path, this.extent === "exact")), false);
    } catch (error) {
      this.say((error as Error).message, true);
    } finally {
      this.button.disabled = false;
    }
  }

  private say(text: string, bad: boolean): void {
    setText(this.answer, text);
    setAttribute(this.answer, "class", bad ? "answer bad" : "answer");
  }
}

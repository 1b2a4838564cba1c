// One line for each question that is answered badly at present.
import { byId, h } from "./dom";

export class Problems {
  private readonly box = byId("problems");
  private readonly open = new Map<string, string>();

  set(what: string, error: Error | undefined): void {
    if ((this.open.get(what) ?? "") === (error?.message ?? "")) return;
    if (error) this.open.set(what, error.message);
    else this.open.delete(what);
    // Without a status nothing else is to be expected: one line is enough.
    const lost = this.open.get("status");
    const texts = new Set(lost ? [lost] : this.open.values());
    this.box.hidden = texts.size === 0;
    this.box.replaceChildren(...[...texts].map((text) => h("p", {}, text)));
  }
}

// One line for each question that is answered badly at present.
import { byId, h } from "./dom";

export class Problems {
  private readonly box = byId("problems");
  private readonly open = new Map<string, string>();

  set(what: string, error: Error | undefined): void {
    if ((this.open.get(what) ?? "") === (error?.message ?? "")) return;
    if (error) this.open.set(what, error.message);
    else this.open.delete(what);
    const texts = new Set(this.open.values());
    this.box.hidden = texts.size === 0;
    this.box.replaceChildren(...[...texts].map((text) => h("p", {}, text)));
  }
}

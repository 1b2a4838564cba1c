// What the loss of all edges of a zone at once would cost, where edges name zones.
import { h, Keyed, setAttribute, setText, type Shown } from "./dom";
import { plural, sentenceList, signed } from "./format";
import type { Status, ZoneLoss } from "./wire";

class ZoneItem implements Shown<ZoneLoss> {
  readonly root = h("li");
  private readonly name = h("strong");
  private readonly about = h("small");

  constructor() {
    this.root.append(h("span", { class: "two" }, this.name, this.about));
  }

  update(z: ZoneLoss): void {
    setText(this.name, z.zone);
    const cost = z.lost > 0 ? `not survived: ${plural(z.lost, "session")} lost` : `survived: margin ${signed(z.margin)}`;
    setText(this.about, `${sentenceList(z.edges)}; its loss is ${cost}${z.given > 0 ? `, ${plural(z.given, "session")} from the origin` : ""}`);
    setAttribute(this.root, "class", z.lost > 0 ? "bad" : null);
  }
}

export class Zones {
  private readonly box = h("ul", { class: "zones", "aria-label": "Zones" });
  private readonly items = new Keyed<ZoneLoss>(this.box, (z) => z.zone, () => new ZoneItem());

  constructor(parent: Element) {
    parent.append(this.box);
  }

  update(status: Status): void {
    this.box.hidden = status.zones.length === 0;
    this.items.show(status.zones);
  }
}

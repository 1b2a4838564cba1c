// The balancers, and how the cluster admits viewers.
import type { Actions } from "./actions";
import { h, Keyed, setAttribute, setText, type Shown } from "./dom";
import { sign } from "./edgestate";
import type { BalancerInfo, Status } from "./wire";

class BalancerItem implements Shown<BalancerInfo> {
  readonly root: HTMLLIElement;
  private readonly name = h("strong");
  private readonly about = h("small");
  private readonly note = h("small", { class: "note" });
  private readonly mark = h("span", { class: "mark" });

  constructor() {
    this.root = h("li", {}, this.mark, h("span", { class: "two" }, this.name, this.about, this.note));
  }

  update(b: BalancerInfo): void {
    setText(this.name, b.name);
    setText(this.about, !b.alive ? "gone" : b.leader ? "leader" : b.voter ? "follower" : "learner"); // as `tandem status`
    setText(this.note, b.note ?? "");
    const tone = !b.alive ? "bad" : b.note ? "warn" : "good";
    if (this.root.className === tone) return;
    setAttribute(this.root, "class", tone);
    this.mark.replaceChildren(sign(tone === "good" ? "up" : tone === "bad" ? "down" : "warn"));
  }
}

export class Balancers {
  private readonly items: Keyed<BalancerInfo>;
  private readonly quorum = h("p", { class: "summary" });
  private readonly choices: HTMLButtonElement[];

  constructor(parent: Element, actions: Actions) {
    const box = h("ul", { class: "balancers" });
    this.choices = ["failsafe", "pair"].map((to) => h("button", { type: "button", "aria-pressed": "false", onclick: (event) => {
      if ((event.currentTarget as Element).getAttribute("aria-pressed") !== "true") actions.admission(to);
    } }, to));
    parent.append(box, this.quorum, h("div", { class: "admission" }, h("span", {}, "Admission"), h("span", { class: "choice", role: "group", "aria-label": "Admission" }, ...this.choices)));
    this.items = new Keyed(box, (b) => b.name, () => new BalancerItem());
  }

  update(status: Status): void {
    this.items.show(status.balancers);
    const voters = status.balancers.filter((b) => b.voter);
    const alive = voters.filter((b) => b.alive).length;
    const spare = alive - (Math.floor(voters.length / 2) + 1);
    const quorum = spare < 0 ? "No majority: the placement can't change." : spare === 0 ? "A majority, with none to spare." : `A majority, with ${spare} to spare.`;
    const led = status.majority || spare < 0; // else the others are there, and this one hears of no leader
    setText(this.quorum, voters.length === 0 ? "" : led ? quorum : `Nobody leads, as far as ${status.node} knows.`);
    setAttribute(this.quorum, "class", spare < 0 || !led ? "summary bad" : "summary");
    for (const choice of this.choices) setAttribute(choice, "aria-pressed", String(choice.textContent === status.admission));
  }
}

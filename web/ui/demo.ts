// In a demo only: what can be done to its nodes.
import { actOn, getDemo, type Act } from "./api";
import { h, Keyed, setAttribute, setText, type Shown } from "./dom";
import type { Demo, DemoNode, Status } from "./wire";

const words: Record<Act, string> = { kill: "kill", stop: "halt", cut: "cut off", start: "bring back" };
const explained: Record<Act, string> = {
  kill: "SIGKILL: as a power cut does",
  stop: "SIGSTOP: it accepts connections, and nothing moves",
  cut: "its stretch of network refuses",
  start: "undoes what was done to it",
};

const roles = ["edge", "lb", "origin"]; // those that people come to kill first

class NodeItem implements Shown<DemoNode> {
  readonly root: HTMLLIElement;
  private readonly name = h("strong");
  private readonly state = h("span");
  private readonly orders = h("span", { class: "orders" });
  private readonly buttons: Record<Act, HTMLButtonElement>;

  constructor(private node: DemoNode, act: (node: DemoNode, act: Act) => void) {
    const button = (what: Act): HTMLButtonElement => h("button", {
      type: "button", title: explained[what], "aria-label": `${words[what]} ${node.name}`, class: what === "kill" ? "danger" : null,
      onclick: () => act(this.node, what),
    }, words[what]);
    this.buttons = { kill: button("kill"), stop: button("stop"), cut: button("cut"), start: button("start") };
    this.orders.append(this.buttons.start, this.buttons.kill, this.buttons.stop, this.buttons.cut);
    this.root = h("li", {}, this.name, this.state, this.orders);
  }

  update(node: DemoNode): void {
    this.node = node;
    setText(this.name, node.name);
    setText(this.state, node.state);
    setAttribute(this.state, "class", `pill ${node.state === "up" ? "good" : node.state === "dead" ? "bad" : "warn"}`);
    for (const [what, button] of Object.entries(this.buttons)) button.hidden = !node.acts.includes(what as Act);
  }
}

export class DemoBox {
  private readonly items: Keyed<DemoNode>;
  private readonly answer = h("p", { class: "answer", role: "status" });

  constructor(private readonly panel: HTMLElement, parent: Element, private readonly streams: (demo: Demo) => void) {
    const list = h("ul", { class: "nodes" });
    parent.append(list, this.answer);
    this.items = new Keyed(list, (n) => n.name, (n) => new NodeItem(n, (node, act) => void this.act(node, act)));
  }

  // Shows the panel where this is a demo; elsewhere there is none.
  status(status: Status): void {
    if (!status.demo || !this.panel.hidden) return;
    this.panel.hidden = false;
    void this.ask();
    setInterval(() => { if (!document.hidden) void this.ask(); }, 1000);
  }

  private async ask(): Promise<void> {
    const demo = await getDemo().catch(() => undefined); // that the balancer is gone is said elsewhere
    if (demo) this.show(demo);
  }

  private show(demo: Demo): void {
    this.items.show([...demo.nodes].sort((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role)));
    this.streams(demo);
  }

  private async act(node: DemoNode, act: Act): Promise<void> {
    setText(this.answer, `${words[act]} ${node.name} …`);
    setAttribute(this.answer, "class", "answer");
    try {
      this.show(await actOn(node.name, act));
      setText(this.answer, "");
    } catch (error) {
      setText(this.answer, (error as Error).message);
      setAttribute(this.answer, "class", "answer bad");
    }
  }
}

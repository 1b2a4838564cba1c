// Orders to the cluster. Each is asked again in a dialog that says what will
// happen, and the answer is shown where it was given.
import { admit, command, endSession, getPreview, type Order } from "./api";
import { h, setText } from "./dom";
import { plural } from "./format";
import type { EdgeStatus, Preview, SessionInfo } from "./wire";

const explained: Record<Order, string> = {
  drain: "It delivers nothing by the tables any more, but keeps its copies. Its viewers go on at its neighbours with the next segment.",
  resume: "It takes its sessions back: the boundaries go home.",
  accept: "Its loss has to be survived as well, so the other edges keep more room: their limits fall.",
  remove: "Its neighbours copy what they need, then the ring closes over it. To come back it has to join anew.",
};

interface Question {
  title: string;
  text: string;
  confirm: string;
  danger: boolean;
  preview?: () => Promise<HTMLElement>;
  act: () => Promise<unknown>;
}

function show(preview: Preview, slots: Map<number, string>): HTMLElement {
  const list = h("ul", { class: "preview" });
  list.append(h("li", {}, h("b", {}, plural(preview.moves, "session")), " would change edges"));
  if (preview.excess > 0) list.append(h("li", { class: "bad" }, h("b", {}, plural(preview.excess, "session")), " would lose their edge"));
  else list.append(h("li", { class: "good" }, "everybody fits"));
  if (preview.peak) {
    const share = preview.peak_capacity > 0 ? ` (${Math.round((100 * preview.peak_load) / preview.peak_capacity)} %)` : "";
    list.append(h("li", {}, "fullest afterwards: ", h("b", {}, preview.peak), ` with ${preview.peak_load} of ${preview.peak_capacity}${share}`));
  }
  const survived = preview.margin < 0 ? "the next failure is then not survived" : "the next failure is survived";
  list.append(h("li", { class: preview.margin < 0 ? "bad" : "good" }, `${survived}: N-1 margin `, h("b", {}, `${preview.margin_now} → ${preview.margin}`)));
  list.append(h("li", {}, "the cluster admits ", h("b", {}, `${preview.limit_now} → ${preview.limit}`), " sessions"));
  if (preview.lowers) list.append(h("li", { class: "bad" }, "the limits of the other edges fall"));
  for (const m of preview.boundaries) list.append(h("li", {}, `boundary of pair ${m.pair}${slots.get(m.pair) ?? ""}: `, h("b", {}, `${m.before} → ${m.after}`)));
  return list;
}

export class Actions {
  private readonly title = h("h2", { id: "question" });
  private readonly text = h("p");
  private readonly preview = h("div", { "aria-live": "polite" });
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly cancel = h("button", { type: "button", onclick: () => this.dialog.close() }, "Cancel");
  private readonly confirm = h("button", { type: "button", class: "primary", onclick: () => void this.go() });
  private readonly dialog = h("dialog", { "aria-labelledby": "question" },
    this.title, this.text, this.preview, this.problem, h("div", { class: "orders" }, this.cancel, this.confirm));
  private question: Question | undefined;

  // names gives the members of each pair, for the preview.
  constructor(private readonly done: () => void, private readonly names: () => Map<number, string>) {
    document.body.append(this.dialog);
  }

  order(edge: EdgeStatus, order: Order): void {
    let force = false;
    const ask: Question = {
      title: `${order[0]?.toUpperCase()}${order.slice(1)} ${edge.name}?`,
      text: explained[order],
      confirm: `${order} ${edge.name}`,
      danger: order === "remove",
      act: () => command(edge.name, order, force),
    };
    if (order !== "resume") {
      ask.preview = async () => {
        const preview = await getPreview(edge.name, order);
        force = preview.excess > 0; // said in the very button that does it
        if (force && this.question === ask) {
          setText(this.confirm, `${order} although ${plural(preview.excess, "session")} would lose their edge`);
          this.confirm.classList.add("danger");
        }
        return show(preview, this.names());
      };
    }
    void this.ask(ask);
  }

  endSession(s: SessionInfo): void {
    void this.ask({
      title: `End session ${s.pair}-${s.slot}?`,
      text: `${s.viewer || "The viewer"} of ${s.stream} loses its slot at ${s.edge}. A player that goes on is admitted anew, if there is room.`,
      confirm: "end session", danger: true, act: () => endSession(s),
    });
  }

  admission(to: string): void {
    const text = to === "failsafe"
      ? "Each edge is given only as many sessions as leave nobody above capacity after one death (claim 8). Sessions above the limit stay."
      : "Edges are filled to their capacity. The next death may leave viewers without an edge.";
    void this.ask({ title: `Admit by “${to}”?`, text, confirm: `admit by ${to}`, danger: to !== "failsafe", act: () => admit(to) });
  }

  private async ask(question: Question): Promise<void> {
    this.question = question;
    setText(this.title, question.title);
    setText(this.text, question.text);
    setText(this.problem, "");
    setText(this.confirm, question.confirm);
    this.confirm.classList.toggle("danger", question.danger);
    this.confirm.disabled = false;
    this.preview.replaceChildren();
    this.dialog.showModal();
    this.cancel.focus();
    if (!question.preview) return;
    setText(this.preview, "What would happen …");
    try {
      const answer = await question.preview();
      if (this.question === question) this.preview.replaceChildren(answer);
    } catch (error) {
      if (this.question === question) setText(this.preview, `What would happen is not known: ${(error as Error).message}`);
    }
  }

  private async go(): Promise<void> {
    const question = this.question;
    if (!question) return;
    this.confirm.disabled = true;
    setText(this.problem, "");
    try {
      await question.act();
      if (this.question === question) this.dialog.close();
      this.done();
    } catch (error) {
      if (this.question !== question) return;
      setText(this.problem, (error as Error).message);
      this.confirm.disabled = false;
    }
  }
}

// Who looks at the page: somebody with a role, or nobody yet, who is asked for a
// token (or sent to the provider). What a role may not do has no button here; the
// balancer refuses it whatever the page shows.
import { byId, h, setText } from "./dom";

interface Self {
  name: string;
  role: string;
  by: string;
  login: string[];
}

async function me(): Promise<Self> {
  const answer = await fetch("auth/me", { cache: "no-store" });
  if (answer.status === 404) return { name: "", role: "admin", by: "open", login: [] }; // who serves the page knows no logins
  if (!answer.ok) throw new Error(`auth/me answered ${answer.status}`);
  return (await answer.json()) as Self;
}

function ask(self: Self, ended: boolean): Promise<void> {
  return new Promise((done) => {
    const token = h("input", { type: "password", name: "token", autocomplete: "off", required: true, "aria-label": "token" });
    const problem = h("p", { class: "problem", role: "alert" });
    const send = async (event: Event): Promise<void> => {
      event.preventDefault();
      const answer = await fetch("auth/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token: token.value }) }).catch(() => undefined);
      if (answer?.ok) {
        dialog.close();
        dialog.remove();
        done();
        return;
      }
      const said = (await answer?.json().catch(() => undefined)) as { error?: string } | undefined;
      setText(problem, answer?.status === 401 ? "Nobody has this token." : (said?.error ?? "The balancer did not take it."));
    };
    const form = h("form", { onsubmit: (event) => void send(event) }, h("p", {}, "A token, as ", h("code", {}, "tandem operator NAME"), " makes them."), token, problem, h("div", { class: "orders" }, h("button", { type: "submit", class: "primary" }, "Log in")));
    const dialog = h("dialog", { "aria-label": "Log in", oncancel: (event) => event.preventDefault() }, h("h2", {}, "Log in"),
      ended && h("p", {}, "Your login has ended."),
      self.login.includes("token") && form, self.login.includes("oidc") && h("p", {}, h("a", { href: "auth/oidc" }, "Log in with your organisation's account")));
    document.body.append(dialog);
    dialog.showModal();
  });
}

const who = h("p", { id: "who" });

async function enter(ended: boolean): Promise<void> {
  let self = await me();
  while (self.role === "nobody") {
    await ask(self, ended);
    self = await me();
  }
  document.documentElement.dataset.role = self.role;
  if (self.by === "open") return;
  const leave = h("button", { type: "button", onclick: () => void fetch("auth/logout", { method: "POST" }).then(() => location.reload()) }, "log out");
  who.replaceChildren(`${self.name} (${self.role}) `, leave);
  byId("connection").after(who);
}

let entering: Promise<void> | undefined;

// entered ends when somebody is there who may see the cluster. ended: somebody was, whose
// login is good no longer (its time is over, or the balancer was started anew).
export function entered(ended = false): Promise<void> {
  return (entering ??= enter(ended).finally(() => { entering = undefined; }));
}

// The section of ComfyUI's queue: shown while something in it waits for the user.

import { byId, clock, count, h, keyed, put, show } from "./text.js";

export class Queue {
  constructor(send, ask) {
    this.send = send;
    byId("queue-accept").addEventListener("click", () => send("queue/accept", "The queue", "goes on", "accept workflows"));
    byId("queue-restore").addEventListener("click", () => send("queue/restore", "The workflows", "are queued again", "queue them again"));
    byId("queue-drop").addEventListener("click", () => ask("Forget these workflows?", "They will not run. What they have saved stays.", "Forget all", "danger",
      () => send("queue/drop", "The workflows", "are forgotten", "forget them")));
  }

  update({ queue }) {
    show(byId("queue"), Boolean(queue && (queue.asked || queue.aside.length || queue.drained)));
    if (!queue) return;
    const held = queue.asked + queue.aside.length;
    put(byId("queue-line"), line(queue));
    show(byId("queue-accept"), queue.drained);
    show(byId("queue-restore"), held > 0);
    show(byId("queue-drop"), held > 0);
    keyed(byId("queue-aside"), queue.aside, (each) => `${each.id} ${each.why}`, (each) => this.row(each));
  }

  row({ id, why, at }) {
    const button = (verb, word, progress) => h("button", {
      type: "button", class: "small",
      onclick: () => this.send(`queue/${encodeURIComponent(id)}/${verb}`, `Workflow ${id}`, progress, `${verb} ${id}`),
    }, word, h("span", { class: "visually-hidden" }, ` ${id}`));
    const element = h("li", {},
      h("p", { class: "row" }, h("span", { class: "file" }, id), h("span", { class: "muted" }, `queued ${clock(at)}`)),
      h("p", { class: "what" }, `Set aside: ${why.replace(/\.+$/, "")}.`),
      h("p", { class: "actions" }, button("restore", "Run again", "is queued again"), button("drop", "Forget", "is forgotten")));
    return { element, update: () => {} };
  }
}

function line({ asked, aside, more, drained, waiting }) {
  const parts = [];
  if (drained) parts.push(`The pod is drained: no workflow is accepted or begun${waiting ? `; ${count(waiting, "workflow")} wait` : ""}.`);
  if (asked) parts.push(`${count(asked, "workflow")} of before the restart wait for you.`);
  if (aside.length) parts.push(`${count(aside.length + more, "workflow was", "workflows were")} set aside; the others run.`);
  return parts.join(" ");
}

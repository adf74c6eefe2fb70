// The section of ComfyUI's custom nodes: what is wrong first, and the work that the buttons start.

import { byId, count, duration, h, keyed, now, put, set, show } from "./text.js";

const STATES = ["loaded", "new", "failed", "left out", "off"];
const WRONG = ["failed", "left out"];

export class Nodes {
  constructor(act, send) {
    this.send = send;
    this.restartAllowed = false;
    byId("nodes-restart").addEventListener("click", () => act("comfyui", "ComfyUI", "restart"));
    byId("nodes-outdated").addEventListener("click", () => send("nodes/outdated", "The check for updates", "requested", "check for updates"));
  }

  update(status) {
    const { nodes, manager, work, last, restart } = status.nodes;
    const comfyui = status.services.find((service) => service.name === "comfyui");
    this.busy = work !== null;
    show(byId("nodes"), nodes.length > 0 || manager !== "");
    put(byId("nodes-line"), summary(nodes));
    put(byId("nodes-work"), work ? `${sentence(work.text).slice(0, -1)}…` : last ? sentence(last.text) : "");
    set(byId("nodes-work"), "class", !work && last?.problem ? "what" : "");
    put(byId("nodes-since"), work ? `for ${duration(now.get() - work.since)}` : last ? `${duration(now.get() - last.at)} ago` : "");
    show(byId("nodes-restart"), restart && this.restartAllowed && !work);
    byId("nodes-outdated").disabled = this.busy;
    show(byId("nodes-manager"), manager !== "" && comfyui?.health === "up");
    put(byId("nodes-manager"), `Manager ${manager} (in ComfyUI)`);
    const wrong = WRONG.flatMap((state) => nodes.filter((node) => node.state === state));
    this.list(byId("nodes-wrong"), wrong);
    this.rest(nodes.filter((node) => !wrong.includes(node)));
  }

  // What is fine is folded; it opens by itself when a check finds updates.
  rest(nodes) {
    const updates = nodes.filter((node) => node.newest).length;
    const details = byId("nodes-rest");
    show(details, nodes.length > 0);
    put(details.firstChild, parts(nodes));
    this.list(details.lastChild, nodes.toSorted((a, b) => Boolean(b.newest) - Boolean(a.newest)));
    if (updates > this.updates) details.open = true;
    this.updates = updates;
  }

  list(parent, nodes) {
    keyed(parent, nodes, (node) => `${node.state} ${node.name}`, (node) => this.row(node));
  }

  row({ name, state }) {
    const title = h("span", { class: "file" });
    const version = h("span", { class: "muted" });
    const mark = h("span", { class: "state" }, "Update available");
    const reason = h("p", { class: "what" });
    const button = (verb, word, progress) => h("button", {
      type: "button", class: "small",
      onclick: () => this.send(`nodes/${encodeURIComponent(name)}/${verb}`, name, progress, `${verb} ${name}`),
    }, word, h("span", { class: "visually-hidden" }, ` ${name}`));
    const repair = button("repair", "Repair", "is being repaired");
    const again = button("try", "Try again", "is tried at ComfyUI's next start");
    const update = button("update", "Update", "is being updated");
    const element = h("li", { "data-tone": "busy" },
      h("p", { class: "row" }, h("span", {}, title, " ", version), mark), reason, h("p", { class: "actions" }, repair, again, update));
    return {
      element,
      update: (node) => {
        this.title(title, node);
        put(version, [WRONG.includes(state) ? "" : state, node.version || node.commit.slice(0, 10)].filter(Boolean).join(", "));
        show(mark, node.newest !== "");
        set(mark, "title", `The newest is ${node.newest}`);
        put(reason, WRONG.includes(state) ? sentence(node.reason ? `${state}: ${node.reason}` : state) : "");
        show(reason, reason.textContent !== "");
        show(repair, state === "failed");
        show(again, state === "left out");
        show(update, node.newest !== "" && state !== "off");
        for (const each of [repair, again, update]) each.disabled = this.busy;
      },
    };
  }

  title(element, node) {
    if (element.firstChild && element.dataset.link === node.repository) return;
    element.dataset.link = node.repository;
    element.replaceChildren(node.repository ? h("a", { href: node.repository, target: "_blank", rel: "noopener noreferrer" }, node.name) : node.name);
  }
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1).replace(/\.+$/, "")}.`;

function summary(nodes) {
  if (!nodes.length) return "No custom nodes.";
  const updates = nodes.filter((node) => node.newest).length;
  return `${count(nodes.length, "custom node")}: ${parts(nodes)}.${updates ? ` ${count(updates, "update")} available.` : ""}`;
}

// "10 loaded, 1 failed"
function parts(nodes) {
  const number = (state) => nodes.filter((node) => node.state === state).length;
  return STATES.filter(number).map((state) => `${number(state)} ${state}`).join(", ");
}

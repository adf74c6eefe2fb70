// The page: receives the stream, updates the sections, and sends the buttons' requests.

import { Logs } from "./logs.js";
import { Meter } from "./meter.js";
import { Nodes } from "./nodes.js";
import { Queue } from "./queue.js";
import { Machine, Models, Restarts, Services, headline, helpers, problems, volumes } from "./sections.js";
import { Stream } from "./stream.js";
import { byId, bytes, clock, count, h, now, put, set, show } from "./text.js";

let restartNotes = {}; // program -> what a stop or restart of it costs, from settings/services.py

let status = null;
const logs = new Logs();
const machine = new Machine();
const services = new Services(act, (name) => logs.open(name), copyAddress);
const models = new Models(act, fetchBundle, moveBundle, notify);
const nodes = new Nodes(act, send);
const queue = new Queue(send, ask);
const restarts = new Restarts();
const meter = new Meter(() => send("keep", "The pod", "is kept for 2 h", "keep the pod"));

function draw() {
  headline(status);
  problems(status);
  services.update(status);
  models.update(status);
  meter.update(status);
  nodes.update(status);
  queue.update(status);
  volumes(status);
  restarts.update(status);
  helpers(status);
  put(byId("version"), status.version ? `Podkeeper ${status.version}.` : "");
  logs.choose(status.services.filter((each) => ["failed", "silent", "restarting"].includes(each.health)).map((each) => each.name));
}

function update(parts) {
  status = { ...status, ...parts };
  now.offset = status.at - Date.now() / 1000;
  draw();
  machine.update(status);
}

new Stream({
  hello: ({ logs: names, buttons }) => {
    restartNotes = buttons;
    services.buttons = Object.keys(buttons);
    services.logs = names;
    nodes.restartAllowed = "comfyui" in buttons;
    models.allowed = "models" in buttons;
    if (models.allowed && !models.bundles.length) offerBundles();
    logs.offer(names);
  },
  history: (samples) => machine.history(samples),
  snapshot: (whole) => update(whole),
  patch: (parts) => status && update(parts),
  connected: () => {
    show(byId("lost"), false);
    delete document.body.dataset.stale;
  },
  lost: (lastEvent, why) => {
    const since = clock(lastEvent / 1000 + now.offset);
    const text = `Connection to the pod lost. The data below is from ${since}. Reconnecting…`;
    if (why === "login") byId("lost").replaceChildren("Your login has expired. ", h("a", { href: "./" }, "Log in again"));
    else if (!byId("lost").querySelector("a")) put(byId("lost"), text);
    show(byId("lost"), true);
    document.body.dataset.stale = "";
  },
});
setInterval(() => status && !document.hidden && draw(), 1000); // durations advance between two events

async function offerBundles() {
  const response = await fetch("bundles");
  if (response.ok) models.offer((await response.json()).bundles);
}

// ---- buttons

const PROGRESS = { start: "is being started", stop: "is being stopped", restart: "is being restarted" };

function act(program, title, verb) {
  const request = () => send(`programs/${program}/${verb}`, title, PROGRESS[verb], `${verb} ${title}`);
  if (verb === "start" || program === "models") return request();
  const word = verb[0].toUpperCase() + verb.slice(1);
  ask(`${word} ${title}?`, restartNotes[program] ?? "", word, "danger", request);
}

// Tens of gigabytes on a bill are a choice: the question has the size, what is missing, and the room where it goes.
async function fetchBundle(chosen) {
  await offerBundles(); // what is installed, and the room, may have changed
  const bundle = models.bundles.find((each) => each.name === chosen.name) ?? chosen;
  const size = bundle.complete ? `All files of ${bundle.name} are installed.`
    : bundle.missing ? `About ${bytes(bundle.missing)} of ${bundle.name} are missing.`
    : `The size of ${bundle.name} is not known.`;
  const room = bundle.free === null ? "" : ` ${bytes(bundle.free)} are free where it goes.`;
  const request = () => send(`bundles/${bundle.name}/fetch`, `Download of ${bundle.name}`, "requested", `download ${bundle.name}`);
  ask(`Download ${bundle.name}?`, size + room, "Download", "main", request);
}

function moveBundle(name, where) {
  return send(`bundles/${name}/${where}`, name, where === "first" ? "is downloaded first" : "is downloaded last", `move ${name}`);
}

function ask(question, text, word, kind, request) {
  const dialog = byId("confirm");
  put(byId("confirm-title"), question);
  put(byId("confirm-text"), text);
  put(byId("confirm-yes"), word);
  set(byId("confirm-yes"), "class", kind);
  byId("confirm-no").onclick = () => dialog.close();
  byId("confirm-yes").onclick = () => {
    dialog.close();
    request();
  };
  dialog.showModal();
}

async function copyAddress(service) {
  try {
    await navigator.clipboard.writeText(service.url);
    notify(`The address of ${service.title} is copied.`);
  } catch { // plain http has no clipboard
    notify(`The address of ${service.title} is ${service.url}`);
  }
}

byId("doctor").addEventListener("click", async () => {
  const response = await work(byId("doctor"), "doctor", "The checks run", "run the checks");
  if (!response) return;
  const { findings } = await response.json();
  byId("findings").replaceChildren(...findings.map((each) =>
    h("li", { "data-state": each.state }, h("b", {}, `${each.state}: `), `${each.check}: ${each.text}`,
      each.remedy ? h("span", { class: "muted" }, ` What to do: ${each.remedy}.`) : null)));
  const wrong = findings.filter((each) => each.state === "failed").length;
  notify(wrong ? `${count(wrong, "check", "checks")} failed.` : "No check failed.");
});

byId("bundle-file").addEventListener("click", async () => {
  const response = await work(byId("bundle-file"), "bundle", "The bundle is being made", "make the bundle");
  if (!response) return;
  const link = h("a", { href: URL.createObjectURL(await response.blob()), download: "podkeeper-support.tar.gz" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  notify("The support bundle is downloaded.");
});

// POST that takes long: the button waits with it.
async function work(button, path, progress, task) {
  button.disabled = true;
  notify(`${progress}…`);
  try {
    const response = await fetch(path, { method: "POST" });
    if (response.ok) return response;
    const problem = response.status === 409 ? (await response.json()).problem : `the pod responded with ${response.status}`;
    notify(`Could not ${task}: ${problem}.`);
  } catch {
    notify(`Could not ${task}: the pod cannot be reached.`);
  } finally {
    button.disabled = false;
  }
  return null;
}

async function send(path, what, progress, task) {
  notify(`${what} ${progress}…`);
  try {
    const response = await fetch(path, { method: "POST" });
    const { problem } = response.ok || response.status === 409 ? await response.json() : { problem: `the pod responded with ${response.status}` };
    notify(problem ? `Could not ${task}: ${problem}.` : `${what} ${progress}.`);
  } catch {
    notify(`Could not ${task}: the pod cannot be reached.`);
  }
}

function notify(text) {
  put(byId("told"), text);
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => put(byId("told"), ""), 15000);
}

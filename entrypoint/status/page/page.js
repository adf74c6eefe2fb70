// The page: receives the stream, updates the sections, and sends the buttons' requests.

import { Logs } from "./logs.js";
import { Machine, Models, Restarts, Services, headline, helpers, problems, volumes } from "./sections.js";
import { Stream } from "./stream.js";
import { byId, clock, h, now, put, show } from "./text.js";

let restartNotes = {}; // program -> what a stop or restart of it costs, from settings/services.py

let status = null;
const logs = new Logs();
const machine = new Machine();
const services = new Services(act, (name) => logs.open(name));
const models = new Models(act, (name) => send(`bundles/${name}/fetch`, `Download of ${name}`, "requested", `download ${name}`));
const restarts = new Restarts();

function draw() {
  headline(status);
  problems(status);
  services.update(status);
  models.update(status);
  volumes(status);
  restarts.update(status);
  helpers(status);
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
  const dialog = byId("confirm");
  const word = verb[0].toUpperCase() + verb.slice(1);
  put(byId("confirm-title"), `${word} ${title}?`);
  put(byId("confirm-text"), restartNotes[program] ?? "");
  put(byId("confirm-yes"), word);
  byId("confirm-no").onclick = () => dialog.close();
  byId("confirm-yes").onclick = () => {
    dialog.close();
    request();
  };
  dialog.showModal();
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

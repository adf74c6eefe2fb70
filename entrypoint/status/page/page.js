// The page: takes the stream, brings the sections up to date, and sends what the buttons ask for.

import { Logs } from "./logs.js";
import { Machine, Models, Restarts, Services, helpers, problems, verdict, volumes } from "./sections.js";
import { Stream } from "./stream.js";
import { byId, clock, h, now, put, show } from "./text.js";

let restartNotes = {}; // program -> what a stop or restart of it costs, from the services table

let status = null;
const logs = new Logs();
const machine = new Machine();
const services = new Services(ask, (name) => logs.open(name));
const models = new Models(ask, (name) => send(`bundles/${name}/fetch`, `Fetching ${name}`, "is under way", `fetch ${name}`));
const restarts = new Restarts();

function draw() {
  verdict(status);
  problems(status);
  services.update(status);
  models.update(status);
  volumes(status);
  restarts.update(status);
  helpers(status);
}

function news(parts) {
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
    models.may = "models" in buttons;
    if (models.may && !models.bundles.length) offerBundles();
    logs.offer(names);
  },
  history: (samples) => machine.history(samples),
  snapshot: (whole) => news(whole),
  patch: (parts) => status && news(parts),
  found: () => {
    show(byId("lost"), false);
    delete document.body.dataset.stale;
  },
  lost: (heard, why) => {
    const since = clock(heard / 1000 + now.offset);
    const text = `No word from the pod since ${since}. What is shown here is from then. Trying again…`;
    if (why === "login") byId("lost").replaceChildren("Your login has ended. ", h("a", { href: "login" }, "Log in again"));
    else if (!byId("lost").querySelector("a")) put(byId("lost"), text);
    show(byId("lost"), true);
    document.body.dataset.stale = "";
  },
});
setInterval(() => status && !document.hidden && draw(), 1000); // times go on between two looks

async function offerBundles() {
  const answer = await fetch("bundles");
  if (answer.ok) models.offer((await answer.json()).bundles);
}

// ---- buttons

const DOING = { start: "is being started", stop: "is being stopped", restart: "is being restarted" };

function ask(program, title, verb) {
  const act = () => send(`programs/${program}/${verb}`, title, DOING[verb], `${verb} ${title}`);
  if (verb === "start" || program === "models") return act();
  const dialog = byId("confirm");
  const word = verb[0].toUpperCase() + verb.slice(1);
  put(byId("confirm-title"), `${word} ${title}?`);
  put(byId("confirm-text"), restartNotes[program] ?? "");
  put(byId("confirm-yes"), word);
  byId("confirm-no").onclick = () => dialog.close();
  byId("confirm-yes").onclick = () => {
    dialog.close();
    act();
  };
  dialog.showModal();
}

async function send(path, what, doing, task) {
  tell(`${what} ${doing}…`);
  try {
    const answer = await fetch(path, { method: "POST" });
    const { problem } = answer.ok || answer.status === 409 ? await answer.json() : { problem: `the pod answered ${answer.status}` };
    tell(problem ? `Could not ${task}: ${problem}.` : `${what} ${doing}.`);
  } catch {
    tell(`Could not ${task}: the pod can't be reached.`);
  }
}

function tell(text) {
  put(byId("told"), text);
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => put(byId("told"), ""), 15000);
}

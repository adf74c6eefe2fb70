// The panel in ComfyUI's sidebar: what the loaded workflow needs, what of it is on this pod, and what is on its way.
import { bring, isBusy, onChange, placeOf, planNow, pod, progressOf, wantedModels, wantedNodes, watch } from "./pod.js";
import { allModels, allNodes, duration, gigabytes, make, statusOf } from "./view.js";

/** Milliseconds until another graph is planned: undo and redo load one each. */
const SETTLE_MS = 500;
let ends = () => {};

/** Show the panel in `place`. */
export function render(place) {
  ends();
  const root = make("section", { className: "podkeeper", ariaLabel: "Downloads to this pod" });
  place.replaceChildren(root);
  let shown = "", timer = 0;
  const plan = () => {
    if (pod.stale && !pod.planning) void planNow();
  };
  const draw = () => {
    clearTimeout(timer);
    if (pod.stale && !pod.planning) timer = setTimeout(plan, SETTLE_MS);
    const now = JSON.stringify([pod.plan, pod.planning, pod.problem, pod.state, [...pod.mine], pod.outcome]);
    if (now === shown) return;
    shown = now;
    const key = root.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    root.replaceChildren(...content());
    if (key) root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  };
  const stops = [onChange(draw), watch(), () => clearTimeout(timer)];
  ends = () => stops.forEach((stop) => stop());
  plan();
  draw();
}

/** The panel is gone. */
export function destroy() {
  ends();
  ends = () => {};
}

function content() {
  const again = button("Check again", "again", () => planNow(), pod.planning);
  return [make("header", {}, make("h2", {}, "On this pod"), again), ...news(), ...needs(), ...running()];
}

function button(words, key, run, isOff = false, title = words) {
  const made = make("button", { type: "button", disabled: isOff, title, ariaLabel: title, dataset: { key } }, words);
  made.addEventListener("click", run);
  return made;
}

function news() {
  const { outcome, problem, state } = pod;
  const lines = [];
  if (problem) lines.push(make("p", { className: "bad", role: "alert" }, problem));
  for (const each of outcome?.problems ?? []) lines.push(make("p", { className: "bad" }, each));
  if (outcome && !outcome.problems.length) lines.push(make("p", { className: "good", role: "status" }, "Everything has arrived."));
  if (outcome?.reload === "waiting") {
    lines.push(make("p", { role: "status" }, state?.restart || "ComfyUI restarts once its queue is empty, and loads the new nodes."));
  }
  if (outcome?.reload === "now") {
    lines.push(make("p", { role: "status" }, "ComfyUI has restarted with the new nodes. This page needs them, too."));
    lines.push(button("Reload this page", "reload", () => location.reload()));
  }
  return lines;
}

function needs() {
  const { plan, planning } = pod;
  if (planning && !plan) return [make("p", { role: "status" }, "Looking for what this workflow needs…")];
  if (!plan) return [];
  const missing = plan.models.filter((each) => each.state !== "installed");
  const nodes = plan.nodes.filter((each) => each.state !== "installed");
  if (!missing.length && !nodes.length) return [make("p", { className: "good" }, "This workflow has all it needs."), ...notes()];
  return [summary(), ...models(missing), ...packs(nodes), ...notes()];
}

function summary() {
  const { plan } = pod;
  const has = plan.models.filter((each) => each.state === "installed").length;
  const parts = [`${has} of ${plan.models.length} models are here.`];
  if (plan.bytes_to_fetch) {
    parts.push(`To fetch: ${gigabytes(plan.bytes_to_fetch)}${plan.seconds ? `, about ${duration(plan.seconds)}` : ""}.`);
  }
  if (!plan.fits) parts.push(`That does not fit: ${gigabytes(plan.bytes_free) || "nothing"} is free.`);
  return make("p", { className: plan.fits ? "" : "bad" }, parts.join(" "));
}

function notes() {
  return (pod.plan?.notes ?? []).map((each) => make("p", { className: "note" }, each));
}

function models(rows) {
  if (!rows.length) return [];
  const all = allModels();
  const list = make("ul", {}, ...rows.map((each) => {
    const name = placeOf(each);
    const can = wantedModels().includes(each);
    const from = each.url ? `from ${hostOf(each.url)}` : "";
    return row(name, [gigabytes(each.bytes), from].filter(Boolean).join(" · "), each,
      can && button(each.state === "missing" ? "Download" : "Try", `model ${name}`, () => bring([each], []), isBusy(), `Download ${name} to this pod`));
  }));
  return [make("h3", {}, "Missing models"), list, all.isNeeded && button(all.words, "all models", all.run, all.isOff)].filter(Boolean);
}

function packs(rows) {
  if (!rows.length) return [];
  const all = allNodes();
  const list = make("ul", {}, ...rows.map((each) => {
    const name = each.install ?? each.cnr_id ?? each.aux_id ?? each.classes.join(", ");
    const can = wantedNodes().includes(each);
    return row(name, each.classes.join(", "), each,
      can && button("Install", `node ${name}`, () => bring([], [each]), isBusy(), `Install ${name} on this pod`));
  }));
  const note = make("p", { className: "note" }, "A node is a program: install what you trust. ComfyUI restarts between two workflows.");
  return [make("h3", {}, "Missing nodes"), list, all.isNeeded && rows.length > 1 && button("Install all", "all nodes", all.run, all.isOff),
    all.isNeeded && note].filter(Boolean);
}

function row(name, about, each, action) {
  const moving = progressOf(name);
  return make("li", {}, make("div", { className: "name", title: name }, name), about && make("div", { className: "about" }, about),
    each.note && make("div", { className: "about" }, each.note),
    ...each.candidates.map((line) => make("div", { className: "about" }, `perhaps ${line}`)),
    moving ? progress(moving, name) : action);
}

function progress(moving, name) {
  const words = make("span", {}, statusOf(name) + (moving.text ? `: ${moving.text}` : ""));
  if (moving.dest === undefined || !moving.size) return make("div", { className: "moving" }, words);
  const bar = make("progress", { max: moving.size, value: moving.bytes, ariaLabel: `${name}: ${statusOf(name)}` });
  return make("div", { className: "moving" }, bar, words);
}

function running() {
  const { job, waiting } = pod.state ?? {};
  if (!job) return waiting?.length ? [make("p", { role: "status" }, "Waiting for the pod…")] : [];
  const what = job.kind === "boot" ? "WORKFLOWS" : job.title;
  const speed = job.bytes_per_second ? `${gigabytes(job.bytes_per_second)}/s` : "";
  const left = job.seconds_left ? `${duration(job.seconds_left)} left` : "";
  const parts = [speed, left, waiting.length > 1 && `${waiting.length - 1} more wait`].filter(Boolean).join(", ");
  const known = new Set([...(pod.plan?.models ?? []).map(placeOf), ...(pod.plan?.nodes ?? []).map((each) => each.install)]);
  const others = [...job.models.map((each) => [each.dest, each]), ...job.nodes.map((each) => [each.name, each])]
    .filter(([name]) => !known.has(name));
  return [make("h3", {}, `Running: ${what}`), parts && make("p", {}, parts),
    others.length > 0 && make("ul", {}, ...others.map(([name, each]) => make("li", {}, make("div", { className: "name", title: name }, name), progress(each, name)))),
  ].filter(Boolean);
}

function hostOf(address) {
  try {
    return new URL(address).host;
  } catch {
    return "an address that cannot be read";
  }
}

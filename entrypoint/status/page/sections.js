// The sections of the page: each updates its part of the page from the status.

import { Chart } from "./charts.js";
import { byId, bytes, capital, clock, count, duration, fold, h, keyed, now, put, set, show } from "./text.js";

const TONES = { up: "good", starting: "busy", restarting: "bad", silent: "bad", failed: "bad", stopping: "busy", stopped: "quiet", off: "quiet", unknown: "quiet" };
const WORDS = { up: "Running", starting: "Starting", restarting: "Restarting", silent: "Does not answer", failed: "Failed", stopping: "Stopping", stopped: "Stopped", off: "Switched off", unknown: "Unknown" };
const REQUESTED = ["operator", "wanted"]; // kinds of restarts on request, as opposed to those after a failure
const HOUR = 3600;

// The page's own server is left out; a service without a page (the gateway) has a card only while it has a problem.
const others = (status) => status.services.filter((service) => service.name !== "status");
const cards = (status) => others(status).filter((service) => service.url || !["up", "off"].includes(service.health));

// ---- the headline: one sentence for each problem

function sentence(service) {
  switch (service.health) {
    case "failed": return `${service.title} has failed.`;
    case "silent": return `${service.title} does not answer.`;
    case "restarting": {
      const left = service.next_start === null ? 0 : service.next_start - now.get();
      return left > 1 ? `${service.title} ended; it restarts in ${duration(left)}.` : `${service.title} ended and is restarting.`;
    }
    case "starting": return `${service.title} is starting.`;
    case "stopping": return `${service.title} is stopping.`;
    case "stopped": return `${service.title} is stopped.`;
    default: return "";
  }
}

export function headline(status) {
  const wrong = others(status).filter((service) => !["up", "off"].includes(service.health));
  const order = ["failed", "silent", "restarting", "starting", "stopping", "stopped", "unknown"];
  wrong.sort((a, b) => order.indexOf(a.health) - order.indexOf(b.health));
  const problems = status.conditions.filter((each) => each.severity !== "note").length;
  const needs = problems ? `${count(problems, "thing needs", "things need")} attention` : "";
  const text = wrong.map(sentence).filter(Boolean);
  let sentences = "Everything runs.";
  if (text.length) sentences = text.join(" ") + (needs ? ` ${needs[0].toUpperCase()}${needs.slice(1)}.` : "");
  else if (needs) sentences = `Everything runs, but ${needs}.`;
  put(byId("headline"), sentences);
  const tones = wrong.map((service) => TONES[service.health]);
  set(byId("verdict"), "data-tone", tones.includes("bad") ? "bad" : problems ? "warn" : tones.includes("busy") ? "busy" : tones.length ? "quiet" : "good");
  const parts = [];
  if (status.started) parts.push(`The pod has been up for ${duration(now.get() - status.started)}.`);
  if (!status.supervised) parts.push("supervisord does not answer; the data may be old.");
  put(byId("subline"), parts.join(" "));
  put(byId("pod"), status.pod);
  document.title = `${tones.includes("bad") || problems ? "(!) " : ""}${status.pod || "Podkeeper"}: ${sentences}`;
}

export function problems(status) {
  show(byId("problems"), status.conditions.length > 0);
  const notes = status.conditions.every((each) => each.severity === "note");
  put(byId("problems-title"), notes ? "Good to know" : "Needs attention");
  const ordered = [...status.conditions].sort((a, b) => (a.severity === "note") - (b.severity === "note"));
  keyed(byId("problem-list"), ordered, (each) => `${each.name} ${each.reason} ${each.remedy}`, (each) => {
    const since = h("span", {});
    const note = each.severity === "note";
    const element = h("li", { class: note ? "problem note" : "problem" },
      h("p", { class: "what" }, capital(each.reason) + "."),
      h("p", { class: "remedy" }, h("b", {}, note ? "To change that: " : "What to do: "), each.remedy + "."),
      h("p", { class: "muted" }, h("code", {}, each.name), since));
    return { element, update: () => put(since, each.since ? ` since ${clock(each.since)}` : "") };
  });
}

// ---- services

export class Services {
  constructor(act, openLog, copy) {
    this.act = act;
    this.openLog = openLog;
    this.copy = copy;
    this.buttons = [];
    this.logs = {};
  }

  update(status) {
    const services = cards(status);
    show(byId("services"), services.length > 0);
    keyed(byId("service-cards"), services, (service) => service.name, (service) => this.card(service));
    keyed(byId("links"), services.filter((service) => service.url && service.health === "up"), (service) => service.name, (service) => {
      const element = h("a", { href: `open/${service.name}`, title: service.url, target: "_blank", rel: "noopener" }, `Open ${service.title}`);
      return { element, update: (each) => set(element, "title", each.url) };
    });
  }

  card(service) {
    const word = h("span", { class: "state" });
    const detail = h("p", { class: "detail" });
    const reason = h("p", { class: "muted" });
    const facts = h("dl", { class: "facts" });
    const fact = (name) => {
      const value = h("dd", {});
      facts.append(h("div", {}, h("dt", {}, name), value));
      return value;
    };
    const [memory, cpu, restarts] = [fact("Memory"), fact("Processor"), fact("Restarts")];
    const button = (verb, text) => h("button", { type: "button", onclick: () => this.act(service.name, service.title, verb) }, text, h("span", { class: "visually-hidden" }, ` ${service.title}`));
    const [start, restart, stop] = [button("start", "Start"), button("restart", "Restart"), button("stop", "Stop")];
    const log = h("button", { type: "button", onclick: () => this.openLog(service.name) }, "Log", h("span", { class: "visually-hidden" }, ` of ${service.title}`));
    const copy = h("button", { type: "button", onclick: () => this.copy(service) }, "Copy address", h("span", { class: "visually-hidden" }, ` of ${service.title}`));
    const element = h("article", { class: "card", "aria-label": service.title },
      h("header", {}, h("h3", {}, service.title), word), detail, reason, facts, h("p", { class: "actions" }, start, restart, stop, log, copy));
    const update = (each) => {
      set(element, "data-tone", TONES[each.health] ?? "quiet");
      put(word, WORDS[each.health] ?? each.health);
      put(detail, this.detail(each));
      put(reason, each.restarts && each.reason ? `Last restart: ${each.reason}.` : "");
      show(reason, reason.textContent !== "");
      put(memory, each.memory_bytes === null ? "–" : bytes(each.memory_bytes, 1024) + (each.memory_limit_bytes ? ` of ${bytes(each.memory_limit_bytes, 1024)}` : ""));
      put(cpu, each.cpu_percent === null ? "–" : `${(each.cpu_percent / 100).toFixed(1)} cores`);
      put(restarts, String(each.restarts));
      const allowed = this.buttons.includes(each.name);
      const alive = ["up", "starting", "silent", "restarting"].includes(each.health);
      show(start, allowed && !alive && each.health !== "stopping");
      show(restart, allowed && alive);
      show(stop, allowed && alive);
      show(log, each.name in this.logs);
      show(copy, Boolean(each.url) && each.health !== "off");
    };
    return { element, update };
  }

  detail(service) {
    if (service.health === "restarting") return sentence(service);
    if (service.health === "up" || service.health === "starting") return service.started ? `For ${duration(now.get() - service.started)}` : "";
    if (service.health === "silent") return `${capital(service.problem || "no answer")}; running for ${duration(now.get() - service.started)}`;
    if (service.health === "failed") return service.exit_code === null ? "Not restarted automatically" : `Ended with code ${service.exit_code}; not restarted automatically`;
    if (service.health === "off") return "Disabled in the settings";
    return "";
  }
}

// ---- machine

export class Machine {
  constructor() {
    this.samples = [];
  }

  // [at, cpu, memory, gpu[], vram[], disk[]]; after a reconnection only the new samples.
  history(samples) {
    const last = this.samples.at(-1)?.[0] ?? 0;
    this.samples.push(...samples.filter((sample) => sample[0] > last));
  }

  sample(status) {
    const newest = [status.at, status.cpu.used_percent, status.memory.used_bytes,
      status.gpus.map((gpu) => gpu.used_percent), status.gpus.map((gpu) => gpu.memory_used_bytes), status.disks.map((disk) => disk.used_bytes)];
    const [last, before] = [this.samples.at(-1), this.samples.at(-2)];
    if (last && newest[0] <= last[0]) return;
    if (last && before && last[0] - before[0] < 5) this.samples.pop(); // one point every few seconds is enough
    this.samples.push(newest);
    while (this.samples[0][0] < status.at - HOUR) this.samples.shift();
  }

  update(status) {
    this.sample(status);
    show(byId("machine"), true);
    const span = Math.min(HOUR, Math.max(300, status.at - this.samples[0][0]));
    put(byId("window"), span >= HOUR - 60 ? "last hour" : `last ${duration(Math.round(span / 60) * 60)}`);
    const shown = [...this.ofMachine(status), ...this.ofGpus(status), ...this.ofGpuCheck(status), ...this.ofDisks(status)];
    keyed(byId("meters"), shown, (meter) => meter.key, () => this.meter());
    for (const meter of shown) {
      if (meter.value) byId("meters").views.get(meter.key).draw(this.samples.map((sample) => [sample[0], meter.value(sample)]), meter.top, status.at - span, status.at);
    }
  }

  *ofMachine({ cpu, memory }) {
    yield { key: "cpu", title: "Processor", text: cpu.used_percent === null ? "…" : `${Math.round(cpu.used_percent)} %`, more: `of ${count(round(cpu.cores), "core")}`, share: cpu.used_percent / 100, top: 100, value: (sample) => sample[1], calm: true };
    const more = memory.oom_kills ? `; ${count(memory.oom_kills, "process", "processes")} killed for lack of memory` : "";
    yield { key: "memory", title: "Memory", text: bytes(memory.used_bytes, 1024), more: `of ${bytes(memory.limit_bytes, 1024)}${more}`, share: memory.used_bytes / memory.limit_bytes, top: memory.limit_bytes, value: (sample) => sample[2] };
  }

  *ofGpus({ gpus, gpu_problem: problem }) {
    if (!gpus.length) yield { key: "no-gpu", title: "GPU", text: "None", more: problem };
    for (const [index, gpu] of gpus.entries()) {
      const number = gpus.length > 1 ? ` ${gpu.index}` : "";
      const more = [gpu.name, gpu.temperature_celsius === null ? "" : `${gpu.temperature_celsius} °C`, gpu.power_watts === null ? "" : `${Math.round(gpu.power_watts)} W`].filter(Boolean).join(", ");
      yield { key: `gpu${index}`, title: `GPU${number}`, text: gpu.used_percent === null ? "…" : `${Math.round(gpu.used_percent)} %`, more, share: (gpu.used_percent ?? 0) / 100, top: 100, value: (sample) => sample[3][index], calm: true };
      if (gpu.memory_size_bytes) yield { key: `vram${index}`, title: `GPU memory${number}`, text: bytes(gpu.memory_used_bytes, 1024), more: `of ${bytes(gpu.memory_size_bytes, 1024)}`, share: gpu.memory_used_bytes / gpu.memory_size_bytes, top: gpu.memory_size_bytes, value: (sample) => sample[4][index] };
    }
  }

  *ofGpuCheck({ gpu_check: check }) {
    const words = { ok: "Passed", warning: "Not as it should be", failed: "Failed", skipped: "Not checked" };
    if (check && check.state !== "skipped") yield { key: "gpu-check", title: "GPU check", text: words[check.state] ?? check.state, more: check.text, share: { failed: 1, warning: 0.9 }[check.state] ?? 0 };
  }

  *ofDisks({ disks }) {
    const titles = { volume: "Volume", data: "Data disk", system: "Container disk" };
    for (const [index, disk] of disks.entries()) {
      const base = { key: `disk-${disk.name}`, title: titles[disk.name] ?? disk.name };
      if (disk.problem) yield { ...base, text: "No answer", more: `${disk.path} ${disk.problem}`, share: 1 };
      else yield { ...base, text: `${bytes(disk.free_bytes)} free`, more: `of ${bytes(disk.size_bytes)} at ${disk.path}`, share: disk.used_bytes / (disk.used_bytes + disk.free_bytes || 1), top: disk.size_bytes, value: (sample) => sample[5][index] };
    }
  }

  meter() {
    const title = h("h3", {});
    const text = h("p", { class: "number" });
    const more = h("p", { class: "muted" });
    const chart = new Chart();
    const element = h("div", { class: "meter" }, title, text, more);
    return {
      element,
      update: (meter) => {
        put(title, meter.title);
        put(text, meter.text);
        put(more, meter.more);
        set(element, "data-tone", !meter.calm && meter.share >= 0.98 ? "bad" : !meter.calm && meter.share >= 0.9 ? "warn" : "quiet");
      },
      draw: (...values) => {
        if (!chart.element.isConnected) element.append(chart.element);
        chart.draw(...values);
      },
    };
  }
}

const round = (number) => Math.round(number * 10) / 10;

// ---- models

export class Models {
  constructor(act, fetchBundle, moveBundle, notify) {
    Object.assign(this, { moveBundle, notify });
    this.unfinished = new Set();
    const button = (verb, text) => h("button", { type: "button", hidden: true, onclick: () => act("models", "Model downloads", verb) }, text);
    this.start = button("start", "Start downloads");
    this.stop = button("stop", "Stop downloads");
    byId("models-actions").append(this.start, this.stop);
    byId("bundle-form").addEventListener("submit", (event) => {
      event.preventDefault();
      fetchBundle(this.bundles.find((each) => each.name === byId("bundle").value));
    });
    byId("bundle").addEventListener("change", () => this.about());
    this.allowed = false;
    this.bundles = [];
  }

  offer(bundles) {
    this.bundles = bundles;
    const size = (each) => (each.gigabytes ? `, about ${each.gigabytes} GB` : "");
    const chosen = byId("bundle").value;
    byId("bundle").replaceChildren(...bundles.map((each) => h("option", { value: each.name }, each.name + size(each))));
    if (bundles.some((each) => each.name === chosen)) byId("bundle").value = chosen;
    this.about();
  }

  about() {
    const chosen = this.bundles.find((each) => each.name === byId("bundle").value);
    put(byId("bundle-about"), chosen?.about ?? "");
  }

  update(status) {
    const models = status.models;
    const program = status.helpers.find((helper) => helper.name === "models");
    const allowed = this.allowed && Boolean(program);
    const runs = ["RUNNING", "STARTING", "BACKOFF"].includes(program?.state);
    const files = Array.isArray(models?.files) ? models.files : [];
    show(byId("models"), models !== null || allowed);
    show(this.start, allowed && !runs && ["stopped", "incomplete"].includes(models?.state));
    show(this.stop, allowed && runs);
    show(byId("bundle-form"), allowed && this.bundles.length > 0);
    const share = models?.size ? models.bytes / models.size : 0;
    show(byId("models-bar"), files.length > 0 && share < 1);
    byId("models-bar").value = share;
    put(byId("models-line"), this.line(models, files));
    keyed(byId("models-notes"), models?.notes ?? [], (note) => note, (note) => ({ element: h("li", {}, `${capital(note)}.`), update: () => {} }));
    this.showBundles(Array.isArray(models?.bundles) ? models.bundles : [], allowed && runs);
    const first = files.filter((file) => ["fetching", "failed", "busy"].includes(file.state));
    const rest = files.filter((file) => !first.includes(file));
    keyed(byId("models-now"), first, (file) => file.dest, () => fileRow());
    const details = byId("models-rest");
    show(details, rest.length > 0);
    const installed = rest.filter((file) => file.state === "there").length;
    put(details.firstChild, [installed ? `${installed} installed` : "", rest.length - installed ? `${rest.length - installed} waiting` : ""].filter(Boolean).join(", "));
    keyed(details.lastChild, rest, (file) => file.dest, () => fileRow());
  }

  // The bundles that are not complete, in the order of their download; and a notice once one is.
  showBundles(bundles, allowed) {
    const complete = (each) => each.installed === each.files;
    bundles.filter((each) => complete(each) && this.unfinished.has(each.name)).forEach((each) => this.notify(`${each.name} is complete: ComfyUI offers its models now.`));
    const waiting = bundles.filter((each) => !complete(each));
    this.unfinished = new Set(waiting.map((each) => each.name));
    keyed(byId("models-bundles"), bundles.length > 1 ? waiting : [], (each) => each.name, (each) => this.bundleRow(each.name));
    [...byId("models-bundles").children].forEach((element, place, all) => {
      const [first, later] = element.querySelectorAll("button");
      show(first, allowed && place > 0);
      show(later, allowed && place < all.length - 1);
    });
  }

  bundleRow(name) {
    const text = h("span", { class: "muted" });
    const button = (where, word) => h("button", { type: "button", class: "small", "aria-label": `${word}: ${name}`, onclick: () => this.moveBundle(name, where) }, word);
    const element = h("li", {}, h("p", { class: "row" }, h("b", {}, name), text), h("p", { class: "actions" }, button("first", "Download first"), button("later", "Download later")));
    const update = (each) => put(text, [
      `${each.installed} of ${count(each.files, "file")}`, `${bytes(each.bytes)} of ${bytes(each.size)}`,
      each.failed ? `${each.failed} failed` : "", each.seconds_left === null ? "" : `complete in about ${duration(each.seconds_left)}`,
    ].filter(Boolean).join(" · "));
    return { element, update };
  }

  line(models, files) {
    const states = { waiting: "Downloads start once every service responds or has failed.", running: "Checking the requested models…", off: "Automatic downloads are off.", complete: "No models are requested." };
    if (!files.length) return states[models?.state] ?? "No downloads yet.";
    const installed = files.filter((file) => file.state === "there").length;
    const parts = [`${installed} of ${count(files.length, "file")}`, `${bytes(models.bytes)} of ${bytes(models.size)}`];
    const moving = models.state === "running" && models.bytes_per_second > 0;
    if (moving) parts.push(`${bytes(models.bytes_per_second)}/s`);
    if (moving && models.seconds_left > 0) parts.push(`about ${duration(models.seconds_left)} left`);
    if (models.state === "stopped") parts.push("stopped");
    if (models.to_volume) parts.push(`${bytes(models.to_volume)} still to be copied to the volume`);
    return parts.join(" · ");
  }
}

function fileRow() {
  const name = h("span", { class: "file" });
  const text = h("span", { class: "muted" });
  const bar = h("progress", { max: 1, value: 0 });
  const problem = h("p", { class: "what" });
  const element = h("li", {}, h("p", { class: "row" }, name, text), bar, problem);
  const update = (file) => {
    const [folder, base] = [file.dest.slice(0, file.dest.lastIndexOf("/") + 1), file.dest.slice(file.dest.lastIndexOf("/") + 1)];
    if (name.textContent !== file.dest) name.replaceChildren(h("span", { class: "muted" }, folder), base);
    const words = { waiting: "waiting", busy: "downloading on another pod", there: "", failed: "failed", fetching: "" };
    const size = file.state === "there" ? bytes(file.size) : file.size ? `${bytes(file.bytes)} of ${bytes(file.size)}` : "";
    put(text, [words[file.state] ?? file.state, size, file.retries ? count(file.retries, "retry", "retries") : "", file.state === "fetching" && file.last ? file.last : ""].filter(Boolean).join(", "));
    show(bar, file.state === "fetching");
    set(bar, "aria-label", file.dest);
    bar.value = file.size ? file.bytes / file.size : 0;
    show(problem, Boolean(file.problem));
    put(problem, file.problem ? `${capital(file.problem.reason)}. What to do: ${file.problem.remedy}.` : "");
  };
  return { element, update };
}

// ---- the volume pass

export function volumes(status) {
  const words = { waiting: "waiting", running: "running", done: "done", stopped: "stopped", gave_up: "gave up" };
  show(byId("volumes"), status.volumes.length > 0);
  const troubled = status.volumes.some((record) => Object.keys(record.errors ?? {}).length || record.state === "gave_up");
  const states = [...new Set(status.volumes.map((record) => words[record.state] ?? record.state))];
  put(byId("volumes-line"), troubled ? "Something could not be changed" : capital(states.join(", ")));
  fold(byId("volumes-fold"), troubled);
  keyed(byId("volume-list"), status.volumes, (record) => record.path, () => {
    const line = h("p", {});
    const trouble = h("p", { class: "what" });
    return {
      element: h("li", {}, line, trouble),
      update: (record) => {
        const when = record.state === "running" ? `, started ${duration(now.get() - record.began)} ago` : "";
        put(line, `${record.path} (${record.policy}): ${words[record.state] ?? record.state}${when}; ${count(record.folders ?? 0, "folder")} and ${count(record.files ?? 0, "file")} checked, ${count(record.changed ?? 0, "change")}`);
        const errors = Object.entries(record.errors ?? {}).map(([name, times]) => `${times} × ${name}, first at ${record.examples?.[name] || "the top"}`);
        put(trouble, errors.join("; "));
        show(trouble, errors.length > 0);
      },
    };
  });
}

// ---- restarts

export class Restarts {
  constructor() {
    this.all = false;
    byId("restarts-more").addEventListener("click", () => {
      this.all = !this.all;
      this.update(this.status);
    });
  }

  update(status) {
    this.status = status;
    const entries = status.restarts;
    const title = (name) => [...status.services, ...status.helpers].find((each) => each.name === name)?.title ?? name;
    show(byId("restarts"), true);
    const failures = entries.filter((entry) => !REQUESTED.includes(entry.kind)).length;
    fold(byId("restarts-fold"), entries.some((entry) => !REQUESTED.includes(entry.kind) && entry.time > status.at - HOUR));
    put(byId("restarts-line"), entries.length ? `${count(entries.length, "restart")}, ${failures === entries.length ? "all" : failures || "none"} of them after a failure.` : "No restarts since the pod's start.");
    this.lanes(status, entries, title);
    const newest = entries.toReversed();
    const shown = this.all ? newest : newest.slice(0, 5);
    keyed(byId("restart-list"), shown, (entry) => `${entry.time} ${entry.program}`, (entry) => ({
      element: h("li", { "data-tone": REQUESTED.includes(entry.kind) ? "quiet" : "bad" },
        h("p", {}, h("time", { datetime: new Date(entry.time * 1000).toISOString() }, clock(entry.time)), " ", h("b", {}, title(entry.program)), ` ${entry.reason}`),
        h("p", { class: "muted" }, this.after(entry))),
      update: () => {},
    }));
    show(byId("restarts-more"), newest.length > 5);
    put(byId("restarts-more"), this.all ? "Show the last 5" : `Show all ${newest.length}`);
  }

  after(entry) {
    const ran = entry.uptime ? `Had run for ${duration(entry.uptime)}; ` : "";
    const then = entry.delay === null ? "not restarted" : entry.delay < 0.1 ? "restarted at once" : `restarted after ${entry.delay < 10 ? entry.delay.toFixed(1) : Math.round(entry.delay)} s`;
    return ran ? ran + then : capital(then);
  }

  lanes(status, entries, title) {
    const from = Math.max(status.started ?? 0, status.at - 24 * HOUR, entries.length && !status.started ? entries[0].time : 0);
    const recent = entries.filter((entry) => entry.time >= from);
    const lanes = [...new Set(recent.map((entry) => entry.program))].sort();
    show(byId("lanes"), lanes.length > 0);
    keyed(byId("lanes"), lanes.map((name) => ({ name })), (lane) => lane.name, (lane) => {
      const track = h("div", { class: "track" });
      return {
        element: h("div", { class: "lane" }, h("span", {}, title(lane.name)), track),
        update: () => keyed(track, recent.filter((entry) => entry.program === lane.name), (entry) => String(entry.time), (entry) => {
          const element = h("i", { "data-tone": REQUESTED.includes(entry.kind) ? "quiet" : "bad", title: `${clock(entry.time)} ${entry.reason}` });
          return { element, update: () => { element.style.left = `${Math.min(100, Math.max(0, (100 * (entry.time - from)) / (status.at - from || 1)))}%`; } };
        }),
      };
    });
    byId("lanes").dataset.from = clock(from);
  }
}

export function helpers(status) {
  const own = status.services.filter((service) => !cards(status).includes(service));
  const all = [...own, ...status.helpers];
  show(byId("helpers"), all.length > 0);
  put(byId("helpers-line"), `Internal processes (${all.length})`);
  keyed(byId("helper-list"), all, (helper) => helper.name, () => {
    const element = h("li", {});
    const done = (helper) => (helper.state === "EXITED" ? (helper.exit_code ? `ended with code ${helper.exit_code}` : "done") : helper.state.toLowerCase());
    return { element, update: (helper) => put(element, `${helper.title}: ${done(helper)}${helper.started ? ` for ${duration(now.get() - helper.started)}` : ""}${helper.restarts ? `, ${count(helper.restarts, "restart")}` : ""}`) };
  });
}

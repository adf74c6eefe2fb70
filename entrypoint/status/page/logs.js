// The log panel: the end of a log, searched by the server; sends no requests while it is out of sight.

import { byId, count, h, put, show } from "./text.js";

const PERIOD = 3000;
const LINES = 300;
const BAD = /\b(error|critical|crit|traceback|exception|fatal|failed)\b|^\[[EC] /i;
const WARN = /\bwarn(ing)?\b|^\[W /i;

export class Logs {
  constructor() {
    this.name = byId("log-name");
    this.search = byId("log-search");
    this.follow = byId("log-follow");
    this.lines = byId("log-lines");
    this.mark = "";
    this.requests = 0;
    this.visible = false;
    this.name.addEventListener("change", () => this.reload());
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.reload(), 250);
    });
    this.follow.addEventListener("change", () => this.refresh());
    byId("log-controls").addEventListener("submit", (event) => event.preventDefault());
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.refresh();
    }).observe(byId("logs"));
    byId("logs-fold").addEventListener("toggle", () => this.refresh());
    setInterval(() => this.follow.checked && this.refresh(), PERIOD);
  }

  offer(logs) {
    show(byId("logs"), Object.keys(logs).length > 0);
    const chosen = this.name.value;
    if ([...this.name.options].map((option) => option.value).join() === Object.keys(logs).join()) return;
    this.name.replaceChildren(...Object.entries(logs).map(([name, title]) => h("option", { value: name }, title)));
    if (chosen in logs) this.name.value = chosen;
    this.reload();
  }

  open(name) {
    this.chosen = true;
    byId("logs-fold").open = true;
    this.name.value = name;
    byId("logs").scrollIntoView();
    this.lines.focus({ preventScroll: true });
    this.reload();
  }

  // The log that the address asks for (#log-NAME), once; else, until the user opens a log, that of a service that goes down.
  choose(down) {
    if (this.chosen || !this.name.options.length) return;
    const asked = location.hash.startsWith("#log-") ? location.hash.slice(5) : "";
    const names = [...this.name.options].map((option) => option.value);
    const first = [asked, ...down].find((name) => names.includes(name));
    if (!first) return;
    this.chosen = true;
    if (first === asked) return this.open(first);
    byId("logs-fold").open = true;
    this.name.value = first;
    this.reload();
  }

  reload() {
    this.mark = "";
    this.refresh();
  }

  async refresh() {
    if (!this.visible || document.hidden || !this.name.value || !byId("logs-fold").open) return;
    const request = ++this.requests;
    const query = new URLSearchParams({ search: this.search.value, lines: LINES, seen: this.mark });
    try {
      const response = await fetch(`logs/${this.name.value}?${query}`, { cache: "no-store" });
      if (request !== this.requests || response.status === 204) return;
      if (!response.ok) throw new Error(response.status);
      const view = await response.json();
      if (request === this.requests) this.show(view);
    } catch {
      if (request === this.requests) put(byId("log-line"), "Cannot read the log.");
    }
  }

  show(view) {
    this.mark = view.mark;
    const words = this.search.value;
    const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    this.lines.replaceChildren(...view.lines.map((line) => this.line(line, words)));
    if (atEnd || this.shown !== this.name.value + words) this.lines.scrollTop = this.lines.scrollHeight;
    this.shown = this.name.value + words;
    const earlier = view.left_out ? `, ${view.left_out} earlier ones not shown` : "";
    const found = words ? `${count(view.lines.length, "line")} with “${words}”${earlier}` : "";
    put(byId("log-line"), found || (view.lines.length ? "" : "The log is empty."));
  }

  line(text, words) {
    const element = h("span", { class: BAD.test(text) ? "bad" : WARN.test(text) ? "warn" : null });
    const lower = text.toLowerCase();
    let from = 0;
    for (let at; words && (at = lower.indexOf(words.toLowerCase(), from)) >= 0; from = at + words.length) {
      element.append(text.slice(from, at), h("mark", {}, text.slice(at, at + words.length)));
    }
    element.append(text.slice(from), "\n");
    return element;
  }
}

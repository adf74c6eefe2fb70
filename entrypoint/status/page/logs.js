// The ends of the logs, searched by the server; nothing is asked while the panel is out of sight.

import { byId, count, h, put, show } from "./text.js";

const EVERY = 3000;
const LINES = 300;
const BAD = /\b(error|critical|crit|traceback|exception|fatal|failed)\b|^\[[EC] /i;
const WARN = /\bwarn(ing)?\b|^\[W /i;

export class Logs {
  constructor() {
    this.name = byId("log-name");
    this.search = byId("log-search");
    this.follow = byId("log-follow");
    this.lines = byId("log-lines");
    this.seen = "";
    this.asked = 0;
    this.visible = false;
    this.name.addEventListener("change", () => this.anew());
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.anew(), 250);
    });
    this.follow.addEventListener("change", () => this.look());
    byId("log-controls").addEventListener("submit", (event) => event.preventDefault());
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.look();
    }).observe(byId("logs"));
    setInterval(() => this.follow.checked && this.look(), EVERY);
  }

  offer(logs) {
    show(byId("logs"), Object.keys(logs).length > 0);
    const chosen = this.name.value;
    if ([...this.name.options].map((option) => option.value).join() === Object.keys(logs).join()) return;
    this.name.replaceChildren(...Object.entries(logs).map(([name, title]) => h("option", { value: name }, title)));
    if (chosen in logs) this.name.value = chosen;
    this.anew();
  }

  open(name) {
    this.name.value = name;
    byId("logs").scrollIntoView();
    this.lines.focus({ preventScroll: true });
    this.anew();
  }

  anew() {
    this.seen = "";
    this.look();
  }

  async look() {
    if (!this.visible || document.hidden || !this.name.value) return;
    const turn = ++this.asked;
    const query = new URLSearchParams({ search: this.search.value, lines: LINES, seen: this.seen });
    try {
      const answer = await fetch(`logs/${this.name.value}?${query}`, { cache: "no-store" });
      if (turn !== this.asked || answer.status === 204) return;
      if (!answer.ok) throw new Error(answer.status);
      const view = await answer.json();
      if (turn === this.asked) this.show(view);
    } catch {
      if (turn === this.asked) put(byId("log-line"), "The log can't be read just now.");
    }
  }

  show(view) {
    this.seen = view.mark;
    const words = this.search.value;
    const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    this.lines.replaceChildren(...view.lines.map((line) => this.line(line, words)));
    if (atEnd || this.fresh !== this.name.value + words) this.lines.scrollTop = this.lines.scrollHeight;
    this.fresh = this.name.value + words;
    const earlier = view.left_out ? `, ${view.left_out} earlier ones left out` : "";
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

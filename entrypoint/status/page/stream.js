// The status as the server tells it: `hello`, `history`, `snapshot`, then `patch`. Comes again by itself.

const SILENT = 9; // seconds without a word (there is one every 2) after which the connection counts as lost
const AGAIN = 3000;
const AWAY = 60000; // a tab that nobody looks at lets go, so that the pod can rest

export class Stream {
  // on: {hello, history, snapshot, patch, lost(since, why), found}
  constructor(on) {
    this.on = on;
    this.heard = Date.now();
    this.open();
    setInterval(() => this.check(), 1000);
    document.addEventListener("visibilitychange", () => this.lookedAt());
  }

  open() {
    this.source?.close();
    this.source = new EventSource("events");
    for (const name of ["hello", "history", "snapshot", "patch"]) {
      this.source.addEventListener(name, (event) => {
        this.heard = Date.now();
        this.on.found();
        this.on[name](JSON.parse(event.data));
      });
    }
    this.source.addEventListener("error", () => this.failed());
  }

  async failed() {
    if (this.source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    this.source = null;
    const reason = await this.why();
    if (reason === 401 || reason === 403) this.on.lost(this.heard, "login");
    setTimeout(() => this.source ?? this.open(), AGAIN);
  }

  async why() {
    try {
      return (await fetch("status.json", { cache: "no-store" })).status;
    } catch {
      return 0;
    }
  }

  check() {
    if (document.hidden || Date.now() - this.heard < SILENT * 1000) return;
    this.on.lost(this.heard, "silence");
    if (this.source && Date.now() - this.heard > 3 * SILENT * 1000) {
      this.heard = Date.now() - SILENT * 1000; // a stream that hangs: a new one
      this.open();
    }
  }

  lookedAt() {
    clearTimeout(this.leaving);
    if (document.hidden) {
      this.leaving = setTimeout(() => {
        this.source?.close();
        this.source = null;
      }, AWAY);
    } else if (!this.source) {
      this.heard = Date.now();
      this.open();
    }
  }
}

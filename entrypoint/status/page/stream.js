// The stream of server-sent events: `hello`, `history`, `snapshot`, then `patch`. It reconnects by itself.

const SILENCE_LIMIT = 9; // seconds without an event (one comes every 2) after which the connection counts as lost
const RETRY_DELAY = 3000;
const HIDDEN_LIMIT = 60000; // a hidden tab closes its stream after this, so that the server can idle

export class Stream {
  // on: {hello, history, snapshot, patch, lost(lastEvent, why), connected}
  constructor(on) {
    this.on = on;
    this.lastEvent = Date.now();
    this.open();
    setInterval(() => this.check(), 1000);
    document.addEventListener("visibilitychange", () => this.visibilityChanged());
  }

  open() {
    this.source?.close();
    this.source = new EventSource("events");
    for (const name of ["hello", "history", "snapshot", "patch"]) {
      this.source.addEventListener(name, (event) => {
        this.lastEvent = Date.now();
        this.on.connected();
        this.on[name](JSON.parse(event.data));
      });
    }
    this.source.addEventListener("error", () => this.failed());
  }

  async failed() {
    if (this.source?.readyState !== EventSource.CLOSED) return; // the browser reconnects by itself
    this.source = null;
    const status = await this.statusCode();
    if (status === 401 || status === 403) this.on.lost(this.lastEvent, "login");
    setTimeout(() => this.source ?? this.open(), RETRY_DELAY);
  }

  async statusCode() {
    try {
      return (await fetch("status.json", { cache: "no-store" })).status;
    } catch {
      return 0;
    }
  }

  check() {
    if (document.hidden || Date.now() - this.lastEvent < SILENCE_LIMIT * 1000) return;
    this.on.lost(this.lastEvent, "silence");
    if (this.source && Date.now() - this.lastEvent > 3 * SILENCE_LIMIT * 1000) {
      this.lastEvent = Date.now() - SILENCE_LIMIT * 1000; // the stream hangs: open a new one
      this.open();
    }
  }

  visibilityChanged() {
    clearTimeout(this.closing);
    if (document.hidden) {
      this.closing = setTimeout(() => {
        this.source?.close();
        this.source = null;
      }, HIDDEN_LIMIT);
    } else if (!this.source) {
      this.lastEvent = Date.now();
      this.open();
    }
  }
}

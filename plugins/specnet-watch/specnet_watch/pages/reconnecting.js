// A stream of events that goes on where it was interrupted, and rests while nobody looks.

/** Colours of a status: that of the report, of what goes on, or of what went wrong. */
const MOODS = { finished: "good", running: "running", starting: "running", stopped: "", waiting: "" };

function mood(status) {
  return `status ${MOODS[status] ?? "bad"}`;
}

/** Listen to events of the server, `{name: function}`; each function gets the event's value and its identifier. */
class Following {
  constructor(listeners, lost) {
    Object.assign(this, { listeners, lost, id: "", source: null });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", () => this.open());
    this.open();
  }

  open() {
    if (this.source || document.hidden) return;
    const source = new EventSource(`events?after=${encodeURIComponent(this.id)}`);
    for (const [name, listen] of Object.entries(this.listeners)) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) this.id = event.lastEventId;
        listen(JSON.parse(event.data));
      });
    }
    source.addEventListener("open", () => this.lost(false));
    source.addEventListener("error", () => {
      this.lost(true);
      if (source.readyState !== EventSource.CLOSED || source !== this.source) return;
      this.close(); // the server has refused it, and may not do so later
      setTimeout(() => this.open(), 3000);
    });
    this.source = source;
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}

// The page of a run while it trains: charts that grow, the replay so far, and how far training is.

const EXPLANATIONS = {
  starting: "The run is starting.",
  killed: "The process that trained this run is gone. “specnet resume” continues from its last checkpoint.",
  interrupted: "The run was interrupted. “specnet resume” continues it.",
  diverged: "Training has diverged.",
  failed: "Training has failed.",
  damaged: "The manifest of this run cannot be read. “specnet doctor” says more.",
};
const RATE = "optimizer.learning_rate";

class LiveRun {
  constructor() {
    this.page = new Page();
    this.charts = new Map();
    Object.assign(this, { columns: {}, facts: {}, reportBefore: null, busy: false, again: false });
    this.find = (name) => document.querySelector(`[data-${name}]`);
    document.getElementById("controls").hidden = true;
    this.following = new Following({
      history: (lines) => this.addLines(lines),
      facts: (facts) => this.tell(facts),
      record: () => this.replay(),
    }, (lost) => this.note(lost));
    document.documentElement.dataset.ready = "";
  }

  /** Add lines to the curves, or begin anew where they are all there are. */
  addLines({ after, names, rows, panels }) {
    if (!after) this.columns = Object.fromEntries(names.map((name) => [name, []]));
    for (const row of rows) names.forEach((name, i) => this.columns[name].push(row[i]));
    held.last = this.columns.epoch?.at(-1) ?? 0;
    held.panels = panels;
    this.draw();
  }

  draw() {
    for (const panel of held.panels) {
      for (const series of panel.series) Object.assign(series, { x: this.columns.epoch, y: this.columns[series.column] });
    }
    const drawn = held.panels.filter((panel) => !panel.constant);
    for (const [title, { figure }] of this.charts) {
      if (drawn.some((panel) => panel.title === title)) continue;
      figure.remove();
      this.charts.delete(title);
    }
    for (const panel of drawn) this.drawPanel(panel);
    this.page.charts = drawn.map((panel) => this.charts.get(panel.title).chart);
    const constant = held.panels.filter((panel) => panel.constant).map((panel) => panel.constant);
    this.find("constant").textContent = !held.panels.length ? "No epoch is complete yet." : constant.length ? `Constant: ${constant.join("; ")}.` : "";
    this.arrange();
    const readout = document.getElementById("readout");
    readout.textContent = readout.textContent.replace(/ of \d+/, ` of ${held.last}`);
    if (!this.looksBack) this.page.follow(held.last);
  }

  drawPanel(panel) {
    const known = this.charts.get(panel.title);
    const shape = `${panel.series.length} ${panel.log === null}`;
    if (known?.shape === shape) {
      const { chart, log } = known;
      chart.series.forEach((series, i) => Object.assign(series, panel.series[i]));
      if (chart.log === log) chart.log = known.log = panel.log; // the reader has not chosen another scale
      known.figure.querySelector(".scale")?.setAttribute("aria-pressed", chart.log);
      chart.svg.setAttribute("aria-label", chart.describe(panel));
      chart.draw();
      return;
    }
    const figure = element("figure", { class: "chart" }, element("figcaption", {}, element("h3", {}, panel.title)));
    if (known) known.figure.replaceWith(figure);
    else this.find("constant").before(figure);
    const chart = new Chart(figure, panel, (epoch) => this.page.seek(epoch));
    this.charts.set(panel.title, { figure, chart, shape, log: panel.log });
  }

  /** Place the charts beside the replay and below it, as in the report. */
  arrange() {
    const figures = [...document.querySelectorAll(".chart")];
    const scenes = document.querySelector(".scenes");
    const wide = scenes.classList.contains("wide");
    const most = wide ? 0 : ["plane", "images"].some((kind) => scenes.classList.contains(kind)) ? 3 : 2;
    const beside = Math.min(most, figures.length);
    const below = figures.length - beside;
    for (const rows of [2, 3]) scenes.classList.toggle(`rows${rows}`, beside === rows);
    figures.forEach((figure, i) => {
      figure.classList.toggle("beside", i < beside);
      figure.classList.toggle("quarter", i >= beside && below % 3 === 1 && below > 1);
    });
  }

  /** Whether the reader looks at an earlier frame. */
  get looksBack() {
    const { player, epochs } = this.page;
    return Boolean(player) && epochs.length > 0 && player.place < epochs.length - 1;
  }

  tell(facts) {
    const before = this.facts;
    this.facts = facts;
    if (held.best !== facts["best epoch"]) {
      held.best = facts["best epoch"];
      for (const chart of this.page.charts) chart.draw();
    }
    const whole = facts.epochs ? ` of ${facts.epochs.toLocaleString("en")}` : "";
    const rows = [
      ["status", facts.status],
      ["epoch", `${facts.epoch.toLocaleString("en")}${whole}`],
      [facts["loss name"] ?? "loss", show(facts.loss)],
      ["learning rate", show(this.columns[RATE]?.at(-1))],
      ["time", facts.time || "–"],
      ["time left", facts.left],
      [`best ${facts.monitor}`, facts.best === null ? "" : `${show(facts.best)} at epoch ${facts["best epoch"].toLocaleString("en")}`],
    ].filter(([, value]) => value);
    this.find("facts").replaceChildren(...rows.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", name === "status" ? { class: mood(value) } : {}, value))));
    this.find("progress").value = facts.epochs ? facts.epoch / facts.epochs : 0;
    const name = document.querySelector("h1").textContent;
    const share = facts.epochs ? `${Math.floor((100 * facts.epoch) / facts.epochs)} % ` : "";
    document.title = `${facts.status === "running" ? share : `${facts.status}: `}${name} – specnet`;
    this.note(false);
    this.offerReport(before);
  }

  /** Link the report of a run that has ended, and show it if it ended while this page was open. */
  offerReport(before) {
    const goesOn = ["running", "starting"].includes(this.facts.status);
    if (goesOn) this.reportBefore = this.facts.report;
    const written = !goesOn && this.facts.report !== 0;
    this.find("report").hidden = !written;
    this.find("switch").parentElement.hidden = !goesOn;
    const isNew = this.reportBefore !== null && this.facts.report !== this.reportBefore;
    if (written && isNew && before.status && this.find("switch").checked) location.assign("report");
  }

  note(lost) {
    const { status, started, error, problem } = this.facts;
    const explained = status === "killed" && !started ? "" : EXPLANATIONS[status]; // nothing can be resumed
    const parts = [lost ? "No connection to specnet watch. Trying again." : "", explained, error, problem];
    this.find("note").textContent = parts.filter(Boolean).join("\n");
  }

  /** Get the replay of all frames so far; not while it plays. */
  async replay() {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    while (this.again) {
      this.again = false;
      try {
        const answer = await fetch("scene");
        if (answer.ok) await this.showReplay(await answer.json());
      } catch {
        // The connection is lost; the next record comes with the next one.
      }
    }
    this.busy = false;
  }

  async showReplay({ scene, reason }) {
    const figure = document.querySelector(".scene");
    const { page } = this;
    while (page.player?.timer) await new Promise((done) => setTimeout(done, 500));
    if (!scene && page.scenes.length) return;
    figure.hidden = false;
    this.find("about").textContent = scene ? scene.notes.join(" ") : reason;
    if (scene) {
      const wide = scene.kind === "plane" && (scene.outputs ?? []).length > 1;
      document.querySelector(".scenes").className = `scenes ${scene.kind}${wide ? " wide" : ""}`;
      this.arrange();
      const epoch = this.looksBack ? page.epochs[page.player.place] : null;
      for (const each of page.scenes) each.close();
      const stage = figure.querySelector(".stage");
      stage.style.minHeight = `${stage.offsetHeight}px`; // nothing jumps while the new frames are unpacked
      stage.replaceChildren();
      const opened = await openScene(figure, scene);
      page.handle.scenes = [opened];
      page.play([opened]);
      if (epoch !== null) page.player.seek(epoch);
      stage.style.minHeight = "";
    }
    this.draw();
  }
}

new LiveRun();

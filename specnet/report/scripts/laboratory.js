// The laboratory: controls of the bench, and what takes a result home.

const PATIENCE = 20;
const REDRAW = 120;

class Laboratory {
  static async open(place, page) {
    const made = new Laboratory(place, await Bench.open(held.laboratory));
    page.handle.laboratory = made.bench;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => made.draw());
  }

  constructor(place, bench) {
    Object.assign(this, { place, bench, timer: null, drawn: 0, cost: 0, inputs: {} });
    this.status = element("p", { class: "verdict", role: "status" });
    this.moment = element("output", { class: "moment" });
    this.home = element("textarea", { readonly: "", rows: 3, hidden: "", "aria-label": "Copied text" });
    this.figure = element("div", { class: "stage" });
    this.chartPlace = element("div", { class: "losses" });
    place.append(this.toolbar(), this.status, element("div", { class: "bench" }, this.figure, this.chartPlace, this.fields()), this.homeward());
    this.chart = new LossChart(this.chartPlace, bench);
    const [run] = held.runs;
    if (LiveScene.fits(bench, run)) {
      this.scene = new LiveScene(this.figure, bench, run, () => this.tell());
      this.figure.append(this.pointBar(run));
    } else this.figure.remove();
    this.tell();
  }

  button(text, label, act) {
    const made = element("button", { type: "button", title: label }, text);
    made.addEventListener("click", act);
    return made;
  }

  toolbar() {
    this.go = this.button("Train", "Train to the end of the run, or pause", () => this.toggle());
    this.go.classList.add("primary");
    const one = this.button("One batch", "Take one step", () => { this.pause(); this.play(() => true); });
    const epoch = this.button("One epoch", "Train to the end of the epoch", () => { this.pause(); this.play((whole) => whole); });
    const back = this.button("Rewind", "Back to the same initial weights; settings stay", () => { this.pause(); this.bench.rewind(); this.tell(); });
    return element("div", { class: "tools", role: "group", "aria-label": "Training" }, this.go, one, epoch, back, this.moment);
  }

  // Training.

  toggle() {
    if (this.timer) this.pause();
    else this.play();
  }

  /** Train, some milliseconds at a time, until a step ends it: `ends` is asked whether it was the last of its epoch. */
  play(ends = () => false) {
    if (this.bench.done) this.bench.rewind();
    this.go.textContent = "Pause";
    const work = () => {
      const end = performance.now() + PATIENCE;
      let ended;
      do ended = ends(this.bench.step()) || this.bench.done;
      while (!ended && performance.now() < end);
      if (ended) {
        this.pause();
        return;
      }
      this.timer = requestAnimationFrame(work);
      // A slow picture is drawn less often, so that it takes an eighth of the time at most.
      if (performance.now() - this.drawn > Math.max(REDRAW, 7 * this.cost)) this.tell();
    };
    work();
  }

  pause() {
    cancelAnimationFrame(this.timer);
    this.timer = null;
    this.go.textContent = "Train";
    this.tell();
  }

  // What is shown.

  draw() {
    const begun = performance.now();
    this.chart.draw();
    this.scene?.draw();
    this.drawn = performance.now();
    this.cost = this.drawn - begun;
  }

  tell() {
    const { epoch, position, size } = this.bench.trainer;
    const loss = this.bench.train.at(-1);
    const batch = position ? `, batch ${Math.round(position / size)}` : "";
    this.moment.textContent = `epoch ${epoch} of ${this.bench.last}${batch}${loss === undefined ? "" : ` · loss ${show(loss)}`}`;
    const [kind, text] = this.verdict();
    // While the network trains, a screen reader is silent; it reads how training ended.
    for (const output of [this.status, this.moment]) output.setAttribute("aria-live", this.timer ? "off" : "polite");
    this.status.className = `verdict ${kind}`;
    this.status.textContent = text;
    for (const [name, input] of Object.entries(this.inputs)) {
      input.closest("label").classList.toggle("changed", this.bench.chosen[name] !== this.bench.recorded[name]);
    }
    this.draw();
  }

  /** How the training goes: its kind, and in words. */
  verdict() {
    const { bench } = this;
    const { lab, train, worst, most } = bench;
    const start = bench.held.losses[0] ?? train[0];
    const last = train.at(-1);
    if (bench.diverged) return ["bad", `Diverged: in epoch ${bench.trainer.epoch} the loss is no longer a finite number.`];
    if (!bench.faithful && most > 3 * start) {
      const [kind, now] = last > start ? ["Diverging", ""] : ["Diverged at first", `, and has fallen to ${show(last)} since`];
      return ["bad", `${kind}: the loss rose to ${show(most / start)} times that of the run's first epoch${now}.`];
    }
    if (!bench.faithful) return ["", `Changed: ${bench.describe()}. The thick grey curve is the recorded run.`];
    const far = `largest relative difference of the loss ${worst.toExponential(1)}`;
    const why = lab.dtype === "float32" ? ". The run was computed in float32, this page computes in float64" : "";
    if (bench.followed) return ["good", `✓ The recorded run again: ${train.length} epochs, ${far}${why}.`];
    if (!train.length) return ["", `Nothing has been changed: training follows the recorded run, to ${lab.tolerance} of the loss${why}.`];
    if (worst > lab.tolerance) return ["", `Training follows the recorded run, but not to ${lab.tolerance}: ${far}${why}.`];
    return ["", `Following the recorded run: ${far}${why}.`];
  }

  // Settings.

  fields() {
    const { bench } = this;
    const { lab, recorded, held: { splits } } = bench;
    const types = lab.layers.map(({ type }) => type);
    const plain = types.every((type) => !["residual", "parallel", "sequential", "repeat", "reshape", "add", "average", "multiply", "maximum"].includes(type));
    const sizes = (factor) => lab.layers.slice(0, types.lastIndexOf("linear")).map(({ units, filters }) => units ?? filters).filter(Boolean)
      .map((size) => Math.max(1, Math.round(size * factor))).join(", ");
    const made = [this.rate()];
    const choice = (name, label, options) => made.push(this.choice(name, label, options));
    choice("optimizer", "optimizer", [...new Set([recorded.optimizer, ...Object.keys(CHOICES)])].map((each) => [each, each]));
    const own = [...new Set(JSON.stringify(lab.layers).match(/(?<="type":")\w+/g))].filter((type) => type in ACTIVATIONS).join(", ");
    if (own) choice("activation", "activation", [[null, `${own}, as recorded`], ...Object.keys(ACTIVATIONS).map((each) => [each, each])]);
    if (plain && sizes(1)) choice("width", "units of hidden layers", [0.125, 0.25, 0.5, 1, 2, 4].map((factor) => [factor, sizes(factor)]));
    const powers = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].filter((size) => size < splits.train.n);
    const some = [...new Set([...powers, recorded.batch_size])].filter(Number).sort((a, b) => a - b);
    choice("batch_size", "batch size", [...some.map((size) => [size, size]), ["full", "all"]]);
    choice("l2", "l2 penalty", [...new Set([0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, recorded.l2])].sort((a, b) => a - b).map((each) => [each, each]));
    if (JSON.stringify(lab.layers).includes('"dropout"')) choice("dropout", "dropout", [[null, "as recorded"], ...[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7].map((each) => [each, each])]);
    choice("noise", "noise on inputs", [0, 0.02, 0.05, 0.1, 0.2, 0.5, 1].map((each) => [each, each]));
    const reset = this.button("All as recorded", "Undo all changes and rewind", () => {
      this.pause();
      bench.reset();
      this.show();
      this.tell();
    });
    return element("div", { class: "settings", role: "group", "aria-label": "Settings" }, ...made, reset);
  }

  /** The learning rate, on a logarithmic scale; of a schedule the largest one. */
  rate() {
    const { recorded } = this.bench;
    const own = Math.log10(recorded.learning_rate);
    const slider = element("input", { type: "range", min: Math.min(-5, own), max: Math.max(1, own), step: 0.05 });
    const told = element("strong", {});
    this.inputs.learning_rate = slider;
    slider.show = () => {
      const rate = this.bench.chosen.learning_rate;
      slider.value = Math.log10(rate);
      told.textContent = show(rate);
      slider.setAttribute("aria-valuetext", show(rate));
    };
    slider.addEventListener("input", () => {
      const near = Math.abs(Number(slider.value) - own) < 0.026;
      this.bench.choose("learning_rate", near ? recorded.learning_rate : Number((10 ** slider.value).toPrecision(3)));
      const { value } = slider;
      slider.show();
      slider.value = value;
      this.tell();
    });
    slider.show();
    const name = this.bench.held.rates.learning_rate ? "learning rate, at most" : "learning rate";
    return element("label", { class: "rate" }, element("span", {}, name, " ", told), slider);
  }

  choice(name, label, options) {
    const select = element("select", {}, ...options.map(([, text]) => element("option", {}, String(text))));
    this.inputs[name] = select;
    select.show = () => { select.selectedIndex = options.findIndex(([value]) => value === this.bench.chosen[name]); };
    select.addEventListener("change", () => {
      this.bench.choose(name, options[select.selectedIndex][0]);
      this.tell();
    });
    select.show();
    return element("label", {}, element("span", {}, label), select);
  }

  show() {
    for (const input of Object.values(this.inputs)) input.show();
  }

  /** What a click in the picture does. */
  pointBar(run) {
    const { scene } = this;
    const parts = [];
    if (run.classes) {
      const select = element("select", {}, ...run.classes.map((name) => element("option", {}, name)));
      select.addEventListener("change", () => { scene.number = select.selectedIndex; });
      parts.push(element("label", {}, element("span", {}, "A click adds a point of"), select));
    } else if (scene.addable) parts.push(element("span", {}, "A click adds a point."));
    parts.push(element("span", { id: "point-keys" }, "Drag points to move them, out of the picture to remove them. Keys: arrows, Enter, Delete."));
    scene.board.canvas.setAttribute("aria-describedby", "point-keys");
    parts.push(this.button("Recorded points", "Undo changes of points", () => { this.bench.edit(null); this.tell(); }), scene.where);
    return element("div", { class: "points-bar" }, ...parts);
  }

  // Taking the result home.

  homeward() {
    const note = element("p", { class: "note", role: "status" });
    const give = (text) => {
      note.textContent = remarks(this.bench).join(" ");
      this.home.hidden = false;
      this.home.value = text;
      this.home.rows = Math.min(16, text.split("\n").length);
      this.home.select();
      navigator.clipboard?.writeText(text).catch(() => {});
    };
    const spec = this.button("Copy as spec", "The spec with the changes in it", () => give(specText(this.bench)));
    const set = this.button("Copy as --set", "The changes as options of specnet run", () => give(setText(this.bench)));
    const points = this.button("Copy points as CSV", "The training samples as they are now", () => give(csvText(this.scene)));
    const parts = this.scene === undefined && !LiveScene.fits(this.bench, held.runs[0]) ? [spec, set] : [spec, set, points];
    return element("div", { class: "home" }, ...parts, this.home, note);
  }
}

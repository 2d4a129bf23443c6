// What the network of the bench says of the plane or the line of its inputs, and its samples, which can be moved.

const GRID = 41;
const NEAR = 12;

/** The scene of the replay, with what the network says now, and with samples that can be added and moved. */
class LiveScene {
  static fits(bench, run) {
    const scale = bench.lab.axes;
    return run && scale && (run.kind === "plane" || (run.kind === "curve" && (run.classes || bench.lab.target))) && scale.shift.length === run.axes.length && product(bench.lab.input) === run.axes.length;
  }

  constructor(stage, bench, run, edited) {
    Object.assign(this, { bench, edited, run, at: null });
    const axes = run.axes.map((axis) => ({ ...axis, count: run.kind === "plane" ? GRID : axis.count }));
    this.axes = axes;
    const arrays = run.classes && run.kind === "plane" && product(bench.trainer.network.output) === 1 ? { probability: true } : {};
    this.scene = new KINDS[run.kind]({ ...run, axes, units: [], splits: this.splits() }, arrays, stage);
    this.scene.frame = () => this.values();
    this.board = this.scene.boards?.[0] ?? this.scene.main;
    this.grid = this.points();
    this.where = element("output", { class: "note" });
    this.listen();
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  draw() {
    this.scene.scene.splits = this.splits();
    this.scene.draw(0);
    if (!this.at) return;
    const [x, y] = this.at;
    this.board.polyline([x, x], [this.board.yAxis.low, this.board.yAxis.high], theme.text, 1, [2, 2]);
    this.board.polyline([this.board.xAxis.low, this.board.xAxis.high], [y, y], theme.text, 1, [2, 2]);
  }

  /** The points of the grid as the network takes them. */
  points() {
    const { shift, scale } = this.bench.lab.axes;
    const places = this.axes.map(({ low, high, count }, i) => Array.from({ length: count }, (_, j) => (low + ((high - low) * j) / (count - 1) - shift[i]) / scale[i]));
    if (places.length === 1) return Float64Array.from(places[0]);
    return Float64Array.from(places[1].flatMap((y) => places[0].flatMap((x) => [x, y])));
  }

  /** What the network says at each point of the grid. */
  values() {
    const { network, loss } = this.bench.trainer;
    const k = product(network.output);
    const y = loss.predictions(network.forward(this.grid, this.grid.length / this.axes.length));
    if (!this.run.classes || this.run.kind === "curve") return { value: this.run.classes ? y : y.map((value, i) => this.raw(value, i % k)) };
    if (k === 1) return { probability: y };
    const winner = Array.from({ length: y.length / k }, (_, i) => argmax(y.subarray(i * k, (i + 1) * k)));
    return { winner, share: winner.map((each, i) => y[i * k + each]) };
  }

  /** A target of the network in the units of the data. */
  raw(value, column) {
    const { shift, scale } = this.bench.lab.target ?? { shift: [0, 0], scale: [1, 1] };
    return value * scale[column] + shift[column];
  }

  /** The samples in the units of the data. */
  splits() {
    const { axes: { shift, scale } } = this.bench.lab;
    return Object.entries(this.bench.splits).map(([split, { n, x, t }]) => {
      const inputs = shift.map((_, column) => Array.from({ length: n }, (_, i) => x[i * shift.length + column] * scale[column] + shift[column]));
      const k = t.length / n;
      const truth = Array.from({ length: n }, (_, i) => this.truth(t.subarray(i * k, (i + 1) * k)));
      return { split, label: split, inputs, truth };
    });
  }

  truth(t) {
    if (!this.run.classes) return [...t].map((value, column) => this.raw(value, column));
    if (t.length > 1) return argmax(t);
    return this.bench.lab.loss.type === "cross_entropy" ? t[0] : Number(t[0] >= 0.5);
  }

  /** A target of a class, or on a curve at a height. */
  target(number, height) {
    const { loss, target } = this.bench.lab;
    const k = this.bench.splits.train.t.length / this.bench.splits.train.n;
    if (!this.run.classes) return [(height - target.shift[0]) / target.scale[0]];
    if (k > 1) return Array.from({ length: k }, (_, i) => Number(i === number));
    return [loss.type === "cross_entropy" ? number : number * (1 - loss.label_smoothing) + loss.label_smoothing / 2];
  }

  /** Whether samples can be added: their class, or the height of the pointer, says what they are. */
  get addable() {
    return Boolean(this.run.classes) || (this.run.kind === "curve" && this.run.outputs.length === 1);
  }

  /** Add a sample at a place, move one there, or with `null` remove it. */
  change(row, place) {
    const { n, x, t } = this.bench.splits.train;
    const [d, k] = [x.length / n, t.length / n];
    const { shift, scale } = this.bench.lab.axes;
    const own = place && shift.map((_, i) => (place[i] - shift[i]) / scale[i]);
    const height = place?.[1];
    const [xs, ts] = [[...x], [...t]];
    if (!own) {
      if (n === 1) return;
      xs.splice(row * d, d);
      ts.splice(row * k, k);
    } else {
      const moved = row < n && (this.run.kind === "plane" || this.run.classes) ? [...t.subarray(row * k, (row + 1) * k)] : this.target(this.number ?? 0, height);
      xs.splice(row * d, d, ...own);
      ts.splice(row * k, k, ...moved);
    }
    this.bench.edit({ n: xs.length / d, x: Float64Array.from(xs), t: Float64Array.from(ts) });
    this.edited();
  }

  /** The training sample nearest to pixels, if it is near. */
  nearest([left, top], reach = NEAR) {
    const { inputs, truth } = this.splits()[0];
    let [found, least] = [null, reach];
    truth.forEach((each, i) => {
      const height = this.run.kind === "plane" ? inputs[1][i] : this.run.classes ? each : each[0];
      const away = Math.hypot(this.board.x(inputs[0][i]) - left, this.board.y(height) - top);
      if (away < least) [found, least] = [i, away];
    });
    return found;
  }

  place([left, top]) {
    return [this.board.x.invert(left), this.board.y.invert(top)];
  }

  inside([left, top]) {
    return left >= LEFT && left <= this.board.right && top >= this.board.top && top <= this.board.bottom;
  }

  listen() {
    const { canvas } = this.board;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application"); // so that screen readers pass on the arrow keys
    canvas.classList.add("editable");
    const pixels = (event) => [event.offsetX, event.offsetY];
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.inside(pixels(event))) return;
      held = this.nearest(pixels(event));
      if (held === null && this.addable) this.change(held = this.bench.splits.train.n, this.place(pixels(event)));
      if (held !== null) canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (held !== null && event.buttons & 1 && this.inside(pixels(event))) this.change(held, this.place(pixels(event)));
    });
    canvas.addEventListener("pointerup", (event) => {
      if (held !== null && !this.inside(pixels(event))) this.change(held, null);
      held = null;
    });
    canvas.addEventListener("pointercancel", () => { held = null; });
    // A finger on a sample moves it, elsewhere it scrolls the page.
    canvas.addEventListener("touchstart", (event) => {
      const box = canvas.getBoundingClientRect();
      const [touch] = event.touches;
      if (this.nearest([touch.clientX - box.left, touch.clientY - box.top]) !== null) event.preventDefault();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.at = null; this.draw(); });
  }

  /** Arrows move a cross, Enter adds a sample there, Delete removes the nearest one. */
  key(event) {
    const { xAxis, yAxis } = this.board;
    const middle = [(xAxis.low + xAxis.high) / 2, (yAxis.low + yAxis.high) / 2];
    const step = event.shiftKey ? 0.1 : 0.02;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const at = this.at ?? middle;
    if (event.key in moves) {
      const [right, up] = moves[event.key];
      this.at = [clip(at[0] + right * (xAxis.high - xAxis.low), xAxis.low, xAxis.high), clip(at[1] + up * (yAxis.high - yAxis.low), yAxis.low, yAxis.high)];
    } else if (event.key === "Enter" && this.addable) {
      this.change(this.bench.splits.train.n, at);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      const row = this.nearest([this.board.x(at[0]), this.board.y(at[1])], Infinity);
      if (row !== null) this.change(row, null);
    } else return;
    event.preventDefault();
    this.draw();
    this.where.textContent = `Cross at ${(this.at ?? at).map(show).join(", ")}; ${this.bench.splits.train.n} training points.`;
  }
}

function argmax(values) {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}

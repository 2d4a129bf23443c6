// The losses of the bench.

/** Losses over the epochs, on a logarithmic scale: the recorded ones, earlier attempts, and those of now. */
class LossChart {
  constructor(place, bench) {
    this.bench = bench;
    this.canvas = element("canvas", { role: "img" });
    this.legend = element("ul", { class: "legend" });
    place.append(element("div", { class: "canvas" }, this.canvas), this.legend);
    new ResizeObserver(() => this.draw()).observe(place);
  }

  /** Curves from faint to strong: name, epochs, losses, colour, width and dashes. */
  curves() {
    const { bench } = this;
    const count = (losses) => losses.map((_, i) => i + 1);
    const earlier = bench.attempts.map(({ name, losses }, i) => [name, count(losses), losses, css(theme.palette[[3, 4, 2][i]]), 1.2, []]);
    const now = [["train", count(bench.train), bench.train, css(theme.palette[0]), 2.2, []]];
    if (bench.splits.validation) now.unshift(["validation", count(bench.validation), bench.validation, css(theme.palette[1]), 1.6, [6, 3]]);
    return [["recorded", bench.lab.epochs, [...bench.held.losses], theme.muted, 4, []], ...earlier, ...now];
  }

  draw() {
    if (!this.canvas.parentElement.clientWidth) return;
    const curves = this.curves();
    const known = curves.flatMap(([, , losses]) => losses).filter((loss) => loss > 0 && Number.isFinite(loss));
    // What is beyond a million times the largest recorded loss leaves the picture.
    const most = 1e6 * Math.max(...this.bench.held.losses, 1e-3);
    const low = known.reduce((a, b) => Math.min(a, b), Infinity);
    const high = Math.min(most, known.reduce((a, b) => Math.max(a, b), -Infinity));
    const [from, to] = known.length && high > low ? [low / 1.3, high * 1.3] : [0.1, 10];
    const ticks = logScale(from, to, 0, 1).ticks(5);
    const { names } = nameTicks(ticks, 7);
    const stops = linearScale(0, Math.max(1, this.bench.last), 0, 1).ticks(5, true);
    const [wide, place] = [matchMedia("(min-width: 900px)").matches, this.canvas.parentElement.clientWidth];
    const board = new Board(this.canvas, {
      x: { low: 0, high: Math.max(1, this.bench.last), ticks: stops.map((stop) => [stop, written(stop)]), name: "epoch" },
      y: { low: Math.log10(from), high: Math.log10(to), ticks: ticks.map((tick, i) => [Math.log10(tick), names[i]]), name: "loss" },
      ratio: !wide ? 0.72 : place > 600 ? 0.5 : held.runs[0]?.kind === "plane" ? 0.95 : 0.7,
    });
    const context = board.begin();
    for (const tick of ticks) board.polyline([0, this.bench.last], [Math.log10(tick), Math.log10(tick)], theme.edge, 1);
    for (const [name, epochs, losses, color, width, dash] of curves) {
      context.globalAlpha = name === "recorded" ? 0.45 : 1;
      const heights = losses.map((loss) => (loss > 0 && Number.isFinite(loss) ? Math.log10(loss) : null));
      board.polyline(epochs, heights, color, width, dash);
      if (heights.length === 1 && heights[0] !== null) { // a single epoch is no line yet
        context.beginPath();
        context.arc(board.x(epochs[0]), board.y(heights[0]), width + 1, 0, 2 * Math.PI);
        context.fillStyle = color;
        context.fill();
      }
    }
    context.globalAlpha = 1;
    board.axes();
    this.describe(curves);
  }

  describe(curves) {
    const told = curves.filter(([, , losses]) => losses.length).map(([name, , losses]) => `${name}: from ${show(losses[0])} to ${show(losses.at(-1))}`);
    this.canvas.setAttribute("aria-label", `loss over the epochs. ${told.join("; ")}`);
    this.legend.replaceChildren(...curves.map(([name, , losses, color, width, dash]) => {
      const line = element("path", { class: "line", d: "M0 6H24", "stroke-width": width, "stroke-dasharray": dash.join(" ") || "none" });
      line.style.stroke = color;
      line.style.opacity = name === "recorded" ? 0.45 : 1;
      line.style.strokeWidth = width;
      const value = element("span", { class: "value" }, losses.length ? show(losses.at(-1)) : "–");
      return element("li", {}, element("svg", { width: 24, height: 12, "aria-hidden": "true" }, line), name, value);
    }));
  }
}

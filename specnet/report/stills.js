// Pictures of the run as it ended.

/** Predictions of one number over the truth. */
class Fit extends Numbers {
  frame() {
    return { value: this.scene.prediction };
  }
}

/** How often which residual occurs. */
class Histogram extends Scene {
  build() {
    const { truth, prediction, outputs: [name] } = this.scene;
    const residuals = truth.map(([number], i) => number - prediction[i]);
    const most = residuals.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    const bins = Math.min(41, Math.max(7, 2 * Math.round(Math.sqrt(residuals.length) / 2) + 1));
    this.counts = new Array(bins).fill(0);
    for (const residual of residuals) this.counts[Math.min(bins - 1, Math.floor(((residual / most + 1) / 2) * bins))] += 1;
    this.edge = (bin) => (2 * bin / bins - 1) * most;
    this.main = this.board({
      x: { low: -most, high: most, name: `residual of ${name}: truth minus prediction` },
      y: { low: 0, high: 1.06 * Math.max(...this.counts), name: "samples" }, ratio: 0.8,
    });
  }

  draw() {
    const { main, counts } = this;
    const context = main.begin();
    context.fillStyle = css(theme.palette[0]);
    counts.forEach((count, bin) => {
      const left = main.x(this.edge(bin));
      context.fillRect(left + 0.5, main.y(count), main.x(this.edge(bin + 1)) - left - 1, main.bottom - main.y(count));
    });
    main.polyline([0, 0], [0, main.yAxis.high], theme.text, 1, [2, 2.5]);
    main.axes();
    context.canvas.setAttribute("aria-label", `histogram of ${this.scene.truth.length} residuals`);
  }
}

const STILLS = { fit: Fit, histogram: Histogram };

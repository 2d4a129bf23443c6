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
    const { counts, edge, beyond, outputs: [name] } = this.scene;
    this.edge = (bin) => (2 * bin / counts.length - 1) * edge;
    this.main = this.board({
      x: { low: -edge, high: edge, name: `residual of ${name}: truth minus prediction` },
      y: { low: 0, high: 1.06 * Math.max(...counts), name: "samples" }, ratio: 0.8,
    });
    if (beyond) this.stage.append(element("p", { class: "note" }, `${beyond} are larger: they are in the outermost bars.`));
  }

  draw() {
    const { main, scene: { counts } } = this;
    const context = main.begin();
    context.fillStyle = css(theme.palette[0]);
    counts.forEach((count, bin) => {
      const left = main.x(this.edge(bin));
      context.fillRect(left + 0.5, main.y(count), main.x(this.edge(bin + 1)) - left - 1, main.bottom - main.y(count));
    });
    main.polyline([0, 0], [0, main.yAxis.high], theme.text, 1, [2, 2.5]);
    main.axes();
    context.canvas.setAttribute("aria-label", `histogram of ${counts.reduce((a, b) => a + b)} residuals`);
  }
}

const STILLS = { fit: Fit, histogram: Histogram };

// Scenes over the inputs of networks that take one or two of them.

/** Two inputs: what is predicted everywhere in the plane, and the samples in it. */
class Plane extends Scene {
  build() {
    const [x, y] = this.scene.axes;
    const span = (y.high - y.low) / (x.high - x.low);
    const ratio = span > 0.5 && span < 1.5 ? span : 0.85;
    this.columns = x.count;
    this.rows = y.count;
    const [low, high] = this.scene.range ?? [0, 1];
    this.share = linearScale(low, high, 0, 1);
    if (this.classes) {
      const graded = this.arrays.probability && { low: 0, high: 1, name: this.scene.measure, color: (share) => this.graded(share) };
      this.boards = [this.board({ x, y, ratio, bar: graded })];
      this.legend(...this.classEntries(), ...this.splitEntries());
    } else {
      this.boards = this.scene.outputs.map((name) => this.board({ x, y, ratio, bar: { low, high, name, color: sequential } }));
      this.legend(...this.splitEntries());
    }
    this.units = new Units(this);
  }

  draw(frame) {
    const values = this.frame(frame);
    this.boards.forEach((board, output) => {
      const context = board.begin();
      board.fill(this.columns, this.rows, this.ground(values, output));
      this.lines(board, values);
      const radius = markerSize(this.samples);
      board.inside(() => {
        for (const { split, inputs: [x, y], truth } of this.scene.splits) {
          truth.forEach((each, i) => board.marker(split, x[i], y[i], radius, css(this.classes ? this.color(each) : sequential(this.share(each[output])))));
        }
      });
      board.axes();
      context.canvas.setAttribute("aria-label", this.describe(frame, output));
    });
    this.units.draw(values);
  }

  /** The colour of the ground at each place. */
  ground(values, output) {
    if (values.value) {
      const outputs = this.scene.outputs.length;
      return (place) => sequential(this.share(values.value[place * outputs + output]));
    }
    if (values.probability) return (place) => this.graded(values.probability[place]);
    const count = this.classes.length;
    return (place) => {
      const [winner, share = 0.7] = this.verdict(values, place);
      const certainty = Math.min(Math.max((share - 1 / count) / (1 - 1 / count), 0), 1);
      return mix(theme.plane, this.color(winner), 0.12 + 0.43 * certainty);
    };
  }

  /** From one class's colour over the colour of the plane to the other's. */
  graded(probability) {
    const share = Math.min(Math.max(probability, 0), 1);
    return mix(theme.plane, theme.palette[share < 0.5 ? 0 : 1], 0.55 * Math.abs(2 * share - 1));
  }

  lines(board, { probability, winner }) {
    if (probability) board.contour(this.columns, this.rows, (place) => probability[place], 0.5, theme.text, 1.6);
    for (const each of new Set(winner)) {
      board.contour(this.columns, this.rows, (place) => (winner[place] === each ? 1 : 0), 0.5, css(theme.plane), 1.6);
    }
  }

  describe(frame, output = 0) {
    const what = this.classes
      ? (this.arrays.probability ? `the ${this.scene.measure}` : "the class that wins")
      : `the predicted ${this.scene.outputs[output]}`;
    return `${what} over ${this.scene.axes.map(({ name }) => name).join(" and ")}, and the samples`;
  }
}

/** One input: the predicted curve, or one for each output, and the samples. */
class Curve extends Scene {
  build() {
    const [x] = this.scene.axes;
    this.grid = Array.from({ length: x.count }, (_, i) => x.low + (i * (x.high - x.low)) / (x.count - 1));
    const [low, high] = this.scene.range;
    this.main = this.board({ x, y: { low, high, name: this.scene.measure }, ratio: 0.56 });
    const lines = this.scene.outputs.map((output, i) => [stroke(this.ink(i), DASHES[i % 4]), this.scene.outputs.length > 1 ? output : "prediction"]);
    if (this.scene.function) lines.push([stroke("text", DASHES[1]), "without noise"]);
    this.legend(...lines, ...this.splitEntries());
    this.units = new Units(this);
  }

  /** The number of a colour in the palette: one prediction differs from every split. */
  ink(output) {
    if (this.scene.outputs.length > 1) return output;
    return this.classes ? 1 : 3;
  }

  draw(frame) {
    const values = this.frame(frame);
    const context = this.main.begin();
    const outputs = this.scene.outputs.length;
    const radius = markerSize(this.samples);
    this.main.inside(() => {
      context.globalAlpha = 0.7;
      for (const { split, inputs: [x], truth } of this.scene.splits) {
        truth.forEach((each, i) => this.points(each, split).forEach(([y, color]) => this.main.marker(split, x[i], y, radius, css(color))));
      }
    });
    if (this.scene.function) this.main.polyline(this.grid, this.scene.function, theme.text, 1.2, [5, 3]);
    for (let output = 0; output < outputs; output++) {
      const curve = this.grid.map((_, i) => values.value[i * outputs + output]);
      const dash = output % 4 ? DASHES[output % 4].split(" ").map(Number) : [];
      this.main.polyline(this.grid, curve, css(theme.palette[this.ink(output)]), 2.5, dash);
    }
    this.main.axes();
    context.canvas.setAttribute("aria-label", this.describe(frame));
    this.units.draw(values);
  }

  /** Where the points of a sample are, and their colours. */
  points(truth, split) {
    const outputs = this.scene.outputs.length;
    // A class has the colour of its curve; of very many some have none.
    if (this.classes) return [[outputs > 1 || truth === 1 ? 1 : 0, theme.palette[truth] ?? [128, 128, 128]]];
    return truth.map((y, i) => [y, theme.palette[outputs > 1 ? i : Object.keys(MARKERS).indexOf(split)]]);
  }

  describe() {
    return `the prediction over ${this.scene.axes[0].name}, and the samples`;
  }
}

/** Responses of hidden units over the inputs, each in a small panel of its own. */
class Units {
  constructor({ scene, arrays }) {
    const place = document.querySelector("[data-units]");
    this.layers = scene.units.map((name) => {
      const frames = arrays[`units/${name}`];
      const most = -frames.low[0];
      const panels = Array.from({ length: frames.shape[0] }, () => element("canvas", {}));
      const label = `Responses of ${panels.length} units of ${name}`;
      const grid = element("div", { class: "units", role: "img", "aria-label": label }, ...panels);
      const range = `from ${show(-most)} to ${show(most)}`;
      place.append(element("h3", {}, label, element("span", { class: "muted" }, ` ${range}`)), grid);
      return { name, frames, panels, most };
    });
  }

  draw(values) {
    for (const { name, frames, panels, most } of this.layers) {
      const [, rows, columns] = frames.shape;
      const size = frames.size / panels.length;
      panels.forEach((canvas, unit) => {
        const responses = values[`units/${name}`].subarray(unit * size, (unit + 1) * size);
        if (columns) drawMap(canvas, columns, rows, (place) => responses[place] / (most || 1));
        else drawLine(canvas, responses, most || 1);
      });
    }
  }
}

/** Fill a small canvas, a pixel for each point: from -1 over 0, the colour of the plane, to 1. */
function drawMap(canvas, columns, rows, value) {
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const share = value((rows - 1 - row) * columns + column);
      const color = mix(theme.plane, theme.palette[share < 0 ? 0 : 1], 0.85 * Math.abs(share));
      image.data.set([...color.map(Math.round), 255], 4 * (row * columns + column));
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Draw a small curve between -most and most. */
function drawLine(canvas, values, most) {
  canvas.width = canvas.height = 128;
  const context = canvas.getContext("2d");
  context.strokeStyle = theme.edge;
  context.strokeRect(-1, 64, 130, 100);
  context.beginPath();
  values.forEach((value, i) => context.lineTo((128 * i) / (values.length - 1), 64 - (60 * value) / most));
  context.strokeStyle = css(theme.palette[0]);
  context.lineWidth = 3;
  context.stroke();
}

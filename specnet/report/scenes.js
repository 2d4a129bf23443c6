// What a replay shows, a class for each kind of record: `draw(frame)` shows a frame as it was recorded, and
// `describe(frame)` puts it into words. Nothing is interpolated between frames.

class Scene {
  constructor(scene, arrays, stage) {
    Object.assign(this, { scene, arrays, stage });
    this.classes = scene.classes;
    this.build();
  }

  /** Make a canvas with axes in the stage. */
  board(axes) {
    const canvas = element("canvas", { role: "img" });
    this.stage.append(element("div", { class: "canvas" }, canvas));
    return new Board(canvas, axes);
  }

  /** Add a legend: pairs of a symbol and its name. */
  legend(...entries) {
    if (entries.length) this.stage.append(element("ul", { class: "legend" }, ...entries.map((entry) => element("li", {}, ...entry))));
  }

  classEntries() {
    return this.classes.map((name, i) => [patch(i, this.classes.length), name]);
  }

  splitEntries() {
    return this.scene.splits.map(({ split, label }) => [symbol(MARKERS[split], split === "train" ? "solid" : "hollow"), label]);
  }

  color(number) {
    return classColor(number, this.classes.length);
  }

  /** The class that wins at a place of a frame, and the share that it has, where that is known. */
  verdict(values, place) {
    const { probability, winner, share } = values;
    if (probability) return [probability[place] >= 0.5 ? 1 : 0, Math.max(probability[place], 1 - probability[place])];
    return [winner[place], share?.[place]];
  }

  frame(frame) {
    return Object.fromEntries(Object.entries(this.arrays).map(([name, frames]) => [name, frames.at(frame)]));
  }

  get samples() {
    return this.scene.splits.reduce((count, { truth }) => count + truth.length, 0);
  }
}

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

/** Images with what they are, what is predicted, and how sure the network is of that. */
class Album extends Scene {
  build() {
    this.items = this.scene.images.map((source, i) => {
      const truth = this.classes[this.scene.truth[i]];
      const picture = element("img", { src: source, alt: `sample of ${truth}` });
      const mark = element("span", { class: "mark", role: "img" });
      const said = element("span", {});
      const bar = element("span", { class: "bar" });
      const share = element("span", { class: "share" });
      const item = element("li", {}, picture,
        element("div", { class: "truth" }, truth),
        element("div", { class: "said" }, mark, " ", said),
        element("div", { class: "track" }, bar), share);
      return { item, mark, said, bar, share };
    });
    this.tally = element("p", { class: "tally" });
    this.stage.append(this.tally, element("ul", { class: "album" }, ...this.items.map(({ item }) => item)));
  }

  draw(frame) {
    const values = this.frame(frame);
    let right = 0;
    this.items.forEach(({ item, mark, said, bar, share }, i) => {
      const [winner, certainty] = this.verdict(values, i);
      const fits = winner === this.scene.truth[i];
      right += fits;
      item.className = fits ? "right" : "wrong";
      mark.textContent = fits ? "✓" : "✗";
      mark.setAttribute("aria-label", fits ? "right" : "wrong");
      said.textContent = this.classes[winner];
      const known = certainty >= 0 && certainty <= 1;
      bar.style.width = known ? `${100 * certainty}%` : "0";
      share.textContent = known ? percent(certainty) : show(certainty);
    });
    this.tally.textContent = `${right} of these ${this.items.length} samples of the ${this.scene.split} split right. ` +
      "Below each image what it is, and what is predicted with which probability.";
  }
}

/** Classes of any inputs: the probability that each sample's own class has, class by class. */
class Verdicts extends Scene {
  build() {
    const { truth } = this.scene;
    const order = truth.map((_, i) => i).sort((a, b) => truth[a] - truth[b] || a - b);
    const present = [...new Set(truth)].sort((a, b) => a - b);
    // Each class has a column of the same width, and its samples are spread over it.
    this.places = [];
    for (const [column, number] of present.entries()) {
      const own = order.filter((i) => truth[i] === number);
      own.forEach((i, j) => { this.places[i] = column + 0.06 + (0.88 * (j + 0.5)) / own.length; });
    }
    this.columns = present.length;
    const every = Math.ceil(present.length / 12);
    const ticks = present.map((number, column) => [column + 0.5, this.classes[number].slice(0, 12)]).filter((_, i) => i % every === 0);
    const [low, high] = this.scene.range;
    this.main = this.board({
      x: { low: 0, high: present.length, ticks, name: `samples of ${this.scene.label}, by class` },
      y: { low, high, name: this.scene.measure }, ratio: 0.56,
    });
    this.legend([symbol("circle", "solid", "c0"), "right"], [symbol("cross", "hollow", "c1"), "wrong"]);
  }

  draw(frame) {
    const values = this.frame(frame);
    const context = this.main.begin();
    const radius = markerSize(this.places.length);
    context.fillStyle = theme.edge;
    for (let column = 1; column < this.columns; column++) context.fillRect(this.main.x(column), this.main.top, 1, this.main.bottom - this.main.top);
    let right = 0;
    this.main.inside(() => this.scene.truth.forEach((truth, i) => {
      const fits = this.verdict(values, i)[0] === truth;
      right += fits;
      trace(context, fits ? "circle" : "cross", this.main.x(this.places[i]), this.main.y(this.own(values, truth, i)), radius);
      context.fillStyle = context.strokeStyle = css(theme.palette[fits ? 0 : 1]);
      context.lineWidth = 1.6;
      if (fits) context.fill();
      else context.stroke();
    }));
    this.main.axes();
    context.canvas.setAttribute("aria-label", `${this.scene.measure}; ${right} of ${this.places.length} samples are right`);
  }

  /** The probability or score of what a sample is. */
  own({ probability, winner, share }, truth, i) {
    if (probability) return truth === 1 ? probability[i] : 1 - probability[i];
    return share ? share[i] : Number(winner[i] === truth);
  }
}

/** Numbers of any inputs: what is predicted over what is true. */
class Numbers extends Scene {
  build() {
    const { outputs, label, range: [low, high] } = this.scene;
    const name = outputs.length > 1 ? "" : ` ${outputs[0]}`;
    this.main = this.board({
      x: { low, high, name: `true${name}, ${label}` }, y: { low, high, name: `predicted${name}` }, ratio: 0.8,
    });
    const names = outputs.length > 1 ? outputs.map((output, i) => [symbol("circle", "solid", `c${i}`), output]) : [];
    this.outside = element("span", {});
    this.legend(...names, [stroke("text", DASHES[2]), "prediction equals truth"], [symbol("triangle", "hollow"), this.outside]);
  }

  draw(frame) {
    const { value } = this.frame(frame);
    const context = this.main.begin();
    const { outputs, truth, split, range } = this.scene;
    this.main.polyline(range, range, theme.text, 1.2, [2, 2.5]);
    const radius = markerSize(truth.length);
    const edge = [this.main.y.invert(this.main.bottom - 2 * radius), this.main.y.invert(this.main.top + 2 * radius)];
    let outside = 0;
    this.main.inside(() => truth.forEach((each, i) => each.forEach((number, output) => {
      const color = theme.palette[outputs.length > 1 ? output : Object.keys(MARKERS).indexOf(split)];
      const predicted = value[i * outputs.length + output];
      const beyond = predicted < range[0] || predicted > range[1];
      outside += beyond;
      if (beyond) this.main.marker("test", number, edge[Number(predicted > range[1])], radius, css(color));
      else this.main.marker("train", number, predicted, radius, css(color, 0.75));
    })));
    this.main.axes();
    this.outside.textContent = `${outside} outside, drawn at the edge`;
    this.outside.parentElement.style.visibility = outside ? "visible" : "hidden";
    const words = `predictions over the truth of ${truth.length} samples of the ${split} split`;
    context.canvas.setAttribute("aria-label", outside ? `${words}; ${outside} lie outside` : words);
  }
}

/** Images that are to be predicted, and below each the prediction. */
class Restored extends Scene {
  build() {
    const items = this.scene.images.map((source, i) => {
      const canvas = element("canvas", { role: "img", "aria-label": `prediction ${i + 1}` });
      return [canvas, element("li", {}, element("img", { src: source, alt: `image ${i + 1}` }), canvas)];
    });
    this.canvases = items.map(([canvas]) => canvas);
    const what = `Images of ${this.scene.label}, and below each its prediction.`;
    this.stage.append(element("p", { class: "tally" }, what), element("ul", { class: "album" }, ...items.map(([, item]) => item)));
  }

  draw(frame) {
    const [, height, width, channels = 1] = this.arrays.value.shape;
    const { low, step } = this.arrays.value;
    const values = this.arrays.value.at(frame);
    this.canvases.forEach((canvas, i) => {
      Object.assign(canvas, { width, height });
      const image = new ImageData(width, height);
      for (let place = 0; place < width * height; place++) {
        const pixel = Array.from({ length: channels }, (_, c) => values[(i * width * height + place) * channels + c]);
        const octets = pixel.map((value) => (value - low[0]) / step[0]);
        image.data.set(channels < 3 ? [octets[0], octets[0], octets[0], 255] : [...octets, 255].slice(0, 4), 4 * place);
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    });
  }
}

const KINDS = { plane: Plane, curve: Curve, images: Album, restored: Restored, verdicts: Verdicts, numbers: Numbers };

// Symbols of legends.

function patch(number, count) {
  const shape = element("rect", { x: 1, y: 1, width: 10, height: 10, rx: 2, fill: css(classColor(number, count)) });
  return element("svg", { class: "symbol", width: 12, height: 12, "aria-hidden": "true" }, shape);
}

function symbol(shape, look, ink = "text") {
  const made = {
    circle: ["circle", { cx: 6, cy: 6, r: 4 }],
    square: ["rect", { x: 2, y: 2, width: 8, height: 8 }],
    triangle: ["path", { d: "M6 1.5L11 10H1Z" }],
    cross: ["path", { d: "M2 2L10 10M2 10L10 2" }],
  }[shape];
  return element("svg", { class: "symbol", width: 12, height: 12, "aria-hidden": "true" },
    element(made[0], { ...made[1], class: `${look} ${ink}` }));
}

function stroke(ink, dash) {
  const name = typeof ink === "number" ? `c${ink}` : ink;
  return element("svg", { class: "swatch", width: 24, height: 12, "aria-hidden": "true" },
    element("path", { class: `line ${name}`, d: "M0 6H24", "stroke-dasharray": dash }));
}

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

// Scenes of samples whose inputs cannot be drawn in a plane, and the scene of each kind of record.

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
    this.tally.textContent = `${right} of these ${this.items.length} samples of the ${this.scene.split} split are correct. ` +
      "Below each image: the truth, and the prediction with its probability.";
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

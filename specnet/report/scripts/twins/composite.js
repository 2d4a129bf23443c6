// Layers made of layers.

/** y = p(x) + f(x), where p is x itself without a projection: dx = (dp/dx)^T dy + (df/dx)^T dy. */
LAYERS.residual = class extends Layer {
  build() {
    this.f = this.stack(this.layers, "layers");
    this.p = this.stack(this.projection ? [this.projection] : [], "projection");
    this.p.names = this.p.names.map(() => "projection");
    this.output = this.f.output;
  }

  forward(x, n, training) {
    return add(this.p.forward(x, n, training), this.f.forward(x, n, training));
  }

  backward(dy, n) {
    const dx = this.f.backward(dy, n);
    return add(this.p.backward(dy, n), dx);
  }
};

/** Arrays `ys` in one, side by side along the last axis or elementwise, and the gradient of each. */
class Merging extends Layer {
  /** The shape of the result, by those of what is merged. */
  merged(shapes) {
    this.widths = shapes.map((shape) => shape.at(-1));
    return [...shapes[0].slice(0, -1), this.merge === "concat" ? sum(this.widths) : this.widths[0]];
  }

  join() {
    const { ys } = this;
    if (this.merge === "concat") return this.concat();
    const merged = {
      add: (a, b) => a + b, average: (a, b) => a + b, multiply: (a, b) => a * b, maximum: (a, b) => Math.max(a, b),
    }[this.merge];
    const y = ys.reduce((a, b) => pairwise(a, b, merged));
    return this.merge === "average" ? y.map((value) => value / ys.length) : y;
  }

  concat() {
    const y = new Float64Array(sum(this.ys, ({ length }) => length));
    this.eachPart((i, start, from, width) => y.set(this.ys[i].subarray(start, start + width), from), y.length);
    return y;
  }

  /** The gradient of each branch's outputs. */
  parts(dy) {
    const { ys } = this;
    if (this.merge === "concat") {
      const made = ys.map(({ length }) => new Float64Array(length));
      this.eachPart((i, start, from, width) => made[i].set(dy.subarray(from, from + width), start), dy.length);
      return made;
    }
    if (this.merge === "average") return ys.map(() => dy.map((value) => value / ys.length));
    if (this.merge === "multiply") return ys.map((_, i) => ys.filter((_, j) => j !== i).reduce((d, y) => pairwise(d, y, (a, b) => a * b), dy));
    if (this.merge === "maximum") return this.largest(dy);
    return ys.map(() => dy.slice());
  }

  /** dy for the first of the largest outputs, and 0 for the others. */
  largest(dy) {
    const first = Uint32Array.from(dy, (_, i) => this.ys.reduce((best, y, branch) => (y[i] > this.ys[best][i] ? branch : best), 0));
    return this.ys.map((_, branch) => dy.map((value, i) => (first[i] === branch ? value : 0)));
  }

  /** Call `visit(branch, start, from, width)` for the features of each branch and position, from `from` in y. */
  eachPart(visit, length) {
    const total = sum(this.widths);
    for (let row = 0; row < length / total; row++) {
      let from = row * total;
      this.widths.forEach((width, i) => {
        visit(i, row * width, from, width);
        from += width;
      });
    }
  }
};

/** Branches f1, f2, … of the same x, merged; dx is the sum of theirs. */
LAYERS.parallel = class extends Merging {
  build() {
    this.f = this.branches.map((branch, number) => this.stack(branch, `branches.${number}`));
    this.output = this.merged(this.f.map(({ output }) => output));
  }

  forward(x, n, training) {
    this.ys = this.f.map((f) => f.forward(x, n, training));
    return this.join();
  }

  backward(dy, n) {
    const parts = this.parts(dy);
    return this.f.map((f, i) => f.backward(parts[i], n)).reduce(add);
  }
};

/** Outputs of earlier layers, merged: the stack sets `shapes` and `inputs`, and hands on the parts of dy. */
for (const merge of ["concat", "add", "average", "multiply", "maximum"]) {
  LAYERS[merge] = class extends Merging {
    build() {
      this.merge = merge;
      this.output = this.merged(this.shapes);
    }

    forward() {
      this.ys = this.inputs;
      return this.join();
    }
  };
}

/** Layers one after the other, as one. */
LAYERS.sequential = class extends Layer {
  build() {
    this.f = this.inner();
    this.output = this.f.output;
  }

  inner() {
    return this.stack(this.layers, "layers");
  }

  forward(x, n, training) {
    return this.f.forward(x, n, training);
  }

  backward(dy, n) {
    return this.f.backward(dy, n);
  }
};

/** The same, several times, each with its own parameters. */
LAYERS.repeat = class extends LAYERS.sequential {
  inner() {
    this.stacks.push(new Stack(this.layers, "layers", this.input, this.times));
    return this.stacks[0];
  }
};

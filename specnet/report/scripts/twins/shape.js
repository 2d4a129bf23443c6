// Layers that only rearrange: batches are flat arrays already.

class Unchanged extends Layer {
  forward(x) {
    return x;
  }

  backward(dy) {
    return dy;
  }
}

LAYERS.identity = Unchanged;

LAYERS.flatten = class extends Unchanged {
  build() {
    this.output = [product(this.input)];
  }
};

LAYERS.reshape = class extends Unchanged {
  build() {
    const given = product(this.target_shape.filter((size) => size !== -1));
    this.output = this.target_shape.map((size) => (size === -1 ? product(this.input) / given : size));
  }
};

/** Affine map y = x W + b of the last axis: dW = x^T dy, db = sum dy, dx = dy W^T. */
LAYERS.linear = class extends Layer {
  build() {
    this.features = this.input.at(-1);
    this.output = [...this.input.slice(0, -1), this.units];
    this.declare("weight", [this.features, this.units], this.weight_init, this.features);
    if (this.use_bias) this.declare("bias", [this.units], this.bias_init, this.features);
  }

  forward(x) {
    this.x = x;
    const y = multiply(x, this.weight, x.length / this.features, this.features, this.units);
    if (this.use_bias) for (let i = 0; i < y.length; i++) y[i] += this.bias[i % this.units];
    return y;
  }

  backward(dy) {
    const [rows, inputs, units] = [dy.length / this.units, this.features, this.units];
    multiplyTransposed(this.x, dy, rows, inputs, units, this.grad.weight);
    if (this.use_bias) sumRows(dy, units, this.grad.bias);
    return multiply(dy, transpose(this.weight, inputs, units), rows, units, inputs);
  }
};

/** Each input is 0 with probability `rate` in training, others are divided by 1 - rate: y = m x, dx = m dy.
 *
 * `rng` is set by who trains; `single` is whether the run draws its numbers in float32.
 */
LAYERS.dropout = class extends Layer {
  forward(x, n, training) {
    this.m = null;
    if (!training || this.rate === 0) return x;
    const rate = this.single ? Math.fround(this.rate) : this.rate;
    this.m = x.map(() => (this.rng.uniform(this.single) >= rate ? 1 / (1 - this.rate) : 0));
    return pairwise(this.m, x, (m, value) => m * value);
  }

  backward(dy) {
    return this.m ? pairwise(this.m, dy, (m, value) => m * value) : dy;
  }
};

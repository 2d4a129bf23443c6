// Functions of each window of each channel. Padding never counts.

class Pool extends WindowLayer {
  build() {
    this.output = [...this.slide(this.pool_size, this.strides ?? this.pool_size), this.channels];
  }
}

/** y_p = max of x over window p; dx sums dy_p where the maximum is, the first one if several are equal. */
class MaxPool extends Pool {
  forward(x, n) {
    this.length = x.length;
    const y = new Float64Array(n * this.size).fill(-Infinity);
    this.winner = new Uint32Array(y.length);
    this.eachOf(n, this.channels, (p, q) => {
      for (let c = 0; c < this.channels; c++) {
        if (x[q + c] > y[p + c]) {
          y[p + c] = x[q + c];
          this.winner[p + c] = q + c;
        }
      }
    });
    return y;
  }

  backward(dy) {
    const dx = new Float64Array(this.length);
    dy.forEach((value, i) => { dx[this.winner[i]] += value; });
    return dx;
  }
}

/** y_p = mean of x over the n_p positions of window p; dx sums dy_p / n_p. */
class AveragePool extends Pool {
  build() {
    super.build();
    this.counts = new Float64Array(product(this.windows));
    this.each((window) => { this.counts[window] += 1; });
  }

  forward(x, n) {
    this.length = x.length;
    const y = new Float64Array(n * this.size);
    this.eachOf(n, this.channels, (p, q) => {
      for (let c = 0; c < this.channels; c++) y[p + c] += x[q + c];
    });
    return this.share(y);
  }

  backward(dy, n) {
    const [dx, share] = [new Float64Array(this.length), this.share(dy)];
    this.eachOf(n, this.channels, (p, q) => {
      for (let c = 0; c < this.channels; c++) dx[q + c] += share[p + c];
    });
    return dx;
  }

  share(y) {
    return y.map((value, i) => value / this.counts[Math.floor(i / this.channels) % this.counts.length]);
  }
}

LAYERS.max_pool1d = LAYERS.max_pool2d = MaxPool;
LAYERS.average_pool1d = LAYERS.average_pool2d = AveragePool;

/** Pooling whose only window has all positions. */
const whole = (Windowed) => class extends Windowed {
  build() {
    Object.assign(this, { pool_size: this.input.slice(0, -1), strides: null, padding: "valid" });
    super.build();
    if (!this.keepdims) this.output = [this.channels];
  }

  /** Positions of more than two axes are one axis. */
  slide(size, strides) {
    if (this.input.length > 3) [this.input, size] = [[product(size), this.input.at(-1)], product(size)];
    return super.slide(size, strides);
  }
};

LAYERS.global_average_pool = whole(AveragePool);
LAYERS.global_max_pool = whole(MaxPool);

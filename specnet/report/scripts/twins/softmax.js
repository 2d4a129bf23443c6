// Functions of all numbers along the last axis.

/** y = exp(x / T) / sum exp(x / T): dx = y (dy - sum(dy y)) / T. */
LAYERS.softmax = class extends Layer {
  forward(x) {
    this.y = softmax(x, this.input.at(-1), this.temperature);
    return this.y;
  }

  backward(dy) {
    return eachRow(dy, this.input.at(-1), (row, start) => {
      const along = sum(row, (value, i) => value * this.y[start + i]);
      return row.map((value, i) => (this.y[start + i] * (value - along)) / this.temperature);
    });
  }
};

/** y = x - log sum exp(x): dx = dy - exp(y) sum(dy). */
LAYERS.log_softmax = class extends Layer {
  forward(x) {
    this.y = eachRow(x, this.input.at(-1), (row) => {
      const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = Math.log(sum(row, (value) => Math.exp(value - most)));
      return row.map((value) => value - most - total);
    });
    return this.y;
  }

  backward(dy) {
    return eachRow(dy, this.input.at(-1), (row, start) => {
      const total = sum(row);
      return row.map((value, i) => value - Math.exp(this.y[start + i]) * total);
    });
  }
};

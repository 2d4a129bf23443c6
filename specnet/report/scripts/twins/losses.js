// Losses: the mean or the sum over elements, and dy, its gradient. `class_weight` has a number for each class: a mean
// divides by the sum of those of its elements.

/** Losses of each output separately, by the names of a spec: the element of y and t, and its slope. */
const ELEMENTS = {
  mse: () => [(y, t) => (y - t) ** 2, (y, t) => 2 * (y - t)],
  mae: () => [(y, t) => Math.abs(y - t), (y, t) => Math.sign(y - t)],
  huber: ({ delta }) => {
    const slope = (y, t) => clip(y - t, -delta, delta);
    return [(y, t) => slope(y, t) * (y - t - slope(y, t) / 2), slope];
  },
  log_cosh: () => [
    (y, t) => Math.abs(y - t) + Math.log1p(Math.exp(-2 * Math.abs(y - t))) - Math.LN2,
    (y, t) => Math.tanh(y - t),
  ],
  bce: ({ epsilon }) => {
    const log = (p) => Math.log(Math.max(p, epsilon)) + (p - Math.max(p, epsilon)) / epsilon;
    return [
      (y, t) => -(t * log(y) + (1 - t) * log(1 - y)),
      (y, t) => (1 - t) / Math.max(1 - y, epsilon) - t / Math.max(y, epsilon),
    ];
  },
  bce_with_logits: ({ pos_weight: w }) => [
    (y, t) => (w === 1 ? softplus(y) - y * t : (1 - t) * softplus(y) + w * t * softplus(-y)),
    (y, t) => (w === 1 ? sigmoid(y) - t : (1 - t) * sigmoid(y) - w * t * sigmoid(-y)),
  ],
  hinge: () => [(y, t) => Math.max(1 - (2 * t - 1) * y, 0), (y, t) => ((2 * t - 1) * y < 1 ? 1 - 2 * t : 0)],
};

class ElementwiseLoss {
  constructor(fields) {
    Object.assign(this, { mean: fields.reduction === "mean", factors: fields.class_weight });
    [this.element, this.slope] = ELEMENTS[fields.type](fields);
    this.logits = ["bce_with_logits", "hinge"].includes(fields.type);
  }

  forward(y, t) {
    const weight = t.map((value) => this.factors?.[Number(value >= 0.5)] ?? 1);
    Object.assign(this, { y, t, weight, divisor: this.mean ? sum(weight) : 1 });
    return sum(y, (value, i) => weight[i] * this.element(value, t[i])) / (this.divisor || 1);
  }

  backward() {
    return this.y.map((value, i) => this.weight[i] * this.slope(value, this.t[i]) / (this.divisor || 1));
  }

  predictions(y) {
    return this.logits ? y.map(sigmoid) : y;
  }
}

/** Cross-entropy of p = softmax(z) for k classes: L = mean -sum_k t_k log p_k, dz = (p sum_k t_k - t) / n. */
class CrossEntropy {
  constructor({ reduction, label_smoothing, class_weight }, k) {
    Object.assign(this, { mean: reduction === "mean", smoothing: label_smoothing, factors: class_weight, k });
  }

  /** Targets are class numbers, or k numbers for each sample. */
  forward(z, target) {
    const [k, s] = [this.k, this.smoothing];
    const numbers = target.length < z.length;
    this.t = z.map((_, i) => {
      const t = numbers ? Number(target[Math.floor(i / k)] === i % k) : target[i];
      return t * (1 - s) + s / k;
    });
    this.p = softmax(z, k);
    this.weight = Float64Array.from({ length: z.length / k }, (_, i) => {
      const row = target.subarray(i * k, i * k + k);
      return this.factors?.[numbers ? target[i] : row.indexOf(Math.max(...row))] ?? 1;
    });
    this.divisor = this.mean ? sum(this.weight) : 1;
    let total = 0;
    eachRow(z, k, (row, start) => {
      const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const log = Math.log(sum(row, (value) => Math.exp(value - most)));
      total -= this.weight[start / k] * sum(row, (value, i) => this.t[start + i] * (value - most - log));
      return row;
    });
    return total / (this.divisor || 1);
  }

  backward() {
    return eachRow(this.t, this.k, (row, start) => {
      const [total, weight] = [sum(row), this.weight[start / this.k] / (this.divisor || 1)];
      return row.map((t, i) => weight * (this.p[start + i] * total - t));
    });
  }

  predictions(z) {
    return softmax(z, this.k);
  }
}

/** The twin of a loss, for outputs of a shape. */
function buildLoss(fields, output) {
  return fields.type === "cross_entropy" ? new CrossEntropy(fields, output.at(-1)) : new ElementwiseLoss(fields);
}

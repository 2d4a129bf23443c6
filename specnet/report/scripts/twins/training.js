// Training: the loop of a run, with its order of batches and its random numbers.

/** The norm of gradients is at most `limit`. */
function clipNorm(g, limit) {
  const norm = Math.sqrt(sum(g, (value) => value * value));
  if (norm > limit) for (let i = 0; i < g.length; i++) g[i] *= limit / norm;
}

/** Some rows of samples {x, t, n}, in which x and t are flat. */
function takeRows({ x, t, n }, rows) {
  const [size, width] = [x.length / n, t.length / n];
  const batch = { x: new Float64Array(rows.length * size), t: new Float64Array(rows.length * width), n: rows.length };
  rows.forEach((row, i) => {
    batch.x.set(x.subarray(row * size, (row + 1) * size), i * size);
    batch.t.set(t.subarray(row * width, (row + 1) * width), i * width);
  });
  return batch;
}

/** A network in training. `settings` may change between steps: batch_size, shuffle, l1, l2, limits of gradients, and
 * `rate(step)`, `decay(step)` and `noise`, the standard deviation of what is added to inputs.
 */
class TrainerTwin {
  constructor({ network, loss, optimizer, samples, settings, rng, noise }) {
    Object.assign(this, { network, loss, optimizer, samples, settings, rng, noise, epoch: 0, steps: 0, position: 0 });
    Object.assign(this, { total: 0, weight: 0 });
  }

  /** Take a step, and return the mean loss of the epoch if it was the last of one. */
  step() {
    if (this.position === 0) this.begin();
    const batch = this.take();
    this.total += this.learn(batch) * this.loss.divisor;
    this.weight += this.loss.divisor;
    this.position += batch.n;
    if (this.position < this.samples.n) return null;
    const found = this.loss.mean ? this.total / this.weight : this.total;
    Object.assign(this, { epoch: this.epoch + 1, position: 0, total: 0, weight: 0 });
    return found;
  }

  /** Draw the order of a new epoch; if one batch holds all samples there is none. */
  begin() {
    const { batch_size: size, shuffle } = this.settings;
    this.size = Math.min(size ?? this.samples.n, this.samples.n);
    this.order = shuffle && this.size < this.samples.n ? this.rng.permutation(this.samples.n) : null;
  }

  take() {
    const { n } = this.samples;
    if (this.size === n) return this.samples;
    const rows = Array.from({ length: Math.min(this.size, n - this.position) }, (_, i) => this.position + i);
    return takeRows(this.samples, this.order ? rows.map((row) => this.order[row]) : rows);
  }

  /** Forward, loss, backward and update for a batch; the loss it had before. */
  learn({ x, t, n }) {
    const { network, settings } = this;
    if (settings.noise) x = x.map((value) => value + settings.noise * this.noise.normal());
    const value = this.loss.forward(network.forward(x, n, true), t);
    network.backward(this.loss.backward(), n);
    this.penalize();
    this.limit();
    this.optimizer.step(this.steps + 1, settings.rate(this.steps), settings.decay(this.steps));
    this.steps += 1;
    return value;
  }

  /** Add the gradient of l1 sum |w| + l2 sum w^2. */
  penalize() {
    const { slots, w, g } = this.network;
    for (const { layer, decay, frozen, part } of slots) {
      const [l1, l2] = [layer.l1 ?? this.settings.l1, layer.l2 ?? this.settings.l2];
      if (!decay || frozen || !(l1 || l2)) continue;
      for (let i = part[0]; i < part[1]; i++) g[i] += l1 * Math.sign(w[i]) + 2 * l2 * w[i];
    }
  }

  limit() {
    const { clip_value: value, clip_norm_per_weight: each, clip_norm: all } = this.settings;
    const { g, slots } = this.network;
    if (value) g.forEach((number, i) => { g[i] = clip(number, -value, value); });
    if (each) for (const { part } of slots) clipNorm(g.subarray(...part), each);
    if (all) clipNorm(g, all);
  }

  /** The loss of other samples, without training. */
  measure({ x, t, n }) {
    return this.loss.forward(this.network.forward(x, n), t);
  }
}

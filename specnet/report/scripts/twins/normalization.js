// y = gamma z + beta, with z the normalized x: dgamma = sum(dy z), dbeta = sum(dy), dz = gamma dy.

class Normalization extends Layer {
  build() {
    this.features = this.input.at(-1);
    if (this.scale) this.declare("gamma", [this.features], this.gamma_init, this.features);
    if (this.center) this.declare("beta", [this.features], this.beta_init, this.features);
  }

  forward(x, n, training) {
    this.z = this.normalize(x, training);
    return this.z.map((z, i) => {
      const feature = i % this.features;
      return (this.scale ? this.gamma[feature] * z : z) + (this.center ? this.beta[feature] : 0);
    });
  }

  backward(dy) {
    if (this.scale) sumRows(pairwise(dy, this.z, (d, z) => d * z), this.features, this.grad.gamma);
    if (this.center) sumRows(dy, this.features, this.grad.beta);
    return this.slope(this.scale ? dy.map((d, i) => this.gamma[i % this.features] * d) : dy);
  }
}

/** z = (x - mean) / std over the features of each position; dx = (dz - mean(dz) - z mean(dz z)) / std. */
LAYERS.layer_norm = class extends Normalization {
  normalize(x) {
    const k = this.features;
    this.std = [];
    return eachRow(x, k, (row) => {
      const mean = this.centred ? sum(row) / k : 0;
      const std = Math.sqrt(sum(row, (value) => (value - mean) ** 2) / k + this.epsilon);
      this.std.push(std);
      return row.map((value) => (value - mean) / std);
    });
  }

  slope(dz) {
    const k = this.features;
    return eachRow(dz, k, (row, start) => {
      const mean = this.centred ? sum(row) / k : 0;
      const along = sum(row, (value, i) => value * this.z[start + i]) / k;
      return row.map((value, i) => (value - mean - this.z[start + i] * along) / this.std[start / k]);
    });
  }

  get centred() {
    return true;
  }
};

/** z = x / rms over the features of each position; dx = (dz - z mean(dz z)) / rms. */
LAYERS.rms_norm = class extends LAYERS.layer_norm {
  get centred() {
    return false;
  }
};

/** z = (x - mean) / std of each feature over the batch and leading axes, or with moving averages m <- momentum m +
 * (1 - momentum) mean without training; dx = (dz - mean(dz) - z mean(dz z)) / std, or dz / std.
 */
LAYERS.batch_norm = class extends Normalization {
  build() {
    super.build();
    this.states.push({ name: "moving_mean", shape: [this.features], value: 0 });
    this.states.push({ name: "moving_variance", shape: [this.features], value: 1 });
  }

  /** The mean of each feature. */
  mean(x) {
    return sumRows(x, this.features).map((total) => (total * this.features) / x.length);
  }

  normalize(x, training) {
    this.training = training;
    const k = this.features;
    const mean = training ? this.mean(x) : this.moving_mean;
    const centred = x.map((value, i) => value - mean[i % k]);
    const variance = training ? this.mean(centred.map((value) => value * value)) : this.moving_variance;
    if (training) {
      for (let i = 0; i < k; i++) {
        this.moving_mean[i] += (1 - this.momentum) * (mean[i] - this.moving_mean[i]);
        this.moving_variance[i] += (1 - this.momentum) * (variance[i] - this.moving_variance[i]);
      }
    }
    this.std = variance.map((value) => Math.sqrt(value + this.epsilon));
    return centred.map((value, i) => value / this.std[i % k]);
  }

  slope(dz) {
    const k = this.features;
    if (!this.training) return dz.map((value, i) => value / this.std[i % k]);
    const [mean, along] = [this.mean(dz), this.mean(pairwise(dz, this.z, (d, z) => d * z))];
    return dz.map((value, i) => (value - mean[i % k] - this.z[i] * along[i % k]) / this.std[i % k]);
  }
};

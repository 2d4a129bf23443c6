// Optimizers: w of the gradient g in step t = 1, 2, …, at the learning rate a. Each keeps flat arrays like w.

/** Rules by the names of a spec: their arrays, fields with defaults, and the step. */
const OPTIMIZERS = {
  /**
   * w <- w - a v with the velocity v <- m v + (1 - d) g; Nesterov's form is w <- w - a (g + m v). Momentum of steps has
   * a g instead of g, and w <- w - v.
   */
  sgd: {
    names: ["velocity"],
    fields: { weight_decay: 0, momentum: 0, momentum_of: "gradients", nesterov: false, dampening: 0 },
    step({ momentum: m, momentum_of: what, nesterov, dampening: d }, { velocity: v }, w, g, a, t) {
      const [inside, outside] = what === "steps" ? [a, 1] : [1, a];
      for (let i = 0; i < w.length; i++) {
        const step = inside * g[i];
        v[i] = m * v[i] + (t > 1 && m ? 1 - d : 1) * step;
        w[i] -= outside * (nesterov ? step + m * v[i] : v[i]);
      }
    },
  },

  /** m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon). */
  adam: {
    names: ["m", "v", "most"],
    fields: { weight_decay: 0, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, amsgrad: false },
    step({ beta_1: b1, beta_2: b2, epsilon, amsgrad }, { m, v, most }, w, g, a, t) {
      const root = Math.sqrt(1 - b2 ** t);
      const rate = (a * root) / (1 - b1 ** t);
      for (let i = 0; i < w.length; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        if (amsgrad) most[i] = Math.max(most[i], v[i]);
        w[i] -= (rate * m[i]) / (Math.sqrt(amsgrad ? most[i] : v[i]) + epsilon * root);
      }
    },
  },

  /** v <- r v + (1 - r) g^2, w <- w - a g / (sqrt(v) + epsilon); centered takes the variance of g instead of v. */
  rmsprop: {
    names: ["v", "mean", "velocity"],
    fields: { weight_decay: 0, rho: 0.9, momentum: 0, epsilon: 1e-8, centered: false },
    step({ rho: r, momentum, epsilon, centered }, { v, mean, velocity }, w, g, a) {
      for (let i = 0; i < w.length; i++) {
        v[i] = r * v[i] + (1 - r) * g[i] * g[i];
        mean[i] = r * mean[i] + (1 - r) * g[i];
        const square = centered ? Math.max(v[i] - mean[i] * mean[i], 0) : v[i];
        velocity[i] = momentum * velocity[i] + g[i] / (Math.sqrt(square) + epsilon);
        w[i] -= a * velocity[i];
      }
    },
  },
};

OPTIMIZERS.adamw = { ...OPTIMIZERS.adam, fields: { ...OPTIMIZERS.adam.fields, weight_decay: 0.01 } };

/** An optimizer with the fields of a spec, for a network. */
class OptimizerTwin {
  constructor(fields, network) {
    Object.assign(this, { fields, network, rule: OPTIMIZERS[fields.type] });
    this.state = Object.fromEntries(this.rule.names.map((name) => [name, new Float64Array(network.w.length)]));
  }

  /** Take step t at a learning rate: first weights decay by a share of themselves, w <- w - a d w. */
  step(t, rate, decay) {
    const { w, g, decays } = this.network;
    if (decay) for (let i = 0; i < w.length; i++) w[i] -= rate * decay * decays[i] * w[i];
    this.rule.step(this.fields, this.state, w, g, rate, t);
  }
}

// Functions of each number separately: y = f(x), and dx = dy f'(x).

/** Phi(x), the normal distribution: Hastings' form, with the coefficients of `specnet.functions.normal_cdf`. */
function normalCdf(x) {
  const z = Math.min(Math.abs(x), 40);
  const t = 1 / (1 + 0.2 * z);
  const tail = NORMAL_TAIL.reduce((total, coefficient) => (total + coefficient) * t, 0) * Math.exp(-0.5 * z * z);
  return Math.abs((x > 0 ? 1 : 0) - tail);
}

const NORMAL_TAIL = [
  0.001080346067144765, -0.010555705159739589, 0.04591451056837423, -0.11670545278904528, 0.19271245562759571,
  -0.22118234938946086, 0.18865850975944642, -0.12395201498924796, 0.059624953945780869, -0.025390319565467,
  0.0088276361963863321, 0.0051616551995540693, 0.01542972485038807, 0.025590443669038256, 0.037588036618313504,
  0.04978767137976555, 0.061022227139572577, 0.07021384086606175, 0.076596917845018424, 0.079788456080233785,
  0.079788456080286595,
];

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
const ROOT = Math.sqrt(2 / Math.PI);

function gelu({ approximate = false }) {
  const u = (x) => 2 * ROOT * (x + 0.044715 * x * x * x);
  const phi = (x) => (approximate ? sigmoid(u(clip(x, -40, 40))) : normalCdf(x));
  const slope = (x) => {
    const [p, near] = [phi(x), clip(x, -40, 40)];
    if (approximate) return p + near * 2 * p * (1 - p) * ROOT * (1 + 3 * 0.044715 * near * near);
    return p + (near * Math.exp(-0.5 * near * near)) / Math.sqrt(2 * Math.PI);
  };
  return [(x) => x * phi(x), slope];
}

/** f(x) and its derivative, in terms of x and y, by the names of layers and given their fields. */
const ACTIVATIONS = {
  sigmoid: () => [sigmoid, (x, y) => y * (1 - y)],
  tanh: () => [Math.tanh, (x, y) => 1 - y * y],
  relu: () => [(x) => Math.max(x, 0), (x, y) => (y > 0 ? 1 : 0)],
  leaky_relu: ({ negative_slope: a = 0.01 }) => [(x) => Math.max(x, a * x), (x) => (x > 0 ? 1 : a)],
  elu: ({ alpha: a = 1 }) => [(x) => (x > 0 ? x : a * Math.expm1(x)), (x, y) => (x > 0 ? 1 : y + a)],
  gelu,
  silu: () => [(x) => x * sigmoid(x), (x, y) => sigmoid(x) + y * (1 - sigmoid(x))],
  softplus: () => [softplus, sigmoid],
  relu6: () => [(x) => clip(x, 0, 6), (x, y) => (y > 0 && y < 6 ? 1 : 0)],
  selu: () => [
    (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    (x, y) => (x > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA),
  ],
  mish: () => [
    (x) => x * Math.tanh(softplus(x)),
    (x) => Math.tanh(softplus(x)) + x * sigmoid(x) * (1 - Math.tanh(softplus(x)) ** 2),
  ],
  hard_sigmoid: () => [(x) => clip(x / 6 + 0.5, 0, 1), (x, y) => (y > 0 && y < 1 ? 1 / 6 : 0)],
  hard_silu: () => [
    (x) => x * clip(x / 6 + 0.5, 0, 1),
    (x) => (Math.abs(x) < 3 ? x / 3 + 0.5 : x > 0 ? 1 : 0),
  ],
  softsign: () => [(x) => x / (1 + Math.abs(x)), (x) => (1 + Math.abs(x)) ** -2],
  sine: () => [Math.sin, Math.cos],
  square: () => [(x) => x * x, (x) => 2 * x],
  gaussian: () => [(x) => Math.exp(-(clip(x, -40, 40) ** 2)), (x, y) => -2 * x * y],
};

for (const [name, functions] of Object.entries(ACTIVATIONS)) {
  LAYERS[name] = class extends Layer {
    build() {
      [this.f, this.slope] = functions(this);
    }

    forward(x) {
      this.x = x;
      this.y = x.map((value) => this.f(value));
      return this.y;
    }

    backward(dy) {
      return dy.map((value, i) => value * this.slope(this.x[i], this.y[i]));
    }
  };
}

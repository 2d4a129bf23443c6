// Layers over flat vectors: the twins in JavaScript of `Layer`, `Stack` and `Network`, in float64.

/** Twins by the names of layers in a spec. */
const LAYERS = {};

/** A step of the network: y of x in `forward`, dx of dy and the gradients of parameters in `backward`.
 *
 * A batch is n samples in one flat array. `fields` are those of the spec, with all defaults, and `input` and `output`
 * shapes of a sample. `this.weight` and `this.grad.weight` are parts of the network's flat vectors.
 */
class Layer {
  constructor(fields, input) {
    Object.assign(this, fields, { input, output: input, parameters: [], states: [], stacks: [], grad: {} });
    this.build?.();
    this.size = product(this.output);
  }

  /** Declare a parameter; those of two or more axes decay. */
  declare(name, shape, initial, fanIn, fanOut = shape.at(-1)) {
    this.parameters.push({ name, shape, initial, fanIn, fanOut, decay: shape.length > 1 });
  }

  stack(layers, name, input = this.input) {
    const made = new Stack(layers, name, input);
    this.stacks.push(made);
    return made;
  }
}

/** Layers one after the other. A layer with `from` takes outputs of earlier ones, by their names, or the `input`. */
class Stack {
  constructor(layers, name, input, times = null) {
    this.layers = [];
    this.names = [];
    this.output = input;
    const shapes = new Map([["input", input]]);
    for (let copy = 0; copy < (times ?? 1); copy++) {
      layers.forEach((fields, number) => {
        const layer = new LAYERS[fields.type]({ ...fields, shapes: fields.from?.map((each) => shapes.get(each)) }, this.output);
        this.output = layer.output;
        shapes.set(fields.name, layer.output);
        this.layers.push(layer);
        this.names.push(`${times ? `times.${copy}.` : ""}${name}.${number}`);
      });
    }
  }

  forward(x, n, training) {
    const ys = new Map([["input", x]]);
    return this.layers.reduce((before, layer) => {
      layer.inputs = layer.from?.map((name) => ys.get(name));
      const y = layer.forward(before, n, training);
      ys.set(layer.name, y);
      return y;
    }, x);
  }

  /** The gradient of a named output is the sum of those from the next layer, if it takes it, and from all that name it. */
  backward(dy, n) {
    const dys = new Map();
    const total = (name, d) => (d && dys.has(name) ? add(dys.get(name), d) : d ?? dys.get(name));
    const dx = this.layers.reduceRight((d, layer) => {
      const own = total(layer.name, d);
      if (!layer.from) return layer.backward(own, n);
      layer.parts(own).forEach((part, i) => dys.set(layer.from[i], total(layer.from[i], part)));
      return null;
    }, dy);
    return total("input", dx);
  }

  /** Each layer with its name, and all inside it. */
  *walk(above = "") {
    for (const [i, layer] of this.layers.entries()) {
      const name = above + this.names[i];
      yield [name, layer];
      for (const stack of layer.stacks) yield* stack.walk(`${name}.`);
    }
  }
}

/** Layers, and the flat vectors w of parameters, g of their gradients and `state`; `slots` are parameters by place. */
class Network {
  constructor(layers, input) {
    this.input = input;
    this.stack = new Stack(layers, "layers", input);
    this.output = this.stack.output;
    this.named = Object.fromEntries(this.stack.walk());
    this.slots = [];
    const states = [];
    const frozen = (name) => Object.entries(this.named).some(([above, { trainable }]) => trainable === false && `${name}.`.startsWith(`${above}.`));
    for (const [name, layer] of Object.entries(this.named)) {
      for (const each of layer.parameters) this.slots.push({ ...each, layer, place: `${name}.${each.name}`, frozen: frozen(name) });
      for (const each of layer.states) states.push({ ...each, layer });
    }
    const room = (slots) => new Float64Array(slots.reduce((total, { shape }) => total + product(shape), 0));
    [this.w, this.g, this.state] = [room(this.slots), room(this.slots), room(states)];
    place(this.slots, ({ layer, name }, part) => {
      layer[name] = this.w.subarray(...part);
      layer.grad[name] = this.g.subarray(...part);
    });
    place(states, ({ layer, name, value }, part) => { layer[name] = this.state.subarray(...part).fill(value); });
    this.decays = new Float64Array(this.w.length);
    for (const { decay, frozen: fixed, part } of this.slots) this.decays.fill(decay && !fixed ? 1 : 0, ...part);
  }

  forward(x, n, training = false) {
    return this.stack.forward(x, n, training);
  }

  backward(dy, n) {
    const dx = this.stack.backward(dy, n);
    for (const { frozen, part } of this.slots) if (frozen) this.g.fill(0, ...part);
    return dx;
  }

  /** Draw initial weights, as the spec's initializers would; their random numbers are not NumPy's. */
  draw(rng) {
    for (const { initial, fanIn, fanOut, part } of this.slots) {
      for (let i = part[0]; i < part[1]; i++) this.w[i] = drawInitial(initial, fanIn, fanOut, rng);
    }
  }
}

/** Give each slot its part of a flat vector. */
function place(slots, put) {
  let start = 0;
  for (const slot of slots) {
    slot.part = [start, start + product(slot.shape)];
    [, start] = slot.part;
    put(slot, slot.part);
  }
}

/** A number of an initializer; one that is not known here counts as glorot_uniform. */
function drawInitial({ type, value, mean = 0, std, low, high }, fanIn, fanOut, rng) {
  if (type === "zeros" || type === "ones") return type === "ones" ? 1 : 0;
  if (type === "constant") return value;
  if (type === "normal" || type === "truncated_normal") return mean + std * rng.normal();
  if (type === "uniform") return low + (high - low) * rng.uniform();
  const [kind] = type.split("_");
  const variance = kind === "he" ? 2 / fanIn : kind === "lecun" ? 1 / fanIn : 2 / (fanIn + fanOut);
  if (type.endsWith("_normal")) return Math.sqrt(variance) * rng.normal();
  return Math.sqrt(3 * variance) * (2 * rng.uniform() - 1);
}

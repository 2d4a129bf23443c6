// The bench of the laboratory: the run's network in training, with what the reader has changed.

/** The numbers of an array that the page holds: all first bytes, then all second ones, …, deflated. */
async function unpackNumbers({ dtype, data }) {
  const bytes = await inflate(data);
  const size = dtype === "float32" ? 4 : 8;
  const count = bytes.length / size;
  const joined = new Uint8Array(bytes.length);
  for (let i = 0; i < count; i++) for (let j = 0; j < size; j++) joined[i * size + j] = bytes[j * count + i];
  return Float64Array.from(size === 4 ? new Float32Array(joined.buffer) : new Float64Array(joined.buffer));
}

/** Optimizers that the reader may choose. */
const CHOICES = {
  sgd: { type: "sgd" }, "sgd with momentum": { type: "sgd", momentum: 0.9 }, adam: { type: "adam" }, adamw: { type: "adamw" }, rmsprop: { type: "rmsprop" },
};

/** The largest of some numbers, be they many. */
function largest(numbers) {
  return numbers.reduce((a, b) => Math.max(a, b), -Infinity);
}

class Bench {
  static async open(lab) {
    const [w, state, losses] = await Promise.all([lab.params, lab.state, lab.losses].map(unpackNumbers));
    const named = async (object, make) => Object.fromEntries(await Promise.all(Object.entries(object).map(async ([name, each]) => [name, await make(each)])));
    const splits = await named(lab.splits, async ({ n, x, t }) => ({ n, x: await unpackNumbers(x), t: await unpackNumbers(t) }));
    return new Bench(lab, { w, state, losses, splits, rates: await named(lab.rates, unpackNumbers) });
  }

  constructor(lab, held) {
    Object.assign(this, { lab, held, attempts: [] });
    this.last = lab.last;
    const { batch_size: size } = lab.training;
    this.recorded = {
      learning_rate: held.rates.learning_rate ? largest(held.rates.learning_rate) : lab.optimizer.learning_rate,
      optimizer: lab.optimizer.type,
      activation: null,
      width: 1,
      batch_size: size && size < held.splits.train.n ? size : "full",
      l2: lab.training.l2,
      dropout: null,
      noise: 0,
    };
    this.chosen = { ...this.recorded };
    this.rewind();
  }

  /** Settings that differ from those of the run. */
  get changes() {
    return Object.entries(this.chosen).filter(([name, value]) => value !== this.recorded[name]);
  }

  get pristine() {
    return !this.changes.length && this.splits === this.held.splits;
  }

  /** Begin again from the same weights: the run's own, or where widths differ others, always the same. */
  rewind() {
    if (this.train?.length) this.attempts = [...this.attempts, { name: this.name, losses: this.train }].slice(-3);
    this.splits ??= this.held.splits;
    Object.assign(this, { train: [], validation: [], worst: 0, most: -Infinity, faithful: this.pristine, diverged: false });
    const network = this.network();
    const { w, state } = this.held;
    if (this.chosen.width === 1) network.w.set(w);
    else network.draw(new Generator({ state: 20 }));
    if (network.state.length === state.length) network.state.set(state);
    const generators = Object.fromEntries(Object.entries(this.lab.generators).map(([name, saved]) => [name, new Generator(saved)]));
    this.trainer = new TrainerTwin({
      network, loss: buildLoss(this.lab.loss, network.output), optimizer: new OptimizerTwin(this.optimizer, network),
      samples: this.splits.train, settings: this.settings(), rng: generators.shuffle, noise: new Generator({ state: 10 }),
    });
    this.generators = generators;
    this.connect(network);
  }

  /** Let layers draw from the generators of the run. */
  connect(network) {
    for (const [name, layer] of Object.entries(network.named)) {
      Object.assign(layer, { rng: this.generators[name], single: this.lab.dtype === "float32" });
    }
  }

  /** Layers as they are chosen: what follows the last linear layer belongs to the loss, and stays. */
  get layers() {
    const { activation, width, dropout } = this.chosen;
    const change = (list, below) => {
      const last = below ? list.length : list.findLastIndex((layer) => JSON.stringify(layer).includes('"type":"linear"'));
      return list.map((layer, i) => {
        const hidden = i < last;
        if (activation && hidden && layer.type in ACTIVATIONS) return { type: activation, name: layer.name };
        const made = { ...layer };
        if (dropout !== null && layer.type === "dropout") made.rate = dropout;
        for (const size of ["units", "filters"]) if (hidden && layer[size]) made[size] = Math.max(1, Math.round(layer[size] * width));
        if (layer.layers) made.layers = change(layer.layers, hidden);
        if (layer.branches) made.branches = layer.branches.map((branch) => change(branch, hidden));
        return made;
      });
    };
    return change(this.lab.layers, false);
  }

  get optimizer() {
    const { optimizer } = this.lab;
    if (this.chosen.optimizer === optimizer.type) return optimizer;
    const given = CHOICES[this.chosen.optimizer];
    return { ...OPTIMIZERS[given.type].fields, ...given };
  }

  network() {
    return new Network(this.layers, this.lab.input);
  }

  settings() {
    const { batch_size, l2, noise, learning_rate } = this.chosen;
    const { rates } = this.held;
    const factor = learning_rate / this.recorded.learning_rate;
    const value = (table) => table[Math.min(this.moment(), table.length - 1)];
    return {
      ...this.lab.training, batch_size: batch_size === "full" ? null : batch_size, l2, noise,
      rate: () => (rates.learning_rate ? factor * value(rates.learning_rate) : learning_rate),
      decay: () => (rates.weight_decay && this.optimizer === this.lab.optimizer ? value(rates.weight_decay) : this.optimizer.weight_decay),
    };
  }

  /** The step of the run at which schedules are: after as many epochs, where batches have another size. */
  moment() {
    const { steps, epoch, position, samples } = this.trainer;
    const { n } = this.held.splits.train;
    const size = this.recorded.batch_size;
    if (this.faithful || (this.chosen.batch_size === size && samples.n === n)) return steps;
    return Math.floor((epoch + position / samples.n) * (size === "full" ? 1 : Math.ceil(n / size)));
  }

  /** Change a setting now, without a new beginning unless weights have other shapes. */
  choose(name, value) {
    this.chosen[name] = value;
    if (name === "width") {
      this.rewind();
      return;
    }
    this.touch();
    this.trainer.settings = this.settings();
    if (name === "optimizer") this.trainer.optimizer = new OptimizerTwin(this.optimizer, this.trainer.network);
    if (name === "activation" || name === "dropout") this.exchange();
  }

  /** What has been trained so far is no longer the run, or is it still, before the first step. */
  touch() {
    this.faithful = this.trainer.steps === 0 && this.pristine;
  }

  /** Put the layers as they are chosen in the place of those that are trained, with the same weights. */
  exchange() {
    const { trainer } = this;
    const network = this.network();
    network.w.set(trainer.network.w);
    network.state.set(trainer.network.state);
    trainer.network = trainer.optimizer.network = network;
    this.connect(network);
  }

  /** Train on other samples from now on; with more or fewer of them an epoch that has begun begins again. */
  edit(train) {
    this.splits = train ? { ...this.held.splits, train } : this.held.splits;
    if (this.splits.train.n !== this.trainer.samples.n) Object.assign(this.trainer, { position: 0, total: 0 });
    this.trainer.samples = this.splits.train;
    this.touch();
  }

  reset() {
    Object.assign(this, { chosen: { ...this.recorded }, splits: this.held.splits });
    this.rewind();
  }

  get done() {
    return this.diverged || this.trainer.epoch >= this.last;
  }

  /** Take a step; after the last one of an epoch compare its loss with the recorded one. */
  step() {
    const loss = this.trainer.step();
    if (loss === null) return false;
    const { epoch } = this.trainer;
    this.train.push(loss);
    this.most = Math.max(this.most, loss);
    this.name = this.describe();
    if (this.splits.validation) this.validation.push(this.trainer.measure(this.splits.validation));
    const place = this.lab.epochs.indexOf(epoch);
    if (this.faithful && place >= 0) {
      const recorded = this.held.losses[place];
      this.worst = Math.max(this.worst, Math.abs(loss - recorded) / (Math.abs(recorded) || 1));
    }
    this.diverged = !Number.isFinite(loss);
    return true;
  }

  /** Whether the whole run has been followed within the tolerance of its dtype. */
  get followed() {
    return this.faithful && this.trainer.epoch === this.last && this.worst <= this.lab.tolerance && !this.diverged;
  }

  /** What is changed, in a few words. */
  describe() {
    const told = this.changes.map(([name, value]) => `${name === "width" ? "units ×" : name.replace("_", " ")} ${value}`);
    if (this.splits !== this.held.splits) told.push("other points");
    return told.join(", ") || "nothing changed";
  }
}

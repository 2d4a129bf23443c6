/** Numbers of float32 or float64 in base64. */
function decode({ dtype, data }) {
  const { buffer } = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return Float64Array.from(dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer));
}

/** A function from raw inputs to predictions. A transform is y = (x - shift) / scale, cut off at `low` and `high`. */
function predictor({ layers, input, dtype, params, state, loss, inputs, targets }) {
  const network = new Network(layers, input);
  network.w.set(decode(params));
  network.state.set(decode(state));
  const read = buildLoss(loss, network.output);
  const apply = ({ shift, scale, low = -Infinity, high = Infinity }) => (x, i) => clip((x - shift[i % shift.length]) / scale[i % scale.length], low, high);
  const invert = ({ shift, scale }) => (y, i) => y * scale[i % scale.length] + shift[i % shift.length];
  return (rows) => {
    const given = Float64Array.from(rows.flat(Infinity));
    if (given.length !== rows.length * product(input)) throw new RangeError(`a row should have ${product(input)} numbers`);
    let x = inputs.reduce((values, transform) => values.map(apply(transform)), given);
    if (dtype === "float32") x = x.map(Math.fround);
    const y = targets.reduceRight((values, transform) => values.map(invert(transform)), read.predictions(network.forward(x, rows.length)));
    const k = product(network.output);
    return rows.map((_, i) => [...y.subarray(i * k, (i + 1) * k)]);
  };
}

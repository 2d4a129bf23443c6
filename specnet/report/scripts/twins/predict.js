/** Numbers of float32 or float64 in base64. */
function decode({ dtype, data }) {
  const { buffer } = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return Float64Array.from(dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer));
}

/** The numbers of rows, lists of any depth, one after the other; each row has `size` finite ones. */
function readRows(rows, size) {
  if (!Array.isArray(rows)) throw new TypeError("rows should be a list of rows");
  const values = new Float64Array(rows.length * size);
  rows.forEach((row, i) => {
    const numbers = ArrayBuffer.isView(row) ? [...row] : [row].flat(Infinity);
    if (numbers.length !== size) throw new RangeError(`row ${i} has ${numbers.length} numbers, not ${size}`);
    const wrong = numbers.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw new TypeError(`row ${i} has ${numbers[wrong]} as number ${wrong}: it should be finite`);
    values.set(numbers, i * size);
  });
  return values;
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
    let x = inputs.reduce((values, transform) => values.map(apply(transform)), readRows(rows, product(input)));
    if (dtype === "float32") x = x.map(Math.fround);
    const y = targets.reduceRight((values, transform) => values.map(invert(transform)), read.predictions(network.forward(x, rows.length)));
    const k = product(network.output);
    return rows.map((_, i) => [...y.subarray(i * k, (i + 1) * k)]);
  };
}

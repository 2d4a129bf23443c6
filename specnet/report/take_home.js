// The reader's changes as values of a spec.

/** Pairs of a place in the spec and its new value. */
function changedValues(bench) {
  const { lab, chosen, recorded } = bench;
  const found = [];
  const rate = lab.optimizer.learning_rate;
  if (chosen.optimizer !== recorded.optimizer) {
    const { type, momentum } = bench.optimizer;
    found.push(["optimizer", { type, learning_rate: chosen.learning_rate, ...(momentum ? { momentum } : {}) }]);
  } else if (chosen.learning_rate !== recorded.learning_rate) {
    const scaled = Number(((rate.initial * chosen.learning_rate) / recorded.learning_rate).toPrecision(3));
    found.push(rate.initial ? ["optimizer.learning_rate.initial", scaled] : ["optimizer.learning_rate", chosen.learning_rate]);
  }
  found.push(...changedLayers(lab.layers, bench.layers, "layers"));
  if (chosen.batch_size !== recorded.batch_size) found.push(["training.batch_size", chosen.batch_size]);
  if (chosen.l2 !== recorded.l2) found.push(["training.l2", chosen.l2]);
  if (chosen.noise) found.push(["transforms.inputs", [...(lab.spec.transforms?.inputs ?? []), { type: "gaussian_noise", std: chosen.noise }]]);
  return found;
}

/** What differs in layers: another type, or units, filters and rates. */
function changedLayers(before, after, place) {
  return before.flatMap((layer, i) => {
    const made = after[i];
    const here = `${place}.${i}`;
    if (made.type !== layer.type) return [[here, made.type]];
    const own = ["units", "filters", "rate"].filter((name) => made[name] !== layer[name]).map((name) => [`${here}.${name}`, made[name]]);
    const inside = layer.layers ? changedLayers(layer.layers, made.layers, `${here}.layers`) : [];
    const branches = (layer.branches ?? []).flatMap((branch, j) => changedLayers(branch, made.branches[j], `${here}.branches.${j}`));
    return [...own, ...inside, ...branches];
  });
}

/** The spec with the changes in it, and a note about what no spec says. */
function specText(bench) {
  const spec = structuredClone(bench.lab.spec);
  for (const [place, value] of changedValues(bench)) setAt(spec, place.split("."), value);
  return JSON.stringify(spec, null, 2);
}

/** Set a value in a spec, in which a component may be its bare name. */
function setAt(value, [key, ...rest], wanted) {
  if (!rest.length) value[key] = wanted;
  else {
    if (typeof value[key] !== "object" || value[key] === null) value[key] = value[key] ? { type: value[key] } : {};
    setAt(value[key], rest, wanted);
  }
}

/** The changes as options of a command, quoted for a shell. */
function setText(bench) {
  const options = changedValues(bench).map(([place, value]) => {
    const text = `${place}=${JSON.stringify(value)}`;
    return `--set ${/^[\w.=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`}`;
  });
  return options.join(" ") || "# nothing is changed";
}

/** The training samples in the units of the data. */
function csvText(scene) {
  const [{ inputs, truth }] = scene.splits();
  const { axes, classes, outputs } = scene.run;
  const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = [...axes.map(({ name }) => name), ...(classes ? ["class"] : outputs)];
  const rows = truth.map((each, i) => [...inputs.map((column) => column[i]), ...(classes ? [classes[each]] : each)]);
  return [names, ...rows].map((row) => row.map((cell) => quote(String(cell))).join(",")).join("\n");
}

// The reader's changes as values of a spec.

/** Pairs of a place in the spec and its new value. */
function changedValues(bench) {
  const { lab, chosen, recorded } = bench;
  const found = [];
  const schedule = bench.held.rates.learning_rate ? lab.spec.optimizer.learning_rate : null;
  const rate = schedule ? scaledRate(schedule, chosen.learning_rate / recorded.learning_rate) : chosen.learning_rate;
  if (chosen.optimizer !== recorded.optimizer) {
    const { type, momentum } = bench.optimizer;
    found.push(["optimizer", { type, learning_rate: rate, ...(momentum ? { momentum } : {}) }]);
  } else if (chosen.learning_rate !== recorded.learning_rate) {
    const parts = Object.keys(schedule ?? {}).filter((name) => JSON.stringify(rate[name]) !== JSON.stringify(schedule[name]));
    found.push(...(schedule ? parts.map((name) => [`optimizer.learning_rate.${name}`, rate[name]]) : [["optimizer.learning_rate", rate]]));
  }
  found.push(...changedLayers(lab.layers, bench.layers, "layers"));
  if (chosen.batch_size !== recorded.batch_size) found.push(["training.batch_size", chosen.batch_size]);
  if (chosen.l2 !== recorded.l2) found.push(["training.l2", chosen.l2]);
  if (chosen.noise) found.push(["transforms.inputs", [...(lab.spec.transforms?.inputs ?? []), { type: "gaussian_noise", std: chosen.noise }]]);
  return found;
}

const RATE_FIELDS = ["initial", "final", "maximum", "minimum", "value", "values", "from", "schedule", "schedules"];

/** A rate, a list of them, or a schedule with all of its values, times a factor. */
function scaledRate(rate, factor) {
  if (typeof rate === "number") return Number((rate * factor).toPrecision(12));
  if (Array.isArray(rate)) return rate.map((each) => scaledRate(each, factor));
  return Object.fromEntries(Object.entries(rate).map(([name, value]) => [name, RATE_FIELDS.includes(name) ? scaledRate(value, factor) : value]));
}

/** What differs in layers: another type, or units, filters and rates. */
function changedLayers(before, after, place) {
  return before.flatMap((layer, i) => {
    const made = after[i];
    const here = `${place}.${i}`;
    if (made.type !== layer.type) return [[here, layer.name ? { name: layer.name, type: made.type } : made.type]];
    const own = ["units", "filters", "rate"].filter((name) => made[name] !== layer[name]).map((name) => [`${here}.${name}`, made[name]]);
    const inside = layer.layers ? changedLayers(layer.layers, made.layers, `${here}.layers`) : [];
    const branches = (layer.branches ?? []).flatMap((branch, j) => changedLayers(branch, made.branches[j], `${here}.branches.${j}`));
    return [...own, ...inside, ...branches];
  });
}

/** What a spec does not say of the changes. */
function remarks(bench) {
  const { chosen, recorded, held: kept, lab } = bench;
  const scheduled = Boolean(kept.rates.learning_rate);
  const watches = scheduled && JSON.stringify(lab.optimizer.learning_rate).includes('"monitor"');
  return [
    [bench.splits !== kept.splits, "Points that you changed are not part of a spec: copy them as CSV."],
    [chosen.width !== 1, "With different widths, Python starts from different weights than this page."],
    [chosen.noise, "Python draws different random numbers for the noise."],
    [watches, "Here the learning rate falls where it fell in the recorded run; in Python it depends on the value that it monitors."],
    [scheduled && chosen.batch_size !== recorded.batch_size, "With a different batch size, this page follows the schedule of the learning rate only roughly."],
  ].filter(([holds]) => holds).map(([, text]) => text);
}

/** The spec with the changes in it. */
function specText(bench) {
  const spec = structuredClone(bench.lab.spec);
  for (const [place, value] of changedValues(bench)) setAt(spec, place.split("."), value, bench.lab);
  return JSON.stringify(spec, null, 2);
}

/** Set a value in a spec, in which a component may be its bare name, or the one that is `known` by default. */
function setAt(value, [key, ...rest], wanted, known) {
  if (!rest.length) value[key] = wanted;
  else {
    const type = value[key] ?? known?.[key]?.type;
    if (typeof type !== "object") value[key] = type ? { type } : {};
    setAt(value[key], rest, wanted, known?.[key]);
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

// The controls, and what follows them: scenes, cursors, and the cells of tables that show an epoch.

class Player {
  /** `show` is called with a place in the epochs whenever that changes. */
  constructor(controls, epochs, show) {
    const find = (name) => controls.querySelector(`[data-${name}]`);
    Object.assign(this, { epochs, show, place: epochs.length - 1, timer: null });
    this.slider = find("slider");
    this.playButton = find("play");
    this.speed = find("speed");
    this.slider.max = epochs.length - 1;
    this.slider.addEventListener("input", () => this.jump(Number(this.slider.value)));
    this.speed.addEventListener("change", () => this.timer && this.play());
    this.playButton.addEventListener("click", () => this.toggle());
    for (const [name, move] of Object.entries(this.moves)) find(name)?.addEventListener("click", move);
    document.addEventListener("keydown", (event) => this.key(event));
    for (const place of evenly(epochs.length, 7)) this.tick(find("ticks"), place, epochs[place]);
    if (held.best !== null) this.tick(find("ticks"), nearest(epochs, held.best), "★");
    this.go(this.place);
  }

  /** Write below the slider what is at a place: it goes from frame to frame, and curves from epoch to epoch. */
  tick(ticks, place, text) {
    const made = element("span", {}, String(text));
    made.style.left = `${(100 * place) / Math.max(1, this.epochs.length - 1)}%`;
    ticks.append(made);
  }

  get moves() {
    return {
      first: () => this.jump(0),
      back: () => this.jump(this.place - 1),
      forward: () => this.jump(this.place + 1),
      last: () => this.jump(this.epochs.length - 1),
      best: () => held.best !== null && this.seek(held.best),
    };
  }

  go(place) {
    this.place = Math.min(Math.max(place, 0), this.epochs.length - 1);
    this.slider.value = this.place;
    this.show(this.place);
  }

  /** Go where the reader wants to look, and stay there. */
  jump(place) {
    this.pause();
    this.go(place);
  }

  seek(epoch) {
    this.jump(nearest(this.epochs, epoch));
  }

  toggle() {
    if (this.timer) this.pause();
    else this.play();
  }

  play() {
    this.pause();
    if (this.place === this.epochs.length - 1) this.go(0);
    // At normal speed a replay takes ten seconds, unless it has very few frames or very many.
    const rate = Number(this.speed.value) * Math.min(Math.max(this.epochs.length / 10, 2), 20);
    this.timer = setInterval(() => {
      this.go(this.place + 1);
      if (this.place === this.epochs.length - 1) this.pause();
    }, 1000 / rate);
    this.button("Pause", true);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.button("Play", false);
  }

  button(label, playing) {
    this.playButton.setAttribute("aria-label", label);
    this.playButton.title = `${label} (space)`;
    this.playButton.classList.toggle("playing", playing);
  }

  key(event) {
    const { first, back, forward, last, best } = this.moves;
    const moves = { Home: first, ArrowLeft: back, ArrowRight: forward, End: last, b: best, " ": () => this.toggle() };
    const owner = event.target.closest("input, select, button, summary, [tabindex]");
    // The slider moves by itself, and a button does nothing with arrows.
    const taken = owner === this.slider ? !" b".includes(event.key) : owner?.localName === "button" ? event.key === " " : owner !== null;
    if (taken || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || !(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }
}

/** At most `most` of the first whole numbers, evenly spaced. */
function evenly(count, most) {
  const steps = Math.min(count, most) - 1;
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, steps)));
}

/** A replay of one run, in the figure that waits for it. */
async function openScene(figure, run) {
  const arrays = Object.fromEntries(await Promise.all(
    Object.entries(run.arrays).map(async ([name, packed]) => [name, await unpack(packed)]),
  ));
  const stage = figure.querySelector(".stage");
  const scene = new KINDS[run.kind](run, arrays, stage);
  const when = figure.querySelector("[data-when]");
  let frame = run.epochs.length - 1;
  new ResizeObserver(() => scene.draw(frame)).observe(stage);
  return {
    arrays,
    epochs: run.epochs,
    redraw: () => scene.draw(frame),
    show(epoch) {
      frame = Math.max(0, lastUpTo(run.epochs, epoch));
      if (when) when.textContent = moment(run, frame);
      scene.draw(frame);
    },
  };
}

/** When a frame was, and how large the loss was then. */
function moment(run, frame) {
  const epoch = run.epochs[frame];
  const loss = run.losses[frame];
  return `epoch ${epoch}${epoch === 0 ? ", initial weights" : loss === null ? "" : `, train/loss ${show(loss)}`}`;
}

/** Let the curves of one run stand out, or of none. */
function highlight(run) {
  for (const line of document.querySelectorAll(".plot path[data-run]")) line.classList.toggle("dim", run !== null && line.dataset.run !== run);
}

async function start() {
  const scenes = await Promise.all(held.runs.map((run, i) => {
    const figure = document.querySelector(`[data-scene="${i}"]`);
    return run && figure ? openScene(figure, run) : null;
  }));
  const shown = scenes.filter((scene) => scene !== null);
  const epochs = [...new Set(shown.flatMap((scene) => scene.epochs))].sort((a, b) => a - b);
  const handle = { epoch: null, scenes };
  let player = null;
  const seek = (epoch) => (player ? player.seek(epoch) : follow(epoch));
  const charts = [...document.querySelectorAll("[data-panel]")].map(
    (figure) => new Chart(figure, held.panels[Number(figure.dataset.panel)], seek),
  );
  for (const made of document.querySelectorAll("path[data-run]")) ink(made, Number(made.dataset.run));
  for (const row of document.querySelectorAll("[data-row]")) {
    for (const type of ["pointerenter", "pointerleave"]) row.addEventListener(type, () => highlight(type === "pointerenter" ? row.dataset.row : null));
  }
  const cells = [...document.querySelectorAll("[data-cell]")].map((cell) => {
    const [panel, name] = JSON.parse(cell.dataset.cell);
    return [cell, held.panels[panel].series.find((series) => series.name === name)];
  });

  function follow(epoch) {
    handle.epoch = epoch;
    document.documentElement.dataset.epoch = epoch;
    for (const chart of charts) chart.cursor(epoch);
    for (const [cell, series] of cells) cell.textContent = show(valueAt(series, epoch));
    for (const each of document.querySelectorAll("[data-now]")) each.textContent = epoch;
  }

  function step(place) {
    const epoch = epochs[place];
    for (const scene of shown) scene.show(epoch);
    const known = held.runs.filter((run) => run);
    const told = known.length === 1 ? moment(known[0], place).replace(/^epoch \d+/, "") : "";
    document.getElementById("readout").textContent = `epoch ${epoch} of ${held.last}${told}`;
    document.querySelector("[data-slider]").setAttribute("aria-valuetext", `epoch ${epoch} of ${held.last}${told}`);
    follow(epoch);
  }

  const stills = [];
  for (const figure of document.querySelectorAll("[data-still]")) {
    const still = held.stills[Number(figure.dataset.still)];
    const drawn = new STILLS[still.kind](still, {}, figure);
    stills.push(drawn);
    new ResizeObserver(() => drawn.draw()).observe(figure);
  }
  if (epochs.length) player = new Player(document.getElementById("controls"), epochs, step);
  else follow(held.last);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    theme = readTheme();
    for (const scene of shown) scene.redraw();
    for (const still of stills) still.draw();
  });
  window.specnet = handle;
  document.documentElement.dataset.ready = "";
}

start();

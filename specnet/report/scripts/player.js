// The controls, and what follows them: scenes, cursors, and the cells of tables that show an epoch.

class Player {
  /** `show` is called with a place in the epochs whenever that changes. */
  constructor(controls, epochs, show) {
    const find = (name) => controls.querySelector(`[data-${name}]`);
    Object.assign(this, { show, timer: null });
    this.slider = find("slider");
    this.playButton = find("play");
    this.speed = find("speed");
    this.ticks = find("ticks");
    this.slider.addEventListener("input", () => this.jump(Number(this.slider.value)));
    this.speed.addEventListener("change", () => this.timer && this.play());
    this.playButton.addEventListener("click", () => this.toggle());
    for (const [name, move] of Object.entries(this.moves)) find(name)?.addEventListener("click", move);
    document.addEventListener("keydown", (event) => this.key(event));
    this.load(epochs);
  }

  /** Play these epochs from now on. */
  load(epochs) {
    this.pause();
    this.epochs = epochs;
    this.slider.max = epochs.length - 1;
    this.ticks.replaceChildren();
    for (const place of evenly(epochs.length, 7)) this.tick(place, epochs[place]);
    if (held.best !== null) this.tick(nearest(epochs, held.best), "★");
    this.go(epochs.length - 1);
  }

  /** Write below the slider what is at a place: it goes from frame to frame, and curves from epoch to epoch. */
  tick(place, text) {
    const made = element("span", {}, String(text));
    made.style.left = `${(100 * place) / Math.max(1, this.epochs.length - 1)}%`;
    this.ticks.append(made);
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
    const owner = event.target.closest("input, select, textarea, button, summary, [tabindex]");
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
  const text = document.querySelector("[data-written]");
  let frame = run.epochs.length - 1;
  const observer = new ResizeObserver(() => scene.draw(frame));
  observer.observe(stage);
  return {
    arrays,
    run,
    epochs: run.epochs,
    close: () => observer.disconnect(),
    redraw: () => scene.draw(frame),
    show(epoch) {
      frame = Math.max(0, lastUpTo(run.epochs, epoch));
      if (when) when.textContent = moment(run, frame);
      scene.draw(frame);
      if (text) text.textContent = run.texts[frame];
    },
  };
}

/** When a frame was, and how large the loss was then. */
function moment(run, frame) {
  const epoch = run.epochs[frame];
  const loss = run.losses[frame];
  return `epoch ${epoch}${epoch === 0 ? ", initial weights" : loss === null ? "" : `, train/loss ${show(loss)}`}`;
}

/** Draws the charts and other pictures of a page; `play` shows scenes with the controls, instead of the earlier ones. */
class Page {
  constructor() {
    Object.assign(this, { scenes: [], epochs: [], player: null });
    this.charts = [...document.querySelectorAll("[data-panel]")].map(
      (figure) => new Chart(figure, held.panels[Number(figure.dataset.panel)], (epoch) => this.seek(epoch)),
    );
    for (const made of document.querySelectorAll("path[data-run]")) ink(made, Number(made.dataset.run));
    this.cells = [...document.querySelectorAll("[data-cell]")].map((cell) => {
      const [panel, name] = JSON.parse(cell.dataset.cell);
      return [cell, held.panels[panel].series.find((series) => series.name === name)];
    });
    this.stills = [...document.querySelectorAll("[data-still]")].map((figure) => {
      const still = held.stills[Number(figure.dataset.still)];
      const drawn = new STILLS[still.kind](still, {}, figure);
      new ResizeObserver(() => drawn.draw()).observe(figure);
      return drawn;
    });
    this.inside = held.inside && new Inside(held.inside);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      theme = readTheme();
      for (const scene of this.scenes) scene.redraw();
      for (const still of this.stills) still.draw();
    });
    this.handle = { epoch: null, scenes: [] };
    window.specnet = this.handle;
  }

  seek(epoch) {
    if (this.player && this.epochs.length) this.player.seek(epoch);
    else this.follow(epoch);
  }

  follow(epoch) {
    this.handle.epoch = epoch;
    document.documentElement.dataset.epoch = epoch;
    for (const chart of this.charts) chart.cursor(epoch);
    this.inside?.show(epoch);
    for (const [cell, series] of this.cells) cell.textContent = show(valueAt(series, epoch));
    for (const each of document.querySelectorAll("[data-now]")) each.textContent = epoch;
  }

  play(scenes) {
    for (const scene of this.scenes) scene.close();
    this.scenes = scenes;
    this.epochs = [...new Set(scenes.flatMap((scene) => scene.epochs))].sort((a, b) => a - b);
    const controls = document.getElementById("controls");
    if (controls) controls.hidden = !this.epochs.length;
    if (!this.epochs.length) this.follow(held.last);
    else if (this.player) this.player.load(this.epochs);
    else this.player = new Player(controls, this.epochs, (place) => this.step(place));
  }

  step(place) {
    const epoch = this.epochs[place];
    for (const scene of this.scenes) scene.show(epoch);
    const told = this.scenes.length === 1 ? moment(this.scenes[0].run, place).replace(/^epoch \d+/, "") : "";
    document.getElementById("readout").textContent = `epoch ${epoch} of ${held.last}${told}`;
    document.querySelector("[data-slider]").setAttribute("aria-valuetext", `epoch ${epoch} of ${held.last}${told}`);
    this.follow(epoch);
  }
}

/** The page with a scene in each figure that waits for one. */
async function openPage() {
  const page = new Page();
  const scenes = await Promise.all(held.runs.map((run, i) => {
    const figure = document.querySelector(`[data-scene="${i}"]`);
    return run && figure ? openScene(figure, run) : null;
  }));
  page.handle.scenes = scenes;
  page.play(scenes.filter((scene) => scene !== null));
  return page;
}

// A value of each run against a parameter in which the runs differ.

const SIDE = { left: 50, right: 14, top: 10, bottom: 44 };

class Dots {
  /** Draws a picture into a figure; `point` is called with the number of a run that is pointed at, `choose` after a click. */
  constructor(figure, picture, point, choose) {
    Object.assign(this, { picture, point, choose, chosen: null });
    const described = `${picture.points.length} runs, from ${show(Math.min(...this.values))} to ${show(Math.max(...this.values))}`;
    this.svg = element("svg", { role: "img", "aria-label": `${figure.innerText} of ${described}` });
    this.tip = element("div", { class: "tip", hidden: "" });
    figure.append(element("div", { class: "plot" }, this.svg, this.tip));
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("click", (event) => {
      const found = this.at(event);
      if (found) this.choose(found[2]);
    });
    new ResizeObserver(() => this.draw()).observe(this.svg.parentElement);
  }

  get values() {
    return this.picture.points.map(([, y]) => y);
  }

  draw() {
    const [width, height] = [this.svg.clientWidth, this.svg.clientHeight];
    if (!width || !this.picture.points.length) return;
    const { names, log, points } = this.picture;
    const [bottom, right] = [height - SIDE.bottom, width - SIDE.right];
    const margin = 0.08 * (Math.max(...this.values) - Math.min(...this.values)) || Math.abs(this.values[0]) / 10 || 1;
    this.y = linearScale(Math.min(...this.values) - margin, Math.max(...this.values) + margin, bottom, SIDE.top);
    const xs = points.map(([x]) => x);
    const [low, high] = names ? [-0.5, names.length - 0.5] : [Math.min(...xs), Math.max(...xs)];
    const room = high > low ? 0.05 : 0.5;
    if (log) this.x = logScale(low * (low / high) ** room, high * (high / low) ** room, SIDE.left, right);
    else this.x = linearScale(names ? low : low - (room * (high - low || 1)), names ? high : high + (room * (high - low || 1)), SIDE.left, right);
    const parts = [];
    const ticks = this.y.ticks(4);
    const told = nameTicks(ticks, 7).names;
    ticks.forEach((tick, i) => {
      parts.push(element("line", { class: "grid", x1: SIDE.left, x2: right, y1: this.y(tick), y2: this.y(tick) }));
      parts.push(element("text", { x: SIDE.left - 6, y: this.y(tick) + 4, "text-anchor": "end" }, told[i]));
    });
    parts.push(element("line", { class: "axis", x1: SIDE.left, x2: right, y1: bottom, y2: bottom }));
    parts.push(...(names ? this.nameTexts(names, bottom, right) : this.nameNumbers(bottom, width)));
    this.dots = points.map(([x, y, run], i) => {
      const dot = ink(element("circle", { class: "dot", cx: this.x(x) + (names ? this.aside(i) : 0), cy: this.y(y), r: 4 }), held.owners[run]);
      dot.dataset.run = held.owners[run];
      dot.classList.toggle("chosen", run === this.chosen);
      return dot;
    });
    this.svg.replaceChildren(...parts, ...this.means(), ...this.dots);
  }

  /** Dots of one text stand beside each other, as far as there is room. */
  aside(i) {
    const [x] = this.picture.points[i];
    const alike = this.picture.points.filter(([other]) => other === x);
    const rank = alike.indexOf(this.picture.points[i]);
    const width = Math.min(0.6 * (this.x(1) - this.x(0)), 9 * (alike.length - 1));
    return alike.length > 1 ? (rank / (alike.length - 1) - 0.5) * width : 0;
  }

  /** A line at the mean of the runs with the same text or number, where there are several. */
  means() {
    const groups = Map.groupBy(this.picture.points, ([x]) => x);
    const several = [...groups].filter(([, points]) => points.length > 1);
    if (several.length < 2) return [];
    const half = this.picture.names ? 0.36 * (this.x(1) - this.x(0)) : 7;
    return several.map(([x, points]) => {
      const mean = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
      return element("line", { class: "mean", x1: this.x(x) - half, x2: this.x(x) + half, y1: this.y(mean), y2: this.y(mean) });
    });
  }

  nameTexts(names, bottom, right) {
    const room = (right - SIDE.left) / names.length;
    const letters = Math.max(1, Math.floor(room / 6.2));
    const stride = letters < 3 ? Math.ceil(20 / room) : 1;
    return names.flatMap((name, i) => {
      if (i % stride) return [];
      // Every second name stands lower where they are long.
      const lower = names.length > 1 && name.length > letters && i % 2;
      const most = names.length > 1 ? 2 * letters : letters;
      const text = name.length > most ? `${name.slice(0, Math.max(1, most - 1))}…` : name;
      return [element("text", { x: this.x(i), y: bottom + (lower ? 31 : 16), "text-anchor": "middle" }, text)];
    });
  }

  nameNumbers(bottom, width) {
    const ticks = this.x.ticks(width < 300 ? 3 : 5);
    const { names } = nameTicks(ticks, 8);
    return ticks.flatMap((tick, i) => [
      element("line", { class: "tick", x1: this.x(tick), x2: this.x(tick), y1: bottom, y2: bottom + 4 }),
      element("text", { x: this.x(tick), y: bottom + 17, "text-anchor": "middle" }, names[i]),
    ]);
  }

  /** The point that is nearest to the pointer, if it is near. */
  at(event) {
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const away = this.dots.map((dot) => Math.hypot(dot.cx.baseVal.value - x, dot.cy.baseVal.value - y));
    const least = away.reduce((best, each, i) => (each < away[best] ? i : best), 0);
    return away[least] < 24 ? this.picture.points[least] : null;
  }

  hover(event) {
    const found = this.at(event);
    if (!found) {
      this.leave();
      return;
    }
    const [x, y, run] = found;
    this.point(run);
    const { names, title } = this.picture;
    this.tip.replaceChildren(
      element("div", {}, element("b", {}, held.labels[run])), element("div", {}, `${title}: ${names ? names[x] : show(x)}`), element("div", {}, show(y)),
    );
    this.tip.hidden = false;
    const left = event.clientX - this.svg.getBoundingClientRect().left;
    const width = this.svg.clientWidth;
    this.tip.style.left = `${Math.max(0, Math.min(left < width / 2 ? left + 12 : left - 12 - this.tip.offsetWidth, width - this.tip.offsetWidth))}px`;
  }

  leave() {
    this.tip.hidden = true;
    this.point(null);
  }

  mark(run) {
    this.chosen = run;
    this.draw();
  }
}

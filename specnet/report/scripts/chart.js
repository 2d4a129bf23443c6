// Curves over the epochs: lines with a legend of their values at the cursor.

const MARGIN = { left: 50, right: 12, top: 8, bottom: 34 };

class Chart {
  /** Draws a panel into a figure; `seek` is called with an epoch that is clicked at. */
  constructor(figure, panel, seek) {
    this.figure = figure;
    this.series = panel.series;
    this.log = panel.log;
    this.epoch = held.last;
    this.seek = seek;
    this.svg = element("svg", { role: "img", "aria-label": this.describe(panel) });
    this.tip = element("div", { class: "tip", hidden: "" });
    this.legend = element("ul", { class: "legend" });
    this.values = this.series.map((series) => {
      const value = element("span", { class: "value" });
      if (!held.many) this.legend.append(element("li", {}, swatch(series), element("span", {}, series.name), value));
      return value;
    });
    if (panel.log !== null) figure.querySelector("figcaption").append(this.scaleButton());
    figure.append(this.legend, element("div", { class: "plot" }, this.svg, this.tip));
    this.svg.addEventListener("pointerdown", (event) => this.seek(this.epochAt(event)));
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    new ResizeObserver(() => this.draw()).observe(this.svg.parentElement);
  }

  /** The panel in words, for who cannot see it. */
  describe(panel) {
    const curves = this.series.map(({ name, x, y }) => {
      const known = y.filter((value) => value !== null);
      if (!known.length) return `${name}: no numbers`;
      const range = `between ${show(Math.min(...known))} and ${show(Math.max(...known))}`;
      return `${name}: from ${show(known[0])} to ${show(known.at(-1))} at epoch ${x.at(-1)}, ${range}`;
    });
    return `${panel.title} over the epochs. ${curves.join("; ")}`;
  }

  scaleButton() {
    const button = element("button", { type: "button", class: "scale", "aria-pressed": this.log }, "log scale");
    button.addEventListener("click", () => {
      this.log = !this.log;
      button.setAttribute("aria-pressed", this.log);
      this.draw();
    });
    return button;
  }

  draw() {
    const width = this.svg.clientWidth;
    const height = this.svg.clientHeight;
    if (!width) return;
    this.x = linearScale(0, Math.max(held.last, 1), MARGIN.left, width - MARGIN.right);
    this.y = this.yScale(height - MARGIN.bottom, MARGIN.top);
    const bottom = height - MARGIN.bottom;
    const parts = [];
    const ticks = this.y.ticks(4);
    const { names, offset } = nameTicks(ticks, 7);
    for (const [i, tick] of ticks.entries()) {
      const y = this.y(tick);
      parts.push(element("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }));
      parts.push(element("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, names[i]));
    }
    if (offset) parts.push(element("text", { class: "offset", x: MARGIN.left + 4, y: MARGIN.top + 6 }, `${offset > 0 ? "+" : "−"}${written(Math.abs(offset))}`));
    const epochs = this.x.ticks(width < 420 ? 4 : 6, true);
    const epochNames = nameTicks(epochs, 7).names;
    for (const [i, tick] of epochs.entries()) {
      parts.push(element("line", { class: "tick", x1: this.x(tick), x2: this.x(tick), y1: bottom, y2: bottom + 4 }));
      parts.push(element("text", { x: this.x(tick), y: bottom + 16, "text-anchor": "middle" }, epochNames[i]));
    }
    parts.push(element("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }));
    parts.push(element("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: height - 4, "text-anchor": "middle" }, "epoch"));
    for (const series of this.series) parts.push(...this.line(series));
    if (held.best !== null) {
      parts.push(element("line", { class: "best", x1: this.x(held.best), x2: this.x(held.best), y1: MARGIN.top, y2: bottom }));
      parts.push(element("text", { class: "best", x: this.x(held.best), y: MARGIN.top + 4, "text-anchor": "middle" }, "★"));
    }
    this.mark = element("g", { class: "mark" });
    this.svg.replaceChildren(...parts, this.mark);
    this.cursor(this.epoch);
  }

  yScale(from, to) {
    const known = this.series.flatMap((series) => [...series.y, ...(series.low ?? []), ...(series.high ?? [])])
      .filter((y) => y !== null && (y > 0 || !this.log));
    const low = known.reduce((a, b) => Math.min(a, b), Infinity);
    const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
    if (this.log) return high > low ? logScale(low * (low / high) ** 0.04, high * (high / low) ** 0.04, from, to) : logScale(low / 2, high * 2, from, to);
    const margin = high > low ? 0.06 * (high - low) : Math.abs(high) || 1;
    return linearScale(low < 0 || low > margin ? low - margin : 0, high + margin, from, to);
  }

  shown(y) {
    return y !== null && (y > 0 || !this.log);
  }

  line({ x, y, color, dash, low, high }) {
    let path = "";
    let pen = "M";
    x.forEach((epoch, i) => {
      if (this.shown(y[i])) path += `${pen}${this.x(epoch).toFixed(1)} ${this.y(y[i]).toFixed(1)}`;
      pen = this.shown(y[i]) ? "L" : "M";
    });
    const parts = [ink(element("path", { class: "line", d: path, "stroke-dasharray": DASHES[held.many ? 0 : dash % 4] }), color)];
    if (low) parts.unshift(this.band(x, low, high, color));
    for (const part of parts) {
      part.dataset.run = color;
      part.classList.toggle("chosen", held.picked === color && Boolean(held.many));
    }
    if (held.many || low) return parts;
    if (x.length <= 20) x.forEach((epoch, i) => this.shown(y[i]) && parts.push(this.dot(epoch, y[i], color)));
    return parts;
  }

  /** The area between two curves; where the lower one is not shown it begins at the axis. */
  band(x, low, high, color) {
    const places = x.map((_, i) => i).filter((i) => this.shown(high[i]));
    const bottom = this.svg.clientHeight - MARGIN.bottom;
    const up = places.map((i) => `${this.x(x[i]).toFixed(1)} ${this.y(high[i]).toFixed(1)}`);
    const down = places.map((i) => `${this.x(x[i]).toFixed(1)} ${(this.shown(low[i]) ? this.y(low[i]) : bottom).toFixed(1)}`);
    const d = places.length ? `M${[...up, ...down.reverse()].join("L")}Z` : "";
    return ink(element("path", { class: "band", d }), color);
  }

  dot(epoch, value, color) {
    return ink(element("circle", { class: "dot", cx: this.x(epoch), cy: this.y(value), r: 3 }), color);
  }

  /** Move the cursor to an epoch. */
  cursor(epoch) {
    this.epoch = epoch;
    this.series.forEach((series, i) => { this.values[i].textContent = show(valueAt(series, epoch)); });
    if (!this.mark) return;
    const x = this.x(epoch);
    const dots = this.series.flatMap((series) => {
      const place = lastUpTo(series.x, epoch);
      return place >= 0 && this.shown(series.y[place]) ? [this.dot(series.x[place], series.y[place], series.color)] : [];
    });
    const bottom = this.svg.clientHeight - MARGIN.bottom;
    this.mark.replaceChildren(element("line", { class: "cursor", x1: x, x2: x, y1: MARGIN.top, y2: bottom }), ...dots);
  }

  epochAt(event) {
    const wanted = this.x.invert(event.clientX - this.svg.getBoundingClientRect().left);
    const candidates = this.series.filter(({ x }) => x.length).map(({ x }) => x[nearest(x, wanted)]);
    return candidates.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a), Infinity);
  }

  hover(event) {
    const epoch = this.epochAt(event);
    if (event.buttons & 1) this.seek(epoch);
    // Of many curves those are named that are nearest to the pointer.
    const away = (series) => Math.abs(this.y(valueAt(series, epoch) ?? NaN) - event.offsetY);
    const named = held.many ? [...this.series].sort((a, b) => away(a) - away(b)).slice(0, 5) : this.series;
    const rows = named.map((series) =>
      element("div", {}, swatch(series), ` ${series.name} `, element("b", {}, show(valueAt(series, epoch))), rangeAt(series, epoch)));
    this.tip.replaceChildren(element("div", { class: "epoch" }, `epoch ${epoch}`), ...rows);
    this.tip.hidden = false;
    const x = this.x(epoch);
    const width = this.svg.clientWidth;
    const left = x < width / 2 ? x + 10 : x - 10 - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(left, width - this.tip.offsetWidth))}px`;
  }

  leave() {
    this.tip.hidden = true;
  }
}

/** What a curve says of an epoch: its last value until then; nothing before its first. */
function valueAt({ x, y }, epoch) {
  return y[lastUpTo(x, epoch)];
}

/** The band of a group at an epoch, in words. */
function rangeAt({ x, low, high }, epoch) {
  return low ? ` (${show(valueAt({ x, y: low }, epoch))} to ${show(valueAt({ x, y: high }, epoch))})` : "";
}

function swatch({ color, dash }) {
  const line = ink(element("path", { class: "line", d: "M0 6H24", "stroke-dasharray": DASHES[held.many ? 0 : dash % 4] }), color);
  return element("svg", { class: "swatch", width: 24, height: 12, "aria-hidden": "true" }, line);
}

// The table of all runs below a directory: rows come, change and go with the runs.

const [WIDTH, HEIGHT] = [140, 28];

class LiveTable {
  constructor() {
    this.table = document.querySelector("table");
    this.rows = new Map();
    this.note = document.querySelector("[data-note]");
    for (const button of this.table.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sortTable(this.table, Number(button.dataset.sort)));
    this.following = new Following({ runs: (changes) => this.change(changes) },
      (lost) => { this.note.textContent = lost ? "No connection to specnet watch. Trying again." : ""; });
    document.documentElement.dataset.ready = "";
  }

  change({ all, rows, gone }) {
    const names = new Set(rows.map(({ name }) => name));
    const left = all ? [...this.rows.keys()].filter((name) => !names.has(name)) : gone;
    for (const name of left) {
      this.rows.get(name)?.element.remove();
      this.rows.delete(name);
    }
    rows.sort((a, b) => a.started.localeCompare(b.started)); // the newest is added last, at the top
    for (const run of rows) this.show(run);
    const counts = {};
    for (const { run } of this.rows.values()) counts[run.status] = (counts[run.status] ?? 0) + 1;
    const told = Object.entries(counts).map(([status, count]) => `${count} ${status}`).join(", ");
    const count = this.rows.size;
    document.querySelector("[data-count]").textContent = count ? `${count} run${count === 1 ? "" : "s"}: ${told}` : "No runs yet";
  }

  show(run) {
    const known = this.rows.get(run.name);
    const row = known?.element ?? element("tr");
    const hasFocus = row.contains(document.activeElement);
    row.replaceChildren(...this.cells(run));
    if (hasFocus) row.querySelector("a").focus();
    if (!known) this.table.tBodies[0].prepend(row);
    this.rows.set(run.name, { run, element: row });
  }

  cells(run) {
    const name = element("th", { scope: "row" }, element("a", { href: run.href }, run.name));
    const problem = run.error || run.problem;
    if (problem) name.append(element("div", { class: "note problem" }, problem));
    const whole = element("span", { class: "of" }, run.epochs ? ` of ${run.epochs.toLocaleString("en")}` : "");
    const number = (key, ...content) => element("td", { class: "number", "data-key": key ?? NaN }, ...content);
    return [
      name,
      element("td", {}, element("span", { class: mood(run.status) }, run.status)),
      number(run.epoch, run.epoch.toLocaleString("en"), whole),
      number(run.loss, show(run.loss)),
      element("td", {}, this.spark(run)),
      number(run.best, show(run.best)),
      number(run.seconds, run.time || "–", element("span", { class: "of" }, run.left ? `, ${run.left} left` : "")),
      element("td", {}, run.started.slice(0, 16).replace("T", " ")),
    ];
  }

  /** The curve of the loss, small. */
  spark({ spark, log, "loss name": loss }) {
    if (spark.length < 2) return "";
    const values = spark.map(([, value]) => value);
    const heights = log ? values.map(Math.log10) : values;
    const x = linearScale(spark[0][0], spark.at(-1)[0], 1, WIDTH - 1);
    const y = linearScale(Math.min(...heights), Math.max(...heights), HEIGHT - 2, 2);
    const d = spark.map(([epoch], i) => `${i ? "L" : "M"}${x(epoch).toFixed(1)} ${y(heights[i]).toFixed(1)}`).join("");
    const label = `${loss}${log ? ", logarithmic" : ""}: from ${show(values[0])} to ${show(values.at(-1))}`;
    return element("svg", { class: "spark c0", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, element("path", { class: "line", d }));
  }
}

new LiveTable();

// The page of several runs: a table that sorts, pictures of parameters, and the replay of a chosen run.

/** Let the curves and dots of one entry stand out, or of none. */
function highlight(entry) {
  for (const each of document.querySelectorAll(".plot [data-run]")) each.classList.toggle("dim", entry !== null && each.dataset.run !== String(entry));
}

async function openComparison() {
  const page = await openPage();
  const rows = [...document.querySelectorAll("[data-row]")];
  let chosen = held.chosen;
  const pictures = [...document.querySelectorAll("[data-picture]")].map((figure) =>
    new Dots(figure, held.pictures[Number(figure.dataset.picture)], (run) => highlight(run === null ? null : held.owners[run]), choose));
  for (const table of document.querySelectorAll(".sortable")) {
    for (const button of table.querySelectorAll("[data-sort]")) button.addEventListener("click", () => sortTable(table, Number(button.dataset.sort)));
  }
  for (const row of rows) {
    row.addEventListener("pointerenter", () => highlight(Number(row.dataset.row)));
    row.addEventListener("pointerleave", () => highlight(null));
    const pick = row.querySelector("[data-pick]");
    if (pick) row.addEventListener("click", () => choose(Number(pick.dataset.pick)));
  }
  const select = document.querySelector("[data-choose]");
  select?.addEventListener("change", () => choose(Number(select.value)));

  /** Show the replay of a run, and where it is in the table and in all pictures. */
  async function choose(run) {
    const figure = document.querySelector("[data-chosen]");
    chosen = run;
    held.picked = held.owners[run];
    for (const picture of pictures) picture.mark(run);
    for (const chart of page.charts) chart.draw();
    for (const row of rows) row.classList.toggle("chosen", Number(row.dataset.row) === held.owners[run]);
    if (!figure) return;
    select.value = run;
    const [stage, about, when] = [".stage", "[data-about]", "[data-when]"].map((name) => figure.querySelector(name));
    const scene = held.runs[run];
    stage.replaceChildren();
    when.textContent = "";
    about.replaceChildren(...aboutReplay(run));
    const opened = scene ? [await openScene(figure, scene)] : [];
    if (chosen !== run) return;
    page.handle.scenes = opened;
    page.play(opened);
  }

  if (chosen !== null) await choose(chosen);
  document.documentElement.dataset.ready = "";
}

/** The text below a replay, or why a run has no replay. */
function aboutReplay(run) {
  const scene = held.runs[run];
  const link = held.links[run] ? [" ", element("a", { href: encodeURI(held.links[run]) }, "The page of this run"), " has all of it."] : [];
  if (scene) return [scene.notes.join(" "), ...(scene.notes.length ? link : [])];
  return [held.reasons[run] || "This page has the replays of the best runs only.", ...link];
}

openComparison();

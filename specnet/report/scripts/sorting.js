// Tables that sort.

/** Sort the rows of a table by one of its columns, as numbers where all that is there are numbers. */
function sortTable(table, column) {
  const head = table.tHead.rows[0].cells[column];
  const ascending = head.ariaSort !== "ascending";
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => {
    const { key } = row.cells[column].dataset;
    return [key === undefined ? null : Number(key), row.cells[column].textContent.trim(), row];
  });
  const rank = ([number, text]) => (number !== null && !Number.isNaN(number) ? 0 : text === "–" || number !== null ? 2 : 1);
  keyed.sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    const order = rank(a) === 0 ? a[0] - b[0] : a[1].localeCompare(b[1], "en", { numeric: true });
    return ascending ? order : -order;
  });
  for (const each of table.tHead.rows[0].cells) each.ariaSort = "none";
  head.ariaSort = ascending ? "ascending" : "descending";
  body.append(...keyed.map(([, , row]) => row));
}

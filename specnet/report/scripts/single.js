// The page of a single run.

openPage().then(async (page) => {
  const bench = document.getElementById("bench");
  if (bench) await Laboratory.open(bench, page);
  document.documentElement.dataset.ready = "";
});

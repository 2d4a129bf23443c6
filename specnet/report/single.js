// The page of a single run.

openPage().then(() => { document.documentElement.dataset.ready = ""; });

"""The pages of the site, in the look of the report."""

from __future__ import annotations

from specnet.report.page import SCRIPTS, render_page
from specnet.words import printable
from specnet_watch.watched import WatchedRun

STYLES = ("page.css", "watch.css")
OWN = {"package": "specnet_watch", "styles": STYLES, "connect": "'self'"}


def run_page(run: WatchedRun, *, alone: bool) -> str:
    """Return the page of a run, with a link to the table unless the run is `alone`."""
    held = {"runs": [], "panels": [], "stills": [], "inside": None, "many": 0, "best": None, "last": 0}
    description = run.spec.description if run.spec else ""
    title, scripts = printable(run.name), (*SCRIPTS, "reconnecting.js", "run.js")
    return render_page("run.html", scripts, held, title=title, description=description, alone=alone, **OWN)


def table_page(name: str) -> str:
    """Return the page of the table of all runs below a directory of this name."""
    scripts = ("data.js", "sorting.js", "reconnecting.js", "table.js")
    return render_page("table.html", scripts, {"many": 0}, title=printable(name), **OWN)

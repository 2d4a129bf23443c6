"""The page of a group: a sentence, statistics, curves with bands, and each run. It needs nothing but itself."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from specnet.report.page import environment, resource, source
from specnet.report.paths import relative_paths
from specnet.spec.layout import tidy
from specnet.spec.shortest import shortest_spec
from specnet.studies.summary import GroupSummary, statistics_rows

if TYPE_CHECKING:
    from specnet.studies.group import Group


def group_page(group: Group, picture: bytes | None) -> str:
    """Return the page of a group with a picture of its curves, as HTML."""
    summary, style = group.summary, resource("page.css")
    policy = f"default-src 'none'; img-src data:; style-src {source(style)}; base-uri 'none'; form-action 'none'"
    template = environment().get_template("group.html")
    return template.render(
        title=f"{summary.name}: {len(summary.runs)} runs",
        summary=summary,
        rows=list(statistics_rows(summary)),
        names=list(dict.fromkeys(name for run in summary.runs for name in run.values)),
        style=style,
        policy=policy,
        spec=tidy(relative_paths(shortest_spec(group.spec), group.directory)),
        description=group.spec.description,
        picture=picture and base64.b64encode(picture).decode(),
    )


def statistics_table(summary: GroupSummary) -> str:
    """Return the statistics of a group as an HTML table."""
    macros: Any = environment().get_template("statistics.html").module
    return str(macros.statistics(list(statistics_rows(summary))))

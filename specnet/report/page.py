"""The one page of a run, or of several side by side: HTML that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from specnet.functions import format_number
from specnet.plugin_code import staying
from specnet.report.base import Reported
from specnet.report.compare import compare, name_runs
from specnet.report.paths import relative_paths, shorten_paths
from specnet.report.replay import PAGE_FRAMES, replay
from specnet.report.results import confusion, residuals, scores, worst
from specnet.report.series import FEW, panels
from specnet.report.view import (
    CONFUSION_CLASSES,
    Part,
    describe_manifest,
    facts,
    layer_table,
    make_part,
    residual_pictures,
    show_examples,
    tidy,
)
from specnet.spec.shortest import shortest_spec

SCRIPTS = ("data.js", "chart.js", "board.js", "scenes.js", "stills.js", "player.js")
"""In the order in which they need each other."""
REPLAYS = 12
"""Runs up to which each has its replay."""
LETTERS = 1_000_000
"""Letters that the frames of all replays of a page take at most; a page should stay below 2 MB."""


@staying()
def page(runs: Sequence[Reported]) -> str:
    """Return the page of a run, or of several to be compared, as HTML.

    It loads nothing and sends nothing, and its content security policy forbids both.
    """
    names = name_runs(runs)
    single = len(runs) == 1
    replays = [
        make_part(run, lambda run=run: replay_share(run, len(runs))) if len(runs) <= REPLAYS else Part(None)  # type: ignore[misc]
        for run in runs
    ]
    epochs = sorted({epoch for part in replays if part.value for epoch in part.value["epochs"]})
    drawn = panels(runs, names, epochs)
    further = details(runs[0], drawn) if single else {}
    stills = further.pop("stills", [])
    data = {
        "runs": [part.value for part in replays],
        "panels": drawn,
        "stills": stills,
        "many": len(runs) if len(runs) > FEW else 0,
        "best": int(runs[0].best["epoch"]) if single and runs[0].best["value"] is not None else None,
        "last": max(int(run.history["epoch"][-1]) if run.history else 0 for run in runs),
    }
    style, script = resource("page.css"), "\n".join(map(resource, SCRIPTS))
    return (
        environment()
        .get_template("page.html")
        .render(
            title=runs[0].name if single else f"{len(runs)} runs compared",
            runs=[_describe(run, name, part) for run, name, part in zip(runs, names, replays, strict=True)],
            panels=drawn,
            stills=len(stills),
            many=len(runs) > FEW,
            best=data["best"],
            comparison=None if single else compare(runs),
            style=style,
            script=script,
            policy=f"default-src 'none'; img-src data:; style-src {source(style)}; script-src {source(script)}; "
            "base-uri 'none'; form-action 'none'",
            # In a script element `<` may begin its end or a comment, whatever the type.
            data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
            **further,
        )
    )


def replay_share(run: Reported, count: int) -> dict[str, Any]:
    """Return the replay of a run for a page with `count` runs."""
    return replay(run, LETTERS // count, frames=max(2, PAGE_FRAMES // count), units=count == 1)


def _describe(run: Reported, name: str, part: Part) -> dict[str, Any]:
    """Return what the page says of each run, be it one or several."""
    return {
        "name": name,
        "description": run.spec.description,
        "status": run.status,
        "error": shorten_paths(run.manifest["error"] or "", run),
        "facts": facts(run),
        "replay": part,
        "spec": tidy(relative_paths(shortest_spec(run.spec), run.directory)),
        "full_spec": tidy(relative_paths(run.spec.to_json(), run.directory)),
        "manifest": list(describe_manifest(relative_paths(run.manifest, run.directory))),
    }


def details(run: Reported, drawn: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the page of a single run says of its model and its results."""
    residual, wrong = make_part(run, lambda: residuals(run)), make_part(run, lambda: worst(run))
    return {
        "layers": make_part(run, lambda: layer_table(run, drawn)),
        "scores": make_part(run, lambda: scores(run)),
        "confusion": make_part(run, lambda: confusion(run)),
        "most_classes": CONFUSION_CLASSES,
        "worst": wrong,
        "examples": show_examples(run, wrong.value) if wrong.value else [],
        "residuals": residual,
        "stills": residual_pictures(run, residual.value) if residual.value else [],
    }


def source(text: str) -> str:
    """Return how a content security policy allows this style sheet or script, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def environment() -> Environment:
    """Return what knows the template; whatever it is given it shows as text, but what the template calls safe."""
    made = Environment(
        loader=PackageLoader("specnet", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["plain"] = format_number
    return made


@cache
def resource(name: str) -> str:
    """Return the text of a file of this package."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]

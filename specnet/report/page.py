"""The page of a run: HTML that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from specnet.functions import format_number
from specnet.network.diagram import draw_network
from specnet.network.summary import layer_costs
from specnet.plugin_code import staying
from specnet.report.base import Reported
from specnet.report.entries import single
from specnet.report.inside import look_inside
from specnet.report.laboratory import laboratory, scripts
from specnet.report.landscape import show_landscape
from specnet.report.looking import look_at_inputs
from specnet.report.paths import relative_paths, shorten_paths
from specnet.report.replay import replay
from specnet.report.results import confusions, residuals, scores, worst
from specnet.report.series import panels
from specnet.report.trace import Trace
from specnet.report.view import (
    CONFUSION_CLASSES,
    Part,
    describe_manifest,
    facts,
    layer_table,
    make_part,
    residual_pictures,
    show_examples,
)
from specnet.spec.layout import tidy
from specnet.spec.shortest import shortest_spec

SCRIPTS = (
    "data.js",
    "chart.js",
    "board.js",
    "scene.js",
    "planes.js",
    "samples.js",
    "stills.js",
    "inside.js",
    "player.js",
)
"""In the order in which they need each other."""
TRACED_OPERATIONS = 20_000
"""Operations for a sample up to which the first step is shown as numbers."""
TRACED_NUMBERS = 1_000_000
"""Numbers in all training inputs up to which it is."""
LETTERS = 1_000_000
"""Letters that the frames of all replays of a page take at most; a page should stay below 2 MB."""


@staying()
def page(run: Reported) -> str:
    """Return the page of a run as HTML.

    It loads nothing and sends nothing, and its content security policy forbids both.
    """
    lab = make_part(run, lambda: laboratory(run))
    room = LETTERS - len(json.dumps(lab.value))
    part = make_part(run, lambda: replay(run, room))
    drawn = panels([single(run)], part.value["epochs"] if part.value else ())
    further = details(run, drawn, bool(part.value))
    data = {
        "runs": [part.value],
        "panels": drawn,
        "stills": (stills := further.pop("stills")),
        "inside": further["inside"].moving,
        "many": 0,
        "best": int(run.best["epoch"]) if run.best["value"] is not None else None,
        "last": final_epoch([run]),
        "laboratory": lab.value,
    }
    return render_page(
        "page.html",
        (*SCRIPTS, *(scripts(lab.value) if lab.value else ()), "single.js"),
        data,
        title=run.name,
        run=describe_run(run, run.name, part),
        panels=drawn,
        stills=len(stills),
        best=data["best"],
        laboratory=lab,
        **further,
    )


def final_epoch(runs: Sequence[Reported]) -> int:
    """Return the last epoch of several runs."""
    return max(int(run.history["epoch"][-1]) if run.history else 0 for run in runs)


def render_page(
    template: str,
    scripts: Sequence[str],
    data: dict[str, Any],
    *,
    styles: Sequence[str] = ("page.css",),
    package: str | None = None,
    connect: str = "'none'",
    **values: Any,
) -> str:
    """Return a page from its template, the data that its scripts read, and other values of the template.

    Files may be in the folder `pages` of another `package`, too; `connect` is where scripts may ask for more.
    """
    style, script = ("\n".join(resource(name, package) for name in names) for names in (styles, scripts))
    return (
        environment(package)
        .get_template(template)
        .render(
            style=style,
            script=script,
            policy=f"default-src 'none'; connect-src {connect}; img-src data:; style-src {source(style)}; "
            f"script-src {source(script)}; base-uri 'none'; form-action 'none'",
            # In a script element `<` may begin its end or a comment, whatever the type.
            data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
            **values,
        )
    )


def describe_run(run: Reported, name: str, part: Part) -> dict[str, Any]:
    """Return what a page says of each run, be it one or several."""
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


def details(run: Reported, drawn: Sequence[dict[str, Any]], replayed: bool) -> dict[str, Any]:
    """Return what the page of a single run says of its model and its results."""
    inside = look_inside(run, replayed)
    residual, wrong = make_part(run, lambda: residuals(run)), make_part(run, lambda: worst(run))
    return {
        "network": make_part(run, lambda: draw_network(run.layers, run.layers[0].input_shape)),
        "inside": inside,
        "findings": run.diagnosis.findings,
        "titles": [panel["title"] for panel in drawn if not panel["constant"]],
        "layers": make_part(run, lambda: layer_table(run, drawn)),
        "scores": make_part(run, lambda: scores(run)),
        "below_scores": make_part(
            run, lambda: {"95 % interval": run.intervals, "baseline": run.baselines, "linear": run.linear_baselines}
        ),
        "confusions": make_part(run, lambda: confusions(run)),
        "most_classes": CONFUSION_CLASSES,
        "worst": wrong,
        "examples": show_examples(run, wrong.value) if wrong.value else [],
        "look": make_part(run, lambda: look_at_inputs(run)),
        "residuals": residual,
        "stills": residual_pictures(run, residual.value) if residual.value else [],
        "landscape": make_part(run, lambda: show_landscape(run)),
        "trace": first_step(run),
    }


def framed(page: str, title: str) -> str:
    """Return a page as notebooks show it."""
    style = "width: 100%; height: 800px; border: 0"
    return f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" title="{title}" style="{style}"></iframe>'


def first_step(run: Reported) -> Part:
    """Return the first step of training as numbers, unless that takes long."""

    def small_trace() -> Trace | None:
        operations = sum(cost.flops for cost in layer_costs(run.model.network.layers))
        few = operations <= TRACED_OPERATIONS and math.prod(run.data.train.inputs.shape) <= TRACED_NUMBERS
        return run.trace() if few else None

    part = make_part(run, small_trace)
    return part if part.value or part.reason else Part(None, "To see it as numbers: specnet trace RUN")


def source(text: str) -> str:
    """Return how a content security policy allows this style sheet or script, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def environment(package: str | None = None) -> Environment:
    """Return what knows the templates; whatever they are given is shown as text, but what they call safe."""
    own = [PackageLoader("specnet.report", folder) for folder in ("templates", "scripts")]
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package, "pages"), *own] if package else own),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["plain"] = format_number
    return made


@cache
def resource(name: str, package: str | None = None) -> str:
    """Return the text of a file of this package, or of another one."""
    loader = environment(package).loader
    assert loader is not None
    return loader.get_source(environment(package), name)[0]

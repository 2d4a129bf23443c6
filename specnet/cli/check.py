"""`specnet check`: do components keep their contracts?"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from specnet.cli.options import echo_json, is_quiet, load, spec_options
from specnet.errors import UsageError, printable, quote
from specnet.names import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specnet.testing import Case, Outcome

MARKS = {"ok": ("✓", "green"), "FAILED": ("✗", "red"), "note": ("–", "yellow")}
"""How outcomes are marked on a terminal; elsewhere by the word."""


@click.command()
@click.argument("what", metavar="[SPEC|GROUP]", required=False)
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--distribution",
    metavar="NAME",
    help="Check every component of a distribution that is installed, and its metadata.",
)
@click.option(
    "--shape",
    "shapes",
    metavar="SIZES",
    multiple=True,
    help="Shape of the inputs of a layer, such as 4 or 28,28,1, the batch left out; may be repeated.",
)
@click.option(
    "--kernels",
    metavar="NAME",
    help="Check a set of kernels: all that its definitions promise, and that it computes the same.",
)
@spec_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How outcomes are shown.")
def check(
    what: str | None,
    name: str | None,
    distribution: str | None,
    shapes: tuple[str, ...],
    kernels: str | None,
    overrides: tuple[str, ...],
    budget: str | None,
    form: str,
) -> None:
    """Check that components keep their contracts.

    Gradients against central differences first of all, and whatever else a layer, a loss, an optimizer and so on
    promises. Checked are the component NAME of GROUP, which may be a JSON object as in a spec, or every component of
    SPEC, on its data and in the shapes that it has there. With --plugin alone all that the file registers is checked.

    Ends with 0 if all is well, and with 2 if a check fails.

    \b
    Example:
      specnet check layers swish
      specnet check layers '{"type": "linear", "units": 3}' --shape 4 --shape 5,4
      specnet check specs/spiral.json
      specnet check --distribution specnet-swish
      specnet check --kernels numpy
    """
    from specnet import registry
    from specnet.runs.threads import blas_threads

    named = [each for each in (what, distribution, kernels) if each is not None]
    if len(named) > 1 or not (named or registry.LOCAL):
        help = "specnet check SPEC, GROUP NAME, --distribution NAME, --kernels NAME, or --plugin FILE.py"
        raise UsageError("name a spec, a component, a distribution, a set of kernels or a plugin file", help=help)
    is_spec = what is not None and name is None
    if shapes and (what, is_spec) != ("layers", False):
        raise UsageError("--shape is about a layer", help="specnet check layers NAME --shape 28,28,1")
    if (overrides or budget) and not is_spec:
        raise UsageError("--set and --memory-budget are about a spec", help="specnet check SPEC --set PATH=VALUE")
    if what in registry.GROUPS and name is None and not os.path.exists(what):  # noqa: PTH110
        singular = registry.SINGULAR[what]
        raise UsageError(f"name the {singular} to check", help=f"specnet check {what} NAME; NAME is {_names(what)}")
    with blas_threads(None, 1):  # all products are small
        passed = _show(_cases(what, name, distribution, shapes, kernels, overrides, budget), form, one=name is not None)
    if not passed:
        click.get_current_context().exit(2)


def _names(group: str) -> str:
    from specnet import registry

    return suggest("", registry.claims(group))


def _cases(
    what: str | None,
    name: str | None,
    distribution: str | None,
    shapes: tuple[str, ...],
    kernels: str | None,
    overrides: tuple[str, ...],
    budget: str | None,
) -> Iterable[Case]:
    from pathlib import Path

    from specnet import testing

    if distribution is not None:
        return testing.cases(distribution)
    if kernels is not None:
        return testing.kernel_cases(kernels)
    if what is None:
        return testing.local_cases()
    if name is None:
        return testing.spec_cases(load(Path(what), overrides, budget))
    return testing.component_cases(what, name, [_sizes(shape) for shape in shapes])


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.replace("(", "").replace(")", "").rstrip(",").split(",")
    if not all(part.strip().isascii() and part.strip().isdecimal() and int(part) for part in parts):
        raise UsageError(f"--shape {quote(text)}: give sizes, such as 4 or 28,28,1, the batch left out")
    return tuple(map(int, parts))


def _show(cases: Iterable[Case], form: str, one: bool) -> bool:
    """Print what is found, case by case, in full if it is of one component; return whether all is well."""
    shown, checks, failed = [], 0, 0
    for case in cases:
        outcomes = list(case.outcomes())
        wrong = sum(not outcome.passed for outcome in outcomes)
        checks, failed = checks + len(outcomes), failed + wrong
        shown.append(
            {"name": case.name, "passed": not wrong, "checks": [outcome._asdict() for outcome in outcomes]},
        )
        if form == "text":
            told = f"{wrong} of {_count(len(outcomes))}" if wrong else _count(len(outcomes))
            _echo("FAILED" if wrong else "ok", f"{case.name}: {told}")
            for outcome in outcomes:
                if one or outcome.reason:
                    _show_outcome(outcome)
    if form == "json":
        echo_json({"passed": not failed, "cases": shown})
    else:
        click.echo(f"\n{failed} of {_count(checks)} failed" if failed else f"\nall is well: {_count(checks)}")
    return not failed


def _show_outcome(outcome: Outcome) -> None:
    word = "FAILED" if not outcome.passed else "note" if outcome.reason else "ok"
    _echo(word, outcome.check, indent=2)
    for line in outcome.reason.split("\n") if outcome.reason else ():
        click.echo(printable(f"      {line}"), err=word == "FAILED" and is_quiet())


def _echo(word: str, text: str, indent: int = 0) -> None:
    mark, color = MARKS[word]
    shown = click.style(mark, color) if sys.stdout.isatty() else f"{word:6}"
    click.echo(f"{' ' * indent}{shown} {printable(text)}", err=word == "FAILED" and is_quiet())


def _count(checks: int) -> str:
    return f"{checks} check{'' if checks == 1 else 's'}"

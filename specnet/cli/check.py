"""`specnet check`: check that components keep their contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specnet.cli.options import format_option, load, spec_options
from specnet.cli.output import echo, echo_json, is_quiet, stdout
from specnet.errors import UsageError
from specnet.names import suggest
from specnet.words import printable, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specnet.testing import Case, Outcome

MARKS = {"ok": ("✓", "green"), "FAILED": ("✗", "red"), "note": ("–", "yellow")}
"""Marks of outcomes on a terminal; elsewhere the word is printed."""


@click.command()
@click.argument("what", metavar="[SPEC|GROUP]", required=False)
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--distribution",
    metavar="NAME",
    help="Check all components of an installed distribution, and its metadata.",
)
@click.option(
    "--shape",
    "shapes",
    metavar="SIZES",
    multiple=True,
    help="Shape of the inputs of a layer, such as 4 or 28,28,1, without the batch axis; may be repeated.",
)
@click.option(
    "--kernels",
    metavar="NAME",
    help="Check a set of kernels: the contracts of its components, and equal results with their definitions.",
)
@spec_options
@format_option()
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
    """Check components against their contracts.

    Compares gradients with central differences, and checks the rest of the contract of each component. Checks the
    component NAME of GROUP, where NAME may be a JSON object as in a spec, or every component of SPEC with the data and
    shapes of the spec. With only --plugin, checks all components that the file registers.

    Exits with 0 if all checks pass, and with 2 if one fails.

    \b
    Example:
      specnet check layers swish
      specnet check layers '{"type": "linear", "units": 3}' --shape 4 --shape 5,4
      specnet check specs/spiral.json
      specnet check --distribution specnet-swish
      specnet check --kernels numpy
    """
    from pathlib import Path

    from specnet import registry, testing
    from specnet.runs.provenance.threads import blas_threads

    named = [each for each in (what, distribution, kernels) if each is not None]
    if len(named) > 1 or not (named or registry.LOCAL_ENTRIES):
        help = "specnet check SPEC, GROUP NAME, --distribution NAME, --kernels NAME, or --plugin FILE.py"
        raise UsageError("name a spec, a component, a distribution, a set of kernels or a plugin file", help=help)
    is_spec = what is not None and name is None
    if shapes and (what, is_spec) != ("layers", False):
        raise UsageError("--shape needs a layer", help="specnet check layers NAME --shape 28,28,1")
    if (overrides or budget) and not is_spec:
        raise UsageError("--set and --memory-budget need a spec", help="specnet check SPEC --set PATH=VALUE")
    if what in registry.GROUPS and is_spec and not Path(what).exists():
        help = f"specnet check {what} NAME; NAME is {suggest('', registry.claims(what))}"
        raise UsageError(f"name the {registry.SINGULAR[what]} to check", help=help)
    with blas_threads(None, 1):  # all products are small
        cases: Iterable[Case]
        if distribution is not None:
            cases = testing.cases(distribution)
        elif kernels is not None:
            cases = testing.kernel_cases(kernels)
        elif what is None:
            cases = testing.local_cases()
        elif name is None:
            cases = testing.spec_cases(load(Path(what), overrides, budget))
        else:
            cases = testing.component_cases(what, name, [_sizes(shape) for shape in shapes])
        passed = _show(cases, form, one=name is not None)
    if not passed:
        click.get_current_context().exit(2)


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.replace("(", "").replace(")", "").rstrip(",").split(",")
    if not all(part.strip().isascii() and part.strip().isdecimal() and int(part) for part in parts):
        raise UsageError(f"--shape {quote(text)}: expected sizes such as 4 or 28,28,1, without the batch axis")
    return tuple(map(int, parts))


def _show(cases: Iterable[Case], form: str, one: bool) -> bool:
    """Print the outcomes of each case, in full for a single component; return whether all checks pass."""
    shown, checks, failed = [], 0, 0
    for case in cases:
        outcomes = list(case.outcomes())
        wrong = sum(not outcome.passed for outcome in outcomes)
        checks, failed = checks + len(outcomes), failed + wrong
        shown.append(
            {"name": case.name, "passed": not wrong, "checks": [outcome._asdict() for outcome in outcomes]},
        )
        if form == "text":
            count = f"{wrong} of {_count(len(outcomes))}" if wrong else _count(len(outcomes))
            _echo("FAILED" if wrong else "ok", f"{case.name}: {count}")
            for outcome in outcomes:
                if one or outcome.reason:
                    _show_outcome(outcome)
    if form == "json":
        echo_json({"passed": not failed, "cases": shown})
    else:
        echo(f"\n{failed} of {_count(checks)} failed" if failed else f"\n{_count(checks)} passed")
    return not failed


def _show_outcome(outcome: Outcome) -> None:
    word = "FAILED" if not outcome.passed else "note" if outcome.reason else "ok"
    _echo(word, outcome.check, indent=2)
    for line in outcome.reason.split("\n") if outcome.reason else ():
        echo(printable(f"      {line}"), err=word == "FAILED" and is_quiet())


def _echo(word: str, text: str, indent: int = 0) -> None:
    mark, color = MARKS[word]
    shown = click.style(mark, color) if stdout().isatty() else f"{word:6}"
    echo(f"{' ' * indent}{shown} {printable(text)}", err=word == "FAILED" and is_quiet())


def _count(checks: int) -> str:
    return f"{checks} check{'' if checks == 1 else 's'}"

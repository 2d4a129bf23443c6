"""`python -m benchmarks`: measure specnet against its peers, side by side.

Nothing here imports NumPy before threads are chosen.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import click

from benchmarks.process import set_threads

NAMES = (
    "training", "startup", "checkpoint", "memory", "streaming", "overhead", "recording", "growth", "tables", "layers",
    "networks", "seeds", "optimizers", "kernels", "mpi",
)  # fmt: skip
HERE = Path(__file__).parent


@click.command()
@click.option("--only", "names", multiple=True, type=click.Choice(NAMES), help="Only this one; may be repeated.")
@click.option("--rounds", type=click.IntRange(min=1), default=15, show_default=True, help="Turns of each peer.")
@click.option("--short", is_flag=True, help="Only see that everything works: tiny sizes, one round, no claim.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for RESULTS.md, results.json and pictures; by default benchmarks/, with --short or --only none.",
)
def main(names: tuple[str, ...], rounds: int, short: bool, output: Path | None) -> None:
    """Measure specnet against its peers: ratios of times, in rounds in which all take turns.

    \b
    Example:
      python -m benchmarks --only training --rounds 5
    """
    comparisons = []
    for name in names or NAMES:
        click.echo(f"{name} …", err=True)
        set_threads(1)
        comparisons += import_module(f"benchmarks.{name}").measure(1 if short else rounds, short)

    from benchmarks.pictures import draw_growth, draw_ratios
    from benchmarks.report import render
    from specnet.runs.provenance.machine import describe_machine

    machine = describe_machine()
    text = render(comparisons, machine, None if short else rounds)
    click.echo(text)
    output = output or (None if short or names else HERE)
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "RESULTS.md").write_text(text, encoding="utf-8")
        found = {"machine": machine, "comparisons": [each.to_json() for each in comparisons]}
        (output / "results.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        draw_ratios(comparisons, output / "results.png")
        draw_growth(comparisons, output / "growth.png")


if __name__ == "__main__":
    main()

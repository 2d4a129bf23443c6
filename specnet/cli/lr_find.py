"""`specnet lr-find`."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import click

from specnet.cli.options import format_option, kernels_option, load, out_option, spec_argument, spec_options
from specnet.cli.output import echo, echo_json
from specnet.errors import UsageError
from specnet.words import show_path, show_pointer

if TYPE_CHECKING:
    from pathlib import Path


@click.command("lr-find")
@spec_argument
@out_option("Picture to write, .png or .svg; by default NAME-lr.png in this directory.")
@click.option(
    "--low", type=click.FloatRange(0, min_open=True), default=1e-6, show_default=True, help="First learning rate."
)
@click.option(
    "--high", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True, help="Last learning rate."
)
@click.option(
    "--steps", type=click.IntRange(10, 100_000), default=150, show_default=True, help="Number of training steps."
)
@spec_options
@kernels_option
@format_option()
def lr_find(spec: Path, out: Path | None, low: float, high: float, steps: int, form: str, **options: Any) -> None:
    """Suggest a learning rate for SPEC, by a range test.

    Trains for some steps while the learning rate grows from --low to --high, and draws the loss of up to 500 training
    samples after each step. The suggestion is the rate at which the running median of this loss falls fastest, but at
    least a tenth and at most half of the rate at which it is lowest. If the optimizer wraps another, the rate is that
    of the other. Only the picture is saved.

    \b
    Example:
      specnet lr-find specs/spiral.json
    """
    from pathlib import Path

    import numpy as np

    from specnet.optimizers.base import rated_optimizer
    from specnet.report.pictures import write_png
    from specnet.report.range_test import draw_range_test
    from specnet.report.settings import default_settings
    from specnet.runs.range_test import FIXED_ROWS, find_range
    from specnet.runs.storage.files import write_file
    from specnet.schedules.base import Schedule
    from specnet.schedules.scheduled import find_peak

    if low >= high:
        raise UsageError(f"--low {low:g} is not below --high {high:g}")
    if out is not None and out.suffix not in (".png", ".svg"):
        raise UsageError(f"{out}: the file name should end in .png or .svg")
    loaded = load(spec, **options)
    found = find_range(loaded, np.geomspace(low, high, steps))
    name = loaded.name
    if out is None:
        numbered = (Path(f"{name}-lr{'' if number == 1 else f'-{number}'}.png") for number in count(1))
        out = next(path for path in numbered if not path.exists())
    with default_settings():
        figure = draw_range_test(*found, found.suggestion, name)
        write_file(
            out, lambda file: figure.savefig(file, format="svg") if out.suffix == ".svg" else write_png(figure, file)
        )
    if form == "json":
        rates = {name: getattr(found, name) for name in ("suggestion", "steepest", "lowest")}
        echo_json({**rates, "picture": str(out), **{name: array.tolist() for name, array in found._asdict().items()}})
        return
    echo(f"The loss falls fastest at a learning rate of {found.steepest:.2g}, and is lowest at {found.lowest:.2g}.")
    optimizer, rated = rated_optimizer(loaded.optimizer)
    place, rate, instead = (*optimizer, "learning_rate"), rated.learning_rate, ""
    if isinstance(rate, Schedule):
        peak = find_peak(rate, place)
        place, instead = (peak[0], "") if peak else (place, ", instead of the schedule")
    echo(f"To try{instead}: --set {show_pointer(place)}={found.suggestion:.2g}")
    echo(
        f"This rests on one training of {len(found.rates)} steps: on the loss of up to {FIXED_ROWS} training samples "
        f"after each step, a median over {found.width} steps. It is the rate at which this loss falls fastest, but at "
        "least a tenth and at most half of the rate at which it is lowest."
    )
    echo(f"The picture was saved in {show_path(out)}")

"""`load_run` and `load_model`: open a run, or a run or a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.errors import UsageError

if TYPE_CHECKING:
    from specnet.runs.bundle import Bundle
    from specnet.runs.run import Run


def load_run(
    directory: str | Path,
    checkpoint: str | int = "best",
    kernels: str | None = None,
    allow_other_kernels: bool = False,
    data: Any = None,
) -> Run:
    """Return the run in a directory, with the model of a checkpoint: "best", "latest" or a step number.

    The other arguments and errors are those of `Run`.
    """
    from specnet.runs.run import Run

    return Run(directory, checkpoint, kernels, allow_other_kernels, data)


def load_model(
    path: str | Path, checkpoint: str | int = "best", kernels: str | None = None, allow_other_kernels: bool = False
) -> Run | Bundle:
    """Return the trained network in a run directory, or in a file that `specnet bundle` has written.

    For a bundle only NumPy and pydantic are imported. Arguments and errors are those of `load_run`.

    Raises:
        UsageError: if a checkpoint of a bundle is named.
    """
    if not Path(path).is_file():
        return load_run(path, checkpoint, kernels, allow_other_kernels)
    from specnet.runs.bundle import Bundle

    if checkpoint != "best":
        raise UsageError(f"{path} is a bundle, which has one checkpoint", help="name the run directory instead")
    return Bundle(path, kernels, allow_other_kernels)

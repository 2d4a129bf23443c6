"""Export of a group: each of its runs for itself, in one folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from specnet.component import find_class
from specnet.errors import UsageError
from specnet.exporters.base import export
from specnet.studies.group import Group

ENSEMBLE = '''"""Mean and spread of what the networks in this folder predict, for raw inputs (n, ...)."""

import runpy
from pathlib import Path

import numpy as np

_networks = [runpy.run_path(str(path))["predict"] for path in sorted(Path(__file__).parent.glob("*-*.py"))]


def predict_each(inputs):
    """Return the predictions (networks, n, ...) of each network."""
    return np.stack([network(inputs) for network in _networks])


def predict(inputs):
    """Return the mean (n, ...) of the predictions."""
    return predict_each(inputs).mean(axis=0)


def spread(inputs):
    """Return the standard deviation (n, ...) of the predictions."""
    each = predict_each(inputs)
    return each.std(axis=0, ddof=1) if len(each) > 1 else np.zeros_like(each[0])
'''


def export_group(group: Group, target: str, folder: Path, rows: np.ndarray | None = None) -> list[str]:
    """Write each run of a group for a target into a new folder, and return lines that describe that.

    For "numpy", `ensemble.py` computes mean and spread of what they predict. Arguments and errors are as in `export`. A
    folder that exists is a UsageError.
    """
    if folder.exists():
        raise UsageError(f"{folder} already exists", help="choose another name, or remove it")
    extension = find_class("exporters", target).extension
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as temporary:
        staged = Path(temporary) / folder.name
        staged.mkdir()
        lines = [export(run, target, staged / f"{run.directory.name}{extension}", rows)[1:] for run in group.runs]
        if target == "numpy":
            (staged / "ensemble.py").write_text(ENSEMBLE, encoding="utf-8")
        staged.rename(folder)
    names = [run.directory.name for run in group.runs]
    mean = "ensemble.py predicts" if target == "numpy" else "the group predicts"
    return [
        f"{target}: {len(names)} network{'s' * (len(names) > 1)} in {folder}; {mean} the mean of their predictions",
        *(f"{name}: {line}" for name, found in zip(names, lines, strict=True) for line in found),
    ]

"""The target `notebook`: the run as a notebook, training included, in NumPy alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import ExportError
from specnet.exporters.base import Exporter
from specnet.exporters.numpy_script import render
from specnet.exporters.program import follow, follow_inputs
from specnet.exporters.source import NumpySource
from specnet.exporters.tracing import largest_difference, traced_input
from specnet.exporters.training import follow_training, scheduled_rates, write_rule
from specnet.layers.weighted import WeightedLayer
from specnet.network.network import Network
from specnet.runs.run import Run
from specnet.runs.storage.files import write_bytes, write_file
from specnet.runs.trained.model import TrainedModel
from specnet.schedules.base import Schedule
from specnet.training.batches import Batch
from specnet.training.update import decay_mask

_MARK = "# %%"
"""Begins a cell of a script."""
_DONE = {"epochs", "batch_size", "shuffle", "clip_norm", "early_stopping", "on_divergence"}
"""Settings of training that a notebook has, or does not need."""


class Notebook(Exporter):
    """A notebook that repeats the run: data, forward and backward passes, training, and the same loss.

    The data, initial parameters and what transforms have learned are in an `.npz` file beside it. Its first epoch is
    compared with that of the run. It has no metrics and no other splits.
    """

    extension = ".ipynb"

    def write(self, run: TrainedModel, rows: np.ndarray, path: Path) -> Iterable[str]:
        run = _check(run)
        raw, batch = _training_samples(run)
        x, target = traced_input(batch.inputs), traced_input(batch.targets, "target")
        program = follow_training(run.model, x, target)
        sources = [NumpySource(program.arrays) for _ in range(3)]
        loss = sources[0].write(program)
        transforms = follow_inputs(run.model, traced_input(raw))
        sources[1].known = transforms.arrays
        transformed = sources[1].write(transforms)
        inference = follow(run.model, traced_input(rows), "notebook", lambda component: None)
        sources[2].known = inference.arrays
        output = sources[2].write(inference)
        spec, history = run.spec, run.history
        epochs, size = len(history["train/loss"]), min(spec.training.batch_size or batch.rows, batch.rows)
        steps = -(-batch.rows // size)
        rates = scheduled_rates(spec.optimizer, steps, steps * spec.training.epochs)
        initial = Network(spec.layers, run.model.network.input_shape, spec.dtype, spec.seed_of("start"))
        arrays: dict[str, np.ndarray] = {"inputs": raw if transforms.steps else batch.inputs, "targets": batch.targets}
        arrays |= {"raw": rows[:3]} | {f"optimizer.{name}": each for name, each in rates.items()}
        constants = {name: array for source in sources for name, array in source.arrays.items()}
        arrays |= {f"w.{name}": each for name, each in {**constants, **initial.params, **initial.state}.items()}
        tolerance = 1e-6 if spec.dtype == "float64" else 1e-3
        values = {
            "run": run,
            "about": " ".join(spec.description.split()) or "The training of a network.",
            "samples": batch.rows,
            "epochs": epochs,
            "arrays": path.with_suffix(".npz").name,
            "inputs": [*sources[1].lines, f"return {transformed}"] if transforms.steps else None,
            "step": sources[0].lines,
            "loss": loss,
            "rule": write_rule(spec.optimizer),
            "size": size,
            "optimizer": type(spec.optimizer).__name__,
            "random": sorted({*re.findall(r'rng\["([^"]+)"\]', "\n".join(sources[0].lines))}),
            "shuffles": spec.training.shuffle and size < batch.rows,
            "clip_norm": spec.training.clip_norm,
            "rates": [*rates],
            "slots": spec.optimizer.state_names,
            "decays": _decays(initial) if spec.optimizer.decays else None,
            "mean": spec.loss.reduction == "mean",
            "every": max(1, epochs // 10),
            "expected": repr(float(history["train/loss"][-1])),
            "tolerance": tolerance,
            "predictions": sources[2].lines,
            "output": output,
        }
        script = render("notebook.py.j2", **values).decode()
        content = json.dumps(notebook(script), indent=1, ensure_ascii=False).encode()
        write_bytes(path, content)
        write_file(path.with_suffix(".npz"), lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
        first = script.replace(f"epochs, seed = {epochs},", "epochs, seed = 1,", 1)
        found = run_cells(first, path.with_suffix(".npz"))["losses"]
        difference = largest_difference(np.array(found), history["train/loss"][:1])
        if not difference <= tolerance:
            raise ExportError(f"the loss of the first epoch differs by {difference:.2g} from the run's, {found[0]:g}")
        yield f"difference of the loss of the first epoch from the run's: {difference:.2g} (at most {tolerance:g})"


def _check(run: TrainedModel) -> Run:
    """Return the run, or raise an ExportError that names a setting which a notebook does not have."""
    if not isinstance(run, Run):
        raise ExportError("a notebook trains the network again, and a bundle has no training data")
    training = run.spec.training
    for name, field in type(training).model_fields.items():
        if name not in _DONE and getattr(training, name) != field.get_default(call_default_factory=True):
            raise ExportError(f"a notebook has no training.{name}", pointer=("training", name))
        if isinstance(getattr(training, name), Schedule):
            raise ExportError(f"a notebook has no schedule of training.{name}", pointer=("training", name))
    if run.spec.split.leave_out:
        raise ExportError("a notebook has no split.leave_out", pointer=("split", "leave_out"))
    if getattr(run.spec.optimizer, "groups", []):
        raise ExportError("a notebook has no groups of layers", pointer=("optimizer", "groups"))
    for each in run.model.network.scheduled.fields:
        raise ExportError(f"a notebook has no schedule of {each.name}", pointer=next(iter(each.schedules)))
    for layer in run.model.network.named.values():
        settings = WeightedLayer.model_fields.keys() - {"share", "transpose", "name"}
        for name in settings & type(layer).model_fields.keys():
            if getattr(layer, name) != WeightedLayer.model_fields[name].default:
                raise ExportError(f"a notebook has no {name} of layers", pointer=(*layer.place, name))
    return run


def _training_samples(run: Run) -> tuple[np.ndarray, Batch]:
    """Return raw inputs of the training split, and all its samples as network and loss take them."""
    samples, model = run.data.train, run.model
    if not isinstance(samples, Samples):
        raise ExportError("the training samples do not fit into memory", pointer=("dataset",))
    if samples.weight is not None or samples.mask is not None:
        raise ExportError("a notebook has no weights of samples and no masks", pointer=("dataset",))
    batch = model.prepare(samples.map(model.inputs.apply, model.targets.apply), samples.targets)
    assert isinstance(batch, Batch)
    return samples.inputs, batch


def _decays(network: Network) -> dict[str, float]:
    """Return for each parameter whether it decays, 1 or 0."""
    mask = decay_mask(network)
    return {slot.name: float(mask[slot.part][0]) for slot in network.params.slots}


def cells(script: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each cell of a script whose cells begin with "# %%", those of text with "[markdown]"."""
    for part in f"\n{script}".split(f"\n{_MARK}")[1:]:
        first, _, text = part.partition("\n")
        if "markdown" in first:
            yield "markdown", "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.strip().splitlines())
        else:
            yield "code", text.strip()


def notebook(script: str) -> dict[str, Any]:
    """Return a script as a notebook."""
    found: list[dict[str, Any]] = []
    for number, (kind, text) in enumerate(cells(script)):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        found.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": found, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def run_cells(script: str, arrays: Path) -> dict[str, Any]:
    """Run the cells of code, with the file of arrays at its path and without output, and return their variables."""
    space: dict[str, Any] = {"print": lambda *_: None}
    script = script.replace(f'np.load("{arrays.name}")', f"np.load({str(arrays)!r})")
    with np.errstate(all="ignore"):
        for kind, text in cells(script):
            if kind == "code":
                exec(compile(text, "notebook", "exec"), space)
    return space

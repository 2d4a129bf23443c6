"""The logger `tensorboard`: scalars, hyper-parameters, histograms and pictures of a run for TensorBoard."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import Field, PositiveInt
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.summary import hparams

from specnet import Logger

LONGEST = 200
"""Characters of the longest text that is a hyper-parameter."""
_SKIPPED = ("name", "description", "plots", "record", "checkpoint")


class TensorBoard(Logger):
    """Writes event files to `logs/tensorboard` in the run directory: `tensorboard --logdir runs` shows all runs.

    Steps are epochs. Each epoch has the values of the history as scalars; the values of the spec are hyper-parameters,
    and the plots of the run pictures of its last epoch. A resumed run has each step once.
    """

    histograms: PositiveInt | None = Field(
        default=10, description="epochs between histograms of parameters and gradients; null: none"
    )

    def begin(self, view: Any) -> None:
        self.writer: SummaryWriter | None = None
        self.last: dict[str, float] = {}

    def epoch(self, view: Any, values: Mapping[str, Any]) -> None:
        writer = self._open(view, view.epoch)
        self.last = {name: float(value) for name, value in values.items() if name not in ("epoch", "step")}
        for name, value in self.last.items():
            writer.add_scalar(name, value, view.epoch)
        if self.histograms and view.epoch % self.histograms == 0:
            for kind, arrays in {"params": view.params, "grads": view.grads}.items():
                for name, array in arrays.items():
                    writer.add_histogram(f"{kind}/{name}", array, view.epoch)

    def end(self, view: Any, status: str) -> None:
        if self.writer:
            metrics = {name: value for name, value in self.last.items() if "/" in name}
            for summary in hparams(dict(hyper_parameters(view.spec.to_json())), metrics):
                self.writer.file_writer.add_summary(summary, 0)
            self.writer.flush()

    def results(self, view: Any, scores: Mapping[str, Mapping[str, float]], plots: Sequence[Path]) -> None:
        if not self.writer:  # nothing was left to train
            return
        for path in plots:
            if path.suffix == ".png":
                picture = np.asarray(Image.open(path).convert("RGB"))
                self.writer.add_image(path.stem, picture, view.epoch, dataformats="HWC")
        self.writer.close()

    def _open(self, view: Any, epoch: int) -> SummaryWriter:
        if self.writer is None:
            folder = view.logs / "tensorboard"
            drop_from(folder, epoch)
            self.writer = SummaryWriter(str(folder), filename_suffix=f".{epoch}")
        return self.writer


def hyper_parameters(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place and the value of each number, truth value and short text in a spec."""
    if isinstance(value, dict):
        for key, item in value.items():
            if place or key not in _SKIPPED:
                yield from hyper_parameters(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from hyper_parameters(item, f"{place}.{number}")
    elif isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= LONGEST):
        yield place, value


def drop_from(folder: Path, step: int) -> None:
    """Remove the events of a step and later ones, and hyper-parameters, from the event files in a folder."""
    for path in folder.glob("events.out.tfevents.*"):
        content = path.read_bytes()
        kept = b"".join(
            record for record, event in records(content) if event.HasField("file_version") or 0 < event.step < step
        )
        if kept != content:
            temporary = path.with_name(f".{path.name}")
            temporary.write_bytes(kept)
            temporary.replace(path)


def records(content: bytes) -> Iterator[tuple[bytes, Event]]:
    """Yield the bytes of each complete record of an event file, and the event in it."""
    start = 0
    while start + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        end = start + 16 + length  # the length, its checksum, and that of the event
        if end > len(content):
            return
        yield content[start:end], Event.FromString(content[start + 12 : end - 4])
        start = end

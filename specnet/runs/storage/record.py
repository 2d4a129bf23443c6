"""Read `record.npz`: every frame that is shown or resumed from matches a digest in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from specnet.errors import DataError, RunError
from specnet.numpy_files import read_npz
from specnet.recording.proof import prove
from specnet.spec.model import Record
from specnet.training.state import TrainingState

FURTHER = 2**28
"""Bytes that a record may take besides four times its budget: a frame that is larger than the budget is kept, too."""


def read_record(path: Path, record: Record, state: TrainingState) -> Mapping[str, np.ndarray]:
    """Return the arrays of a record, as `Recorder.arrays` describes them, with the frames that a state knows.

    Raises:
        RunError: if it cannot be read, or a frame or what it shows has changed since the state was saved.
    """
    try:
        return prove(read_npz(path, most=4 * record.budget + FURTHER), state.take("callbacks.recorder"))
    except DataError as error:
        raise RunError(error.message) from error
    except KeyError as error:
        raise RunError(f"{path} is damaged: it has no array {error}") from error
    except (IndexError, TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from error

from pathlib import Path

import numpy as np
import pytest

from specnet.datasets.base import Samples
from specnet.datasets.synthetic_plane import Spiral
from specnet.errors import UsageError
from specnet.runs.trained.samples import read_inputs, read_samples


def test_a_dataset_reads_the_files_that_it_understands_itself(train, monkeypatch):
    run, mine = train(), Samples(np.ones((2, 2)), np.array([0, 1]))
    with pytest.raises(UsageError, match=r"should end in \.csv"):
        read_samples(run, Path("points.dat"))
    monkeypatch.setattr(Spiral, "extensions", (".dat",))
    monkeypatch.setattr(Spiral, "read", lambda self, path, *, targets, classes: mine)
    assert read_samples(run, Path("points.dat")) is mine
    inputs, mask = read_inputs(run, Path("points.dat"))
    assert np.array_equal(inputs, mine.inputs) and mask is None

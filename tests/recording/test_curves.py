import numpy as np
import pytest

from specnet.recording.curves import history_curves, spans_decades


def test_a_history_has_a_curve_for_each_split_of_a_value_and_for_each_schedule():
    columns = [
        "epoch",
        "step",
        "train/loss",
        "validation/loss",
        "train_after/loss",
        "optimizer.learning_rate",
        "seconds",
    ]
    found = history_curves({name: np.full(2, float(number)) for number, name in enumerate(columns)})
    numbers = {value: {split: curve[0] for split, curve in curves.items()} for value, curves in found.items()}
    assert numbers == {"loss": {"train": 2.0, "validation": 3.0}, "optimizer.learning_rate": {"": 5.0}}


@pytest.mark.parametrize("final", [0.0, 1e-6])
def test_a_cosine_that_ends_near_0_keeps_a_linear_scale(final):
    rates = final + 0.5 * (1 + np.cos(np.linspace(0, np.pi, 100)))
    assert not spans_decades([rates], scheduled=True)
    assert spans_decades([0.5 ** np.arange(20.0)], scheduled=True)

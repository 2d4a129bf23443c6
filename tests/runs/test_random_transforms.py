"""Random transforms of training batches, in whole runs."""

import pytest
from runs.stopped import contents

import specnet
from specnet import SpecnetError
from specnet.errors import Interrupted
from specnet.exporters.base import export

RANDOM_TRANSFORMS = ["random_flip", "random_crop", "random_translation", "random_rotation", "random_erasing", "mixup"]
SPEC = {
    "seed": 3,
    "dataset": {"type": "shapes", "n_samples": 40, "size": 15},
    "transforms": {"inputs": RANDOM_TRANSFORMS},
    "layers": ["flatten", "linear"],
    "loss": "cross_entropy",
    "metrics": ["accuracy"],
    "training": {"epochs": 3, "batch_size": 16},
    "plots": [],
}


def test_a_run_is_resumed_within_an_epoch_to_the_same_bytes(stop, tmp_path):
    whole = specnet.run(SPEC, tmp_path / "whole", report=False)
    stop(5)
    with pytest.raises(Interrupted):
        specnet.run(SPEC, tmp_path / "stopped", report=False)
    specnet.resume(tmp_path / "stopped", report=False)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    plain = specnet.run({**SPEC, "transforms": {}}, tmp_path / "plain", report=False)
    assert plain.history["train/loss"][-1] != whole.history["train/loss"][-1]
    with pytest.raises(SpecnetError, match="cannot be exported to notebook"):
        export(whole, "notebook", tmp_path / "run.ipynb")


def test_mixed_targets_need_a_loss_that_takes_them(tmp_path):
    spec = {**SPEC, "transforms": {"inputs": ["mixup"]}, "loss": {"type": "cross_entropy", "class_weight": "balanced"}}
    assert specnet.run(spec, tmp_path / "weighted", report=False).history["train/loss"][-1] > 0
    yes = {**spec, "dataset": "moons", "layers": [{"type": "linear", "units": 1}], "loss": "bce_with_logits"}
    assert specnet.run(yes, tmp_path / "binary", report=False).history["train/loss"][-1] > 0

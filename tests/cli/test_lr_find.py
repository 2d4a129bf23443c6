import json
import re
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.range_test import RangeTest

SPEC = {
    "dataset": {"type": "moons", "n_samples": 100},
    "layers": [{"type": "linear", "units": 16}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "optimizer": "sgd",
    "split": {},
}


def test_the_suggestion_lowers_the_loss_and_only_the_picture_is_written(invoke, write):
    spec = write("moons.json", **SPEC)
    before = {*Path().iterdir()}
    found = json.loads(invoke("lr-find", spec, "--format", "json").stdout)
    assert {path.name for path in {*Path().iterdir()} - before} == {"moons-lr.png"}
    assert Path("moons-lr.png").read_bytes().startswith(b"\x89PNG")
    assert 0.1 < found["suggestion"] < found["lowest"] <= 10
    assert found["suggestion"] == np.clip(found["steepest"], found["lowest"] / 10, found["lowest"] / 2)
    np.testing.assert_allclose(np.diff(np.log(found["rates"])), np.log(1e7) / 149)
    result = invoke("lr-find", spec, "--steps", "30", "-o", "other.svg")
    assert "The loss falls fastest at a learning rate of" in result.stdout
    assert "<svg" in Path("other.svg").read_text()


@pytest.mark.parametrize(
    ("schedule", "place"),
    [
        ({"type": "cosine", "initial": 0.1}, "optimizer.learning_rate.initial="),
        ({"type": "one_cycle", "maximum": 0.1}, "optimizer.learning_rate.maximum="),
        ({"type": "warmup", "schedule": {"type": "step", "initial": 0.1}}, "optimizer.learning_rate.schedule.initial="),
        ({"type": "linear", "initial": 0.01, "final": 0.1}, "optimizer.learning_rate="),
        ({"type": "piecewise", "values": [0.1, 0.01], "boundaries": [1]}, "optimizer.learning_rate="),
        (0.1, "optimizer.learning_rate="),
    ],
)
def test_a_schedule_keeps_its_shape(invoke, write, schedule, place):
    optimizer = {"type": "sgd", "learning_rate": schedule}
    spec = write("moons.json", **{**SPEC, "optimizer": optimizer})
    stdout = invoke("lr-find", spec, "--steps", "20").stdout
    assert ("instead of the schedule" in stdout) == (place.endswith("learning_rate=") and schedule != 0.1)
    setting = next(word for word in stdout.split() if word.startswith("optimizer.learning_rate"))
    assert setting.startswith(place)
    assert invoke("validate", spec, "--set", setting).exit_code == 0


@pytest.mark.parametrize("kind", ["lookahead", "sam", "schedule_free"])
def test_of_an_optimizer_around_another_the_rate_of_the_other_is_found(invoke, write, kind):
    inner = {"type": "sgd", "learning_rate": {"type": "cosine", "initial": 1e-3}}
    around = write("around.json", **{**SPEC, "optimizer": {"type": kind, "optimizer": inner}})
    default = write("default.json", **{**SPEC, "optimizer": kind})
    for spec, place in ((around, "learning_rate.initial="), (default, "learning_rate=")):
        stdout = invoke("lr-find", spec, "--steps", "30").stdout
        setting = next(word for word in stdout.split() if word.startswith("optimizer."))
        assert setting.startswith(f"optimizer.optimizer.{place}")
        assert invoke("validate", spec, "--set", setting).exit_code == 0
        if spec is around:
            runs = [specnet.run(specnet.load_spec(spec, each), report=False) for each in ([], [setting])]
            usual, suggested = (run.history["train/loss"][-1] for run in runs)
            assert suggested < usual


def test_a_dip_of_a_single_step_is_no_minimum():
    rates = np.geomspace(1e-6, 10, 150)
    falling = np.where(rates < 0.02, 1 / (1 + 100 * rates), 1 / 3 + 5 * (rates - 0.02))
    dipping = falling.copy()
    dipping[130] = 0.01
    smooth, dipped = (RangeTest(rates, each, each) for each in (falling, dipping))
    assert smooth.lowest == dipped.lowest == pytest.approx(0.02, rel=0.2)
    assert dipped.suggestion == smooth.suggestion <= smooth.lowest / 2


def test_in_a_small_table_the_suggestion_learns_no_less_than_a_tenth_of_it(invoke):
    rng = np.random.default_rng(60)
    x = rng.normal(size=(60, 4))
    y = x @ [1, -2, 0.5, 0] + 0.3 * x[:, 0] * x[:, 1] + 0.1 * rng.normal(size=60)
    np.savetxt("small.csv", np.c_[x, y], "%.4f", ",", header="a,b,c,d,y", comments="")
    invoke("new", "spec", "small", "--data", "small.csv", "--target", "y")
    told = invoke("lr-find", "small.json").stdout
    assert "This rests on one training of 1" in told
    rate = float(re.search(r"optimizer.learning_rate=(\S+)", told)[1])
    changes = ["training.epochs=60", "training.early_stopping=null", "plots=[]", "record=null"]
    specs = [
        specnet.load_spec("small.json", [*changes, f"optimizer.learning_rate={each}"]) for each in (rate, rate / 10)
    ]
    suggested, smaller = (np.mean(specnet.run(each, report=False).history["train/loss"][-6:]) for each in specs)
    assert suggested < smaller


def test_what_cannot_be_tested_is_refused(invoke, write):
    spec = write("moons.json", **SPEC)
    other = write(
        "other.json", **{**SPEC, "loss": "mse", "optimizer": "levenberg_marquardt", "training": {"batch_size": "full"}}
    )
    for arguments, message in (
        ((spec, "--low", "1", "--high", "0.1"), "--low 1 is not below --high 0.1"),
        ((spec, "-o", "x.pdf"), "the file name should end in .png or .svg"),
        ((spec, "--low", "1e20", "--high", "1e30", "--steps", "12"), "the loss does not fall"),
        ((other, "--set", "optimizer=rprop"), "rprop has no learning rate that can change"),
        ((other,), "levenberg_marquardt has no learning rate that can change"),
    ):
        result = invoke("lr-find", *arguments)
        assert result.exit_code == 2
        assert message in result.stderr

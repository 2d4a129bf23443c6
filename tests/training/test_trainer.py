import json
from typing import ClassVar

import numpy as np
import pytest

import specnet
from specnet import Callback, Metric, Optimizer
from specnet.datasets.base import Samples
from specnet.errors import BrokenComponentError, DivergenceError, UsageError
from specnet.training.loop import forward_backward, run_epoch
from specnet.training.model import Model
from specnet.training.settings import Training
from specnet.training.state import TrainingState
from specnet.training.trainer import Trainer
from specnet.training.update import clip_norm
from specnet.transforms.pipeline import Pipeline

LAYERS = [{"type": "linear", "units": 6}, "tanh", {"type": "dropout", "rate": 0.4}, {"type": "linear", "units": 1}]
NESTED = [
    {"type": "residual", "layers": [LAYERS[2], {"type": "linear", "units": 3}]},
    {"type": "repeat", "times": 2, "layers": [{"type": "parallel", "branches": [LAYERS[:3], []]}]},
    LAYERS[3],
]
SGD = {"type": "sgd", "learning_rate": 0.05}
MOMENTUM = {**SGD, "momentum": 0.9, "nesterov": True}
ADAM = {"type": "adam", "learning_rate": {"type": "cosine", "initial": 0.05, "steps": 30}}


def make(optimizer=SGD, layers=LAYERS, dtype="float64", *, metrics=(), validation=False, **training):
    """Return a trainer on random samples; no pipeline transforms anything."""
    rng = np.random.default_rng(21)
    network = specnet.build_network(layers, (3,), dtype, seed=4)
    model = Model(
        network,
        specnet.build("losses", "mse"),
        Pipeline([], ()),
        Pipeline([], ()),
        [specnet.build("metrics", m) for m in metrics],
    )
    drawn = [Samples(rng.normal(size=(11, 3)), rng.normal(size=11)) for _ in range(2)]
    draw = [model.prepare(samples, samples.targets) for samples in drawn]
    splits = {"train": draw[0]} | ({"validation": draw[1]} if validation else {})
    optimizer = specnet.build("optimizers", optimizer)
    return Trainer(model, optimizer, Training(**training), splits, seed=4)


def record_batches(trainer, monkeypatch):
    """Return a list that fills with the rows of the training split that each batch has."""
    batches, rows, forward = [], trainer.splits["train"].inputs.tolist(), trainer.model.network.propagate

    def watch(x, training=False, mask=None):
        if training:
            batches.append([rows.index(row) for row in x.tolist()])
        return forward(x, training)

    monkeypatch.setattr(trainer.model.network, "propagate", watch)
    return batches


def state(trainer):
    network = trainer.model.network
    return network.params.flat.tobytes() + network.state.flat.tobytes() + trainer.slots.tobytes()


def lines(trainer, epochs):
    return [{k: v for k, v in run_epoch(trainer).items() if k != "seconds"} for _ in range(epochs)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("optimizer", [SGD, MOMENTUM, ADAM])
@pytest.mark.parametrize("layers", [LAYERS, NESTED])
def test_a_restored_state_leads_to_the_same_bytes(layers, optimizer, batch_size, dtype):
    settings = {
        "layers": layers,
        "dtype": dtype,
        "batch_size": batch_size,
        "metrics": ["mse"],
        "validation": True,
        "clip_norm": 1.0,
    }
    first, second = make(optimizer, **settings), make(optimizer, **settings)
    lines(first, 3)
    saved = first.state()
    expected = lines(first, 4)
    lines(second, 1)  # not where the state was taken
    second.restore(TrainingState(saved.arrays, json.loads(json.dumps(saved.progress))))
    assert lines(second, 4) == expected
    assert state(second) == state(first)


def test_a_state_has_the_generators_of_layers_inside_layers():
    trainer = make(layers=NESTED, batch_size=4)
    first, _, second = (lines(trainer, 1) and trainer.state().progress["generators"] for _ in range(3))
    droppers = {"layers.0.layers.0", *(f"layers.1.times.{copy}.layers.0.branches.0.2" for copy in (0, 1))}
    assert {place for place in first if first[place] != second[place]} == {"shuffle", *droppers}


def test_a_state_is_a_copy():
    trainer = make(MOMENTUM)
    saved = trainer.state()
    before = {name: array.tobytes() for name, array in saved.arrays.items()}, json.dumps(saved.progress)
    lines(trainer, 2)
    assert ({name: array.tobytes() for name, array in saved.arrays.items()}, json.dumps(saved.progress)) == before


@pytest.mark.parametrize(("optimizer", "count"), [(SGD, 0), (MOMENTUM, 1), (ADAM, 2)])
def test_slots_start_at_zero_like_the_parameters(optimizer, count):
    trainer = make(optimizer, dtype="float32")
    assert trainer.slots.shape == (count, trainer.model.network.params.flat.size)
    assert trainer.slots.dtype == np.float32
    assert not trainer.slots.any()


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(4, [4, 4, 3]), (5, [5, 5, 1]), (1, [1] * 11), (11, [11]), (99, [11]), (None, [11])]
)
def test_every_sample_is_used_once_an_epoch(batch_size, sizes, monkeypatch):
    trainer = make(batch_size=batch_size)
    batches = record_batches(trainer, monkeypatch)
    history = lines(trainer, 2)
    assert [len(batch) for batch in batches] == sizes * 2
    for epoch in (batches[: len(sizes)], batches[len(sizes) :]):
        assert sorted(row for batch in epoch for row in batch) == list(range(11))
    assert [(line["epoch"], line["step"]) for line in history] == [(1, len(sizes)), (2, 2 * len(sizes))]


@pytest.mark.parametrize(
    ("batch_size", "shuffle", "ordered"), [(4, True, False), (4, False, True), (None, True, True), (11, True, True)]
)
def test_batches_are_shuffled_anew_unless_one_holds_all_or_shuffle_is_false(batch_size, shuffle, ordered, monkeypatch):
    trainer = make(batch_size=batch_size, shuffle=shuffle)
    batches = record_batches(trainer, monkeypatch)
    generator = trainer.batches.rng.bit_generator.state
    lines(trainer, 2)
    rows = [row for batch in batches for row in batch]
    first, second = rows[:11], rows[11:]
    assert (first == list(range(11))) == (second == list(range(11))) == ordered
    assert (first == second) == ordered
    assert (trainer.batches.rng.bit_generator.state == generator) == ordered


def test_train_loss_is_the_average_over_samples_of_what_each_batch_had_before_its_update():
    layers = [LAYERS[0], "tanh", LAYERS[3]]
    trainer, twin = make(layers=layers, batch_size=4, shuffle=False, metrics=["mse"]), make(layers=layers)
    network, split = twin.model.network, twin.splits["train"]
    total = 0.0
    for start in range(0, 11, 4):
        batch, wanted = split.inputs[start : start + 4], split.targets[start : start + 4]
        total += float(np.sum((network.forward(batch) - wanted) ** 2))
        network.backward(2 * (network.forward(batch) - wanted) / len(batch))
        network.params.flat[...] -= 0.05 * network.grads.flat
    (line,) = lines(trainer, 1)
    assert line["train/loss"] == pytest.approx(total / 11, rel=1e-12)
    assert line["train/mse"] == pytest.approx(total / 11, rel=1e-12)
    np.testing.assert_allclose(trainer.model.network.params.flat, network.params.flat, rtol=1e-12)


def test_train_loss_adds_up_over_batches_where_the_loss_is_a_sum():
    mean, total = (make({"type": "sgd", "learning_rate": 1e-30}, batch_size=4, shuffle=False) for _ in range(2))
    total.model.loss = specnet.build("losses", {"type": "mse", "reduction": "sum"})
    assert run_epoch(total)["train/loss"] == pytest.approx(11 * run_epoch(mean)["train/loss"], rel=1e-6)


def test_the_first_line_of_a_full_batch_is_the_loss_of_the_initial_weights():
    trainer = make(layers=[LAYERS[0], LAYERS[3]], batch_size=None)
    initial = trainer.model.score(trainer.splits["train"])["loss"]
    assert lines(trainer, 1)[0]["train/loss"] == pytest.approx(initial, rel=1e-14)


def test_metrics_and_validation_are_in_the_history():
    trainer = make(metrics=["mse", "r2"], validation=True, batch_size=4)
    history = lines(trainer, 2)
    names = [f"{split}/{name}" for split in ("train", "validation") for name in ("loss", "mse", "r2")]
    assert list(history[0]) == ["epoch", "step", *names, "optimizer.learning_rate"]
    after = trainer.model.score(trainer.splits["validation"])
    assert {name: history[1][f"validation/{name}"] for name in after} == after
    # Samples are shuffled, but each output is compared with its own target.
    assert history[0]["train/mse"] == pytest.approx(history[0]["train/loss"])


def test_the_learning_rate_in_the_history_is_that_of_the_epochs_last_step():
    trainer = make(
        {"type": "sgd", "learning_rate": {"type": "step", "initial": 1e-3, "every_steps": 1, "factor": 0.5}},
        batch_size=6,
    )
    assert [line["optimizer.learning_rate"] for line in lines(trainer, 2)] == [1e-3 / 2, 1e-3 / 8]


def test_clip_norm_bounds_the_step():
    trainer = make({"type": "sgd", "learning_rate": 1.0}, batch_size=None, clip_norm=1e-3)
    before = trainer.model.network.params.flat.copy()
    lines(trainer, 1)
    assert np.linalg.norm(trainer.model.network.params.flat - before) == pytest.approx(1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("gradient", "expected"),
    [([3, 4], [0.6, 0.8]), ([0.3, 0.4], [0.3, 0.4]), ([0, 0], [0, 0]), ([3e25, -4e25], [0.6, -0.8])],
)
def test_clip_norm_keeps_the_direction(gradient, expected, dtype):
    g = np.array(gradient, dtype)
    clip_norm(g, 1.0)
    assert g.dtype == dtype
    np.testing.assert_allclose(g, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("validation", [False, True])
def test_divergence_is_an_error_and_not_a_warning(dtype, validation):
    layers = [{"type": "linear", "units": 4}, {"type": "linear", "units": 1}]
    trainer = make({"type": "sgd", "learning_rate": 1e200}, layers, dtype, batch_size=4, validation=validation)
    # The first update leaves the range of float32; that of float64 holds until the loss squares it.
    when = "by step 1" if dtype == "float32" else "in step 2"
    with pytest.raises(DivergenceError, match=f"{when}, in epoch 1: it begins in layers"):
        lines(trainer, 50)
    assert trainer.step == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("validation", [False, True])
def test_an_update_that_diverges_is_found_at_the_end_of_its_epoch(dtype, validation):
    trainer = make({"type": "sgd", "learning_rate": 1e300}, LAYERS[3:], dtype, batch_size=None, validation=validation)
    trainer.splits["train"].targets[...] *= 1e10
    told = r"a parameter is not finite by step 1, in epoch 1: it begins in layers\.0 \(Linear\), in its weight"
    with pytest.raises(DivergenceError, match=told) as error:
        lines(trainer, 1)
    assert error.value.pointer == ("layers", 0)


def test_a_parameter_that_is_not_finite_within_an_epoch_is_not_saved():
    trainer = make(batch_size=4)

    class Stop(Callback):
        def step(self, training):
            training.model.network.params["layers.0.bias"][0] = np.inf  # tanh behind it has a finite loss all the same
            raise InterruptedError

    trainer.callbacks["stop"] = Stop()
    with pytest.raises(InterruptedError):
        run_epoch(trainer)
    assert trainer.batches.within_epoch
    with pytest.raises(DivergenceError, match=r"a parameter is not finite by step 1, .* in its bias"):
        trainer.state()


class Centred(Optimizer):
    """Descent along gradients whose columns are centred, which needs whole tensors; its state sums the gradients."""

    whole_tensors: ClassVar[bool] = True

    @property
    def state_names(self):
        return ("total",)

    def update(self, w, g, state, step):
        assert w.shape == g.shape == state.total.shape
        self.seen = [*getattr(self, "seen", []), (w.shape, step)]
        state.total += g
        w -= 0.1 * (g - g.mean(axis=0, keepdims=True))


def test_an_optimizer_of_whole_tensors_gets_each_in_its_shape():
    trainer = make(Centred(), batch_size=6)
    network = trainer.model.network
    before = network.params.flat.copy()
    lines(trainer, 1)
    assert trainer.optimizer.seen == [(shape, step) for step in (0, 1) for shape in ((3, 6), (6,), (6, 1), (1,))]
    assert trainer.slots.shape == (1, network.params.flat.size)
    assert trainer.slots.any()
    moved = network.params.flat - before
    np.testing.assert_allclose(moved[:18].reshape(3, 6).sum(0), 0, atol=1e-12)
    assert moved[:18].any()


@pytest.mark.parametrize(
    "layers",
    [
        [LAYERS[0], "tanh", LAYERS[3]],
        [{"type": "repeat", "times": 2, "layers": [{"type": "residual", "layers": ["tanh", NESTED[0]]}]}, LAYERS[3]],
    ],
)
def test_a_full_batch_learns(layers):
    trainer = make(ADAM, layers=layers, batch_size=None)
    history = lines(trainer, 30)
    assert history[-1]["train/loss"] < 0.5 * history[0]["train/loss"]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"optimizer": MOMENTUM}, "slots has shape"),
        ({"layers": LAYERS[:2] + LAYERS[3:]}, "generators of layers.3"),
        ({"layers": [{"type": "linear", "units": 5}, *LAYERS[1:]]}, "params has shape"),
        ({"metrics": ["mse", "mae"]}, "there are the metrics mse, not mse, mae"),
        ({}, "there are the metrics mse, not"),
    ],
)
def test_a_state_of_another_training_is_refused_and_changes_nothing(other, what):
    ours, theirs = make(ADAM, metrics=["mse"]), make(**({"optimizer": ADAM} | other))
    lines(theirs, 1)
    before = state(ours)
    with pytest.raises(ValueError, match=what):
        ours.restore(theirs.state())
    assert (state(ours), ours.step) == (before, 0)


def test_a_state_with_that_of_a_callback_which_is_not_there_is_refused():
    class Keeping(Callback):
        def state(self):
            return {"something": 1}

    ours, theirs = make(), make()
    theirs.callbacks = {"Keeping 1": Keeping()}
    with pytest.raises(UsageError, match="made with the callback Keeping 1"):
        ours.restore(theirs.state())


class Hits(Metric):
    """Keeps an array before a number that becomes a scalar of NumPy."""

    def reset(self):
        self.keep(table=np.zeros(2), total=0, start=np.float32(0))

    def update(self, prediction, target):
        self.table += 1
        self.total += np.sum(prediction, dtype=np.float32) / np.float32(3)
        self.start += float(np.sum(target)) / 3

    def compute(self):
        return {"total": self.total / 7, "start": self.start / 7}


def test_scalars_of_numpy_that_a_metric_keeps_are_saved_as_numbers_and_end_in_the_same_value():
    trainers = [make(layers=LAYERS[:1] + LAYERS[3:], batch_size=4) for _ in range(2)]
    for each in trainers:
        each.model.metrics["hits"] = Hits()
        each.measures = each.model.measures()
    whole, resumed = trainers
    for batch in whole.batches:
        forward_backward(whole, batch)
        whole.step += 1
        if whole.batches.position >= 8:  # in the middle of the epoch, then at its end
            saved = TrainingState(whole.state().arrays, json.loads(json.dumps(whole.state().progress)))
            assert type(saved.take("metrics.hits")["total"]) is float
            resumed.restore(saved)
            found = resumed.measures.metrics["hits"]
            kept = whole.measures.metrics["hits"].kept
            assert {n: np.asarray(v).tolist() for n, v in found.kept.items()} == {
                n: np.asarray(v).tolist() for n, v in kept.items()
            }
    assert resumed.measures.compute() == whole.measures.compute()


def test_what_a_metric_cannot_save_is_named_with_its_place():
    class Odd(Hits):
        def reset(self):
            self.keep(seen=set())

    trainer = make(metrics=["mse"])
    trainer.model.metrics["odd"] = Odd()
    trainer.measures = trainer.model.measures()
    with pytest.raises(BrokenComponentError, match=r"metrics\.1 \(Odd\) fails in keep: TypeError: seen contains"):
        trainer.state()

import pytest

from specnet import SpecnetError, load_spec

MINIMAL = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "sigmoid"], "loss": "bce"}


def mistakes(**changes):
    with pytest.raises(SpecnetError) as raised:
        load_spec(MINIMAL | changes)
    return [(found.code, found.pointer) for found in raised.value.diagnostics]


@pytest.mark.parametrize(
    ("dataset", "missing"),
    [
        ({"type": "csv", "path": "no.csv", "inputs": ["a"], "targets": ["t"]}, ["path"]),
        ({"type": "csv", "path": "n" * 300, "inputs": ["a"], "targets": ["t"]}, ["path"]),
        ({"type": "npz", "path": "."}, ["path"]),
        ({"type": "npz", "path": ""}, ["path"]),
        ({"type": "idx", "images": "a", "labels": __file__}, ["images"]),
        (
            {"type": "idx", "images": "a", "labels": "b", "test_images": "c", "test_labels": "d"},
            ["images", "labels", "test_images", "test_labels"],
        ),
    ],
)
def test_missing_data_files_are_found_before_anything_is_loaded(dataset, missing):
    assert mistakes(dataset=dataset) == [("missing-file", ("dataset", field)) for field in missing]


def test_no_metric_is_named_twice():
    assert mistakes(metrics=["accuracy", "mse", {"type": "accuracy"}]) == [("duplicate-metric", ("metrics", 2))]


@pytest.mark.parametrize("monitor", ["train/loss", "validation/accuracy", "test/loss"])
def test_values_that_will_exist_can_be_monitored(monitor):
    changes = {"metrics": ["accuracy"], "checkpoint": {"monitor": monitor}, "split": {"validation": 0.2, "test": 0.2}}
    spec = load_spec(MINIMAL | changes | {"training": {"early_stopping": {"monitor": monitor}}})
    assert spec.checkpoint.monitor == spec.training.early_stopping.monitor == monitor


@pytest.mark.parametrize("monitor", ["loss", "validation/acuracy", "validation/mse", "tests/loss", ""])
def test_values_that_will_not_exist_cannot_be_monitored(monitor):
    found = mistakes(
        metrics=["accuracy"],
        checkpoint={"monitor": monitor},
        training={"early_stopping": {"monitor": monitor}},
    )
    places = [("checkpoint", "monitor"), ("training", "early_stopping", "monitor")]
    assert found == [("unknown-monitor", place) for place in places]


def test_the_nearest_value_is_proposed():
    with pytest.raises(SpecnetError, match='did you mean "validation/accuracy"'):
        load_spec(MINIMAL | {"metrics": ["accuracy"], "checkpoint": {"monitor": "validation/acuracy"}})

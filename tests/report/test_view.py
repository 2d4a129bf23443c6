import json
from types import SimpleNamespace

import numpy as np
import pytest

import specnet
from specnet.errors import DataError
from specnet.recording.curves import DEAD_UNITS
from specnet.report.results import Example, PredictedNumbers, Worst
from specnet.report.view import (
    INPUTS,
    describe_inputs,
    describe_manifest,
    duration,
    facts,
    layer_table,
    make_part,
    residual_pictures,
    rows_of,
    show_examples,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"), (0.615, "0.61 s"), (0.0012, "0.0012 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.4, "59 s"),
        (59.6, "1 min 0 s"), (60, "1 min 0 s"), (83.2, "1 min 23 s"), (119.7, "2 min 0 s"), (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"), (7384, "2 h 3 min"), (360_000, "100 h 0 min"),
    ],
)  # fmt: skip
def test_a_time_is_told_as_one_says_it(seconds, text):
    assert duration(seconds) == text


def test_a_page_begins_with_how_the_run_went(reported):
    spec = {"training": {"epochs": 2000}, "seed": 7}
    assert facts(reported(spec, params={"a": np.zeros((40, 30)), "b": np.zeros(())})) == [
        ("status", "finished"),
        ("epochs", "3 of 2,000"),
        ("time", "1 min 23 s"),
        ("started", "2025-01-02 03:04:05 UTC"),
        ("seed", "7"),
        ("parameters", "1,201"),
        ("best train/loss", "0.25 at epoch 2"),
    ]


def test_a_run_that_has_hardly_begun_has_facts_too(reported):
    best = {"monitor": "train/loss", "value": None, "epoch": 0}
    told = dict(facts(reported(history={}, best=best, params={}, status="running")))
    assert (told["epochs"], told["parameters"], told["status"]) == ("0 of 100", "0", "running")
    assert not any(name.startswith("best") for name in told)


def test_what_cannot_be_made_has_a_reason(reported):
    def fail():
        raise DataError("there is no file")

    assert make_part(reported(), fail) == (None, "there is no file")
    assert make_part(reported(), lambda: 7) == (7, "")
    with pytest.raises(ZeroDivisionError):
        make_part(reported(), lambda: 1 / 0)


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ({"a": 1, "b": {"c": "d", "e": None}}, [("a", "1"), ("b c", "d")]),
        ({"threads": [1, 2], "none": [], "empty": {}}, [("threads", "1, 2")]),
        ([{"a": 1}, {"a": 2}], [("1 a", "1"), ("2 a", "2")]),
        ({"zero": 0, "no": False, "text": ""}, [("zero", "0"), ("no", "False"), ("text", "")]),
        ({"mixed": [1, {"a": [2]}]}, [("mixed 1", "1"), ("mixed 2 a", "2")]),
        (None, []),
    ],
    ids=["objects", "lists", "objects in lists", "what is false", "mixed", "nothing"],
)
def test_rows_tell_where_what_stands(value, rows):
    assert list(rows_of(value)) == rows


def test_a_manifest_has_a_part_for_the_run_and_one_for_each_object():
    manifest = {"status": "finished", "error": None, "versions": {"numpy": "2.0"}, "resumed": []}
    assert list(describe_manifest(manifest)) == [
        ("run", [("status", "finished")]),
        ("versions", [("numpy", "2.0")]),
    ]


@pytest.mark.parametrize(
    ("inputs", "names", "text"),
    [
        ([0.5, 2.0], (), "0.5, 2"),
        ([0.5, 2.0], ("x", "y"), "x 0.5, y 2"),
        ([0.5, 2.0], ("x",), "0.5, 2"),
        (range(10), (), "0, 1, 2, 3, 4, 5, 6, 7 …"),
        (range(10), tuple("abcdefghij"), "a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7 …"),
        ([[1.0], [1e-7]], (), "1, 1e-07"),
        ([True, False], (), "1, 0"),
    ],
)
def test_inputs_are_told_by_name_where_they_have_names(inputs, names, text, reported):
    assert INPUTS == 8
    assert describe_inputs(reported(input_names=names), np.array(inputs)) == text


def example(inputs):
    return Example(0, np.asarray(inputs), "a", "b", 1.0)


def worst_of(examples):
    return Worst("test", "distance", examples, 9, None)


def test_examples_are_images_or_numbers(reported, data):
    found = {"data": data([1.0])}
    images = show_examples(reported(**found), worst_of([example(np.eye(3)[..., np.newaxis])] * 2))
    assert [(shown.image[:22], shown.inputs) for shown in images] == [("data:image/png;base64,", "")] * 2
    (shown,) = show_examples(reported(**found), worst_of([example(np.ones((2, 2, 2)))]))
    assert (shown.image, shown.inputs) == (None, "1, 1, 1, 1, 1, 1, 1, 1")
    assert show_examples(reported(**found), worst_of([])) == []


@pytest.mark.parametrize("truth", [[0.5, 1.5], [2.0, 2.0]], ids=["numbers", "always the same"])
def test_pictures_of_residuals_are_json(truth, reported):
    truth = np.array(truth)
    prediction = truth + np.array([1, 100])
    pictures = residual_pictures(
        reported(target_names=("price",)),
        PredictedNumbers("test", "test", truth, prediction, np.array([1, 0, 1]), 100.0, 0),
    )
    assert [picture["kind"] for picture in pictures] == ["fit", "histogram"]
    for picture in json.loads(json.dumps(pictures, allow_nan=False)):
        low, high = picture["range"]
        assert low < truth.min() <= prediction.max() < high, "predictions far away are seen, too"
        assert (picture["outputs"], picture["truth"]) == (["price"], [[number] for number in truth.tolist()])


LAYERS = [
    {"type": "linear", "units": 4},
    {"type": "residual", "layers": ["tanh", {"type": "linear", "units": 4, "use_bias": False}]},
    {"type": "linear", "units": 1},
]


def networked(reported):
    """Return an invented run with a network of these layers."""
    return reported(model=SimpleNamespace(network=specnet.build_network(LAYERS, input_shape=(2,))))


def test_layers_are_told_with_what_is_inside_them(reported):
    table = layer_table(networked(reported), [])
    assert [(row.name, row.type, row.shape, row.parameters) for row in table.rows] == [
        ("layers.0", "linear", "4", 12),
        ("layers.1", "residual", "4", 0),
        ("layers.1.layers.0", "tanh", "4", 0),
        ("layers.1.layers.1", "linear", "4", 16),
        ("layers.2", "linear", "1", 5),
    ]


def test_layers_are_told_where_their_curves_are(reported):
    panels = [
        {"title": "loss", "series": [{"name": "train"}]},
        {"title": "weight norm", "series": [{"name": "layers.0"}, {"name": "layers.2"}]},
        {"title": DEAD_UNITS, "series": [{"name": "layers.1.layers.0"}]},
    ]
    table = layer_table(networked(reported), panels)
    assert table.titles == ["weight norm", DEAD_UNITS]
    cells = {row.name: row.cells for row in table.rows}
    assert cells["layers.0"] == ['[1, "layers.0"]', ""]
    assert cells["layers.1.layers.0"] == ["", '[2, "layers.1.layers.0"]']


def test_shapes_that_only_the_data_tell_are_asked_of_them(train, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,y,kind\n" + "".join(f"{x},{x % 3},{'ab'[x % 2]}\n" for x in range(40)))
    dataset = {"type": "csv", "path": str(path), "inputs": ["x", "y"], "targets": ["kind"]}
    run = train(dataset=dataset, transforms={"inputs": ["one_hot"]}, split={})
    table = layer_table(run, [])
    assert [(row.name, row.parameters) for row in table.rows] == [
        ("layers.0", run.params["layers.0.weight"].size + 6),
        ("layers.1", 0),
        ("layers.2", 7),
    ]

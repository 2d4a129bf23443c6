"""What the targets of a table are for a loss and a network, and which of them are refused."""

import numpy as np
import pytest

import specnet
from specnet import SpecnetError
from specnet.runs.experiment import Experiment
from specnet.runs.trained.building import load_data


def trained_on(table, tmp_path, content, loss, units):
    dataset = {"type": "csv", "path": table(content).path, "inputs": ["a"], "targets": ["t"]}
    layers = [{"type": "linear", "units": units}]
    spec = {"dataset": dataset, "layers": layers, "loss": loss, "training": {"epochs": 1}}
    with pytest.raises(SpecnetError) as raised:
        specnet.run(spec, out=tmp_path / "made")
    assert not (tmp_path / "made").exists()
    return raised.value.diagnostics[0]


@pytest.mark.parametrize("cells", [["9 x", "10 x", "7 x"], ["2020-01-31", "2019-12-31", "-"]])
def test_text_is_not_learned_as_positions_in_the_alphabet(table, tmp_path, cells):
    content = "a,t\n" + "".join(f'{number},"{cell}"\n' for number, cell in enumerate(cells))
    found = trained_on(table, tmp_path, content, "mse", 1)
    assert (found.code, found.pointer) == ("data", ("loss",))
    assert "the targets are text, 3 classes" in found.message and f'"{cells[0]}"' in found.message


def test_classes_without_an_output_are_named(table, tmp_path):
    found = trained_on(table, tmp_path, "a,t\n1,red\n2,green\n3,blue\n", "cross_entropy", 2)
    assert (found.code, found.pointer) == ("shape", ("layers", 0))
    assert found.message.endswith('the classes are ["blue", "green", "red"]')


@pytest.mark.parametrize("split", [{}, {"validation": 0.5}])
def test_a_row_is_named_by_its_line_in_the_file_wherever_the_split_puts_it(split, table, tmp_path):
    dataset = table("\n".join(["a,t", *(f"{number},{number % 2}" for number in range(17)), ",1", "18,1"]))
    spec = {
        "dataset": {"type": "csv", "path": str(dataset.path), "inputs": ["a"], "targets": ["t"]},
        "split": split,
        "layers": [{"type": "linear", "units": 2}],
        "loss": "cross_entropy",
    }
    for seed in range(3):
        with pytest.raises(SpecnetError, match='column "a": a value is missing, the first in line 19'):
            Experiment(specnet.load_spec(spec | {"seed": seed}))
    data = load_data(specnet.load_spec(spec))
    for name, samples in data.splits.items():
        lines = [int(data.place(name, row).removeprefix("line ")) for row in range(len(samples.inputs))]
        np.testing.assert_array_equal(samples.inputs[:, 0], [np.nan if line == 19 else line - 2 for line in lines])


@pytest.mark.parametrize(("units", "warned"), [(3, False), (5, True)])
def test_more_outputs_than_classes_are_a_warning(units, warned, table, tmp_path):
    dataset = table("a,t\n1,red\n2,green\n3,blue\n")
    spec = specnet.load_spec(
        {
            "dataset": {"type": "csv", "path": str(dataset.path), "inputs": ["a"], "targets": ["t"]},
            "layers": [{"type": "linear", "units": units}],
            "loss": "cross_entropy",
        }
    )
    message = (
        'the last layer has 5 outputs for 3 classes, ["blue", "green", "red"]; '
        "for one per class: --set layers.0.units=3"
    )
    assert (message in Experiment(spec).warnings) == warned


def test_classes_may_be_numbered_from_1(table, tmp_path):
    spec = {
        "dataset": {"type": "csv", "path": table("a,t\n1,1\n2,2\n3,3\n").path, "inputs": ["a"], "targets": ["t"]},
        "layers": [{"type": "linear"}],
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    run = specnet.run(spec, out=tmp_path / "made")
    assert run.classes == ("1", "2", "3")
    assert run.spec.layers[0].units == 3


def experiment(table, content, fields, **spec):
    dataset = table(content, **fields).to_spec()
    dataset["path"] = table(content).path
    return Experiment(specnet.load_spec({"dataset": dataset, "layers": ["linear"], "training": {"epochs": 1}, **spec}))


@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits", "hinge"])
@pytest.mark.parametrize("target", ["t", {"name": "t", "type": "category", "categories": ["x"]}])
def test_a_target_with_one_class_is_refused(table, loss, target):
    with pytest.raises(SpecnetError, match="there is nothing to learn"):
        experiment(table, "a,t\n1,x\n2,x\n3,x\n", {"targets": [target]}, loss=loss)


@pytest.mark.parametrize("split", [{}, {"validation": 0.4, "by": "order"}])
def test_a_negative_weight_is_named_with_its_line(table, split):
    content = "a,t,w\n1,2,1\n2,3,1\n3,4,1\n\n4,5,1\n5,6,-0.5\n"
    with pytest.raises(SpecnetError, match=r"a train weight is negative, -0\.5 in line 7"):
        experiment(table, content, {"sample_weight": "w"}, loss="mse", split=split)


def test_a_number_that_is_no_class_is_named_where_units_are_left_out(table):
    with pytest.raises(SpecnetError, match=r"target 0\.5 in line 4 is not a class: .* from 0 to 65535") as raised:
        experiment(table, "a,t\n1,0\n2,1\n3,0.5\n", {}, loss="cross_entropy")
    assert raised.value.diagnostics[0].pointer == ("loss",)


@pytest.mark.parametrize("number", [-1, 65536, 1e30])
def test_an_array_of_numbers_that_are_no_classes_is_refused_with_the_row(number):
    spec = {"dataset": {"type": "arrays"}, "layers": ["linear"], "loss": "cross_entropy"}
    with pytest.raises(SpecnetError, match=r"in row 2 is not a class"):
        specnet.run(spec, data=(np.eye(3), np.array([0, 1, number])))

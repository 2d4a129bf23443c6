import csv
import io
import json
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from cli.conftest import MINIMAL
from click.testing import CliRunner

import specnet
from specnet.cli import cli
from specnet.datasets.arrays import read_npz

IRIS = """sepal,petal,kind
1,0.5,setosa
1.1,0.4,setosa
4,3.5,virginica
3.9,3.6,virginica
2.4,2.1,versicolor
2.5,2,versicolor
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run on the spiral, and one on a CSV file with text classes."""
    folder = tmp_path_factory.mktemp("made")
    arms = {"split": {"validation": 0.2, "test": 0.1}, "metrics": ["accuracy"], "plots": ["curves"]}
    (folder / "iris.csv").write_text(IRIS + 4 * IRIS.partition("\n")[2])
    dataset = {"type": "csv", "path": "iris.csv", "inputs": ["sepal", "petal"], "targets": ["kind"]}
    layers = [{"type": "linear", "units": 8}, "tanh", {"type": "linear", "units": 3}]
    training = {"epochs": 200, "batch_size": 10}
    optimizer = {"type": "adam", "learning_rate": 0.05}
    flowers = {"dataset": dataset, "layers": layers, "loss": "cross_entropy", "metrics": ["accuracy"]}
    flowers |= {"training": training, "optimizer": optimizer}
    with chdir(folder):
        for name, changes in {"arms": arms, "flowers": flowers}.items():
            Path(f"{name}.json").write_text(json.dumps(MINIMAL | changes))
            assert CliRunner().invoke(cli, ["run", f"{name}.json"]).exit_code == 0
    return folder


@pytest.fixture
def arms(invoke, made):
    """The run on the spiral."""
    shutil.copytree(made, ".", dirs_exist_ok=True)
    return Path("runs/arms")


@pytest.fixture
def flowers(invoke, made):
    """The run on a CSV file with text classes."""
    shutil.copytree(made, ".", dirs_exist_ok=True)
    return Path("runs/flowers")


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_evaluate_prints_loss_and_metrics_of_a_split(arms, invoke):
    for split in ("train", "validation", "test"):
        scores = specnet.load_run(arms).evaluate(split)
        header, values = invoke("evaluate", arms, "--split", split).output.splitlines()
        assert header.split() == ["split", "loss", "accuracy"]
        assert values.split() == [split, f"{scores['loss']:.6g}", f"{scores['accuracy']:.6g}"]


def test_evaluate_takes_the_test_split_by_default(arms, invoke):
    assert invoke("evaluate", arms).output.splitlines()[1].split()[0] == "test"


def test_evaluate_uses_the_checkpoint_it_is_told(arms, invoke):
    outputs = {which: invoke("evaluate", arms, "--checkpoint", which).output for which in ("0", "latest")}
    assert outputs["0"] != outputs["latest"]
    for name in ("step-00000000", "step-00000000.npz"):
        assert invoke("evaluate", arms, "--checkpoint", name).output == outputs["0"]


def test_evaluate_reads_further_samples(flowers, invoke):
    Path("more.csv").write_text(IRIS)
    assert invoke("evaluate", flowers, "--data", "more.csv").output.splitlines()[1].split()[-1] == "1"
    Path("wrong.csv").write_text(IRIS.replace("virginica", "setosa"))
    assert invoke("evaluate", flowers, "--data", "wrong.csv").output.splitlines()[1].split()[-1] == "0.666667"


def test_predict_prints_classes_by_name_with_their_probabilities(flowers, invoke):
    Path("more.csv").write_text("petal,sepal\n3.5,4\n0.5,1\n")
    rows = table(invoke("predict", flowers, "more.csv").output)
    assert [row["kind"] for row in rows] == ["virginica", "setosa"]
    for row in rows:
        probabilities = [float(row[f"probability of {name}"]) for name in ("setosa", "versicolor", "virginica")]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)


def test_predict_reads_the_columns_that_the_dataset_names(arms, invoke):
    Path("points.csv").write_text("y,x\n1,2\n-3,0\n")
    expected = specnet.load_run(arms).predict(np.array([[2.0, 1.0], [0.0, -3.0]]))
    rows = table(invoke("predict", arms, "points.csv").output)
    np.testing.assert_allclose([float(row["probability of arm 1"]) for row in rows], expected[:, 0], rtol=1e-6)
    np.testing.assert_allclose([float(row["probability of arm 0"]) for row in rows], 1 - expected[:, 0], rtol=1e-6)
    assert {row["arm"] for row in rows} <= {"arm 0", "arm 1"}


@pytest.mark.parametrize("ending", ["NPY", "NPZ"])
def test_endings_of_arrays_may_be_in_capitals(ending, arms, invoke):
    with Path(f"in.{ending}").open("wb") as file:
        np.save(file, np.zeros((2, 2))) if ending == "NPY" else np.savez(file, inputs=np.zeros((2, 2)))
    assert invoke("predict", arms, f"in.{ending}").exit_code == 0


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_predict_reads_and_writes_arrays(ending, arms, invoke):
    inputs = np.random.default_rng(0).normal(size=(5, 2))
    if ending == "npy":
        np.save("in.npy", inputs)
    else:
        np.savez("in.npz", inputs=inputs)
    assert invoke("predict", arms, f"in.{ending}", "-o", f"out.{ending}").exit_code == 0
    out = np.load("out.npy") if ending == "npy" else read_npz(Path("out.npz"))["predictions"]
    np.testing.assert_array_equal(out, specnet.load_run(arms).predict(inputs))


def test_predict_writes_numbers_under_the_names_of_the_targets(invoke, write):
    invoke("run", write("waves.json", dataset="waves", layers=[{"type": "linear", "units": 1}], loss="mse"))
    Path("in.csv").write_text("x\n1\n2\n3\n")
    assert invoke("predict", "runs/waves", "in.csv", "-o", "out.csv").exit_code == 0
    rows = table(Path("out.csv").read_text())
    expected = specnet.load_run("runs/waves").predict(np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_allclose([float(row["y"]) for row in rows], expected[:, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "x,z\n1,2\n", 'no column "y"'),
        ("in.csv", "x,y\n1,?\n", 'column "y" has a missing value in line 2'),
        ("in.npy", "junk", "in.npy"),
        ("in.npz", "junk", "in.npz"),
        ("in.dat", "1 2", ".csv, .npz or .npy"),
        ("absent.csv", None, "there is no such file"),
        ("absent.npy", None, "there is no such file"),
    ],
)
def test_inputs_that_cannot_be_used_end_with_code_2(name, content, message, arms, invoke):
    if content is not None:
        Path(name).write_text(content)
    result = invoke("predict", arms, name)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_mistake_in_further_samples_names_their_file(arms, invoke):
    np.savez("wrong.npz", inputs=np.zeros((3, 5)), targets=np.zeros(3))
    result = invoke("evaluate", arms, "--data", "wrong.npz")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "  --> wrong.npz")


def test_the_spiral_can_be_evaluated_on_a_table(arms, invoke):
    Path("more.csv").write_text("x,y,arm\n1,2,arm 0\n0,-3,arm 1\n")
    assert invoke("evaluate", arms, "--data", "more.csv").exit_code == 0


def test_an_output_of_unknown_form_is_refused(arms, invoke):
    Path("in.csv").write_text("x,y\n1,2\n")
    result = invoke("predict", arms, "in.csv", "-o", "out.xls")
    assert (result.exit_code, ".csv, .npy or .npz" in result.stderr) == (2, True)


def test_plot_draws_what_the_spec_names_or_what_it_is_told(arms, invoke):
    (arms / "plots" / "curves.png").unlink()
    assert invoke("plot", arms).output == f"{arms}/plots/curves.png\n"
    assert invoke("plot", arms, "decision_boundary", "confusion_matrix").output.count(".png") == 2
    assert (arms / "plots" / "decision_boundary.png").is_file()


def test_the_network_of_a_spec_is_drawn_before_it_is_trained(arms, invoke):
    assert invoke("plot", arms / "spec.json", "network", "-o", "network.svg").stdout == "network.svg\n"
    picture = Path("network.svg").read_text()
    assert all(text in picture for text in ("input", "linear", "parameters"))
    result = invoke("plot", arms / "spec.json")
    assert (result.exit_code, "name one plot and a file" in result.stderr) == (2, True)


def test_a_plot_that_cannot_show_the_problem_is_refused(arms, invoke):
    assert invoke("plot", arms, "regression_fit").exit_code == 2
    assert 'did you mean "curves"?' in invoke("plot", arms, "curvs").stderr


def test_plots_after_one_that_fails_are_drawn(arms, invoke):
    result = invoke("plot", arms, "curves", "regression_fit", "bad", "decision_boundary")
    assert [line.rpartition("/")[2] for line in result.stdout.split()] == ["curves.png", "decision_boundary.png"]
    assert "one number over one input" in result.stderr and 'no plot "bad"' in result.stderr and result.exit_code == 2


@pytest.mark.parametrize("command", [["evaluate"], ["predict", "in.csv"], ["plot"]])
def test_a_folder_that_is_no_run_ends_with_code_3(command, invoke):
    result = invoke(command[0], "nowhere", *command[1:])
    assert (result.exit_code, "directory" in result.stderr) == (3, True)


def test_of_a_damaged_checkpoint_the_one_before_is_used_and_with_none_left_the_code_is_3(arms, invoke):
    paths = sorted((arms / "checkpoints").iterdir())
    for path in paths[1:]:
        path.write_bytes(path.read_bytes()[:-1])
    result = invoke("evaluate", arms)
    assert (result.exit_code, "step-00000000.npz is used in its place" in result.stderr) == (0, True)
    paths[0].unlink()
    assert invoke("evaluate", arms).exit_code == 3


def test_a_checkpoint_that_does_not_exist_ends_with_code_2(arms, invoke):
    for which in ("nope", "manifest", "12345"):
        assert invoke("evaluate", arms, "--checkpoint", which).exit_code == 2


def test_no_inputs_give_no_predictions(arms, invoke):
    np.save("none.npy", np.empty((0, 2)))
    assert invoke("predict", arms, "none.npy").output == "arm,probability of arm 0,probability of arm 1\n"


def test_outputs_beyond_the_named_classes_go_by_number(invoke, write):
    layers = [{"type": "linear", "units": 4, "bias_init": {"type": "constant", "value": 5.0}}]
    training = {"epochs": 1, "batch_size": None}
    invoke("run", write("more.json", layers=layers, loss="cross_entropy", training=training))
    Path("points.csv").write_text("x,y\n1,2\n")
    (row,) = table(invoke("predict", "runs/more", "points.csv").output)
    assert list(row) == ["arm", *(f"probability of {name}" for name in ("arm 0", "arm 1", "2", "3"))]


def test_a_plot_of_another_checkpoint_leaves_the_usual_one_alone(arms, invoke):
    before = (arms / "plots" / "curves.png").read_bytes()
    assert invoke("plot", arms, "curves", "--checkpoint", "0").output == f"{arms}/plots/curves-step-00000000.png\n"
    assert (arms / "plots" / "curves.png").read_bytes() == before


def test_evaluate_says_so_where_a_run_did_not_end_well(arms, invoke):
    assert invoke("evaluate", arms).stderr == ""
    manifest = arms / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"status": "finished"', '"status": "diverged"'))
    assert "diverged" in invoke("evaluate", arms).stderr


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("sepal;petal\n1,5;2\n2,25;3\n", 'set "decimal": ","'),
        ("5,2\n4,3\n", 'set "header": false'),
        ("sepal,petal\n5,2\n4,?!\n3,3\n1,2\n", "--set 'dataset.na_values+="),
    ],
)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_advice_about_other_files_says_that_the_spec_of_a_run_stays(made, invoke, content, advice, command):
    shutil.copytree(made, ".", dirs_exist_ok=True)
    if command == "evaluate":
        first, *rows = content.splitlines()
        mark = ";" if ";" in first else ","
        ends = ["kind" if advice != 'set "header": false' else "setosa", *["setosa"] * len(rows)]
        content = "".join(f"{row}{mark}{end}\n" for row, end in zip([first, *rows], ends, strict=True))
    Path("other.csv").write_text(content)
    result = invoke(command, "runs/flowers", *["--data"] * (command == "evaluate"), "other.csv")
    assert result.exit_code == 2
    assert advice in result.stderr
    assert "to change the spec, start a new run" in result.stderr

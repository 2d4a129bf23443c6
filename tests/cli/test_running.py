import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.provenance.machine import numpy_blas


def test_run_leaves_the_run_directory_of_the_design(invoke, tmp_path, write):
    spec = write("arms.json", plots=["curves"], record={"every": 1, "points": 5}, split={"validation": 0.25})
    result = invoke("run", spec)
    assert result.exit_code == 0
    run = tmp_path / "runs" / "arms"
    names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert {"spec.json", "manifest.json", "history.jsonl", "record.npz"} <= names
    assert {"checkpoints/step-00000000.npz", "checkpoints/step-00000003.npz", "plots/curves.png"} <= names
    assert "runs/arms" in result.output
    assert "validation" in result.output


def test_a_second_run_never_overwrites_the_first(invoke, tmp_path, write):
    spec = write("arms.json")
    for _ in range(3):
        assert invoke("run", spec).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["arms", "arms-2", "arms-3"]


@pytest.mark.parametrize("options", [("--out", "--quiet"), ("-o", "-q")])
def test_out_names_the_run_directory_and_quiet_prints_nothing(options, invoke, write):
    out, quiet = options
    result = invoke("run", write("arms.json"), out, "elsewhere/mine", quiet)
    assert (result.exit_code, result.output) == (0, "")
    assert Path("elsewhere/mine/manifest.json").is_file()


def test_set_overrides_values(invoke, write):
    spec = write("arms.json")
    result = invoke("run", spec, "--set", "training.epochs=5", "--set", "layers.0.units=7", "--set", "loss=mse")
    assert result.exit_code == 0
    resolved = json.loads(Path("runs/arms/spec.json").read_text())
    assert (resolved["training"]["epochs"], resolved["layers"][0]["units"]) == (5, 7)
    assert resolved["loss"]["type"] == "mse"
    assert len(Path("runs/arms/history.jsonl").read_text().splitlines()) == 5


def test_a_run_that_stops_early_says_when(invoke, write):
    stopping = {"monitor": "train/loss", "patience": 2, "min_delta": 100.0}
    result = invoke("run", write("arms.json", training={"epochs": 90, "early_stopping": stopping}))
    assert "stopped early, after epoch 3: train_after/loss has not improved for 2 epochs" in result.output


def test_lines_tell_how_the_run_goes_on(invoke, write):
    result = invoke("run", write("arms.json", training={"epochs": 40}, split={"validation": 0.2}))
    lines = [line for line in result.output.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 10
    assert lines[-1].startswith("epoch 40/40  loss ")
    assert "  validation " in lines[-1]
    assert "epochs/s  0 s left" in lines[-1]


def test_two_runs_of_one_spec_end_in_identical_arrays(invoke, write):
    layers = [{"type": "linear", "units": 9}, "relu", {"type": "dropout", "rate": 0.2}, {"type": "linear", "units": 1}]
    spec = write("arms.json", layers=layers, training={"epochs": 6, "batch_size": 7}, split={"validation": 0.2})
    invoke("run", spec, "--out", "a")
    invoke("run", spec, "--out", "b")
    names = sorted(path.name for path in Path("a/checkpoints").iterdir())
    assert names == sorted(path.name for path in Path("b/checkpoints").iterdir())
    for name in names:
        with np.load(Path("a/checkpoints") / name) as one, np.load(Path("b/checkpoints") / name) as other:
            for member in one.files:
                assert one[member].tobytes() == other[member].tobytes()


CSV = "x,y,label\n1,2,0\n3,oops,1\n5,6,1\n"
TABLE = {"type": "csv", "path": "data.csv", "inputs": ["x", "y"], "targets": ["label"]}
BAD = {
    "unknown key": ({"epochs": 3}, "unknown-key", '"epochs"'),
    "unknown key in a component": ({"optimizer": {"type": "sgd", "rate": 1}}, "unknown-key", "optimizer.rate"),
    "wrong type": ({"training": {"epochs": "64"}}, "wrong-type", 'not "64"'),
    "out of range": ({"training": {"epochs": 0}}, "out-of-range", "training.epochs"),
    "unknown component": ({"layers": ["sigmod"]}, "unknown-component", 'did you mean "sigmoid"?'),
    "missing data file": ({"dataset": TABLE | {"path": "no.csv"}}, "missing-file", "no.csv"),
    "bad cell": ({"dataset": TABLE}, "data", 'data.csv:3: column "y": "oops"'),
    "mismatched shapes": ({"layers": [{"type": "linear", "units": 3}]}, "shape", "the last layer returns"),
    "a layer that cannot take its inputs": ({"dataset": {"type": "npz", "path": "flat.npz"}}, "shape", "layers.0"),
    "target out of range": ({"dataset": {"type": "npz", "path": "targets.npz"}}, "data", "target 2 in row 1"),
    "class out of range": (
        {"dataset": {"type": "npz", "path": "targets.npz"}, "loss": "cross_entropy",
         "layers": [{"type": "linear", "units": 2}]}, "data", "classes 0 to 1",
    ),
    "no such monitor": ({"checkpoint": {"monitor": "validation/loss"}}, "unknown-monitor", "validation"),
    "plot that does not apply": ({"plots": ["regression_fit"]}, "plot", "plots.0"),
    "record that does not apply": (
        {"dataset": {"type": "npz", "path": "wide.npz"}, "record": {"points": 9}}, "data", "one or two inputs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_spec_ends_with_code_2_and_a_message(case, invoke, write):
    changes, code, text = BAD[case]
    Path("data.csv").write_text(CSV)
    np.savez("flat.npz", inputs=np.zeros(4), targets=np.zeros(4))
    np.savez("wide.npz", inputs=np.zeros((4, 3)), targets=np.zeros(4))
    np.savez("targets.npz", inputs=np.zeros((4, 2)), targets=np.array([0, 2, 1, 0]))
    result = invoke("run", write("bad.json", **changes))
    assert result.exit_code == 2
    assert f"error[{code}]" in result.stderr
    assert text in result.stderr
    assert "bad.json" in result.stderr
    assert result.stderr.count("error[") == 1
    assert not Path("runs").exists()


def test_several_mistakes_are_told_in_one_run(invoke, write):
    changes = {"epochs": 3, "layers": ["sigmod", {"type": "linear", "units": 0}], "training": {"epochs": "64"}}
    result = invoke("run", write("bad.json", **changes))
    assert result.stderr.count("error[") == 4


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": NaN}', '{"a": 1, "a": 2}', "{} x"])
def test_a_file_that_is_no_json_object_ends_with_code_2(text, invoke):
    Path("bad.json").write_text(text)
    result = invoke("run", "bad.json")
    assert (result.exit_code, "bad.json" in result.stderr) == (2, True)


def test_divergence_ends_with_code_4_and_tells_where_the_run_is(invoke, write):
    layers = [{"type": "linear", "units": 8}, {"type": "linear", "units": 1}]
    optimizer = {"type": "sgd", "learning_rate": 1e6}
    training = {"epochs": 50, "batch_size": None}
    result = invoke("run", write("wild.json", layers=layers, loss="mse", optimizer=optimizer, training=training))
    assert result.exit_code == 4
    assert "runs/wild" in result.stderr
    assert json.loads(Path("runs/wild/manifest.json").read_text())["status"] == "diverged"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_code_and_says_how_to_go_on(number, code, invoke, monkeypatch, write):
    from specnet.training import loop

    def interrupted(trainer):
        signal.raise_signal(number)
        return run_epoch(trainer)

    run_epoch = loop.run_epoch
    monkeypatch.setattr(loop, "run_epoch", interrupted)
    result = invoke("run", write("arms.json"))
    assert (result.exit_code, "to resume: specnet resume runs/arms" in result.stderr) == (code, True)
    assert json.loads(Path("runs/arms/manifest.json").read_text())["status"] == "interrupted"


def test_the_module_is_the_command_and_shows_no_traceback(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "specnet", "run", "nowhere.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == "error[file]: there is no such file\n  --> nowhere.json\n"


def test_an_unexpected_error_ends_in_a_message_and_not_in_a_traceback(invoke, write, monkeypatch):
    monkeypatch.setattr("specnet.training.loop.run_epoch", lambda trainer: {}["nothing"])
    result = invoke("run", write("arms.json"))
    assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "error[internal]")
    assert json.loads(Path("runs/arms/manifest.json").read_text())["status"] == "failed"


def test_what_is_not_finite_is_told_with_its_row(invoke, write):
    inputs = np.ones((20, 2))
    inputs[17, 1] = np.nan
    np.savez("gap.npz", inputs=inputs, targets=np.arange(20) % 2)
    dataset = {"type": "npz", "path": "gap.npz"}
    result = invoke("run", write("gap.json", dataset=dataset, transforms={"inputs": ["standardize"]}))
    assert (result.exit_code, "the first in row 17" in result.stderr) == (2, True)


def test_the_test_split_can_be_watched(invoke, write):
    spec = write("arms.json", split={"test": 0.2}, checkpoint={"monitor": "test/loss"})
    assert invoke("run", spec).exit_code == 0
    line = json.loads(Path("runs/arms/history.jsonl").read_text().splitlines()[0])
    assert "test/loss" in line


def test_an_interrupt_keeps_the_best_state_so_far(invoke, write, monkeypatch):
    from specnet.training import loop

    run_epoch, epochs = loop.run_epoch, []

    def interrupted(trainer):
        if len(epochs) == 6:
            signal.raise_signal(signal.SIGINT)
        epochs.append(None)
        return run_epoch(trainer)

    monkeypatch.setattr(loop, "run_epoch", interrupted)
    spec = write("arms.json", training={"epochs": 1000}, record={"every": 1, "points": 3})
    assert invoke("run", spec).exit_code == 130
    best = specnet.load_run("runs/arms").best
    losses = [json.loads(line)["train/loss"] for line in Path("runs/arms/history.jsonl").read_text().splitlines()]
    assert best["epoch"] == 1 + min(range(6), key=losses.__getitem__)
    assert Path("runs/arms/record.npz").is_file()
    assert invoke("evaluate", "runs/arms").exit_code == 0


@pytest.mark.parametrize("out", [".", "..", "/", "deep/.."])
def test_a_run_directory_has_a_name(out, invoke, write, tmp_path):
    before = sorted(tmp_path.parent.iterdir())
    result = invoke("run", write("arms.json"), "--out", out)
    assert (result.exit_code, "as in --out runs/mine" in result.stderr) == (2, True)
    assert (sorted(tmp_path.parent.iterdir()), list(tmp_path.iterdir())) == (before, [tmp_path / "arms.json"])


@pytest.mark.parametrize("out", ["arms.json", "link"])
def test_a_file_is_no_run_directory(out, invoke, write, tmp_path):
    Path("link").symlink_to("nowhere")
    result = invoke("run", write("arms.json"), "--out", out)
    assert (result.exit_code, f"{out} already exists" in result.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arms.json", "link"]


def test_a_taken_name_is_told_in_the_first_line(invoke, write):
    spec = write("arms.json")
    assert invoke("run", spec).stdout.startswith("arms -> runs/arms\n")
    assert invoke("run", spec).stdout.startswith("runs/arms is taken\narms -> runs/arms-2\n")


def test_a_directory_that_is_named_has_to_be_free(invoke, write, tmp_path):
    spec = write("arms.json")
    assert invoke("run", spec, "--out", "mine").exit_code == 0
    before = {path: path.read_bytes() for path in Path("mine").rglob("*") if path.is_file()}
    result = invoke("run", spec, "--out", "mine")
    assert (result.exit_code, "error[usage]: mine already exists" in result.stderr) == (2, True)
    assert "--resume" in result.stderr
    assert {path: path.read_bytes() for path in Path("mine").rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arms.json", "mine"]
    assert invoke("run", spec, "--out", "mine", "--resume").exit_code == 0


def test_a_path_may_begin_with_the_home_directory(invoke, write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert invoke("run", write("arms.json"), "--out=~/mine").exit_code == 0
    assert (tmp_path / "home" / "mine" / "manifest.json").exists()


LARGE = "small,large,t\n" + "".join(f"{row % 7},{1000 + row},{row % 2}\n" for row in range(40))


def test_inputs_that_are_not_scaled_are_warned_of_with_what_to_type(invoke, write):
    Path("table.csv").write_text(LARGE)
    dataset = {"type": "csv", "path": "table.csv", "inputs": ["small", "large"], "targets": ["t"]}
    spec = write("arms.json", dataset=dataset)
    result = invoke("run", spec)
    assert 'warning: inputs are large: column "large" is about 1.02e+03' in result.stderr
    option = result.stderr.split("to scale them: ")[1].split()[:2]
    assert "inputs are large" not in invoke("run", spec, *option).stderr


def test_the_final_table_has_what_a_constant_reaches(invoke, write):
    rows = [f"{row},{'ab'[row % 3 == 0]}" for row in range(30)]
    Path("table.csv").write_text("\n".join(["x,kind", *rows]))
    dataset = {"type": "csv", "path": "table.csv", "inputs": ["x"], "targets": ["kind"]}
    spec = write("arms.json", dataset=dataset, split={"test": 0.3}, metrics=["accuracy"])
    lines = invoke("run", spec).stdout.splitlines()
    table = [line.split() for line in lines if line.startswith(("train", "test", "  baseline"))]
    assert [row[0] for row in table] == ["train", "baseline", "test", "baseline"]
    results = json.loads(Path("runs/arms/results.json").read_text())
    assert float(table[1][1]) == pytest.approx(results["baseline"]["train"]["accuracy"], rel=1e-5)
    assert 0.5 < results["baseline"]["train"]["accuracy"] < 0.8


DIVERGING = {"optimizer": {"type": "sgd", "learning_rate": 1e30}, "loss": "mse", "metrics": []}


@pytest.mark.parametrize("policy", ["stop", "restore_best"])
def test_a_run_that_diverges_in_its_first_epoch_ends_with_code_4_and_says_so_once(policy, invoke, write):
    training = {"epochs": 5, "on_divergence": policy}
    checkpoint = {"monitor": "train/loss"}
    result = invoke("run", write("arms.json", **DIVERGING, plots=["curves"], training=training, checkpoint=checkpoint))
    assert result.exit_code == 4
    assert result.stderr.count("error[divergence]: ") == 1
    assert ("the best state so far is restored" in result.stderr) is (policy == "restore_best")


def test_initial_weights_that_overflow_are_an_error_and_not_a_warning(invoke, write):
    huge = {"type": "linear", "units": 8, "weight_init": {"type": "normal", "std": 1e30}}
    layers = [huge, huge, {"type": "linear", "units": 1}]
    result = invoke("run", write("arms.json", layers=layers))
    assert (result.exit_code, result.stderr.count("it begins in layers.1"), "arning:" in result.stderr) == (4, 1, False)
    assert Path("runs/arms/report.html").exists()


def test_a_run_goes_back_to_an_earlier_state_if_one_asks_for_it(invoke, write):
    spec = write("arms.json", checkpoint={"every": 1, "keep": 9})
    assert invoke("run", spec).exit_code == 0
    history = Path("runs/arms/history.jsonl")
    lines = history.read_text().splitlines(keepends=True)
    history.write_text(lines[0])
    refused = invoke("resume", "runs/arms")
    assert (refused.exit_code, "--checkpoint 0" in refused.stderr) == (3, True)
    result = invoke("resume", "runs/arms", "--checkpoint", "0", "--quiet")
    assert (result.exit_code, result.stdout) == (0, "")
    repeated = [json.loads(line) | {"seconds": 0} for line in history.read_text().splitlines()]
    assert repeated == [json.loads(line) | {"seconds": 0} for line in lines]


def test_a_run_goes_on_where_nobody_reads_what_it_says(write):
    write("arms.json", training={"epochs": 400})
    process = subprocess.Popen([sys.executable, "-m", "specnet", "run", "arms.json"], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert json.loads(Path("runs/arms/manifest.json").read_text())["status"] == "finished"


def test_threads_are_asked_for_and_a_number_that_cannot_be_had_ends_with_code_2(invoke, monkeypatch, write):
    monkeypatch.setattr("specnet.runs.provenance.threads.usable_cores", lambda: 2)
    spec = write("arms.json")
    for number, said in ((0, "0 is not in the range x>=1"), (3, "3 threads requested"), ("all", "not a valid int")):
        for command in (["run", spec], ["resume", "runs/arms"]):
            result = invoke(*command, "--threads", number)
            assert (result.exit_code, said in result.stderr) == (2, True)
    assert not Path("runs").exists()
    if numpy_blas() is None:
        pytest.skip("the threads of this BLAS cannot be set")
    assert invoke("run", spec, "--threads", "2").exit_code == 0
    assert invoke("resume", "runs/arms", "--set", "training.epochs=4", "--threads", "1").exit_code == 0
    manifest = json.loads(Path("runs/arms/manifest.json").read_text())
    assert [each["machine"]["blas_threads"] for each in (manifest, *manifest["resumed"])] == [2, 1]


def test_strict_without_resume_is_told(invoke, write):
    result = invoke("run", write("arms.json"), "--strict")
    assert (result.exit_code, "add --resume" in result.stderr) == (2, True)


def test_a_file_in_the_place_of_the_directory_is_told_with_resume_as_well(invoke, write):
    write("arms.json")
    result = invoke("run", "arms.json", "--resume", "--out", "arms.json")
    assert (result.exit_code, "arms.json cannot be created" in result.stderr) == (2, True)

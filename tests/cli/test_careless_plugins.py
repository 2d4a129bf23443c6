"""Plugins that change what belongs to the whole process: the run, its data and its output stay as they are."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from environment import write_distribution
from helpers import sampled

from specnet import plugin_code

SOURCE = """\
import os, sys
import numpy as np
import specnet
from pydantic import field_validator


def careless(place):
    if place == "{place}":
        {deed}


careless("import")


@specnet.register("layers", "mine")
class Mine(specnet.Layer):
    factor: float = 2.0

    @field_validator("factor", mode="before")
    @classmethod
    def check(cls, value):
        careless("validator")
        return value

    def build(self, input_shape):
        careless("build")
        return input_shape

    def forward(self, x, training):
        careless("forward")
        return self.factor * x

    def backward(self, dy):
        careless("backward")
        return self.factor * dy


@specnet.register("callbacks", "watcher")
class Watcher(specnet.Callback):
    def begin(self, training):
        careless("begin")

    def step(self, training):
        careless("step")

    def epoch(self, training, values):
        careless("epoch")

    def end(self, training, status):
        careless("end")


@specnet.register("losses", "squares")
class Squares(specnet.Loss):
    def forward(self, y, target, weight=None):
        careless("loss")
        self.difference = y - target
        return float(np.mean(self.difference**2))

    def backward(self):
        return 2 * self.difference / self.difference.size


@specnet.register("metrics", "largest")
class Largest(specnet.Metric):
    def reset(self):
        self.keep(largest=0.0)

    def update(self, prediction, target, weight=None):
        careless("metric")
        self.largest = max(self.largest, float(np.abs(prediction - target).max()))

    def compute(self):
        return self.largest


@specnet.register("transforms", "same")
class Same(specnet.Transform):
    def fit(self, x):
        careless("fit")

    def apply(self, x):
        careless("apply")
        return x


@specnet.register("plots", "empty")
class Empty(specnet.Plot):
    def draw(self, run):
        from matplotlib.figure import Figure

        careless("draw")
        return Figure()
"""
PLACES = ["import", "validator", "build", "forward", "backward", "begin", "step", "epoch", "end", "loss", "metric",
          "fit", "apply", "draw"]  # fmt: skip
SPEC = {
    "dataset": {"type": "csv", "path": "data.csv", "inputs": ["x"], "targets": ["y"]},
    "split": {"validation": 0.25},
    "transforms": {"inputs": ["same"]},
    "layers": [{"type": "linear", "units": 2}, {"type": "mine", "factor": 1.5}, {"type": "linear", "units": 1}],
    "loss": "squares",
    "metrics": ["largest"],
    "training": {"epochs": 3, "callbacks": ["watcher"]},
    "checkpoint": {"every_steps": 1, "keep": 9},
    "record": {"points": 2},
    "plots": ["curves", "empty"],
}
COMMANDS = {
    "run": ["spec.json", "-o", "run"],
    "resume": ["run", "--set", "training.epochs=4"],
    "evaluate": ["run", "--data", "data.csv"],
    "predict": ["run", "data.csv", "-o", "predictions.csv"],
    "plot": ["run", "empty", "-o", "empty.png"],
    "report": ["run"],
    "compare": ["run", "run", "-o", "page.html"],
    "doctor": ["run"],
    "summary": ["spec.json"],
    "data": ["spec.json", "-o", "arrays.npz"],
    "components": ["layers", "mine"],
    "schema": ["-o", "a.schema.json"],
}
"""Every command that runs code of plugins, in an order that works, with relative paths."""


@pytest.fixture
def plugin(write):
    """Write a plugin that does something careless at a place, and a spec that uses all of it."""

    def call(place, deed):
        Path("data.csv").write_text("x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(16)))
        Path("mine.py").write_text(SOURCE.format(place=place, deed=deed))
        return write("spec.json", **SPEC)

    return call


@pytest.mark.parametrize("place", sampled(PLACES, 14))
def test_a_plugin_that_changes_the_working_directory_moves_nothing(place, plugin, invoke, forget, tmp_path):
    plugin(place, "os.chdir('/')")
    for command, arguments in COMMANDS.items():
        result = invoke(command, *arguments, "--plugin", "mine.py")
        assert result.exit_code == 0, (command, result.output)
        assert Path.cwd() == tmp_path, command
        forget()
    assert len([*Path("run/checkpoints").glob("*.npz")]) == 5
    assert {path.name for path in Path().iterdir()} == {
        "spec.json", "data.csv", "mine.py", "run", "predictions.csv", "empty.png", "page.html", "arrays.npz",
        "a.schema.json",
    }  # fmt: skip


DEEDS = {
    "prints": "print('stray')",
    "closes": "sys.stdout.write('stray\\n'); sys.stdout.close()",
    "closes for others": "print('stray', flush=True); sys.__stdout__.close()",
    "closes the file": "sys.stdout.buffer.write(b'stray\\n'); sys.stdout.flush(); os.close(1)",
    "prints in C": "os.write(1, b'stray\\n')",
    "starts a process": "__import__('subprocess').run(['echo', 'stray'])",
}


@pytest.mark.parametrize(("place", "deed"), sampled(itertools.product(PLACES, ["prints", "closes"]), 28))
def test_what_a_plugin_prints_is_not_part_of_the_output_of_a_command(place, deed, plugin, invoke, forget):
    plugin(place, DEEDS[deed])
    stderr = ""
    for command, arguments in COMMANDS.items():
        result = invoke(command, *arguments, "--plugin", "mine.py")
        assert (result.exit_code, "stray" in result.stdout) == (0, False), (command, result.output)
        stderr += result.stderr
        forget()
    assert "stray" in stderr


@pytest.fixture
def process(plugin, invoke, forget):
    """Train with a plugin that is careless at a place if CARELESS is set, and return how to run commands."""

    def call(place, deed, *arguments):
        if not Path("run").exists():
            plugin(place, "exec(os.environ.get('CARELESS', ''))")
            assert invoke("run", "spec.json", "-o", "run", "--plugin", "mine.py").exit_code == 0
            forget()
        command = [sys.executable, "-m", "specnet", *arguments, "--plugin", "mine.py"]
        environment = os.environ | {"CARELESS": deed}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    return call


@pytest.mark.parametrize(("place", "deed"), sampled(itertools.product(["import", "forward"], DEEDS), 20))
def test_a_real_process_writes_predictions_alone_to_standard_output(place, deed, process):
    expected, careless = (process(place, each, "predict", "run", "data.csv") for each in ("", DEEDS[deed]))
    assert expected.stdout.startswith("y\n")
    assert (careless.returncode, careless.stdout) == (0, expected.stdout), careless.stderr
    assert careless.stderr.startswith("stray\n")


@pytest.mark.parametrize("deed", sampled(["prints", "starts a process"], 2))
def test_quiet_drops_what_plugins_print(deed, process):
    done = process("forward", DEEDS[deed], "predict", "run", "data.csv", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "arguments",
    sampled([["components"], ["schema"], ["doctor"], ["components", "layers", "slow"]], 3),
    ids=" ".join,
)
def test_an_import_that_takes_long_is_named(arguments, invoke, install, monkeypatch):
    monkeypatch.setattr(plugin_code, "SLOW", 0.05)
    install(
        "specnet-slow",
        "slow = slow:Slow",
        slow="import time; time.sleep(0.5); import specnet\nclass Slow(specnet.Layer): pass",
    )
    result = invoke(*arguments)
    assert result.stderr.count('note: the import of the layer "slow" of specnet-slow 1.0 takes long; Ctrl-C') == 1


def test_a_plugin_file_that_takes_long_is_named(invoke, local, monkeypatch):
    monkeypatch.setattr(plugin_code, "SLOW", 0.05)
    Path("mine.py").write_text("import time; time.sleep(0.5)")
    assert "note: the import of the file mine.py takes long" in invoke("components", "--plugin", "mine.py").stderr


def test_an_interrupt_ends_an_import_that_hangs_and_names_it(tmp_path):
    write_distribution(tmp_path, "specnet-slow", "slow = slow:Slow", slow="import threading; threading.Event().wait()")
    code = "from specnet import plugin_code; from specnet.cli import main; plugin_code.SLOW = 0.1; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "components"], env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert any('the layer "slow" of specnet-slow 1.0 takes long' in line for line in process.stderr)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert stderr == (
        'stopped by SIGINT\n   = note: this was during the import of the layer "slow" of specnet-slow 1.0\n'
    )


WAITING = {
    "a thread": "import threading; threading.Thread(target=threading.Event().wait).start()",
    "a pool": "import threading, concurrent.futures as c; c.ThreadPoolExecutor().submit(threading.Event().wait)",
    "a process": "import multiprocessing as m; m.get_context('fork').Process(target=m.Event().wait).start()",
}


@pytest.mark.parametrize(
    ("waiting", "number"), sampled(itertools.product(WAITING, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]), 5)
)
def test_a_signal_ends_a_finished_command_whose_plugin_still_waits(waiting, number, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(WAITING[waiting])
    command = [sys.executable, "-m", "specnet", "components", "kernels", "--plugin", mine]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, text=True
    ) as process:
        try:
            assert any(line.startswith("textbook") for line in iter(process.stdout.readline, ""))
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(number)
            assert process.wait(timeout=120) == 0
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("place", "error"),
    sampled(
        itertools.product(
            PLACES[:-1], ["MemoryError('full')", "OSError(28, 'No space left')", "BrokenPipeError(32, 'Broken pipe')"]
        ),
        5,
    ),
)
def test_a_lack_of_memory_or_disk_in_the_code_of_a_plugin_is_blamed_on_it(place, error, plugin, invoke, local):
    plugin(place, f"raise {error}")
    result = invoke("run", "spec.json", "-o", "run", "--plugin", "mine.py")
    assert result.exit_code == 2
    if "Memory" in error and place in ("forward", "backward", "loss"):  # it may need more than there is
        assert f"error[memory]: {'loss' if place == 'loss' else 'layers.1'}" in result.stderr
        return
    told = result.stderr.partition("error[")[2]
    assert told.startswith(("broken-component]: ", "plugin]: ")), result.stderr
    assert "mine.py:9" in result.stderr, result.stderr


@pytest.mark.parametrize("command", [["run", "spec.json"], ["components"]])
def test_a_command_that_fails_does_not_wait_for_a_thread_of_a_plugin(command, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\n1 / 0\n"
    )
    code = "import specnet.cli as cli; cli.LINGER = 0.2; cli.main()"
    result = subprocess.run(
        [sys.executable, "-c", code, *command, "--plugin", "mine.py"], cwd=tmp_path, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert (result.returncode, "ZeroDivisionError" in result.stderr) == (2, True)


ENDS = {
    "prints at exit": ("import atexit; atexit.register(print, 'stray')", 0),
    "closes many files": ("os.closerange(3, 256)", 0),
    "closes all files": ("os.closerange(3, 1024)", 2),
}


@pytest.mark.parametrize("deed", sampled(ENDS, 4))
def test_what_a_plugin_does_at_its_end_or_to_other_files_is_not_part_of_the_output(deed, tmp_path):
    code, expected = ENDS[deed]
    (tmp_path / "mine.py").write_text(f"import os, specnet\n{code}\n")
    command = [sys.executable, "-m", "specnet", "schema", "--plugin", "mine.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == expected
    if expected:
        assert (
            result.stderr.startswith("warning: mine.py registers nothing") and "error[file]: output: " in result.stderr
        )
    else:
        assert json.loads(result.stdout)["$schema"]


@pytest.mark.long
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_broken_pipe_in_the_code_of_a_plugin_is_blamed_on_it(command, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import os, specnet\n@specnet.register('layers', 'mine')\nclass Mine(specnet.Layer):\n"
        "    def forward(self, x, training):\n        if os.environ.get('BREAK'):\n"
        "            raise BrokenPipeError(32, 'Broken pipe')\n        return x\n"
        "    def backward(self, dy):\n        return dy\n"
    )
    spec = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "mine"], "loss": "mse"}
    (tmp_path / "spec.json").write_text(json.dumps(spec | {"training": {"epochs": 1}}))
    (tmp_path / "in.csv").write_text("x,y,arm\n1,2,0\n")

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "specnet", *arguments, "--plugin", "mine.py"], cwd=tmp_path, capture_output=True,
            text=True, check=False, env=os.environ | environment,
        )  # fmt: skip

    assert run("run", "spec.json", "-o", "run", "-q").returncode == 0
    rest = ["in.csv"] if command == "predict" else []
    broken = run(command, "run", *rest, BREAK="1")
    assert broken.returncode == 2
    assert "(mine.py:6): BrokenPipeError" in broken.stderr or "mine.py:6" in broken.stderr

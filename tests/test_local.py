"""`specnet.register`: classes of a module, a script or a notebook as components."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import specnet
from specnet import Layer, Loss, SpecnetError, build, load_spec, registry
from specnet.component import find_class
from specnet.errors import ComponentError, PluginError, UsageError
from specnet.local import load_file

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 4}, "mine", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 2},
    "plots": [],
}
MINE = """
import specnet

@specnet.register("layers", "mine")
class Mine(specnet.Layer):
    factor: float = 2.0

    def forward(self, x, training):
        return self.factor * x

    def backward(self, dy):
        return self.factor * dy
"""


class Same(Layer):
    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


@pytest.fixture
def mine(local, tmp_path):
    """A plugin file with the layer "mine"."""
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_a_registered_class_is_a_component_of_specs_and_describes_itself(local, tmp_path):
    assert specnet.register("layers", "mine")(Same) is Same
    assert find_class("layers", "mine") is Same
    assert Same().to_spec() == {"type": "mine"}
    run = specnet.run(load_spec(SPEC), out=tmp_path / "run")
    assert (run.manifest["components"]["layers.mine"]).startswith("test_local.py (sha256 ")
    assert (tmp_path / "run" / "plugins" / "test_local.py").read_bytes() == Path(__file__).read_bytes()
    assert specnet.load_run(run.directory).spec.to_json()["layers"][1] == {"type": "mine"}
    assert specnet.resume(run.directory, ["training.epochs=3"]).history["epoch"][-1] == 3


def test_it_is_known_in_the_process_alone_and_only_once_registered(local):
    with pytest.raises(SpecnetError, match='there is no layer "mine"'):
        build("layers", "mine")


@pytest.mark.parametrize(
    ("group", "name", "cls", "error", "words"),
    [
        ("layer", "mine", Same, UsageError, ["no component group"]),
        ("layers", "Mine", Same, UsageError, ['"Mine" is not a valid component name']),
        ("layers", "a:b", Same, UsageError, ['"a:b"']),
        ("layers", "tanh", Same, ComponentError, [__file__, 'the layer "tanh", a name of specnet ']),
        ("layers", "swish", Same, ComponentError, [__file__, "a name of specnet-swish "]),
        ("losses", "mine", Same, ComponentError, ["is not a subclass of specnet's loss base class", __file__]),
        ("losses", "mine", Loss, ComponentError, ["does not define "]),
        ("layers", "mine", dict, ComponentError, ["is not a subclass of specnet's layer base class"]),
        ("layers", "mine", test_it_is_known_in_the_process_alone_and_only_once_registered, ComponentError, ["is not"]),
    ],
)
def test_what_cannot_be_a_component_is_refused_and_named(group, name, cls, error, words, local):
    with pytest.raises(error) as raised:
        specnet.register(group, name)(cls)
    assert all(word in raised.value.message for word in words), raised.value.message
    assert not local


def test_two_files_cannot_register_one_name(mine, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("\n" + MINE)
    load_file(mine)
    with pytest.raises(PluginError) as raised:
        load_file(other)
    assert raised.value.message == f'{other}:5 registers the layer "mine", a name of {mine}:4'
    assert registry.find("layers", "mine").owner == str(mine)


def test_a_file_that_is_loaded_again_is_not_run_again_unless_it_has_changed(mine):
    load_file(mine)
    before = find_class("layers", "mine")
    assert [entry.name for entry in load_file(mine)] == ["mine"]
    assert find_class("layers", "mine") is before


def test_a_notebook_may_run_a_cell_again(tmp_path):
    script = f"source = {MINE!r}\nfor _ in range(2): exec(compile(source, '<cell>', 'exec'))\n"
    script += "print(specnet.build('layers', 'mine').to_spec(), specnet.component.find_class('layers', 'mine') is Mine)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout == "{'type': 'mine', 'factor': 2.0} True\n", done.stderr


def test_the_module_of_a_distribution_may_register_what_the_distribution_declares(install, local):
    install("specnet-mine", "mine = mine_plugin:Mine", mine_plugin=MINE)
    assert build("layers", "mine").to_spec() == {"type": "mine", "factor": 2.0}
    assert (registry.find("layers", "mine").owner, local) == ("specnet-mine 1.0", {})


def test_a_class_of_a_file_survives_pickle_here_and_says_elsewhere_what_is_missing(mine, tmp_path):
    load_file(mine)
    layer = build("layers", {"type": "mine", "factor": 3})
    content = pickle.dumps(layer)
    assert pickle.loads(content) == layer
    (tmp_path / "layer.pickle").write_bytes(content)
    script = "import pickle, pathlib; pickle.loads(pathlib.Path('layer.pickle').read_bytes())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "is a local file that this process has not loaded: name it with --plugin" in done.stderr

"""Plugins in every way that they can be broken, installed from wheels: who is told what, and what goes on unharmed."""

import json
import re
import shutil
from pathlib import Path

import pytest
from environment import Installation, build_project

LAYER = """
import os, pathlib
with pathlib.Path(os.environ["TRACE"]).open("a") as trace:
    print(__name__, file=trace)
from specnet import Layer

class Same(Layer):
    def forward(self, x, training): return x
    def backward(self, dy): return dy
"""
DATASET = """
from specnet import Dataset

class Lazy(Dataset):
    def load(self, rng):
        import nosuch_archive
"""
LOUD = """
print("hello from the plugin")
from specnet import Metric

class Loud(Metric):
    def reset(self): self.keep(count=0)
    def update(self, prediction, target): self.count += 1
    def compute(self): return 0.0
"""
RETURNING = (
    LAYER
    + """
import numpy as np
from specnet import Dataset, Loss, Metric

class NoOutput(Same):
    def forward(self, x, training): return None

class OtherShape(Same):
    def forward(self, x, training): return x[..., :1]

class OtherDtype(Same):
    def forward(self, x, training): return x.astype(np.float64)

class NoGradient(Same):
    def backward(self, dy): return None

class Lossless(Loss):
    def forward(self, y, target): return None
    def backward(self): return None

class Directionless(Loss):
    def forward(self, y, target): return 0.0
    def backward(self): return None

class Empty(Dataset):
    def load(self, rng): return None

class Valueless(Metric):
    def reset(self): self.keep(count=0)
    def update(self, prediction, target): self.count += 1
    def compute(self): return None
"""
)
RETURNED = {
    "layers.no_output": ("layers.1 (NoOutput of {})", "forward: TypeError: it returns NoneType, not float32"),
    "layers.other_shape": ("layers.1 (OtherShape of {})", "forward: TypeError: it returns float32 of shape (1, 1)"),
    "layers.other_dtype": ("layers.1 (OtherDtype of {})", "forward: TypeError: it returns float64 of shape (1, 4)"),
    "layers.no_gradient": ("layers.1 (NoGradient of {})", "backward: TypeError: it returns NoneType, not float32"),
    "losses.lossless": ("loss (Lossless of {})", "forward: TypeError: float() argument"),
    "losses.directionless": ("loss (Directionless of {})", "backward: TypeError: it returns NoneType, not float32"),
    "datasets.empty": ("dataset (Empty of {})", "load: TypeError: it returns NoneType, not Data"),
    "metrics.valueless": ("metrics.0 (Valueless of {})", "compute: TypeError: float() argument"),
}
"""What is told of components that return the wrong thing, by entry point: where, and in which method."""
SCHEDULE = """
from specnet import Schedule

class Stuck(Schedule):
    def __call__(self, step): raise KeyError("stuck")
"""


def versioned(field):
    """A layer with one field of that name."""
    return LAYER + f"class Versioned(Same):\n    {field}: int = 1"


PLUGINS = {
    "fine": {"points": {"layers": {"fine": "Same"}}},
    "gone": {"points": {"layers": {"gone": "Same"}}, "version": "1.2.3"},
    "raising": {"points": {"layers": {"raising": "Same"}}, "source": LAYER + "1 / 0", "version": "1.1"},
    "exiting": {"points": {"layers": {"exiting": "Same"}}, "source": LAYER + "raise SystemExit(0)"},
    "wrong": {"points": {"layers": {"wrong": "wrong"}}, "source": LAYER + "def wrong(): ..."},
    "unfinished": {"points": {"layers": {"unfinished": "Half"}}, "source": LAYER + "class Half(Layer): ..."},
    "absent": {"points": {"layers": {"absent": "Absent"}}},
    "needy": {
        "points": {"layers": {"needy": "Same"}},
        "source": LAYER + "import nosuch_package.core",
        "requires": ["nosuch-package>=2", "specnet"],
    },
    "abbreviating": {
        "points": {"layers": {"abbreviating": "Same"}},
        "source": LAYER + "import nsp",
        "requires": ["nosuch-package", "specnet"],
    },
    "silent": {"points": {"layers": {"silent": "Same"}}, "source": LAYER + "import nosuch_module"},
    "early": {"points": {"layers": {"early": "Same"}}, "source": LAYER + "import specnet.layers.of_the_future"},
    "panicking": {"points": {"layers": {"panicking": "Same"}},
                  "source": LAYER + "class Panic(BaseException): ...\nraise Panic('in Rust')"},
    "mute": {"points": {"layers": {"mute": "Same"}}, "source": LAYER + "class Mute(Exception):\n"
             "    def __str__(self): raise RuntimeError\nraise Mute"},
    "vague": {"points": {"layers": {"vague": "Vague"}}, "source": LAYER + "class Vague(Same):\n    a: 'Undefined' = 3"},
    "modular": {"points": {"layers": {"modular": "specnet_modular"}}},
    "strict": {"points": {"layers": {"strict": "Strict"}}, "source": LAYER + "from pydantic import field_validator\n"
               "class Strict(Same):\n    a: int = 3\n    @field_validator('a')\n    def check(cls, a): {}['boo']"},
    "postponed": {"points": {"layers": {"postponed": "Post"}}, "source": LAYER + "class Post(Same):\n"
                  "    def model_post_init(self, context):\n        super().model_post_init(context)\n"
                  "        raise BaseException('later')"},
    "declaring": {"points": {"layers": {"declaring": "Declares"}}, "source": LAYER + "class Declares(Same):\n"
                  "    def build(self, shape):\n        self.declare('g', shape, 'twos')\n        return shape"},
    "stuck": {"points": {"schedules": {"stuck": "Stuck"}}, "source": SCHEDULE},
    "loud": {"points": {"metrics": {"loud": "Loud"}}, "source": LOUD},
    "returning": {"source": RETURNING, "points": {
        "layers": {"no_output": "NoOutput", "other_shape": "OtherShape", "other_dtype": "OtherDtype",
                   "no_gradient": "NoGradient"},
        "losses": {"lossless": "Lossless", "directionless": "Directionless"},
        "datasets": {"empty": "Empty"}, "metrics": {"valueless": "Valueless"}}},
    "versioned": {"points": {"layers": {"versioned": "Versioned"}}, "source": versioned("a")},
    "lazy": {"points": {"datasets": {"lazy": "Lazy"}}, "source": DATASET, "requires": ["nosuch-archive"]},
    "failing": {"points": {"layers": {"failing": "Fails"}}, "source": LAYER + "class Fails(Same):\n"
                "    def forward(self, x, training): return x[{}] if x.any() else x"},
    "greedy": {"points": {"layers": {"tanh": "Same", "also_tanh": "specnet.layers.activation:Tanh"}}},
    "twin-one": {"points": {"layers": {"twin": "Same"}}},
    "twin-two": {"points": {"layers": {"twin": "Same"}}, "version": "2.0"},
    "odd": {"points": {"layers": {"Odd": "Same"}, "layer": {"odd": "Same"}, "callback": {"odd": "Same"}}},
}  # fmt: skip
"""What makes each distribution: entry points, by default into its own module; its source, version and requirements."""
CASES = {
    "raising": ("broken-component", ["specnet-raising 1.1", "ZeroDivisionError: division by zero"],
                "reinstall or remove the distribution specnet-raising"),
    "exiting": ("broken-component", ["specnet-exiting 1.0", "SystemExit: 0"], "remove the distribution"),
    "wrong": ("broken-component", ["specnet-wrong 1.0", "specnet_wrong:wrong", "not a subclass of specnet's layer"],
              "pip install --upgrade specnet-wrong"),
    "unfinished": ("broken-component", ["specnet-unfinished 1.0", "does not define backward, forward"],
                   "pip install --upgrade specnet-unfinished"),
    "absent": ("broken-component", ["specnet-absent 1.0", "AttributeError", "'Absent'"], "specnet-absent"),
    "needy": ("broken-component", ["specnet-needy 1.0", "No module named 'nosuch_package'"],
              "pip install nosuch-package"),
    "abbreviating": ("broken-component", ["specnet-abbreviating 1.0", "No module named 'nsp'"],
                     "pip install nosuch-package"),
    "silent": ("broken-component", ["specnet-silent 1.0", "No module named 'nosuch_module'"],
               "pip install nosuch_module; specnet-silent needs it and does not declare it"),
    "early": ("broken-component", ["specnet-early 1.0", "No module named 'specnet.layers.of_the_future'"],
              "made for another version of specnet: pip install --upgrade specnet-early"),
    "twin": ("ambiguous-component", ["specnet-twin-one 1.0 and specnet-twin-two 2.0"],
             "keep one of them: pip uninstall specnet-twin-one or pip uninstall specnet-twin-two"),
    "panicking": ("broken-component", ["specnet-panicking 1.0", "Panic: in Rust"], "reinstall or remove"),
    "mute": ("broken-component", ["specnet-mute 1.0", "Mute: it cannot be shown"], "reinstall or remove"),
    "vague": ("broken-component", ["specnet-vague 1.0 has fields that cannot be understood", "'Undefined'"],
              "reinstall or remove"),
    "modular": ("broken-component", ["specnet-modular 1.0, specnet_modular, names a module, not a class"],
                'write "specnet_modular:Class"'),
    "strict": ("broken-component", ["specnet-strict 1.0 cannot be created from its fields (",
                                    "specnet_strict.py:14): KeyError: 'boo'"], "reinstall"),
    "postponed": ("broken-component", ["specnet-postponed 1.0 cannot be created from its fields (",
                                       "specnet_postponed.py:13): BaseException: later"],
                  "reinstall"),
    "never": ("unknown-component", ['there is no layer "never"'], ""),
}  # fmt: skip
"""What a spec is told that names a layer: the code of the mistake, words of the message and of the help."""
LISTED = sorted(set(CASES) - {"never", "strict", "postponed"})
"""Those that are broken whatever a spec says of them."""
SPEC = """{
  "dataset": {"type": "spiral", "n_samples": 40},
  "layers": [{"type": "linear", "units": 4}, {"type": "tanh"}, {"type": "linear", "units": 1}],
  "loss": "bce_with_logits",
  "training": {"epochs": 2},
  "plots": []
}
"""
COLUMN = SPEC.splitlines()[2].index('"tanh"') + 1


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with specs, and the plugins installed."""
    folder = tmp_path_factory.mktemp("plugins")
    for name in (*CASES, "declaring", "versioned", "fine", "gone", "tanh", "failing", "also_tanh"):
        (folder / f"{name}.json").write_text(SPEC.replace('"tanh"', f'"{name}"'))
    (folder / "lazy.json").write_text(SPEC.replace('{"type": "spiral", "n_samples": 40}', '"lazy"'))
    with Installation(folder).entered() as place:
        place.install(*(build_project(folder, name, **({"source": LAYER} | parts)) for name, parts in PLUGINS.items()))
        yield place


@pytest.fixture(scope="module")
def validated(place):
    """What `validate` finds in the specs of all cases, by file."""
    result = place.specnet("validate", *(f"{name}.json" for name in CASES), "--format", "json")
    assert result.returncode == 2
    return {found["file"]: found for found in json.loads(result.stdout)}


@pytest.fixture(scope="module")
def listed(place):
    return place.specnet("components", "layers")


@pytest.fixture(scope="module")
def doctor(place):
    return place.specnet("doctor", "--format", "json")


@pytest.mark.parametrize("name", CASES)
def test_a_spec_that_names_it_is_told_where_what_and_why(name, validated):
    code, words, help = CASES[name]
    found = validated[f"{name}.json"]
    assert (found["line"], found["column"], found["pointer"]) == (3, COLUMN, "/layers/1/type")
    assert (found["severity"], found["code"]) == ("error", code)
    assert all(word in found["message"] for word in words), found["message"]
    assert help in found["help"]


@pytest.mark.parametrize("name", LISTED)
def test_components_marks_it_as_broken_and_says_why(name, listed):
    (line,) = re.findall(rf"^{name} .*", listed.stdout, re.MULTILINE)
    assert re.match(rf"{name} +specnet-\S+ [\d.]+.*  broken: ", line)
    assert all(word in line for word in CASES[name][1])
    assert (listed.returncode, listed.stderr) == (0, "")


@pytest.mark.parametrize("name", LISTED)
def test_the_doctor_explains_it(name, doctor):
    _, words, help = CASES[name]
    assert doctor.returncode == 2
    findings = [found for found in json.loads(doctor.stdout)["findings"] if f'"{name}"' in found["message"]]
    assert [found["severity"] for found in findings] == ["error"]
    assert all(word in findings[0]["message"] for word in words)
    assert help in findings[0]["help"]


@pytest.mark.parametrize(
    ("words", "help"),
    [
        ('the layer "tanh" of specnet-greedy 1.0 is ignored, because a built-in has that name', "should rename it"),
        ('the layer "Odd" of specnet-odd 1.0 is ignored: the name is not valid', "should use lowercase letters"),
        ('specnet-odd 1.0 registers "odd" in specnet.layer, which is not a group', 'did you mean "specnet.layers"?'),
        (
            'specnet-odd 1.0 registers "odd" in specnet.callback, which is not a group',
            'did you mean "specnet.callbacks"? If not, a later specnet may have it: pip install --upgrade',
        ),
        ("specnet-needy 1.0 needs nosuch-package, which is not installed", "pip install nosuch-package"),
    ],
)
def test_the_doctor_notes_what_harms_nobody(words, help, doctor):
    (found,) = [found for found in json.loads(doctor.stdout)["findings"] if words in found["message"]]
    assert (found["severity"], help in found["help"]) == ("note", True)


def test_one_component_that_is_broken_is_told_by_name(place):
    result = place.specnet("components", "layers", "raising")
    assert (result.returncode, result.stdout) == (2, "")
    assert 'error[broken-component]: the layer "raising" of specnet-raising 1.1 cannot be imported' in result.stderr


def test_another_spec_runs_and_only_what_it_names_is_imported(place):
    commands = [["run", "fine.json", "--out", "runs/fine"], ["resume", "runs/fine", "--set", "training.epochs=3"]]
    for command in [*commands, ["evaluate", "runs/fine"], ["report", "runs/fine"], ["validate", "fine.json"]]:
        result = place.specnet(*command)
        assert (result.returncode, "broken" in result.stdout + result.stderr) == (0, False)
        assert place.imported() == {"specnet_fine"}
    manifest = json.loads((place.folder / "runs" / "fine" / "manifest.json").read_text())
    assert manifest["components"]["layers.fine"] == "specnet-fine 1.0"


def test_a_spec_that_names_a_broken_plugin_imports_no_other(place):
    place.specnet("validate", "raising.json")
    assert place.imported() == {"specnet_raising"}
    place.specnet("validate", "twin.json", "never.json")
    assert place.imported() == set()


def test_a_built_in_keeps_its_name_whatever_a_plugin_claims(place, listed):
    assert place.specnet("run", "tanh.json", "--out", "runs/tanh").returncode == 0
    assert place.imported() == set()
    assert re.search(r"^tanh +specnet [\d.]+; also claimed by specnet-greedy ", listed.stdout, re.MULTILINE)
    # A plugin that gives one of our classes another name changes nothing in specs that have ours.
    assert json.loads((place.folder / "runs" / "tanh" / "spec.json").read_text())["layers"][1] == {"type": "tanh"}
    assert place.specnet("validate", "also_tanh.json").returncode == 0


def test_a_schedule_that_fails_is_told_beside_all_other_mistakes_and_specs(place):
    broken = SPEC.replace('"plots": []', '"optimizer": {"type": "sgd", "learning_rate": "stuck"},\n  "plots": [3]')
    (place.folder / "stuck.json").write_text(broken)
    result = place.specnet("validate", "stuck.json", "never.json", "--format", "json")
    found = {found["pointer"]: found for found in json.loads(result.stdout)}
    assert (result.returncode, list(found)) == (2, ["/optimizer/learning_rate", "/plots/0", "/layers/1/type"])
    stuck = found["/optimizer/learning_rate"]
    assert (stuck["file"], stuck["line"], stuck["code"]) == ("stuck.json", 6, "broken-component")
    message = (
        r'the schedule "stuck" of specnet-stuck 1\.0 fails in __call__ \(.*specnet_stuck\.py:5\): KeyError: \'stuck\''
    )
    assert re.fullmatch(message, stuck["message"])


def test_a_layer_that_declares_with_an_unknown_initializer_is_told_which_there_are(place):
    (found,) = json.loads(place.specnet("validate", "declaring.json", "--format", "json").stdout)
    assert (found["code"], found["pointer"]) == ("unknown-component", "/layers/1")
    assert found["message"] == 'Declares declares g, but there is no initializer "twos"'
    assert found["help"].startswith("one of: constant, glorot_normal, ")


def test_what_a_plugin_prints_is_no_part_of_json(place):
    (place.folder / "loud.json").write_text(SPEC.replace('"plots"', '"metrics": ["loud"], "plots"'))
    for command in (["validate", "loud.json", "--format", "json"], ["schema"], ["doctor", "--format", "json"]):
        result = place.specnet(*command)
        assert json.loads(result.stdout) is not None
        assert "hello from the plugin" in result.stderr


@pytest.mark.parametrize("point", RETURNED)
def test_what_returns_the_wrong_thing_is_told_before_training(point, place):
    group, name = point.split(".")
    there, words = RETURNED[point]
    replaced = {"layers": '"tanh"', "losses": '"bce_with_logits"', "datasets": '{"type": "spiral", "n_samples": 40}'}
    if group == "metrics":
        spec = SPEC.replace('"plots"', f'"metrics": ["{name}"], "plots"')
    else:
        spec = SPEC.replace(replaced[group], f'"{name}"')
    (place.folder / f"{name}.json").write_text(spec)
    result = place.specnet("run", f"{name}.json")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"error[broken-component]: {there.format('specnet-returning 1.0')} fails in {words}" in result.stderr
    assert f" --> {name}.json:" in result.stderr


def test_a_name_that_could_be_a_command_becomes_no_part_of_one(place):
    folder = place.site / "evil-1.0.dist-info"
    folder.mkdir()
    try:
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: evil; rm -rf ~\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(
            "[specnet.layers]\nevil = json:dumps\ntwin = json:dumps\nworse = json:nothing\n"
        )
        for name in ("evil", "worse", "twin"):
            (place.folder / f"{name}.json").write_text(SPEC.replace('"tanh"', f'"{name}"'))
        place.forget()
        result = place.specnet("validate", "evil.json", "worse.json", "twin.json", "--format", "json")
    finally:
        shutil.rmtree(folder)
        place.forget()
    evil, worse, twin = (found["help"] for found in json.loads(result.stdout))
    assert evil == 'remove the distribution "evil; rm -rf ~"'
    assert worse == 'reinstall or remove the distribution "evil; rm -rf ~"'
    assert twin.startswith(
        'keep one of them: remove the distribution "evil; rm -rf ~" or pip uninstall specnet-twin-one'
    )


def test_a_package_that_is_missed_only_when_data_are_loaded_is_told_then(place):
    assert place.specnet("validate", "lazy.json").returncode == 0
    result = place.specnet("run", "lazy.json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "error[broken-component]: dataset (Lazy of specnet-lazy 1.0) fails in load (" in result.stderr
    message = "ModuleNotFoundError: No module named 'nosuch_archive'\n --> lazy.json:2:14 at dataset\n"
    assert re.search(rf"specnet_lazy\.py:\d+\): {message}", result.stderr)
    assert "pip install nosuch-archive" in result.stderr


def test_a_plugin_that_fails_in_training_is_named_and_not_our_own_code(place):
    result = place.specnet("run", "failing.json", "--out", "runs/failing")
    assert result.returncode == 2
    assert 'error[broken-component]: the layer "failing" of specnet-failing 1.0 fails in forward (' in result.stderr
    assert re.search(r"specnet_failing\.py:\d+\): ", result.stderr)


@pytest.fixture(scope="module")
def removed(place):
    """A run whose plugin has been uninstalled since."""
    result = place.specnet("run", "gone.json")
    assert (result.returncode, place.imported()) == (0, {"specnet_gone"})
    place.uninstall("specnet-gone")
    return Path("runs/gone")


INSTALL = "pip install specnet-gone==1.2.3"


@pytest.mark.parametrize("command", ["report", "evaluate", "resume", "plot"])
def test_of_a_run_whose_plugin_was_removed_it_is_told_what_to_install(command, place, removed):
    result = place.specnet(command, removed)
    assert (result.returncode, result.stdout) == (3, "")
    message = f'there is no layer "gone"; {removed} was made with specnet-gone 1.2.3'
    assert f"error[unknown-component]: {message}\n" in result.stderr
    lines = (place.folder / removed / "spec.json").read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if '"gone"' in line and "type" in line]
    column = lines[number - 1].index('"gone"') + 1
    assert f"--> {removed}/spec.json:{number}:{column} at layers.1.type\n" in result.stderr
    assert result.stderr.endswith(f"   = help: {INSTALL}\n")


@pytest.mark.parametrize("spec", ["runs/gone/spec.json", "gone.json"])
def test_so_it_is_by_validate_for_the_spec_in_the_run_and_for_the_one_it_was_made_from(spec, place, removed):
    result = place.specnet("validate", spec, "--format", "json")
    (found,) = json.loads(result.stdout)
    assert (found["file"], found["pointer"], found["code"]) == (spec, "/layers/1/type", "unknown-component")
    assert found["message"] == f'there is no layer "gone"; {removed} was made with specnet-gone 1.2.3'
    assert (found["help"], result.returncode) == (INSTALL, 2)
    if spec == "gone.json":
        assert (found["line"], found["column"]) == (3, COLUMN)


def test_so_it_is_by_the_doctor_of_the_run(place, removed):
    result = place.specnet("doctor", removed, "--format", "json")
    assert [(found["part"], found["help"]) for found in json.loads(result.stdout)["findings"]] == [("spec", INSTALL)]


def test_once_it_is_installed_again_the_run_goes_on(place, removed):
    place.install(*place.folder.glob("wheels/specnet_gone-*"))
    try:
        assert place.specnet("resume", removed, "--set", "training.epochs=3").returncode == 0
    finally:
        place.uninstall("specnet-gone")


def test_a_manifest_cannot_put_other_words_into_the_command_that_is_told(place, removed):
    path = place.folder / removed / "manifest.json"
    right = path.read_text()
    try:
        for owner in ("x 1; rm -rf y", "--index-url=z 1", "x"):
            manifest = json.loads(right)
            manifest["components"]["layers.gone"] = owner
            path.write_text(json.dumps(manifest))
            result = place.specnet("validate", "gone.json", removed / "spec.json")
            assert (result.returncode, "pip install" in result.stderr) == (2, False)
    finally:
        path.write_text(right)


@pytest.fixture(scope="module")
def renewed(place, tmp_path_factory):
    """A run whose plugin has another version since, with another field."""
    assert place.specnet("run", "versioned.json").returncode == 0
    later = build_project(
        tmp_path_factory.mktemp("later"), "versioned", {"layers": {"versioned": "Versioned"}}, versioned("b"), "2.0"
    )
    place.uninstall("specnet-versioned")
    place.install(later)
    return Path("runs/versioned")


@pytest.mark.parametrize("command", ["report", "evaluate", "resume"])
def test_of_a_run_whose_plugin_has_other_fields_now_it_is_told_which_version_had_them(command, place, renewed):
    result = place.specnet(command, renewed)
    assert (result.returncode, result.stdout) == (3, "")
    message = f'there is no key "a" here; {renewed} was made with specnet-versioned 1.0, now it is 2.0'
    assert f"error[unknown-key]: {message}\n" in result.stderr
    assert result.stderr.endswith("   = help: pip install specnet-versioned==1.0\n")


def test_so_it_is_by_the_doctor_and_validate_but_not_for_a_mistake_in_another_file(place, renewed):
    doctor = json.loads(place.specnet("doctor", renewed, "--format", "json").stdout)
    told = json.loads(place.specnet("validate", renewed / "spec.json", "--format", "json").stdout)
    assert doctor["findings"][0]["help"] == told[0]["help"] == "pip install specnet-versioned==1.0"
    changed = SPEC.replace('{"type": "tanh"}', '{"type": "versioned", "c": 1}')
    (place.folder / "versioned.json").write_text(changed)
    (new,) = json.loads(place.specnet("validate", "versioned.json", "--format", "json").stdout)
    assert (new["message"], new["help"]) == ('there is no key "c" here', "one of: b, name")

import json
import re

import pytest

LAYER = '''
from specnet import Layer

class Good(Layer):
    """y = 2 x."""
    examples = ({"factor": 3.0},)
    factor: float = 2.0
    def forward(self, x, training):
        return self.factor * x
    def backward(self, dy):
        return self.factor * dy

class Wrong(Good):
    """y = 2 x, and dx = -2 dy."""
    def backward(self, dy):
        return -self.factor * dy

class Raising(Good):
    """y = 2 x, or nothing."""
    def forward(self, x, training):
        raise KeyError("\\x1b[31m")
'''


@pytest.fixture
def plugin(install):
    points = "good = mine:Good\nwrong = mine:Wrong\nraising = mine:Raising\nbroken = nowhere:Broken"
    install("specnet-mine", points, mine=LAYER)


def test_a_component_is_checked_by_name_in_each_of_its_configurations(invoke, plugin):
    result = invoke("check", "layers", "good")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "ok     layers good: " in result.output
    assert 'ok     layers good {"factor": 3.0}: ' in result.output
    assert "  ok     gradients of inputs agree with central differences\n" in result.output
    assert re.search(r"\n\d+ checks passed\n$", result.output)


def test_a_json_object_takes_the_place_of_the_name(invoke):
    result = invoke("check", "layers", '{"type": "linear", "units": 3}', "--shape", "4", "--shape", "5,4")
    assert result.exit_code == 0
    assert result.output.startswith('ok     layers linear {"units": 3}: ')


def test_a_wrong_gradient_is_told_with_its_place_and_both_values(invoke, plugin):
    result = invoke("check", "layers", "wrong", "--shape", "3,")
    assert result.exit_code == 2
    assert "FAILED layers wrong: 1 of " in result.output
    assert "  FAILED gradients of inputs agree with central differences\n" in result.output
    told = r"gradient of x\[0, 0\]: backward says (\S+), central differences say (\S+): the sign is wrong"
    found = re.search(rf"\n      inputs of shape \(3,\): {told}\n", result.output)
    assert float(found[1]) == -float(found[2]) != 0
    assert re.search(r"\n2 of \d+ checks failed\n$", result.output)


def test_an_error_of_a_plugin_is_a_failed_check_and_shown_harmlessly(invoke, plugin):
    result = invoke("check", "layers", "raising")
    assert result.exit_code == 2
    assert "raises KeyError: '\\x1b[31m', in mine, line " in result.output
    assert "\x1b" not in result.output


def test_every_component_of_a_spec_is_checked(invoke, write, plugin):
    spec = write("arms.json", layers=["good", "wrong", {"type": "linear", "units": 1}], plots=["curves"])
    result = invoke("check", spec, "--set", "layers.0=tanh")
    assert (result.exit_code, result.stderr) == (2, "")
    assert re.findall(r"^(ok|FAILED) +(.*): (?:1 of )?\d+ checks$", result.output, re.MULTILINE) == [
        ("ok", "dataset spiral"),
        ("ok", "layers.0 tanh"),
        ("FAILED", "layers.1 wrong"),
        ("ok", "layers.2 linear"),
        ("ok", "layers.2.weight_init glorot_uniform"),
        ("ok", "layers.2.bias_init zeros"),
        ("ok", "loss bce_with_logits"),
        ("ok", "optimizer adam"),
        ("ok", "plots.0 curves"),
    ]
    assert result.output.count("FAILED") == 2


def test_a_whole_distribution_is_checked_with_its_metadata(invoke, plugin):
    result = invoke("check", "--distribution", "specnet-mine")
    assert result.exit_code == 2
    assert "FAILED distribution: 2 of 4 checks\n" in result.output
    assert "      there is no summary: set `description`" in result.output
    assert "FAILED layers broken, its class: 1 of 2 checks\n" in result.output
    assert "No module named 'nowhere'" in result.output
    assert 'the field "factor" has no description' in result.output


def test_outcomes_come_as_json(invoke, plugin):
    result = invoke("check", "layers", "wrong", "--format", "json")
    assert result.exit_code == 2
    found = json.loads(result.output)
    assert found["passed"] is False
    assert [case["name"] for case in found["cases"]] == ["layers wrong", 'layers wrong {"factor": 3.0}']
    failed = [check for check in found["cases"][0]["checks"] if not check["passed"]]
    assert [check["check"] for check in failed] == ["gradients of inputs agree with central differences"]
    assert "the sign is wrong" in failed[0]["reason"]


def test_what_could_not_be_tried_is_noted(invoke):
    result = invoke("check", "datasets", "npz")
    assert result.exit_code == 0
    assert "  note   samples are loaded\n      not tried, as no file is given" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "error[usage]: name a spec, a component, a distribution, a set of kernels or a plugin file"),
        (["layers"], "error[usage]: name the layer to check"),
        (["layers", "tanh", "--distribution", "specnet"], "error[usage]: name a spec, a component, a distribution"),
        (["layer", "tanh"], 'did you mean "layers"?'),
        (["layers", "tahn"], 'did you mean "tanh"?'),
        (["layers", "tanh", "--shape", "0"], 'error[usage]: --shape "0": expected sizes'),
        (["layers", "tanh", "--shape", "a,2"], 'error[usage]: --shape "a,2": expected sizes'),
        (["losses", "mse", "--shape", "3"], "error[usage]: --shape needs a layer"),
        (["layers", "tanh", "--set", "seed=3"], "error[usage]: --set and --memory-budget need a spec"),
        (["layers", '{"type": "linear", "unit": 3}'], '  |                    ^^^^^^ did you mean "units"?'),
        (["layers", '{"type": "linear", "units": 0}'], "error[out-of-range]: units should be greater than 0"),
        (["layers", '{"type": "linear", "units": 3, "units": 4}'], "error[duplicate-key]"),
        (["layers", '{"type": "linear"'], "error[syntax]: expected"),
        (["layers", '{"units": 3}'], "error[missing-key]"),
        (["nothing.json"], "error[file]: there is no such file\n  --> nothing.json"),
        (["--distribution", "specnet-swihs"], 'did you mean "specnet-swish"?'),
    ],
)  # fmt: skip
def test_what_is_misused_or_unknown_is_told_where_it_stands(arguments, told, invoke):
    result = invoke("check", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "FAILED" not in result.output


def test_a_spec_with_mistakes_is_told_as_elsewhere(invoke, write):
    result = invoke("check", write("arms.json", layers=["tahn"]))
    assert result.exit_code == 2
    assert "error[unknown-component]" in result.stderr
    assert "arms.json:1:" in result.stderr
    result = invoke("check", write("arms.json", dataset={"type": "npz", "path": "gone.npz"}))
    assert (result.exit_code, "error[missing-file]" in result.stderr) == (2, True)


def test_a_broken_plugin_is_told_and_not_run(invoke, plugin):
    result = invoke("check", "layers", "broken")
    assert result.exit_code == 2
    assert 'error[broken-component]: the layer "broken" of specnet-mine 1.0' in result.stderr


def test_help_has_an_example_of_each_use(invoke):
    output = invoke("check", "--help").output
    for example in ("layers swish", "--shape 5,4", "specs/spiral.json", "--distribution specnet-swish"):
        assert example in output

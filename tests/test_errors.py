import inspect

import pytest

from specnet import errors
from specnet.errors import DataError, Diagnostic, SpecError, SpecnetError, json_pointer, show_pointer, suggest

FAMILY = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SpecnetError)]


def test_every_error_has_a_code_of_its_own_and_an_exit_code():
    assert len({kind.code for kind in FAMILY}) == len(FAMILY)
    exits = {kind.__name__: kind.exit_code for kind in FAMILY}
    assert (exits.pop("RunError"), exits.pop("DivergenceError")) == (3, 4)
    assert set(exits.values()) == {2}


def test_an_error_is_shown_with_code_place_and_help():
    error = DataError("no such column", pointer=("inputs", 0), help="look again").at("dataset")
    error.file = "spec.json"
    assert str(error) == ("error[data]: no such column\n  --> spec.json at dataset.inputs[0]\n   = help: look again")
    assert str(DataError("no such column")) == "error[data]: no such column"
    assert error.diagnostics == [Diagnostic("data", "no such column", ("dataset", "inputs", 0), "look again")]


def test_each_caller_puts_its_place_in_front_of_every_mistake():
    found = [Diagnostic("a", "one", ("x",)), Diagnostic("b", "two", ("y", 1), "three")]
    error = SpecError(found, file="spec.json").at("layers", 2).at("body")
    assert [diagnostic.pointer for diagnostic in error.diagnostics] == [
        ("body", "layers", 2, "x"),
        ("body", "layers", 2, "y", 1),
    ]
    assert str(error).count("spec.json at body.layers[2].") == 2
    assert error.message == "one"


@pytest.mark.parametrize(
    ("pointer", "shown", "standard"),
    [
        ((), "", ""),
        (("seed",), "seed", "/seed"),
        (("layers", 2, "units"), "layers[2].units", "/layers/2/units"),
        ((0, 1), "[0][1]", "/0/1"),
        (("a/b~",), "a/b~", "/a~1b~0"),
    ],
)
def test_pointers_are_shown_as_one_writes_them(pointer, shown, standard):
    assert (show_pointer(pointer), json_pointer(pointer)) == (shown, standard)


@pytest.mark.parametrize(
    ("name", "known", "proposal"),
    [
        ("sigmod", ["tanh", "sigmoid"], 'did you mean "sigmoid"?'),
        ("xyz", ["tanh", "sigmoid"], "one of: sigmoid, tanh"),
        ("xyz", [], "there is none"),
    ],
)
def test_the_nearest_name_or_all_are_proposed(name, known, proposal):
    assert suggest(name, known) == proposal

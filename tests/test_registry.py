import subprocess
import sys

import pytest

from specnet import SpecnetError, build, load_spec, registry
from specnet.component import find_class
from specnet.distributions import own_requirement, version
from specnet.errors import AmbiguousComponentError, BrokenComponentError, UnknownComponentError, UsageError

LAYER = """
from specnet import Layer

class {name}(Layer):
    size: int = 1

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy
"""


@pytest.mark.parametrize("group", registry.GROUPS)
def test_every_registered_component_loads_and_is_of_its_group(group):
    assert registry.claims(group) or group == "callbacks"  # of which there are no built-in ones
    for name, entries in registry.claims(group).items():
        cls = find_class(group, name)
        assert cls.group == group
        assert cls.__doc__
        assert registry.name_of(group, cls) == name
        assert (entries[0].group, entries[0].name) == (group, name)


def test_names_of_all_groups_are_well_formed():
    for group in registry.GROUPS:
        assert all(registry.COMPONENT_NAME.fullmatch(name) for name in registry.claims(group))
        assert registry.SINGULAR[group]


def test_a_group_that_does_not_exist_is_a_wrong_use():
    with pytest.raises(UsageError, match='did you mean "losses"'):
        registry.claims("loss")


@pytest.mark.parametrize("name", ["sigmod", "Sigmoid", "", "os:system", "specnet.layers.linear:Linear", "linear "])
def test_names_that_nobody_registers_are_unknown(name):
    with pytest.raises(UnknownComponentError) as raised:
        registry.find("layers", name)
    assert raised.value.help


def test_a_plugin_is_found_by_its_name(install):
    install("specnet-one", "one = one_plugin:One", one_plugin=LAYER.format(name="One"))
    layer = build("layers", {"type": "one", "size": 3})
    assert layer.to_spec() == {"type": "one", "size": 3}
    (entry,) = registry.claims("layers")["one"]
    assert (entry.distribution, entry.version, entry.target) == ("specnet-one", "1.0", "one_plugin:One")


def test_a_plugin_may_register_a_class_where_it_is_re_exported(install):
    install(
        "specnet-one",
        "one = one_front:Again",
        one_front="from one_back import One as Again",
        one_back=LAYER.format(name="One"),
    )
    assert build("layers", "one").to_spec() == {"type": "one", "size": 1}


def test_a_built_in_keeps_its_name_and_the_claim_stays_visible(install):
    install("aaa-first", "sigmoid = greedy:Greedy", greedy=LAYER.format(name="Greedy"))
    assert registry.find("layers", "sigmoid").distribution == "specnet"
    assert type(build("layers", "sigmoid")).__module__.startswith("specnet.")
    assert [entry.distribution for entry in registry.claims("layers")["sigmoid"]] == ["specnet", "aaa-first"]
    assert "greedy" not in sys.modules


def test_another_name_that_a_plugin_gives_to_one_of_our_classes_changes_no_spec_that_has_ours(install):
    install("aaa-first", "a_tanh = specnet.layers.activation:Tanh")
    assert build("layers", "a_tanh").to_spec() == build("layers", "tanh").to_spec() == {"type": "tanh"}


def test_two_claims_to_a_name_are_an_error_for_those_who_use_it(install):
    install("beta", "one = one_b:One", version="2.0", one_b=LAYER.format(name="One"))
    install("alpha", "one = one_a:One", one_a=LAYER.format(name="One"))
    with pytest.raises(AmbiguousComponentError, match=r"alpha 1\.0 and beta 2\.0"):
        registry.find("layers", "one")
    with pytest.raises(SpecnetError, match=r"claimed by alpha 1\.0 and beta 2\.0") as raised:
        load_spec({"dataset": "spiral", "layers": ["one"], "loss": "bce"})
    assert raised.value.diagnostics[0].code == "ambiguous-component"
    # One name after "one" in the alphabet, one before it.
    for name in ("sigmoid", "elu"):
        assert build("layers", name).to_spec()["type"] == name


@pytest.mark.parametrize(
    "wanted", ["specnet<0.2", "specnet>=0.9", "Specnet ==0.1.*", "specnet~=7.0; python_version>'3'"]
)
def test_a_plugin_of_another_edition_is_refused_with_both_versions(wanted, install):
    install("specnet-one", "one = one_plugin:One", requires=wanted, one_plugin="1 / 0")
    with pytest.raises(BrokenComponentError) as raised:
        find_class("layers", "one")
    assert raised.value.message.startswith('the layer "one" of specnet-one 1.0 requires specnet ')
    assert raised.value.message.endswith(f", but this is specnet {version()}")
    assert raised.value.help == "pip install --upgrade specnet-one"
    assert build("layers", "tanh").to_spec() == {"type": "tanh"}


@pytest.mark.parametrize("wanted", [own_requirement(), "specnet", "specnet<0.1; extra=='x'", "numpy<0", "not a ( line"])
def test_a_plugin_of_this_edition_or_of_none_is_used(wanted, install):
    install("specnet-one", "one = one_plugin:One", requires=wanted, one_plugin=LAYER.format(name="One"))
    assert build("layers", "one").to_spec() == {"type": "one", "size": 1}


BROKEN = {
    "raises at import": ("bad = bad_plugin:Bad", "1 / 0", "ZeroDivisionError: division by zero"),
    "exits at import": ("bad = bad_plugin:Bad", "raise SystemExit(3)", "SystemExit: 3"),
    "wrong syntax": ("bad = bad_plugin:Bad", "def", "SyntaxError"),
    "no such attribute": ("bad = bad_plugin:Bad", "", "AttributeError"),
    "no such module": ("bad = no_such_plugin:Bad", "", "ModuleNotFoundError"),
    "malformed": ("bad = bad:plugin:Bad", "", "bad 1.0"),
    "module": ("bad = bad_plugin", "", "bad_plugin, names a module, not a class"),
    "function": ("bad = bad_plugin:bad", "def bad(): ...", "not a subclass"),
    "other class": ("bad = bad_plugin:Bad", "class Bad: ...", "not a subclass"),
    "other group": ("bad = bad_plugin:Mse", "from specnet.losses.regression import Mse", "not a subclass"),
    "unfinished": (
        "bad = bad_plugin:Bad",
        "from specnet import Layer\nclass Bad(Layer): ...",
        "does not define backward, forward",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_named_and_breaks_nothing_else(install, case):
    points, source, reason = BROKEN[case]
    install("specnet-bad", points, bad_plugin=source)
    assert "bad" in registry.claims("layers")
    spec = load_spec({"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "tanh"], "loss": "mse"})
    assert [layer["type"] for layer in spec.to_json()["layers"]] == ["linear", "tanh"]
    assert "bad_plugin" not in sys.modules
    with pytest.raises(BrokenComponentError) as raised:
        find_class("layers", "bad")
    assert 'the layer "bad" of specnet-bad 1.0' in raised.value.message
    assert reason in raised.value.message
    with pytest.raises(SpecnetError) as raised:
        build("layers", {"type": "bad"})
    assert [(found.code, found.pointer) for found in raised.value.diagnostics] == [("broken-component", ("type",))]


def test_a_plugin_whose_module_begins_like_ours_is_not_imported_for_our_components(install):
    install("specnet-aaa", "aaa = specnet_aaa:Aaa", specnet_aaa="1 / 0")
    assert build("layers", "tanh").to_spec() == {"type": "tanh"}
    assert "specnet_aaa" not in sys.modules


def test_what_an_interrupted_installation_leaves_behind_breaks_nothing(install):
    install("half", "one = one_plugin:One", metadata=False, one_plugin=LAYER.format(name="One"))
    assert build("layers", "tanh").to_spec() == {"type": "tanh"}
    assert registry.claims("layers")["one"][0].distribution == "unknown"


@pytest.mark.parametrize("name", ["Swish", "2d", "_x", "a-b", "a.b", "ä", "a b"])
def test_names_of_another_form_are_ignored(install, name):
    install("specnet-odd", f"{name} = one_plugin:One", one_plugin=LAYER.format(name="One"))
    claims = registry.claims("layers")
    assert "linear" in claims
    assert not any(entry.distribution == "specnet-odd" for entries in claims.values() for entry in entries)


def test_the_registry_imports_no_component_before_it_is_named(tmp_path):
    code = (
        "import sys; from specnet import registry; [registry.claims(group) for group in registry.GROUPS];"
        "print(*(name for name in sys.modules if name.startswith('specnet.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert sorted(done.stdout.split()) == [
        "specnet.data_synonyms", "specnet.distributions", "specnet.errors", "specnet.field_synonyms",
        "specnet.location", "specnet.names", "specnet.plugin_code", "specnet.registry", "specnet.synonyms",
        "specnet.words",
    ]  # fmt: skip

"""Groups of what no spec names: commands, callbacks, loggers, exporters and sets of kernels."""

import json
import math
import os
import resource
import subprocess
import sys

import pytest
from environment import Installation, build_project

from specnet import registry
from specnet.cli import cli

COMMANDS = """
import os, pathlib
with pathlib.Path(os.environ["TRACE"]).open("a") as trace:
    print(__name__, file=trace)
import click
from specnet.errors import UsageError

@click.command()
@click.argument("word")
def tune(word):
    \"\"\"Say WORD.\"\"\"
    if word == "fail":
        raise KeyError(word)
    if word == "wrong":
        raise UsageError("a wrong word")
    click.echo(f"tuned {word}")

run = tune
nothing = 3
"""
CLASS = """
class Fine:
    \"\"\"Does what is expected.\"\"\"

    group = "{group}"

class Other:
    group = "layers"

def function(): ...
"""
COMPONENT = """
from specnet import Component

class Fine(Component):
    \"\"\"Does what is expected.\"\"\"

    group = "callbacks"

class Other: ...

def function(): ...
"""
CLASSES = [group for group in registry.OTHER_GROUPS if group != "commands"]
DISTRIBUTIONS = {
    "tools": ({"commands": {"tune": "tune", "run": "run"}}, COMMANDS),
    "broken": ({"commands": {"broken": "tune"}}, COMMANDS + "1 / 0"),
    "wrong": ({"commands": {"wrong": "nothing"}}, COMMANDS),
    "one": ({"commands": {"twice": "tune"}}, COMMANDS),
    "two": ({"commands": {"twice": "tune"}}, COMMANDS),
    **{
        group: (
            {group: {"fine": "Fine", "other": "Other", "function": "function", "absent": "Absent"}},
            COMPONENT if group == "callbacks" else CLASS.format(group=group),
        )
        for group in CLASSES
    },
}
"""Entry points and the source of each distribution."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groups")
    with Installation(folder).entered() as place:
        place.install(*(build_project(folder, name, *parts) for name, parts in DISTRIBUTIONS.items()))
        yield place


def test_the_commands_are_those_that_our_own_distribution_declares():
    declared = [name for name, (entry, *_) in registry.claims("commands").items() if entry.distribution == "specnet"]
    # A plugin cannot claim a name with a dash, as those of components have none.
    assert declared == sorted(name for name in cli.commands if name.isidentifier())


def test_help_lists_the_commands_of_plugins_and_imports_none(place):
    result = place.specnet("--help")
    assert (result.returncode, place.imported()) == (0, set())
    words = [line.split() for line in result.stdout.partition("Commands of plugins:")[2].strip().splitlines()]
    assert [line for line in words if line[-1] not in ("specnet-sweep", "specnet-watch")] == [
        ["broken", "from", "specnet-broken"],
        ["tune", "from", "specnet-tools"],
        ["twice", "from", "specnet-one", "and", "specnet-two"],
        ["wrong", "from", "specnet-wrong"],
    ]


def test_a_command_is_imported_when_it_is_named_and_no_other(place):
    result = place.specnet("tune", "it")
    assert (result.returncode, result.stdout, place.imported()) == (0, "tuned it\n", {"specnet_tools"})
    assert place.specnet("tune", "--help").stdout.startswith("Usage: specnet tune [OPTIONS] WORD\n\n  Say WORD.\n")


def test_a_built_in_command_keeps_its_name_and_the_claim_is_reported(place):
    assert "Train the network that SPEC describes" in place.specnet("run", "--help").stdout
    assert place.imported() == set()
    (line,) = [line for line in place.specnet("components", "commands").stdout.splitlines() if line[:4] == "run "]
    assert "; also claimed by specnet-tools" in line
    assert (
        'the command "run" of specnet-tools 1.0 is ignored, because a built-in has that name'
        in place.specnet("doctor").stdout
    )


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("broken", "broken-component", 'the command "broken" of specnet-broken 1.0 cannot be imported: ZeroDivision'),
        ("wrong", "broken-component", "is specnet_wrong:nothing, which is not a command"),
        ("twice", "ambiguous-component", 'the command "twice" is claimed by specnet-one 1.0 and specnet-two 1.0'),
    ],
)
@pytest.mark.parametrize("further", [[], ["--help"]])
def test_a_command_that_cannot_be_used_is_reported_when_it_is_named(name, code, words, further, place):
    result = place.specnet(name, *further)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"error[{code}]: " in result.stderr and words in result.stderr


def test_a_command_that_fails_is_blamed_and_one_that_refuses_is_not(place):
    result = place.specnet("tune", "fail")
    assert result.returncode == 2
    assert "error[broken-component]: the command \"tune\" of specnet-tools 1.0 fails: KeyError: 'fail'" in result.stderr
    assert place.specnet("tune", "wrong").stderr == "error[usage]: a wrong word\n"


def test_a_command_that_is_misspelt_is_found_among_those_of_plugins_too(place):
    result = place.specnet("tunee", "it")
    assert (result.returncode, 'did you mean "tune"?' in result.stderr) == (2, True)


@pytest.mark.parametrize("group", CLASSES)
def test_what_another_group_holds_is_listed_with_its_faults(group, place):
    result = place.specnet("components", group)
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert (result.returncode, lines["fine"].split(maxsplit=3)[3]) == (0, "Does what is expected.")
    singular = registry.SINGULAR[group]
    for name in ("other", "function"):
        assert f"is not a subclass of specnet's {singular} base class" in lines[name]
    assert "AttributeError" in lines["absent"]
    assert "Does what is expected." in place.specnet("components", group, "fine").stdout
    assert place.specnet("components", group, "other").returncode == 2
    unknown = place.specnet("components", group, "fin")
    assert (unknown.returncode, 'did you mean "fine"?' in unknown.stderr) == (2, True)


def test_the_doctor_reports_the_faults_of_all_groups(place):
    result = place.specnet("doctor", "--format", "json")
    found = [each["message"] for each in json.loads(result.stdout)["findings"] if each["severity"] == "error"]
    assert result.returncode == 2
    for group in CLASSES:
        for name in ("other", "function", "absent"):
            assert [each for each in found if f'the {registry.SINGULAR[group]} "{name}" of specnet-{group} 1.0' in each]
    for name in ("broken", "wrong", "twice"):
        assert [each for each in found if f'command "{name}"' in each]


def test_a_distribution_of_such_groups_is_checked(place):
    result = place.specnet("check", "--distribution", "specnet-loggers")
    assert "ok     loggers fine, its class: 3 checks" in result.stdout
    assert "FAILED loggers other, its class" in result.stdout
    assert (
        "ok     commands tune, its class: 3 checks" in place.specnet("check", "--distribution", "specnet-tools").stdout
    )


HELP = "import sys; sys.argv = ['specnet', *{arguments}]\nfrom specnet.cli import main\ntry: main()\nfinally: {after}"


@pytest.mark.parametrize("arguments", [["run", "--help"], ["validate", "gone.json"]])
def test_a_built_in_command_does_not_look_for_those_of_plugins(arguments, tmp_path):
    code = "import specnet.cli.commands as commands\ndef scan(): raise AssertionError\ncommands._metadata = scan\n"
    code += HELP.format(arguments=arguments, after="print('importlib_metadata' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "AssertionError" not in done.stderr
    assert arguments[0] == "validate" or done.stdout.splitlines()[-1] == "False"


def test_help_is_as_quick_among_two_hundred_distributions(tmp_path):
    for number in range(200):
        folder = tmp_path / f"pkg_{number}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pkg-{number}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[console_scripts]\npkg{number} = pkg{number}:main\n")
    without = HELP.format(arguments=["--help"], after="pass").replace(
        "\ntry", "\nimport specnet.cli as c; c.list_plugins = dict\ntry"
    )

    def seconds(code):
        """Return the processor time of a process."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    codes, least = (HELP.format(arguments=["--help"], after="pass"), without), [math.inf, math.inf]
    for _ in range(15):  # other processes only add: a few tries are enough where nothing else runs
        least = [min(pair) for pair in zip(least, map(seconds, codes), strict=True)]
        if least[0] < 1.5 * least[1]:
            return
    pytest.fail(f"with the commands of plugins it takes {least[0] / least[1]:.2f} times as long")

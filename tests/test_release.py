"""What is released: a wheel and an sdist of the core and of each plugin, complete and installable."""

import tarfile
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from environment import Environment
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PLUGINS = [*sorted((ROOT / "plugins").iterdir())]
VERSION = Version(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


@pytest.fixture(
    scope="module", params=[ROOT, *PLUGINS], ids=lambda project: project.name if project != ROOT else "core"
)
def built(request, tmp_path_factory):
    """A project with the wheel and the sdist of it."""
    folder = tmp_path_factory.mktemp("dist")
    return request.param, *(build(kind, request.param, folder) for kind in (WheelBuilder, SdistBuilder))


def build(kind, project, folder):
    return Path(next(kind(str(project)).build(directory=str(folder))))


def tracked(project):
    """The files of a project's packages, as the checkout has them."""
    places = [project / "specnet"] if project == ROOT else [*project.glob("specnet_*")]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    return {str(file.relative_to(project)) for file in files if file.is_file() and "__pycache__" not in file.parts}


def content(wheel):
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel):
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_a_wheel_holds_the_packages_and_nothing_else(built):
    project, wheel, _ = built
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == tracked(project)


def test_an_sdist_builds_the_same_wheel(built, tmp_path):
    _, wheel, sdist = built
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    again = next(WheelBuilder(str(folder)).build(directory=str(tmp_path / "wheels")))
    with ZipFile(wheel) as one, ZipFile(again) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


def test_metadata_has_a_readme_a_summary_and_the_oldest_python(built):
    project, wheel, _ = built
    found = metadata(wheel)
    assert found["Summary"] and found["Requires-Python"] == ">=3.11"
    assert found.get_payload().strip() == (project / "README.md").read_text().strip()
    assert found["Description-Content-Type"] == "text/markdown"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_accepts_this_version_of_specnet(plugin):
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    (requirement,) = [each for each in map(Requirement, project["dependencies"]) if each.name == "specnet"]
    assert VERSION in requirement.specifier


def test_every_extra_that_names_a_plugin_names_one_of_these():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra in extras.keys() - {"dev", "benchmarks", "dask", "safetensors"}:
        (requirement,) = map(Requirement, extras[extra])
        project = tomllib.loads((ROOT / "plugins" / requirement.name / "pyproject.toml").read_text())["project"]
        assert Version(project["version"]) in requirement.specifier


def test_installed_wheels_train_a_spec_without_the_checkout(tmp_path):
    wheels = [
        Path(next(WheelBuilder(str(project)).build(directory=str(tmp_path / "dist")))) for project in (ROOT, *PLUGINS)
    ]
    place = Environment(tmp_path / "environment")
    place.install(*wheels)
    done = place.run("-c", "import specnet; print(specnet.__file__)", cwd=tmp_path)
    assert done.stdout.startswith(str(tmp_path)), done.stderr
    (tmp_path / "spec.json").write_text(
        '{"dataset": "waves", "layers": [{"type": "linear", "units": 4}, "swish", "linear"], "loss": "mse",'
        ' "training": {"epochs": 2}}'
    )
    done = place.specnet("run", "spec.json", "-q", "-o", "made", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made" / "report.html").exists()

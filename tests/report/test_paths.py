import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import specnet
from specnet.report.paths import relative, relative_paths, shorten_paths
from specnet.runs.results import write_comparison

RUN = Path("/home/ann/exp/runs/a")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/ann/exp/runs/a/x.npz", "x.npz"),
        ("/home/ann/exp/data/x.csv", "../../data/x.csv"),
        ("/home/ann/d.csv", "../../../d.csv"),
        ("/srv/d.csv", "d.csv"),
        ("/d.csv", "d.csv"),
    ],
)
def test_a_path_is_relative_to_the_run_or_else_a_name(path, shown):
    assert relative(path, RUN) == shown


def test_only_absolute_paths_of_a_value_are_changed():
    value = {"a": ["/home/ann/exp/b c.csv", "x/y", "1/2", "https://a/b", 3, None], "b": {"c": "/srv/secret/d"}}
    assert relative_paths(value, RUN) == {
        "a": ["../../b c.csv", "x/y", "1/2", "https://a/b", 3, None],
        "b": {"c": "d"},
    }


@pytest.mark.parametrize("folder", ["plain", "with space", "quo'te", "ünï"])
def test_a_message_names_files_relative_to_the_run(folder):
    spec = {"dataset": {"type": "npz", "path": f"/home/ann/exp/{folder}/d.npz"}, "plots": ["curves"]}
    run = SimpleNamespace(spec=SimpleNamespace(to_json=lambda: spec), directory=RUN)
    told = shorten_paths(
        f"/home/ann/exp/{folder}/d.npz: there is no such file, 1/2 of https://x.org/a; see /etc/motd.", run
    )
    assert told == f"../../{folder}/d.npz: there is no such file, 1/2 of https://x.org/a; see motd."


def test_no_absolute_path_is_on_a_page(train, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    folder = tmp_path / "some data"
    folder.mkdir()
    np.savez(folder / "d.npz", inputs=x, targets=(x[:, 0] > 0).astype(int))
    runs = [train(out, dataset={"type": "npz", "path": str(folder / "d.npz")}, plots=["curves"]) for out in "ab"]
    pages = [runs[0].report(), write_comparison(runs, tmp_path / "both.html")]
    shutil.rmtree(folder)
    pages.append(specnet.load_run(runs[1].directory).report())
    for page in pages:
        text = page.read_text()
        assert str(tmp_path) not in text and not re.search(r"/tmp/|/home/|/root/", text)
        assert "../some data/d.npz" in text

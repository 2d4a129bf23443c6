"""Measured data that come with the library: nothing is downloaded."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from specnet import Data, Dataset, Outline, Samples


class Measured(Dataset):
    """Base class of datasets that a function of the library reads."""

    loader: ClassVar[str]
    rows: ClassVar[int]
    features: ClassVar[int]
    target: ClassVar[Any]
    """Name of the target."""

    def fetch(self, **arguments: Any) -> Any:
        """Return the result of the library's function."""
        from sklearn import datasets

        return getattr(datasets, self.loader)(**arguments)


class Measurements(Measured):
    """A table of measurements with a class for each row."""

    number: ClassVar[int]
    """Number of classes."""

    def outline(self) -> Outline:
        return Outline((self.features,), (), self.rows, (), self.number, "classes")

    def load(self, rng: np.random.Generator) -> Data:
        found = self.fetch()
        return Data(
            Samples(np.array(found.data, np.float64), np.array(found.target, np.int64)),
            classes=tuple(map(str, found.target_names)),
            input_names=tuple(map(str, found.feature_names)),
            target_names=(self.target,),
        )


class Iris(Measurements):
    """Sepals and petals of 150 irises in cm, 50 of each of three species. Fisher, 1936."""

    loader, rows, features, number, target = "load_iris", 150, 4, 3, "species"


class Wine(Measurements):
    """Chemical analyses of 178 wines of one region, from three cultivars: 59, 71 and 48. Aeberhard et al., 1992."""

    loader, rows, features, number, target = "load_wine", 178, 13, 3, "cultivar"


class BreastCancer(Measurements):
    """Cell nuclei of 569 tumours, 212 malignant and 357 benign; for each measure, mean, standard error and worst value.

    Street, Wolberg and Mangasarian, 1993.
    """

    loader, rows, features, number, target = "load_breast_cancer", 569, 30, 2, "diagnosis"


class Digits(Measured):
    """1797 handwritten digits, images of 8 x 8 pixels with values from 0 to 16. Alpaydin and Kaynak, 1998."""

    loader, rows, features, target = "load_digits", 1797, 64, "digit"
    n_class: int = Field(default=10, ge=2, le=10, description="number of digits, from 0")

    def outline(self) -> Outline:
        return Outline((8, 8, 1), (), self.rows if self.n_class == 10 else None, (), self.n_class, "classes")

    def load(self, rng: np.random.Generator) -> Data:
        found = self.fetch(n_class=self.n_class)
        images = np.array(found.images[..., np.newaxis], np.float64)
        return Data(
            Samples(images, np.array(found.target, np.int64)),
            classes=tuple(str(digit) for digit in range(self.n_class)),
            target_names=(self.target,),
        )


class Amounts(Measured):
    """A table of measurements with one number or several to predict, whose names `target` lists."""

    def outline(self) -> Outline:
        return Outline((self.features,), (len(self.target),), self.rows, (), kind="numbers")

    def load(self, rng: np.random.Generator) -> Data:
        found = self.fetch()
        targets = np.array(found.target, np.float64).reshape(self.rows, -1)
        samples = Samples(np.array(found.data, np.float64), targets)
        return Data(samples, input_names=tuple(found.feature_names), target_names=self.target)


class Diabetes(Amounts):
    """Age, sex, body mass index, blood pressure and six blood values of 442 patients, in their own units.

    The target is a measure of how far their diabetes has come a year later, from 25 to 346. Efron et al., 2004.
    """

    loader, rows, features, target = "load_diabetes", 442, 10, ("progression",)

    def fetch(self, **arguments: Any) -> Any:
        return super().fetch(scaled=False)


class Linnerud(Amounts):
    """Chin-ups, sit-ups and jumps of 20 men of a fitness club; the targets are weight, waist and pulse.

    Tenenhaus, 1998.
    """

    loader, rows, features, target = "load_linnerud", 20, 3, ("Weight", "Waist", "Pulse")

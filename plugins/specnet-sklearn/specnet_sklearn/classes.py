"""Generators of samples that belong to classes."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from specnet_sklearn.base import Count, Features, Generated, numbered

Classes = Annotated[int, Field(ge=2, le=1000)]


class Classification(Generated):
    """Clouds about the corners of a hypercube, several to a class, among uninformative inputs. Guyon, 2003.

    Of the inputs `n_informative` tell the class, `n_redundant` are sums of those, `n_repeated` are copies, and the
    rest is noise.
    """

    maker = "make_classification"
    targets = ("class",)
    n_features: Features = Field(default=20, description="inputs")
    n_informative: PositiveInt = Field(default=2, description="inputs that depend on the class")
    n_redundant: int = Field(default=2, ge=0, description="inputs that are sums of those")
    n_repeated: int = Field(default=0, ge=0, description="inputs that are copies of either")
    n_classes: Classes = Field(default=2, description="classes")
    n_clusters_per_class: PositiveInt = Field(default=2, description="clouds of each class")
    flip_y: float = Field(default=0.01, ge=0, le=1, description="share of samples whose class is drawn at random")
    class_sep: PositiveFloat = Field(default=1.0, description="half the side of the hypercube")

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        told = self.n_informative + self.n_redundant + self.n_repeated
        if told > self.n_features:
            raise ValueError(f"n_informative, n_redundant and n_repeated are {told}, of {self.n_features} n_features")
        clouds = self.n_classes * self.n_clusters_per_class
        # A hypercube in 34 dimensions has more corners than there may be clouds.
        if clouds > 2 ** min(self.n_informative, 34):
            corners = 2**self.n_informative
            raise ValueError(f"n_classes times n_clusters_per_class is {clouds}, n_informative allows {corners}")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        return numbered("class ", self.n_classes)


class GaussianQuantiles(Generated):
    """One round cloud of normal noise, cut into shells of as many samples each: class 0 is the innermost."""

    maker = "make_gaussian_quantiles"
    targets = ("shell",)
    cov: PositiveFloat = Field(default=1.0, description="variance of each input")
    n_features: int = Field(default=2, ge=1, le=1000, description="inputs")
    n_classes: Classes = Field(default=3, description="shells")

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.n_classes > self.n_samples:
            raise ValueError(f"n_classes is {self.n_classes}, of {self.n_samples} n_samples")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        return numbered("shell ", self.n_classes)


class Hastie(Generated):
    """Ten normal inputs; class 1 where the sum of their squares is above 9.34, about half the samples.

    Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, example 10.2.
    """

    maker = "make_hastie_10_2"
    inputs = numbered("x", 10)
    targets = ("class",)
    classes = ("inside", "outside")
    n_samples: Count = Field(default=12_000, description="samples altogether")

    def prepare(self, targets: np.ndarray) -> np.ndarray:
        return (targets > 0).astype(np.int64)  # the library says -1 and 1


class Multilabel(Generated):
    """Counts of words in short texts, and for each of several topics whether the text is about it, 0 or 1."""

    maker = "make_multilabel_classification"
    n_features: Features = Field(default=20, description="number of different words")
    n_classes: Classes = Field(default=5, description="number of topics")
    n_labels: PositiveInt = Field(default=2, description="topics of a text, on average")
    length: PositiveInt = Field(default=50, description="words in a text, on average")
    allow_unlabeled: bool = Field(default=True, description="whether a text may be about nothing")

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.n_labels > self.n_classes:
            raise ValueError(f"n_labels is {self.n_labels}, of {self.n_classes} n_classes")
        return self

    @property
    def inputs(self) -> tuple[str, ...]:
        return numbered("word ", self.n_features)

    @property
    def targets(self) -> tuple[str, ...]:
        return numbered("topic ", self.n_classes)

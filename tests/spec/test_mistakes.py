"""Specs with one mistake each: told once, where it stands. A mark ▸ stands before it; marks are no part of the text.

A row is the lines of the minimal spec that are replaced or added, with ¶ between them, the code and JSON pointer of the
one diagnostic, and a piece of what is told: of the message or of the help.
"""

import json
import sys

import numpy as np
import pytest
from helpers import assert_shown_well, assert_told, in_one_test, marked, spec_text, told


def spec(lines):
    """Return the minimal spec with these lines in place of its own, or behind them."""
    return spec_text(lines.split("¶"))


def linear(fields):
    return f'"layers": [{{"type": "linear", {fields}}}, "sigmoid"]'


def rate(value):
    return f'"optimizer": {{"type": "sgd", "learning_rate": {value}}}'


def nested(layer):
    """A layer inside each kind of composite."""
    repeat = f'{{"type": "repeat", "times": 2, "layers": ["tanh", {layer}]}}'
    residual = f'{{"type": "residual", "layers": [{repeat}]}}'
    parallel = f'{{"type": "parallel", "merge": "add", "branches": [[], ["tanh", {residual}]]}}'
    return f'"layers": [{parallel}, {{"type": "linear", "units": 1}}, "sigmoid"]'


NESTED = "/layers/0/branches/1/1/layers/0/layers/1"
CSV = '"dataset": {"type": "csv", "path": "table.csv", %s}'

UNKNOWN_KEYS = [
    ('"training": {"epochs": 3, ▸"loss": "mse"}', "unknown-key /training/loss", "it belongs at the top"),
    ('▸"learning_rate": 0.1', "unknown-key /learning_rate", 'it belongs in "optimizer"'),
    ('▸"attention": 0.1', "unknown-key /attention", "one of: "),
    ('"optimizer": {"type": "adam", ▸"lr": 0.1}', "unknown-key /optimizer/lr", '"learning_rate"'),
    ('▸"optimiser": "adam"', "unknown-key /optimiser", '"optimizer"'),
    ('▸"Seed": 1', "unknown-key /Seed", '"seed"'),
    ('▸"$Schema": "x"', "unknown-key /$Schema", '"$schema"'),
    ('▸"a/b~c": 1', "unknown-key /a~1b~0c", "one of: "),
    ('▸"se\\u0065dd": 1', "unknown-key /seedd", '"seed"'),
    ('▸"": 1', "unknown-key /", "one of: "),
    ('▸"größe 漢字": 1', "unknown-key /größe 漢字", "one of: "),
    ('▸"batch_size": 1', "unknown-key /batch_size", 'it belongs in "training"'),
    ('"split": {▸"validaton": 0.1}', "unknown-key /split/validaton", '"validation"'),
    ('"transforms": {▸"input": []}', "unknown-key /transforms/input", '"inputs"'),
    ('"training": {▸"epoch": 1}', "unknown-key /training/epoch", '"epochs"'),
    ('"training": {"epochs": 1, "early_stopping": {"monitor": "train/loss", ▸"patince": 1}}',
     "unknown-key /training/early_stopping/patince", '"patience"'),
    ('"checkpoint": {"every": 1, ▸"kep": 1}', "unknown-key /checkpoint/kep", '"keep"'),
    ('"record": {"every": 1, ▸"pionts": 3}', "unknown-key /record/pionts", '"points"'),
    ('"dataset": {"type": "spiral", ▸"n_sample": 4}', "unknown-key /dataset/n_sample", '"n_samples"'),
    (linear('"units": 1, ▸"biass": true'), "unknown-key /layers/0/biass", "use_bias"),
    (linear('▸"out_features": 1'), "unknown-key /layers/0/out_features", '"units"'),
    (linear('"units": 1, ▸"activation": "relu"'), "unknown-key /layers/0/activation", "as a separate layer"),
    ('"training": {▸"clipnorm": 1}', "unknown-key /training/clipnorm", '"clip_norm_per_weight"?'),
    ('▸"validation_split": 0.2', "unknown-key /validation_split", 'in "split" as "validation": the share is'),
    ('"training": {▸"patience": 3}', "unknown-key /training/patience", 'it belongs in "training.early_stopping"'),
    (linear('"units": 1, "weight_init": {"type": "normal", ▸"sdt": 1}'),
     "unknown-key /layers/0/weight_init/sdt", '"std"'),
    ('"layers": [{"type": "linear", "units": 1}, {"type": "sigmoid", ▸"x": 1}]',
     "unknown-key /layers/1/x", "one of: name"),
    ('"loss": {"type": "bce", ▸"reducton": "sum"}', "unknown-key /loss/reducton", '"reduction"'),
    ('"optimizer": {"type": "adam", ▸"beta": 0.9}', "unknown-key /optimizer/beta", 'did you mean "beta'),
    ('"optimizer": {"type": "adam", ▸"momentum": 0.9}', "unknown-key /optimizer/momentum", "learning_rate"),
    (rate('{"type": "constant", "value": 1, ▸"valu": 1}'), "unknown-key /optimizer/learning_rate/valu", '"value"'),
    ('"metrics": [{"type": "accuracy", ▸"top": 5}]', "unknown-key /metrics/0/top", "threshold"),
    ('"transforms": {"inputs": ["standardize", {"type": "scale", "factor": 2, ▸"factr": 2}]}',
     "unknown-key /transforms/inputs/1/factr", '"factor"'),
    ('"plots": [{"type": "curves", ▸"size": 5}]', "unknown-key /plots/0/size", "none"),
    ('"dataset": "waves"¶"loss": "mse"¶"layers": [{"type": "repeat", "times": 2, "layers": ["tanh"], ▸"time": 1}]',
     "unknown-key /layers/0/time", '"times"'),
    (nested('{"type": "tanh", ▸"units": 1}'), f"unknown-key {NESTED}/units", "one of: name"),
    (nested('{"type": "linear", "units": 2, ▸"unit": 2}'), f"unknown-key {NESTED}/unit", '"units"'),
    (nested('{"type": "linear", "units": 2, "weight_init": {"type": "normal", ▸"st": 1}}'),
     f"unknown-key {NESTED}/weight_init/st", '"std"'),
]  # fmt: skip

INTEGERS = ['"64"', "true", "1.5", "1.0", "1e0", "null", "[]", "[1]", "{}"]
NUMBERS = ['"0.1"', "true", "null", "[]", "{}"]
WRONG_TYPES = [
    *((linear(f'"units": ▸{value}'), "wrong-type /layers/0/units", "units should be a whole number")
      for value in INTEGERS if value != "null"),
    *((f'"seed": ▸{value}', "wrong-type /seed", "seed should be a whole number") for value in INTEGERS),
    *((f'"split": {{"test": ▸{value}}}', "wrong-type /split/test", "test should be a number")
      for value in NUMBERS),
    *((f'"dataset": {{"type": "spiral", "noise": ▸{value}}}', "wrong-type /dataset/noise", "a number")
      for value in NUMBERS),
    ('"optimizer": {"type": "lbfgs"}, "training": {"batch_size": "full", "clip_norm": ▸1.0}',
     "wrong-value /training/clip_norm", "lbfgs takes gradients at further points"),
    ('"loss": {"type": "huber", "delta": ▸{"type": "linear", "initial": 1.0, "final": 0.1}}',
     "wrong-type /loss/delta", "fields of losses take no schedule"),
    ('"optimizer": {"type": "nadam", "beta_1": ▸{"type": "linear", "initial": 0.5, "final": 0.9}}',
     "wrong-type /optimizer/beta_1", "this field takes no schedule"),
    *((f'"training": {{"shuffle": ▸{value}}}', "wrong-type /training/shuffle", "true or false")
      for value in ("1", '"true"', "null", "[]")),
    *((f'"training": {{"batch_size": ▸{value}}}', "wrong-type /training/batch_size", "a whole number")
      for value in ('"all"', "1.5", "true", "[]")),
    *((f'"description": ▸{value}', "wrong-type /description", "text")
      for value in ("3", "true", "null", "[]", "{}")),
    ('"name": ▸null', "wrong-type /name", "text"),
    ('"dataset": {"type": "npz", "path": ▸3}', "wrong-type /dataset/path", "text"),
    *((f'"metrics": ▸{value}', "wrong-type /metrics", "not " + value) for value in ('"accuracy"', "null", "{}", "3")),
    *((f'"layers": ▸{value}', "wrong-type /layers", "not " + value) for value in ('"sigmoid"', "null", "{}", "3")),
    *((f'"{name}": ▸{value}', f"wrong-type /{name}", f"not {value}") for value in ("[]", "null", '"x"', "3", "true")
      for name in ("training", "split", "transforms", "checkpoint")),
    *((f'"training": {{"early_stopping": ▸{value}}}', "wrong-type /training/early_stopping", f"not {value}")
      for value in ("[]", '"x"', "3", "true")),
    *((f'"{name}": ▸{value}', f"wrong-type /{name}", 'a name or an object with a "type"')
      for value in ("[]", "null", "3", "true")
      for name in ("dataset", "loss", "optimizer")),
    ('"layers": [{"type": "linear", "units": 1}, ▸["sigmoid"]]',
     "wrong-type /layers/1", "a layer is a name or an object"),
    (nested("▸[]"), f"wrong-type {NESTED}", "a layer is a name or an object"),
    (linear('"units": 1, "weight_init": ▸0.5'), "wrong-type /layers/0/weight_init", "an object with a"),
    ('"layers": [{"type": "parallel", "branches": [["tanh"], ▸"tanh"]}]',
     "wrong-type /layers/0/branches/1", 'not "tanh"'),
    *((rate("▸" + value), "wrong-type /optimizer/learning_rate", "number") for value in ("true", "null", "[]")),
    (CSV % '"inputs": ▸"a", "targets": ["t"]', "wrong-type /dataset/inputs", 'not "a"'),
    (CSV % '"inputs": ["a", ▸true], "targets": ["t"]', "wrong-type /dataset/inputs/1", "a column is its name"),
    ('"record": ▸"all"', "wrong-type /record", 'not "all"'),
]  # fmt: skip

OUT_OF_RANGE = [
    *((linear(f'"units": ▸{value}'), "out-of-range /layers/0/units", "greater than 0")
      for value in ("0", "-1", "-0")),
    (nested('{"type": "linear", "units": ▸0}'), f"out-of-range {NESTED}/units", "greater than 0"),
    ('"seed": ▸-1', "out-of-range /seed", "greater than or equal to 0"),
    ('"seed": ▸9223372036854775808', "out-of-range /seed", "less than 9223372036854775808"),
    ('"training": {"epochs": ▸0}', "out-of-range /training/epochs", "greater than 0"),
    ('"training": {"epochs": ▸9223372036854775807}', "out-of-range /training/epochs", "1000000000"),
    ('"training": {"batch_size": ▸0}', "out-of-range /training/batch_size", "greater than or equal to 1"),
    ('"training": {"clip_norm": ▸0}', "out-of-range /training/clip_norm", "greater than 0"),
    ('"training": {"early_stopping": {"monitor": "train/loss", "patience": ▸0}}',
     "out-of-range /training/early_stopping/patience", "greater than 0"),
    ('"split": {"validation": ▸1}', "out-of-range /split/validation", "less than 1"),
    ('"split": {"validation": ▸-0.1}', "out-of-range /split/validation", "greater than or equal to 0"),
    ('"checkpoint": {"every": ▸0}', "out-of-range /checkpoint/every", "greater than 0"),
    ('"checkpoint": {"keep": ▸0}', "out-of-range /checkpoint/keep", "greater than 0"),
    ('"record": {"every": 1, "points": ▸1}', "out-of-range /record/points", "greater than or equal to 2"),
    ('"record": {"every": 1, "points": ▸1001}', "out-of-range /record/points", "less than or equal to 1000"),
    ('"record": {"every": ▸0}', "out-of-range /record/every", "greater than 0"),
    ('"record": {"samples": ▸0}', "out-of-range /record/samples", "greater than 0"),
    ('"record": {"budget": ▸0}', "out-of-range /record/budget", "greater than 0"),
    ('"record": {"units": ▸1}', "wrong-type /record/units", "true or false"),
    ('"record": {"every": 1, "margin": ▸-1}', "out-of-range /record/margin", "greater than or equal to 0"),
    ('"dataset": {"type": "spiral", "n_samples": ▸2}', "out-of-range /dataset/n_samples", "greater than or equal to 4"),
    ('"dataset": {"type": "shapes", "n_samples": ▸5}', "out-of-range /dataset/n_samples", "multiple of 4"),
    ('"dataset": {"type": "spiral", "n_samples": ▸100000000}',
     "out-of-range /dataset/n_samples", "less than or equal to 10000000"),
    ('"dataset": {"type": "spiral", "noise": ▸-1e-9}', "out-of-range /dataset/noise", "greater than or equal to 0"),
    ('"layers": [{"type": "dropout", "rate": ▸1}, {"type": "linear", "units": 1}, "sigmoid"]',
     "out-of-range /layers/0/rate", "less than 1"),
    ('"layers": [{"type": "repeat", "times": ▸1001, "layers": ["tanh"]}, {"type": "linear", "units": 1}, "sigmoid"]',
     "out-of-range /layers/0/times", "less than or equal to 1000"),
    ('"optimizer": {"type": "adam", "beta_1": ▸1}', "out-of-range /optimizer/beta_1", "less than 1"),
    *((rate("▸" + value), "out-of-range /optimizer/learning_rate", "greater than 0")
      for value in ("0", "-1", "-0.0")),
    (rate('▸{"type": "step", "initial": -1, "every_steps": 1}'),
     "out-of-range /optimizer/learning_rate", "greater than 0"),
    (rate('{"type": "step", "initial": 1, "every_steps": ▸0}'),
     "out-of-range /optimizer/learning_rate/every_steps", "greater than 0"),
    (rate('{"type": "step", "initial": 1, "every_steps": 1, "factor": ▸2}'),
     "out-of-range /optimizer/learning_rate/factor", "less than or equal to 1"),
    ('"loss": {"type": "bce", "epsilon": ▸0.5}', "out-of-range /loss/epsilon", "less than 0.5"),
]  # fmt: skip

WRONG_VALUES = [
    *((f'"dtype": ▸{value}', "wrong-value /dtype", "'float32' or 'float64'")
      for value in ('"float16"', '"Float32"', "32", "null", "[]")),
    ('"loss": {"type": "bce", "reduction": ▸"max"}', "wrong-value /loss/reduction", "'mean' or 'sum'"),
    ('"checkpoint": {"mode": ▸"least"}', "wrong-value /checkpoint/mode", "'min' or 'max'"),
    ('"layers": [{"type": "parallel", "branches": [["tanh"]], "merge": ▸"sum"}]¶"loss": "mse"¶"dataset": "waves"',
     "wrong-value /layers/0/merge", "'concat', 'add', 'average', 'multiply' or 'maximum'"),
    *((f'"name": ▸{json.dumps(name)}',
     "wrong-value /name", "name should consist of letters") for name in ("../x", "a/b", "", ".x", "-o", "a\\b", "ä")),
    ('"name": ▸"a\\n"', "wrong-value /name", '"a\\n"'),
    ('"name": ▸"a\\u0000"', "wrong-value /name", '"a\\u0000"'),
    (f'"name": ▸"{"x" * 101}"', "wrong-length /name", "100 characters"),
    ('"layers": ▸[]', "wrong-length /layers", "at least 1 item"),
    (nested('{"type": "residual", "layers": ▸[]}'), f"wrong-length {NESTED}/layers", "at least 1 item"),
    (CSV % '"inputs": ▸[], "targets": ["t"]', "wrong-length /dataset/inputs", "at least 1 item"),
    (CSV % '"inputs": ["a"], "targets": ["t"], "delimiter": ▸";;"',
     "wrong-length /dataset/delimiter", "at most 1 character"),
    ('"dataset": {"type": "npz", "path": ▸"a\\u202eb"}', "wrong-value /dataset/path", "unprintable"),
    ('"optimizer": ▸{"type": "sgd", "nesterov": true}', "wrong-value /optimizer", "nesterov needs a momentum"),
    (rate('▸{"type": "cosine", "initial": 1, "steps": 5, "warmup_steps": 5}'), "wrong-value /optimizer/learning_rate",
     "warmup_steps (5) should be less than steps (5)"),
    (rate('{"type": "cosine", "initial": 1, "steps": 5, "epochs": ▸5}'),
     "wrong-value /optimizer/learning_rate/epochs", "epochs cannot be combined with steps"),
    (rate('▸{"type": "reduce_on_plateau", "monitor": "train/loss", "initial": 0.1, "minimum": 0.2}'),
     "wrong-value /optimizer/learning_rate", "initial (0.1) should not be less than minimum (0.2)"),
    (linear('"units": 1, "weight_init": ▸{"type": "uniform", "low": 1, "high": 1}'),
     "wrong-value /layers/0/weight_init",
     "low (1.0) should be less than high (1.0)"),
    ('"transforms": {"inputs": [{"type": "scale", "factor": ▸0}]}',
     "out-of-range /transforms/inputs/0/factor", "should not be 0"),
]  # fmt: skip

# A missing key is told where the object begins that misses it.
MISSING = [
    ('"layers": [▸{"type": "linear", "use_bias": true}, {"type": "linear", "units": 1}, "sigmoid"]',
     "missing-key /layers/0", '"units"'),
    ('"layers": [▸"linear", {"type": "linear", "units": 1}, "sigmoid"]', "missing-key /layers/0", '"units"'),
    ('"layers": [▸{"units": 1}, "sigmoid"]', "missing-key /layers/0", "one of: add, "),
    (nested("▸{}"), f"missing-key {NESTED}", 'this layer has no "type"'),
    (nested('▸{"type": "repeat", "layers": ["tanh"]}'), f"missing-key {NESTED}", '"times"'),
    ('"layers": [▸{"type": "residual"}, "sigmoid"]', "missing-key /layers/0", '"layers"'),
    ('"dataset": ▸{"n_samples": 4}', "missing-key /dataset", 'this dataset has no "type"'),
    ('"dataset": ▸"npz"', "missing-key /dataset", '"path"'),
    ('"loss": ▸{}', "missing-key /loss", 'this loss has no "type"'),
    (rate('▸"constant"'), "missing-key /optimizer/learning_rate", '"value"'),
    (rate('▸{"type": "cosine", "steps": 9}'), "missing-key /optimizer/learning_rate", '"initial"'),
    (rate("▸{}"), "missing-key /optimizer/learning_rate", 'this schedule has no "type"'),
    ('"transforms": {"targets": [▸"scale"]}', "missing-key /transforms/targets/0", '"factor"'),
]  # fmt: skip

# What a name of each group is typed like, and what is meant.
NAMES = [
    ('"dataset": {"type": ▸"spirals"}', "unknown-component /dataset/type", 'did you mean "spiral"'),
    ('"dataset": ▸"spirals"', "unknown-component /dataset", '"spiral"'),
    ('"layers": [{"type": ▸"linaer", "units": 1}, "sigmoid"]', "unknown-component /layers/0/type", '"linear"'),
    ('"layers": [{"type": "linear", "units": 1}, ▸"sigmod"]', "unknown-component /layers/1", '"sigmoid"'),
    (nested('{"type": ▸"TanH"}'), f"unknown-component {NESTED}/type", '"tanh"'),
    (nested('{"type": ▸"quaternion"}'), f"unknown-component {NESTED}/type", "one of: "),
    ('"loss": ▸"binary_crossentropy"', "unknown-component /loss", '"bce"'),
    ('"loss": ▸"BCE"', "unknown-component /loss", '"bce"'),
    ('"loss": ▸"cross_entropi"', "unknown-component /loss", '"cross_entropy"'),
    ('"loss": ▸"adam"', "unknown-component /loss", "one of: bce"),
    ('"metrics": ["mse", {"type": ▸"acuracy"}]', "unknown-component /metrics/1/type", '"accuracy"'),
    ('"optimizer": ▸"adamm"', "unknown-component /optimizer", '"adam"'),
    (rate('{"type": ▸"cosin", "initial": 1, "steps": 5}'),
     "unknown-component /optimizer/learning_rate/type", '"cosine"'),
    *((f'"layers": [{{"type": "conv2d", "filters": 1, "kernel_size": 2, ▸"{key}": 1}}]',
       f"unknown-key /layers/0/{key}", words) for key, words in (
        ("activation", 'as a separate layer on the next line, such as "relu"'), ("stride", '"strides"'),
        ("out_channels", '"filters"'), ("dilation", '"dilation_rate"'))),
    (linear('"units": 1, "bias_init": ▸"zero"'), "unknown-component /layers/0/bias_init", '"zeros"'),
    (linear('"units": 1, "weight_init": ▸"mse"'), "unknown-component /layers/0/weight_init", "one of: constant"),
    ('"transforms": {"inputs": [▸"standardise"]}', "unknown-component /transforms/inputs/0", '"standardize"'),
    ('"plots": ["curves", ▸"confusion"]', "unknown-component /plots/1", '"confusion_matrix"'),
    *((f'"loss": {{"type": ▸{value}}}', "unknown-component /loss/type", '"type" is the name of a loss')
      for value in ("3", "null", "[]", "{}")),
]  # fmt: skip

# Names that a careless loader would import, open, or print. None of these modules is imported by anything else.
MODULES = {"antigravity", "this", "turtle"}
TRAPS = [
    "os.system", "builtins:eval", "specnet.layers.linear:Linear", "specnet.layers.linear", "../linear", "/etc/passwd",
    "antigravity", "antigravity:fly", "this:d", "turtle.Turtle", "__import__", "Linear", " linear", "linear\n",
    "linear\0", "\0", "", "l\u0456near", "\u202elinear", "lin\u200bear", "\ufeffsigmoid", "\x1b[31mlinear", "\x9b31m",
    "sigmoid" * 10_000, "%s%n", "{0.__class__}", "☃" * 300,
]  # fmt: skip
TYPE_TRAPS = [
    row
    for name in map(json.dumps, TRAPS)
    for row in (
        (f'"layers": [{{"type": ▸{name}, "units": 1}}]', "unknown-component /layers/0/type", "there is no layer"),
        (f'"loss": ▸{name}', "unknown-component /loss", "there is no loss"),
        (rate(f'{{"type": ▸{name}}}'), "unknown-component /optimizer/learning_rate/type", "there is no schedule"),
    )
]

# What a dataset, layers, loss and the rest of a spec say together.
SHAPES = '"dataset": "shapes"¶"loss": "cross_entropy"¶"layers": [%s, "flatten", {"type": "linear", "units": 4}]'
SINES = '"dataset": "sines"¶"loss": "mse"¶"layers": [%s, {"type": "linear", "units": 1}]'
WIDE = '{"type": "linear", "units": 3}'
STATIC = [
    (f'"layers": [{WIDE}, ▸"sigmoid"]', "shape /layers/1", "returns shape (3,), but the targets have one number each"),
    ('"dataset": "waves"¶"loss": "mse"¶"layers": [▸{"type": "linear", "units": 2}]',
     "shape /layers/0", "as many units as there are"),
    (SINES % '"masking", ▸"flatten"', "shape /layers/1", "cannot take sequences with masked positions"),
    (SINES % '"masking", {"type": "residual", "layers": [▸"shift"]}, "flatten"', "shape /layers/1/layers/0", "masked"),
    (SINES % '"flatten", ▸{"type": "lstm", "units": 3}', "shape /layers/1", "with the axes (time, features)"),
    (SINES % '{"type": "multi_head_attention", "num_heads": ▸2}, "flatten"',
     "shape /layers/0/num_heads", "has 2 heads, which do not divide 1 features; its input has shape (32, 1)"),
    (SINES % '▸{"type": "multi_head_attention", "num_heads": 3, "num_key_value_heads": 2}, "flatten"',
     "wrong-value /layers/0", "2 heads for keys and values do not divide 3"),
    (SINES % '▸{"type": "gru", "units": 3, "bidirectional": true, "go_backwards": true}',
     "wrong-value /layers/0", "leave go_backwards out"),
    ('"loss": "cross_entropy"¶"layers": [▸{"type": "linear", "units": 1}]',
     "shape /layers/0", "use bce_with_logits"),
    ('"dataset": "shapes"¶"loss": "cross_entropy"¶"layers": ["flatten", ▸{"type": "linear", "units": 3}]',
     "shape /layers/1",
     "4 classes, but the last layer returns 3 outputs"),
    (SHAPES.replace(', "flatten", {"type"', ', ▸{"type"') % '"tanh"', "shape /layers/1", "returns shape (16, 16, 4)"),
    (SHAPES % f'▸{{"type": "residual", "layers": [{WIDE}]}}', "shape /layers/0", "they return shape (16, 16, 3)"),
    (SHAPES % '"flatten", ▸{"type": "conv2d", "filters": 4, "kernel_size": 3}', "shape /layers/1",
     'expects inputs with the axes (height, width, channels); layers.0 returns 256 put {"type": "reshape"'),
    (SHAPES % '{"type": "conv2d", "filters": 4, "kernel_size": ▸[3, 17]}', "shape /layers/0/kernel_size",
     "layers.0 has windows of 17 positions, but width is 16"),
    (SHAPES % '{"type": "conv2d", "filters": 4, "kernel_size": 3, "groups": ▸3}', "shape /layers/0/groups",
     "layers.0 has 3 groups, which do not divide 1 channels"),
    (SHAPES % '{"type": "reshape", "target_shape": ▸[15, -1]}', "shape /layers/0/target_shape",
     "layers.0 cannot make [15, -1] from 256 numbers"),
    (SHAPES % f'{{"type": "repeat", "times": 2, "layers": ["tanh", ▸{{"type": "residual", "layers": [{WIDE}]}}]}}',
     "shape /layers/0/layers/1", "layers.0.layers.1 adds its input"),
    (SHAPES % f'{{"type": "parallel", "merge": "add", "branches": [[], ▸[{WIDE}]]}}',
     "shape /layers/0/branches/1", "adds its branches"),
    (SHAPES % '{"type": "parallel", "branches": [["tanh"], ▸["flatten"]]}',
     "shape /layers/0/branches/1", "concatenates its branches"),
    (nested(f'▸{{"type": "residual", "layers": [{WIDE}]}}'), f"shape {NESTED}", "they return 3; layers.0"),
    ('"loss": ▸"bce"¶"layers": [{"type": "linear", "units": 1}]', "loss-output /loss", "end with the layer sigmoid"),
    ('"loss": ▸"bce_with_logits"', "loss-output /loss", "expects logits, layers.1 (sigmoid) returns probabilities"),
    ('"loss": ▸"cross_entropy"¶"layers": [{"type": "linear", "units": 2}, "softmax"]',
     "loss-output /loss", "leave that layer out"),
    (rate("▸1e-50"), "out-of-range /optimizer/learning_rate", "1e-50 is 0 as float32"),
    ('"optimizer": ▸"lbfgs"', "batch-size /optimizer", "--set training.batch_size=full"),
    ('"optimizer": {"type": "adam", "groups": [{"layers": "0:1"}, {"layers": ▸[0]}]}',
     "unknown-layer /optimizer/groups/1/layers", "layers.0 is also in optimizer.groups.0"),
    ('"optimizer": {"type": "adam", "groups": [{"layers": ▸"0:9"}]}',
     "unknown-layer /optimizer/groups/0/layers", "layers are numbered from 0 to 1"),
    ('"optimizer": {"type": "adam", "groups": [{"layers": ▸"first"}]}',
     "wrong-value /optimizer/groups/0/layers", 'write [0, 1, 2] or "0:3"'),
    ('"optimizer": {"type": "adam", "groups": [{"layers": [0], ▸"lr": 0.1}]}',
     "unknown-key /optimizer/groups/0/lr", 'did you mean "learning_rate"?'),
    ('"training": {▸"weight_decay": 0.1}', "unknown-key /training/weight_decay", "a field of the optimizer"),
    (linear('"units": 1, ▸"kernel_regularizer": 0.1'), "unknown-key /layers/0/kernel_regularizer", '"l2"'),
    (rate('▸{"type": "cosine", "initial": 1e-45, "steps": 9, "warmup_steps": 8}'),
     "out-of-range /optimizer/learning_rate", "is 0 as float32"),
    *((f'"checkpoint": {{"monitor": ▸"{name}"}}', "unknown-monitor /checkpoint/monitor", words) for name, words in (
        ("train/accuracy", "train/loss"), ("loss", "train/loss"), ("", "one of"), ("tran/loss", '"train/loss"'),
        ("validation/loss", 'or monitor "train/loss"'), ("test/loss", "there are no test samples"),
    )),
    ('"metrics": ["mse"]¶"split": {"validation": 0.5}¶"checkpoint": {"monitor": ▸"validation/mea"}',
     "unknown-monitor /checkpoint/monitor", "did you mean"),
    ('"training": {"early_stopping": {"monitor": ▸"validation/loss"}}',
     "unknown-monitor /training/early_stopping/monitor", "no validation samples"),
    ('"training": {"early_stopping": ▸{"patience": 3}}',
     "unknown-monitor /training/early_stopping/monitor", "no validation samples"),
    (rate('{"type": "reduce_on_plateau", "initial": 0.1, "monitor": ▸"train/los"}'),
     "unknown-monitor /optimizer/learning_rate/monitor", 'did you mean "train/loss"'),
    (rate('{"type": "reduce_on_plateau", "initial": 0.1, "monitor": ▸"test/loss"}'),
     "unknown-monitor /optimizer/learning_rate/monitor", "there are no test samples"),
    (rate('▸{"type": "reduce_on_plateau", "initial": 0.1}'),
     "unknown-monitor /optimizer/learning_rate/monitor", "no validation samples"),
    ('"transforms": {"inputs": ["standardize", ▸{"type": "gaussian_noise", "std": 1}, "minmax"]}',
     "transform-order /transforms/inputs/1", "move it after transforms.inputs.2"),
    ('"transforms": {"targets": ["standardize", ▸{"type": "gaussian_noise", "std": 1}]}',
     "transform-target /transforms/targets/1", "changes only inputs"),
    ('"split": ▸{"validation": 0.5, "test": 0.5}', "split /split", "choose smaller shares"),
    ('"dataset": {"type": "npz", "path": "arrays.npz"}¶"split": {"stratify": false, "test": ▸0.1}',
     "split /split/test", "leave this share out"),
    ('"metrics": ["accuracy", "mse", ▸"accuracy"]', "duplicate-metric /metrics/2", "already appears at metrics.0"),
    ('"metrics": ["mse", ▸{"type": "mae", "name": "l2"}]', "duplicate-metric /metrics/1",
     "as that of a penalty"),
    ('"metrics": ["mse", ▸{"type": "mse"}]', "duplicate-metric /metrics/1", "already appears at metrics.0"),
    ('"dataset": {"type": "npz", "path": ▸"no.npz"}', "missing-file /dataset/path", "there is no file"),
    ('"dataset": {"type": "npz", "path": ▸"."}', "missing-file /dataset/path", "is not an ordinary file"),
    ('"dataset": {"type": "npz", "path": ▸"arrays.npz/x"}', "missing-file /dataset/path", "there is no file"),
    (f'"dataset": {{"type": "npz", "path": ▸"{"n" * 300}"}}', "missing-file /dataset/path", "there is no file"),
    (CSV.replace("table", "tabel").replace('"tabel', '▸"tabel') % '"inputs": ["a"], "targets": ["t"]',
     "missing-file /dataset/path", "there is no file"),
    ('"dataset": {"type": "npz", "path": "arrays.npz", "inputs": ▸"inptus"}',
     "data /dataset/inputs", 'did you mean "inputs"'),
    ('"layers": [▸{"type": "linear", "units": 1000000000000}, {"type": "linear", "units": 1}, "sigmoid"]',
     "memory /layers/0", "TB of memory"),
    ('"layers": [{"type": "linear", "units": 60000}, ▸{"type": "linear", "units": 60000},'
     ' {"type": "linear", "units": 1}, "sigmoid"]', "memory /layers/1", "57.6 GB"),
    ('"layers": [▸{"type": "repeat", "times": 1000, "layers": [{"type": "repeat", "times": 1000, "layers": ['
     '{"type": "repeat", "times": 1000, "layers": ["sigmoid"]}]}]}, {"type": "linear", "units": 1}, "sigmoid"]',
     "too-many-layers /layers/0", "more than 10,000 layers"),
    ('"layers": [▸{"type": "repeat", "times": 100, "layers": [{"type": "repeat", "times": 100, "layers": ["tanh"]}]},'
     ' {"type": "linear", "units": 1}, "sigmoid"]', "too-many-layers /layers/0", "more than 10,000 layers"),
]  # fmt: skip
WARNINGS = [
    (
        '"training": {"batch_size": ▸401}',
        "batch-size /training/batch_size",
        "401 is more than the 400 training samples",
    ),
    (
        '"split": {"test": 0.5}¶"training": {"batch_size": ▸201}',
        "batch-size /training/batch_size",
        "200 training samples",
    ),
    (
        rate('▸{"type": "cosine", "initial": 1, "steps": 1301}'),
        "long-schedule /optimizer/learning_rate",
        "ends after 1,300",
    ),
    (
        rate('▸{"type": "step", "initial": 1, "every_steps": 101}') + '¶"training": {"batch_size": null}',
        "long-schedule /optimizer/learning_rate",
        "ends after 100",
    ),
]

TEXTS = [
    ('"description": "größe 漢字 😀 e\u0301 \\u00e9", "seed": ▸-1', "out-of-range /seed", "0"),
    ('"description":\t"x",\t\t"seed":\t▸-1', "out-of-range /seed", "0"),
    ('"description": "' + "x" * 5000 + '", "seed": ▸-1, "metrics": [' + " " * 5000 + "]", "out-of-range /seed", "0"),
    ('"description": "\\ud83d\\ude00 \\" \\\\", "seed": ▸-1', "out-of-range /seed", "0"),
    ('"seed"  \r\n :\r\n\t▸-1', "out-of-range /seed", "0"),
]  # fmt: skip

ALONE = [
    # Nothing is concluded from what a field would be if it were left out.
    ('"dataset": "waves"¶"loss": "mse"¶"layers": [{"type": "parallel", "branches": [[], []], "merge": ▸"ad"}]',
     "wrong-value /layers/0/merge", "'concat', 'add', 'average', 'multiply' or 'maximum'"),
    ('"layers": [{"type": "tanh", ▸"units": 1}, "sigmoid"]', "unknown-key /layers/0/units", "one of: name"),
    ('▸"splt": {"test": 0.2}¶"checkpoint": {"monitor": "test/loss"}', "unknown-key /splt", '"split"'),
    ('▸"metric": ["mse"]¶"checkpoint": {"monitor": "train/mse"}', "unknown-key /metric", '"metrics"'),
    ('▸"trainig": {"epochs": 1000}¶' + rate('{"type": "cosine", "initial": 1, "steps": 5000}'),
     "unknown-key /trainig", '"training"'),
    ('"layers": [{"type": "linear", "units": 1}, "sigmoid", {"type": "dropout", "rate": ▸"0"}]',
     "wrong-type /layers/2/rate", "a number"),
    (rate("1e-50") + '¶"dtype": ▸"flaot64"', "wrong-value /dtype", "'float64'"),
    (rate('{"type": "constant", "value": ▸1e-400}'), "out-of-range /optimizer/learning_rate/value", "would become 0"),
    (linear('"units": 1, "weight_init": {"type": "uniform", "low": 0, "high": ▸1e-400}'),
     "out-of-range /layers/0/weight_init/high", "would become 0"),
    (rate("▸1e308"), "out-of-range /optimizer/learning_rate", "1e+308 is infinite as float32"),
    # Of a key that is required and misspelt only the spelling is wrong.
    (linear('▸"unit": 1'), "unknown-key /layers/0/unit", '"units"'),
    ('"layers": [{"type": "residual", ▸"layer": ["tanh"]}, {"type": "linear", "units": 1}, "sigmoid"]',
     "unknown-key /layers/0/layer", '"layers"'),
    ('▸"extend": "base.json"', "unknown-key /extend", '"extends"'),
    # What is proposed exists: there are no test samples.
    ('"checkpoint": {"monitor": ▸"loss"}', "unknown-monitor /checkpoint/monitor", 'train/loss'),
    (rate('▸"0.1"'), "wrong-type /optimizer/learning_rate", "without quotes"),
]  # fmt: skip
ROWS = [
    *UNKNOWN_KEYS, *WRONG_TYPES, *OUT_OF_RANGE, *WRONG_VALUES, *MISSING, *NAMES, *TYPE_TRAPS, *STATIC, *TEXTS, *ALONE
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    """Where a spec can be written, beside data that it may name."""
    (tmp_path / "table.csv").write_text("a,t\n1,2\n")
    arrays = {"inputs": np.zeros((8, 2)), "targets": np.zeros(8)}
    np.savez(tmp_path / "arrays.npz", **arrays, **{f"test_{name}": array for name, array in arrays.items()})
    return tmp_path / "spec.json"


def each(table):
    return pytest.mark.parametrize(("lines", "expected", "words"), table, ids=lambda value: ascii(value)[:70])


@in_one_test
@each(ROWS)
def test_a_mistake_is_told_once_and_where_it_stands(path, lines, expected, words):
    (found,) = assert_told(path, spec(lines), [expected], memory_budget=8e9)
    assert words in f"{found.message} {found.help}"
    assert (found.severity, found.location.file) == ("error", str(path))
    windows = spec(lines).replace("\r\n", "\n").replace("\n", "\r\n")
    assert_told(path, windows, [expected], memory_budget=8e9)


@each(WARNINGS)
def test_what_can_hardly_be_meant_is_told_and_stops_nothing(path, lines, expected, words):
    (found,) = assert_told(path, spec(lines), [expected])
    assert words in f"{found.message} {found.help}"
    assert found.severity == "warning"


def test_no_name_in_a_spec_is_imported(path):
    names = ", ".join(json.dumps(name) for name in TRAPS)
    path.write_text(spec(f'"layers": [{names}]'))
    assert len(told(path)) == len(TRAPS)
    assert not MODULES & sys.modules.keys()


def test_nothing_is_shown_that_a_terminal_would_obey(path):
    for lines, *_ in ROWS + WARNINGS:
        path.write_bytes(marked(spec(lines))[0])
        assert_shown_well(told(path, memory_budget=8e9), str(path))

"""Writes quality.json: what LightGBM loses on held-out rows, objective by objective.

The data are those of quality.rs, drawn by the same counters; only the mean losses are kept.
Made with Python 3.11, lightgbm 4.7.0, numpy 2.4.6. Run: python quality.py > quality.json
With a number as argument, it goes over so many seeds and prints means (for looking, not for the file).
"""

import json
import sys

import lightgbm as lgb
import numpy as np

ROWS = 12_000
M64 = (1 << 64) - 1


def mix(seed, part):
    """tenure_core::seed::mix."""
    z = np.uint64(seed) ^ ((np.asarray(part, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(seed, n):
    return (mix(seed, np.arange(n)) >> np.uint64(11)).astype(float) / 2.0**53


def data(seed, levels):
    """Features: six numbers, some missing, and a category; and the signal."""
    x = np.column_stack([unit(100 * seed + c, ROWS) for c in range(7)])
    hidden = unit(100 * seed + 10, ROWS)
    x[hidden < 0.1, 2] = np.nan
    x[hidden > 0.85, 3] = np.nan
    x[:, 4] = np.floor(x[:, 4] * 8.0)
    x[:, 6] = np.floor(x[:, 6] ** 2 * levels)
    effect = unit(77, levels)
    signal = np.sin(4.0 * x[:, 0]) + 2.0 * x[:, 1] * np.where(np.isnan(x[:, 2]), 0.5, x[:, 2])
    signal += np.where(np.isnan(x[:, 3]), 0.8, 0.0) + 0.1 * x[:, 4] + 2.0 * (effect[x[:, 6].astype(int)] - 0.5)
    return x, signal


def labels(kind, signal, seed):
    u, v = unit(100 * seed + 20, ROWS), unit(100 * seed + 21, ROWS)
    if kind == "binary":
        return (u < 1.0 / (1.0 + np.exp(-1.5 * (signal - 1.5)))).astype(float)
    if kind == "real":
        return signal + 0.5 * np.log((u + 1e-9) / (1.0 - u))
    if kind == "positive":
        return np.exp(0.7 * signal) * -np.log1p(-u) + 1e-6
    if kind == "zeros":
        return np.where(v < 0.5, 0.0, np.exp(0.7 * signal) * -np.log1p(-u))
    if kind == "classes":
        return np.clip(np.floor(signal + 0.5 * np.log((u + 1e-9) / (1.0 - u))), 0.0, 3.0)
    return np.floor(np.exp(0.7 * signal) * -np.log1p(-u))  # counts


SHARED = {
    "num_leaves": 31, "max_depth": 6, "learning_rate": 0.1, "min_data_in_leaf": 20, "verbose": -1, "seed": 1,
    "deterministic": True, "num_threads": 1, "max_bin": 255, "feature_pre_filter": False,
}


def softmax_loss(p, y):
    return -np.log(p[np.arange(len(y)), y.astype(int)])


CASES = [
    # name, levels, labels, LightGBM's parameters, loss of outputs
    ("binary", 12, "binary", {"objective": "binary"}, lambda p, y: -np.log(np.where(y == 1, p, 1 - p))),
    ("squared", 12, "real", {"objective": "l2"}, lambda p, y: (p - y) ** 2),
    ("absolute", 12, "real", {"objective": "l1"}, lambda p, y: np.abs(p - y)),
    ("huber", 12, "real", {"objective": "huber", "alpha": 1.0},
     lambda p, y: np.where(np.abs(p - y) <= 1, 0.5 * (p - y) ** 2, np.abs(p - y) - 0.5)),
    ("quantile", 12, "real", {"objective": "quantile", "alpha": 0.8},
     lambda p, y: np.maximum(0.2 * (p - y), 0.8 * (y - p))),
    ("poisson", 12, "counts", {"objective": "poisson"}, lambda p, y: p - y * np.log(p)),
    ("gamma", 12, "positive", {"objective": "gamma"}, lambda p, y: y / p + np.log(p)),
    ("tweedie", 12, "zeros", {"objective": "tweedie", "tweedie_variance_power": 1.5},
     lambda p, y: 2.0 * np.sqrt(p) + 2.0 * y / np.sqrt(p)),
    ("classes", 12, "classes", {"objective": "multiclass", "num_class": 4}, softmax_loss),
    ("binary, 240 levels", 240, "binary", {"objective": "binary"},
     lambda p, y: -np.log(np.where(y == 1, p, 1 - p))),
    ("binary, 600 levels", 600, "binary", {"objective": "binary"},
     lambda p, y: -np.log(np.where(y == 1, p, 1 - p))),
    ("squared, 600 levels", 600, "real", {"objective": "l2"}, lambda p, y: (p - y) ** 2),
    ("binary, goss", 12, "binary", {"objective": "binary", "data_sample_strategy": "goss"},
     lambda p, y: -np.log(np.where(y == 1, p, 1 - p))),
    ("squared, bagging", 12, "real",
     {"objective": "l2", "bagging_fraction": 0.6, "bagging_freq": 1, "feature_fraction": 0.7,
      "feature_fraction_bynode": 0.7}, lambda p, y: (p - y) ** 2),
    ("squared, monotone", 12, "real",
     {"objective": "l2", "monotone_constraints": [0, 1, 1, 0, 1, 0, 0], "monotone_constraints_method": "basic"},
     lambda p, y: (p - y) ** 2),
    ("squared, interactions", 12, "real", {"objective": "l2", "interaction_constraints": [[0, 6], [1, 2, 3, 4]]},
     lambda p, y: (p - y) ** 2),
]


def run(seed):
    losses = {}
    for name, levels, kind, params, loss in CASES:
        x, signal = data(seed, levels)
        test_x, test_signal = data(seed + 1, levels)
        train = lgb.Dataset(x, labels(kind, signal, seed), categorical_feature=[6])
        booster = lgb.train({**SHARED, **params}, train, num_boost_round=100)
        y = labels(kind, test_signal, seed + 1)
        losses[name] = float(np.mean(loss(booster.predict(test_x), y)))
    return losses


seeds = range(1, 2 * int(sys.argv[1]), 2) if len(sys.argv) > 1 else [1]
runs = [run(seed) for seed in seeds]
if len(sys.argv) > 1:
    for name in runs[0]:
        print(f"{name:24}", " ".join(f"{r[name]:.5f}" for r in runs))
else:
    json.dump({name: round(loss, 6) for name, loss in runs[0].items()}, sys.stdout, indent=1)
    print()

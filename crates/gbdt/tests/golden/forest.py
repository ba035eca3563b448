"""Writes forest.json: how well scikit-learn's forests predict, out of bag and on held-out rows.

Versions: Python 3.11, scikit-learn 1.9.1, numpy 2.4.6. The data follow from seeds by SplitMix64, so that
`forest.rs` makes the same; figures are means over SEEDS fits, whose standard deviations stand beside them.
"""

import json
import pathlib

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import log_loss, roc_auc_score

TRAIN, TEST, COLUMNS, SEEDS = 1500, 4000, 9, 8
MASK = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


def mix(seed, part):
    """tenure_core::seed::mix"""
    z = np.uint64(seed) ^ ((np.asarray(part, np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(seed, index):
    return (mix(seed, index) >> np.uint64(11)) / 2.0**53


def data():
    rows = np.arange(TRAIN + TEST)
    x = np.column_stack([unit(mix(7, column), rows) for column in range(COLUMNS)])
    x[:, 6] = np.floor(x[:, 6] * 4.0)
    signal = x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * (x[:, 3] > 0.6) + 0.1 * x[:, 6]
    x[unit(mix(7, 100), rows) < 0.1, 1] = np.nan
    noise = unit(mix(7, 101), rows)
    number = 5.0 * signal + 3.0 * noise
    return x, {"binary": (signal + 0.8 * noise > 1.35) * 1.0, "classes": np.clip(np.floor(number / 2.3) - 1.0, 0, 2),
               "number": number}


def judge(kind, y, answers):
    if kind == "number":
        return {"rmse": float(np.sqrt(np.mean((answers - y) ** 2)))}
    if kind == "classes":
        return {"log_loss": log_loss(y, answers)}
    return {"auc": roc_auc_score(y, answers[:, 1]), "log_loss": log_loss(y, answers)}


def main():
    x, targets = data()
    common = {"n_estimators": 200, "max_depth": 8, "n_jobs": 2}
    cases = {
        "binary": ("binary", RandomForestClassifier, {"max_features": "sqrt", "oob_score": True}),
        "entropy": ("binary", RandomForestClassifier,
                    {"max_features": "sqrt", "oob_score": True, "criterion": "entropy"}),
        "extra": ("binary", ExtraTreesClassifier, {"max_features": "sqrt"}),
        "classes": ("classes", RandomForestClassifier, {"max_features": "sqrt", "oob_score": True}),
        "number": ("number", RandomForestRegressor, {"max_features": 1.0 / 3.0, "oob_score": True}),
    }
    found = {}
    for name, (kind, learner, extra) in cases.items():
        y, figures = targets[kind], []
        for seed in range(SEEDS):
            forest = learner(random_state=seed, **common, **extra).fit(x[:TRAIN], y[:TRAIN])
            answers = forest.predict(x[TRAIN:]) if kind == "number" else forest.predict_proba(x[TRAIN:])
            figure = {f"test_{k}": v for k, v in judge(kind, y[TRAIN:], answers).items()}
            if "oob_score" in extra:
                answers = forest.oob_prediction_ if kind == "number" else forest.oob_decision_function_
                figure |= {f"out_of_bag_{k}": v for k, v in judge(kind, y[:TRAIN], answers).items()}
            figures.append(figure)
        found[name] = {k: [float(np.mean([f[k] for f in figures])), float(np.std([f[k] for f in figures]))]
                       for k in figures[0]}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

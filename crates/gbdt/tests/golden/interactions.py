"""Writes interactions.json: a small LightGBM model and its SHAP interaction values.

The file holds the trees, 12 rows (null is missing), and for each the features × features interaction values that
the Python package shap computes from the same trees (TreeExplainer, tree_path_dependent).
Made with Python 3.11, shap 0.51.0, lightgbm 4.7.0, numpy 2.4.6. Run: python interactions.py > interactions.json
"""

import json
import sys

import lightgbm as lgb
import numpy as np
import shap

from make_lightgbm import tree


def main():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(1500, 6)).round(3)
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + x[:, 3] * (x[:, 4] > 0) + 0.1 * rng.normal(size=len(x))
    x[rng.random(x.shape) < 0.1] = np.nan
    params = {
        "objective": "regression", "num_leaves": 15, "learning_rate": 0.2, "verbose": -1, "seed": 42,
        "deterministic": True, "num_threads": 1, "boost_from_average": False,
    }
    booster = lgb.train(params, lgb.Dataset(x, y), num_boost_round=12)
    rows = x[:12]
    interactions = shap.TreeExplainer(booster).shap_interaction_values(rows)
    # The two libraries agree on what the interactions of a row add up to.
    assert np.abs(interactions.sum(axis=2) - booster.predict(rows, pred_contrib=True)[:, :-1]).max() < 1e-9
    json.dump(
        {
            "rows": [[None if np.isnan(v) else v for v in row] for row in rows.tolist()],
            "interactions": interactions.reshape(len(rows), -1).tolist(),
            "trees": [tree(info["tree_structure"]) for info in booster.dump_model()["tree_info"]],
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()

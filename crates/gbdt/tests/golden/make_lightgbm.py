"""Writes lightgbm.json: a small LightGBM model with missing values and a categorical feature.

The file holds the trees, 50 rows (null is missing), the raw scores and the SHAP contributions of LightGBM.
Made with Python 3.11, lightgbm 4.6.0, numpy 2.4.6. Run: python make_lightgbm.py > lightgbm.json
"""

import json
import sys

import lightgbm as lgb
import numpy as np

def tree(node):
    """LightGBM's nested dictionaries, less what the test does not read."""
    if "leaf_value" in node:
        return {"value": node["leaf_value"], "cover": node["leaf_count"]}
    assert node["missing_type"] == "NaN", node["missing_type"]
    kept = {
        "feature": node["split_feature"],
        "default_left": node["default_left"],
        "gain": node["split_gain"],
        "cover": node["internal_count"],
        "left": tree(node["left_child"]),
        "right": tree(node["right_child"]),
    }
    if node["decision_type"] == "==":
        kept["categories"] = [int(c) for c in node["threshold"].split("||")]
    else:
        kept["threshold"] = node["threshold"]
    return kept


def main():
    rng = np.random.default_rng(42)
    n = 2000
    x = rng.normal(size=(n, 5)).round(3)
    category = rng.integers(0, 70, n).astype(float)
    signal = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + np.where(category % 3 == 0, 1.0, -0.5)
    x = np.column_stack([x, category])
    x[rng.random(x.shape) < 0.15] = np.nan
    signal += np.where(np.isnan(x[:, 3]), 0.7, 0.0)
    y = (signal + rng.normal(size=n) > 0).astype(int)

    params = {
        "objective": "binary", "num_leaves": 15, "learning_rate": 0.1, "verbose": -1, "seed": 42,
        "deterministic": True, "num_threads": 1, "min_data_in_leaf": 10, "max_cat_to_onehot": 4,
        "min_data_per_group": 10,
    }
    booster = lgb.train(params, lgb.Dataset(x, y, categorical_feature=[5]), num_boost_round=20)

    rows = x[:50].copy()
    rows[7, 5] = 300.0  # a category that training did not see
    rows[8] = np.nan
    json.dump(
        {
            "rows": [[None if np.isnan(v) else v for v in row] for row in rows.tolist()],
            "raw": booster.predict(rows, raw_score=True).tolist(),
            "contributions": booster.predict(rows, pred_contrib=True).tolist(),
            "trees": [tree(info["tree_structure"]) for info in booster.dump_model()["tree_info"]],
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()

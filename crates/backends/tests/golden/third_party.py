"""Predictions of Python's LightGBM and XGBoost for data that third_party_golden.rs makes too.

lightgbm==4.7.0 xgboost==1.6.2 numpy==1.26.4 scipy==1.11.4, Python 3.11
Writes third_party.json.
"""

import json

import lightgbm as lgb
import numpy as np
import xgboost as xgb

ROWS, KEPT, TREES = 600, 12, 20


def hashed(row, column):
    """A whole number below 1000, the same in Rust."""
    return (row * 7919 + column * 104729 + row * row * 31 + row * column * 17) % 1009 % 1000


x = np.array([[hashed(r, c) / 40.0 for c in range(4)] + [float(hashed(r, 9) % 6)] for r in range(ROWS)])
x[[hashed(r, 20) < 100 for r in range(ROWS)], 1] = np.nan
known = np.where(np.isnan(x[:, 1]), 30.0, x[:, 1])
noise = np.array([hashed(r, 30) / 100.0 for r in range(ROWS)])
signal = 0.5 * x[:, 0] - 0.3 * known + np.where(x[:, 4] == 2.0, 4.0, 0.0) + noise
labels = {
    "real": signal,
    "binary": (signal > 6.0).astype(float),
    "classes": (signal > 3.0).astype(float) + (signal > 9.0).astype(float),
}
weights = np.array([1.0 + hashed(r, 40) % 3 for r in range(ROWS)])

out = {"lightgbm": {}, "xgboost": {}}
for task, y in labels.items():
    objective = {"real": "regression", "binary": "binary", "classes": "multiclass"}[task]
    params = dict(
        objective=objective, verbosity=-1, deterministic=True, force_col_wise=True, feature_pre_filter=False,
        learning_rate=0.1, num_leaves=15, max_depth=5, min_data_in_leaf=10, min_sum_hessian_in_leaf=1e-3,
        lambda_l1=0.1, lambda_l2=0.5, max_bin=63, cat_smooth=10.0, cat_l2=10.0, max_cat_threshold=32,
        min_data_per_group=20, num_threads=1,
    )
    if task == "classes":
        params["num_class"] = 3
    data = lgb.Dataset(x, label=y, weight=weights, categorical_feature=[4], params=params)
    booster = lgb.train(params, data, num_boost_round=TREES)
    out["lightgbm"][task] = {
        "predicted": booster.predict(x[:KEPT]).tolist(),
        "contributions": booster.predict(x[:3], pred_contrib=True).tolist(),
    }

    objective = {"real": "reg:squarederror", "binary": "binary:logistic", "classes": "multi:softprob"}[task]
    share = lambda c: float(np.sum(weights * (y == c)) / np.sum(weights))
    if task == "real":
        base = [float(np.sum(weights * y) / np.sum(weights))]
    elif task == "binary":
        base = [float(np.log(share(1) / (1 - share(1))))]
    else:
        base = [float(np.log(share(c))) for c in range(3)]
    params = dict(
        objective=objective, tree_method="hist", grow_policy="lossguide", nthread=1, verbosity=0, seed=0,
        base_score=0.5 if task == "binary" else 0.0, learning_rate=0.1, max_leaves=15, max_depth=5,
        min_child_weight=2.0, alpha=0.1, gamma=0.05, max_bin=63, **{"lambda": 0.5},
    )
    if task == "classes":
        params["num_class"] = 3
    kinds = ["q"] * 4 + ["c"]
    centre = base[0] if task == "real" else 0.0
    margin = np.tile(np.array(base) - centre, (ROWS, 1))
    data = xgb.DMatrix(
        x, label=y - centre, weight=weights, base_margin=margin, feature_types=kinds, enable_categorical=True
    )
    booster = xgb.train(params, data, num_boost_round=TREES)
    part = xgb.DMatrix(x[:KEPT], feature_types=kinds, enable_categorical=True)
    margins = booster.predict(part, output_margin=True)
    few = xgb.DMatrix(x[:3], feature_types=kinds, enable_categorical=True)
    contributions = booster.predict(few, pred_contribs=True)
    out["xgboost"][task] = {
        "baseline": base,
        "margins": np.asarray(margins, dtype=float).tolist(),
        "contributions": np.asarray(contributions, dtype=float).tolist(),
    }

with open("third_party.json", "w") as file:
    json.dump(out, file, indent=0)
    file.write("\n")

"""One prediction of the models that the Python services use, beside `measure decisions`.

  decision.py     median microseconds of `predict` for one row, as JSON

XGBoost's regressor for leads (24 features), scikit-learn's random forest for contacts (32) and logistic regression for
messages (27), LightGBM and a gamma regression for value (42). Only the prediction is timed: no reasons, no interval,
no send times, no words. Times hardly depend on the data, which are drawn.
"""

import json
import statistics
import time

import numpy as np


def data(columns, rows=3000, seed=42):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    return x, x[:, :5].sum(axis=1) + rng.normal(size=rows)


def median_us(predict, x, calls=2000):
    times = []
    for call in range(calls):
        row = x[call * 7919 % len(x)][None, :]
        start = time.perf_counter_ns()
        predict(row)
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e3


def main():
    from lightgbm import LGBMRegressor
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import GammaRegressor, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBRegressor

    found = {}
    x, y = data(24)
    found["lead"] = median_us(XGBRegressor(n_jobs=1).fit(x, y).predict, x)
    x, y = data(32)
    found["contact"] = median_us(RandomForestClassifier(n_estimators=200, max_depth=12, n_jobs=1).fit(x, y > 0).predict_proba, x, 200)
    x, y = data(27)
    found["engagement"] = median_us(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y > 0).predict_proba, x)
    x, y = data(42)
    trees = LGBMRegressor(n_estimators=300, n_jobs=1, verbose=-1).fit(x, np.exp(y / 4))
    gamma = GammaRegressor().fit(x, np.exp(y / 4))
    found["value"] = median_us(lambda row: (trees.predict(row), gamma.predict(row)), x)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

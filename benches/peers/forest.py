"""Random forests in scikit-learn, beside `measure forest`, on the matrices of boosting.py.

  forest.py KIND FOLDER THREADS [SEED]    KIND is binary, extra or regression; trains, judges on the test rows,
                                          prints JSON

Seconds are wall-clock. Needs what requirements.txt pins.
"""

import json
import pathlib
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import log_loss, roc_auc_score

from boosting import load, memory_mb

COMMON = {"n_estimators": 200, "max_depth": 12, "min_samples_leaf": 1}


def learner(kind, threads, seed):
    common = COMMON | {"n_jobs": threads, "random_state": seed}
    if kind == "binary":
        return RandomForestClassifier(max_features="sqrt", bootstrap=True, **common)
    if kind == "extra":
        return ExtraTreesClassifier(max_features="sqrt", bootstrap=False, **common)
    return RandomForestRegressor(max_features=1.0 / 3.0, bootstrap=True, **common)


def labels(kind, x, y):
    """For regression a number that the first features give and the class moves."""
    if kind != "regression":
        return y
    return y + np.nan_to_num(x[:, 0]) + np.sin(np.nan_to_num(x[:, 4]))


def main():
    kind, folder, threads = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 42
    x, y = load(folder, "train")
    y = labels(kind, x, y)
    forest = learner(kind, threads, seed)
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = memory_mb("VmRSS:")
    start, cpu = time.perf_counter(), time.process_time()
    forest.fit(x, y)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = memory_mb("VmHWM:")
    x, y = load(folder, "test")
    y = labels(kind, x, y)
    report = {"scikit-learn": sklearn.__version__, "seconds": seconds, "cpu_s": cpu, "peak_mb": peak,
              "growth_mb": peak - before}
    if kind == "regression":
        report["rmse"] = float(np.sqrt(np.mean((forest.predict(x) - y) ** 2)))
    else:
        scores = forest.predict_proba(x)[:, 1]
        report |= {"auc": roc_auc_score(y, scores), "log_loss": log_loss(y, scores)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()

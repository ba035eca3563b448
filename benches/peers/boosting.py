"""Boosted trees in LightGBM, XGBoost and scikit-learn, beside `measure fit` and `measure predict`.

  boosting.py make FOLDER ROWS COLUMNS    writes x_train.f64, y_train.f64, x_test.f64, y_test.f64
  boosting.py fit LIBRARY FOLDER THREADS [NAME=VALUE…]
                                          trains, judges on the test rows, prints JSON; further parameters of
                                          LightGBM may follow, e.g. deterministic=true
  boosting.py predict lightgbm FOLDER     batch, one row and SHAP on one thread, prints JSON
  boosting.py predict xgboost FOLDER      the same without one row of its C interface

Seconds are wall-clock and include binning. Needs what requirements.txt pins.
"""

import ctypes
import json
import pathlib
import sys
import time

import numpy as np

TEST_ROWS = 50_000
TREES = 300
PARAMETERS = {
    "objective": "binary", "num_leaves": 31, "max_depth": 6, "max_bin": 255, "learning_rate": 0.05,
    "min_data_in_leaf": 20, "min_sum_hessian_in_leaf": 1e-3, "verbosity": -1, "seed": 42,
}
BATCHES, ONE_ROW_CALLS, EXPLAINED_ROWS = 5, 20_000, 2_000


def make(folder, rows, columns, seed=42):
    """Binary data with linear, interacting and stepwise signal, 2 % of values missing in every fifth column."""
    rng = np.random.default_rng(seed)
    n = rows + TEST_ROWS
    x = rng.normal(size=(n, columns))
    x[:, 1::4] = np.exp(x[:, 1::4])  # skewed
    x[:, 2::4] = np.floor(x[:, 2::4] * 3.0)  # few values
    weights = rng.normal(size=columns) * (rng.random(columns) < 0.5) * 0.15
    score = x @ weights + 0.6 * x[:, 0] * x[:, 4] + 0.7 * (x[:, 8] > 0.5) * x[:, 2] + 0.5 * np.sin(2.0 * x[:, 12])
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-(score - np.median(score) - 1.0)))).astype(np.float64)
    x[:, ::5][rng.random((n, len(range(0, columns, 5)))) < 0.02] = np.nan
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in {"train": slice(0, rows), "test": slice(rows, n)}.items():
        np.ascontiguousarray(x[part]).tofile(folder / f"x_{name}.f64")
        y[part].tofile(folder / f"y_{name}.f64")


def load(folder, part):
    y = np.fromfile(folder / f"y_{part}.f64")
    return np.fromfile(folder / f"x_{part}.f64").reshape(len(y), -1), y


def memory_mb(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024


def train(x, y, threads, extra=()):
    import lightgbm

    parameters = PARAMETERS | {"num_threads": threads} | dict(extra)
    return lightgbm.train(parameters, lightgbm.Dataset(x, y), num_boost_round=TREES)


def train_xgboost(x, y, threads):
    import xgboost

    parameters = {
        "objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 31,
        "max_depth": 6, "max_bin": 255, "eta": 0.05, "min_child_weight": 1e-3, "lambda": 0.0, "nthread": threads,
        "seed": 42,
    }
    return xgboost.train(parameters, xgboost.QuantileDMatrix(x, y, max_bin=255, nthread=threads), TREES)


def train_sklearn(x, y, threads):
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Its threads are OpenMP's: the caller sets OMP_NUM_THREADS.
    return HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=31, max_depth=6, max_bins=255, learning_rate=0.05, min_samples_leaf=20,
        early_stopping=False, random_state=42).fit(x, y)


def learner(library, extra):
    """How to train, and how to predict with the result."""
    if library == "xgboost":
        return train_xgboost, lambda model, x: model.inplace_predict(x)
    if library == "sklearn":
        return train_sklearn, lambda model, x: model.predict_proba(x)[:, 1]
    return lambda x, y, threads: train(x, y, threads, extra), lambda model, x: model.predict(x)


def fit(library, folder, threads, extra):
    from sklearn.metrics import log_loss, roc_auc_score

    train, predict = learner(library, extra)
    if library == "xgboost":
        import xgboost  # noqa: F401 importing is not training
    elif library == "sklearn":
        import sklearn.ensemble  # noqa: F401
    else:
        import lightgbm  # noqa: F401

    x, y = load(folder, "train")
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = memory_mb("VmRSS:")
    start, cpu = time.perf_counter(), time.process_time()
    model = train(x, y, threads)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = memory_mb("VmHWM:")
    x, y = load(folder, "test")
    scores = predict(model, x)
    return {
        "seconds": seconds, "cpu_s": cpu, "auc": roc_auc_score(y, scores), "log_loss": log_loss(y, scores),
        "peak_mb": peak, "growth_mb": peak - before,
    }


def one_row_call(booster, columns):
    """LightGBM's fast call for one row, and the arrays it reads and writes."""
    from lightgbm.basic import _LIB, _safe_call

    row, out, length = np.zeros(columns), np.zeros(1), ctypes.c_int64()
    config = ctypes.c_void_p()
    # 0: the probability; 1: 64-bit numbers; all trees.
    _safe_call(_LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(1),
        ctypes.c_int32(columns), ctypes.c_char_p(b"num_threads=1"), ctypes.byref(config)))
    data = row.ctypes.data_as(ctypes.c_void_p)
    result = out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    predict, size = _LIB.LGBM_BoosterPredictForMatSingleRowFast, ctypes.byref(length)
    return row, out, lambda: predict(config, data, size, result)


def predict(folder):
    x, y = load(folder, "train")
    booster = train(x, y, 2)
    x, _ = load(folder, "test")
    expected = booster.predict(x, num_threads=1)
    batches = []
    for _ in range(BATCHES):
        start = time.perf_counter()
        booster.predict(x, num_threads=1)
        batches.append(time.perf_counter() - start)

    row, out, call = one_row_call(booster, x.shape[1])
    times = []
    for i in range(ONE_ROW_CALLS * 11 // 10):
        row[:] = x[i % len(x)]
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
        assert out[0] == expected[i % len(x)]
    times = times[ONE_ROW_CALLS // 10:]

    python_row = []
    for i in range(500):
        start = time.perf_counter_ns()
        booster.predict(x[i:i + 1], num_threads=1)
        python_row.append(time.perf_counter_ns() - start)

    booster.predict(x[:100], pred_contrib=True, num_threads=1)
    start = time.perf_counter()
    booster.predict(x[:EXPLAINED_ROWS], pred_contrib=True, num_threads=1)
    explain = time.perf_counter() - start
    return {
        "rows_per_second": len(x) / float(np.median(batches)), "one_row_us": float(np.median(times)) / 1e3,
        "python_row_us": float(np.median(python_row)) / 1e3, "shap_us": explain / EXPLAINED_ROWS * 1e6,
    }


def predict_xgboost(folder):
    import xgboost

    x, y = load(folder, "train")
    booster = train_xgboost(x, y, 2)
    booster.set_param({"nthread": 1})
    x, _ = load(folder, "test")
    booster.inplace_predict(x)
    batches = []
    for _ in range(BATCHES):
        start = time.perf_counter()
        booster.inplace_predict(x)
        batches.append(time.perf_counter() - start)
    few = xgboost.DMatrix(x[:EXPLAINED_ROWS], nthread=1)
    booster.predict(few, pred_contribs=True)
    start = time.perf_counter()
    booster.predict(few, pred_contribs=True)
    explain = time.perf_counter() - start
    return {"rows_per_second": len(x) / float(np.median(batches)), "shap_us": explain / EXPLAINED_ROWS * 1e6}


def main():
    task, folder = sys.argv[1], pathlib.Path(sys.argv[3])
    if task == "fit":
        report = fit(sys.argv[2], folder, int(sys.argv[4]), [pair.split("=") for pair in sys.argv[5:]])
    elif sys.argv[2] == "xgboost":
        report = predict_xgboost(folder)
    else:
        report = predict(folder)
    print(json.dumps(report))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()

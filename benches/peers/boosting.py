"""Training time and hold-out AUC of tenure-gbdt beside LightGBM: same data, same settings, same threads.

Needs lightgbm 4.x and numpy (recorded results: lightgbm 4.7.0), and the example built before:
    cargo build --release -p tenure-gbdt --example fit_npy
    python benches/peers/boosting.py [--rows 100000] [--columns 60] [--pairs 5] [--folder DIR]

Seconds are wall-clock and include binning on both sides. The two alternate; the ratio is the median of the
pairs' ratios. Prints one JSON object per number of threads.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import lightgbm
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def make(folder, rows, columns, seed=42):
    """Binary data with linear, interacting and stepwise signal, 2 % of values missing in every fifth column."""
    rng = np.random.default_rng(seed)
    n = rows + 50_000
    x = rng.normal(size=(n, columns))
    x[:, 1::4] = np.exp(x[:, 1::4])  # skewed
    x[:, 2::4] = np.floor(x[:, 2::4] * 3.0)  # few values
    weights = rng.normal(size=columns) * (rng.random(columns) < 0.5) * 0.15
    score = x @ weights + 0.6 * x[:, 0] * x[:, 4] + 0.7 * (x[:, 8] > 0.5) * x[:, 2] + 0.5 * np.sin(2.0 * x[:, 12])
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-(score - np.median(score) - 1.0)))).astype(np.float64)
    x[:, ::5][rng.random((n, len(range(0, columns, 5)))) < 0.02] = np.nan
    parts = {"train": slice(0, rows), "test": slice(rows, n)}
    for name, part in parts.items():
        np.save(folder / f"x_{name}.npy", np.ascontiguousarray(x[part]))
        np.save(folder / f"y_{name}.npy", y[part])


def auc(score, y):
    order = np.argsort(score, kind="stable")
    _, inverse, counts = np.unique(score[order], return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2.0
    positive = y.sum()
    ranks = (mean_rank[inverse] * y[order]).sum()
    return (ranks - positive * (positive + 1) / 2) / (positive * (len(y) - positive))


def lightgbm_fit(data, threads):
    params = {
        "objective": "binary", "num_leaves": 31, "max_depth": 6, "max_bin": 255, "learning_rate": 0.05,
        "min_data_in_leaf": 20, "min_sum_hessian_in_leaf": 1e-3, "num_threads": threads, "verbosity": -1,
        "seed": 42, "deterministic": True, "force_row_wise": True,
    }
    start = time.perf_counter()
    booster = lightgbm.train(params, lightgbm.Dataset(data["x_train"], data["y_train"]), num_boost_round=300)
    seconds = time.perf_counter() - start
    booster.params["num_threads"] = threads
    return {"seconds": seconds, "auc": auc(booster.predict(data["x_test"]), data["y_test"])}


def tenure_fit(folder, threads):
    command = [ROOT / "target/release/examples/fit_npy", str(folder), str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--folder", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.folder or pathlib.Path(tempfile.mkdtemp(prefix="tenure-boosting-"))
    folder.mkdir(parents=True, exist_ok=True)
    make(folder, arguments.rows, arguments.columns)
    data = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    for threads in arguments.threads:
        pairs = []
        for pair in range(arguments.pairs):
            # Who goes first changes from pair to pair.
            runs = [("lightgbm", lambda: lightgbm_fit(data, threads)), ("tenure", lambda: tenure_fit(folder, threads))]
            pairs.append({name: run() for name, run in (runs if pair % 2 == 0 else runs[::-1])})
        ratios = [p["tenure"]["seconds"] / p["lightgbm"]["seconds"] for p in pairs]
        print(json.dumps({
            "rows": arguments.rows, "columns": arguments.columns, "threads": threads,
            "lightgbm": lightgbm.__version__,
            "ratio": statistics.median(ratios), "ratios": ratios,
            "lightgbm_seconds": statistics.median(p["lightgbm"]["seconds"] for p in pairs),
            "tenure_seconds": statistics.median(p["tenure"]["seconds"] for p in pairs),
            "lightgbm_auc": pairs[0]["lightgbm"]["auc"], "tenure_auc": pairs[0]["tenure"]["auc"],
        }))


if __name__ == "__main__":
    main()

"""Logistic and gamma regression in scikit-learn, beside `measure linear`.

  linear.py make FAMILY FOLDER ROWS COLUMNS   writes x_train.f64, y_train.f64 for FAMILY logistic or gamma
  linear.py fit FAMILY FOLDER SOLVER          SOLVER newton-cholesky, lbfgs or lbfgs-tight; prints JSON with
                                              the coefficients, the intercept last

The penalty is ALPHA / 2 times the squared coefficients beside the mean loss, in both libraries. Threads are those of
the linear algebra and OpenMP: the caller sets OMP_NUM_THREADS and OPENBLAS_NUM_THREADS.
"""

import json
import pathlib
import sys
import time

import numpy as np

from boosting import load

ALPHA = 1e-4


def make(family, folder, rows, columns, seed=42):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    x[:, 1::3] = 0.5 * x[:, 1::3] + 0.5 * x[:, 0::3]  # correlated
    x[:, 2::3] = np.exp(0.5 * x[:, 2::3])  # skewed
    score = x @ (rng.normal(size=columns) * 0.15) - 0.3
    if family == "logistic":
        y = (rng.random(rows) < 1.0 / (1.0 + np.exp(-score))).astype(np.float64)
    else:
        y = rng.gamma(2.0, np.exp(score) / 2.0) + 1e-9
    folder.mkdir(parents=True, exist_ok=True)
    x.tofile(folder / "x_train.f64")
    y.tofile(folder / "y_train.f64")


def fit(family, folder, solver):
    from sklearn.linear_model import GammaRegressor, LogisticRegression

    x, y = load(folder, "train")
    # The default tolerance of lbfgs leaves the coefficients some 1e-4 off.
    tolerance = {} if solver == "lbfgs" else {"tol": 1e-8}
    solver = solver.removesuffix("-tight")
    if family == "logistic":
        model = LogisticRegression(C=1.0 / (ALPHA * len(y)), solver=solver, max_iter=1000, **tolerance)
    else:
        model = GammaRegressor(alpha=ALPHA, solver=solver, max_iter=1000, **tolerance)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(x, y)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    coefficients = np.append(np.ravel(model.coef_), model.intercept_)
    return {"seconds": seconds, "cpu_s": cpu, "iterations": int(np.max(model.n_iter_)),
            "coefficients": coefficients.tolist()}


if __name__ == "__main__":
    task, family, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    if task == "make":
        make(family, folder, int(sys.argv[4]), int(sys.argv[5]))
    else:
        print(json.dumps(fit(family, folder, sys.argv[4])))

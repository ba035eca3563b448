"""Customer lifetime value in lifetimes and pymc-marketing, beside `measure value`.

  lifetime_value.py make FOLDER CUSTOMERS   customers drawn from BG/NBD and Gamma-Gamma, in whole days, with the
                                            parameters of the CDNOW sample
  lifetime_value.py lifetimes FOLDER        fits both and gives everyone a 12-month value (it has no intervals)
  lifetime_value.py pymc FOLDER             the same by pymc-marketing's maximum a posteriori fit

Prints JSON. Times are of fitting and of foretelling, imports not counted.
"""

import json
import pathlib
import sys
import time
import warnings

import numpy as np

R, ALPHA, A, B = 0.243, 7 * 4.414, 0.793, 2.426
P, Q, V = 6.25, 3.74, 15.44


def make(folder, customers, seed=1):
    rng = np.random.default_rng(seed)
    age = np.ceil(rng.random(customers) * 730)
    rate, leave = rng.gamma(R, 1 / ALPHA, customers), rng.beta(A, B, customers)
    frequency, recency, clock = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    alive = np.arange(customers)
    while len(alive):
        clock[alive] += rng.exponential(1 / np.maximum(rate[alive], 1e-300))
        alive = alive[clock[alive] <= age[alive]]
        # Several purchases of a day are one.
        day = np.ceil(clock[alive])
        new = day > recency[alive]
        frequency[alive] += new
        recency[alive] = day
        alive = alive[rng.random(len(alive)) >= leave[alive]]
    bought = frequency > 0
    scale = V / rng.gamma(Q, 1, customers)
    mean = np.full(customers, np.nan)
    mean[bought] = scale[bought] * rng.gamma(P * frequency[bought]) / frequency[bought]
    folder.mkdir(parents=True, exist_ok=True)
    columns = {"frequency": frequency, "recency": recency, "age": age, "mean_spend": mean}
    for name, values in columns.items():
        values.tofile(folder / f"{name}.f64")


def load(folder):
    return [np.fromfile(folder / f"{name}.f64") for name in ["frequency", "recency", "age", "mean_spend"]]


def with_lifetimes(folder):
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    frequency, recency, age, spend = load(folder)
    bought, spend = frequency > 0, np.nan_to_num(spend)
    start = time.perf_counter()
    purchases = BetaGeoFitter().fit(frequency, recency, age)
    money = GammaGammaFitter().fit(frequency[bought], spend[bought])
    fit = time.perf_counter() - start
    start = time.perf_counter()
    import pandas as pd

    value = money.customer_lifetime_value(
        purchases, *(pd.Series(column) for column in [frequency, recency, age, spend]),
        time=12, freq="D", discount_rate=0.01)
    foretell = time.perf_counter() - start
    return {"fit_s": fit, "value_s": foretell, "total_s": fit + foretell, "total_value": float(value.sum()),
            **{name: float(purchases.params_[name]) for name in ["r", "alpha", "a", "b"]}}


def with_pymc(folder):
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    frequency, recency, age, spend = load(folder)
    data = pd.DataFrame({"customer_id": np.arange(len(age)), "frequency": frequency, "recency": recency, "T": age,
                         "monetary_value": np.nan_to_num(spend)})
    start = time.perf_counter()
    purchases = BetaGeoModel(data=data.drop(columns="monetary_value"))
    purchases.fit(method="map", progressbar=False)
    money = GammaGammaModel(data=data[data.frequency > 0][["customer_id", "frequency", "monetary_value"]])
    money.fit(method="map", progressbar=False)
    fit = time.perf_counter() - start
    start = time.perf_counter()
    value = money.expected_customer_lifetime_value(
        transaction_model=purchases, data=data, future_t=12, discount_rate=0.01, time_unit="D")
    foretell = time.perf_counter() - start
    found = purchases.fit_result
    return {"fit_s": fit, "value_s": foretell, "total_s": fit + foretell, "total_value": float(value.sum()),
            **{name: float(found[name].mean()) for name in ["r", "alpha", "a", "b"]}}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    task, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if task == "make":
        make(folder, int(sys.argv[3]))
    else:
        print(json.dumps({"lifetimes": with_lifetimes, "pymc": with_pymc}[task](folder)))

"""Order features in pandas and Polars, beside `measure features`.

  features.py make FOLDER ORDERS CUSTOMERS   writes orders.parquet and orders.csv
  features.py pandas|polars FOLDER           builds 12 snapshots, prints seconds and peak memory as JSON
  features.py compare FOLDER                 holds both peers' values against ours.f64, to 1e-9

Needs numpy, pandas, polars and pyarrow. Every order is one line; returns are negative lines.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

DAY, WINDOW, HORIZON, SNAPSHOTS = 86_400, 180, 90, 12
FADING, PRIOR = (30, 60, 120), 60.0
AXES = {
    "recency": "recency_days", "purchase_frequency": "orders_window", "monetary_value": "spend_window",
    "average_order_value": "average_order_value", "inter_purchase_regularity": "gap_regularity",
    "spend_trend": "spend_trend", "frequency_trend": "frequency_trend", "tenure": "tenure_days",
    "category_variety": "category_variety", "basket_size": "basket_size",
    "discount_affinity": "discount_affinity", "return_rate": "return_rate",
    "channel_concentration": "channel_concentration",
}


def make(folder, orders, customers):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    rng = np.random.default_rng(7)
    start = int(np.datetime64("2022-01-01", "s").astype(int))
    t = start + rng.permutation(orders).astype(np.int64) * (900 * DAY) // orders
    amount = np.round(rng.gamma(2.0, 20.0, orders) + 0.01, 2)
    amount[rng.random(orders) < 0.03] *= -1
    columns = {
        "customer": rng.integers(0, customers, orders).astype(np.uint32),
        "time": t,
        "amount": amount,
        "quantity": rng.integers(1, 9, orders).astype(np.float64),
        "discount": np.where(rng.random(orders) < 0.3, 1.5, 0.0),
        "category": rng.integers(0, 20, orders).astype(np.uint32),
        "channel": rng.integers(0, 4, orders).astype(np.uint32),
    }
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    table = table.set_column(1, "time", table["time"].cast(pa.timestamp("s")).cast(pa.timestamp("ms")))
    pq.write_table(table, folder / "orders.parquet")
    csv.write_csv(table, folder / "orders.csv")


def snapshot_instants(first, last):
    import pandas as pd

    end = (last // DAY + 1) * DAY
    latest = pd.Timestamp(end - HORIZON * DAY, unit="s")
    all_ = [int((latest - pd.DateOffset(months=k)).timestamp()) for k in range(SNAPSHOTS)]
    return sorted(t for t in all_ if t >= first // DAY * DAY + WINDOW * DAY)


def with_pandas(folder):
    import pandas as pd

    df = pd.read_parquet(folder / "orders.parquet")
    df["time"] = df.time.astype("datetime64[s]").astype("int64")
    first, last = df.time.min(), df.time.max()
    df = df.sort_values(["customer", "time"], kind="stable")
    returns = df[df.amount < 0]
    # Lines of one customer and second are one order; the data has hardly any.
    buys = df[df.amount > 0]
    orders = buys.groupby(["customer", "time"], sort=True).agg(
        amount=("amount", "sum"), quantity=("quantity", "sum"), discount=("discount", "sum"),
        channel=("channel", "first")).reset_index()
    orders["gap"] = orders.groupby("customer").time.diff() / DAY
    orders["number"] = orders.groupby("customer").cumcount()
    for days in FADING:
        orders[f"fading_{days}"] = np.exp((orders.time - first) / (days * DAY))
    frames = []
    for t in snapshot_instants(first, last):
        past = orders[orders.time < t]
        g = past.groupby("customer")
        f = g.agg(orders_lifetime=("time", "size"), spend_lifetime=("amount", "sum"), first=("time", "first"),
                  last=("time", "last"), gap_mean_days=("gap", "mean"), gap_sd_days=("gap", "std"),
                  gap_max_days=("gap", "max"), last_amount=("amount", "last"),
                  **{f"fading_orders_{d}d": (f"fading_{d}", "sum") for d in FADING})
        f["recency_days"] = (t - f["last"]) / DAY
        f["tenure_days"] = (t - f["first"]) / DAY
        second = past[past.number == 1].set_index("customer").gap
        f["days_to_second_order"] = second
        f["is_one_time_buyer"] = (f.orders_lifetime == 1).astype(float)
        window = past[past.time >= t - WINDOW * DAY]
        f = f[(f.orders_lifetime >= 2) & (f["last"] >= t - WINDOW * DAY)].copy()
        for days, suffix in [(30, "30d"), (60, "60d"), (90, "90d"), (WINDOW, "window")]:
            part = window[window.time >= t - days * DAY].groupby("customer").amount
            f[f"orders_{suffix}"] = part.size()
            f[f"spend_{suffix}"] = part.sum()
        late = window[window.time >= t - WINDOW * DAY // 2].groupby("customer").amount
        f["orders_late"], f["spend_late"] = late.size(), late.sum()
        counts = [c for c in f if c.startswith(("orders_", "spend_"))]
        f[counts] = f[counts].fillna(0)
        f["average_order_value"] = f.spend_window / f.orders_window
        f["gap_regularity"] = 1 / (1 + f.gap_sd_days / f.gap_mean_days)
        f["recency_per_gap"] = f.recency_days / f.gap_mean_days.where(f.gap_mean_days >= 1, 1.0)
        f["recency_per_gap_max"] = f.recency_days / f.gap_max_days.where(f.gap_max_days >= 1, 1.0)
        for days in FADING:
            f[f"fading_orders_{days}d"] *= np.exp((first - t) / (days * DAY))
        span, n = f.tenure_days - f.recency_days, f.orders_lifetime
        f["expected_orders"] = 90 * n / (f.tenure_days + PRIOR)
        f["silence_chance"] = np.exp(-f.recency_days * n / (span + PRIOR))
        f["alive_chance"] = 1 / (1 + ((f.tenure_days + PRIOR) / (span + PRIOR)) ** n / (n + 1))
        f["last_order_ratio"] = np.log((f.last_amount + 1) / (f.spend_lifetime / n + 1))
        f["orders_window_share"] = f.orders_window / n
        f["active_share"] = span / f.tenure_days
        f["spend_trend"] = (2 * f.spend_late - f.spend_window) / f.spend_window
        f["frequency_trend"] = (2 * f.orders_late - f.orders_window) / f.orders_window
        block = (t - 1 - window.time) // (30 * DAY)
        f["active_months_share"] = block.groupby(window.customer).nunique() / 6
        bought = buys[(buys.time < t) & (buys.time >= t - WINDOW * DAY)]
        f["category_variety"] = bought.groupby("customer").category.nunique()
        wg = window.groupby("customer")
        f["basket_size"] = wg.quantity.mean()
        f["discount_affinity"] = (window.discount > 0).groupby(window.customer).mean()
        back = returns[returns.time < t].groupby("customer").agg(back=("amount", "sum"), returned=("time", "last"))
        f["return_after_order_days"] = ((back.returned.reindex(f.index) - f["last"]) / DAY).clip(lower=0).fillna(0)
        f["return_rate"] = (-back.back.reindex(f.index).fillna(0) / f.spend_lifetime).clip(upper=1)
        share = window.groupby(["customer", "channel"]).size()
        f["channel_concentration"] = (share**2).groupby("customer").sum() / f.orders_window**2
        future = orders[(orders.time >= t) & (orders.time < t + HORIZON * DAY)].customer.unique()
        f["churned"] = (~f.index.isin(future)).astype(float)
        f["instant"] = t
        frames.append(f.drop(columns=["first", "last", "last_amount", "orders_late", "spend_late"]).reset_index())
    out = pd.concat(frames, ignore_index=True)
    for axis, feature in AXES.items():
        x = out[feature]
        a, b, c = x.quantile([0.2, 0.5, 0.8])
        low, high = _pandas_sides(x, a, b, c)
        out[f"fuzzy_{axis}_0"], out[f"fuzzy_{axis}_1"], out[f"fuzzy_{axis}_2"] = low, 1 - low - high, high
    return out


def _pandas_sides(x, a, b, c):
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(x >= b, 0.0, np.where(x <= a, 1.0, (b - x) / (b - a)))
        high = np.where(x <= b, 0.0, np.where(x >= c, 1.0, (x - b) / (c - b)))
    return np.where(x.isna(), np.nan, low), np.where(x.isna(), np.nan, high)


def with_polars(folder):
    """Every aggregation is of plain columns: filters and distinct counts within groups cost Polars twice the time."""
    import polars as pl

    df = pl.read_parquet(folder / "orders.parquet").with_columns(pl.col("time").dt.epoch("s"))
    first, last = df["time"].min(), df["time"].max()
    returns = df.filter(pl.col("amount") < 0).select("customer", "time", "amount")
    buys = df.filter(pl.col("amount") > 0)
    orders = (
        buys.lazy().group_by("customer", "time")
        .agg(pl.col("amount", "quantity", "discount").sum(), pl.col("channel").first())
        .sort("customer", "time")
        .with_columns(new=pl.col("customer") == pl.col("customer").shift())
        .with_columns(gap=pl.when("new").then(pl.col("time").diff() / DAY), discounted=pl.col("discount") > 0,
                      **{f"fading_{d}": ((pl.col("time") - first) / (d * DAY)).exp() for d in FADING})
        .collect()
    )
    # The first gap of a customer is the one after the row that has none.
    second = orders.filter(pl.col("gap").is_not_null() & pl.col("gap").shift().is_null()).select(
        "customer", days_to_second_order="gap")
    frames = []
    time_, amount, n = pl.col("time"), pl.col("amount"), pl.col("orders_lifetime")
    gap, longest, tenure = pl.col("gap_mean_days"), pl.col("gap_max_days"), pl.col("tenure_days")
    span = tenure - pl.col("recency_days")
    for t in snapshot_instants(first, last):
        since = {"30d": time_ >= t - 30 * DAY, "60d": time_ >= t - 60 * DAY, "90d": time_ >= t - 90 * DAY,
                 "late": time_ >= t - WINDOW * DAY // 2}
        inside = (time_ < t) & (time_ >= t - WINDOW * DAY)
        recent = orders.filter(inside).lazy()
        window = recent.group_by("customer").agg(
            orders_window=pl.len().cast(pl.Float64), spend_window=amount.sum(),
            **{f"orders_{k}": v.sum().cast(pl.Float64) for k, v in since.items()},
            **{f"spend_{k}": (amount * v).sum() for k, v in since.items()},
            basket_size=pl.col("quantity").mean(), discount_affinity=pl.col("discounted").mean(),
        )
        months = (recent.select("customer", block=(t - 1 - time_) // (30 * DAY)).unique()
                  .group_by("customer").agg(active_months_share=pl.len() / 6))
        variety = (buys.lazy().filter(inside).select("customer", "category").unique()
                   .group_by("customer").agg(category_variety=pl.len()))
        channels = (recent.group_by("customer", "channel").len().group_by("customer")
                    .agg(squares=(pl.col("len").cast(pl.Int64) ** 2).sum()))
        back = returns.lazy().filter(time_ < t).group_by("customer").agg(back=-amount.sum(), returned=time_.max())
        future = (orders.lazy().filter(time_ >= t, time_ < t + HORIZON * DAY).select("customer").unique()
                  .with_columns(churned=pl.lit(0.0)))
        f = (
            orders.lazy().filter(time_ < t).group_by("customer")
            .agg(
                orders_lifetime=pl.len().cast(pl.Float64), spend_lifetime=amount.sum(),
                first=time_.min(), last=time_.max(),
                gap_mean_days=pl.col("gap").mean(), gap_sd_days=pl.col("gap").std(),
                gap_max_days=pl.col("gap").max(), last_amount=amount.last(),
                **{f"fading_orders_{d}d": pl.col(f"fading_{d}").sum() * np.exp((first - t) / (d * DAY))
                   for d in FADING},
            )
            .filter(pl.col("orders_lifetime") >= 2, pl.col("last") >= t - WINDOW * DAY)
            .join(second.lazy(), on="customer", how="left")
            .join(window, on="customer", how="left")
            .join(months, on="customer", how="left")
            .join(variety, on="customer", how="left")
            .join(channels, on="customer", how="left")
            .join(back, on="customer", how="left")
            .join(future, on="customer", how="left")
            .with_columns(recency_days=(t - pl.col("last")) / DAY, tenure_days=(t - pl.col("first")) / DAY,
                          churned=pl.col("churned").fill_null(1.0), instant=pl.lit(t))
            .with_columns(
                is_one_time_buyer=(pl.col("orders_lifetime") == 1).cast(pl.Float64),
                average_order_value=pl.col("spend_window") / pl.col("orders_window"),
                gap_regularity=1 / (1 + pl.col("gap_sd_days") / pl.col("gap_mean_days")),
                recency_per_gap=pl.col("recency_days") / pl.when(gap >= 1).then(gap).otherwise(1.0),
                recency_per_gap_max=pl.col("recency_days") / pl.when(longest >= 1).then(longest).otherwise(1.0),
                expected_orders=90 * n / (tenure + PRIOR),
                silence_chance=(-pl.col("recency_days") * n / (span + PRIOR)).exp(),
                alive_chance=1 / (1 + ((tenure + PRIOR) / (span + PRIOR)).pow(n) / (n + 1)),
                last_order_ratio=((pl.col("last_amount") + 1) / (pl.col("spend_lifetime") / n + 1)).log(),
                orders_window_share=pl.col("orders_window") / n,
                active_share=span / tenure,
                return_after_order_days=((pl.col("returned") - pl.col("last")) / DAY).clip(0).fill_null(0.0),
                spend_trend=(2 * pl.col("spend_late") - pl.col("spend_window")) / pl.col("spend_window"),
                frequency_trend=(2 * pl.col("orders_late") - pl.col("orders_window")) / pl.col("orders_window"),
                return_rate=(pl.col("back").fill_null(0) / pl.col("spend_lifetime")).clip(upper_bound=1),
                channel_concentration=pl.col("squares") / pl.col("orders_window") ** 2,
            )
            .drop("first", "last", "last_amount", "squares", "back", "returned", "orders_late", "spend_late")
            .collect()
        )
        frames.append(f)
    out = pl.concat(frames)
    memberships = []
    for axis, feature in AXES.items():
        x = pl.col(feature)
        a, b, c = (out[feature].quantile(q, "linear") for q in (0.2, 0.5, 0.8))
        low = pl.when(x >= b).then(0.0).when(x <= a).then(1.0).otherwise((b - x) / ((b - a) or 1.0))
        high = pl.when(x <= b).then(0.0).when(x >= c).then(1.0).otherwise((x - b) / ((c - b) or 1.0))
        memberships += [low.alias(f"fuzzy_{axis}_0"), (1 - low - high).alias(f"fuzzy_{axis}_1"),
                        high.alias(f"fuzzy_{axis}_2")]
    return out.with_columns(memberships)


def compare(folder):
    names = (folder / "names.txt").read_text().split("\n")
    ours = np.fromfile(folder / "ours.f64").reshape(-1, len(names) + 3)
    keys = list(zip(ours[:, 0].astype(int), ours[:, 1].astype(int)))
    for peer, theirs in [("pandas", with_pandas(folder)), ("polars", with_polars(folder).to_pandas())]:
        rows = theirs.set_index(["instant", "customer"]).loc[keys]
        worst = {}
        for i, name in enumerate(["churned", *names]):
            a, b = ours[:, 2 + i], rows[name].to_numpy(float)
            assert (np.isnan(a) == np.isnan(b)).all(), name
            worst[name] = float(np.nanmax(np.abs(a - b) / np.maximum(1, np.abs(b)), initial=0))
        name = max(worst, key=worst.get)
        print(json.dumps({"peer": peer, "rows": len(ours), "columns": len(names), "worst": name,
                          "difference": worst[name]}))
        assert worst[name] < 1e-9, worst


def main():
    task, folder = sys.argv[1], Path(sys.argv[2])
    if task == "make":
        return make(folder, int(sys.argv[3]), int(sys.argv[4]))
    if task == "compare":
        return compare(folder)
    # Importing is not building.
    __import__(task)
    start, cpu = time.perf_counter(), time.process_time()
    out = {"pandas": with_pandas, "polars": with_polars}[task](folder)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"peer": task, "rows": len(out), "columns": out.shape[1],
                      "total_s": round(seconds, 3), "cpu_s": round(cpu, 3), "peak_mb": peak}))


if __name__ == "__main__":
    main()

"""Rewrites docs/benchmarks.md from results.json."""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = json.loads((HERE / "results.json").read_text())

METHOD = """\
- Ours and its peer run in turn on the same file, as separate processes with the same number of threads; who goes
  first changes from round to round. A ratio is the median of the rounds' ratios, ours to the peer's: below 1 means
  that ours takes less. The machine was shared and busy, so single times vary widely; the spread of the ratios is given.
  Where *(processor time)* stands beside a ratio, it is the ratio of the time spent on a core, which other people's
  work disturbs less.
- Starting the process, importing libraries and making up the data are not counted. Training includes binning;
  features include reading the Parquet file.
- The figures to reach were set before, as goals of the design, and are not changed to fit.
- Boosting: 300 trees, 31 leaves, depth 6, 255 bins, learning rate 0.05, 20 rows and Hessian 0.001 in a leaf at
  least. LightGBM runs with its other parameters at their defaults and chooses between its row-wise and column-wise
  ways itself; `force_row_wise=true` spares it that trial and is measured too, on one thread. Its threads wait
  passively (`OMP_WAIT_POLICY=passive`): when they spun while other work had a core, one training took 95 s. AUC and
  log loss are those of 50,000 rows held out. Memory is the growth of the process from before training to its peak,
  the matrix itself not counted.
- XGBoost, scikit-learn's histogram boosting and the Rust crates have the same trees, leaves, depth, bins and rate; what
  they do not know of these stays at its default. They are there to know the field, on one thread.
- Forests: 200 trees of depth 12, a square root of the features a node (a third for numbers), leaves of one row.
- Linear models: the mean loss and 1e-4 / 2 times the squared coefficients. Ours, newton-cholesky and lbfgs at a tolerance
  of 1e-8 agree; lbfgs at its default tolerance stops some 1e-4 away from the optimum and is named beside.
- One row: LightGBM's fast call for single rows from C (`LGBM_BoosterPredictForMatSingleRowFast`) by ctypes, which
  adds about half a microsecond; its `predict` from Python is named too. Another row each time.
- Networks: dense layers, batch normalisation, dropout 0.3 and 0.2, cross-entropy and squared error by task, Adam; the
  same layers and losses in PyTorch, eager, with its fused Adam and its tensors loaded. The median of five epochs after
  one that is not counted. Ours computes on one thread whatever it is given.
- Features: 12 monthly snapshots of {features} features and {fuzzy} fuzzy memberships, with labels, of a log of 20
  orders a customer. pandas and Polars compute the same columns by plain aggregations, Polars on two threads. Values
  agree with ours for both peers on every column of {compared} sampled rows, to {difference:.0e}.
- Reading: dates and numbers parsed. Ours also finds out columns, separator and date format, codes the customers, counts
  duplicate lines and reports on them; the peers do none of that. pandas reads CSV with pyarrow, Polars is told the
  date format.
- Synthetic orders: the numpy peer draws a far simpler log (no hidden states, seasons, lines, returns or truth),
  vectorised. Orders, not lines, on one core.
- Lifetime value: customers drawn from the models themselves, in whole days; fits by maximum likelihood (lifetimes),
  maximum a posteriori (pymc-marketing, whose priors move the estimates a little); the value is discounted by 1 % a month, which is
  30 days in the peers and a twelfth of a year in ours: hence values that differ by 1 %.
- A whole churn decision: from a row of features to probability, interval, risk factors and recommendation by the
  default blend of boosted trees and logistic regression; and the same from the log of orders. 20,000 calls timed one
  by one, another customer each time. The other decisions likewise, each with interval, reasons and recommendation; the
  Python peers give a number alone, called with one row of numpy.
"""

NOT_MEASURED = """\
The design's other figures need a quiet machine (a cold build of the workspace). Memory is Linux's resident set, and all figures are of x86-64.
"""

# What is known of the causes, by the row's key; shown where the row is slower or misses its figure.
CAUSES = {
    "decisions": "The peer gives one number; ours scores 168 hours, each with the interval of its gain.",
    "read_parquet": "To count duplicate lines, every line is written out as text and hashed, and cells are taken up one "
                    "by one; the peers only decode columns.",
    "features_polars": "The line below the table says where our time goes.",
    "features_pandas": "The line below the table says where our time goes.",
}


class Table:
    def __init__(self):
        self.rows, self.lost = [], []

    def add(self, key, what, ours, peer, measured, figure="–", reached=None, slower=False):
        """`measured` is in words; `reached` is None where nothing was promised."""
        verdict = {None: "–", True: "reached", False: "**not reached**"}[reached]
        self.rows.append(f"| {what} | {ours} | {peer} | {measured} | {figure} | {verdict} |")
        if slower or reached is False:
            fault = "slower than the peer" if slower else "better than the peer, but misses the figure"
            if peer == "–":
                fault = "misses the figure"
            goal = f", to reach {figure}" if reached is False else ""
            compared = f" against {peer}" if peer != "–" else ""
            cause = f" {CAUSES[key]}" if key in CAUSES else ""
            self.lost.append(f"- **{what}**: {fault}. Ours {ours}{compared}; {measured}{goal}.{cause}")

    def text(self):
        head = ["| what | ours | peer | measured | to reach | |", "|---|---|---|---|---|---|"]
        return "\n".join(head + self.rows)


def both(ratio, peer):
    text = f"{ratio:.3g} of its time, rounds from {min(peer['ratios']):.2g} to {max(peer['ratios']):.2g}"
    return text + (f" ({peer['cpu_ratio']:.3g} processor time)" if "cpu_ratio" in peer else "")


def boosting(table, quality):
    for section, figure in [("small", 0.8), ("boosting", 0.4), ("large", 0.45)]:
        if section not in RESULTS:
            continue
        found = RESULTS[section]
        for threads in (1, 2):
            if f"threads_{threads}" not in found:
                continue
            runs = found[f"threads_{threads}"]
            ours, peer = runs["ours"], runs["lightgbm"]
            size = f"{found['rows']:,} × {found['columns']}, {threads} thread{'s' * (threads > 1)}"
            measured = both(peer["ratio"], peer)
            if "lightgbm_row_wise" in runs:
                measured += f"; {runs['lightgbm_row_wise']['ratio']:.3g} with `force_row_wise`"
            table.add("boosting", f"Training, {size}", f"{ours['seconds']:.2f} s", f"LightGBM {peer['seconds']:.2f} s",
                      measured, f"≤ {figure}", peer["ratio"] <= figure, peer["ratio"] > 1)
            lower = peer["auc"] - ours["auc"]
            if threads == 1:
                share = ours["growth_mb"] / peer["growth_mb"]
                limit = section == "large"
                table.add("memory", f"Memory of training, {size}", f"{ours['growth_mb']:.0f} MB",
                          f"LightGBM {peer['growth_mb']:.0f} MB", f"{share:.2g} of its memory",
                          "≤ 1.0" if limit else "–", share <= 1 if limit else None, share > 1)
                promised = section != "small"
                quality.append(
                    f"| {found['rows']:,} × {found['columns']} | {ours['auc']:.4f} | {peer['auc']:.4f} "
                    f"| {ours['log_loss']:.4f} | {peer['log_loss']:.4f} "
                    f"| {'–' if not promised else 'reached' if lower <= 0.001 else '**not reached**'} |")


def scoring(table):
    runs = RESULTS["scoring"]
    rows, one, shap = runs["rows_per_second"], runs["one_row_us"], runs["shap_us"]
    value = rows["ours"]["rows_per_second"]
    ratio = rows["lightgbm"]["ratio"]
    table.add("batch", "Batch scoring, 300 trees, 1 thread", f"{value / 1e3:,.0f} k rows/s",
              f"LightGBM {rows['lightgbm']['rows_per_second'] / 1e3:,.0f} k rows/s", f"{ratio:.3g}× its rows",
              "≥ 25×", ratio >= 25, ratio < 1)
    for name, title, figure in [("xgboost", "XGBoost", 5), ("hessboost", "`hessboost`", 2), ("forust", "`forust-ml`", None)]:
        if name in rows:
            peer = rows[name]
            table.add("batch", f"Batch scoring, beside {title}", f"{value / 1e3:,.0f} k rows/s",
                      f"{title} {peer['rows_per_second'] / 1e3:,.0f} k rows/s", f"{peer['ratio']:.3g}× its rows",
                      f"≥ {figure}×" if figure else "–", peer["ratio"] >= figure if figure else None, peer["ratio"] < 1)
    for name, title in [("hessboost", "`hessboost`"), ("forust", "`forust-ml`")]:
        if name in one:
            peer = one[name]
            table.add("row", f"One row, beside {title}", f"{one['ours']['one_row_us']:.2f} µs",
                      f"{title} {peer['one_row_us']:.2f} µs", both(peer["ratio"], peer), slower=peer["ratio"] > 1)
    peer = one["lightgbm"]
    table.add("row", "One row, 300 trees, median", f"{one['ours']['one_row_us']:.2f} µs",
              f"LightGBM {peer['one_row_us']:.1f} µs (from Python {runs['python_row_us']:.0f} µs)",
              both(peer["ratio"], peer), "≤ 0.06", peer["ratio"] <= 0.06, peer["ratio"] > 1)
    peer = shap["lightgbm"]
    table.add("shap", "Exact SHAP of one row, 300 trees", f"{shap['ours']['shap_us']:.0f} µs",
              f"LightGBM {peer['shap_us']:,.0f} µs", both(peer["ratio"], peer), "≤ 0.03", peer["ratio"] <= 0.03,
              peer["ratio"] > 1)


def features(table):
    for orders, figures in [("1000000", {}), ("10000000", {"pandas": 0.02, "polars": 0.5})]:
        runs = RESULTS["features"][orders]
        ours = runs["ours"]
        for name, peer in [("pandas", runs["pandas"]), ("polars", runs["polars"])]:
            figure = figures.get(name)
            title = {"pandas": "pandas", "polars": "Polars"}[name]
            table.add(f"features_{name}", f"Features of {int(orders) // 10**6} M orders, beside {title}, 2 threads",
                      f"{ours['total_s']:.1f} s, {ours['peak_mb'] / 1e3:.1f} GB",
                      f"{title} {peer['total_s']:.1f} s, {peer['peak_mb'] / 1e3:.1f} GB", both(peer["ratio"], peer),
                      f"≤ {figure}" if figure else "–", peer["ratio"] <= figure if figure else None,
                      peer["ratio"] > 1)


def field(table):
    """The other libraries, on one thread: what is known of them beside LightGBM."""
    names = {"xgboost": "XGBoost `hist`", "sklearn": "scikit-learn `HistGradientBoosting`",
             "hessboost": "`hessboost` 0.4.6", "forust": "`forust-ml` 0.8.0"}
    for section, rows in [("small", "7,000"), ("boosting", "100,000")]:
        runs = RESULTS.get(section, {}).get("threads_1", {})
        for key, name in names.items():
            if key in runs:
                ours, peer = runs["ours"], runs[key]
                table.add("field", f"Training, {rows} × 60, 1 thread, beside {name}", f"{ours['seconds']:.2f} s",
                          f"{peer['seconds']:.2f} s, AUC {peer['auc']:.4f} (ours {ours['auc']:.4f})",
                          both(peer["ratio"], peer), slower=peer["ratio"] > 1)


def linear(table):
    for key, runs in RESULTS.get("linear", {}).items():
        if not isinstance(runs, dict):
            continue
        family, threads = key.rsplit("_", 1)
        name = min(["newton-cholesky", "lbfgs-tight"], key=lambda solver: runs[solver]["seconds"])
        ours, peer = runs["ours"], runs[name]
        solver = {"newton-cholesky": "newton-cholesky", "lbfgs-tight": "lbfgs, tol 1e-8"}[name]
        quick = runs["lbfgs"]
        table.add("linear", f"{family.capitalize()} regression, 100,000 × 60, {threads} thread{'s' * (threads != '1')}",
                  f"{ours['seconds'] * 1e3:.0f} ms", f"scikit-learn, {solver}, {peer['seconds'] * 1e3:.0f} ms",
                  both(peer["ratio"], peer) + f"; {quick['ratio']:.2g} of lbfgs at its default tolerance; coefficients "
                  f"within {runs['difference']:.0e}", "≤ 0.5", peer["ratio"] <= 0.5, peer["ratio"] > 1)


def forests(table):
    titles = {"binary": "Random forest", "extra": "Extremely randomised trees", "regression": "Random forest, a number"}
    for key, runs in RESULTS.get("forest", {}).items():
        if not isinstance(runs, dict):
            continue
        kind, rows, threads = key.split("_")
        ours, peer = runs["ours"], runs["sklearn"]
        promised = kind == "binary" and rows == "7000"
        measure = "auc" if "auc" in ours else "rmse"
        loss = peer[measure] - ours[measure] if measure == "auc" else ours[measure] - peer[measure]
        quality = f"{measure.upper()} {ours[measure]:.4f} against {peer[measure]:.4f}"
        reached = (peer["ratio"] <= 0.15 and loss <= 0.002) if promised else None
        table.add("forest", f"{titles[kind]}, {int(rows):,} × 60, {threads} thread{'s' * (threads != '1')}",
                  f"{ours['seconds']:.2f} s", f"scikit-learn {peer['seconds']:.2f} s",
                  f"{both(peer['ratio'], peer)}; {quality}", "≤ 0.15" if promised else "–", reached, peer["ratio"] > 1)


def networks(table):
    titles = {"guide": ("Network of the guide: 59 inputs, 128-64-32, five heads", 0.08),
              "sagemaker": ("Network of the spec: 150 inputs, 256-128-64, six heads", 0.15)}
    for key, runs in RESULTS.get("neural", {}).items():
        if not isinstance(runs, dict):
            continue
        profile, threads, *row = key.split("_")
        (title, wanted), ours, peer = titles[profile], runs["ours"], runs["torch"]
        if row:
            if threads == "1":
                table.add("network_row", f"One row of the {title[0].lower()}{title[1:].split(':')[0]}, p50", f"{ours['one_row_us']:.1f} µs",
                          f"PyTorch {peer['one_row_us']:.0f} µs", f"{both(peer['ratio'], peer)}", "≤ 10 µs", ours["one_row_us"] <= 10, False)
            continue
        # Ours computes on one thread whatever it is given.
        table.add("network", f"{title}; epoch of 7,000 rows at batch 64, {threads} thread{'s' * (threads != '1')}",
                  f"{1e3 * ours['seconds']:.0f} ms", f"PyTorch {1e3 * peer['seconds']:.0f} ms",
                  f"{both(peer['ratio'], peer)}", f"≤ {wanted}" if threads == "1" else "–",
                  peer["ratio"] <= wanted if threads == "1" else None, peer["ratio"] > 1)


def where_the_time_goes():
    runs = RESULTS["features"]["10000000"]["ours"]
    return (f"Of our {runs['total_s']:.1f} s for 10 M orders, reading the file takes {runs['read_s']:.1f} s, sorting "
            f"the log {runs['log_s']:.1f} s, the features {runs['features_s']:.1f} s and the fuzzy memberships "
            f"{runs['fuzzy_s']:.1f} s; {runs['rows'] / 1e6:.1f} M rows of {runs['columns']:.0f} columns come out.")


def reading(table):
    for kind in ["csv", "parquet"]:
        runs = RESULTS["reading"][kind]
        rate = {name: runs[name]["lines"] / runs[name]["seconds"] / 1e6 for name in ["ours", "pandas", "polars"]}
        title = {"csv": "CSV", "parquet": "Parquet"}[kind]
        for name, peer in [("pandas", "pandas"), ("polars", "Polars")]:
            ratio = runs[name]["ratio"]
            table.add(f"read_{kind}", f"Reading 10 M order lines, {title} of {runs['megabytes']:.0f} MB, beside {peer}",
                      f"{rate['ours']:.1f} M lines/s", f"{peer} {rate[name]:.1f} M lines/s",
                      f"{ratio:.3g} of its time", slower=ratio > 1)


def lifetime_value(table):
    for customers, figure in [("100000", None), ("1000000", 1.0)]:
        if "value" not in RESULTS:
            continue
        runs = RESULTS["value"][customers]
        ours = runs["ours"]
        for name, title in [("lifetimes", "lifetimes"), ("pymc", "pymc-marketing")]:
            peer = runs[name]
            apart = abs(ours["total_value"] / peer["total_value"] - 1)
            table.add("value", f"BG/NBD and Gamma-Gamma, {int(customers):,} customers: fit and 12-month value, 1 thread, "
                      f"beside {title}", f"{ours['total_s']:.2f} s, intervals included",
                      f"{title} {peer['total_s']:.1f} s, without intervals",
                      f"{both(peer['ratio'], peer)}; the customers' values together within {apart:.0e}",
                      f"≤ {figure:.0f} s" if figure else "–", ours["total_s"] <= figure if figure else None,
                      peer["ratio"] > 1)


def rest(table):
    runs = RESULTS["synth"]
    ours, peer = runs["ours"], runs["numpy"]
    rate = ours["streamed_orders_per_second"] / 1e6
    table.add("orders", "Synthetic orders, 1 thread, constant memory", f"{rate:.1f} M orders/s "
              f"({ours['orders_per_second'] / 1e6:.1f} M all in memory)",
              f"numpy {peer['orders_per_second'] / 1e6:.1f} M orders/s", f"{peer['ratio']:.2g}× its orders, in memory",
              "≥ 10 M orders/s", rate >= 10, peer["ratio"] < 1)
    ours = RESULTS["decision"]["ours"]
    table.add("decision", "A whole churn decision, median", f"{ours['decide_us']:.0f} µs", "–",
              f"{ours['score_us']:.0f} µs from the orders", "≤ 80 µs", ours["decide_us"] <= 80)
    titles = {
        "lead": ("lead score", "XGBoost, a number"), "contact": ("contact churn decision", "scikit-learn, random forest"),
        "engagement": ("engagement decision with 168 send times", "scikit-learn, logistic regression"),
        "value": ("lifetime value", "LightGBM and a gamma regression"),
    }
    for key, (what, title) in titles.items():
        if key in RESULTS.get("decisions", {}):
            of = RESULTS["decisions"][key]
            table.add("decisions", f"A whole {what}, median", f"{of['decide_us']:.0f} µs ({of['predict_us']:.1f} µs the bare number)",
                      f"{title}, {of['python_us']:,.0f} µs the bare number",
                      f"{of['ratio']:.2g} of its time, rounds from {min(of['ratios']):.2g} to {max(of['ratios']):.2g}",
                      slower=of["ratio"] > 1)
    count = RESULTS["crates"]
    table.add("crates", "Crates that `tenure-churn` alone builds", str(count), "–", "`cargo tree -e normal`", "≤ 60",
              count <= 60)


def main():
    table, quality = Table(), []
    boosting(table, quality)
    field(table)
    scoring(table)
    forests(table)
    networks(table)
    linear(table)
    features(table)
    reading(table)
    lifetime_value(table)
    rest(table)
    machine = RESULTS["machine"]
    sections = [v for v in RESULTS.values() if isinstance(v, dict) and "date" in v]
    dates = sorted({section["date"] for section in sections})
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    agreement = RESULTS["features"]["agreement"]
    columns = agreement[0]["columns"]
    method = METHOD.format(features=columns - 39, fuzzy=39, compared=agreement[0]["rows"],
                           difference=max(a["difference"] for a in agreement))
    rounds = ", ".join(f"{name} {find_rounds(RESULTS[name])}" for name in RESULTS if isinstance(RESULTS[name], dict)
                       and "date" in RESULTS[name])
    text = f"""# Benchmarks

Written by `benches/report.py` from `benches/results.json`; do not edit by hand.

Measured {' to '.join(dict.fromkeys([dates[0], dates[-1]]))} on {machine['cores']} shared cores, \
{machine['architecture']} with {machine['simd'].upper()}, {machine['gigabytes']} GB. Rust {machine['rustc']}, cargo profile \
`bench` (release with thin link-time optimisation, no `target-cpu`). Python {machine['python']}, {versions}. \
Rounds: {rounds}.

## Results

{table.text()}

{where_the_time_goes()}

Quality of the boosted trees on held-out rows; to reach is an AUC no worse by more than 0.001:

| rows | AUC, ours | AUC, LightGBM | log loss, ours | log loss, LightGBM | |
|---|---|---|---|---|---|
{chr(10).join(quality)}

## Where we lose

{chr(10).join(table.lost) or "Nowhere, in what was measured."}

## How it was measured

{method}
## What was not measured

{large_missing()}{NOT_MEASURED}
## How to repeat it

```sh
benches/run                     # everything: half an hour on two cores, 10 GB of memory for pandas, 2 GB of files in target/benches
benches/run boosting scoring    # some sections; the others keep their results
```

It needs Linux, cargo, Python 3.11 or later with `venv`, and the network for the peers, which
`benches/peers/requirements.txt` pins. The sections are `small`, `boosting`, `large` (7,000, 100,000 and 1 M rows),
`scoring`, `forest`, `neural`, `linear`, `features`, `reading`, `synth`, `value`, `decision` and `decisions`. `cargo bench -p tenure-gbdt`, `-p tenure-features` and
`-p tenure-synth` measure the parts alone, with Criterion.
"""
    (HERE.parent / "docs/benchmarks.md").write_text(text)


def large_missing():
    if "large" in RESULTS:
        return ""
    return ("Training on 1 M × 50 rows, its memory included (to reach: ≤ 0.45 of LightGBM's time, ≤ 1.0 of its memory): "
            "`benches/run large` measures it.\n\n")


def find_rounds(section):
    if "rounds" in section:
        return section["rounds"]
    return next(find_rounds(part) for part in section.values() if isinstance(part, dict))


if __name__ == "__main__":
    main()

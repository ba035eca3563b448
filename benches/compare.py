"""Runs each comparison beside its peers and keeps what was measured in results.json.

  compare.py SECTION…    of: small boosting large scoring forest neural linear features reading synth value decision decisions; `benches/run` calls it

Runs alternate, and who goes first changes from round to round, so that a busy machine slows both. A ratio is the
median of the rounds' ratios, ours to the peer's.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGES = ["lightgbm", "Lifetimes", "numpy", "pandas", "polars", "pyarrow", "pymc-marketing", "scikit-learn", "torch", "xgboost-cpu"]


def run(command, threads):
    environment = os.environ | {
        "RAYON_NUM_THREADS": str(threads), "POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads),
        # LightGBM's threads spin while they wait; where somebody else has a core, that took up to ten times as long.
        "OMP_WAIT_POLICY": "passive",
    }
    command = [str(part) for part in command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    print(command[-3:], done.stdout.strip()[:300], file=sys.stderr, flush=True)
    return json.loads(done.stdout) if done.stdout else None


class Bench:
    def __init__(self, arguments):
        self.measure, self.rust_peers = arguments.measure, arguments.rust_peers
        self.work, self.rounds = arguments.work, arguments.rounds

    def ours(self, *arguments, threads=1):
        return lambda: run([self.measure, *arguments], threads)

    def peer(self, script, *arguments, threads=1):
        return lambda: run([sys.executable, HERE / "peers" / f"{script}.py", *arguments], threads)

    def crate(self, *arguments, threads=1):
        return lambda: run([self.rust_peers, *arguments], threads)

    def alternate(self, runs, rounds=None):
        """Name → what each round gave."""
        measured = {name: [] for name in runs}
        for number in range(rounds or self.rounds):
            names = list(runs) if number % 2 == 0 else list(runs)[::-1]
            for name in names:
                measured[name].append(runs[name]())
        return measured

    def matrix(self, rows, columns):
        folder = self.work / f"boosting_{rows}x{columns}"
        if not folder.exists():
            self.peer("boosting", "make", folder, rows, columns)()
        return folder

    def boosting(self, rows, columns, rounds=None, threads=(1, 2)):
        folder = self.matrix(rows, columns)
        found = {"rows": rows, "columns": columns}
        for n in threads:
            runs = {
                "ours": self.ours("fit", folder, n, threads=n),
                "lightgbm": self.peer("boosting", "fit", "lightgbm", folder, n, threads=n),
            }
            if n == 1:
                runs["lightgbm_row_wise"] = self.peer(
                    "boosting", "fit", "lightgbm", folder, n, "force_row_wise=true", threads=n)
            # The others are there to know the field, on one thread and up to 100,000 rows.
            if n == 1 and rows <= 100_000:
                for name in ["xgboost", "sklearn"]:
                    runs[name] = self.peer("boosting", "fit", name, folder, n, threads=n)
                for name in ["hessboost", "forust"]:
                    runs[name] = self.crate("fit", name, folder, n, threads=n)
            found[f"threads_{n}"] = summary(self.alternate(runs, rounds), "seconds")
        return found

    def scoring(self):
        folder = self.matrix(100_000, 60)
        measured = self.alternate({
            "ours": self.ours("predict", folder),
            "lightgbm": self.peer("boosting", "predict", "lightgbm", folder),
            "xgboost": self.peer("boosting", "predict", "xgboost", folder),
            "hessboost": self.crate("predict", "hessboost", folder),
            "forust": self.crate("predict", "forust", folder),
        })
        return {key: summary(measured, key) for key in ["rows_per_second", "one_row_us", "shap_us"]} | {
            "python_row_us": statistics.median(r["python_row_us"] for r in measured["lightgbm"])}

    def linear(self):
        found = {}
        for family in ["logistic", "gamma"]:
            folder = self.work / f"linear_{family}"
            if not folder.exists():
                self.peer("linear", "make", family, folder, 100_000, 60)()
            for n in (1, 2):
                runs = {"ours": self.ours("linear", family, folder, n, threads=n)}
                for solver in ["newton-cholesky", "lbfgs-tight", "lbfgs"]:
                    runs[solver] = self.peer("linear", "fit", family, folder, solver, threads=n)
                measured = self.alternate(runs, 5)
                ours, theirs = (measured[name][0]["coefficients"] for name in ["ours", "newton-cholesky"])
                difference = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
                found[f"{family}_{n}"] = summary(measured, "seconds") | {"difference": difference}
        return found

    def forest(self):
        found = {}
        for rows, kinds in [(7_000, ["binary", "extra", "regression"]), (100_000, ["binary"])]:
            folder = self.matrix(rows, 60)
            for kind in kinds:
                for n in (1, 2):
                    runs = {
                        "ours": self.ours("forest", kind, folder, n, 42, threads=n),
                        "sklearn": self.peer("forest", kind, folder, n, 42, threads=n),
                    }
                    rounds = self.rounds if rows < 100_000 else 1
                    found[f"{kind}_{rows}_{n}"] = summary(self.alternate(runs, rounds), "seconds")
        return found

    def neural(self):
        found = {}
        for profile in ["guide", "sagemaker"]:
            for n in (1, 2):
                measured = self.alternate({
                    "ours": self.ours("neural", profile, n, threads=n),
                    "torch": self.peer("neural", profile, n, threads=n),
                })
                found[f"{profile}_{n}"] = summary(measured, "seconds")
                found[f"{profile}_{n}_row"] = summary(measured, "one_row_us")
        return found

    def orders(self, orders, customers):
        folder = self.work / f"orders_{orders}"
        if not folder.exists():
            self.peer("features", "make", folder, orders, customers)()
        return folder

    def features(self):
        found = {}
        for orders, customers, rounds in [(1_000_000, 50_000, self.rounds), (10_000_000, 500_000, self.rounds)]:
            folder = self.orders(orders, customers)
            runs = {"ours": self.ours("features", folder, 2, threads=2)}
            for name in ["polars", "pandas"]:
                runs[name] = self.peer("features", name, folder, threads=2)
            found[str(orders)] = summary(self.alternate(runs, rounds), "total_s")
            if orders == 1_000_000:
                output = subprocess.run([sys.executable, HERE / "peers/features.py", "compare", folder],
                                        check=True, capture_output=True, text=True).stdout
                found["agreement"] = [json.loads(line) for line in output.splitlines()]
        return found

    def reading(self):
        folder, found = self.orders(10_000_000, 500_000), {}
        for kind in ["csv", "parquet"]:
            file = folder / f"orders.{kind}"
            runs = {"ours": self.ours("read", file, 2, threads=2)}
            for name in ["polars", "pandas"]:
                runs[name] = self.peer("reading", name, file, threads=2)
            found[kind] = summary(self.alternate(runs), "seconds") | {"megabytes": file.stat().st_size / 1e6}
        return found

    def synth(self):
        return summary(self.alternate(
            {"ours": self.ours("synth", 50_000), "numpy": self.peer("synth", 50_000)}), "orders_per_second")

    def value(self):
        found = {}
        # The maximum a posteriori fit of pymc-marketing takes minutes for a million customers: one round.
        for customers, rounds in [(100_000, self.rounds), (1_000_000, 1)]:
            folder = self.work / f"value_{customers}"
            if not folder.exists():
                self.peer("lifetime_value", "make", folder, customers)()
            runs = {"ours": self.ours("value", folder, 1)}
            for name in ["lifetimes", "pymc"]:
                runs[name] = self.peer("lifetime_value", name, folder)
            found[str(customers)] = summary(self.alternate(runs, rounds), "total_s")
        return found

    def decision(self):
        return summary(self.alternate({"ours": self.ours("decide", 5_000)}), "decide_us")

    def decisions(self):
        """By model: the median of a whole decision and of a bare prediction, and the peer's bare prediction."""
        measured = self.alternate({"ours": self.ours("decisions", 3_000), "python": self.peer("decision")})
        found = {"rounds": len(measured["ours"])}
        for model in measured["python"][0]:
            rounds = list(zip(measured["ours"], measured["python"]))
            found[model] = {key: statistics.median(ours[model][key] for ours, _ in rounds)
                            for key in ["decide_us", "predict_us", "columns"]}
            found[model] |= {
                "python_us": statistics.median(python[model] for _, python in rounds),
                "ratios": [ours[model]["decide_us"] / python[model] for ours, python in rounds],
            }
            found[model]["ratio"] = statistics.median(found[model]["ratios"])
        return found

    def section(self, name):
        sizes = {"small": (7_000, 60, 5), "boosting": (100_000, 60), "large": (1_000_000, 50)}
        return self.boosting(*sizes[name]) if name in sizes else getattr(self, name)()


def summary(measured, key):
    """The medians of every number, and the ratios of ours to each peer's in `key`."""
    found = {"rounds": len(measured["ours"])}
    for name, rounds in measured.items():
        numbers = [k for k, v in rounds[0].items() if isinstance(v, (int, float))]
        found[name] = {k: statistics.median(r[k] for r in rounds) for k in numbers}
        if name != "ours":
            for number, ratio in [(key, "ratio"), ("cpu_s", "cpu_ratio")]:
                if number in numbers:
                    ratios = [ours[number] / theirs[number] for ours, theirs in zip(measured["ours"], rounds)]
                    found[name] |= {ratio: statistics.median(ratios), f"{ratio}s": ratios}
    return found


def machine():
    flags = set()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":")[1].split())
    simd = next((name for name in ["avx512f", "avx2", "sse4_2"] if name in flags), "none")
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return {
        "cores": os.cpu_count(), "architecture": platform.machine(), "simd": simd,
        "gigabytes": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "rustc": rustc.split()[1], "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def crates():
    """How many crates somebody builds who depends on `tenure-churn` alone, ours included."""
    command = ["cargo", "tree", "-p", "tenure-churn", "-e", "normal", "--prefix", "none", "--locked"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    return len({line.removesuffix(" (*)") for line in lines if line})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="+")
    parser.add_argument("--measure", type=pathlib.Path, default=ROOT / "target/release/measure")
    parser.add_argument("--rust-peers", type=pathlib.Path, default=ROOT / "target/benches/rust-peers")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/benches")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results.json")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(arguments)
    for name in arguments.sections:
        found = bench.section(name) | {"date": datetime.date.today().isoformat()}
        results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
        results |= {name: found, "machine": machine(), "crates": crates()}
        arguments.results.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

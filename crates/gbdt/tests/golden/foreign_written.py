"""LightGBM loads what tenure wrote and predicts the same from it.

    TENURE_WRITTEN=DIR cargo test -p tenure-gbdt --test foreign
    python foreign_written.py DIR foreign      compares, and writes foreign_written.txt

Checked with lightgbm 4.7.0 and 3.3.5. Sums of XGBoost are in single precision, and so its outputs agree to 1e-6.
"""

import json
import pathlib
import shutil
import sys

import lightgbm as lgb
import numpy as np
import pandas as pd

written, golden = map(pathlib.Path, sys.argv[1:3])
bad = 0
for file in sorted(written.glob("*.txt")):
    source = file.name.removesuffix(".txt")
    # Models that were trained here bring their expectations along.
    beside = golden if (golden / source).exists() else written
    expected = json.loads((beside / source).with_suffix(".expected.json").read_text())
    rows = np.array([[np.nan if v is None else v for v in row] for row in expected["rows"]], dtype=float)
    booster = lgb.Booster(model_file=str(file))
    if booster.pandas_categorical:
        # As the user has them: with the names of the levels.
        lists = iter(booster.pandas_categorical)
        infos = dict(line.split("=", 1) for line in file.read_text().split("\n\n")[0].splitlines() if "=" in line)
        frame = pd.DataFrame(rows, columns=infos["feature_names"].split())
        for name, info in zip(frame.columns, infos["feature_infos"].split(" ")):
            if not info.startswith("[") and info != "none":
                codes = np.where(np.isnan(frame[name]), -1, frame[name]).astype(int)
                frame[name] = pd.Categorical.from_codes(codes, next(lists))
        rows_seen = frame
    else:
        rows_seen = rows
    outputs = np.array(expected["outputs"])
    found = booster.predict(rows_seen).reshape(outputs.shape)
    difference = np.max(np.abs(found - outputs) / np.maximum(1, np.abs(outputs)))
    explained = ""
    if "contributions" in expected:
        contributions = np.array(expected["contributions"])
        seen = rows_seen[: len(contributions)]
        of_lgb = booster.predict(seen, pred_contrib=True).reshape(contributions.shape)
        if contributions.shape[1] > 1 and "multiclass." in source:
            of_lgb = of_lgb - of_lgb.mean(axis=1, keepdims=True)
            contributions = contributions - contributions.mean(axis=1, keepdims=True)
        explained = f"contributions {np.max(np.abs(of_lgb - contributions)):.2g}"
    limit = 1e-6 if source.startswith("xgboost") else 1e-12
    bad += difference > limit
    print(f"{source:40} outputs {difference:.2g} {explained} {'BAD' if difference > limit else ''}")
if not bad and lgb.__version__ >= "4":
    shutil.copy(written / "lightgbm_pandas.txt.txt", golden.parent / "foreign_written.txt")
sys.exit(bad > 0)

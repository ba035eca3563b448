"""Trains models with LightGBM and XGBoost and writes what they predict: the golden files of tests/foreign.rs.

    python foreign.py foreign                       the committed files
    python foreign.py DIR --full                    full-size models and 100,000 rows, for
                                                    TENURE_FOREIGN=DIR cargo test --release -p tenure-gbdt --test foreign -- full
    python foreign.py foreign --only xgboost --suffix _176       with another version

For each model there is the file that the library saves and NAME.expected.json:

    rows            values, null for missing
    outputs         what predict() gives
    raw             raw scores; of XGBoost the sums of the leaves in double precision, less the base score
    contributions   pred_contrib of the first rows, one list for each output, the bias last
    levels          names of levels that the file lacks, by feature
    rounds          set to "all" where the native Booster predicts with more rounds than the scikit-learn class

Made with Python 3.11, lightgbm 4.7.0, xgboost 3.2.0, numpy 2.4.6, pandas 3.1.1, scikit-learn 1.9.1; the files with
a suffix with xgboost 1.7.6 (numpy 1.26, pandas 2) and 2.1.4 (numpy 2.2, pandas 2) and lightgbm 3.3.5 (numpy 1.26, pandas 1.5).
"""

import argparse
import json
import sys

import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--full", action="store_true")
parser.add_argument("--only", default="")
parser.add_argument("--suffix", default="")
args = parser.parse_args()

FULL = args.full
TRAIN = 10_000 if FULL else 800
ROWS = 100_000 if FULL else 40
EXPLAINED = 500 if FULL else 4
TREES = 200 if FULL else 3
LEAVES = 31 if FULL else 5
DEPTH = 6 if FULL else 3
LEVELS = ["monthly", "yearly", "trial", "größer", "none", "partner", "agent", "web", "shop", "phone"]


def data(n, seed):
    """Four numbers, one of them with zeros, and codes of ten categories; about a tenth is missing."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) * [1, 10, 0.1, 1]
    x = x if FULL else x.round(3)
    x[:, 3] = np.where(rng.random(n) < 0.3, 0.0, np.abs(x[:, 3]))
    code = rng.integers(0, len(LEVELS), n)
    signal = np.sin(2 * x[:, 0]) + 0.1 * x[:, 1] * x[:, 3] + np.where(code % 3 == 0, 1.0, -0.5)
    signal += rng.normal(size=n) * 0.3
    x = np.column_stack([x, code.astype(float)])
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, signal


X, SIGNAL = data(TRAIN, 1)
ROWS_X, _ = data(ROWS, 2)
ROWS_X[1] = np.nan
ROWS_X[2] = 0.0
ROWS_X[3, :4] = 1e-36
NAMES = ["age", "balance", "share", "visits", "plan"]
RNG = np.random.default_rng(3)
BINARY = (SIGNAL > 0.3).astype(int)
CLASSES = np.digitize(SIGNAL, [-0.5, 0.7])
POSITIVE = np.exp(0.5 * SIGNAL) + 0.01
COUNTS = RNG.poisson(POSITIVE)
ZERO_INFLATED = POSITIVE * (RNG.random(TRAIN) < 0.6)
UNIT = 1 / (1 + np.exp(-SIGNAL))


def frame(x, levels=LEVELS):
    """Text categories, and an ordered column that the learner sees as a number."""
    out = pd.DataFrame(x[:, :4], columns=NAMES[:4])
    codes = np.where(np.isnan(x[:, 4]), -1, x[:, 4]).astype(int)
    out["plan"] = pd.Categorical.from_codes(codes, levels)
    band = pd.cut(out["age"], [-np.inf, -1, 0, 1, np.inf], labels=["a", "b", "c", "d"], ordered=True)
    out["band"] = band
    return out


def rows_of(x):
    return [[None if np.isnan(v) else v for v in row] for row in np.asarray(x, dtype=float).tolist()]


def codes_of(df):
    out = df.copy()
    for name in out.columns:
        if isinstance(out[name].dtype, pd.CategoricalDtype):
            out[name] = out[name].cat.codes.replace(-1, np.nan).astype(float)
    return out.to_numpy(dtype=float)


def write(name, **expected):
    expected = {k: (v.tolist() if isinstance(v, np.ndarray) else v) for k, v in expected.items()}
    with open(f"{args.folder}/{name}.expected.json", "w") as file:
        json.dump(expected, file)
        file.write("\n")


def two(values):
    values = np.asarray(values, dtype=float)
    return values[:, None] if values.ndim == 1 else values


# ---------------------------------------------------------------- LightGBM


def lightgbm_models():
    import lightgbm as lgb

    base = {
        "num_leaves": LEAVES, "learning_rate": 0.1, "verbose": -1, "seed": 42, "deterministic": True,
        "force_row_wise": True, "num_threads": 1, "min_data_in_leaf": 10, "cat_smooth": 2, "min_data_per_group": 5,
        "max_cat_to_onehot": 2,
    }

    def save(name, booster, x, factor=1.0, raw=True):
        name = f"lightgbm_{name}{args.suffix}"
        booster.save_model(f"{args.folder}/{name}.txt", num_iteration=-1)
        if not FULL:
            trim(f"{args.folder}/{name}.txt")
        loaded = lgb.Booster(model_file=f"{args.folder}/{name}.txt")
        outputs = two(loaded.predict(x))
        k = outputs.shape[1]
        expected = {"rows": rows_of(codes_of(x) if isinstance(x, pd.DataFrame) else x), "outputs": outputs}
        if raw:
            expected["raw"] = two(loaded.predict(x, raw_score=True)) * factor
            contributions = loaded.predict(x[:EXPLAINED], pred_contrib=True) * factor
            expected["contributions"] = contributions.reshape(EXPLAINED, k, -1)
        write(name, **expected)

    def trim(path):
        """Drops most of the training parameters, which nobody reads: the committed files stay small."""
        with open(path) as file:
            lines = file.read().split("\n")
        kept = ("[boosting:", "[objective:", "[categorical_feature:")
        with open(path, "w") as file:
            file.write("\n".join(line for line in lines if not line.startswith("[") or line.startswith(kept)))

    def train(name, y, params=None, x=X, rows=ROWS_X, factor=1.0, raw=True, trees=TREES, categorical=(4,), **kw):
        data_set = lgb.Dataset(x, y, feature_name=NAMES, categorical_feature=list(categorical))
        booster = lgb.train({**base, **(params or {})}, data_set, num_boost_round=trees, **kw)
        save(name, booster, rows, factor, raw)

    strange = ROWS_X.copy()
    strange[:12, 4] = [300, -1, 63, 64, 10, 11, 31, 32, -5, 1e9, 9, 0]
    train("binary", BINARY, {"objective": "binary"}, rows=strange)
    train("binary_sigmoid", BINARY, {"objective": "binary", "sigmoid": 0.7}, factor=0.7)
    train("regression", SIGNAL, {"objective": "regression"})
    train("multiclass", CLASSES, {"objective": "multiclass", "num_class": 3})
    train("multiclassova", CLASSES, {"objective": "multiclassova", "num_class": 3})
    train("gamma", POSITIVE, {"objective": "gamma"})
    train("poisson", COUNTS, {"objective": "poisson"})
    train("tweedie", ZERO_INFLATED, {"objective": "tweedie"})
    train("quantile", SIGNAL, {"objective": "quantile", "alpha": 0.8})
    if FULL:
        train("cross_entropy", UNIT, {"objective": "cross_entropy"})
        train("dart", BINARY, {"objective": "binary", "boosting": "dart", "drop_rate": 0.5})
    for objective in ["regression_l1", "huber", "fair", "mape"] if FULL else []:
        train(objective, SIGNAL, {"objective": objective})
    train("zero_as_missing", BINARY, {"objective": "binary", "zero_as_missing": True})
    train("no_missing", BINARY, {"objective": "binary", "use_missing": False})
    nothing_missing = np.nan_to_num(X, nan=0.5)
    train("missing_none", SIGNAL, {"objective": "regression"}, x=nothing_missing)
    train("rf", BINARY, {
        "objective": "binary", "boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1,
    }, raw=False)
    train("stump", np.ones(TRAIN), {"objective": "regression"})
    train("linear", SIGNAL, {"objective": "regression", "linear_tree": True}, raw=False, categorical=())
    if FULL:
        train("deep", SIGNAL, {"objective": "regression", "num_leaves": 2000, "min_data_in_leaf": 2})

    valid = lgb.Dataset(X[::4], BINARY[::4], categorical_feature=[4])
    data_set = lgb.Dataset(X[1::2], BINARY[1::2], feature_name=NAMES, categorical_feature=[4])
    early = lgb.train(
        {**base, "objective": "binary", "learning_rate": 0.6}, data_set, num_boost_round=500, valid_sets=[valid],
        callbacks=[lgb.early_stopping(3, verbose=False)],
    )
    if FULL:
        save("early_stopping", early, ROWS_X)
    else:
        early_best = early.best_iteration
        train("early_stopping", BINARY, {"objective": "binary"}, trees=min(early_best, 4))
    groups = [TRAIN // 40] * 40
    ranking = lgb.Dataset(X, np.clip(COUNTS, 0, 4), group=groups, feature_name=NAMES)
    save("lambdarank", lgb.train({**base, "objective": "lambdarank"}, ranking, TREES), ROWS_X)

    def squared(preds, train_data):
        return preds - train_data.get_label(), np.ones_like(preds)

    if lgb.__version__ >= "4":
        data_set = lgb.Dataset(X, SIGNAL, feature_name=NAMES)
        save("custom", lgb.train({**base, "objective": squared}, data_set, TREES), ROWS_X)

    pandas = lgb.Dataset(frame(X), BINARY)
    save("pandas", lgb.train({**base, "objective": "binary"}, pandas, TREES), frame(ROWS_X))


# ---------------------------------------------------------------- XGBoost


def xgboost_models():
    import xgboost as xgb

    base = {"max_depth": DEPTH, "eta": 0.3, "seed": 42, "nthread": 1, "max_cat_to_onehot": 3, "tree_method": "hist"}

    def at_the_splits(trees, x):
        """Rows whose values stand on the splits, beside them, and half way to the next single below."""
        x = x.copy()
        at = 4
        for tree in trees:
            kinds = tree.get("split_type") or [0] * len(tree["left_children"])
            for node, child in enumerate(tree["left_children"]):
                if child == -1 or kinds[node] == 1:
                    continue
                split = np.float32(tree["split_conditions"][node])
                half = 0.5 * float(split) + 0.5 * float(np.nextafter(split, np.float32(-np.inf)))
                for value in [float(split), half]:
                    for value in [value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)]:
                        if at >= len(x):
                            return x
                        x[at, tree["split_indices"][node]] = value
                        at += 1
        return x

    def dmatrix(x, **kw):
        return xgb.DMatrix(x, enable_categorical=True, **kw)

    def matrix(x, **kw):
        return xgb.DMatrix(x, feature_names=NAMES, feature_types=["q"] * 4 + ["c"], enable_categorical=True, **kw)

    def save(name, booster, rows, make=matrix, raw=True, contributions=True, ubjson=False, **more):
        name = f"xgboost_{name}{args.suffix}"
        model = json.loads(booster.save_raw("json"))
        gradient_booster = model["learner"]["gradient_booster"]
        weights = gradient_booster.get("weight_drop")
        model = gradient_booster["gbtree"]["model"] if weights else gradient_booster["model"]
        trees = model["trees"]
        if not isinstance(rows, pd.DataFrame):
            rows = at_the_splits(trees, rows)
        data_set = make(rows)
        booster.save_model(f"{args.folder}/{name}.{'ubj' if ubjson else 'json'}")
        outputs = two(booster.predict(data_set))
        k = outputs.shape[1]
        expected = {"rows": rows_of(codes_of(rows) if isinstance(rows, pd.DataFrame) else rows)}
        expected["outputs"] = outputs
        if raw:
            leaves = booster.predict(data_set, pred_leaf=True).reshape(len(outputs), -1).astype(int)
            sums = np.zeros((len(outputs), k))
            for at, tree in enumerate(trees):
                values = np.array(tree["split_conditions"], dtype=np.float32).astype(float)
                weight = float(np.float32(weights[at])) if weights else 1.0
                sums[:, model["tree_info"][at]] += weight * values[leaves[:, at]]
            expected["raw"] = sums
        if contributions:
            values = booster.predict(make(rows[:EXPLAINED]), pred_contribs=True).astype(float)
            expected["contributions"] = values.reshape(EXPLAINED, k, -1)
        write(name, **expected, **more)

    def train(name, y, params, x=X, rows=ROWS_X, trees=TREES, **kw):
        booster = xgb.train({**base, **params}, matrix(x, label=y), trees)
        save(name, booster, rows, **kw)

    strange = ROWS_X.copy()
    # Codes beyond those of training: tenure takes them for missing, XGBoost for one of the rest.
    train("binary", BINARY, {"objective": "binary:logistic"}, rows=strange)
    train("regression", SIGNAL, {"objective": "reg:squarederror"}, ubjson=True)
    train("gamma", POSITIVE, {"objective": "reg:gamma", "base_score": 0.7}, ubjson=True)
    if xgb.__version__ >= "3.1" and not FULL:
        # It stores other names than these; see tests/foreign.rs.
        booster = xgb.train(base, dmatrix(frame(X)[NAMES], label=BINARY), 1)
        booster.save_model(f"{args.folder}/xgboost_umlaut.ubj")
    ascii = [level.encode("ascii", "ignore").decode() for level in LEVELS]
    pandas = dmatrix(frame(X, ascii)[NAMES], label=BINARY)
    booster = xgb.train({**base, "objective": "binary:logistic"}, pandas, TREES)
    more = {} if booster_knows_levels(booster) else {"levels": {"plan": ascii}}
    save("pandas", booster, frame(ROWS_X, ascii)[NAMES], make=dmatrix, ubjson=not FULL, **more)
    if args.suffix and not FULL:
        return
    train("logitraw", BINARY, {"objective": "binary:logitraw", "base_score": 0.3})
    train("multiclass", CLASSES, {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.7}, trees=TREES // 2 + 1)
    train("dart", BINARY, {"booster": "dart", "rate_drop": 0.9, "objective": "binary:logistic"})
    train("poisson", COUNTS, {"objective": "count:poisson"})
    train("tweedie", ZERO_INFLATED, {"objective": "reg:tweedie"}, ubjson=True)
    train("absolute", SIGNAL, {"objective": "reg:absoluteerror"})
    train("cox", POSITIVE, {"objective": "survival:cox"})
    for objective in ["reg:pseudohubererror", "reg:logistic"] if FULL else []:
        y = UNIT if objective == "reg:logistic" else SIGNAL
        train(objective.replace(":", "_"), y, {"objective": objective})
    if xgb.__version__ >= "2":
        train("quantile", SIGNAL, {"objective": "reg:quantileerror", "quantile_alpha": 0.8})
        two_targets = np.column_stack([SIGNAL, POSITIVE])
        train("two_targets", two_targets, {"objective": "reg:squarederror"}, contributions=False)
        vector = {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree"}
        booster = xgb.train({**base, **vector}, xgb.DMatrix(X, two_targets), 2)
        booster.save_model(f"{args.folder}/xgboost_vector{args.suffix}.json")
    booster = xgb.train({"booster": "gblinear", "objective": "binary:logistic"}, xgb.DMatrix(np.nan_to_num(X), BINARY), 2)
    booster.save_model(f"{args.folder}/xgboost_linear{args.suffix}.json")
    groups = matrix(X, label=np.clip(COUNTS, 0, 4), group=[TRAIN // 40] * 40)
    save("rank", xgb.train({**base, "objective": "rank:ndcg"}, groups, TREES), ROWS_X)
    nameless = np.nan_to_num(X)
    booster = xgb.train({**base, "objective": "reg:squarederror"}, xgb.DMatrix(X, SIGNAL), TREES)
    save("nameless", booster, ROWS_X, make=xgb.DMatrix)

    model = xgb.XGBClassifier(
        n_estimators=500 if FULL else 6, max_depth=DEPTH, learning_rate=0.5, tree_method="hist",
        early_stopping_rounds=2, random_state=42,
    )
    model.fit(X[1::2, :4], BINARY[1::2], eval_set=[(X[::4, :4], BINARY[::4] ^ (RNG.random(len(BINARY[::4])) < 0.2))], verbose=False)
    name = f"xgboost_early_stopping{args.suffix}"
    model.save_model(f"{args.folder}/{name}.json")
    loaded = xgb.XGBClassifier()
    loaded.load_model(f"{args.folder}/{name}.json")
    print("best iteration", loaded.best_iteration, "of", loaded.get_booster().num_boosted_rounds())
    rows = ROWS_X[:, :4]
    native = loaded.get_booster().predict(xgb.DMatrix(rows))
    write(
        name, rows=rows_of(rows), outputs=two(loaded.predict_proba(rows)[:, 1]), all_rounds=two(native),
    )


def booster_knows_levels(booster):
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    return bool(model.get("cats", {}).get("enc"))


if args.only in ("", "lightgbm"):
    lightgbm_models()
if args.only in ("", "xgboost"):
    xgboost_models()
sys.exit(0)

"""Golden values of generalised linear models, from statsmodels and scikit-learn.

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 scikit-learn==1.9.1
    python glm.py

writes glm.json: small tables drawn from a fixed seed, and what the two libraries make of them. Tolerances of
both are set so tight that their answers stand to nine digits or more.
"""

import json
import pathlib
import warnings

import numpy as np
import statsmodels.api as sm
from scipy import optimize
from sklearn import linear_model

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261121)
N = 80
X = np.column_stack([rng.normal(size=N), rng.normal(3.0, 10.0, N), rng.uniform(0.0, 0.01, N)])
X = np.round(X, 6)
Z = 0.4 * X[:, 0] - 0.03 * (X[:, 1] - 3.0) + 60.0 * (X[:, 2] - 0.005)
W = rng.integers(1, 4, N).astype(float)
O = np.round(rng.normal(0.0, 0.3, N), 6)
MU = np.exp(0.5 + Z)
Y = {
    "gaussian": np.round(2.0 + Z + rng.normal(0.0, 0.5, N), 6),
    "binomial": (rng.uniform(size=N) < 1.0 / (1.0 + np.exp(-0.3 - 1.5 * Z))).astype(float),
    "poisson": rng.poisson(MU).astype(float),
    "gamma": np.round(rng.gamma(2.0, MU / 2.0), 6) + 1e-6,
    "tweedie": np.round(np.where(rng.uniform(size=N) < 0.25, 0.0, rng.gamma(2.0, MU / 2.0)), 6),
}
# Means that fall in the range of the identity and inverse links.
Y["positive"] = np.round(rng.gamma(8.0, (4.0 + Z) / 8.0), 6)
Y["count"] = rng.poisson(4.0 + Z).astype(float)

L = sm.families.links
LINKS = {
    "identity": L.Identity(),
    "log": L.Log(),
    "logit": L.Logit(),
    "inverse": L.InversePower(),
    "cloglog": L.CLogLog(),
}


def family(name, link):
    kind, _, power = name.partition(":")
    f = sm.families
    if kind == "tweedie":
        return f.Tweedie(link=LINKS[link], var_power=float(power))
    return {"gaussian": f.Gaussian, "binomial": f.Binomial, "poisson": f.Poisson, "gamma": f.Gamma}[kind](LINKS[link])


def number(value):
    value = float(value)
    return value if np.isfinite(value) else None


def fit(name, link, target, weights=False, offsets=False, intercept=True):
    x = sm.add_constant(X) if intercept else X
    extra = {}
    if weights:
        extra["freq_weights"] = W
    if offsets:
        extra["offset"] = O
    model = sm.GLM(Y[target], x, family=family(name, link), **extra)
    start = None
    if link in ("identity", "inverse") and name != "gaussian":
        mean = np.average(Y[target])
        start = np.zeros(x.shape[1])
        start[0] = mean if link == "identity" else 1.0 / mean
    result = model.fit(maxiter=500, tol=1e-14, tol_criterion="params", start_params=start)
    student = name.split(":")[0] not in ("binomial", "poisson")
    interval = model.fit(maxiter=500, tol=1e-14, tol_criterion="params", start_params=start, use_t=student)
    case = {
        "family": name,
        "link": link,
        "target": target,
        "weights": weights,
        "offsets": offsets,
        "intercept": intercept,
        "coefficients": result.params.tolist(),
        "standard_errors": result.bse.tolist(),
        "p_values": interval.pvalues.tolist(),
        "low": interval.conf_int(0.1)[:, 0].tolist(),
        "deviance": number(result.deviance),
        "null_deviance": number(result.null_deviance) if intercept else None,
        "pearson_chi2": number(result.pearson_chi2),
        "dispersion": number(result.scale),
        "df_residual": number(result.df_resid),
    }
    if name.split(":")[0] == "gaussian":
        # The likelihood at the dispersion deviance / n, as R has it.
        n = W.sum() if weights else N
        case["log_likelihood"] = -0.5 * n * (np.log(2.0 * np.pi * result.deviance / n) + 1.0)
    elif name.split(":")[0] != "tweedie":
        case["log_likelihood"] = number(result.llf)
    return case


CASES = [
    fit("gaussian", "identity", "gaussian"),
    fit("gaussian", "identity", "gaussian", weights=True, offsets=True),
    fit("gaussian", "identity", "gaussian", intercept=False),
    fit("gaussian", "log", "positive"),
    fit("gaussian", "inverse", "positive"),
    fit("binomial", "logit", "binomial"),
    fit("binomial", "logit", "binomial", weights=True, offsets=True),
    fit("binomial", "logit", "binomial", intercept=False),
    fit("binomial", "cloglog", "binomial"),
    fit("binomial", "cloglog", "binomial", weights=True, offsets=True),
    fit("poisson", "log", "poisson"),
    fit("poisson", "log", "poisson", weights=True, offsets=True),
    fit("poisson", "log", "poisson", intercept=False),
    fit("poisson", "identity", "count"),
    fit("gamma", "log", "gamma"),
    fit("gamma", "log", "gamma", weights=True, offsets=True),
    fit("gamma", "log", "gamma", intercept=False),
    fit("gamma", "inverse", "positive"),
    fit("gamma", "identity", "positive", weights=True),
    fit("tweedie:1.5", "log", "tweedie"),
    fit("tweedie:1.7", "log", "tweedie", weights=True, offsets=True),
    fit("tweedie:1.2", "identity", "positive"),
    fit("tweedie:1", "log", "poisson"),
    fit("tweedie:2", "log", "gamma"),
    fit("tweedie:3", "log", "gamma"),
]


def penalised():
    cases = []

    def add(name, link, target, alpha, l1_ratio, model, weights=True, standardise=False):
        w = W if weights else None
        x = X
        if standardise:
            mean = np.average(X, axis=0, weights=w)
            sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=w))
            x = (X - mean) / sd
        model.fit(x, Y[target], sample_weight=w)
        beta, intercept = np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])
        if standardise:
            beta = beta / sd
            intercept -= float(mean @ beta)
        cases.append({
            "family": name, "link": link, "target": target, "alpha": alpha, "l1_ratio": l1_ratio,
            "weights": weights, "standardise": standardise, "by": type(model).__name__,
            "coefficients": [intercept, *beta.tolist()],
        })

    total = W.sum()
    tight = {"tol": 1e-13, "max_iter": 100_000}
    for standardise in (False, True):
        add("gaussian", "identity", "gaussian", 0.3, 0.6,
            linear_model.ElasticNet(alpha=0.3, l1_ratio=0.6, **tight), standardise=standardise)
        add("gaussian", "identity", "gaussian", 0.05, 1.0,
            linear_model.Lasso(alpha=0.05, **tight), standardise=standardise)
        add("binomial", "logit", "binomial", 0.1, 0.0,
            linear_model.LogisticRegression(C=1 / (0.1 * total), solver="newton-cholesky", tol=1e-12), standardise=standardise)
        add("poisson", "log", "poisson", 0.1, 0.0,
            linear_model.PoissonRegressor(alpha=0.1, solver="newton-cholesky", tol=1e-12), standardise=standardise)
        add("gamma", "log", "gamma", 0.1, 0.0,
            linear_model.GammaRegressor(alpha=0.1, solver="newton-cholesky", tol=1e-12), standardise=standardise)
        add("tweedie:1.5", "log", "tweedie", 0.1, 0.0,
            linear_model.TweedieRegressor(power=1.5, link="log", alpha=0.1, solver="newton-cholesky", tol=1e-12),
            standardise=standardise)
    # Columns of like spread, where its stochastic solver gets to the minimum.
    for alpha, l1_ratio in ((0.05, 0.5), (0.02, 1.0)):
        add("binomial", "logit", "binomial", alpha, l1_ratio,
            linear_model.LogisticRegression(C=1 / (alpha * total), l1_ratio=l1_ratio, solver="saga", tol=1e-12,
                                            max_iter=1_000_000, random_state=0), standardise=True)
    return cases


def general_net():
    """Poisson and gamma with an absolute penalty: a general minimiser on split coefficients (positive, negative)."""
    mean = np.average(X, axis=0, weights=W)
    sd = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=W))
    x = (X - mean) / sd
    cases = []
    for name, alpha, l1_ratio in (("poisson", 0.15, 0.7), ("gamma", 0.1, 1.0)):
        y = Y[name]

        def value(p):
            b = p[1:4] - p[4:7]
            eta = p[0] + x @ b
            if name == "poisson":
                loss, slope = np.exp(eta) - y * eta, np.exp(eta) - y
            else:
                loss, slope = y * np.exp(-eta) + eta, 1.0 - y * np.exp(-eta)
            g = x.T @ (W * slope) / W.sum()
            f = (W @ loss) / W.sum() + alpha * (0.5 * (1 - l1_ratio) * b @ b + l1_ratio * p[1:].sum())
            ridge = alpha * (1 - l1_ratio) * b
            lasso = alpha * l1_ratio
            return f, np.concatenate([[W @ slope / W.sum()], g + ridge + lasso, -g - ridge + lasso])

        p = np.concatenate([[np.log(np.average(y, weights=W))], np.zeros(6)])
        bounds = [(None, None)] + [(0.0, None)] * 6
        for _ in range(20):
            p = optimize.minimize(value, p, jac=True, method="L-BFGS-B", bounds=bounds,
                                  options={"maxiter": 100_000, "ftol": 1e-16, "gtol": 1e-13}).x
        b = (p[1:4] - p[4:7]) / sd
        cases.append({
            "family": name, "link": "log", "target": name, "alpha": alpha, "l1_ratio": l1_ratio,
            "weights": True, "standardise": True, "by": "scipy L-BFGS-B",
            "coefficients": [float(p[0] - mean @ b), *b.tolist()],
        })
    return cases


def path():
    mean, sd = X.mean(axis=0), X.std(axis=0)
    x, y = (X - mean) / sd, Y["gaussian"]
    alphas, coefficients, _ = linear_model.enet_path(x, y - y.mean(), l1_ratio=0.5, eps=1e-4, n_alphas=100, tol=1e-14,
                                                     max_iter=100_000)
    at = [0, 1, 10, 30, 60, 99]
    return {"l1_ratio": 0.5, "at": at, "alphas": alphas[at].tolist(), "coefficients": (coefficients.T / sd)[at].tolist()}


out = {
    "x": X.tolist(),
    "weights": W.tolist(),
    "offsets": O.tolist(),
    "targets": {k: v.tolist() for k, v in Y.items()},
    "cases": CASES,
    "penalised": penalised() + general_net(),
    "path": path(),
}
text = json.dumps(out, separators=(",", ":")).replace('},{"family"', '},\n{"family"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")

"""Golden values for tenure-eval. Run: python make.py > golden.json (packages: scikit-learn, scipy, betacal)."""

import json
import math
import platform

import betacal
import numpy as np
import scipy
import sklearn
from importlib.metadata import version
from scipy import optimize, stats
from sklearn import metrics as m
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(7)
EDGE = 1e-9


def delong(y, scores, w):
    """The original formula: every positive against every negative, O(n^2). Returns areas and covariance."""
    pos, neg = y == 1, y == 0
    wp, wn = w[pos], w[neg]
    thetas, vs, us = [], [], []
    for s in scores:
        psi = (s[pos][:, None] > s[neg][None, :]) + 0.5 * (s[pos][:, None] == s[neg][None, :])
        thetas.append(float((wp[:, None] * wn[None, :] * psi).sum() / (wp.sum() * wn.sum())))
        vs.append((psi * wn[None, :]).sum(1) / wn.sum())
        us.append((psi * wp[:, None]).sum(0) / wp.sum())
    k = len(scores)
    cov = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            for parts, ww in ((vs, wp), (us, wn)):
                n = len(ww)
                cov[i, j] += n / (n - 1) * (ww**2 * (parts[i] - thetas[i]) * (parts[j] - thetas[j])).sum() / ww.sum() ** 2
    return thetas, cov


def ece_mass(y, p, w, k):
    total, below, bins = w.sum(), 0.0, {}
    for value in np.unique(p):
        tie = p == value
        b = min(int(k * (below + w[tie].sum() / 2) / total), k - 1)
        below += w[tie].sum()
        bins.setdefault(b, []).append(tie)
    out = 0.0
    for ties in bins.values():
        rows = np.any(ties, axis=0)
        out += w[rows].sum() / total * abs(np.average(y[rows], weights=w[rows]) - np.average(p[rows], weights=w[rows]))
    return out


def ece_width(y, p, w, k):
    b = np.minimum((p * k).astype(int), k - 1)
    return sum(
        w[b == i].sum() / w.sum() * abs(np.average(y[b == i], weights=w[b == i]) - np.average(p[b == i], weights=w[b == i]))
        for i in np.unique(b)
    )


def binary(n, decimals, weighted):
    z = rng.normal(size=n)
    p = 1 / (1 + np.exp(-z))
    other = 1 / (1 + np.exp(-(z + rng.normal(size=n))))
    y = (rng.random(n) < p).astype(float)
    y[:4] = [0, 1, 0, 1]
    if decimals is not None:
        p, other = np.round(p, decimals), np.round(other, decimals)
    w = np.round(rng.gamma(2.0, size=n), 3) if weighted else np.ones(n)
    (auc, auc_b), cov = delong(y, [p, other], w)
    se, sed = math.sqrt(cov[0, 0]), math.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    fpr, tpr, _ = m.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    precision, recall, thresholds = m.precision_recall_curve(y, p, sample_weight=w)
    hit = p >= 0.6
    return dict(
        labels=y.tolist(), probabilities=p.tolist(), other=other.tolist(), weights=w.tolist() if weighted else None,
        roc_auc=m.roc_auc_score(y, p, sample_weight=w), delong_auc=auc, standard_error=se,
        low=max(0, auc - stats.norm.ppf(0.975) * se), high=min(1, auc + stats.norm.ppf(0.975) * se),
        difference=auc - auc_b, difference_se=sed, p_value=2 * stats.norm.sf(abs(auc - auc_b) / sed),
        average_precision=m.average_precision_score(y, p, sample_weight=w),
        log_loss=m.log_loss(y, p, sample_weight=w), brier=m.brier_score_loss(y, p, sample_weight=w),
        ks=float(np.max(np.abs(tpr - fpr))),
        ks_scipy=None if weighted else stats.ks_2samp(p[y == 1], p[y == 0]).statistic,
        ece_mass=ece_mass(y, p, w, 10), ece_width=ece_width(y, p, w, 15),
        accuracy=m.accuracy_score(y, hit, sample_weight=w), precision=m.precision_score(y, hit, sample_weight=w),
        recall=m.recall_score(y, hit, sample_weight=w), f1=m.f1_score(y, hit, sample_weight=w),
        fpr=fpr.tolist(), tpr=tpr.tolist(),
        curve_precision=precision[:-1][::-1].tolist(), curve_recall=recall[:-1][::-1].tolist(),
        curve_thresholds=thresholds[::-1].tolist(),
    )


def regression(n, weighted):
    y = rng.gamma(2.0, 50.0, size=n)
    p = y * np.exp(rng.normal(0, 0.4, size=n))
    zero = np.where(rng.random(n) < 0.3, 0.0, y)
    w = np.round(rng.gamma(2.0, size=n), 3) if weighted else np.ones(n)

    def gini(order_by):
        o = np.argsort(-order_by, kind="stable")
        x = np.concatenate([[0], np.cumsum(w[o]) / w.sum()])
        c = np.concatenate([[0], np.cumsum((w * y)[o]) / (w * y).sum()])
        return np.trapezoid(c, x) - 0.5

    return dict(
        actual=y.tolist(), predicted=p.tolist(), zero=zero.tolist(), weights=w.tolist() if weighted else None,
        mae=m.mean_absolute_error(y, p, sample_weight=w), rmse=m.root_mean_squared_error(y, p, sample_weight=w),
        r2=m.r2_score(y, p, sample_weight=w), mape=m.mean_absolute_percentage_error(y, p, sample_weight=w),
        gamma=m.mean_gamma_deviance(y, p, sample_weight=w), poisson=m.mean_poisson_deviance(zero, p, sample_weight=w),
        tweedie={str(q): m.mean_tweedie_deviance(zero if q < 2 else y, p, sample_weight=w, power=q) for q in (-1.0, 0.0, 1.5, 3.0)},
        gini=gini(p) / gini(y),
    )


def smoothed(y, w):
    n1, n0 = (w * y).sum(), (w * (1 - y)).sum()
    return np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def likelihood_fit(terms, t, w, bounds):
    x = np.column_stack(terms + [np.ones(len(t))])

    def loss(b):
        z = x @ b
        return (w * (np.logaddexp(0, z) - t * z)).sum()

    def gradient(b):
        return x.T @ (w * (1 / (1 + np.exp(-(x @ b))) - t))

    fit = optimize.minimize(loss, np.zeros(x.shape[1]), jac=gradient, bounds=bounds, method="L-BFGS-B",
                            options=dict(ftol=1e-16, gtol=1e-10, maxiter=100000, maxcor=30))
    return fit.x


def calibration(n, kind, weighted):
    z = rng.normal(size=n)
    p = 1 / (1 + np.exp(-z))
    true = {"shifted": 1 / (1 + np.exp(-(0.6 * z - 0.5))), "u": 0.2 + 0.6 * np.abs(2 * p - 1), "reversed": 1 - p}[kind]
    y = (rng.random(n) < true).astype(float)
    p[: n // 5] = np.round(p[: n // 5], 1)
    w = np.round(rng.gamma(2.0, size=n), 3) if weighted else np.ones(n)
    grid = np.linspace(0, 1, 21)
    q, g = np.clip(p, EDGE, 1 - EDGE), np.clip(grid, EDGE, 1 - EDGE)
    t = smoothed(y, w)
    a, b = likelihood_fit([np.log(q / (1 - q))], t, w, [(0, None), (None, None)])
    a2, b2, c2 = likelihood_fit([np.log(q), -np.log1p(-q)], t, w, [(0, None), (0, None), (None, None)])
    isotonic = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1).fit(p, y, sample_weight=w)
    sigma = lambda v: 1 / (1 + np.exp(-v))
    package = None
    if kind == "shifted" and not weighted:
        package = betacal.BetaCalibration("abm").fit(p.reshape(-1, 1), y).predict(grid[1:-1]).tolist()
    return dict(
        kind=kind, probabilities=p.tolist(), labels=y.tolist(), weights=w.tolist() if weighted else None, grid=grid.tolist(),
        platt=sigma(a * np.log(g / (1 - g)) + b).tolist(), beta=sigma(a2 * np.log(g) - b2 * np.log1p(-g) + c2).tolist(),
        isotonic=isotonic.predict(grid).tolist(), betacal=package,
    )


out = dict(
    versions=dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__,
                  sklearn=sklearn.__version__, betacal=version("betacal")),
    binary=[binary(n, d, w) for n in (12, 150) for d in (None, 1) for w in (False, True)],
    regression=[regression(n, w) for n in (7, 120) for w in (False, True)],
    calibration=[calibration(300, k, w) for k in ("shifted", "u", "reversed") for w in (False, True)],
    jeffreys=[dict(hits=k, rows=n, level=l, low=0.0 if k == 0 else stats.beta.ppf((1 - l) / 2, k + 0.5, n - k + 0.5),
                   high=1.0 if k == n else stats.beta.ppf(1 - (1 - l) / 2, k + 0.5, n - k + 0.5))
              for k, n, l in ((0, 10, 0.9), (3, 10, 0.9), (10, 10, 0.95), (17, 1000, 0.9), (4000, 10000, 0.9))],
)
if __name__ == "__main__":
    print(json.dumps(out))

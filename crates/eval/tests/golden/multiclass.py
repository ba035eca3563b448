"""Golden values of several classes and of further regression losses for tenure-eval.

Run: python multiclass.py > multiclass.json (packages: scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6).
"""

import json
import platform

import numpy as np
import scipy
import sklearn
from scipy import special
from sklearn import metrics as m

from make import ece_mass

rng = np.random.default_rng(11)


def multiclass(n, k, decimals, weighted):
    z = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[rng.integers(0, k, size=n)]
    p = special.softmax(z, axis=1)
    y = np.array([rng.choice(k, p=row) for row in p])
    y[:k] = np.arange(k)
    if decimals is not None:  # ties, zeros and ones; the last class takes what rounding left
        p = np.round(p, decimals)
        p[:, -1] = np.maximum(0, np.round(1 - p[:, :-1].sum(1), decimals))
        p /= p.sum(1, keepdims=True)
    w = np.round(rng.gamma(2.0, size=n), 3) if weighted else np.ones(n)
    top = p.argmax(1)
    one = np.eye(k)[y]
    labels = np.arange(k)
    precision, recall, f1, _ = m.precision_recall_fscore_support(y, top, labels=labels, sample_weight=w, zero_division=np.nan)
    f1_of = lambda average: m.f1_score(y, top, average=average, sample_weight=w)
    return dict(
        labels=y.astype(float).tolist(), probabilities=p.ravel().tolist(), classes=k, weights=w.tolist() if weighted else None,
        accuracy=m.accuracy_score(y, top, sample_weight=w),
        # Its own average of one against the rest, `roc_auc_ovr`, is taken where it can be: it needs three classes.
        roc_auc_macro=float(np.mean([m.roc_auc_score(one[:, c], p[:, c], sample_weight=w) for c in labels])),
        roc_auc_ovr=None if weighted or k == 2 else m.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        log_loss=m.log_loss(y, p, sample_weight=w, labels=labels),
        log_loss_base=m.log_loss(y, np.tile(np.average(one, axis=0, weights=w), (n, 1)), sample_weight=w, labels=labels),
        brier=m.brier_score_loss(y, p, sample_weight=w, labels=labels, scale_by_half=False),
        f1_macro=f1_of("macro"), f1_weighted=f1_of("weighted"), f1_micro=f1_of("micro"),
        precision=[None if np.isnan(v) else v for v in precision], recall=recall.tolist(), f1=f1.tolist(),
        roc_auc=[m.roc_auc_score(one[:, c], p[:, c], sample_weight=w) for c in labels],
        average_precision=[m.average_precision_score(one[:, c], p[:, c], sample_weight=w) for c in labels],
        confusion=m.confusion_matrix(y, top, sample_weight=w, labels=labels).astype(float).tolist(),
        ece=[ece_mass(one[:, c], p[:, c], w, 10) for c in labels],
        ece_top=ece_mass((top == y).astype(float), p.max(1), w, 10),
    )


def regression(n, weighted):
    y = rng.gamma(2.0, 5.0, size=n)
    p = y * np.exp(rng.normal(0, 0.5, size=n))
    zero = np.where(rng.random(n) < 0.3, 0.0, y)
    w = np.round(rng.gamma(2.0, size=n), 3) if weighted else np.ones(n)
    return dict(
        actual=y.tolist(), predicted=p.tolist(), zero=zero.tolist(), weights=w.tolist() if weighted else None,
        pinball={str(q): m.mean_pinball_loss(y, p, sample_weight=w, alpha=q) for q in (0.1, 0.5, 0.9)},
        huber={str(d): float(np.average(special.huber(d, y - p), weights=w)) for d in (0.5, 3.0)},
        d2={str(q): m.d2_tweedie_score(zero if q < 2 else y, p, sample_weight=w, power=q) for q in (0.0, 1.0, 1.5, 2.0)},
    )


print(json.dumps(dict(
    versions=dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__, sklearn=sklearn.__version__),
    multiclass=[multiclass(n, k, d, w) for n, k in ((12, 2), (90, 3), (150, 5)) for d in (None, 1) for w in (False, True)],
    regression=[regression(80, w) for w in (False, True)],
)))

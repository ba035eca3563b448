"""Golden values for tenure-ltv: lifetimes for fits and forecasts, mpmath for edge values, scipy for covariates.

    python3.11 -m venv venv && venv/bin/pip install lifetimes==0.11.3 numpy==1.23.5 scipy==1.10.1 pandas==1.5.3 \
        mpmath==1.4.1 autograd==1.9.1 dill==0.4.1
    venv/bin/python lifetimes_and_mpmath.py > lifetimes_and_mpmath.json

The customers are those that lifetimes (MIT) ships: the CDNOW sample and the donations of Fader, Hardie & Shang (2010).
"""

import json

import lifetimes
import mpmath as mp
import numpy as np
import scipy
from lifetimes.datasets import load_cdnow_summary, load_cdnow_summary_data_with_monetary_value, load_donations
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

mp.mp.dps = 40
f = float


def numbers(values):
    return [f(v) for v in np.ravel(values)]


def cdnow():
    data = load_cdnow_summary_data_with_monetary_value()
    x, t_x, age, z = (data[c] for c in ["frequency", "recency", "T", "monetary_value"])
    bg = lifetimes.BetaGeoFitter()
    bg.fit(x, t_x, age)
    pareto = lifetimes.ParetoNBDFitter()
    pareto.fit(x, t_x, age, initial_params=np.ones(4), tol=1e-12, maxiter=20000)
    spend = lifetimes.GammaGammaFitter()
    repeat = x > 0
    spend.fit(x[repeat], z[repeat])
    rows = [0, 1, 2, 5, 10, 100, 777, 2000]
    at = [x.iloc[rows].values, t_x.iloc[rows].values, age.iloc[rows].values]
    clv = spend.customer_lifetime_value(bg, x, t_x, age, z, time=12, discount_rate=0.01, freq="W")
    clv_pareto = spend.customer_lifetime_value(pareto, x, t_x, age, z, time=12, discount_rate=0.01, freq="W")
    return {
        "rows": rows,
        "bg_nbd": {
            "params": numbers(bg.params_),
            "standard_errors": numbers(bg.standard_errors_),
            # lifetimes counts time in units of its own.
            "log_likelihood": -f(bg._negative_log_likelihood_) * len(x) + f(x.sum() * np.log(bg._scale)),
            "alive": numbers(bg.conditional_probability_alive(*at)),
            "expected": {str(t): numbers(bg.predict(t, *at)) for t in [1.0, 39.0, 200.0]},
            "new_expected": {str(t): f(bg.expected_number_of_purchases_up_to_time(t)) for t in [1.0, 39.0, 500.0]},
            "new_exactly": [f(bg.probability_of_n_purchases_up_to_time(39.0, n)) for n in range(8)],
            "clv": numbers(clv.iloc[rows]),
        },
        "pareto_nbd": {
            "params": numbers(pareto.params_),
            "log_likelihood": -f(pareto._negative_log_likelihood_) + f(x.sum() * np.log(pareto._scale)),
            "alive": numbers(pareto.conditional_probability_alive(*at)),
            "expected": {
                str(t): numbers(pareto.conditional_expected_number_of_purchases_up_to_time(t, *at))
                for t in [1.0, 39.0, 200.0]
            },
            "new_expected": {
                str(t): f(pareto.expected_number_of_purchases_up_to_time(t)) for t in [1.0, 39.0, 500.0]
            },
            "exactly": [
                numbers(pareto.conditional_probability_of_n_purchases_up_to_time(n, 39.0, *at)) for n in range(4)
            ],
            "clv": numbers(clv_pareto.iloc[rows]),
        },
        "gamma_gamma": {
            "params": numbers(spend.params_),
            "standard_errors": numbers(spend.standard_errors_),
            "log_likelihood": -f(spend._negative_log_likelihood_) * int(repeat.sum()),
            "expected": numbers(spend.conditional_expected_average_profit(x, z).iloc[rows]),
        },
    }


def donations():
    data = load_donations()
    x, t_x, n, w = (data[c] for c in ["frequency", "recency", "periods", "weights"])
    fit = lifetimes.BetaGeoBetaBinomFitter()
    fit.fit(x, t_x, n, w, tol=1e-9)
    return {
        "table": data[["frequency", "recency", "periods", "weights"]].values.T.tolist(),
        "params": numbers(fit.params_),
        "log_likelihood": -f(fit._negative_log_likelihood_) * int(w.sum()),
        "expected_5": numbers(fit.conditional_expected_number_of_purchases_up_to_time(5, x, t_x, n)),
        "alive_now": numbers(fit.conditional_probability_alive(0, x, t_x, n)),
        "alive_next": numbers(fit.conditional_probability_alive(1, x, t_x, n)),
    }


def bg_if_alive(r, alpha, a, b, x, age, t):
    """Equation (10) of Fader, Hardie & Lee (2005a) over P(alive)."""
    r, alpha, a, b, x, age, t = map(mp.mpf, (r, alpha, a, b, x, age, t))
    c = a + b + x - 1
    z = t / (alpha + age + t)
    return c / (a - 1) * (1 - ((alpha + age) / (alpha + age + t)) ** (r + x) * mp.hyp2f1(r + x, b + x, c, z))


def pareto_terms(r, alpha, s, beta, x, t_x, age):
    """ln L and P(alive) by the two pairs of hypergeometric functions (Fader & Hardie 2005, a note)."""
    r, alpha, s, beta, x, t_x, age = map(mp.mpf, (r, alpha, s, beta, x, t_x, age))

    def part(y):
        if alpha >= beta:
            return mp.hyp2f1(r + s + x, s + 1, r + s + x + 1, (alpha - beta) / (alpha + y)) / (alpha + y) ** (r + s + x)
        return mp.hyp2f1(r + s + x, r + x, r + s + x + 1, (beta - alpha) / (beta + y)) / (beta + y) ** (r + s + x)

    stayed = (alpha + age) ** -(r + x) * (beta + age) ** -s
    left = s / (r + s + x) * (part(t_x) - part(age))
    front = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) + s * mp.log(beta)
    return front + mp.log(stayed + left), stayed / (stayed + left), front, stayed + left


def edges():
    cases = []
    for r, alpha, a, b in [(0.243, 4.414, 0.793, 2.426), (0.5, 3.0, 1.0 + 1e-9, 2.5), (2.0, 100.0, 0.02, 0.5),
                           (8.0, 2.0, 40.0, 300.0)]:
        for x, t_x, age, t in [(0, 0, 0, 52), (0, 0, 39, 1e6), (3, 20, 39, 1e-4), (60, 38.9, 39, 52),
                               (2000, 600, 730, 365), (40000, 700, 730, 3)]:
            if_alive = bg_if_alive(r, alpha, a, b, x, age, t)
            alive = 1 if x == 0 else 1 / (
                1 + mp.mpf(a) / (mp.mpf(b) + x - 1) * ((mp.mpf(alpha) + age) / (mp.mpf(alpha) + t_x)) ** (mp.mpf(r) + x))
            cases.append([r, alpha, a, b, x, t_x, age, t, f(if_alive), f(alive)])
    pareto = []
    for r, alpha, s, beta in [(0.553, 10.578, 0.606, 11.669), (0.553, 11.669, 0.606, 10.578), (0.5, 7.0, 0.6, 7.0),
                              (0.5, 7.0, 0.6, 7.0 + 1e-9), (3.0, 1e-3, 0.02, 900.0), (0.05, 800.0, 5.0, 1e-3)]:
        for x, t_x, age in [(0, 0, 39), (1, 0.5, 39), (3, 38.999999, 39), (60, 20, 39), (2000, 600, 730), (20000, 725, 730)]:
            ln_l, alive, front, sum_ = pareto_terms(r, alpha, s, beta, x, t_x, age)
            rate = mp.mpf("0.0027")
            shape, per = mp.mpf(r) + x, mp.mpf(alpha) + age
            late = mp.mpf(beta) + age
            # DERT given alive, by Tricomi's function (Fader, Hardie & Lee 2005b, equation 2).
            dert = shape / per * rate ** (mp.mpf(s) - 1) * late ** s * mp.hyperu(s, s, rate * late)
            pareto.append([r, alpha, s, beta, x, t_x, age, f(ln_l), f(alive), f(dert * alive)])
    return {"bg_nbd": cases, "pareto_nbd": pareto, "rate": 0.0027}


def bg_ll(r, alpha, a, b, x, t_x, age):
    first = betaln(a, b + x) - betaln(a, b) + gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    stayed = -(r + x) * np.log(alpha + age)
    with np.errstate(divide="ignore"):
        left = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf)
    return first + np.logaddexp(stayed, left)


def pareto_ll(r, alpha, s, beta, x, t_x, age):
    big, rest, b = np.maximum(alpha, beta), np.abs(alpha - beta), np.where(alpha >= beta, s + 1, r + x)
    part = lambda y: hyp2f1(r + s + x, b, r + s + x + 1, rest / (big + y)) / (big + y) ** (r + s + x)
    left = s / (r + s + x) * (part(t_x) - part(age))
    stayed = (alpha + age) ** -(r + x) * (beta + age) ** -s
    return gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(stayed + left)


def best(objective, start):
    with np.errstate(all="ignore"):
        for gtol in [1e-3, 1e-6]:
            start = minimize(objective, start, method="BFGS", jac="3-point", options={"gtol": gtol}).x
    return start, -objective(start)


def draw(rng, z, leaves):
    """Customers with covariates; `leaves` is "bg" for dropout after purchases, "pareto" for dropout in time."""
    n = len(z)
    age = np.round(rng.uniform(20, 40, n), 1)
    rate = rng.gamma(0.8, 1 / (4 * np.exp(-z @ [0.6, -0.4])))
    p = rng.beta(1.2 * np.exp(z @ [0.3, 0.5]), 3.0 * np.exp(z @ [-0.2, 0.4]))
    last = rng.exponential(1 / rng.gamma(0.7, 1 / (10 * np.exp(-z @ [0.5, 0.3]))))
    x, t_x = np.zeros(n), np.zeros(n)
    for i in range(n):
        t = 0.0
        while True:
            t += rng.exponential(1 / rate[i])
            if t > age[i] or (leaves == "pareto" and t > last[i]):
                break
            x[i] += 1
            t_x[i] = t
            if leaves == "bg" and rng.random() < p[i]:
                break
    return x, np.minimum(np.round(t_x, 3), age), age


def covariates():
    rng = np.random.default_rng(5)
    z = np.round(np.column_stack([rng.normal(size=400), rng.integers(0, 2, 400)]), 3)
    made = {"z": z.tolist()}
    for name in ["bg", "pareto"]:
        data = draw(rng, z, name)

        def bg(q):
            r, alpha, a, b = np.exp(q[:4])
            return -bg_ll(r, alpha * np.exp(-z @ q[4:6]), a * np.exp(z @ q[6:8]), b * np.exp(z @ q[8:10]), *data).sum()

        def pareto(q):
            r, alpha, s, beta = np.exp(q[:4])
            return -pareto_ll(r, alpha * np.exp(-z @ q[4:6]), s, beta * np.exp(-z @ q[6:8]), *data).sum()

        at, log_likelihood = best(*{"bg": (bg, np.r_[0, 1, 0, 1, np.zeros(6)]),
                                    "pareto": (pareto, np.r_[0, 1, 0, 2, np.zeros(4)])}[name])
        made[name + "_nbd"] = {
            "x": numbers(data[0]), "t_x": numbers(data[1]), "age": numbers(data[2]),
            "values": numbers(np.exp(at[:4])) + numbers(at[4:]), "log_likelihood": f(log_likelihood),
        }
    return made


print(json.dumps(allow_nan=False, obj={
    "versions": {"lifetimes": lifetimes.__version__, "numpy": np.__version__, "scipy": scipy.__version__,
                 "mpmath": mp.__version__},
    "cdnow": cdnow(), "donations": donations(), "edges": edges(), "covariates": covariates(),
}))

"""Golden values of the judge of send times: logistic regression with covariance by recipient.

Written with Python 3, numpy and statsmodels; the versions stand in the output. Run: python sandwich.py
"""

import json
import pathlib
import platform

import numpy as np
import statsmodels
import statsmodels.api as sm
from scipy import stats

rng = np.random.default_rng(7)
recipients, each = 40, 9
group = np.repeat(np.arange(recipients), each)
n = recipients * each
own = rng.normal(0, 0.8, recipients)[group]
x = np.column_stack([rng.normal(0, 1, n), rng.uniform(0, 5, n), rng.normal(0, 1, n) + 0.3 * own]).round(3)
eta = -0.8 + 0.5 * x[:, 0] - 0.1 * x[:, 1] + 0.4 * x[:, 2] + own
y = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(int)

fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, tol=1e-12, maxiter=200, cov_type="cluster", cov_kwds={"groups": group})
# The first two columns are the time terms; the third is another one.
beta, cov = fit.params[1:3], fit.cov_params()[1:3, 1:3]
f = float(beta @ np.linalg.solve(cov, beta) / 2)
golden = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "statsmodels": statsmodels.__version__,
    },
    "x": x.tolist(),
    "y": y.tolist(),
    "group": group.tolist(),
    "coefficients": beta.tolist(),
    "covariance": cov.ravel().tolist(),
    "f": f,
    "p_value": float(stats.f.sf(f, 2, recipients - 1)),
    "reach": float(np.sqrt(2 * stats.f.ppf(0.95, 2, recipients - 1))),
}
path = pathlib.Path(__file__).with_name("sandwich.json")
path.write_text(json.dumps(golden) + "\n")

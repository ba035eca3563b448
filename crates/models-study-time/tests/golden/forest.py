"""Writes forest.json for tests/choices.rs: a random forest of scikit-learn on the folds that the test draws.

scikit-learn 1.9.1, pandas 3.1.1; run beside the project's data:
python3 forest.py ../../../../../shared/data > forest.json
"""
import json
import sys

import numpy
import pandas
import sklearn
from sklearn.ensemble import RandomForestRegressor

MASK = (1 << 64) - 1


def mix(seed, part):
    z = seed ^ (((part + 1) & MASK) * 0x9E3779B97F4A7C15 & MASK)
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def folds(rows, count, seed):
    """As tenure_eval::splits::k_fold deals rows out."""
    order = list(range(rows))
    for last in range(rows - 1, 0, -1):
        pick = (mix(seed, last) * (last + 1)) >> 64
        order[last], order[pick] = order[pick], order[last]
    fold = numpy.zeros(rows, int)
    for place, row in enumerate(order):
        fold[row] = place % count
    return fold


def mean_fold_rmse(inputs, target):
    fold = folds(len(target), 10, 42)
    errors = []
    for k in range(10):
        train = fold != k
        forest = RandomForestRegressor(200, random_state=0).fit(inputs[train], target[train])
        errors.append(numpy.sqrt(numpy.mean((forest.predict(inputs[~train]) - target[~train]) ** 2)))
    return float(numpy.mean(errors))


grades = pandas.read_csv(f"{sys.argv[1]}/student_mat/student-mat.csv")
hours = pandas.read_csv(f"{sys.argv[1]}/gpa_study_hours/gpa_study_hours.csv")
found = {}
for name, drop in [("all", []), ("without_g2", ["G2"]), ("without_g1_g2", ["G1", "G2"])]:
    inputs = pandas.get_dummies(grades.drop(columns=["G3", *drop])).astype(float)
    found[name] = mean_fold_rmse(inputs, grades.G3)
found["study_hours"] = mean_fold_rmse(hours[["gpa"]], hours.study_hours)
json.dump({"scikit-learn": sklearn.__version__, "mean_fold_rmse": found}, sys.stdout)

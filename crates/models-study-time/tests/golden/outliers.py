"""Writes outliers.json: the fences of S004's formula by pandas, for tests/choices.rs.

pandas 2.x or newer; run beside the project's data: python3 outliers.py ../../../../../shared/data > outliers.json
"""
import json
import sys

import pandas

table = pandas.read_csv(f"{sys.argv[1]}/student_mat/student-mat.csv")
found = {}
for column in ["G3", "age", "absences", "failures", "goout", "G1"]:
    values = table[column]
    q1, q3 = values.quantile(0.25), values.quantile(0.75)
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    found[column] = {
        "q1": q1, "q3": q3, "low": low, "high": high,
        "rows": [int(row) for row in table.index[(values < low) | (values > high)]],
    }
json.dump({"pandas": pandas.__version__, "columns": found}, sys.stdout)

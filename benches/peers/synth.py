"""Orders per second of a vectorised numpy generator, the yardstick of `measure synth`.

The simplest comparable log: Poisson orders at three rate classes, customers joining over 24 months, a lapse
time each, lognormal amounts in cents, discounts, quantities, categories and channels, sorted by customer and
time. No hidden states, no seasons, no lines, no returns, no truth.

python benches/peers/synth.py [customers]
"""

import json
import sys
import time

import numpy as np

DAY = 86_400


def generate(customers: int, days: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    gap = rng.choice(np.array([60.0, 30.0, 12.0]), customers, p=[0.35, 0.35, 0.3])
    join = np.maximum(rng.uniform(-days / 2, days, customers), 0.0)
    leave = np.minimum(join + rng.exponential(300.0, customers), days)
    count = 1 + rng.poisson((leave - join) / gap)
    customer = np.repeat(np.arange(customers, dtype=np.uint32), count)
    rows = customer.size
    when = join[customer] + rng.random(rows) * (leave - join)[customer]
    when = when[np.lexsort((when, customer))]
    gross = np.rint(np.exp(np.log(32.0) + 0.5 * rng.standard_normal(rows)) * 100.0)
    off = np.where(rng.random(rows) < 0.15, np.rint(gross * rng.choice(np.array([0.05, 0.1, 0.2]), rows)), 0.0)
    return {
        "customer": customer,
        "time": (when * DAY).astype(np.int64),
        "amount": (gross - off) / 100.0,
        "discount": off / 100.0,
        "quantity": rng.integers(1, 4, rows).astype(np.float64),
        "category": rng.integers(0, 8, rows, dtype=np.uint32),
        "channel": rng.integers(0, 3, rows, dtype=np.uint32),
        "order": np.arange(rows, dtype=np.uint32),
    }


def main() -> None:
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    rates = []
    for seed in range(9):
        begin, cpu = time.perf_counter(), time.process_time()
        rows = generate(customers, 730.0, np.random.default_rng(seed))["time"].size
        rates.append((rows / (time.perf_counter() - begin), rows / (time.process_time() - cpu)))
    wall, cpu = np.median(np.array(rates), axis=0)
    print(json.dumps({"numpy": np.__version__, "orders": rows, "orders_per_second": wall, "by_cpu_time": cpu}))


if __name__ == "__main__":
    main()

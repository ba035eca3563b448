"""Networks of several tasks in PyTorch (eager), beside `measure neural`.

  neural.py PROFILE THREADS    PROFILE is guide or sagemaker; prints JSON: seconds of one epoch of 7,000 rows at batch 64
                               (median of five, after one that is not counted), microseconds of one row's prediction

guide: 59 inputs, 128-64-32, five heads of one dense layer. sagemaker: 150 inputs, 256-128-64, six heads with a hidden
layer of 32, that of supply and demand 64 and 20 outputs. Batch normalisation, dropout 0.3 and 0.2, binary cross-entropy and
squared error with the weights of the tasks, Adam. Rows are drawn: times hardly depend on them. Needs what
requirements.txt pins.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

ROWS, BATCH, EPOCHS, CALLS = 7_000, 64, 5, 2_000
WIDTHS = {"guide": [59, 128, 64, 32], "sagemaker": [150, 256, 128, 64]}
# Name, outputs, whether it is a probability, weight; supply and demand in sagemaker alone.
TASKS = [
    ("first_session_success", 1, True, 1.0), ("session_velocity", 1, False, 0.5), ("churn_risk_14d", 1, True, 2.0),
    ("churn_risk_30d", 1, True, 2.0), ("supply_demand", 20, False, 1.0), ("health_score", 1, False, 1.5),
]


class Network(nn.Module):
    def __init__(self, profile):
        super().__init__()
        inputs, first, second, third = WIDTHS[profile]
        self.trunk = nn.Sequential(
            nn.Linear(inputs, first), nn.ReLU(), nn.BatchNorm1d(first), nn.Dropout(0.3),
            nn.Linear(first, second), nn.ReLU(), nn.BatchNorm1d(second), nn.Dropout(0.2),
            nn.Linear(second, third), nn.ReLU(),
        )
        self.tasks = TASKS if profile == "sagemaker" else [task for task in TASKS if task[1] == 1]
        self.heads = nn.ModuleDict()
        for name, outputs, *_ in self.tasks:
            hidden = 64 if outputs > 1 else 32
            own = [nn.Linear(third, hidden), nn.ReLU(), nn.Linear(hidden, outputs)]
            self.heads[name] = nn.Sequential(*own) if profile == "sagemaker" else nn.Linear(third, outputs)

    def forward(self, x):
        shared = self.trunk(x)
        return {name: head(shared) for name, head in self.heads.items()}

    def loss(self, x, labels):
        found = self(x)
        total = 0.0
        for name, _, probability, weight in self.tasks:
            raw = found[name]
            if probability:
                loss = F.binary_cross_entropy_with_logits(raw, labels[name])
            else:
                loss = F.mse_loss(raw.sigmoid() if name == "health_score" else raw, labels[name])
            total = total + weight * loss
        return total


def data(network, inputs):
    x = torch.randn(ROWS, inputs)
    signal = x[:, :5].sum(1, keepdim=True)
    labels = {}
    for name, outputs, probability, _ in network.tasks:
        noisy = signal + torch.randn(ROWS, outputs)
        labels[name] = (noisy > 0).float() if probability else noisy.sigmoid()
    return x, labels


def epoch(network, optimizer, x, labels):
    network.train()
    total = 0.0
    for rows in torch.randperm(ROWS).split(BATCH):
        optimizer.zero_grad(set_to_none=True)
        loss = network.loss(x[rows], {name: values[rows] for name, values in labels.items()})
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / ROWS


@torch.inference_mode()
def row_us(network, x):
    network.eval()
    times = []
    for call in range(CALLS * 11 // 10):
        row = x[call % ROWS][None, :]
        start = time.perf_counter_ns()
        found = network(row)
        for name, _, probability, _ in network.tasks:
            if probability or name == "health_score":
                found[name] = found[name].sigmoid()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times[CALLS // 10:]) / 1e3


def main():
    profile, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(42)
    network = Network(profile)
    x, labels = data(network, WIDTHS[profile][0])
    # `fused` is the fastest of PyTorch's three ways of taking this step on a CPU.
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    epoch(network, optimizer, x, labels)
    seconds, cpu, losses = [], [], []
    for _ in range(EPOCHS):
        start, busy = time.perf_counter(), time.process_time()
        losses.append(epoch(network, optimizer, x, labels))
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
    print(json.dumps({
        "torch": torch.__version__, "seconds": statistics.median(seconds), "cpu_s": statistics.median(cpu),
        "loss": losses[-1], "one_row_us": row_us(network, x), "parameters": sum(p.numel() for p in network.parameters()),
    }))


if __name__ == "__main__":
    main()

"""Writes events.tfevents with TensorBoard's own protocol buffers: what tests/exchange.rs writes with tenure.

Run: python events.py, with tensorboard and numpy; the versions stand in events.json.
"""

import json
import pathlib
import platform
from importlib.metadata import version

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = pathlib.Path(__file__).parent
START = 1_700_000_000.25
TEXT = "| layer | width |\n|---|---|\n| dense, größer | 128 |"
# From tiny to huge, both signs, zero, the ends of buckets, and more than a byte's worth of buckets.
VALUES = np.float32([0.0, -0.0, 1e-30, 1e-12, -1e-12, 0.5, -0.5, 1.0, 1.0, 3.25, -2.0, 1e19, 1e20, 1e30, -1e30] +
                    [0.01 * i for i in range(100)])


def limits():
    positive, limit = [], 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    return [-limit for limit in positive[::-1]] + [0.0] + positive + [np.finfo(np.float64).max]


def histogram(values):
    """TensorFlow's rule: a value belongs to the first bucket that ends above it."""
    values = np.float64(values[np.isfinite(values)])
    ends = limits()
    counts = np.bincount(np.searchsorted(ends, values, side="right"), minlength=len(ends))
    occupied = np.flatnonzero(counts)
    kept = []
    for i in range(occupied[0], occupied[-1] + 1) if len(occupied) else []:
        if counts[i] or counts[i + 1]:
            kept.append(i)
    total = squares = 0.0
    for value in values:
        total, squares = total + value, squares + value * value
    return HistogramProto(
        min=min(values, default=0.0), max=max(values, default=0.0), num=len(values), sum=total, sum_squares=squares,
        bucket_limit=[ends[i] for i in kept], bucket=[counts[i] for i in kept])


def text(content):
    return {
        "tensor": TensorProto(dtype=DT_STRING, tensor_shape=TensorShapeProto(), string_val=[content.encode()]),
        "metadata": SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"),
                                    data_class=DATA_CLASS_TENSOR),
    }


def event(step, seconds, tag, **value):
    return Event(wall_time=START + seconds, step=step, summary=Summary(value=[Summary.Value(tag=tag, **value)]))


def main():
    events = [Event(wall_time=START, file_version="brain.Event:2"), event(0, 0, "network", **text(TEXT))]
    for step in [1, 2, 300]:
        events.append(event(step, step, "loss/train", simple_value=1.0 / step))
        events.append(event(step, step, "trunk.0.weight", histo=histogram(VALUES * np.float32(step))))
    events.append(event(2, 2, "loss/valid", simple_value=0.0))
    events.append(event(2, 2, "loss/valid", simple_value=float("nan")))
    events.append(event(2, 2, "empty", histo=histogram(np.float32([np.nan, np.inf]))))
    with (HERE / "events.tfevents").open("wb") as file:
        writer = RecordWriter(file)
        for each in events:
            writer.write(each.SerializeToString(deterministic=True))
    versions = {"python": platform.python_version()} | {
        name: version(name) for name in ["tensorboard", "protobuf", "numpy"]}
    (HERE / "events.json").write_text(json.dumps({"versions": versions}) + "\n")


if __name__ == "__main__":
    main()

"""Reads with the packages of others what `cargo test -p tenure-neural --test exchange` wrote.

  check.py FOLDER    FOLDER is target/tmp/neural; fails where something is not as it was written

Needs what requirements.txt pins.
"""

import pathlib
import sys

import numpy as np
from safetensors import safe_open
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.histogram.histograms_plugin import HistogramsPlugin
from tensorboard.plugins.scalar.scalars_plugin import ScalarsPlugin
from tensorboard.plugins.text.text_plugin import TextPlugin

# What tests/exchange.rs logs.
START = 1_700_000_000.25
STEPS = [1, 2, 300]
VALUES = np.float32([0.0, -0.0, 1e-30, 1e-12, -1e-12, 0.5, -0.5, 1.0, 1.0, 3.25, -2.0, 1e19, 1e20, 1e30, -1e30] +
                    [0.01 * i for i in range(100)])


def safetensors(folder):
    with safe_open(folder / "written.safetensors", framework="numpy") as file:
        assert file.metadata() == {"format": "pt", "origin": "tenure"}, file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    expected = {
        "trunk.0.weight": np.float32([[1.0, -2.5, 3e-39], [0.1, 5.0, 1e30]]),
        "trunk.0.bias": np.float32([0.5, -0.25]),
        "one": np.float32(7.0),
    }
    assert tensors.keys() == expected.keys(), tensors.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(tensors[name], values, strict=True)
    return len(tensors)


def accumulated(folder):
    """The raw events, as programs read them."""
    log = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0}).Reload()
    tags = log.Tags()
    assert (log.file_version, log.FirstEventTimestamp()) == (2.0, START)
    assert sorted(tags["scalars"]) == ["loss/train", "loss/valid"], tags
    assert sorted(tags["histograms"]) == ["empty", "trunk.0.weight"], tags
    assert tags["tensors"] == ["network"], tags
    losses = [(event.step, event.wall_time, event.value) for event in log.Scalars("loss/train")]
    assert losses == [(step, START + step, float(np.float32(1 / step))) for step in STEPS], losses
    zero, nan = (event.value for event in log.Scalars("loss/valid"))
    assert zero == 0.0 and np.isnan(nan)
    for event in log.Histograms("trunk.0.weight"):
        check_histogram(event.histogram_value, np.float64(VALUES * np.float32(event.step)))
    (empty,) = log.Histograms("empty")
    assert (empty.histogram_value.num, empty.histogram_value.bucket) == (0, []), empty


def check_histogram(found, values):
    ends = np.array(found.bucket_limit)
    assert (found.min, found.max, found.num) == (values.min(), values.max(), len(values))
    np.testing.assert_allclose([found.sum, found.sum_squares], [values.sum(), (values**2).sum()], rtol=1e-6)
    below = [(values < end).sum() for end in ends]
    np.testing.assert_array_equal(np.cumsum(found.bucket), below)
    assert below[-1] == len(values) and found.bucket[0] > 0


def shown(folder):
    """What the plugins of TensorBoard's pages are given."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    context = TBContext(data_provider=MultiplexerDataProvider(multiplexer, str(folder)))
    request, run = RequestContext(), "."
    (text,) = TextPlugin(context).text_impl(request, run, "network", "", enable_markdown=True)
    assert text["text"].startswith("<table>\n<thead>\n<tr>\n<th>layer</th>"), text
    assert "<td>dense, größer</td>" in text["text"], text
    losses, _ = ScalarsPlugin(context).scalars_impl(request, "loss/train", run, "", "json")
    assert [step for _, step, _ in losses] == STEPS, losses
    histograms, _ = HistogramsPlugin(context).histograms_impl(request, "trunk.0.weight", run, "")
    for _, _, buckets in histograms:
        left, right, count = np.transpose(buckets)
        assert count.sum() == len(VALUES) and (left <= right).all() and (left[1:] == right[:-1]).all()


def networks(folder):
    """Layers and weights of whole networks."""
    runs = sorted(file.parent for file in folder.glob("*/weights.safetensors"))
    for run in runs:
        log = EventAccumulator(str(run), size_guidance={"histograms": 0, "tensors": 0}).Reload()
        assert log.Tags()["tensors"] == ["network/layers"]
        with safe_open(run / "weights.safetensors", framework="numpy") as file:
            assert sorted(log.Tags()["histograms"]) == sorted(file.keys())
            for name in file.keys():
                (event,) = log.Histograms(name)
                check_histogram(event.histogram_value, np.float64(file.get_tensor(name).ravel()))
    return len(runs)


def main():
    folder = pathlib.Path(sys.argv[1])
    print(f"safetensors: {safetensors(folder)} tensors as written")
    accumulated(folder)
    shown(folder)
    print(f"tensorboard: scalars, histograms and text as written; weights of {networks(folder)} networks")


if __name__ == "__main__":
    main()

"""Loads networks that `cargo test -p tenure-neural --test exchange` wrote into PyTorch and Keras.

  check_networks.py FOLDER    FOLDER is target/tmp/neural; fails where predictions or weights differ

Predictions have to agree to 1e-6 of the greater of 1 and the prediction itself. Needs what requirements-networks.txt pins.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "docs/examples"))

import numpy as np
import tenure_keras
import tenure_torch
import torch
from safetensors.numpy import load_file

TOLERANCE = 1e-6


def table(rows):
    return np.array([[np.nan if value is None else value for value in row] for row in rows])


def difference(found, expected):
    return float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max())


def check(folder):
    written = json.loads((folder / "predictions.json").read_text())
    x, expected = table(written["x"]), table(written["predictions"])
    model = tenure_torch.load(folder / "model")
    tensors = load_file(folder / "weights.safetensors")
    for name, tensor in model.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(tensor, tensors[name], strict=True)
    found = {"pytorch": difference(model.predict(x), expected)}

    spec, inputs = model.config["network"], model.inputs(x)
    keras = tenure_keras.build(spec, inputs[0].shape[-1])
    tenure_keras.set_weights(keras, tensors)
    with torch.no_grad():
        raw = keras(inputs[0] if spec["steps"] == 1 else list(inputs))
        ours = model.network(*inputs)
    found["keras"] = max(difference(raw[name].numpy(), ours[name].numpy()) for name in ours)

    back = tenure_keras.weights(keras)
    assert back.keys() == tensors.keys(), back.keys() ^ tensors.keys()
    tenure_torch.set_weights(model.network, {name: torch.tensor(values) for name, values in back.items()})
    found["back"] = difference(model.predict(x), expected)
    return found


def main():
    folders = sorted(file.parent for file in pathlib.Path(sys.argv[1]).glob("*/predictions.json"))
    assert folders, "there are no networks: run the tests first"
    for folder in folders:
        found = check(folder)
        print(folder.name, found)
        assert max(found.values()) < TOLERANCE, f"they differ by more than {TOLERANCE}"


if __name__ == "__main__":
    main()

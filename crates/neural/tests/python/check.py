"""Reads with the packages of others what `cargo test -p tenure-neural --test exchange` wrote.

  check.py FOLDER    FOLDER is target/tmp/neural; fails where something is not as it was written

Needs what requirements.txt pins.
"""

import pathlib
import sys

import numpy as np
from safetensors import safe_open


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


def main():
    folder = pathlib.Path(sys.argv[1])
    print(f"safetensors: {safetensors(folder)} tensors as written")


if __name__ == "__main__":
    main()

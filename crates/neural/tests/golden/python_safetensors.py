"""Writes python.safetensors, tensors of PyTorch as Python's safetensors stores them, and what they hold.

Run: python python_safetensors.py, with torch and safetensors; the versions stand in python_safetensors.json.
"""

import json
import pathlib
import platform
from importlib.metadata import version

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(7)
tensors = {
    "trunk.0.weight": torch.randn(3, 2, generator=generator),
    "trunk.0.bias": torch.tensor([0.0, -0.0, 1e-40]),
    "trunk.1.num_batches_tracked": torch.tensor(12),
    "half": torch.randn(5, generator=generator).half(),
    "bfloat": torch.randn(2, 2, generator=generator).bfloat16(),
    "double": torch.randn(4, generator=generator, dtype=torch.float64),
}
save_file(tensors, HERE / "python.safetensors", metadata={"format": "pt"})
golden = {
    "versions": {"python": platform.python_version()} | {name: version(name) for name in ["torch", "safetensors"]},
    "tensors": {name: {"shape": list(t.shape), "values": t.float().ravel().tolist()} for name, t in tensors.items()},
}
(HERE / "python_safetensors.json").write_text(json.dumps(golden) + "\n")

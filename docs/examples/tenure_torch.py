"""Networks of tenure in PyTorch.

    model = tenure_torch.load("models/health")      # a folder that tenure saved a model in
    answers = model.predict(rows)                   # rows x features -> rows x outputs, in the units of the targets
    model.network                                   # an ordinary nn.Module, to be trained further or exported

    network = tenure_torch.build(spec, inputs)      # from a `NetworkSpec` alone; inputs: numbers a step
    tenure_torch.set_weights(network, safetensors.torch.load_file("weights.safetensors"))

Weights have the same names and shapes on both sides. What goes back to tenure is
`safetensors.torch.save_file(network.state_dict(), "weights.safetensors")`. Needs torch and numpy.
"""

import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU,
    "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "softplus": nn.Softplus,
}


class OverSteps(nn.Module):
    """A layer that is told which steps of each row are there: `present`, rows x steps, the absent ones first."""


class Lstm(nn.LSTM, OverSteps):
    """Its state stays zero until the first step that is there."""

    def __init__(self, inputs, width, sequence):
        super().__init__(inputs, width, batch_first=True)
        self.sequence = sequence

    def forward(self, x, present):
        steps = x.shape[1]
        lengths = present.sum(1)
        # Packed sequences begin at the first step: each row is turned round so that its first present step is there.
        places = (torch.arange(steps) + steps - lengths[:, None]) % steps
        turned = x.gather(1, places[:, :, None].expand_as(x))
        packed = nn.utils.rnn.pack_padded_sequence(turned, lengths.clamp(min=1), batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(super().forward(packed)[0], batch_first=True, total_length=steps)
        back = torch.empty_like(places).scatter_(1, places, torch.arange(steps).expand_as(places))
        states = states.gather(1, back[:, :, None].expand_as(states)) * present[:, :, None]
        return states if self.sequence else states[:, -1]


class Attention(OverSteps):
    """`nn.MultiheadAttention` of a sequence to itself, its keys and values of any width. Absent steps give 0."""

    def __init__(self, width, heads, key_width):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, heads * key_width) for _ in range(3))
        self.out_proj = nn.Linear(heads * key_width, width)

    def forward(self, x, present):
        def split(projected):
            return projected.unflatten(2, (self.heads, -1)).transpose(1, 2)

        # A row without any step attends to all: its answer is cleared below.
        seen = present | ~present.any(1, keepdim=True)
        attended = F.scaled_dot_product_attention(
            split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x)), attn_mask=seen[:, None, None, :])
        return self.out_proj(attended.transpose(1, 2).flatten(2)) * present[:, :, None]


class LastStep(nn.Module):
    def forward(self, x):
        return x[:, -1]


class MeanSteps(OverSteps):
    """The mean over the steps that are there; 0 where none is."""

    def forward(self, x, present):
        return (x * present[:, :, None]).sum(1) / present.sum(1, keepdim=True).clamp(min=1)


class Stack(nn.Sequential):
    """Layers one after the other."""

    def forward(self, x, present):
        for layer in self:
            x = layer(x, present) if isinstance(layer, OverSteps) else layer(x)
        return x


class Network(nn.Module):
    """A trunk and its heads: inputs, standardised, to head -> rows x targets, before links.

    `x` is rows x inputs, or rows x steps x inputs with `present`, rows x steps: whether a step is there.
    """

    def __init__(self, spec, inputs):
        super().__init__()
        width, trunk = layers(spec["trunk"], inputs)
        self.trunk = Stack(*trunk)
        self.heads = nn.ModuleDict()
        for head in spec["heads"]:
            last, own = layers(head["layers"], width)
            self.heads[head["name"]] = Stack(*own, nn.Linear(last, len(head["targets"])))

    def forward(self, x, present=None):
        shared = self.trunk(x, present)
        return {name: head(shared, present) for name, head in self.heads.items()}


class Model:
    """A stored model: from features to predictions."""

    def __init__(self, config, network):
        self.config, self.network = config, network.eval()
        self.outputs = [target for head in config["network"]["heads"] for target in head["targets"]]

    def inputs(self, rows):
        """What the network reads: standardised numbers, and for sequences which steps are there."""
        scaler = self.config["scaler"]
        steps = np.asarray(rows, dtype=float).reshape(len(rows), scaler["steps"], scaler["features"])
        x = np.stack([standardised(given, steps[:, :, given["column"]]) for given in scaler["inputs"]], 2)
        # All but those at the beginning of which nothing is known; the last always is.
        present = np.maximum.accumulate(~np.isnan(steps).all(2), axis=1)
        present[:, -1] = True
        x = torch.tensor(np.where(present[:, :, None], x, 0.0), dtype=torch.float32)
        return (x[:, 0], None) if scaler["steps"] == 1 else (x, torch.tensor(present))

    @torch.no_grad()
    def predict(self, rows):
        raw = self.network(*self.inputs(rows))
        columns = []
        for head, lines in zip(self.config["network"]["heads"], self.config["lines"], strict=True):
            learned = raw[head["name"]].double()
            if is_share(head["loss"]):
                learned = learned.sigmoid()
            columns += [line["offset"] + line["factor"] * learned[:, at] for at, line in enumerate(lines)]
        return torch.stack(columns, 1).numpy()


def is_share(loss):
    """Whether a head's outputs go through a sigmoid."""
    return loss == "binary_cross_entropy" or "bounded" in loss["squared_error"]


def standardised(given, values):
    """One input of the network from the values of its feature."""
    role, missing = given["role"], np.isnan(values)
    if role == "value":
        scaled = np.clip((values - given["mean"]) / given["deviation"], -1e6, 1e6)
        return np.where(missing | given["constant"], 0.0, scaled)
    if role == "missing":
        return missing - given["mean"]
    return np.where(missing | given["constant"], 0.0, (values == role["level"]) - given["mean"])


def layers(specs, width):
    """The width that the layers give, and the layers."""
    made = []
    for spec in specs:
        match spec["layer"]:
            case "dense":
                made.append(nn.Linear(width, spec["width"]))
                width = spec["width"]
            case "activation":
                made.append(ACTIVATIONS[spec["function"]]())
            case "batch_norm":
                made.append(nn.BatchNorm1d(width, eps=spec["epsilon"], momentum=spec["momentum"]))
            case "dropout":
                made.append(nn.Dropout(spec["rate"]))
            case "lstm":
                made.append(Lstm(width, spec["width"], spec["sequence"]))
                width = spec["width"]
            case "attention":
                made.append(Attention(width, spec["heads"], spec["key_width"]))
            case "last_step":
                made.append(LastStep())
            case "mean_steps":
                made.append(MeanSteps())
            case other:
                raise ValueError(f"there is no layer `{other}`")
    return width, made


def build(spec, inputs):
    return Network(spec, inputs)


def set_weights(network, tensors):
    """Takes over weights by name; refuses others. PyTorch counts batches beside normalisation, tenure does not."""
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"missing weights {missing}, unexpected weights {unexpected}")


def load(folder):
    """The network that tenure saved in a folder, alone or within another model."""
    folder = pathlib.Path(folder)
    folder /= (folder / "CURRENT").read_text().split()[0]
    for file in sorted(folder.rglob("model.json")):
        model = json.loads(file.read_text())
        if model["kind"] == "network":
            config = model["config"]
            network = Network(config["network"], len(config["scaler"]["inputs"]))
            set_weights(network, stored(file.parent, network.state_dict()))
            return Model(config, network)
    raise ValueError(f"there is no network in {folder}")


def stored(folder, shapes):
    """The weights of a stored model: numbers of 32 bits one after the other, in the order of a `state_dict`."""
    parts = {name: np.fromfile(folder / name, "<f4") for name in ["parameters", "statistics"]}
    tensors, taken = {}, dict.fromkeys(parts, 0)
    for name, tensor in shapes.items():
        if not name.endswith("num_batches_tracked"):
            part = "statistics" if "running_" in name else "parameters"
            start, taken[part] = taken[part], taken[part] + tensor.numel()
            tensors[name] = torch.tensor(parts[part][start:taken[part]]).reshape(tensor.shape)
    assert all(taken[part] == len(numbers) for part, numbers in parts.items()), "the weights do not fit the network"
    return tensors

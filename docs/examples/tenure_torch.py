"""Networks of tenure in PyTorch: builds the module that a network's specification describes.

    network = tenure_torch.build(spec, inputs)                         # spec: `NetworkSpec` as JSON, inputs: features
    network.load_state_dict(safetensors.torch.load_file("weights.safetensors"), strict=False)
    raw = network(x)                                                   # head -> rows x targets, before links
    answers = network.predict(x)                                       # head -> rows x targets, in the targets' units

`x` is rows x inputs, standardised as the model's scaler says, with 0 where a value is missing; steps that are absent
from a sequence are NaN in full. `strict=False`, because PyTorch counts batches beside batch normalisation and tenure
does not; `load` below checks that nothing else is missing.
"""

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
    """A trunk and its heads."""

    def __init__(self, spec, inputs):
        super().__init__()
        self.spec = spec
        width, trunk = layers(spec["trunk"], inputs // spec["steps"])
        self.trunk = Stack(*trunk)
        self.heads = nn.ModuleDict()
        for head in spec["heads"]:
            last, own = layers(head["layers"], width)
            self.heads[head["name"]] = Stack(*own, nn.Linear(last, len(head["targets"])))

    def forward(self, x):
        steps, present = self.spec["steps"], None
        if steps > 1:
            x = x.unflatten(1, (steps, -1))
            present = ~x.isnan().all(2)
            x = x.nan_to_num()
        shared = self.trunk(x, present)
        return {name: head(shared, present) for name, head in self.heads.items()}

    @torch.no_grad()
    def predict(self, x):
        self.eval()
        raw = self(x)
        return {head["name"]: answer(head["loss"], raw[head["name"]]) for head in self.spec["heads"]}


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


def answer(loss, raw):
    """Outputs in the unit of their targets."""
    if loss == "binary_cross_entropy":
        return raw.sigmoid()
    scale = loss["squared_error"]
    if scale == "raw":
        return raw
    bounds = scale["bounded"]
    return bounds["low"] + (bounds["high"] - bounds["low"]) * raw.sigmoid()


def build(spec, inputs):
    return Network(spec, inputs)


def load(network, tensors):
    """The network with these tensors as its weights; refuses others."""
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"missing weights {missing}, unexpected weights {unexpected}")
    return network

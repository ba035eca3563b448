"""Golden values of networks: layers, losses, gradients and training steps as PyTorch has them, in double precision.

Run: python torch_golden.py, with torch and numpy; writes torch_*.json beside it, the versions in each. The modules are
those of docs/examples/tenure_torch.py; where PyTorch has a module of its own for the same thing, both must agree.
"""

import json
import pathlib
import platform
import sys
from importlib.metadata import version

import torch
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "docs/examples"))

import tenure_torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(22)
NAN = float("nan")


def listed(values):
    """Nested lists; what is missing becomes null."""
    if isinstance(values, torch.Tensor):
        values = values.detach().tolist()
    if isinstance(values, list):
        return [listed(value) for value in values]
    return None if isinstance(values, float) and values != values else values


def named(tensors):
    return {name: {"shape": list(tensor.shape), "values": listed(tensor.flatten())}
            for name, tensor in tensors if not name.endswith("num_batches_tracked")}


def draw(*shape):
    """Numbers that are the same in single precision."""
    return torch.randn(*shape).float().double()


def drawn(module):
    """Weights and statistics away from what they begin with."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_((0.5 + torch.rand_like(tensor)).float())
            elif not name.endswith("num_batches_tracked"):
                tensor.copy_((0.5 * torch.randn_like(tensor)).float())
    return module


def write(name, golden):
    versions = {"python": platform.python_version(), "torch": version("torch")}
    text = json.dumps({"versions": versions} | golden, allow_nan=False)
    (HERE / f"torch_{name}.json").write_text(text + "\n")


def activation(function):
    return {"layer": "activation", "function": function}


def dense(width):
    return {"layer": "dense", "width": width}


BATCH_NORM = {"layer": "batch_norm", "momentum": 0.1, "epsilon": 1e-5}
BCE = "binary_cross_entropy"


def head(name, loss, weight, layers=(), targets=None):
    return {"name": name, "targets": targets or [name], "layers": list(layers), "loss": loss, "weight": weight}


NETWORK = {
    "steps": 1,
    "trunk": [dense(6), activation("relu"), BATCH_NORM, {"layer": "dropout", "rate": 0.0},
              dense(5), activation("gelu"), BATCH_NORM],
    "heads": [
        head("success", BCE, 1.0, [dense(4), activation("relu")]),
        head("velocity", {"squared_error": "raw"}, 0.5),
        head("churn", BCE, 2.0, [dense(3), activation("tanh")], ["churn_14d", "churn_30d"]),
        head("supply", {"squared_error": "raw"}, 1.0, [dense(4), activation("silu")], ["a", "b", "c"]),
        head("health", {"squared_error": {"bounded": {"low": 0.0, "high": 100.0}}}, 1.5),
    ],
}


def data():
    """Standardised inputs, and labels in the order of the heads, of which some are missing."""
    rows = 12
    coin = torch.rand(rows, 3).round()
    labels = torch.cat([coin[:, :1], draw(rows, 1), coin[:, 1:], draw(rows, 3), (100 * torch.rand(rows, 1)).float()], 1)
    labels[torch.rand_like(labels) < 0.2] = NAN
    x = draw(rows, 7)
    return (x - x.mean(0)) / x.std(0, correction=0), labels


def prediction(head, raw):
    """In the unit of the targets."""
    if not tenure_torch.is_share(head["loss"]):
        return raw
    return raw.sigmoid() * (1.0 if head["loss"] == BCE else 100.0)


def head_losses(spec, raw, labels):
    """Of each head the mean over its known labels; bounded targets are learned as a share of the way."""
    losses, at = [], 0
    for head in spec["heads"]:
        outputs = raw[head["name"]]
        wanted = labels[:, at:at + outputs.shape[1]]
        at += outputs.shape[1]
        known = ~wanted.isnan()
        outputs, wanted = outputs[known], wanted[known]
        if head["loss"] == BCE:
            losses.append(F.binary_cross_entropy_with_logits(outputs, wanted))
        elif head["loss"]["squared_error"] == "raw":
            losses.append(F.mse_loss(outputs, wanted))
        else:
            losses.append(F.mse_loss(outputs.sigmoid(), wanted / 100.0))
    return losses


def total_loss(spec, network, x, labels, l2):
    losses = head_losses(spec, network(*x), labels)
    total = sum(head["weight"] * loss for head, loss in zip(spec["heads"], losses, strict=True))
    # As Keras: over weights of dense layers; normalisation has vectors.
    penalty = l2 * sum((w**2).sum() for name, w in network.named_parameters() if w.ndim == 2)
    return total + penalty, losses


def multi_task():
    x, labels = data()
    start = drawn(tenure_torch.build(NETWORK, x.shape[1])).state_dict()
    start = {name: tensor.clone() for name, tensor in start.items()}

    def fresh():
        network = tenure_torch.build(NETWORK, x.shape[1])
        network.load_state_dict(start)
        return network.train()

    network = fresh()
    raw = network(x)
    loss, losses = total_loss(NETWORK, fresh(), [x], labels, 0.0)
    golden = {
        "spec": NETWORK, "x": listed(x), "labels": listed(labels), "weights": named(start.items()),
        "train_outputs": listed(torch.cat(list(raw.values()), 1)), "loss": loss.item(), "head_losses": listed(losses),
    }
    network = fresh().eval()
    golden["raw_outputs"] = listed(torch.cat(list(network(x).values()), 1))
    golden["predictions"] = listed(torch.cat([prediction(head, raw) for head, raw in zip(
        NETWORK["heads"], network(x).values(), strict=True)], 1))

    network = fresh()
    total_loss(NETWORK, network, [x], labels, 0.0)[0].backward()
    golden["gradients"] = named((name, w.grad) for name, w in network.named_parameters())

    def trained(steps, clip=None, l2=0.0, decay=None):
        network = fresh()
        parameters = list(network.parameters())
        if decay is None:
            optimizer = torch.optim.Adam(parameters, lr=0.01)
        else:
            optimizer = torch.optim.AdamW(parameters, lr=0.01, weight_decay=decay)
        norm = None
        for _ in range(steps):
            optimizer.zero_grad()
            total_loss(NETWORK, network, [x], labels, l2)[0].backward()
            # Adam makes a whole step of the rounding error where a gradient should be zero, such as that of a bias before
            # batch normalisation whose rectifier lets all rows through: there must be none.
            slopes = torch.cat([parameter.grad.flatten() for parameter in parameters])
            assert slopes[slopes != 0].abs().min() > 1e-6, "take another seed"
            if clip is not None:
                norm = nn.utils.clip_grad_norm_(parameters, clip).item()
            optimizer.step()
        return {"steps": steps, "learning_rate": 0.01, "clip_norm": clip, "l2": l2, "weight_decay": decay,
                "gradient_norm": norm, "weights": named(network.state_dict().items())}

    golden["trained"] = [
        trained(1), trained(3), trained(1, decay=0.1), trained(3, clip=0.5), trained(2, l2=0.01), trained(1, clip=1e3),
    ]
    write("multi_task", golden)


def sequences(steps, width, rows):
    """Steps that are not there come first; the last row has none, the first has all."""
    x = draw(rows, steps, width)
    present = torch.tensor([steps - at * steps // (rows - 1) for at in range(rows)])
    x[torch.arange(steps) < steps - present[:, None]] = NAN
    return x, present


def over_sequence(module, x, present, forward):
    """Outputs, and the gradients of Σ c·y by weights and inputs."""
    inputs = x.nan_to_num().requires_grad_()
    y = forward(module, inputs, torch.arange(x.shape[1]) >= x.shape[1] - present[:, None])
    coefficients = draw(*y.shape)
    (y * coefficients).sum().backward()
    return {
        "rows": x.shape[0], "steps": x.shape[1], "width": x.shape[2], "present": listed(present),
        "x": listed(x.nan_to_num().flatten()), "y": listed(y.flatten()), "dy": listed(coefficients.flatten()),
        "weights": named(module.state_dict().items()), "dx": listed(inputs.grad.flatten()),
        "gradients": named((name, weight.grad) for name, weight in module.named_parameters()),
    }


def plain_lstm(module, x, present):
    """Row by row over the steps that are there, by PyTorch's own module alone."""
    states = torch.zeros(*x.shape[:2], module.hidden_size)
    for row, there in enumerate(present):
        if there.any():
            states[row, there] = nn.LSTM.forward(module, x[row, there])[0]
    return states if module.sequence else states[:, -1]


def lstm():
    cases = []
    for sequence in [True, False]:
        x, present = sequences(5, 3, 6)
        module = drawn(tenure_torch.Lstm(3, 4, sequence))
        cases.append({"sequence": sequence} | over_sequence(module, x, present, plain_lstm))
        there = torch.arange(5) >= 5 - present[:, None]
        torch.testing.assert_close(module(x.nan_to_num(), there), plain_lstm(module, x, there), atol=1e-12, rtol=0)
    write("lstm", {"cases": cases})


def plain_attention(module, x, present):
    """PyTorch's own module, which has keys of one width only; rows without steps give 0 here and NaN there."""
    width = x.shape[2]
    own = nn.MultiheadAttention(width, module.heads, batch_first=True)
    own.in_proj_weight = None
    projections = [module.q_proj, module.k_proj, module.v_proj]
    y = F.multi_head_attention_forward(
        *[x.transpose(0, 1)] * 3, width, module.heads, None, torch.cat([p.bias for p in projections]), None, None,
        False, 0.0, module.out_proj.weight, module.out_proj.bias, key_padding_mask=~(present | ~present.any(1)[:, None]),
        use_separate_proj_weight=True, q_proj_weight=module.q_proj.weight, k_proj_weight=module.k_proj.weight,
        v_proj_weight=module.v_proj.weight)[0]
    return y.transpose(0, 1) * present[:, :, None]


def attention():
    x, present = sequences(5, 4, 6)
    module = drawn(tenure_torch.Attention(4, 2, 2))
    square = {"heads": 2, "key_width": 2} | over_sequence(module, x, present, plain_attention)
    there = torch.arange(5) >= 5 - present[:, None]
    inputs = x.nan_to_num()
    torch.testing.assert_close(module(inputs, there), plain_attention(module, inputs, there), atol=1e-12, rtol=0)
    module = drawn(tenure_torch.Attention(4, 3, 5))
    wide = {"heads": 3, "key_width": 5} | over_sequence(module, x, present, lambda m, *a: m(*a))
    module = tenure_torch.MeanSteps()
    mean = over_sequence(module, x, present, lambda m, *a: m(*a))
    write("attention", {"cases": [square, wide], "mean": mean})


def sequence_network():
    """A whole network of sequences: predictions and gradients of mean squared error."""
    spec = {
        "steps": 4,
        "trunk": [dense(4), activation("tanh"), {"layer": "attention", "heads": 2, "key_width": 3},
                  {"layer": "lstm", "width": 5, "sequence": True}, {"layer": "mean_steps"}],
        "heads": [head("minutes", {"squared_error": "raw"}, 1.0, [dense(3), activation("elu")]),
                  head("again", BCE, 1.0)],
    }
    x, present = sequences(4, 3, 6)
    labels = torch.cat([draw(6, 1), torch.rand(6, 1).round()], 1)
    network = drawn(tenure_torch.build(spec, 3))
    given = [x.nan_to_num(), torch.arange(4) >= 4 - present[:, None]]
    loss, _ = total_loss(spec, network, given, labels, 0.0)
    loss.backward()
    write("sequence_network", {
        "spec": spec, "x": listed(x.flatten(1)), "labels": listed(labels), "loss": loss.item(),
        "weights": named(network.state_dict().items()),
        "raw_outputs": listed(torch.cat(list(network(*given).values()), 1)),
        "gradients": named((name, weight.grad) for name, weight in network.named_parameters()),
    })


def activations():
    x = torch.tensor([-50.0, -8.0, -3.0, -1.0, -0.5, -1e-3, 0.0, 1e-3, 0.5, 1.0, 3.0, 8.0, 50.0])
    functions = {}
    for name, function in tenure_torch.ACTIVATIONS.items():
        inputs = x.clone().requires_grad_()
        y = function()(inputs)
        y.sum().backward()
        functions[name] = {"values": listed(y), "slopes": listed(inputs.grad)}
    write("activations", {"x": listed(x), "functions": functions})


def schedules():
    """Learning rates epoch by epoch."""
    losses = [1.0, 0.9, 0.95, 0.91, 0.92, 0.9, 0.89, 0.93, 0.92, 0.91, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]

    def rates(make, judged):
        optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=0.01)
        schedule, found = make(optimizer), []
        for loss in losses:
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step(*[loss] if judged else [])
        return found

    plateau, cosine = torch.optim.lr_scheduler.ReduceLROnPlateau, torch.optim.lr_scheduler.CosineAnnealingLR
    write("schedules", {
        "learning_rate": 0.01, "losses": losses,
        "plateau": [{"factor": 0.5, "patience": patience, "min_learning_rate": 0.002, "rates": rates(
            lambda o: plateau(o, factor=0.5, patience=patience, threshold=0.0, min_lr=0.002, eps=0.0), True)}
            for patience in [1, 2, 4]],
        "cosine": {"min_learning_rate": 0.001, "epochs": len(losses), "rates": rates(
            lambda o: cosine(o, T_max=len(losses), eta_min=0.001), False)},
    })


if __name__ == "__main__":
    activations()
    schedules()
    multi_task()
    lstm()
    attention()
    sequence_network()

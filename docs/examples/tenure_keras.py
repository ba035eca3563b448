"""Networks of tenure in Keras, on whatever backend it runs.

    model = tenure_keras.build(spec, inputs)        # from a `NetworkSpec`; inputs: numbers a step
    tenure_keras.set_weights(model, safetensors.numpy.load_file("weights.safetensors"))
    raw = model(x)                                  # tables: rows x inputs
    raw = model([x, present])                       # sequences: rows x steps x inputs, rows x steps
    tensors = tenure_keras.weights(model)           # and back: safetensors.numpy.save_file(tensors, "weights.safetensors")

`raw` is head -> rows x targets, before links. How inputs are made and outputs linked is in tenure_torch.py; what the
weights are here and there, in docs/neural-weights.md. Needs keras and numpy.
"""

import keras
import numpy as np
from keras import layers

ACTIVATIONS = {"leaky_relu": lambda x: keras.ops.leaky_relu(x, negative_slope=0.01)}


def build(spec, inputs):
    steps = spec["steps"]
    present = keras.Input((steps,), dtype="bool", name="present") if steps > 1 else None
    x = keras.Input((steps, inputs) if steps > 1 else (inputs,), name="x")
    shared = stack("trunk__", spec["trunk"], x, present)
    heads = {}
    for head in spec["heads"]:
        own = head["layers"] + [{"layer": "dense", "width": len(head["targets"])}]
        heads[head["name"]] = stack(f"heads__{head['name']}__", own, shared, present)
    return keras.Model([x, present] if steps > 1 else x, heads)


def stack(name, specs, x, present):
    """Layers one after the other; each is named after the place of its weights, without dots, which Keras refuses."""
    for at, spec in enumerate(specs):
        x = applied(spec, f"{name}{at}", x, present)
    return x


def applied(spec, name, x, present):
    match spec["layer"]:
        case "dense":
            return layers.Dense(spec["width"], name=name)(x)
        case "activation":
            function = spec["function"]
            return layers.Activation(ACTIVATIONS.get(function, function), name=name)(x)
        case "batch_norm":
            return layers.BatchNormalization(momentum=1 - spec["momentum"], epsilon=spec["epsilon"], name=name)(x)
        case "dropout":
            return layers.Dropout(spec["rate"], name=name)(x)
        case "lstm":
            return layers.LSTM(spec["width"], return_sequences=spec["sequence"], name=name)(x, mask=present)
        case "attention":
            mask = layers.Reshape((1, x.shape[1]))(present)
            attended = layers.MultiHeadAttention(spec["heads"], spec["key_width"], name=name)(x, x, attention_mask=mask)
            return layers.Multiply()([attended, there(present)])
        case "last_step":
            return layers.Lambda(lambda x: x[:, -1])(x)
        case "mean_steps":
            return layers.Lambda(mean)([x, there(present)])
        case other:
            raise ValueError(f"there is no layer `{other}`")


def there(present):
    """1 for steps that are there, 0 for others."""
    return layers.Lambda(lambda present: keras.ops.cast(present, "float32")[:, :, None])(present)


def mean(given):
    x, present = given
    return keras.ops.sum(x * present, 1) / keras.ops.maximum(keras.ops.sum(present, 1), 1.0)


def place(layer):
    """What the names of a layer's weights begin with."""
    first, _, rest = layer.name.partition("__")
    head, _, at = rest.rpartition("__")
    return ".".join([first, head, at, ""] if head else [first, at, ""])


def set_weights(model, tensors):
    """Takes over weights by name."""
    for layer in model.layers:
        if layer.weights:
            own = {name.removeprefix(place(layer)): np.asarray(values) for name, values in tensors.items()
                   if name.startswith(place(layer))}
            layer.set_weights([w.reshape(v.shape) for w, v in zip(to_keras(layer, own), layer.weights, strict=True)])


def to_keras(layer, own):
    """A layer's weights in Keras's order, each turned as Keras has it; shapes of heads are still flat."""
    match layer:
        case layers.Dense():
            return [own["weight"].T, own["bias"]]
        case layers.BatchNormalization():
            return [own["weight"], own["bias"], own["running_mean"], own["running_var"]]
        case layers.LSTM():
            return [own["weight_ih_l0"].T, own["weight_hh_l0"].T, own["bias_ih_l0"] + own["bias_hh_l0"]]
        case layers.MultiHeadAttention():
            return [turned for part in PARTS for turned in [own[f"{part}.weight"].T, own[f"{part}.bias"]]]
    raise ValueError(f"there is no place for the weights of {layer.name}")


PARTS = ["q_proj", "k_proj", "v_proj", "out_proj"]


def weights(model):
    """The model's weights as tenure has them."""
    tensors = {}
    for layer in model.layers:
        if layer.weights:
            own = from_keras(layer, [np.asarray(w) for w in layer.get_weights()])
            tensors |= {place(layer) + name: np.ascontiguousarray(values) for name, values in own.items()}
    return tensors


def from_keras(layer, given):
    match layer:
        case layers.Dense():
            return {"weight": given[0].T, "bias": given[1]}
        case layers.BatchNormalization():
            return dict(zip(["weight", "bias", "running_mean", "running_var"], given, strict=True))
        case layers.LSTM():
            # One bias there, two here.
            return {"weight_ih_l0": given[0].T, "weight_hh_l0": given[1].T, "bias_ih_l0": given[2],
                    "bias_hh_l0": np.zeros_like(given[2])}
        case layers.MultiHeadAttention():
            own = {}
            for part, kernel, bias in zip(PARTS, given[::2], given[1::2], strict=True):
                # width x heads x key width, that of the output heads x key width x width
                flat = kernel.reshape(-1, kernel.shape[-1]) if part == "out_proj" else kernel.reshape(len(kernel), -1)
                own |= {f"{part}.weight": flat.T, f"{part}.bias": bias.ravel()}
            return own
    raise ValueError(f"there is no place for the weights of {layer.name}")

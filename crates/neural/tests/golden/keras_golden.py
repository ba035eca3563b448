"""Golden values of early stopping and plateaus: Keras's own callbacks, told one loss after the other.

Run: KERAS_BACKEND=torch python keras_golden.py, with keras and torch; writes keras_callbacks.json, the versions in it.
"""

import json
import pathlib
import platform
from importlib.metadata import version

import keras

LOSSES = [1.0, 0.9, 0.95, 0.89, 0.92, 0.88, 0.895, 0.93, 0.87, 0.91, 0.9, 0.9, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]


def model():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    return network


def stopping(patience, min_delta):
    """The epoch after which training ends (None: it does not) and the best one, counted from 1."""
    callback, network = keras.callbacks.EarlyStopping(patience=patience, min_delta=min_delta, mode="min"), model()
    callback.set_model(network)
    callback.on_train_begin()
    for epoch, loss in enumerate(LOSSES):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if network.stop_training:
            break
    stopped = epoch + 1 if network.stop_training else None
    return {"patience": patience, "min_delta": min_delta, "stopped": stopped, "best": callback.best_epoch + 1}


def plateau(patience):
    """The learning rate of each epoch."""
    callback = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=patience, min_delta=0.0, min_lr=0.002, mode="min")
    network, rates = model(), []
    callback.set_model(network)
    callback.on_train_begin()
    for epoch, loss in enumerate(LOSSES):
        rates.append(float(network.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_loss": loss})
    return {"patience": patience, "rates": rates}


golden = {
    "versions": {"python": platform.python_version()} | {name: version(name) for name in ["keras", "torch"]},
    "losses": LOSSES,
    "stopping": [stopping(patience, delta) for patience in [1, 2, 4, 7, 30] for delta in [0.0, 0.015, 0.05]],
    "plateau": [plateau(patience) for patience in [2, 3, 5]],
}
pathlib.Path(__file__).with_name("keras_callbacks.json").write_text(json.dumps(golden) + "\n")

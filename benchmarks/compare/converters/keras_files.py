"""Keras models through tf2onnx, with an input and Keras' own output of each.

    keras_files.py FOLDER
"""
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
import tf2onnx
from tensorflow.keras import Input, Sequential, layers

FOLDER = pathlib.Path(sys.argv[1]) / "keras"

MODELS = {
    "convolution": ([Input((16, 16, 3)), layers.Conv2D(8, 3, 2, padding="same"), layers.ReLU(), layers.GlobalAveragePooling2D(), layers.Dense(5)], (4, 16, 16, 3)),
    "leaky": ([Input((16, 16, 3)), layers.Conv2D(8, 3), layers.LeakyReLU(negative_slope=0.1)], (4, 16, 16, 3)),
    "lstm": ([Input((7, 6)), layers.LSTM(16), layers.Dense(5)], (3, 7, 6)),
}


def main():
    FOLDER.mkdir(parents=True)
    for name, (parts, shape) in MODELS.items():
        tf.keras.utils.set_random_seed(1)
        model = Sequential(parts)
        random = np.random.default_rng(1)
        model.set_weights([(random.uniform(0.01, 0.1, w.shape) if "variance" in v.path else random.normal(0, 0.3, w.shape)).astype(w.dtype)
                           for v, w in zip(model.weights, model.get_weights())])
        x = random.standard_normal(shape).astype(np.float32)
        function = tf.function(lambda given: model(given, training=False))
        tf2onnx.convert.from_function(function, [tf.TensorSpec(shape, tf.float32, name="x")], opset=15, output_path=str(FOLDER / f"{name}.onnx"))
        np.savez(FOLDER / f"{name}.npz", x=x, y=model(x, training=False).numpy())


main()

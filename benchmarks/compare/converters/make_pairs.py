"""The pairs: torch models through torch's exporter, and the files that keras_files.py left.

    make_pairs.py FOLDER

onnxruntime runs every file: the right one must agree with its source, the wrong one must not.
"""
import contextlib
import copy
import io
import json
import logging
import pathlib
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from edits import become, change, channels_last, drop, gates, of_operator_set, rewrite

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
onnxruntime.set_default_logger_severity(4)
FOLDER = pathlib.Path(sys.argv[1])


def images(*layers):
    return lambda: (nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *layers), torch.randn(4, 3, 17, 17))


class Last(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.layer(x)[0])


class Upsampled(nn.Module):
    def forward(self, x):
        return nn.functional.interpolate(x, size=(20, 20), mode="bilinear", align_corners=False)


def sequences(layer):
    return lambda: (Last(layer(6, 16)), torch.randn(7, 3, 6))


def flattened():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(3), nn.Flatten(), nn.Linear(8 * 9, 5)), torch.randn(4, 3, 17, 17)


# Name, bug as reported, model, operator set, what the bug does, and what a comparison should say: cause, operator, argument.
PAIRS = [
    ("average_pool_padding", "onnx/onnx-tensorrt#663", images(nn.AvgPool2d(3, 1, 1)), 17, drop("AveragePool", "count_include_pad"),
     "argument", "avg_pool2d", "count_include_pad"),
    ("gru_reset", "microsoft/onnxscript#2852", sequences(nn.GRU), 17, drop("GRU", "linear_before_reset"),
     "operation-kind", "gru", "linear_before_reset"),
    ("lstm_gates", "apple/coremltools#93", sequences(nn.LSTM), 17, rewrite("LSTM", (1, 2, 3), gates((0, 2, 3, 1))),
     "parameter-gate-order", "lstm", "weight_ih"),
    ("gru_gates", "keras-team/keras#8720", sequences(nn.GRU), 17, rewrite("GRU", (1, 2, 3), gates((1, 0, 2))),
     "parameter-gate-order", "gru", "weight_ih"),
    ("batch_norm_eps", "gzuidhof/nn-transfer#3", images(nn.BatchNorm2d(8), nn.ReLU()), 17, change("BatchNormalization", "epsilon", 1e-3),
     "argument", "batch_norm", "eps"),
    ("batch_norm_buffers", "pytorch/pytorch#36577", images(nn.BatchNorm2d(8), nn.ReLU()), 17,
     lambda model: (rewrite("BatchNormalization", (3,), np.zeros_like)(model), rewrite("BatchNormalization", (4,), np.ones_like)(model)),
     "parameter-not-loaded", "batch_norm", "running_mean"),
    ("gelu_form", "apple/coremltools#2863", images(nn.GELU("tanh")), 20, drop("Gelu", "approximate"), "argument", "gelu", "approximate"),
    ("leaky_relu_lost", "onnx/keras-onnx#584", images(nn.LeakyReLU(0.1)), 17, become("LeakyRelu", "Relu"), "operation-kind", "leaky_relu", ""),
    ("leaky_relu_slope", "onnx/onnxconverter-common#117", images(nn.LeakyReLU(0.2)), 17, drop("LeakyRelu", "alpha"),
     "argument", "leaky_relu", "negative_slope"),
    ("hard_sigmoid", "llvm/torch-mlir#2682", images(nn.Hardsigmoid()), 17, drop("HardSigmoid", "alpha"), "operation-kind", "hardsigmoid", ""),
    ("resize_corners", "NVIDIA/TensorRT#273", images(Upsampled()), 17, change("Resize", "coordinate_transformation_mode", "align_corners"),
     "argument", "upsample_bilinear2d", "align_corners"),
    ("softmax_axis", "onnx/onnx-mlir#832", images(nn.Softmax(1)), 12, drop("Softmax", "axis"), "argument", "softmax", "dim"),
    ("softmax_operator_set", "onnx/tensorflow-onnx#1763", images(nn.Flatten(2), nn.Softmax(2)), 12, lambda model: (drop("Softmax", "axis")(model), of_operator_set(12)(model)),
     "argument", "softmax", "dim"),
    ("kernel_flipped", "keras-team/keras#3015", images(nn.ReLU()), 17, rewrite("Conv", (1,), lambda array: array[:, :, ::-1, ::-1]),
     "parameter-flipped", "conv2d", "weight"),
    ("same_padding", "onnx/tensorflow-onnx#1028", images(nn.ReLU()), 17, change("Conv", "pads", [0, 0, 2, 2]), "operation-extra", "constant_pad_nd", ""),
    ("flatten_order", "gzuidhof/nn-transfer#16", flattened, 17, rewrite("Gemm", (1,), channels_last(8, 3, 3)),
     "parameter-flatten-order", "linear", "weight"),
    ("weights_in_half", "onnx/tensorflow-onnx#2394", images(nn.ReLU()), 17, rewrite("Conv", (1,), lambda array: array.astype(np.float16).astype(np.float32)),
     "parameter-rounded", "conv2d", "weight"),
    ("average_pool_divisor", "microsoft/MMdnn#909", images(nn.AvgPool2d(3, 1, 1, count_include_pad=False)), 17,
     change("AveragePool", "count_include_pad", 1), "argument", "avg_pool2d", "count_include_pad"),
]
# Of files by keras_files.py.
KERAS_PAIRS = [
    ("keras_same_padding", "onnx/tensorflow-onnx#1028", "convolution", change("Conv", "pads", [1, 1, 1, 1]), "operation-missing", "constant_pad_nd", ""),
    ("keras_leaky_relu_lost", "onnx/keras-onnx#584", "leaky", become("LeakyRelu", "Relu"), "operation-kind", "leaky_relu", ""),
    ("keras_lstm_gates", "tensorflow/tensorflow#29308", "lstm", rewrite("LSTM", (1, 2, 3), gates((0, 2, 3, 1))), "parameter-gate-order", "lstm", "weight_ih"),
    ("keras_leaky_relu_slope", "onnx/onnxconverter-common#117", "leaky", drop("LeakyRelu", "alpha"), "argument", "leaky_relu", "negative_slope"),
    ("keras_weights_in_half", "onnx/tensorflow-onnx#2394", "convolution", rewrite("Conv", (1,), lambda array: array.astype(np.float16).astype(np.float32)),
     "parameter-rounded", "conv2d", "weight"),
    ("keras_kernel_flipped", "keras-team/keras#3015", "convolution", rewrite("Conv", (1,), lambda array: array[:, :, ::-1, ::-1]),
     "parameter-flipped", "conv2d", "weight"),
]


def outputs(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([value.name for value in session.get_inputs()], inputs)))[0]


def error_of(got, want):
    return float(np.linalg.norm(got - want) / np.linalg.norm(want)) if got.shape == want.shape else float("inf")


def write_pair(name, right, edit, inputs, expected):
    """Returns the relative errors of the right and the wrong file."""
    folder = FOLDER / name
    onnx.save(right, folder / "right.onnx")
    wrong = copy.deepcopy(right)
    edit(wrong)
    onnx.save(wrong, folder / "wrong.onnx")
    np.savez(folder / "input.npz", **{f"input_{i}": array for i, array in enumerate(inputs)})
    return tuple(error_of(outputs(folder / file, inputs), expected) for file in ("right.onnx", "wrong.onnx"))


def torch_pair(name, make, opset, edit):
    torch.manual_seed(1)
    model, x = make()
    for module in model.modules():  # statistics as of a trained model
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.01, 0.1)
    model.eval()
    folder = FOLDER / name
    folder.mkdir()
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        expected = model(x).numpy()
        torch.jit.trace(model, x).save(str(folder / "reference.pt"))
        # TrainingMode.PRESERVE of a model in eval() keeps batch normalization from being folded into convolutions.
        torch.onnx.export(model, (x,), str(folder / "right.onnx"), dynamo=False, opset_version=opset, training=torch.onnx.TrainingMode.PRESERVE)
    return write_pair(name, onnx.load(folder / "right.onnx"), edit, [x.numpy()], expected)


def keras_pair(name, source, edit):
    data = np.load(FOLDER / "keras" / f"{source}.npz")
    (FOLDER / name).mkdir()
    return write_pair(name, onnx.load(FOLDER / "keras" / f"{source}.onnx"), edit, [data["x"]], data["y"])


def main():
    pairs, bad = [], 0
    work = [(name, bug, "torch", lambda p=p: torch_pair(p[0], p[2], p[3], p[4]), *p[5:]) for p in PAIRS for name, bug in [p[:2]]]
    if (FOLDER / "keras").is_dir():
        work += [(name, bug, "keras", lambda p=p: keras_pair(p[0], p[2], p[3]), *p[4:]) for p in KERAS_PAIRS for name, bug in [p[:2]]]
    for name, bug, source, make, cause, operation, argument in work:
        try:
            right, wrong = make()
        except Exception as error:
            bad += 1
            print(f"{name}: could not be made: {str(error).splitlines()[0][:160]}")
            continue
        fits = right < 1e-5 and wrong > 1e-5
        bad += not fits
        print(f"{name}: right {right:.1e}, wrong {wrong:.1e}{'' if fits else '  <-- not a pair'}")
        pairs.append(dict(name=name, bug=bug, source=source, cause=cause, operation=operation, argument=argument, error=wrong))
    (FOLDER / "pairs.json").write_text(json.dumps(pairs, indent=1) + "\n")
    print(f"converters: {len(work) - bad} of {len(work)} pairs, {sum(pair['source'] == 'keras' for pair in pairs)} of Keras")
    sys.exit(bad > 0)


main()

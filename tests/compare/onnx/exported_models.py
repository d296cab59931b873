"""Whole models through both of torch's exporters: our runner against onnxruntime, and against torch itself.

    exported_models.py PROGRAM FOLDER
"""
import contextlib
import io
import logging
import pathlib
import sys
import warnings

import numpy as np
import onnxruntime
import torch
from torch import nn

from runner import Case, run

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
LIMIT = 1e-5


class Residual(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.a = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.b = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.skip = nn.Sequential(nn.Conv2d(channels, channels, 1, stride), nn.BatchNorm2d(channels)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.bn2(self.b(torch.relu(self.bn1(self.a(x))))) + self.skip(x))


def residual_cnn():
    return nn.Sequential(nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Residual(16, 1), Residual(16, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)), [torch.randn(2, 3, 32, 32)]


class Inverted(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        wide = 4 * channels
        self.layers = nn.Sequential(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
                                    nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.Hardswish(),
                                    nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out))
        self.add = stride == 1 and channels == out

    def forward(self, x):
        return x + self.layers(x) if self.add else self.layers(x)


def mobile_net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), Inverted(8, 8, 1), Inverted(8, 16, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 10)), [torch.randn(2, 3, 32, 32)]


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.embedding = nn.Embedding(50, 12)
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size * (2 if layer.bidirectional else 1), 5)

    def forward(self, ids):
        return self.head(self.layer(self.embedding(ids))[0])


def recurrent(kind, **options):
    return Recurrent(kind(12, 16, batch_first=True, **options)), [torch.randint(50, (3, 7))]


def transformer(**options):
    layer = nn.TransformerEncoderLayer(24, 4, 48, batch_first=True, activation="gelu", **options)
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.LayerNorm(24), nn.Linear(24, 6)), [torch.randn(2, 9, 24)]


class Pyramid(nn.Module):
    """Up and down again: transposed convolution, resizing, concatenation, group and instance norm."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8), nn.SiLU())
        self.up = nn.ConvTranspose2d(8, 8, 3, 2, 1, output_padding=1)
        self.norm = nn.InstanceNorm2d(8, affine=True)
        self.out = nn.Conv2d(11, 4, 1)

    def forward(self, x):
        low = self.down(x)
        a = self.norm(self.up(low))
        b = nn.functional.interpolate(low, scale_factor=2.0, mode="bilinear", align_corners=False)
        c = nn.functional.interpolate(low, scale_factor=2.0, mode="nearest")
        d = nn.functional.avg_pool2d(nn.functional.pad(a + b + c, (1, 2, 0, 1)), 2, 2, 1, ceil_mode=False, count_include_pad=False)
        return self.out(torch.cat([nn.functional.leaky_relu(a + b, 0.1) + c, x], 1)).softmax(1), d, nn.functional.gelu(a, approximate="tanh")


class Shapes(nn.Module):
    """Indices, slices and shape arithmetic."""

    def forward(self, x):
        b, c, h, w = x.shape
        y = x.view(b, c, h * w).transpose(1, 2)
        z = torch.einsum("bij,bkj->bik", y, y)
        top, index = z.topk(3, dim=-1)
        picked = torch.gather(z, -1, index)
        mask = torch.tril(torch.ones(h * w, h * w, dtype=torch.bool))
        return z.masked_fill(~mask, -1e9).softmax(-1), top, picked.cumsum(1), y[:, ::2, 1:], x.flip(-1).std(dim=(2, 3))


MODELS = {
    "residual CNN": residual_cnn,
    "MobileNet-like": mobile_net,
    "LSTM": lambda: recurrent(nn.LSTM, num_layers=2),
    "LSTM both ways": lambda: recurrent(nn.LSTM, bidirectional=True),
    "GRU": lambda: recurrent(nn.GRU, num_layers=2),
    "GRU both ways": lambda: recurrent(nn.GRU, bidirectional=True),
    "RNN": lambda: recurrent(nn.RNN, nonlinearity="relu"),
    "Transformer": transformer,
    "Transformer, norm first": lambda: transformer(norm_first=True),
    "pyramid": lambda: (Pyramid(), [torch.randn(2, 3, 16, 16)]),
    "shapes": lambda: (Shapes(), [torch.randn(2, 3, 4, 4)]),
}
EXPORTERS = {
    "old, opset 11": dict(dynamo=False, opset_version=11),
    "old, opset 17": dict(dynamo=False, opset_version=17),
    "old, training form": dict(dynamo=False, opset_version=17, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False),
    "new, opset 18": dict(dynamo=True, opset_version=18),
    "new, opset 23": dict(dynamo=True, opset_version=23),
}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases, seconds, not_made = [], {}, []
    for name, make in MODELS.items():
        torch.manual_seed(1)
        model, inputs = make()
        for module in model.modules():  # statistics as of a trained model
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
        model.eval()
        with torch.no_grad():
            by_torch = model(*inputs)
        by_torch = [by_torch] if torch.is_tensor(by_torch) else list(by_torch)
        for exporter, options in EXPORTERS.items():
            label = f"{name} ({exporter})"
            path = FOLDER / f"model{len(cases)}.onnx"
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    torch.onnx.export(model, tuple(inputs), str(path), **options)
                arrays = [value.numpy() for value in inputs]
                session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
                expected = session.run(None, dict(zip([value.name for value in session.get_inputs()], arrays)))
            except Exception as error:
                not_made.append(f"{label}: {str(error).splitlines()[0][:120]}")
                continue
            cases.append(Case(label, path, arrays, expected))
            seconds[label] = max(float(np.abs(want - got.numpy()).max()) for want, got in zip(expected, by_torch))
    outcomes, worst = run(PROGRAM, FOLDER, cases, LIMIT)
    failed = {name: why for name, why in outcomes.items() if why}
    for name, why in failed.items():
        print(f"{name}: {why}")
    for text in not_made:
        print(f"not exported: {text}")
    print(f"exported models: {len(outcomes) - len(failed)} of {len(outcomes)} agree with onnxruntime, largest error {worst:.1e} "
          f"(onnxruntime against torch {max(seconds.values()):.1e}); {len(not_made)} could not be exported")
    sys.exit(bool(failed))


main()

"""ONNX's node tests: a model of one operator, inputs and expected outputs each.

    node_tests.py PROGRAM FOLDER

Tests whose inputs or outputs are no tensors of numbers (sequences, strings, optionals), of training and of operators that are
not known are counted, not run. Fails if a known operator fails a test that is not listed below.
"""
import collections
import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx.backend.test.loader import load_model_tests

from runner import Case, run

warnings.simplefilter("ignore")
PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])

# What is known to differ, and why.
KNOWN = {
    **{f"test_bitshift_{way}_int32_{kind}": "shifts by less than 0 or more than the width are not defined in C++"
       for way in ("left", "right") for kind in ("negative_shift", "shift_ge_width")},
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "the expected output is rounded to four digits",
    "test_bitwise_not_3d": "unsigned integers are widened",
    "test_maxpool_with_argmax_2d_precomputed_strides": "indices in column-major order",
    **{f"test_resize_downsample_scales_{mode}_align_corners": "sizes that are no whole numbers: rounded, as by LibTorch and onnxruntime"
       for mode in ("cubic", "linear")},
    **{f"test_training_dropout{kind}": "training" for kind in ("", "_default", "_default_mask", "_mask")},
}


SMALL = ("float8", "float4", "float6", "int4", "uint4", "int2", "uint2")


def is_tensor(value):
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "OSUT" and not value.dtype.name.startswith(SMALL)


def limit(want):
    """By the precision of the output."""
    name = np.asarray(want).dtype.name
    return {"float16": 2e-3, "bfloat16": 2e-2}.get(name, 1e-5)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases, other = [], 0
    for test in load_model_tests(kind="node"):
        inputs, expected = test.data_sets[0]
        if not all(is_tensor(value) for value in inputs + expected):
            other += 1
            continue
        path = FOLDER / f"{test.name}.onnx"
        onnx.save(test.model, path)
        cases.append(Case(test.name, path, inputs, expected))
    outcomes, worst = run(PROGRAM, FOLDER, cases, limit)
    unknown = {name: why for name, why in outcomes.items() if "this operator cannot be run" in why}
    lacking = [name for name, why in outcomes.items() if "not implemented for 'Half'" in why]  # LibTorch 1.13 on the CPU
    failed = {name: why for name, why in outcomes.items() if why and name not in unknown and name not in lacking}
    operators = collections.Counter(why.split("(")[1].split(" of ")[0] for why in unknown.values())
    surprising = {name: why for name, why in failed.items() if name not in KNOWN}
    for name, why in sorted(surprising.items()):
        print(f"{name}: {why}")
    print(f"operators that are not known: {', '.join(f'{name} {count}' for name, count in sorted(operators.items()))}")
    known = len(outcomes) - len(unknown)
    print(f"node tests: {known - len(failed) - len(lacking)} of {known} of known operators agree, {len(failed) - len(surprising)} are "
          f"known to differ, {len(lacking)} need half precision that this LibTorch lacks; {len(unknown)} have other operators, {other} other values than tensors; largest error {worst:.1e}")
    sys.exit(bool(surprising))


main()

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
from onnx import numpy_helper

from runner import Case, run

warnings.simplefilter("ignore")
PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])

# What is known to differ, and why.
KNOWN = {
}


def tensors(folder, kind, values):
    arrays = []
    for i, value in enumerate(values):
        if value.type.WhichOneof("value") != "tensor_type":
            return None
        tensor = onnx.load_tensor(str(folder / f"{kind}_{i}.pb"))
        array = numpy_helper.to_array(tensor)
        if array.dtype.kind in "OSU":
            return None
        arrays.append(array)
    return arrays


def limit(want):
    """By the precision of the output."""
    name = np.asarray(want).dtype.name
    return {"float16": 2e-3, "bfloat16": 2e-2}.get(name, 1e-5)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases, other = [], 0
    for test in load_model_tests(kind="node"):
        model = onnx.load(pathlib.Path(test.model_dir) / "model.onnx")
        names = {array.name for array in model.graph.initializer}
        folder = pathlib.Path(test.model_dir) / "test_data_set_0"
        try:
            inputs = tensors(folder, "input", [value for value in model.graph.input if value.name not in names])
            expected = tensors(folder, "output", model.graph.output)
        except Exception:  # elements that NumPy does not have
            inputs = None
        if inputs is None or expected is None or any(array.dtype.name.startswith(("float8", "float4", "float6", "int2", "uint2")) for array in inputs + expected):
            other += 1
            continue
        cases.append(Case(test.name, pathlib.Path(test.model_dir) / "model.onnx", inputs, expected))
    outcomes, worst = run(PROGRAM, FOLDER, cases, limit)
    unknown = {name: why for name, why in outcomes.items() if "this operator cannot be run" in why}
    failed = {name: why for name, why in outcomes.items() if why and name not in unknown}
    operators = collections.Counter(why.split("(")[1].split(" of ")[0] for why in unknown.values())
    surprising = {name: why for name, why in failed.items() if name not in KNOWN}
    for name, why in sorted(surprising.items()):
        print(f"{name}: {why}")
    print(f"operators that are not known: {', '.join(f'{name} {count}' for name, count in sorted(operators.items()))}")
    run_of_known = len(outcomes) - len(unknown)
    print(f"node tests: {run_of_known - len(failed)} of {run_of_known} of known operators agree, {len(failed) - len(surprising)} are "
          f"known to differ; {len(unknown)} have other operators, {other} other values than tensors; largest error {worst:.1e}")
    sys.exit(bool(surprising))


main()

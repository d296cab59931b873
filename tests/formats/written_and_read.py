"""Writes files with NumPy, safetensors and onnx, lists them with our readers, and compares every byte.

    written_and_read.py PROGRAM FOLDER
"""
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
NUMBERS = [np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64, np.float16,
           np.float32, np.float64, np.complex64, np.complex128]
SMALL_FLOATS = [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fnuz,
                ml_dtypes.float8_e5m2fnuz]
SHAPES = [(), (1,), (0,), (2, 0, 3), (3, 4), (2, 3, 4), (1, 2, 1, 3, 2)]
random = np.random.default_rng(1)
expected = {}  # file name: lines


def values(dtype, shape):
    return (random.standard_normal(shape) * 50).astype(dtype)


def line(name, array, dtype=None):
    shape = "(" + ", ".join(str(size) for size in array.shape) + ")"
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return f"{name} {dtype or array.dtype.name} {shape} {little.tobytes().hex()}"


def expect(name, lines):
    expected[name] = list(lines)
    return FOLDER / name


def npy_files():
    every = {}
    for dtype in NUMBERS + SMALL_FLOATS[:1]:
        for i, shape in enumerate(SHAPES):
            array = np.asarray(values(dtype, shape))
            every[f"{np.dtype(dtype).name}/{i}"] = array
            np.save(expect(f"{np.dtype(dtype).name}_{i}.npy", [line("", array)]), array)
            if dtype != ml_dtypes.bfloat16:
                big = array.astype(array.dtype.newbyteorder(">"))
                np.save(expect(f"big_{np.dtype(dtype).name}_{i}.npy", [line("", array)]), big)
            np.save(expect(f"fortran_{np.dtype(dtype).name}_{i}.npy", [line("", array)]), np.asfortranarray(array).reshape(array.shape, order="A"))
    for version in [(1, 0), (2, 0), (3, 0)]:
        array = values(np.float32, (3, 2))
        with open(expect(f"version{version[0]}.npy", [line("", array)]), "wb") as file:
            np.lib.format.write_array(file, array, version=version)
    lines = [line(name, array) for name, array in every.items()]
    np.savez(expect("stored.npz", lines), **every)
    np.savez_compressed(expect("deflated.npz", lines), **every)
    long = {"zeros": np.zeros((1000, 300), np.float32), "noise": values(np.float64, (200, 100))}
    np.savez_compressed(expect("long.npz", [line(name, array) for name, array in long.items()]), **long)


def safetensors_files():
    arrays = {f"{np.dtype(dtype).name}.{i}": np.asarray(values(dtype, shape))
              for dtype in NUMBERS[:-1] + SMALL_FLOATS[:3] for i, shape in enumerate(SHAPES)}
    # The writer orders them; the reader gives its order. So each is compared, and the order is not.
    save_file(arrays, expect("all.safetensors", sorted(line(n, a) for n, a in arrays.items())), metadata={"made": "for a test"})


def onnx_model(nodes, initializers, name, external=False):
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, FOLDER / name, save_as_external_data=external, size_threshold=0, location=name + ".data")


def onnx_files():
    arrays = {f"{np.dtype(dtype).name}.{i}": np.asarray(values(dtype, shape))
              for dtype in NUMBERS + SMALL_FLOATS for i, shape in enumerate(SHAPES)}
    lines = [line(name, array) for name, array in arrays.items()]
    raw = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    expect("raw.onnx", lines)
    onnx_model([], raw, "raw.onnx")
    expect("external.onnx", lines)
    onnx_model([], raw, "external.onnx", external=True)
    typed = [helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.flatten())
             for name, array in arrays.items()]
    expect("typed.onnx", lines)
    onnx_model([], typed, "typed.onnx")
    four = {"int4": (TensorProto.INT4, [-8, -1, 0, 5, 7], np.int8), "uint4": (TensorProto.UINT4, [0, 15, 8, 1, 9], np.uint8)}
    expect("four_bits.onnx", [line(name, np.array(values, dtype)) for name, (_, values, dtype) in four.items()])
    onnx_model([], [numpy_helper.from_array(np.array(values, dtype).astype(getattr(ml_dtypes, name)), name)
                    for name, (_, values, dtype) in four.items()], "four_bits.onnx")
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "branch", [],
                               [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)])
    constant = values(np.float32, (2,))
    nodes = [helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(constant, "value")),
             helper.make_node("Gemm", ["x", "", "c"], ["g"], alpha=0.25, transB=1),
             helper.make_node("Odd", ["g"], ["y", "", "z"], reals=[1.5, -2.0], integers=[-3, 1 << 40], word="w", words=["p", "q"]),
             helper.make_node("If", ["c"], ["i"], then_branch=branch)]
    expect("nodes.onnx", ["node Constant -> c", "  value 0 0 ", line("value", constant), "node Gemm x  c -> g",
                          "  alpha 0.25 0 ", "  transB 0 1 ", "node Odd g -> y  z", f"  integers 0 0  -3 {1 << 40}", "  reals 0 0  1.5 -2",
                          "  word 0 0 w", "  words 0 0  p q", "node If c -> i", "  then_branch 0 0 ",
                          "  node Relu x -> r"])
    onnx_model(nodes, [], "nodes.onnx")


npy_files()
safetensors_files()
onnx_files()
listed = subprocess.run([PROGRAM] + [str(FOLDER / name) for name in expected], capture_output=True, text=True, check=True)
got = {}
for text in listed.stdout.splitlines():
    if text.startswith("file "):
        current = got[text[5:]] = []
    else:
        current.append(text)
wrong = 0
for name, lines in expected.items():
    found = sorted(got[name]) if name.endswith(".safetensors") else got[name]
    if found != lines:
        wrong += 1
        first = next((pair for pair in zip(found, lines) if pair[0] != pair[1]), (found[-1:], lines[-1:]))
        print(f"{name}: {len(found)} lines, wanted {len(lines)}; got {str(first[0])[:200]!r}, wanted {str(first[1])[:200]!r}")
print(f"formats: {len(expected) - wrong} of {len(expected)} files read back exactly, {sum(map(len, expected.values()))} arrays and nodes")
sys.exit(wrong > 0)

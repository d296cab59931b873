"""Runs models with our program and compares outputs."""
import pathlib
import subprocess

import ml_dtypes
import numpy as np


class Case:
    def __init__(self, name, model, inputs, expected):
        self.name, self.model, self.inputs, self.expected = name, model, inputs, expected


def got_of(path):
    array = np.load(path)
    return array.view(ml_dtypes.bfloat16) if array.dtype.kind == "V" else array


def error_of(got, want):
    """The largest difference, relative to the tensor's largest value; infinite if shapes or non-finite elements differ."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return float("inf"), f"shape {got.shape}, wanted {want.shape}"
    if want.size == 0:
        return 0.0, ""
    if want.dtype.kind in "biu" and got.dtype.kind in "biu":
        wrong = int((got.astype(object) != want.astype(object)).sum())
        return (float("inf") if wrong else 0.0), f"{wrong} of {want.size} integers differ"
    got, want = got.astype(np.float64), want.astype(np.float64)
    finite = np.isfinite(want)
    if not np.array_equal(finite, np.isfinite(got)) or not np.array_equal(want[~finite], got[~finite], equal_nan=True):
        return float("inf"), "other elements are non-finite"
    if not finite.any():
        return 0.0, ""
    error = np.abs(got[finite] - want[finite]).max() / max(1.0, np.abs(want[finite]).max())
    return float(error), f"error {error:.2e}"


def run(program, folder, cases, limit):
    """Returns {name: why it failed, or "" if it agrees} and the largest error of those that agree."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for i, case in enumerate(cases):
        prefix = folder / f"case{i}"
        for k, array in enumerate(case.inputs):
            np.save(f"{prefix}_in{k}.npy", array)
        lines.append(f"{case.model} {len(case.inputs)} {prefix}")
    (folder / "list").write_text("\n".join(lines) + "\n")
    said = subprocess.run([program, folder / "list"], capture_output=True, text=True).stdout.splitlines()
    outcomes, worst = {}, 0.0
    for i, case in enumerate(cases):
        line = said[i] if i < len(said) else "error the program ended"
        if line.startswith("error"):
            outcomes[case.name] = line
            continue
        why = "" if int(line.split()[1]) >= len(case.expected) else f"{line} outputs, wanted {len(case.expected)}"
        for k, want in enumerate(case.expected):
            error, text = error_of(got_of(f"{folder}/case{i}_out{k}.npy"), want)
            allowed = limit(want) if callable(limit) else limit
            if error > allowed and not why:
                why = f"output {k}: {text}"
            elif error <= allowed and np.asarray(want).dtype.kind == "f":
                worst = max(worst, error if np.asarray(want).dtype.itemsize >= 4 else 0)
        outcomes[case.name] = why
    return outcomes, worst

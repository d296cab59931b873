"""Holds what `sonde compare` says of each pair against what is wrong in it.

    judge.py SONDE FOLDER

SONDE is the built command, FOLDER was made by run.sh. A pair counts as named where some visible fault of right against wrong has
the expected cause, and names the argument if it is one; the right file against its source has to be silent.
"""
import json
import pathlib
import subprocess
import sys

SONDE, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])


def compare(reference, target, inputs):
    run = subprocess.run([SONDE, "compare", reference, target, "--input", inputs, "--json", "-"], capture_output=True, text=True)
    if run.returncode == 2:
        raise RuntimeError(run.stderr.strip().splitlines()[-1])
    return [fault for fault in json.loads(run.stdout)["faults"] if fault["visible"]]


def told(faults):
    return "; ".join(f"{f['cause']} {f['target']['operation']} {f['target']['name']}" for f in faults[:3]) or "nothing"


def is_expected(fault, pair):
    return fault["cause"] == pair["cause"] and (fault["cause"] != "argument" or fault["target"]["name"] == pair["argument"])


def main():
    pairs = json.loads((FOLDER / "pairs.json").read_text())
    named, alarms, sources = 0, 0, 0
    for pair in pairs:
        folder = FOLDER / pair["name"]
        try:
            faults = compare(folder / "right.onnx", folder / "wrong.onnx", folder / "input.npz")
            good = any(is_expected(fault, pair) for fault in faults)
            named += good
            print(f"{'named ' if good else 'MISSED'} {pair['name']:24} {pair['bug']:34} {told(faults)}")
            if (folder / "reference.pt").exists():
                sources += 1
                false = compare(folder / "reference.pt", folder / "right.onnx", folder / "input.npz")
                alarms += bool(false)
                if false:
                    print(f"ALARM  {pair['name']:24} the right file against its source: {told(false)}")
        except RuntimeError as error:
            print(f"FAILED {pair['name']:24} {error}")
    print(f"converters: named={named}/{len(pairs)} false_alarms={alarms}/{sources}")


main()

"""The JSON and SARIF that Sonde writes are what their schemas say: no field more, no field less.

    schema_test.py PROGRAM FOLDER REPORT_SCHEMA COMPARISON_SCHEMA SARIF_SCHEMA

PROGRAM writes sample reports and comparisons into FOLDER. Ends with 77 (skipped) if Python has no jsonschema.
"""

import copy
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: this Python has no jsonschema (Debian: python3-jsonschema, which cmake/bootstrap.sh installs)")
    sys.exit(77)


def objects(value, path="document"):
    """Every object inside, with its path."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from objects(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, f"{path}[{index}]")


def refusals(validator, document):
    """A copy of the document for each object in it, with a field too many, and for each field, with it missing."""
    for path, _ in objects(document):
        if ".properties" in path:  # of SARIF: free
            continue
        changed = copy.deepcopy(document)
        dict(objects(changed))[path]["surprise"] = 1
        yield f"{path} with a field too many", not validator.is_valid(changed)


def missing_fields(validator, document):
    for path, before in objects(document):
        for field in before:
            changed = copy.deepcopy(document)
            del dict(objects(changed))[path][field]
            yield f"{path} without {field}", not validator.is_valid(changed)


def kind_of(path):
    """The ending, for reports and SARIF; comparisons are JSON too."""
    return ".comparison" if path.name.startswith("comparison_") else path.suffix


def main(program, folder, report_schema, comparison_schema, sarif_schema):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, str(folder)], check=True)
    validators = {}
    for ending, schema in ((".json", report_schema), (".comparison", comparison_schema), (".sarif", sarif_schema)):
        content = json.loads(pathlib.Path(schema).read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(content)
        validators[ending] = jsonschema.Draft202012Validator(content)
    failures = []
    checks = 0
    files = sorted(path for path in folder.iterdir() if kind_of(path) in validators)
    if not files:
        failures.append("no samples were written")
    for path in files:
        document = json.loads(path.read_text(encoding="utf-8"))
        validator = validators[kind_of(path)]
        for error in validator.iter_errors(document):
            failures.append(f"{path.name}: {error.json_path}: {error.message[:200]}")
        checks += 1
        if path.name in ("sick.json", "comparison_faulty.json"):
            tests = list(refusals(validator, document)) + list(missing_fields(validator, document))
        elif path.name == "sick.rooted.sarif":
            tests = list(refusals(validator, document))
        else:
            tests = []
        failures += [f"{path.name}: accepted {what}" for what, refused in tests if not refused]
        checks += len(tests)
    for failure in failures:
        print(failure)
    print(f"{checks} checks of {len(files)} files, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Reads a run with TensorBoard's own readers and compares it with what was written: read_run.py FOLDER."""

import json
import math
import pathlib
import sys

import numpy as np
from tensorboard.backend.event_processing import event_accumulator, event_file_loader
from tensorboard.compat.proto import event_pb2
from tensorboard.util import tensor_util


def main(folder):
    wanted = json.loads((folder / "expected.json").read_text())
    files = sorted((folder / "run").glob("events.out.tfevents.*"))
    check(len(files) == 1, f"{len(files)} files, wanted one")
    accumulator = event_accumulator.EventAccumulator(
        str(folder / "run"), size_guidance={kind: 0 for kind in event_accumulator.DEFAULT_SIZE_GUIDANCE}
    )
    accumulator.Reload()
    check(accumulator.file_version == 2.0, f"file version {accumulator.file_version}")
    tags = accumulator.Tags()
    for kind, name in (("scalars", "scalars"), ("histograms", "histograms"), ("tensors", "texts")):
        check(set(tags[kind]) == set(wanted[name]), f"{name}: {set(tags[kind]) ^ set(wanted[name])} only in one")

    scalars = sum(compare_scalars(tag, accumulator.Scalars(tag), points) for tag, points in wanted["scalars"].items())
    histograms = sum(
        compare_histograms(tag, accumulator.Histograms(tag), points) for tag, points in wanted["histograms"].items()
    )
    texts = sum(compare_texts(tag, accumulator.Tensors(tag), points) for tag, points in wanted["texts"].items())
    for tag in (*wanted["scalars"], *wanted["histograms"], *wanted["texts"]):
        metadata = accumulator.SummaryMetadata(tag)
        plugin = "text" if tag in wanted["texts"] else "histograms" if tag in wanted["histograms"] else "scalars"
        check(metadata.plugin_data.plugin_name == plugin, f"{tag}: plugin {metadata.plugin_data.plugin_name}")
        check(metadata.display_name == tag and metadata.summary_description, f"{tag}: not described")

    values = compare_migrated(files[0], wanted)
    check_that_damage_is_noticed(files[0])
    print(f"tensorboard: read {scalars} scalars, {histograms} histograms, {texts} texts; {values} values migrated")


def check(holds, message):
    if not holds:
        sys.exit(f"tensorboard: {message}")


def compare_scalars(tag, got, points):
    check(len(got) == len(points), f"{tag}: {len(got)} values, wanted {len(points)}")
    for one, (step, wall, value) in zip(got, points):
        with np.errstate(over="ignore"):
            value = float(np.float32(value))  # as TensorBoard keeps them
        same = one.value == value or (math.isnan(one.value) and math.isnan(value))
        check(one.step == step and abs(one.wall_time - wall) < 1e-6 and same, f"{tag}: {one}, wanted {step, wall, value}")
    return len(got)


def compare_histograms(tag, got, points):
    check(len(got) == len(points), f"{tag}: {len(got)} histograms, wanted {len(points)}")
    for one, (step, values) in zip(got, points):
        histogram = one.histogram_value
        values = np.array(values)
        check(one.step == step and histogram.num == len(values), f"{tag}: {histogram.num} values, wanted {len(values)}")
        check(histogram.min == values.min() and histogram.max == values.max(), f"{tag}: limits of step {step}")
        check(np.isclose(histogram.sum, values.sum(), rtol=1e-12), f"{tag}: sum of step {step}")
        check(np.isclose(histogram.sum_squares, (values**2).sum(), rtol=1e-12), f"{tag}: sum of squares of step {step}")
        below = 0
        for limit, count in zip(histogram.bucket_limit, histogram.bucket):
            below += count
            check(below == (values <= limit).sum(), f"{tag}: bucket up to {limit} of step {step}")
    return len(got)


def compare_texts(tag, got, points):
    check(len(got) == len(points), f"{tag}: {len(got)} texts, wanted {len(points)}")
    for one, (step, text) in zip(got, points):
        check(one.step == step and one.tensor_proto.string_val[0].decode() == text, f"{tag}: another text")
    return len(got)


def compare_migrated(file, wanted):
    """The loader of today's plug-ins, which turns everything into tensors."""
    count = 0
    scalars = {tag: iter(points) for tag, points in wanted["scalars"].items()}
    for event in event_file_loader.EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            count += 1
            if value.tag not in scalars:
                continue
            step, _, expected = next(scalars[value.tag])
            got = tensor_util.make_ndarray(value.tensor).item()
            with np.errstate(over="ignore"):
                expected = float(np.float32(expected))
            check(event.step == step and (got == expected or math.isnan(got) and math.isnan(expected)), value.tag)
    check(all(next(points, None) is None for points in scalars.values()), "the loader missed scalars")
    return count


def check_that_damage_is_noticed(file):
    """The readers do verify checksums: with one bit changed, nothing is read from there on."""
    good = list(event_file_loader.RawEventFileLoader(str(file)).Load())
    check(event_pb2.Event.FromString(good[0]).file_version == "brain.Event:2", "no version first")
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    damaged = file.with_name("damaged.tfevents")
    damaged.write_bytes(bytes_)
    bad = list(event_file_loader.RawEventFileLoader(str(damaged)).Load())
    damaged.unlink()
    check(len(bad) < len(good), "damage went unnoticed")


main(pathlib.Path(sys.argv[1]))

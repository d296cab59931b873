"""Edits of ONNX files: each is what one known bug of a converter or a port does."""
import numpy as np
from onnx import helper, numpy_helper


def node_of(model, operation, which=0):
    return [node for node in model.graph.node if node.op_type == operation][which]


def drop(operation, attribute):
    """The converter does not write the attribute, so that its default holds."""
    def edit(model):
        node = node_of(model, operation)
        kept = [one for one in node.attribute if one.name != attribute]
        assert len(kept) < len(node.attribute), f"{operation} has no {attribute}"
        del node.attribute[:]
        node.attribute.extend(kept)
    return edit


def change(operation, attribute, value, which=0):
    def edit(model):
        node = node_of(model, operation, which)
        kept = [one for one in node.attribute if one.name != attribute] + [helper.make_attribute(attribute, value)]
        del node.attribute[:]
        node.attribute.extend(kept)
    return edit


def become(operation, other):
    """Another operator in its place, without attributes."""
    def edit(model):
        node = node_of(model, operation)
        node.op_type = other
        del node.attribute[:]
    return edit


def rewrite(operation, inputs, make):
    """`make(array)` in place of the initializers that the operator has as these inputs."""
    def edit(model):
        names = [node_of(model, operation).input[i] for i in inputs]
        done = 0
        for tensor in model.graph.initializer:
            if tensor.name in names:
                tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(make(numpy_helper.to_array(tensor))), tensor.name))
                done += 1
        assert done == len(set(names)), f"{operation}: {done} of {len(set(names))} inputs are initializers"
    return edit


def gates(order):
    """Blocks of rows (dimension 1) in another order; biases are two halves."""
    def make(array):
        count = len(order)
        if array.ndim == 3:
            return np.concatenate([np.split(array, count, axis=1)[i] for i in order], axis=1)
        halves = np.split(array, 2, axis=1)
        return np.concatenate([np.split(half, count, axis=1)[i] for half in halves for i in order], axis=1)
    return make


def channels_last(channels, height, width):
    """Columns (or rows, of a matrix that is multiplied from the right) for (height, width, channels)."""
    order = np.arange(channels * height * width).reshape(channels, height, width).transpose(1, 2, 0).ravel()

    def make(array):
        return array[:, order] if array.shape[1] == order.size else array[order]
    return make


def of_operator_set(version):
    """The file says another operator set than the one that its operators are meant for."""
    def edit(model):
        for entry in model.opset_import:
            if entry.domain in ("", "ai.onnx"):
                entry.version = version
    return edit

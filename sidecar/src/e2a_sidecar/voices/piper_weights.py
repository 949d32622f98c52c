"""Every operator of a Piper voice's graph that carries weights, as a layer: its weights, and which layers it takes from.

Names of nodes and tensors say nothing here: exporters number them, merge equal weights, fold some and compute others. Between
the layers are only operators that carry no weights. What they are in a VITS `piper_layers` tells, by place and shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import onnx

from e2a_sidecar.voices.cut import Names
from e2a_sidecar.voices.graph_constants import Constants, Floats, attributes, looked_at
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires

_MOST_LAYERS: Final = 1000  # a published voice has 250
_MOST_NEAR: Final = 100  # layers that an operator takes from; in a published voice 7
_VIEWS: Final = frozenset(("Unsqueeze", "Squeeze", "Transpose", "Slice", "Pad", "Reshape", "Identity", "Cast"))
_NO_DATA: Final = frozenset(("Shape", "Size", "ConstantOfShape", "Range"))  # what they give depends on lengths alone


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """An operator with weights. before: numbers of the nearest layers that it takes from; above: of all."""

    kind: str
    output: str
    weights: tuple[Floats | None, ...]
    before: frozenset[int]
    above: frozenset[int]
    number: int
    stride: int = 1
    dilation: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        first = self.weights[0]
        assert first is not None
        return first.shape


@dataclass(slots=True)
class _Pass:
    """One way through the graph in its order."""

    wires: Wires
    constants: Constants
    near: dict[str, frozenset[int]] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    half: dict[str, Floats] = field(default_factory=dict)
    """Outputs behind the first of two operators that make one layer -> its weight."""
    fixed_speakers: dict[bytes, frozenset[int]] = field(default_factory=dict)
    """Of a voice whose one speaker stands in the graph: its vector -> its layer, as if it had been looked up."""

    def add(self, kind: str, node: onnx.NodeProto, weights: tuple[Floats | None, ...], **more: int) -> None:
        before = self.taken(node)
        above = before.union(*(self.layers[i].above for i in before))
        self.layers.append(Layer(kind, node.output[0], weights, before, above, len(self.layers), **more))
        self.near[node.output[0]] = frozenset((len(self.layers) - 1,))
        if len(self.layers) > _MOST_LAYERS:
            raise Unrecognised("more layers than a VITS has")

    def taken(self, node: onnx.NodeProto) -> frozenset[int]:
        all_taken = [near for name in looked_at(node) if (near := self.near.get(name))]
        taken = all_taken[0].union(*all_taken[1:]) if all_taken else frozenset()
        if len(taken) > _MOST_NEAR:
            raise Unrecognised("an operator that takes from more layers than any in a VITS")
        return taken

    def speaker(self, name: str) -> None:
        """Let a stored tensor that a convolution takes count as an embedding of one speaker."""
        row = self.constants.floats(name).reshape(1, -1)
        if row.tobytes() not in self.fixed_speakers:
            number = len(self.layers)
            self.layers.append(Layer("embedding", "", (row,), frozenset(), frozenset(), number))
            self.fixed_speakers[row.tobytes()] = frozenset((number,))
        self.near[name] = self.fixed_speakers[row.tobytes()]

    def fixed(self, node: onnx.NodeProto) -> tuple[Floats, str] | None:
        """(value, the other input) of an operator of two inputs of which one is a stored vector."""
        if len(node.input) != 2:
            return None
        for name, other in (tuple(node.input), tuple(reversed(node.input))):
            if name in self.constants and other not in self.constants:
                value = self.constants.value(name)
                return (value, other) if value.dtype == np.float32 and value.size > 1 else None
        return None


def layers_of(graph: onnx.GraphProto, wires: Wires, names: Names) -> list[Layer]:
    """Every layer, in an order in which each comes after those that it takes from."""
    walk = _Pass(wires, Constants(graph, wires))
    for node in wires.order:
        kind = node.op_type
        if kind in _NO_DATA or node.output[0] in walk.constants:
            continue
        if kind in _MAKERS and _MAKERS[kind](walk, node):
            pass
        else:
            walk.near |= dict.fromkeys(node.output, walk.taken(node))
        if {names.z, names.mask, names.latents} & set(node.output):
            walk.near |= dict.fromkeys(node.output, frozenset())
    return walk.layers


def _convolution(walk: _Pass, node: onnx.NodeProto) -> bool:
    if node.input[1] not in walk.constants or (len(node.input) > 2 and node.input[2] and node.input[2] not in walk.constants):
        raise Unrecognised("a convolution without weights of its own")
    bias = walk.constants.floats(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    weight, how = walk.constants.floats(node.input[1]), attributes(node)
    if weight.ndim != 3:
        raise Unrecognised("a convolution in more than one dimension")
    if node.input[0] in walk.constants:
        walk.speaker(node.input[0])
    more = {"stride": how.get("strides", [1])[0], "dilation": how.get("dilations", [1])[0]}
    walk.add("conv" if node.op_type == "Conv" else "up", node, (weight, bias), **more)
    return True


def _layer_norm(walk: _Pass, node: onnx.NodeProto) -> bool:
    if len(node.input) != 3 or any(name not in walk.constants for name in node.input[1:]):
        raise Unrecognised("a norm without weights of its own")
    walk.add("norm", node, tuple(walk.constants.floats(name).reshape(-1) for name in node.input[1:]))
    return True


def _product(walk: _Pass, node: onnx.NodeProto) -> bool:
    """The first half of a norm (gamma, behind its division), or the second of a scale and shift (behind its difference)."""
    found = walk.fixed(node)
    if not found:
        return False
    value, other = found
    if other in walk.half:
        walk.add("affine", node, (walk.half[other].reshape(-1), value.reshape(-1)))
        return True
    if other in walk.wires.maker and walk.wires.maker[other].op_type == "Div" and value.size == value.shape[-1]:
        walk.half[node.output[0]] = value
    return False


def _sum(walk: _Pass, node: onnx.NodeProto) -> bool:
    """The second half of a norm: beta."""
    for name in node.input:
        if name in walk.half and (found := walk.fixed(node)):
            walk.add("norm", node, (walk.half[name].reshape(-1), found[0].reshape(-1)))
            return True
    return False


def _difference(walk: _Pass, node: onnx.NodeProto) -> bool:
    """The first half of a scale and shift: two channels."""
    if node.input[1] in walk.constants and (found := walk.fixed(node)) and found[0].size == 2 and found[0].shape[-2:] == (2, 1):
        walk.half[node.output[0]] = found[0]
    return False


def _product_of_matrices(walk: _Pass, node: onnx.NodeProto) -> bool:
    """Relative positions: a stored table, cut and padded to the sentence's length."""
    for name in node.input:
        table = name
        while table not in walk.constants and table in walk.wires.maker and walk.wires.maker[table].op_type in _VIEWS:
            table = walk.wires.maker[table].input[0]
        if table in walk.constants:
            walk.add("relative", node, (walk.constants.floats(table),))
            return True
    return False


def _embedding(walk: _Pass, node: onnx.NodeProto) -> bool:
    if node.input[0] not in walk.constants:
        return False
    table = walk.constants.value(node.input[0])
    if table.ndim != 2 or table.dtype != np.float32:
        return False
    walk.add("embedding", node, (table,))
    return True


_MAKERS: Final[Mapping[str, Callable[[_Pass, onnx.NodeProto], bool]]] = {
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "LayerNormalization": _layer_norm,
    "Mul": _product,
    "Add": _sum,
    "Sub": _difference,
    "MatMul": _product_of_matrices,
    "Gather": _embedding,
}

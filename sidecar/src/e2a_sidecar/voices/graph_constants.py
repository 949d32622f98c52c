"""Tensors of a graph that depend on no input: weights as they are stored, or as they are computed.

An exporter that folds nothing leaves a weight norm in the graph, and writes weights as constants or names them twice. A few
operators are evaluated, each bounded in size: a graph comes from strangers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from e2a_sidecar.voices.piper_graph import Unrecognised, Wires

Floats = NDArray[np.float32]

_LARGEST_WEIGHT: Final = 1 << 24  # elements; the largest of a published voice has 1 << 21
_ALL_WEIGHTS: Final = 1 << 28  # with what is computed on the way to them; a published voice has 1 << 25
_OF_TWO: Final = frozenset(("Add", "Sub", "Mul", "Div", "Pow"))


class Constants:
    """Tensors of a graph that depend on no input, evaluated where they are asked for."""

    def __init__(self, graph: onnx.GraphProto, wires: Wires) -> None:
        self._wires = wires
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._known: dict[str, NDArray[Any]] = {}
        self._constant = set(self._stored)
        self._place: dict[str, int] = {}
        self._left = _ALL_WEIGHTS
        for place, node in enumerate(wires.order):
            self._place |= dict.fromkeys(node.output, place)
            if node.op_type == "Constant" or (node.input and node.op_type in _EVALUATED and all(not i or i in self._constant for i in looked_at(node))):
                self._constant.update(node.output)

    def __contains__(self, name: str) -> bool:
        return name in self._constant

    def value(self, name: str) -> NDArray[Any]:
        """Unrecognised where it is too large or no tensor."""
        try:
            if name in self._place and name not in self._known:
                needed = (self._wires.above([name]) & self._constant & self._place.keys()) - self._known.keys()
                for one in sorted(needed, key=self._place.__getitem__):
                    node = self._wires.maker[one]
                    self._known[one] = _evaluated(node, [self._tensor(i) for i in looked_at(node)])
                    self._left -= self._known[one].size
                    if self._left < 0:
                        raise Unrecognised("weights that are too large")
            return self._tensor(name)
        except (ValueError, TypeError, IndexError, KeyError, ArithmeticError, AttributeError) as error:
            raise Unrecognised(f"weights that cannot be computed: {error!r}"[:200]) from None

    def floats(self, name: str) -> Floats:
        """A weight. Unrecognised where it is none of single precision."""
        value = self.value(name)
        if value.dtype != np.float32:
            raise Unrecognised(f"weights of another precision ({value.dtype})")
        return value

    def _tensor(self, name: str) -> NDArray[Any]:
        if name not in self._known:
            stored = self._stored[name]
            if math.prod(stored.dims) > _LARGEST_WEIGHT:
                raise Unrecognised("a weight that is too large")
            self._known[name] = numpy_helper.to_array(stored)
        return self._known[name]


def looked_at(node: onnx.NodeProto) -> Sequence[str]:
    """The inputs whose values matter: a cast to the kind of a voice's sound is one to single precision, whatever the sound."""
    return list(node.input[:1] if node.op_type == "CastLike" else node.input)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """An operator's attributes by name."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _constant(node: onnx.NodeProto) -> NDArray[Any]:
    (name, value), *_ = attributes(node).items()
    if name == "value":
        if math.prod(value.dims) > _LARGEST_WEIGHT:
            raise Unrecognised("a weight that is too large")
        return numpy_helper.to_array(value)
    return np.asarray(value, dtype=np.float32 if name in ("value_float", "value_floats") else np.int64)


def _cast(x: NDArray[Any], kind: int) -> NDArray[Any]:
    """To another kind of numbers; as texts each of them would take a hundred bytes."""
    wanted = onnx.helper.tensor_dtype_to_np_dtype(kind)
    if wanted.kind not in "biuf":
        raise Unrecognised(f"weights that are no numbers ({wanted})")
    return x.astype(wanted)


def _axes(given: Sequence[NDArray[Any]], attributes: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Of a reduction or a view: an attribute in older opsets, an input in newer ones."""
    axes = given[1].reshape(-1).tolist() if len(given) > 1 else attributes.get("axes")
    return None if axes is None else tuple(axes)


def _unsqueezed(x: NDArray[Any], axes: tuple[int, ...] | None) -> NDArray[Any]:
    return np.expand_dims(x, axes or ())


def _norm(x: NDArray[Any], axes: tuple[int, ...] | None, keep: bool) -> NDArray[Any]:
    return np.sqrt(np.sum(np.square(x), axis=axes, keepdims=keep, dtype=np.float32))


_EVALUATED: Final[Mapping[str, Callable[[Sequence[NDArray[Any]], Mapping[str, Any]], NDArray[Any]]]] = {
    "Identity": lambda x, _: x[0],
    "Cast": lambda x, a: _cast(x[0], a["to"]),
    "CastLike": lambda x, _: x[0].astype(np.float32),
    "Shape": lambda x, a: np.array(x[0].shape[a.get("start", 0) : a.get("end")], dtype=np.int64),
    "Expand": lambda x, _: np.broadcast_to(x[0], np.broadcast_shapes(x[0].shape, tuple(x[1].tolist()))).copy(),
    "Neg": lambda x, _: -x[0],
    "Exp": lambda x, _: np.exp(x[0]),
    "Sqrt": lambda x, _: np.sqrt(x[0]),
    "Reciprocal": lambda x, _: 1 / x[0],
    "Add": lambda x, _: x[0] + x[1],
    "Sub": lambda x, _: x[0] - x[1],
    "Mul": lambda x, _: x[0] * x[1],
    "Div": lambda x, _: x[0] / x[1],
    "Pow": lambda x, _: np.power(x[0], x[1].astype(x[0].dtype)),
    "Transpose": lambda x, a: np.transpose(x[0], a.get("perm")),
    "Unsqueeze": lambda x, a: _unsqueezed(x[0], _axes(x, a)),
    "Squeeze": lambda x, a: np.squeeze(x[0], _axes(x, a)),
    "Reshape": lambda x, _: x[0].reshape([x[0].shape[i] if n == 0 else n for i, n in enumerate(x[1].tolist())]),
    "ReduceL2": lambda x, a: _norm(x[0], _axes(x, a), bool(a.get("keepdims", 1))),
    "Gather": lambda x, a: np.take(x[0], x[1].astype(np.int64), axis=a.get("axis", 0)),
    "ReduceSum": lambda x, a: np.sum(x[0], axis=_axes(x, a), keepdims=bool(a.get("keepdims", 1))),
}


def _size_at_most(kind: str, given: Sequence[NDArray[Any]]) -> int:
    """Elements of what an operator gives, where that may be more than it takes."""
    if kind in _OF_TWO:
        return math.prod(np.broadcast_shapes(*(x.shape for x in given)))
    if kind == "Gather":
        return given[0].size * given[1].size
    return given[0].size * math.prod(max(1, int(n)) for n in given[1].reshape(-1)) if kind == "Expand" else 0


def _evaluated(node: onnx.NodeProto, given: Sequence[NDArray[Any]]) -> NDArray[Any]:
    if node.op_type == "Constant":
        return _constant(node)
    if _size_at_most(node.op_type, given) > _LARGEST_WEIGHT:
        raise Unrecognised("a weight that is too large")
    return _EVALUATED[node.op_type](given, attributes(node))

"""An ONNX graph from strangers: read within bounds, and as wires from node to node.

What could take all memory or time before a sound is made is refused: too many entries, nodes or elements, sizes that
would become so, loops, operators of its own, weights elsewhere. The bounds are some fifty times what a published Piper
voice has.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper
from onnx.external_data_helper import uses_external_data

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.proto_count import entries

_LARGEST_MODEL: Final = 1 << 29  # the largest that Piper publishes is 115 MB, Kokoro has 325; it is held several times over while it is cut
_MOST_ENTRIES: Final = 1_000_000  # of the file; a published voice has 44,000
_MOST_NODES: Final = 50_000  # a published voice has 3,000, unfolded 6,000
_LARGEST_TENSOR: Final = 1 << 26  # elements; the largest of a published voice has 1 << 21
_SIZES: Final = {"ConstantOfShape": (0,), "Expand": (1,), "Tile": (1,), "Pad": (1,), "Range": (0, 1), "Resize": (2, 3), "OneHot": (1,)}
_ENDLESS: Final = frozenset(("Loop", "Scan", "SequenceMap"))
_PRECISION: Final[dict[int, str]] = {onnx.TensorProto.FLOAT16: "half", onnx.TensorProto.BFLOAT16: "half", onnx.TensorProto.DOUBLE: "double"}
_LARGEST_STEP: Final = 4096  # of a convolution; in a published voice 12
_MOST_SAMPLES: Final = 8192  # of a frame; a published voice has 256


class Unrecognised(Exception):
    """The graph is not one that we know; says what was not found. Never leaves `voices` but as a SidecarError."""


class Wires:
    """Who makes and who takes each tensor; `order`: the nodes, each after those that it takes from."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        """Unrecognised where nodes wait for each other, or for what nobody gives."""
        self.maker = {output: node for node in graph.node for output in node.output if output}
        self.takers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in graph.node:
            if not node.output or not node.output[0]:
                raise Unrecognised("a node that gives nothing")
            for name in node.input:
                self.takers[name].append(node)
        if len(self.maker) != sum(bool(output) for node in graph.node for output in node.output):
            raise Unrecognised("two nodes that give the same")
        self.order = self._ordered(graph)

    def _ordered(self, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
        given = ["", *(i.name for i in graph.input), *(i.name for i in graph.initializer)]
        missing = {id(node): len(node.input) for node in graph.node}
        order = [node for node in graph.node if not node.input]
        ready = [*dict.fromkeys(given), *(output for node in order for output in node.output if output)]
        while ready:
            for taker in self.takers.get(ready.pop(), ()):
                missing[id(taker)] -= 1
                if not missing[id(taker)]:
                    order.append(taker)
                    ready += (output for output in taker.output if output)
        if len(order) != len(graph.node):
            raise Unrecognised("nodes that wait for each other, or for what nobody gives")
        return order

    def above(self, names: Iterable[str]) -> set[str]:
        """Every tensor that these depend on, themselves included."""
        seen: set[str] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            if name and name not in seen:
                seen.add(name)
                stack += self.maker[name].input if name in self.maker else ()
        return seen

    def below(self, name: str) -> set[str]:
        """Every tensor that depends on this one, itself included."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                stack += [output for taker in self.takers[current] for output in taker.output]
        return seen

    def beside(self, names: set[str], entry: str) -> set[str]:
        """What the makers of these tensors take besides them; `entry` is the one they begin with."""
        makers = (self.maker[name] for name in names - {entry} if name in self.maker)
        return {taken for maker in makers for taken in maker.input if taken} - names


def read_graph(model: Path, sha256: str, voice: str, like: str = "a Piper voice", beyond: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """The graph, of the very bytes that were verified: what is made of it is found by their hash, so another file's would stay for ever.

    like: what it should be. beyond: operators of onnxruntime's own that it may have. SidecarError `voice_broken`, or `voice_unsupported`
    for a graph that keeps its weights elsewhere or that is no voice's by its size alone.
    """
    other = f"its graph is not built like {like}'s"
    try:
        if model.stat().st_size > _LARGEST_MODEL:
            raise SidecarError("voice_broken", "too large", voice=voice, reason=f"{model.name} is too large to be a voice")
        data = model.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise SidecarError("voice_broken", "changed", voice=voice, reason=f"{model.name} was changed while it was read")
        if entries(data, onnx.ModelProto.DESCRIPTOR, _MOST_ENTRIES) > _MOST_ENTRIES:
            raise SidecarError("voice_unsupported", "too many entries", voice=voice, reason=other)
        graph = onnx.load_model_from_string(data)
    except OSError as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{model.name}: {error.strerror}") from None
    except (DecodeError, ValueError) as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{model.name} is not an ONNX model") from None
    if any(uses_external_data(tensor) for _, tensor in named_tensors(graph.graph)):
        raise SidecarError("voice_unsupported", "external data", voice=voice, reason="it keeps its weights in other files")
    try:
        _bound(graph, beyond)
    except Unrecognised as error:
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason=other) from None
    return graph


def _bound(model: onnx.ModelProto, beyond: frozenset[str]) -> None:
    """Refuse (Unrecognised) what could take all memory or time before a sound is made."""
    nodes = list(all_nodes(model.graph))
    if len(nodes) > _MOST_NODES:
        raise Unrecognised("too many nodes")
    own = (node for node in nodes if node.domain not in ("", "ai.onnx") and not (node.domain == "com.microsoft" and node.op_type in beyond))
    if model.functions or any(own) or any(node.op_type in _ENDLESS for node in nodes):
        raise Unrecognised("operators of its own, or loops")
    if any(graph.sparse_initializer or graph.quantization_annotation for graph in _graphs(model.graph)):
        raise Unrecognised("weights that are not stored whole")
    _bound_convolutions(nodes)
    small: dict[str, tuple[int, ...]] = {}
    for name, tensor in named_tensors(model.graph):
        if any(n < 0 for n in tensor.dims) or math.prod(tensor.dims) > _LARGEST_TENSOR:
            raise Unrecognised("a tensor that is too large")
        if tensor.data_type in _PRECISION and math.prod(tensor.dims) > 1:
            raise Unrecognised(f"weights of {_PRECISION[tensor.data_type]} precision")
        if tensor.data_type in (onnx.TensorProto.INT32, onnx.TensorProto.INT64) and math.prod(tensor.dims) <= 16:
            small[name] = _whole_numbers(tensor)
    for node in nodes:
        for place in _SIZES.get(node.op_type, ()):
            sizes = small.get(node.input[place], ()) if place < len(node.input) else ()
            if math.prod(max(1, abs(size)) for size in sizes) > _LARGEST_TENSOR:
                raise Unrecognised("a tensor that would be too large")


def _bound_convolutions(nodes: Iterable[onnx.NodeProto]) -> None:
    samples = 1
    for node in nodes:
        if any(a.HasField("sparse_tensor") or a.sparse_tensors for a in node.attribute):
            raise Unrecognised("weights that are not stored whole")
        if node.op_type in ("Conv", "ConvTranspose"):
            steps = [abs(n) for a in node.attribute for n in a.ints]
            samples *= math.prod(max(1, n) for a in node.attribute if a.name == "strides" for n in a.ints) if node.op_type == "ConvTranspose" else 1
            if max(steps, default=0) > _LARGEST_STEP or samples > _MOST_SAMPLES:
                raise Unrecognised("convolutions that would make too much")


def _whole_numbers(tensor: onnx.TensorProto) -> tuple[int, ...]:
    try:
        return tuple(numpy_helper.to_array(tensor).reshape(-1).tolist())
    except (ValueError, TypeError) as error:
        raise Unrecognised(f"a tensor that cannot be read: {error}"[:200]) from None


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and those within its nodes."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += (g for node in current.node for a in node.attribute for g in (*([a.g] if a.HasField("g") else []), *a.graphs))


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Those within its nodes, too."""
    for one in _graphs(graph):
        yield from one.node


def named_tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every stored tensor, weights and constants, with its name in the graph."""
    for one in _graphs(graph):
        yield from ((tensor.name, tensor) for tensor in one.initializer)
        for node in one.node:
            name = node.output[0] if node.op_type == "Constant" and node.output else ""
            for a in node.attribute:
                yield from ((name, tensor) for tensor in (*([a.t] if a.HasField("t") else []), *a.tensors))

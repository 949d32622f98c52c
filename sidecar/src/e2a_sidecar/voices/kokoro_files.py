"""What Kokoro is made of (design rules 9 and 13): its ONNX graph, read within bounds and given a clock, and a voice's styles.

    tokens (1, phonemes) int64, style (1, STYLE), speed (1,)
            -> what the published graph gives: samples, RATE_HZ, SAMPLES_A_UNIT for each unit of duration; then, added,
               student_graph.UNITS and UNROUNDED (1, phonemes): how long each phoneme lasts, whole and before it was rounded

Inputs are known by their types and shapes, since exports name them otherwise (`input_ids` or `tokens`). An export may draw
the noise of its breath itself: then NOISE is an input in its place, (draws, NOISE_LENGTH) standard normal, repeated where
more is drawn. All of it is made in memory: the file, 325 MB, is somebody else's, is only read, and never copied.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires, all_nodes, read_graph
from e2a_sidecar.voices.student_graph import add_clock

RATE_HZ: Final = 24_000
SAMPLES_A_UNIT: Final = 600
"""25 ms."""
STYLE: Final = 256
STYLES: Final = 510
"""As many rows has a voice: one for each number of phonemes, from 1, and more it cannot be given at once."""
LONGEST_IDS: Final = 256
"""Of what is spoken at once, some 15 seconds: half of what it can be given, for its memory grows by 25 MB a second."""
LONGEST_UNITS: Final = 2400
"""Of as much: a minute, four times what is usual."""
NOISE: Final = "e2a/noise"
NOISE_LENGTH: Final = 1 << 19
_LIKE: Final = "Kokoro"
_REASON: Final = f"its graph is not built like {_LIKE}'s"
_LOUDEST_STYLE: Final = 100.0  # a published voice's numbers are below 1
_BEYOND: Final = frozenset(
    {
        *("BiasGelu", "FastGelu", "FusedMatMul", "Gelu", "QuickGelu", "SkipLayerNormalization"),
        *("DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"),
    }
)
"""What onnxruntime's own tools put into a graph when they make it smaller or faster."""
_NORMAL: Final = frozenset(("RandomNormal", "RandomNormalLike"))
_DRAWS: Final = _NORMAL | {"RandomUniform", "RandomUniformLike"}
_CHANCE: Final = _DRAWS | {"Multinomial", "Bernoulli"}


@dataclass(frozen=True, slots=True)
class KokoroGraph:
    """A model ready for onnxruntime, and how it names what it takes. draws: rows of NOISE that it takes, 0 where there is none."""

    model: bytes
    tokens: str
    style: str
    speed: str
    draws: int


def kokoro_graph(model: Path, sha256: str, voice: str) -> KokoroGraph:
    """The graph of a model file with its clock. Not tried yet.

    sha256: the model's, hex. SidecarError `voice_broken` for a file that is no model, `voice_unsupported` for one that is not Kokoro's.
    """
    published = read_graph(model, sha256, voice, _LIKE, _BEYOND)
    try:
        wires = Wires(published.graph)
        tokens, style, speed = _inputs(published.graph)
        _only_sound(published.graph)
        add_clock(published.graph, wires, LONGEST_UNITS)
        draws = _noise_as_input(published.graph)
    except (Unrecognised, IndexError) as error:  # IndexError: a node without what its kind takes
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason=_REASON) from None
    return KokoroGraph(published.SerializeToString(), tokens, style, speed, draws)


def styles(path: Path, sha256: str, voice: str) -> NDArray[np.float32]:
    """A voice's file as (STYLES, STYLE), of the very bytes that were verified; SidecarError `voice_broken`."""
    try:
        with open(path, "rb") as f:
            data = f.read(STYLES * STYLE * 4 + 1)
    except OSError as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{path.name}: {error.strerror}") from None
    found = np.frombuffer(data, dtype="<f4").reshape(STYLES, STYLE) if len(data) == STYLES * STYLE * 4 else None
    if found is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise SidecarError("voice_broken", "changed", voice=voice, reason=f"{path.name} was changed while it was read")
    if found is None or not np.isfinite(found).all() or np.abs(found).max() > _LOUDEST_STYLE:
        raise SidecarError("voice_broken", f"{len(data)} bytes", voice=voice, reason=f"{path.name} is no voice of {_LIKE}'s")
    return found.astype(np.float32)


def _inputs(graph: onnx.GraphProto) -> tuple[str, str, str]:
    """Names of tokens, style and speed; Unrecognised where it takes something else."""
    weights = {tensor.name for tensor in graph.initializer}
    kinds: dict[tuple[int, int], list[str]] = {}
    for given in graph.input:
        if given.name not in weights:
            kinds.setdefault((given.type.tensor_type.elem_type, len(given.type.tensor_type.shape.dim)), []).append(given.name)
    expected = ((TensorProto.INT64, 2), (TensorProto.FLOAT, 2), (TensorProto.FLOAT, 1))
    if set(kinds) != set(expected) or any(len(names) != 1 for names in kinds.values()):
        raise Unrecognised("other inputs than Kokoro has")
    tokens, style, speed = (kinds[kind][0] for kind in expected)
    return tokens, style, speed


def _only_sound(graph: onnx.GraphProto) -> None:
    """Without what an export may give beside it: durations, as whole numbers. Unrecognised where it gives something else."""
    sound = [given for given in graph.output if given.type.tensor_type.elem_type == TensorProto.FLOAT]
    others = [given.type.tensor_type.elem_type for given in graph.output if given not in sound]
    if len(sound) != 1 or others not in ([], [TensorProto.INT64]):
        raise Unrecognised("other outputs than Kokoro has")
    del graph.output[:]
    graph.output.append(sound[0])


def _noise_as_input(graph: onnx.GraphProto) -> int:
    """Let what it draws by chance be NOISE's rows; how many. Unrecognised where chance has another part in it."""
    draws = [(place, node) for place, node in enumerate(graph.node) if node.op_type in _DRAWS]
    if sum(node.op_type in _CHANCE or (node.op_type == "Dropout" and len(node.input) > 2) for node in all_nodes(graph)) != len(draws):
        raise Unrecognised("chance where we cannot take its place")
    for number, (place, node) in reversed(list(enumerate(draws))):
        nodes = _drawn(node, number)
        del graph.node[place]
        for shift, made in enumerate(nodes):
            graph.node.insert(place + shift, made)
    if draws:
        graph.input.append(helper.make_tensor_value_info(NOISE, TensorProto.FLOAT, [len(draws), NOISE_LENGTH]))
        for name, value in (("e2a/length", [NOISE_LENGTH]), ("e2a/more", [NOISE_LENGTH - 1]), ("e2a/none", [0]), ("e2a/all", [-1])):
            graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], value))
    return len(draws)


def _drawn(node: onnx.NodeProto, number: int) -> list[onnx.NodeProto]:
    """Nodes in place of one that draws: as many values of a row of NOISE, again and again, in its shape and of its kind."""
    out = node.output[0]
    settings = {a.name: a.f for a in node.attribute}
    shape = [n for a in node.attribute if a.name == "shape" for n in a.ints]

    def name(part: str) -> str:
        return f"e2a/{part} {number}"

    def constant(part: str, values: list[float] | list[int]) -> onnx.NodeProto:
        kind = TensorProto.FLOAT if isinstance(values[0], float) else TensorProto.INT64
        return helper.make_node("Constant", [], [name(part)], value=helper.make_tensor(name(part), kind, [len(values)], values))

    if node.op_type in _NORMAL:
        times, plus, shaped = settings.get("scale", 1.0), settings.get("mean", 0.0), []
        standard = name("drawn")
    else:
        low, high = settings.get("low", 0.0), settings.get("high", 1.0)
        times, plus, standard = (high - low) / 2, (high + low) / 2, name("even")
        steep = helper.make_node("Mul", [name("drawn"), name("root")], [name("steep")])
        shaped = [constant("root", [0.5**0.5]), steep, helper.make_node("Erf", [name("steep")], [standard])]
    return [
        constant("row", [number]),
        helper.make_node("Gather", [NOISE, name("row")], [name("its")]),
        constant("shape", shape) if shape else helper.make_node("Shape", [node.input[0]], [name("shape")]),
        helper.make_node("ReduceProd", [name("shape")], [name("count")], keepdims=1),
        helper.make_node("Add", [name("count"), "e2a/more"], [name("up")]),
        helper.make_node("Div", [name("up"), "e2a/length"], [name("times")]),
        helper.make_node("Concat", [name("times"), "e2a/length"], [name("wide")], axis=0),
        helper.make_node("Expand", [name("its"), name("wide")], [name("again")]),
        helper.make_node("Reshape", [name("again"), "e2a/all"], [name("flat")]),
        helper.make_node("Slice", [name("flat"), "e2a/none", name("count")], [name("enough")]),
        helper.make_node("Reshape", [name("enough"), name("shape")], [name("drawn")]),
        *shaped,
        constant("scale", [float(times)]),
        constant("shift", [float(plus)]),
        helper.make_node("Mul", [standard, name("scale")], [name("scaled")]),
        helper.make_node("Add", [name("scaled"), name("shift")], [out]),
    ]

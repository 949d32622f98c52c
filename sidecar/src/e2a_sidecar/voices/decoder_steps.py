"""What a voice's decoder computes, step by step, read from its graph: convolutions with their weights, found by structure.

A decoder is a chain of stages. Each ends where the signal becomes longer (a transposed convolution), the last one with the
samples. What else it may hold: convolutions, LeakyRelu, sums, a factor (the mean of parallel chains), and a vector that
brings the speaker in. Whatever does not fit is Unrecognised; whether what fits is computed rightly is for the caller to try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx

from e2a_sidecar.voices.graph_constants import Constants, Floats, attributes
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires

_MOST_STEPS: Final = 2000  # the largest published decoder has 180
_VIEWS: Final = frozenset(("Identity", "Unsqueeze", "Squeeze", "Reshape"))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation on signals of shape (1, channels, length)."""

    kind: str
    """`conv`, `up` (a transposed convolution), `leaky`, `add`, or `speaker`: a vector is added."""
    inputs: tuple[int, ...]
    """Numbers of the steps whose signals it takes; -1: the stage's input."""
    channels: int
    """Of what it gives."""
    weight: Floats | None = None
    """conv: (out, in, taps); up: (in, out, taps)."""
    bias: Floats | None = None
    dilation: int = 1
    stride: int = 1
    """up: how many times as long the signal becomes."""
    pads: tuple[int, int] = (0, 0)
    """conv: zeros at the signal's ends; up: what is cut off there."""
    slope: float = 0.0
    """leaky: of what is negative."""
    vector: str = ""
    """speaker: the tensor in the original graph, (1, channels, 1)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps in their order; the last one's signal is the stage's output."""

    channels: int
    """Of its input."""
    steps: tuple[Step, ...]


def read(graph: onnx.GraphProto, latents: str, samples: str) -> tuple[Stage, ...]:
    """The stages from `latents` to `samples` (behind their tanh). Unrecognised where the graph is built otherwise."""
    try:
        return _Reader(graph, latents, samples).read()
    except (IndexError, KeyError, ValueError, TypeError) as error:  # a node without what its kind takes
        raise Unrecognised(f"a decoder of another kind: {error!r}"[:200]) from None


def _times(weight: Floats, factor: float) -> Floats:
    return weight if factor == 1.0 else weight * np.float32(factor)


@dataclass(frozen=True, slots=True)
class _Signal:
    """A tensor: what that step gives, times `factor`."""

    stage: int
    step: int
    channels: int
    factor: float = 1.0


class _Reader:
    def __init__(self, graph: onnx.GraphProto, latents: str, samples: str) -> None:
        self._wires = Wires(graph)
        self._constants = Constants(graph, self._wires)
        self._latents, self._samples = latents, samples
        self._signals: dict[str, _Signal] = {}
        self._sound: set[str] = set()
        """Tensors behind the tanh."""
        self._stages: list[list[Step]] = [[]]
        self._widths: list[int] = []

    def read(self) -> tuple[Stage, ...]:
        needed = self._wires.above([self._samples])
        for node in self._wires.order:
            taken = [name for name in node.input if name in self._signals or name in self._sound or name == self._latents]
            if not taken or node.output[0] not in needed:
                continue
            if len(node.output) != 1 or node.op_type not in self._KINDS:
                raise Unrecognised(f"{node.op_type} in the decoder")
            self._KINDS[node.op_type](self, node, attributes(node))
        if self._samples not in self._sound:
            raise Unrecognised("samples that are no tanh")
        return tuple(Stage(width, tuple(steps)) for width, steps in zip(self._widths, self._stages, strict=True))

    def _convolution(self, node: onnx.NodeProto, how: Mapping[str, Any]) -> None:
        weight, bias = self._weights(node)
        if node.input[0] == self._latents and not self._widths:
            self._widths.append(weight.shape[1])
            self._signals[self._latents] = _Signal(0, -1, weight.shape[1])
        given = self._signals[node.input[0]]
        pads, (dilation,) = how.get("pads", [0, 0]), how.get("dilations", [1])
        reach = (weight.shape[2] - 1) * dilation
        if how.get("strides", [1]) != [1] or sum(pads) != reach or min(pads) < 0 or weight.shape[1] != given.channels:
            raise Unrecognised("a convolution that changes the length")
        step = Step("conv", (given.step,), weight.shape[0], _times(weight, given.factor), bias, dilation=dilation, pads=(pads[0], pads[1]))
        self._add(node, given.stage, step)

    def _transposed(self, node: onnx.NodeProto, how: Mapping[str, Any]) -> None:
        weight, bias = self._weights(node)
        given = self._signals[node.input[0]]
        pads, (stride,) = how.get("pads", [0, 0]), how["strides"]
        if how.get("dilations", [1]) != [1] or any(how.get("output_padding", [])) or "output_shape" in how:
            raise Unrecognised("a transposed convolution of another kind")
        if sum(pads) != weight.shape[2] - stride or min(pads) < 0 or weight.shape[0] != given.channels or stride < 1:
            raise Unrecognised("a signal that does not become a whole number of times as long")
        step = Step("up", (given.step,), weight.shape[1], _times(weight, given.factor), bias, stride=stride, pads=(pads[0], pads[1]))
        if given.stage != len(self._stages) - 1:
            raise Unrecognised("upsampling beside upsampling")
        self._stages[-1].append(step)
        self._stages.append([])
        self._widths.append(step.channels)
        self._signals[node.output[0]] = _Signal(given.stage + 1, -1, step.channels)

    def _weights(self, node: onnx.NodeProto) -> tuple[Floats, Floats | None]:
        how = attributes(node)
        if how.get("group", 1) != 1 or how.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise Unrecognised("a convolution of another kind")
        if any(name and name not in self._constants for name in node.input[1:]):
            raise Unrecognised("a convolution without weights of its own")
        weight = self._constants.floats(node.input[1])
        if weight.ndim != 3:
            raise Unrecognised("a convolution in more than one dimension")
        return weight, self._constants.floats(node.input[2]) if len(node.input) > 2 and node.input[2] else None

    def _leaky(self, node: onnx.NodeProto, how: Mapping[str, Any]) -> None:
        given = self._signals[node.input[0]]
        self._add(node, given.stage, Step("leaky", (given.step,), given.channels, slope=how.get("alpha", 0.01)), given.factor)

    def _sum(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        known = [self._signals[name] for name in node.input if name in self._signals]
        if len(known) == 2:
            one, other = known
            if (one.stage, one.channels, one.factor) != (other.stage, other.channels, other.factor):
                raise Unrecognised("a sum of unlike signals")
            self._add(node, one.stage, Step("add", (one.step, other.step), one.channels), one.factor)
            return
        (given,), (vector,) = known, [name for name in node.input if name not in self._signals]
        if given.factor != 1.0 or given.stage or (vector in self._constants and self._constants.value(vector).size != given.channels):
            raise Unrecognised("a vector where none is added")
        self._add(node, given.stage, Step("speaker", (given.step,), given.channels, vector=vector))

    def _factor(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        name = next(name for name in node.input if name in self._signals)
        (other,) = [i for i in node.input if i != name]
        value = self._constants.floats(other)
        if value.size != 1 or not 0.0 < float(value.reshape(-1)[0]) < np.inf or (node.op_type == "Div" and node.input[0] != name):
            raise Unrecognised("a factor that is none")
        given, by = self._signals[name], float(value.reshape(-1)[0])
        factor = given.factor / by if node.op_type == "Div" else given.factor * by
        self._signals[node.output[0]] = _Signal(given.stage, given.step, given.channels, factor)

    def _tanh(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        given = self._signals[node.input[0]]
        steps = self._stages[-1]
        if given.stage != len(self._stages) - 1 or given.step != len(steps) - 1 or steps[-1].kind != "conv" or given.channels != 1:
            raise Unrecognised("samples that are no convolution's")
        self._sound.add(node.output[0])

    def _view(self, node: onnx.NodeProto, _: Mapping[str, Any]) -> None:
        if node.input[0] not in self._sound:
            raise Unrecognised(f"{node.op_type} in the decoder")
        self._sound.add(node.output[0])

    def _add(self, node: onnx.NodeProto, stage: int, step: Step, factor: float = 1.0) -> None:
        if stage != len(self._stages) - 1 or sum(map(len, self._stages)) > _MOST_STEPS:
            raise Unrecognised("stages that do not follow one another")
        self._stages[stage].append(step)
        self._signals[node.output[0]] = _Signal(stage, len(self._stages[stage]) - 1, step.channels, factor)

    _KINDS: Final[Mapping[str, Callable[[_Reader, onnx.NodeProto, Mapping[str, Any]], None]]] = {
        "Conv": _convolution,
        "ConvTranspose": _transposed,
        "LeakyRelu": _leaky,
        "Add": _sum,
        "Div": _factor,
        "Mul": _factor,
        "Tanh": _tanh,
        **dict.fromkeys(_VIEWS, _view),
    }

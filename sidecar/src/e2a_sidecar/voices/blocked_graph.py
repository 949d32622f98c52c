"""A voice's decoder written anew so that onnxruntime's blocked kernels run all of it: the same sound, less time.

On x86-64 onnxruntime computes convolutions fastest in a layout of its own, blocks of 8 or 16 channels (NCHWc). Which parts
of a graph stay in it was read in its `nchwc_transformer.cc` (1.32) and seen in the graphs that it makes:

- it knows only signals with height and width, so here all are (1, channels, 1, length);
- LeakyRelu has no blocked form but behind a convolution of its own: elsewhere one by one, channel by channel, is put before;
- a transposed convolution has none: it becomes one convolution that gives each of the `stride` samples in channels of its
  own; with channels last, which the runtime reorders to and from at no extra cost, those are in the right order already;
- the last convolution has one channel, of 8 or 16 that are computed: so it gives 8 samples a step.

    latents (1, channels, frames), neighbours (2): is there a context to the left, to the right?, [the speaker's inputs]
            -> samples (1, 1, frames without contexts * hop)

Either context is of `Blocked.context` frames. Each stage throws away what the later ones do not need of it, so that the
neighbours cost little; without a context the signal's true end is there, where every convolution sees zeros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from e2a_sidecar.voices.decoder_steps import Stage, Step
from e2a_sidecar.voices.graph_constants import Floats
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires

LATENTS: Final = "e2a/latents"
NEIGHBOURS: Final = "e2a/neighbours"
SAMPLES: Final = "e2a/samples"
_AT_ONCE: Final = 8  # samples of the last convolution
_TO_THE_END: Final = 1 << 40
_OLDEST_OPSET: Final = 13  # axes as inputs


@dataclass(frozen=True, slots=True)
class Blocked:
    """A decoder's graph on disk, and how many frames of neighbours it is given on each side that has any."""

    path: Path
    context: int

    def window(self, latents: Floats, start: int, end: int) -> dict[str, NDArray[Any]]:
        """What gives the samples of frames [start, end); those lie at an end of the latents or at least a context away from it."""
        low, high = max(0, start - self.context), min(latents.shape[2], end + self.context)
        return feed(latents[:, :, low:high], (low < start, end < high))


def feed(latents: Floats, neighbours: tuple[bool, bool]) -> dict[str, NDArray[Any]]:
    """The graph's inputs but the speaker's. latents: (1, channels, frames), with a context to the left, to the right or not."""
    return {LATENTS: latents, NEIGHBOURS: np.array(neighbours, dtype=np.int64)}


def write(stages: tuple[Stage, ...], source: onnx.ModelProto, path: Path) -> Blocked:
    """Write the graph of these stages. source: what they were read from, for what brings the speaker in. Unrecognised, OSError."""
    opset = next((o.version for o in source.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset < _OLDEST_OPSET:
        raise Unrecognised(f"opset {opset}")
    if math.prod(stage.steps[-1].stride for stage in stages) % _AT_ONCE:
        raise Unrecognised("frames of an odd number of samples")
    contexts = _contexts(stages)
    writer = _Writer()
    speakers = _copy_speaker(writer, source.graph, {step.vector for stage in stages for step in stage.steps if step.vector})
    signal = writer.node("Unsqueeze", LATENTS, writer.store([2]))
    for number, stage in enumerate(stages):
        signal = _stage(writer, stage, signal, first=number == 0)
        end = stage.steps[-1]
        signal = writer.node("Reshape", signal, writer.store([1, 1, -1, end.channels]))
        signal = _cut(writer, signal, end, contexts[number], contexts[number + 1])
    graph = writer.model.graph
    graph.node.append(helper.make_node("Reshape", [signal, writer.store([1, 1, -1])], [SAMPLES]))
    latents = helper.make_tensor_value_info(LATENTS, TensorProto.FLOAT, [1, stages[0].channels, "frames"])
    graph.input.extend([latents, helper.make_tensor_value_info(NEIGHBOURS, TensorProto.INT64, [2]), *speakers])
    graph.output.append(helper.make_tensor_value_info(SAMPLES, TensorProto.FLOAT, [1, 1, "samples"]))
    writer.model.opset_import.append(helper.make_opsetid("", opset))
    writer.model.ir_version = source.ir_version
    onnx.save(writer.model, str(path))
    return Blocked(path, contexts[0])


class _Writer:
    """A model that grows: made of lists at the end, it would be copied twice."""

    def __init__(self) -> None:
        self.model = onnx.ModelProto()
        self.model.graph.name = "decoder"

    def store(self, value: NDArray[Any] | list[int]) -> str:
        name = f"e2a/w{len(self.model.graph.initializer)}"
        self.model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"e2a/t{len(self.model.graph.node)}"
        self.model.graph.node.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def conv(self, signal: str, weight: Floats, bias: Floats | None, pads: tuple[int, int], dilation: int = 1, stride: int = 1, group: int = 1) -> str:
        """weight: (out, in, taps)."""
        stored = [self.store(weight[:, :, None, :]), *([] if bias is None else [self.store(bias)])]
        how = {"dilations": [1, dilation], "strides": [1, stride], "pads": [0, pads[0], 0, pads[1]], "group": group}
        return self.node("Conv", signal, *stored, kernel_shape=[1, weight.shape[2]], **how)

    def blocked(self, signal: str, channels: int) -> str:
        """The same signal out of a convolution, so in the blocked layout."""
        return self.conv(signal, np.ones((channels, 1, 1), dtype=np.float32), None, (0, 0), group=channels)


def _stage(writer: _Writer, stage: Stage, given: str, first: bool) -> str:
    """The stage's signal from `given`, channels last: (1, 1, length, channels of all samples that a step gives)."""
    if not first:
        given = writer.blocked(writer.node("Transpose", given, perm=[0, 3, 1, 2]), stage.channels)
    signals = {-1: given}
    uses = [taken for step in stage.steps for taken in step.inputs]
    *before, end = stage.steps
    for number, step in enumerate(before):
        taken = [signals[i] for i in step.inputs]
        if step.kind == "conv":
            assert step.weight is not None
            signals[number] = writer.conv(taken[0], step.weight, step.bias, step.pads, step.dilation)
        elif step.kind == "leaky":
            maker = step.inputs[0]
            fused = maker >= 0 and stage.steps[maker].kind == "conv" and uses.count(maker) == 1
            signals[number] = writer.node("LeakyRelu", taken[0] if fused else writer.blocked(taken[0], step.channels), alpha=step.slope)
        elif step.kind == "add":
            signals[number] = writer.node("Add", *taken)
        else:
            signals[number] = writer.node("Add", taken[0], writer.node("Unsqueeze", step.vector, writer.store([2])))
    last = (_upsampled if end.kind == "up" else _sound)(writer, signals[end.inputs[0]], end)
    return writer.node("Transpose", last, perm=[0, 2, 3, 1])


def _upsampled(writer: _Writer, signal: str, step: Step) -> str:
    """Sample stride * t + q is the sum over i of weight[q + stride * i] times frame t - i."""
    assert step.weight is not None
    channels, out, length = step.weight.shape
    taps = -(-length // step.stride)
    padded = np.zeros((channels, out, taps * step.stride), dtype=np.float32)
    padded[:, :, :length] = step.weight
    phases = padded.reshape(channels, out, taps, step.stride)[:, :, ::-1].transpose(3, 1, 0, 2).reshape(step.stride * out, channels, taps)
    return writer.conv(signal, phases, None if step.bias is None else np.tile(step.bias, step.stride), (taps - 1, taps - 1))


def _sound(writer: _Writer, signal: str, step: Step) -> str:
    assert step.weight is not None
    _, channels, taps = step.weight.shape
    many = np.zeros((_AT_ONCE, channels, _AT_ONCE - 1 + taps), dtype=np.float32)
    for sample in range(_AT_ONCE):
        many[sample, :, sample : sample + taps] = step.weight[0]
    bias = None if step.bias is None else np.repeat(step.bias, _AT_ONCE)
    return writer.node("Tanh", writer.conv(signal, many, bias, (step.pads[0], step.pads[1] + _AT_ONCE - 1), stride=_AT_ONCE))


def _cut(writer: _Writer, signal: str, end: Step, context: int, wanted: int) -> str:
    """Without what upsampling gives beyond the signal's ends, and with only `wanted` of the context on each side that has one."""
    before = end.pads[0] if end.kind == "up" else 0
    after = (-(-_taps(end) // end.stride) - 1) * end.stride - before if end.kind == "up" else 0
    dropped = context * end.stride - wanted
    start = _by_neighbour(writer, 0, before, before + dropped)
    stop = _by_neighbour(writer, 1, -after or _TO_THE_END, -(after + dropped) or _TO_THE_END)
    return writer.node("Slice", signal, start, stop, writer.store([2]))


def _by_neighbour(writer: _Writer, side: int, without: int, having: int) -> str:
    there = writer.node("Gather", NEIGHBOURS, writer.store([side]))
    return writer.node("Add", writer.node("Mul", there, writer.store([having - without])), writer.store([without]))


def _contexts(stages: tuple[Stage, ...]) -> list[int]:
    """Of each stage how many steps of its input it needs on each side; then 0, for the samples."""
    contexts = [0]
    for stage in reversed(stages):
        end, radii = stage.steps[-1], {-1: 0}
        for number, step in enumerate(stage.steps):
            radii[number] = max(radii[i] for i in step.inputs) + (max(step.pads) if step.kind == "conv" else 0)
        needed = -(-contexts[0] // end.stride) + radii[len(stage.steps) - 1]
        if end.kind == "up":
            needed += -(-max(_taps(end) - 1 - end.pads[0], end.pads[0]) // end.stride)
        else:
            needed = -(-needed // _AT_ONCE) * _AT_ONCE
        contexts.insert(0, needed)
    return contexts


def _taps(step: Step) -> int:
    assert step.weight is not None
    return int(step.weight.shape[2])


def _copy_speaker(writer: _Writer, source: onnx.GraphProto, vectors: set[str]) -> list[onnx.ValueInfoProto]:
    """What computes these vectors, as it is in the source; returns the inputs that it takes."""
    wires = Wires(source)
    needed = wires.above(vectors)
    writer.model.graph.initializer.extend(tensor for tensor in source.initializer if tensor.name in needed)
    writer.model.graph.node.extend(node for node in wires.order if needed.intersection(node.output))
    stored = {tensor.name for tensor in source.initializer}
    return [given for given in source.input if given.name in needed - stored]

"""A voice's decoder written anew so that onnxruntime takes less time for it: the same sound.

Stages of many channels are computed with fewer multiplications (`winograd`). The others, and whatever is no convolution there, run
in onnxruntime's blocked kernels: on x86-64 it computes convolutions fastest in a layout of its own, blocks of 8 or 16 channels
(NCHWc). Which parts of a graph stay in it was read in its `nchwc_transformer.cc` (1.32) and seen in the graphs that it makes:

- it knows only signals with height and width, so here these are (1, channels, 1, length);
- LeakyRelu has no blocked form but behind a convolution of its own: elsewhere one by one, channel by channel, is put before;
- a transposed convolution has none: it becomes one convolution that gives each of the `stride` samples in channels of its
  own; with channels last, which the runtime reorders to and from at no extra cost, those are in the right order already;
- the last convolution has one channel, of 8 or 16 that are computed: so it gives 8 samples a step.

    latents (1, channels, frames), neighbours (2): is there a context to the left, to the right?, [the speaker's inputs]
            -> samples (1, 1, frames without contexts * hop)

Either context is of `Blocked.context` frames. Each stage throws away what the later ones do not need of it, so that the
neighbours cost little; without a context the signal's true end is there, where every convolution sees zeros. Between stages
signals are rows, (length, channels). A window begins at a multiple of `Blocked.step` frames, so that in any of them the same
outputs are computed together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from e2a_sidecar.voices.decoder_steps import Stage, Step
from e2a_sidecar.voices.graph_constants import Floats
from e2a_sidecar.voices.graph_writer import GraphWriter
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires
from e2a_sidecar.voices.winograd import FEWEST_CHANNELS, Rows

LATENTS: Final = "e2a/latents"
NEIGHBOURS: Final = "e2a/neighbours"
SAMPLES: Final = "e2a/samples"
_AT_ONCE: Final = 8  # samples of the last convolution
_TO_THE_END: Final = 1 << 40
_OLDEST_OPSET: Final = 13  # axes as inputs


@dataclass(frozen=True, slots=True)
class Blocked:
    """A decoder's graph on disk, how many frames of neighbours it is given on each side that has any, and where its windows may begin."""

    path: Path
    context: int
    step: int

    def window(self, latents: Floats, start: int, end: int) -> dict[str, NDArray[Any]]:
        """What gives the samples of frames [start, end); those lie at an end of the latents or at least a context away from it.

        start, and an end that is not the latents': multiples of `step`.
        """
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
    contexts, step = _contexts(stages), _window_step(stages)
    writer = _Writer()
    speakers = _copy_speaker(writer, source.graph, {step.vector for stage in stages for step in stage.steps if step.vector})
    signal = writer.node("Transpose", writer.node("Squeeze", LATENTS, writer.store([0])), perm=[1, 0])
    for number, stage in enumerate(stages):
        signal = _in_rows(writer, stage, signal, _outputs(number)) if _has_many(stage) else _in_blocks(writer, stage, signal)
        end = stage.steps[-1]
        signal = writer.node("Reshape", signal, writer.store([-1, end.channels]))
        signal = _cut(writer, signal, end, contexts[number], contexts[number + 1])
    graph = writer.model.graph
    graph.node.append(helper.make_node("Reshape", [signal, writer.store([1, 1, -1])], [SAMPLES]))
    latents = helper.make_tensor_value_info(LATENTS, TensorProto.FLOAT, [1, stages[0].channels, "frames"])
    graph.input.extend([latents, helper.make_tensor_value_info(NEIGHBOURS, TensorProto.INT64, [2]), *speakers])
    graph.output.append(helper.make_tensor_value_info(SAMPLES, TensorProto.FLOAT, [1, 1, "samples"]))
    writer.model.opset_import.append(helper.make_opsetid("", opset))
    writer.model.ir_version = source.ir_version
    onnx.save(writer.model, str(path))
    return Blocked(path, contexts[0], step)


class _Writer(GraphWriter):
    def conv(self, signal: str, weight: Floats, bias: Floats | None, pads: tuple[int, int], dilation: int = 1, stride: int = 1, group: int = 1) -> str:
        """weight: (out, in, taps)."""
        stored = [self.store(weight[:, :, None, :]), *([] if bias is None else [self.store(bias)])]
        how = {"dilations": [1, dilation], "strides": [1, stride], "pads": [0, pads[0], 0, pads[1]], "group": group}
        return self.node("Conv", signal, *stored, kernel_shape=[1, weight.shape[2]], **how)

    def blocked(self, signal: str, channels: int) -> str:
        """The same signal out of a convolution, so in the blocked layout."""
        return self.conv(signal, np.ones((channels, 1, 1), dtype=np.float32), None, (0, 0), group=channels)


def _in_rows(writer: _Writer, stage: Stage, given: str, outputs: int) -> str:
    """The stage's signal from `given`, in rows: (length, channels of all samples that a step gives)."""
    signals, rows = {-1: given}, Rows(writer, given, outputs)
    *before, end = stage.steps
    for number, step in enumerate(before):
        taken = [signals[i] for i in step.inputs]
        if step.kind == "conv":
            assert step.weight is not None
            signals[number] = rows.convolution(taken[0], step.weight, step.bias, step.pads, step.dilation)
        elif step.kind == "leaky":
            signals[number] = writer.node("LeakyRelu", taken[0], alpha=step.slope)
        elif step.kind == "add":
            signals[number] = writer.node("Add", *taken)
        else:
            signals[number] = writer.node("Add", taken[0], writer.node("Reshape", step.vector, writer.store([1, -1])))
    weight, bias, reach = _phases(end)
    return rows.convolution(signals[end.inputs[0]], weight, bias, (reach, reach))


def _in_blocks(writer: _Writer, stage: Stage, given: str) -> str:
    """The same in onnxruntime's own layout, without its channels that are no signal's."""
    given = writer.node("Transpose", writer.node("Unsqueeze", given, writer.store([0, 1])), perm=[0, 3, 1, 2])
    signals = {-1: writer.blocked(given, stage.channels)}
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
    last = signals[end.inputs[0]]
    if end.kind == "up":
        weight, bias, reach = _phases(end)
        last = writer.conv(last, weight, bias, (reach, reach))
    else:
        last = _sound(writer, last, end)
    return writer.node("Transpose", last, perm=[0, 2, 3, 1])


def _phases(step: Step) -> tuple[Floats, Floats | None, int]:
    """Upsampling as a convolution that gives all samples of a step, and how far it reaches to each side.

    Sample stride * t + q is the sum over i of weight[q + stride * i] times frame t - i.
    """
    assert step.weight is not None
    channels, out, length = step.weight.shape
    taps = -(-length // step.stride)
    padded = np.zeros((channels, out, taps * step.stride), dtype=np.float32)
    padded[:, :, :length] = step.weight
    phases = padded.reshape(channels, out, taps, step.stride)[:, :, ::-1].transpose(3, 1, 0, 2).reshape(step.stride * out, channels, taps)
    return phases, None if step.bias is None else np.tile(step.bias, step.stride), taps - 1


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
    return writer.node("Slice", signal, start, stop, writer.store([0]))


def _by_neighbour(writer: _Writer, side: int, without: int, having: int) -> str:
    there = writer.node("Gather", NEIGHBOURS, writer.store([side]))
    return writer.node("Add", writer.node("Mul", there, writer.store([having - without])), writer.store([without]))


def _has_many(stage: Stage) -> bool:
    """Whether all of its convolutions have so many channels that fewer multiplications pay."""
    return stage.steps[-1].kind == "up" and min([stage.channels, *(step.channels for step in stage.steps[:-1])]) >= FEWEST_CHANNELS


def _outputs(number: int) -> int:
    """That a stage's convolutions compute together. At the rate of frames fewer, else windows could begin at few places."""
    return 4 if number else 3


def _tile(number: int, stage: Stage) -> int:
    """Steps of a stage that are computed in the same way again and again, wherever a signal begins."""
    if not _has_many(stage):
        return 1
    return math.lcm(*(step.dilation * _outputs(number) for step in stage.steps if step.kind in ("conv", "up")))


def _window_step(stages: tuple[Stage, ...]) -> int:
    """The fewest frames that are whole tiles in every stage."""
    found, rate = 1, 1
    for number, stage in enumerate(stages):
        tile = _tile(number, stage)
        found, rate = math.lcm(found, tile // math.gcd(tile, rate)), rate * stage.steps[-1].stride
    return found


def _contexts(stages: tuple[Stage, ...]) -> list[int]:
    """Of each stage how many steps of its input it needs on each side; then 0, for the samples."""
    contexts = [0]
    for number, stage in reversed(list(enumerate(stages))):
        outputs = _outputs(number) if _has_many(stage) else 1
        end = stage.steps[-1]
        needed = -(-contexts[0] // end.stride)
        if end.kind == "up":
            needed = max(_up_to(needed - (-end.pads[0] // end.stride), outputs), _up_to(needed, outputs) + -(-_taps(end) // end.stride) - 1)
        else:
            needed += max(end.pads)
        of_steps = {end.inputs[0]: needed}
        for place, step in reversed(list(enumerate(stage.steps[:-1]))):
            needed = of_steps.get(place, 0)
            if step.kind == "conv":  # of whole tiles, which all see what is not thrown away
                needed = _up_to(needed, outputs * step.dilation) + max(step.pads)
            for taken in step.inputs:
                of_steps[taken] = max(of_steps.get(taken, 0), needed)
        contexts.insert(0, _up_to(of_steps[-1], _tile(number, stage) if end.kind == "up" else _AT_ONCE))
    return contexts


def _up_to(count: int, whole: int) -> int:
    return -(-count // whole) * whole


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

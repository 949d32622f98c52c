"""Convolutions with fewer multiplications: what a convolution gives, wherever it lies; and the flow that is written with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from e2a_sidecar.speaking.cpu_session import cpu_session
from e2a_sidecar.speaking.onnx_network import OnnxNetwork
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import faster_flow, graph_writer, sound_check
from e2a_sidecar.voices.cut import Cut
from e2a_sidecar.voices.graph_writer import GraphWriter
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.open_onnx import open_voice
from e2a_sidecar.voices.piper_graph import Unrecognised
from e2a_sidecar.voices.voice import Voice
from e2a_sidecar.voices.winograd import Rows
from numpy.typing import NDArray
from onnx import TensorProto, helper

SETTINGS = SpeechSettings()
RANDOM = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    return RANDOM.standard_normal(shape, dtype=np.float32)


def convolved(rows: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32], pads: tuple[int, int], dilation: int, step: int) -> Any:
    writer = GraphWriter()
    found = Rows(writer, "rows", step).convolution("rows", weight, bias, pads, dilation)
    graph = writer.model.graph
    graph.node.append(helper.make_node("Identity", [found], ["found"]))
    graph.input.append(helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["length", rows.shape[1]]))
    graph.output.append(helper.make_tensor_value_info("found", TensorProto.FLOAT, None))
    writer.model.opset_import.append(helper.make_opsetid("", 15))
    writer.model.ir_version = 8
    return cpu_session(writer.model.SerializeToString()).run(None, {"rows": rows})[0]


def plain(rows: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32], pads: tuple[int, int], dilation: int) -> NDArray[np.float64]:
    padded = np.pad(rows.astype(np.float64), (pads, (0, 0)))
    length = len(padded) - (weight.shape[2] - 1) * dilation
    return bias + sum(padded[tap * dilation : tap * dilation + length] @ weight[:, :, tap].T.astype(np.float64) for tap in range(weight.shape[2]))


@pytest.mark.parametrize("length", [1, 5, 48, 131])
@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (2, 1), (3, 1), (3, 2), (5, 6), (7, 12), (7, 3), (11, 1), (11, 5)])
@pytest.mark.parametrize("step", [3, 4])
def test_it_gives_what_a_convolution_gives(taps: int, dilation: int, length: int, step: int) -> None:
    weight, bias, rows = floats(24, 64, taps) / np.float32(8 * taps**0.5), floats(24), floats(length, 64)
    reach = (taps - 1) * dilation
    for pads in ((reach // 2, reach - reach // 2), (reach, reach)):
        found = convolved(rows, weight, bias, pads, dilation, step)
        np.testing.assert_allclose(found, plain(rows, weight, bias, pads, dilation), atol=5e-5)


@pytest.mark.parametrize("out", [24, 1024])
def test_a_large_matrix_and_a_small_one_give_the_same(out: int) -> None:
    weight, bias, rows = floats(out, 192, 5) / np.float32(31), floats(out), floats(77, 192)
    np.testing.assert_allclose(convolved(rows, weight, bias, (2, 2), 1, 4), plain(rows, weight, bias, (2, 2), 1), atol=5e-5)


@pytest.mark.parametrize(("channels", "out", "taps", "dilation"), [(64, 64, 7, 12), (128, 128, 3, 2), (256, 256, 11, 5), (192, 256, 7, 1)])
def test_an_output_is_the_same_to_the_last_bit_wherever_its_signal_begins(channels: int, out: int, taps: int, dilation: int) -> None:
    weight, bias, rows, tile = floats(out, channels, taps), floats(out), floats(600, channels), 4 * dilation
    reach = (taps - 1) // 2 * dilation
    whole = convolved(rows, weight, bias, (reach, reach), dilation, 4)
    begins, ends = 3 * tile, 600 // tile * tile - tile
    part = convolved(rows[begins:ends], weight, bias, (reach, reach), dilation, 4)
    seen = -(-reach // tile) * tile
    assert np.array_equal(part[seen : ends - begins - seen], whole[begins + seen : ends - seen])


@pytest.fixture(scope="module")
def voice(joe: Voice, cache: Path) -> OnnxVoice:
    return open_voice(joe, "en-us", SETTINGS, cache)


@pytest.fixture(scope="module")
def unchanged(joe: Voice, tmp_path_factory: pytest.TempPathFactory) -> OnnxVoice:
    """The same voice with the flow of its file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faster_flow, "make", lambda *_: None)
        return open_voice(joe, "en-us", SETTINGS, tmp_path_factory.mktemp("cache"))


def kernels(path: Path) -> list[int]:
    """Of a graph's convolutions."""
    nodes = onnx.load(str(path)).graph.node
    return [a.ints[0] for node in nodes if node.op_type == "Conv" for a in node.attribute if a.name == "kernel_shape"]


@pytest.mark.parametrize("frames", [1, 2, 7, 64, 301])
def test_a_flow_written_anew_gives_the_same_sound(frames: int, voice: OnnxVoice, unchanged: OnnxVoice) -> None:
    assert kernels(unchanged.cut.flow).count(5) == 16 and set(kernels(voice.cut.flow)) == {1}
    given = [floats(192, frames) for _ in range(3)]
    theirs = replace(voice, cut=replace(voice.cut, flow=unchanged.cut.flow))
    ours, plainly = (np.concatenate(OnnxNetwork(one, "joe").decode(*given)) for one in (voice, theirs))
    assert np.abs(plainly).max() > 0.01
    np.testing.assert_allclose(ours, plainly, atol=5e-5)


def louder(model: onnx.ModelProto) -> onnx.ModelProto:
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and len(weight.dims) == 2 and weight.dims[0] == 192:
            weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) * np.float32(1.01), weight.name))
    return model


def unreadable(model: onnx.ModelProto) -> onnx.ModelProto:
    model.graph.node[0].op_type = "Nothing"
    return model


def unknown(_: onnx.ModelProto) -> onnx.ModelProto:
    raise Unrecognised("another flow")


@pytest.mark.parametrize("wrong", [louder, unreadable, unknown])
def test_a_flow_that_is_not_the_same_stays_as_it_was(
    wrong: Callable[[onnx.ModelProto], onnx.ModelProto], unchanged: OnnxVoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster, made = faster_flow.faster, list[onnx.ModelProto]()
    monkeypatch.setattr(faster_flow, "faster", lambda model: made.append(wrong(faster(model))) or made[0])
    there = Cut.at(shutil.copytree(unchanged.cut.flow.parent, tmp_path / "cut"), unchanged.cut.names, None)
    faster_flow.make(there, 192, sound_check.flow_feed(there, None) | sound_check.decoder_feed(there, None))
    assert len(made) == (wrong is not unknown) and there.flow.read_bytes() == unchanged.cut.flow.read_bytes()


def test_a_graph_without_wide_convolutions_is_left(unchanged: OnnxVoice) -> None:
    model = onnx.load(str(unchanged.cut.flow))
    for attribute in (a for node in model.graph.node if node.op_type == "Conv" for a in node.attribute if a.name == "strides"):
        attribute.ints[0] = 2
    with pytest.raises(Unrecognised):
        faster_flow.faster(model)


def test_weights_beyond_all_bounds_are_not_written(unchanged: OnnxVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_writer, "_MOST_BYTES", 30_000_000)
    with pytest.raises(Unrecognised, match="too large"):
        faster_flow.faster(onnx.load(str(unchanged.cut.flow)))

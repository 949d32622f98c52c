"""The decoder that is written anew for onnxruntime's blocked kernels: the same sound, and left out where it would not be.

Other shapes than the real voice's: tests/neural/test_blocked_shapes.py.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from e2a_sidecar.speaking import onnx_network
from e2a_sidecar.speaking.onnx_network import OnnxNetwork
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import blocked_decoder, blocked_graph, decoder_steps, sound_check
from e2a_sidecar.voices.blocked_graph import Blocked
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.open_onnx import open_voice
from e2a_sidecar.voices.piper_cut import cut_voice
from e2a_sidecar.voices.piper_graph import Unrecognised
from e2a_sidecar.voices.voice import Voice

SETTINGS = SpeechSettings()

pytestmark = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="only made on x86-64")


@pytest.fixture(scope="module")
def voice(joe: Voice, cache: Path) -> OnnxVoice:
    return open_voice(joe, "en-us", SETTINGS, cache)


@pytest.fixture
def another(joe: Voice, voice: OnnxVoice, tmp_path: Path) -> Callable[[], OnnxVoice]:
    """Makes the decoder anew beside a copy of what the voice is cut into, and opens the voice with it."""

    def made() -> OnnxVoice:
        cut = voice.cut
        folder = shutil.copytree(cut.decode.parent, tmp_path / "cuts" / cut.decode.parent.name, ignore=shutil.ignore_patterns("decode-blocked.*"))
        blocked_decoder.make(folder, cut.names.latents, cut.names.samples, sound_check.decoder_feed(cut, None))
        written = (folder / "decode-blocked.json").stat().st_mtime_ns
        opened = open_voice(joe, "en-us", SETTINGS, tmp_path)
        assert opened.cut.decode.parent == folder and (folder / "decode-blocked.json").stat().st_mtime_ns == written
        return opened

    return made


def decoded(voice: OnnxVoice, frames: int) -> Any:
    """Samples of random latents, always the same for a number of frames."""
    random = np.random.default_rng(frames)
    mean, deviation, noise = (random.standard_normal((192, frames), dtype=np.float32) for _ in range(3))
    return np.concatenate(list(OnnxNetwork(voice, "joe").decode(mean, deviation, noise)))


@pytest.mark.parametrize("frames", [1, 7, 228, 229, 700])
def test_the_sound_is_the_plain_decoders_from_one_end_of_a_sentence_to_the_other(frames: int, voice: OnnxVoice) -> None:
    assert voice.cut.blocked is not None
    plain = replace(voice, cut=replace(voice.cut, blocked=None))
    np.testing.assert_allclose(decoded(voice, frames), decoded(plain, frames), atol=2e-6)


def test_the_sound_is_the_same_bit_for_bit_in_any_windows(voice: OnnxVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = decoded(voice, 700)
    for frames in (64, 150, 700):
        monkeypatch.setattr(onnx_network, "WINDOW_FRAMES", frames)
        assert np.array_equal(decoded(voice, 700), usual)


def test_another_kind_of_processor_uses_the_decoder_of_the_file(voice: OnnxVoice, another: Callable[[], OnnxVoice], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = voice.cut.decode.parent
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert blocked_decoder.whole(folder) and blocked_decoder.found(folder) is None
    there = another()
    assert there.cut.blocked is None and len(list(there.cut.decode.parent.glob("decode*"))) == 2
    assert len(decoded(there, 30)) == 30 * 256


@pytest.mark.parametrize(
    "spoil",
    [lambda folder: (folder / "decode-blocked.onnx").unlink(), lambda folder: (folder / "decode-blocked.json").write_bytes(b"{}")],
    ids=["no graph", "no note"],
)
def test_what_is_missing_is_made_again(spoil: Callable[[Path], Any], joe: Voice, voice: OnnxVoice, tmp_path: Path) -> None:
    folder = shutil.copytree(voice.cut.decode.parent, tmp_path / "cuts" / voice.cut.decode.parent.name)
    spoil(folder)
    cut = cut_voice(joe.file("model"), dict(joe.sha256)["model"], tmp_path, joe.id)
    assert cut.decode.parent == folder and cut.names == voice.cut.names and cut.blocked is not None
    assert all(path.stat().st_size > 10 for path in folder.glob("decode-blocked.*")) and len(list(folder.glob("decode-blocked.*"))) == 2


def louder(blocked: Blocked) -> Blocked:
    model = onnx.load(str(blocked.path))
    for weight in model.graph.initializer[:20]:
        if weight.data_type == onnx.TensorProto.FLOAT:
            weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) * np.float32(1.01), weight.name))
    onnx.save(model, str(blocked.path))
    return blocked


def unreadable(blocked: Blocked) -> Blocked:
    blocked.path.write_bytes(b"\x08")
    return blocked


def unknown(_: Blocked) -> Blocked:
    raise ValueError("a tensor of another shape")


@pytest.mark.parametrize("wrong", [louder, unreadable, unknown])
def test_one_that_is_not_the_same_is_not_used_and_the_voice_speaks(
    wrong: Any, another: Callable[[], OnnxVoice], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = blocked_graph.write
    monkeypatch.setattr(blocked_graph, "write", lambda *args: wrong(write(*args)))
    there = another()
    assert there.cut.blocked is None
    assert not there.cut.decode.with_name("decode-blocked.onnx").exists()
    assert json.loads((there.cut.decode.parent / "decode-blocked.json").read_text()) == {"context": 0}
    assert len(decoded(there, 30)) == 30 * 256


def renamed_kind(graph: onnx.GraphProto, old: str, new: str) -> None:
    next(node for node in graph.node if node.op_type == old).op_type = new


def changed(graph: onnx.GraphProto, kind: str, attribute: str, value: Any) -> None:
    node = next(node for node in graph.node if node.op_type == kind)
    kept = [a for a in node.attribute if a.name != attribute]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(attribute, value)])


def twice_upsampled(graph: onnx.GraphProto) -> None:
    """The second stage takes from before the first one's end too."""
    ups = [node for node in graph.node if node.op_type == "ConvTranspose"]
    ups[1].input[0] = ups[0].input[0]


CHANGES: dict[str, Callable[[onnx.GraphProto], Any]] = {
    "another activation": lambda graph: renamed_kind(graph, "LeakyRelu", "Elu"),
    "no tanh": lambda graph: renamed_kind(graph, "Tanh", "Identity"),
    "a convolution with steps": lambda graph: changed(graph, "Conv", "strides", [2]),
    "a convolution that shortens": lambda graph: changed(graph, "Conv", "pads", [0, 0]),
    "padding by name": lambda graph: changed(graph, "Conv", "auto_pad", "SAME_UPPER"),
    "upsampling with gaps": lambda graph: changed(graph, "ConvTranspose", "dilations", [2]),
    "upsampling that adds": lambda graph: changed(graph, "ConvTranspose", "output_padding", [1]),
    "upsampling beside upsampling": twice_upsampled,
    "a sum of what has other factors": lambda graph: renamed_kind(graph, "Div", "Add"),
    "a node without inputs": lambda graph: next(n for n in graph.node if n.op_type == "Conv").input.__delitem__(slice(1, None)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_decoder_of_another_kind_is_not_recognised(what: str, voice: OnnxVoice) -> None:
    model = onnx.load(str(voice.cut.decode))
    assert len(decoder_steps.read(model.graph, voice.cut.names.latents, voice.cut.names.samples)) == 4
    CHANGES[what](model.graph)
    with pytest.raises(Unrecognised):
        decoder_steps.read(model.graph, voice.cut.names.latents, voice.cut.names.samples)


@pytest.mark.parametrize(("parts", "step", "context"), [(1, 1, 14), (4, 6, 18), (16, 15, 30), (16, 1, 64)])
def test_windows_begin_where_they_may_and_are_longer_than_what_neighbours_take(parts: int, step: int, context: int) -> None:
    for length in range(1, 1500):
        found = onnx_network.windows(length, parts, step, context)
        assert found[0][0] == 0 and found[-1][1] == length and all(a[1] == b[0] for a, b in pairwise(found))
        assert all(start % step == 0 for start, _ in found) and all(end - start <= onnx_network.WINDOW_FRAMES for start, end in found)
        assert len(found) == 1 or all(end - start >= context for start, end in found)

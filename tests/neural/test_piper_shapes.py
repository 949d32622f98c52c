"""Every published Piper shape from every exporter, in both runtimes; what only looks like a voice is caught by its sound.

A voice that `load` accepts with a cache has been spoken by its own graph, whole and in parts, and by coqui's class, with
noise, within 1e-3 (sound_check); so that it loads is what these tests ask for first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tiny_voices
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.voices import piper_layers, piper_torch, sound_check
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.piper_cut import cut_voice, recognise
from e2a_sidecar.voices.piper_graph import Wires
from e2a_sidecar.voices.voice import Voice
from onnx import numpy_helper
from tiny_voices import Export, Shape

from .conftest import lines, spoken
from .test_blocked_shapes import assert_like_plain

X_LOW = Shape(96, 384, 1, 256, "2", (3, 5, 7), ((1, 2), (2, 6), (3, 12)))
SMALL = replace(tiny_voices.TINY, layers=1)
HIGH = replace(tiny_voices.TINY_HIGH, layers=1, speakers=3, rates=(16, 16), ups=(32, 32))


def load(voice: Voice, cache: Path) -> LoadedVits:
    return piper_torch.load(voice, SpeechSettings(), cache)


def cut(voice: Voice, cache: Path) -> None:
    cut_voice(voice.file("model"), dict(voice.sha256)["model"], cache, voice.id)


def weights(voice: Voice) -> dict[str, Any]:
    return dict(piper_layers.read(onnx.load(str(voice.file("model"))).graph).weights)


def assert_same_weights(ours: dict[str, Any], theirs: dict[str, Any], within: float = 0.0) -> None:
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        np.testing.assert_allclose(weight, theirs[name], rtol=0, atol=within, err_msg=name)


def refused(speak: Callable[[], object]) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        speak()
    assert caught.value.code == "voice_unsupported"
    assert caught.value.params["reason"]
    return caught.value


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    """A small voice as piper-tts exports it with an older torch."""
    return tiny_voices.piper_voice(tmp_path_factory.mktemp("plain"), SMALL)


def changed(voice: Voice, folder: Path, change: Callable[[onnx.GraphProto], Any]) -> Voice:
    model = onnx.load(str(voice.file("model")))
    change(model.graph)
    onnx.save(model, str(folder / "changed.onnx"))
    return replace(voice, files=(("config", voice.file("config")), ("model", folder / "changed.onnx")), sha256=()).verified()


@pytest.mark.parametrize("shape", [X_LOW, replace(tiny_voices.STOCK, layers=1)], ids=["x_low", "high"])
def test_a_published_shape_in_its_true_size_but_for_layers_of_text_sounds_like_its_file_in_both(shape: Shape, tmp_path: Path) -> None:
    voice = tiny_voices.piper_voice(tmp_path, shape)
    vits = load(voice, tmp_path)
    assert (vits.channels, vits.hop_length) == (shape.hidden, 256)
    assert_like_plain(voice, shape.hidden, tmp_path)


def test_the_real_voice_whose_shape_is_low_and_medium_sounds_like_its_file_in_both(joe: Voice, tmp_path: Path) -> None:
    assert load(joe, tmp_path).channels == 192


@pytest.mark.parametrize(
    "export",
    [Export(opset=17), Export(folding=False, keep_weight_norm=True)],
    ids=["opset 17", "weight norm kept, nothing folded"],
)
def test_the_weights_are_the_same_however_a_voice_was_exported(export: Export, plain: Voice, tmp_path: Path) -> None:
    voice = tiny_voices.piper_voice(tmp_path, SMALL, export=export)
    assert_same_weights(weights(voice), weights(plain), within=1e-5)
    assert_like_plain(voice, SMALL.hidden, tmp_path)


@pytest.mark.skipif(find_spec("onnxscript") is None, reason="onnxscript, which torch's new exporter needs, is not installed")
def test_a_voice_from_torchs_new_exporter(tmp_path: Path) -> None:
    voice = replace(tiny_voices.piper_voice(tmp_path, HIGH, export=Export(new=True)), speaker="p1")
    load(voice, tmp_path)
    assert_like_plain(voice, HIGH.hidden, tmp_path)


def test_a_voice_with_one_of_several_speakers_fixed_in_its_graph(tmp_path: Path) -> None:
    voice = tiny_voices.piper_voice(tmp_path, replace(SMALL, speakers=3), export=Export(only=1, folding=False))
    load(voice, tmp_path)
    assert_like_plain(voice, SMALL.hidden, tmp_path)


def renamed(graph: onnx.GraphProto) -> None:
    """Nodes and tensors numbered, but for the graph's own inputs and outputs."""
    numbers: dict[str, str] = {name: name for name in ("", *(v.name for v in (*graph.input, *graph.output)))}
    for node in graph.node:
        node.name = ""
        for names in (node.input, node.output):
            names[:] = [numbers.setdefault(name, str(len(numbers))) for name in names]
    for tensor in graph.initializer:
        tensor.name = numbers.setdefault(tensor.name, str(len(numbers)))
    del graph.value_info[:]


def evened(graph: onnx.GraphProto) -> None:
    """All vectors of a length equal, as in a voice of which much was never trained."""
    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 1:
            tensor.CopyFrom(numpy_helper.from_array(np.full(tuple(tensor.dims), 0.05, np.float32), tensor.name))


def merged(graph: onnx.GraphProto) -> None:
    """One tensor for all that are equal."""
    first: dict[tuple[int, bytes], str] = {}
    same = {t.name: first.setdefault((t.data_type, bytes(str(t.dims), "ascii") + t.raw_data), t.name) for t in graph.initializer}
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
    kept = [t for t in graph.initializer if same[t.name] == t.name]
    assert len(kept) < len(same) - 50
    del graph.initializer[:]
    graph.initializer.extend(kept)


def as_constants(graph: onnx.GraphProto) -> None:
    """Weights as nodes."""
    nodes = [onnx.helper.make_node("Constant", [], [t.name], value=t) for t in graph.initializer] + list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)


def in_another_order(graph: onnx.GraphProto) -> None:
    """Still each node behind what it takes."""
    order = Wires(graph).order
    assert [node.output[0] for node in order] != [node.output[0] for node in graph.node]
    del graph.node[:]
    graph.node.extend(order)


@pytest.mark.parametrize("change", [renamed, as_constants, in_another_order], ids=lambda change: change.__name__)
def test_a_voice_that_was_processed_afterwards_has_the_same_weights(change: Callable[[onnx.GraphProto], Any], plain: Voice, tmp_path: Path) -> None:
    voice = changed(plain, tmp_path, change)
    assert voice.sha256 != plain.sha256
    assert_same_weights(weights(voice), weights(plain))
    cut(voice, tmp_path)


def test_equal_weights_may_be_one_tensor(plain: Voice, tmp_path: Path) -> None:
    even = changed(plain, tmp_path, evened)
    expected = weights(even)
    assert_same_weights(weights(changed(even, tmp_path, merged)), expected)


def louder_at_low_values(graph: onnx.GraphProto) -> None:
    """The same layers, another sound."""
    for node in graph.node:
        if node.op_type == "LeakyRelu":
            node.attribute[0].f = 0.3


def test_a_voice_that_is_built_alike_and_sounds_otherwise_is_left_to_onnxruntime(plain: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = changed(plain, tmp_path, louder_at_low_values)
    assert "cpu" in str(refused(lambda: load(voice, tmp_path)).params["reason"])
    cut(voice, tmp_path)
    monkeypatch.setattr(sound_check, "spoken_by_cut", None)  # what was found is remembered
    refused(lambda: load(voice, tmp_path))


def test_a_voice_is_tried_once(plain: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(plain, tmp_path)
    monkeypatch.setattr(sound_check, "spoken_by_cut", None)
    load(plain, tmp_path)
    for kept in (tmp_path / "checks").iterdir():
        kept.write_text("[1")
    with pytest.raises(TypeError):
        load(plain, tmp_path)


def half_a_mask(graph: onnx.GraphProto) -> None:
    """A mask that is not of ones, which a cut takes it for."""
    mask = Wires(graph).maker[recognise(graph).mask]
    graph.initializer.append(numpy_helper.from_array(np.array(0.5, np.float32), "half"))
    for node in graph.node:
        node.input[:] = ["halved" if name == mask.output[0] else name for name in node.input]
    graph.node.insert(list(graph.node).index(mask) + 1, onnx.helper.make_node("Mul", [mask.output[0], "half"], ["halved"]))


def test_a_voice_that_sounds_otherwise_in_parts_is_refused_and_no_cut_is_kept(plain: Voice, tmp_path: Path) -> None:
    voice = changed(plain, tmp_path, half_a_mask)
    assert "from the whole" in refused(lambda: cut(voice, tmp_path)).detail
    assert not list((tmp_path / "cuts").iterdir())


def scaled_before(graph: onnx.GraphProto) -> None:
    """mean + noise * (deviation * scale): the deviation seems to hold the scale already."""
    deviation = recognise(graph).deviation
    (noisy,) = [node for node in graph.node if node.op_type == "Mul" and deviation in node.input]
    (scaled,) = [node for node in graph.node if noisy.output[0] in node.input]
    (scale,) = [name for name in scaled.input if name != noisy.output[0]]
    noisy.input[:] = ["scaled" if name == deviation else name for name in noisy.input]
    for node in graph.node:
        node.input[:] = [noisy.output[0] if name == scaled.output[0] else name for name in node.input]
    place = list(graph.node).index(scaled)
    del graph.node[place]
    graph.node.insert(list(graph.node).index(noisy), onnx.helper.make_node("Mul", [deviation, scale], ["scaled"]))
    graph.CopyFrom(in_order(graph))


def in_order(graph: onnx.GraphProto) -> onnx.GraphProto:
    order, copy = Wires(graph).order, onnx.GraphProto()
    copy.CopyFrom(graph)
    del copy.node[:]
    copy.node.extend(order)
    return copy


def test_noise_that_would_be_scaled_twice_is_heard(plain: Voice, tmp_path: Path) -> None:
    assert "from the whole" in refused(lambda: cut(changed(plain, tmp_path, scaled_before), tmp_path)).detail


def noise_of_half_the_size(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        if node.op_type == "RandomNormalLike":
            node.attribute.extend([onnx.helper.make_attribute("scale", 0.5)])


def with_few_symbols(graph: onnx.GraphProto) -> None:
    """As of a voice for letters: twelve rows of the embedding."""
    for tensor in graph.initializer:
        if list(tensor.dims) == [256, SMALL.hidden]:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:12].copy(), tensor.name))


def described(voice: Voice, folder: Path, **more: Any) -> Voice:
    config = folder / "other.json"
    config.write_text(json.dumps({**json.loads(voice.file("config").read_text(encoding="utf-8")), **more}), encoding="utf-8")
    return replace(voice, files=(("config", config), ("model", voice.file("model"))), sha256=()).verified()


def test_a_voice_of_few_letters_is_tried_with_its_own(plain: Voice, tmp_path: Path) -> None:
    few = changed(plain, tmp_path, with_few_symbols)
    letters = {"_": [0], "^": [1], "$": [2], " ": [3], **{letter: [4 + number] for number, letter in enumerate("abcdefgh")}}
    voice = described(few, tmp_path, phoneme_type="text", num_symbols=12, phoneme_id_map=letters)
    load(voice, tmp_path)
    core = VitsOnnx(voice, "en", SpeechSettings(), tmp_path)
    assert len(spoken(core, lines(["A bad cab."]))[0].samples)
    core.close()
    for runtime in (load, lambda voice, cache: VitsOnnx(voice, "en", SpeechSettings(), cache)):
        with pytest.raises(SidecarError, match="voice_broken"):
            runtime(few, tmp_path)  # its description names 256


@pytest.mark.parametrize(("has", "says"), [(3, 1), (1, 3)])
def test_a_description_of_other_speakers_is_refused_by_both(
    has: int, says: int, plain: Voice, voices: Callable[[str], Voice], tmp_path: Path
) -> None:
    voice = described(plain if has == 1 else voices(f"piper, high, {has} speakers"), tmp_path, num_speakers=says)
    for runtime in (load, lambda voice, cache: VitsOnnx(voice, "en", SpeechSettings(), cache)):
        with pytest.raises(SidecarError, match="voice_broken"):
            runtime(voice, tmp_path)


def test_a_decoder_whose_sums_depend_on_the_window_is_believed_where_it_is_not_heard(plain: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_check, "_SAME", (-1.0, 1e-5))  # as on a processor on which no window is within 1e-6
    cut(plain, tmp_path)


def in_half_precision(graph: onnx.GraphProto) -> None:
    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))


def with_another_input(graph: onnx.GraphProto) -> None:
    graph.input.append(onnx.helper.make_tensor_value_info("language", onnx.TensorProto.INT64, [1]))


@pytest.mark.parametrize("change", [in_half_precision, with_another_input, noise_of_half_the_size], ids=lambda change: change.__name__)
def test_what_neither_runtime_speaks_is_refused_by_both(change: Callable[[onnx.GraphProto], Any], plain: Voice, tmp_path: Path) -> None:
    voice = changed(plain, tmp_path, change)
    refused(lambda: cut(voice, tmp_path))
    refused(lambda: load(voice, tmp_path))


def endless(graph: onnx.GraphProto) -> None:
    """Durations beyond all bounds: the shift of the last flow."""
    for tensor in graph.initializer:
        if tensor.name.endswith("dp.flows.0.m"):
            tensor.CopyFrom(numpy_helper.from_array(np.full((2, 1), -60, np.float32), tensor.name))


def test_a_voice_that_would_speak_for_ever_is_refused_before_it_takes_the_memory(plain: Voice, tmp_path: Path) -> None:
    assert "frames" in refused(lambda: cut(changed(plain, tmp_path, endless), tmp_path)).detail

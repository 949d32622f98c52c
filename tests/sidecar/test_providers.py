"""onnxruntime's accelerators: found by its providers, given what they need, used only where they sound as the CPU does.

There is neither CoreML nor DirectML here: a session of the CPU stands for theirs, below our code, and is spoiled as each
test says. The decoders are real: a small one built here, and the real voice's (E2A_JOE_DIR).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.onnx_network import RUN_ERRORS
from e2a_sidecar.speaking.providers import FIXED_FRAMES, AcceleratedDecode, accelerators, fixed_windows, open_decode
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.voices.piper_cut import cut_voice
from e2a_sidecar.voices.voice import Voice
from onnx import TensorProto, helper, numpy_helper

CPU = "CPUExecutionProvider"
MAC = ["CoreMLExecutionProvider", "AzureExecutionProvider", CPU]
WINDOWS = ["DmlExecutionProvider", CPU]
CHANNELS, HOP, NEIGHBOURS = 6, 8, 14
SPEAKER = {"sid": np.array([1], dtype=np.int64)}
GPU, NO_GPU = ort.OrtHardwareDeviceType.GPU, ort.OrtHardwareDeviceType.CPU

real_session = ort.InferenceSession


def card(number: str, name: str, provider: str = "DmlExecutionProvider", kind: Any = GPU) -> SimpleNamespace:
    metadata = {"Description": name} | ({"DxgiAdapterNumber": number} if number else {})
    return SimpleNamespace(ep_name=provider, device=SimpleNamespace(type=kind, vendor="AMD", metadata=metadata))


@dataclass
class Fake:
    """Stands below our code for a provider: makes sessions of the CPU that say they are the provider's."""

    spoil: Callable[[Any], Any] = lambda samples: samples
    assigned_to: str = ""
    listed: bool = True
    refuses: Exception | None = None
    fails: list[Exception] = field(default_factory=list)
    asked: list[tuple[bytes, Any, Any, Any]] = field(default_factory=list)
    running: threading.Lock = field(default_factory=threading.Lock)
    runs: int = 0

    def __call__(self, model: Any, options: Any = None, providers: Any = (), **more: Any) -> Any:
        if providers == [CPU]:
            return real_session(model, options, providers=[CPU])
        self.asked.append((model, options, providers, more))
        if self.refuses:
            raise self.refuses
        provider = providers[0][0]
        node_types = [node.op_type for node in onnx.load_model_from_string(model).graph.node]
        part = SimpleNamespace(ep_name=self.assigned_to or provider, get_nodes=lambda: [SimpleNamespace(op_type=t) for t in node_types])
        session = real_session(model, options, providers=[CPU])
        return SimpleNamespace(
            run=lambda *args: self._run(session, *args),
            get_providers=lambda: [provider, CPU] if self.listed else [CPU],
            get_provider_graph_assignment_info=lambda: [part],
        )

    def _run(self, session: Any, *args: Any) -> Any:
        assert self.running.acquire(blocking=False), "two runs at once"
        try:
            self.runs += 1
            if self.fails:
                raise self.fails.pop(0)
            return [self.spoil(session.run(*args)[0])]
        finally:
            self.running.release()


@dataclass(frozen=True)
class Decoder:
    path: Path
    cpu: Any
    feeds: Mapping[str, Any]
    latents: str
    samples: str
    channels: int
    hop: int

    def open(self, device: str) -> AcceleratedDecode:
        return open_decode(device, self.cpu, self.path, self.latents, self.samples, self.feeds)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fake]:
    def set_up(there: list[str], fake: Fake | None = None, cards: list[Any] | None = None) -> Fake:
        fake = fake or Fake()
        monkeypatch.setattr(ort, "get_available_providers", lambda: there)
        monkeypatch.setattr(ort, "get_ep_devices", lambda: [card("0", "Radeon 780M")] if cards is None else cards)
        monkeypatch.setattr(ort, "InferenceSession", fake)
        return fake

    return set_up


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    """A decoder as a VITS has it, conditioned on a speaker, its input's shape open as exporters leave it."""
    random = np.random.default_rng(0)
    shapes = {"table": (3, 4), "c": (8, 4, 1), "cb": (8,), "p": (8, CHANNELS, 7), "pb": (8,), "u": (8, 8, 16), "ub": (8,)}
    shapes |= {"r": (8, 8, 7), "rb": (8,), "o": (1, 8, 7)}
    weights = {name: (random.standard_normal(shape) * 0.3).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Constant", [], ["p"], value=numpy_helper.from_array(weights.pop("p"), "p")),
        helper.make_node("Gather", ["table", "sid"], ["row"]),
        helper.make_node("Unsqueeze", ["row", "axis"], ["g"]),
        helper.make_node("Conv", ["g", "c", "cb"], ["condition"]),
        helper.make_node("Conv", ["latents", "p", "pb"], ["a"], pads=[3, 3]),
        helper.make_node("Add", ["a", "condition"], ["b"]),
        helper.make_node("LeakyRelu", ["b"], ["d"], alpha=0.1),
        helper.make_node("ConvTranspose", ["d", "u", "ub"], ["e"], strides=[HOP], pads=[4, 4]),
        helper.make_node("Conv", ["e", "r", "rb"], ["f"], dilations=[12], pads=[36, 36]),
        helper.make_node("Add", ["e", "f"], ["h"]),
        helper.make_node("Conv", ["h", "o"], ["i"], pads=[3, 3]),
        helper.make_node("Tanh", ["i"], ["samples"]),
    ]
    open_shape = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, None), helper.make_tensor_value_info("sid", TensorProto.INT64, ["n"])]
    output = [helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["batch", 1, "time"])]
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    stored.append(numpy_helper.from_array(np.array([2], dtype=np.int64), "axis"))
    said = [helper.make_tensor_value_info(n.output[0], TensorProto.FLOAT, None) for n in nodes]  # as Piper's exporter does
    graph = helper.make_graph(nodes, "decoder", open_shape, output, stored, value_info=said)
    path = tmp_path_factory.mktemp("small") / "decode.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), str(path))
    return Decoder(path, real_session(str(path), providers=[CPU]), SPEAKER, "latents", "samples", CHANNELS, HOP)


@pytest.mark.parametrize(
    ("there", "cards", "expected"),
    [
        ([CPU], [], {}),
        (["AzureExecutionProvider", CPU], [], {}),
        (["CUDAExecutionProvider", CPU], [], {}),
        (MAC, [], {"coreml": "Apple GPU by CoreML"}),
        (WINDOWS, [card("0", "Radeon 780M")], {"dml:0": "Radeon 780M by DirectML"}),
        (
            WINDOWS,
            [card("2", "Arc A770"), card("", "no number"), card("0", ""), card("1", "a processor", kind=NO_GPU), card("7", "x", provider=CPU)],
            {"dml:0": "AMD by DirectML", "dml:2": "Arc A770 by DirectML"},
        ),
        (WINDOWS, [], {}),
    ],
)
def test_the_accelerators_of_each_system(machine: Callable[..., Fake], there: list[str], cards: list[Any], expected: dict[str, str]) -> None:
    machine(there, cards=cards)
    assert {a.device: a.name for a in accelerators()} == expected
    assert all(dict(a.options).get("device_id", "") == a.device.partition(":")[2] for a in accelerators())


def test_an_onnxruntime_that_cannot_list_cards_offers_the_first(machine: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(WINDOWS)
    monkeypatch.delattr(ort, "get_ep_devices")
    assert [(a.device, a.options) for a in accelerators()] == [("dml:0", (("device_id", "0"),))]


def test_this_machine_is_asked_for_real() -> None:
    assert [a.provider for a in accelerators()] == [p for p in ort.get_available_providers() if p in ("CoreMLExecutionProvider", "DmlExecutionProvider")]


def test_directml_gets_what_it_demands(machine: Callable[..., Fake], small: Decoder) -> None:
    fake = machine(WINDOWS, cards=[card("0", "a"), card("1", "b")])
    decode = small.open("dml:1")
    model, options, wanted, more = fake.asked[0]
    assert wanted == [("DmlExecutionProvider", {"device_id": "1"}), CPU]
    assert more == {"enable_fallback": 0}
    assert (options.enable_mem_pattern, options.execution_mode) == (False, ort.ExecutionMode.ORT_SEQUENTIAL)
    inputs = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in onnx.load_model_from_string(model).graph.input}
    assert inputs == {"latents": [1, CHANNELS, FIXED_FRAMES], "sid": [1]}
    whole = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(model), strict_mode=True).graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*whole.value_info, *whole.output)}
    assert all(shape and all(shape) for shape in shapes.values())
    assert shapes["samples"] == [1, 1, FIXED_FRAMES * HOP]
    latents = decode.some_latents()
    with ThreadPoolExecutor(4) as pool:  # the fake fails where two run at once
        assert all(np.array_equal(found, decode.run(latents)) for found in pool.map(lambda _: decode.run(latents), range(40)))


def test_coreml_computes_in_float32_and_keeps_what_it_compiled(machine: Callable[..., Fake], small: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = machine(MAC)
    small.open("coreml")
    small.open("coreml")
    monkeypatch.setattr(ort, "__version__", "1.99")
    small.open("coreml")
    (model, _, wanted, _), (again, *_), (later, *_) = fake.asked
    options = dict(wanted[0][1])
    assert Path(options.pop("ModelCacheDirectory")).parent == small.path.parent
    assert options == {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU", "AllowLowPrecisionAccumulationOnGPU": "0", "RequireStaticInputShapes": "1"}
    models = [onnx.load_model_from_string(m) for m in (model, again, later)]
    key, same, other = (next(p.value for p in m.metadata_props if p.key == "COREML_CACHE_KEY") for m in models)
    assert key == same
    assert key != other, "nothing else would tell that what was compiled is another version's"
    assert key.isalnum()
    assert len(key) < 64


def test_windows_are_full_lie_within_the_sentence_and_cover_it_once() -> None:
    for length in (*range(FIXED_FRAMES, 1000), 4567):
        found = fixed_windows(length, NEIGHBOURS)
        assert all(w.high - w.low == FIXED_FRAMES and w.low >= 0 and w.high <= length for w in found)
        assert [w.start for w in found] == [0, *(w.end for w in found[:-1])]
        assert found[-1].end == length
        assert all(w.low == w.start == 0 or w.start - w.low >= NEIGHBOURS for w in found)
        assert all(w.high == w.end == length or w.high - w.end >= NEIGHBOURS for w in found)
        assert len(found) == max(1, -(-(length - 2 * NEIGHBOURS) // (FIXED_FRAMES - 2 * NEIGHBOURS)))  # no more than needed


def assert_windows_are_the_whole(decoder: Decoder, device: str, *lengths: int) -> None:
    decode = decoder.open(device)
    for length in lengths:
        latents = np.random.default_rng(length).standard_normal((1, decoder.channels, length), dtype=np.float32)
        whole = decoder.cpu.run([decoder.samples], {decoder.latents: latents, **decoder.feeds})[0].reshape(-1)
        parts = [
            decode.run(latents[:, :, w.low : w.high])[(w.start - w.low) * decoder.hop : (w.end - w.low) * decoder.hop]
            for w in fixed_windows(length, NEIGHBOURS)
        ]
        joined = np.concatenate(parts)
        assert joined.shape == whole.shape
        assert np.abs(joined - whole).max() <= 1e-6
        assert np.abs(whole).max() > 0.05


def test_windows_of_one_shape_are_the_whole(machine: Callable[..., Fake], small: Decoder) -> None:
    machine(WINDOWS)
    assert_windows_are_the_whole(small, "dml:0", FIXED_FRAMES, FIXED_FRAMES + 1, 229, 600)


def test_windows_of_one_shape_are_the_whole_of_the_real_voice(machine: Callable[..., Fake], joe: Voice, cache: Path) -> None:
    cut = cut_voice(joe.file("model"), dict(joe.sha256)["model"], cache, joe.id)
    machine(MAC)
    cpu = real_session(str(cut.decode), providers=[CPU])
    assert_windows_are_the_whole(Decoder(cut.decode, cpu, {}, cut.names.latents, cut.names.samples, 192, 256), "coreml", 400)


def test_a_voice_speaks_the_same_on_an_accelerator_and_ends_where_it_dies(machine: Callable[..., Fake], joe: Voice, cache: Path) -> None:
    fake = machine(MAC)
    texts = ("Yes.", "A sentence that is long enough for more than one window of the decoder on the accelerator.", "And another one, which is read beside it.")
    lines = [Line(i, text, f"{i:064x}") for i, text in enumerate(texts)]
    on_cpu, there = (VitsOnnx(joe, "en-US", SpeechSettings(), cache, device, workers=2) for device in ("cpu", "coreml"))
    spoken = [sorted((t for batch in engine.speak(lines, lambda: False) for t in batch), key=lambda t: t.index) for engine in (on_cpu, there)]
    assert there.identity == on_cpu.identity
    assert fake.runs > 5
    for ours, theirs in zip(*spoken, strict=True):
        assert ours.words == theirs.words
        assert np.abs(ours.samples.astype(int) - theirs.samples).max() <= 1
    fake.fails = [RuntimeError("887A0005 The GPU device instance has been suspended.")] * 20
    with pytest.raises(SidecarError, match="device_unusable"):
        list(there.speak(lines, lambda: False))
    on_cpu.close()
    there.close()


def in_float16(samples: Any) -> Any:
    return samples.astype(np.float16).astype(np.float32) * np.float32(1.001)


def reason(decoder: Decoder, device: str = "dml:0") -> str:
    with pytest.raises(SidecarError) as error:
        decoder.open(device)
    assert error.value.code == "device_unusable"
    assert error.value.params["device"] == device
    return str(error.value.params["reason"])


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        (Fake(spoil=in_float16), "less exactly"),
        (Fake(spoil=lambda s: s * np.float32(np.nan)), "less exactly"),
        (Fake(spoil=lambda s: s[..., :-1]), "less exactly"),
        (Fake(assigned_to=CPU), "to the CPU"),
        (Fake(listed=False), "could not use it"),
        (Fake(refuses=RuntimeError("887A0004 The specified device interface or feature level is not supported on this system.")), "DirectX 12"),
        (Fake(refuses=RuntimeError("Exception(1) tid(670) 80070057 The parameter is incorrect.")), "network of this voice's kind"),
        (Fake(refuses=RuntimeError("Error compiling model: unable to parse ML Program")), "network of this voice's kind"),
        (Fake(refuses=RuntimeError("8007000E Not enough memory resources are available")), "memory is taken"),
        (Fake(refuses=ValueError("Unknown option: ModelCacheDirectory")), "could not use it"),
        (Fake(fails=[RuntimeError("80070057 The parameter is incorrect.")]), "network of this voice's kind"),
        (Fake(fails=[RuntimeError("887A0005 The GPU device instance has been suspended.")] * 2), "does not answer any more"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(machine: Callable[..., Fake], small: Decoder, fake: Fake, said: str) -> None:
    machine(WINDOWS, fake)
    assert said in reason(small)


def test_float32_on_another_device_is_not_refused(machine: Callable[..., Fake], small: Decoder) -> None:
    machine(WINDOWS, Fake(spoil=lambda s: s + np.float32(2e-4) * np.abs(s).max()))
    result = small.open("dml:0").trial(small.cpu)
    assert 1e-4 < result.within < 3e-4
    assert result.speed_ratio > 0


def test_a_device_that_is_not_there_is_said_so(machine: Callable[..., Fake], small: Decoder) -> None:
    machine(WINDOWS)
    assert "cannot use it" in reason(small, "dml:1")
    assert "cannot use it" in reason(small, "coreml")


def test_a_decoder_of_another_kind_is_refused(machine: Callable[..., Fake], small: Decoder) -> None:
    machine(WINDOWS)
    assert "network of this voice's kind" in reason(replace(small, latents="no such tensor"))
    with pytest.raises(SidecarError, match="device_unusable"):
        open_decode("dml:0", small.cpu, small.path, small.latents, small.samples, small.feeds, neighbours=FIXED_FRAMES // 2)


def test_a_run_that_fails_is_told_and_a_device_that_died_ends_it(machine: Callable[..., Fake], small: Decoder) -> None:
    fake = machine(WINDOWS)
    decode = small.open("dml:0")
    latents = decode.some_latents()
    right = decode.run(latents)
    fake.fails = [RuntimeError("once")]
    with pytest.raises(RUN_ERRORS, match="once"):
        decode.run(latents)
    fake.fails = [RuntimeError("8007000E Not enough memory resources are available")]
    with pytest.raises(MemoryError):
        decode.run(latents)
    assert np.array_equal(decode.run(latents), right)
    stop = ort.RunOptions()
    stop.terminate = True
    with pytest.raises(RUN_ERRORS, match="terminate"):
        decode.run(latents, stop)
    fake.fails = [RuntimeError("stopped"), RuntimeError("and again")]  # a stop is not a death, and need not be looked into
    with pytest.raises(RUN_ERRORS, match="stopped"):
        decode.run(latents, stop)
    fake.fails = [RuntimeError("887A0006 hung"), RuntimeError("887A0005 removed")]
    with pytest.raises(SidecarError, match="device_unusable"):
        decode.run(latents)

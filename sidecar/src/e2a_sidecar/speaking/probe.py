"""Which devices this process can speak on, found by speaking: the CPU and onnxruntime's accelerators, and torch's where torch is.

With a voice it is that voice, through the engine that a book would be spoken by, and the answer holds its speed. Without
one it is a small network on each device of torch's, and a calculation on onnxruntime's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from onnx import TensorProto, helper

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Take
from e2a_sidecar.speaking.device_errors import in_plain_words
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.processor import processor_name
from e2a_sidecar.speaking.providers import Accelerator, accelerators, open_session
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.speed import differs, listen, texts_for
from e2a_sidecar.voices.voice import CONVERTERS, ON_CPU, Voice

CPU: Final = "cpu"
_CPU_ALONE: Final = ("espeak", *ON_CPU)
_UNFIT: Final = ("device_unusable", "voice_unsupported", "speech_failed")
"""What says that this device and this voice do not go together; everything else ends the probe."""
_NEED_MB: Final = 500
"""Of a card's free memory: the largest VITS in float32 (some 150 MB), one window of its decoder, the libraries' own."""
_NEED_WITH_CONVERTER_MB: Final = 2500
"""With WavLM-Large (1.3 GB) beside it, and what it takes for a sentence."""


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A device as the wire tells it.

    reason: why it cannot be used, else empty. speed: times real time, None where it was not measured (no voice was
    given, or it cannot be used). name: empty for a device that is not there.
    """

    device: str
    name: str
    usable: bool
    reason: str = ""
    speed: float | None = None


def probe_devices(voice: Voice | None, language: str, cache_dir: Path | None, stopped: Callable[[], bool]) -> list[DeviceReport]:
    """All devices, each tried; for a clone torch's alone, for eSpeak, Kokoro and its students the CPU alone. cache_dir: needed with a voice.

    voice: of kind piper, coqui or one of the CPU's alone; any other is as none.

    Raises Stopped; SidecarError of a voice that is broken, or where there is no room to make it ready.
    """
    voice = voice.verified() if voice is not None and voice.kind in ("piper", "coqui", *_CPU_ALONE) else None
    trial = _Trial(voice, language, cache_dir or Path(), stopped)
    reports: list[DeviceReport] = []
    for candidate in _candidates(voice):
        if stopped():
            raise Stopped
        reports.append(trial.of(candidate))
    return reports


@dataclass(frozen=True, slots=True)
class _Candidate:
    """reason: why it need not be tried. torchs: a device of torch's; else onnxruntime's, on an accelerator of its own or on the CPU."""

    device: str
    name: str
    reason: str = ""
    torchs: bool = False
    accelerator: Accelerator | None = None
    need_mb: int = _NEED_MB

    def obstacle(self) -> str:
        """Why it cannot be used, after a calculation on it; empty where nothing stands in the way."""
        if self.reason:
            return self.reason
        if self.torchs:
            from e2a_sidecar.speaking.device import obstacle

            return obstacle(self.device, self.need_mb)
        return _calculated(self.accelerator)


def _candidates(voice: Voice | None) -> list[_Candidate]:
    clone = None if voice is None else voice.clone
    if voice is not None and voice.kind in _CPU_ALONE and clone is None:
        return [_Candidate(CPU, f"{processor_name()} (onnxruntime)")]
    has_torch = find_spec("torch") is not None and find_spec("TTS") is not None
    found = [] if clone and has_torch else [_Candidate(CPU, f"{processor_name()} (onnxruntime)")]
    found += [] if clone else [_Candidate(one.device, one.name, accelerator=one) for one in accelerators()]
    if has_torch:
        from e2a_sidecar.speaking.device import present

        need_mb = _NEED_WITH_CONVERTER_MB if clone and "wavlm" in CONVERTERS[clone.converter].roles else _NEED_MB
        found += [_Candidate(one.device, one.name, one.reason, torchs=True, need_mb=need_mb) for one in present()]
    return found


class _Trial:
    """One voice (or none) on one device after the other; the first that speaks shows what is right."""

    def __init__(self, voice: Voice | None, language: str, cache_dir: Path, stopped: Callable[[], bool]) -> None:
        self._voice = voice
        self._language = language
        self._cache_dir = cache_dir
        self._stopped = stopped
        self._texts = texts_for(voice)
        self._right: Take | None = None

    def of(self, candidate: _Candidate) -> DeviceReport:
        """Calculate there, then speak."""
        device, name = candidate.device, candidate.name
        reason = candidate.obstacle()
        if reason or (self._voice is None and not candidate.torchs):
            return DeviceReport(device, name, not reason, reason)
        try:
            engine = self._engine(device)
            try:
                heard = listen(engine, self._texts, self._stopped)
            finally:
                engine.close()
        except SidecarError as error:
            if error.code not in _UNFIT:
                raise
            return DeviceReport(device, name, False, str(error.params.get("reason") or error.code))
        except (RuntimeError, MemoryError) as error:  # of a driver that an engine had not met yet
            return DeviceReport(device, name, False, in_plain_words(str(error)))
        fault = heard.fault
        if not fault and heard.first is not None:
            self._right = self._right or heard.first
            fault = "what it says differs from what the CPU says" if differs(self._right, heard.first) else ""
        return DeviceReport(device, name, not fault, fault, None if fault or self._voice is None else round(heard.speed, 2))

    def _engine(self, device: str) -> Engine:
        if self._voice is not None:
            return make_engine(self._voice, device, self._language, SpeechSettings(), self._cache_dir)
        from e2a_sidecar.speaking.vits_check import small_engine

        return small_engine(device)


def _calculated(accelerator: Accelerator | None) -> str:
    """Why onnxruntime cannot use an accelerator, or the CPU; empty where a convolution came out right."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, n]) for name, n in (("x", 8), ("y", 6)))
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 2, 3], [1.0] * 12)
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"])], "check", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8).SerializeToString()
    try:
        session = open_session(accelerator, model) if accelerator else ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        result = session.run(["y"], {"x": np.ones((1, 2, 8), dtype=np.float32)})[0]
    except SidecarError as error:
        return str(error.params.get("reason") or error.code)
    except Exception as error:  # noqa: BLE001  (onnxruntime's errors have no class in common, and a provider's may be any)
        return f"onnxruntime could not use it: {(str(error).strip() or type(error).__name__).splitlines()[0][:200]}"
    return "" if np.array_equal(result, np.full((1, 2, 6), 6.0)) else "it gave a wrong result in a test calculation"

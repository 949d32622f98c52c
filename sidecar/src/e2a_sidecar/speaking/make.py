"""Which engine speaks a voice on a device (design rule 12). Imports an engine only when it is chosen: torch stays out of core."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import KOKORO, ON_CPU, STUDENT, Voice


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of an engine without speaking: see engine.Engine."""

    identity: Mapping[str, str | int | float]
    rate_hz: int


CLONED_UPON = ("piper", "coqui")
"""Kinds of voices that a clone may speak over."""
_ONNX = re.compile(r"cpu|coreml|dml:\d{1,3}")
_TORCH = re.compile(r"cpu-torch|mps|(cuda|xpu):\d{1,3}")


def make_engine(voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> Engine:
    """Open a voice (verified) on a device of the wire: `cpu`, `coreml`, `dml:N` (onnxruntime), `cpu-torch`, `cuda:N`, `mps`, `xpu:N` (torch).

    language: the book's, for engines that speak many. cache_dir: where an engine may keep what it makes of a voice. A clone is
    spoken by torch: its processor where another runtime's device is named.
    Raises SidecarError `voice_broken`, `voice_unsupported` or `device_unusable`.
    """
    if not _ONNX.fullmatch(device) and not _TORCH.fullmatch(device):
        raise SidecarError("device_unusable", "", device=device, reason="no such device")
    if not 0.25 <= settings.speed <= 4.0:
        raise SidecarError("bad_request", f"speed {settings.speed}")
    if voice.clone is not None:
        if voice.kind not in CLONED_UPON:
            raise SidecarError("voice_unsupported", voice.kind, voice=voice.clone.id, reason=f"{voice.name} is no voice that can be made to sound like another")
        device = on_torch(device)
    if voice.kind == "tone":
        from e2a_sidecar.speaking.tone import Tone

        return Tone(settings)
    if voice.kind == "espeak":
        from e2a_sidecar.speaking.espeak import Espeak

        return Espeak(language or voice.language, settings)
    if voice.kind == STUDENT:
        return _student(voice, settings, cache_dir)
    if voice.kind == KOKORO:
        from e2a_sidecar.speaking.kokoro import Kokoro

        return Kokoro(voice, settings)
    if _ONNX.fullmatch(device):
        from e2a_sidecar.speaking.vits_onnx import VitsOnnx

        return VitsOnnx(voice, language, settings, cache_dir, device)
    try:
        from e2a_sidecar.speaking.vits_torch import VitsTorch
    except ImportError as error:
        raise SidecarError("device_unusable", repr(error), device=device, reason="the engine's extra part (torch and coqui-tts) is not installed") from None
    except OSError as error:  # of a library of torch's, as Windows says it
        raise SidecarError("device_unusable", repr(error), device=device, reason="a library that torch needs does not load") from None
    return VitsTorch(voice, device, language, settings, cache_dir)


def _student(voice: Voice, settings: SpeechSettings, cache_dir: Path) -> Engine:
    """On the CPU by onnxruntime, whatever device is named: it is made for that."""
    try:
        from e2a_sidecar.speaking.kokoro_student import KokoroStudent
    except (ImportError, AttributeError, OSError, ValueError, KeyError) as error:  # not there, of another make, or not whole: it reads files as it is imported
        raise SidecarError("voice_unsupported", repr(error), voice=voice.id, reason="the package hibari-tts is not installed, or damaged") from None
    return KokoroStudent(voice, settings, cache_dir)


def rungs(voice: Voice, device: str) -> tuple[str, ...]:
    """Where a voice may be spoken, from the device that was asked for down: its like, then the CPU by either runtime."""
    if voice.kind in ("espeak", "tone"):
        return (device,)
    if voice.kind in ON_CPU and voice.clone is None:
        return ("cpu",)
    if voice.clone is not None:
        device = on_torch(device)
        return (device,) if device == "cpu-torch" else (device, *_like(device), "cpu-torch")
    others = _like(device) if _TORCH.fullmatch(device) and device != "cpu-torch" else []
    on_cpu = ("cpu", "cpu-torch") if voice.kind == "piper" else ("cpu-torch", "cpu")
    here = [cpu for cpu in on_cpu if cpu != device and (cpu == "cpu" or find_spec("torch") is not None)]
    return (device, *others, *here)


def on_torch(device: str) -> str:
    """Where a clone is spoken that is asked for on a device: its converter needs torch."""
    return "cpu-torch" if _ONNX.fullmatch(device) else device


def _like(device: str) -> list[str]:
    """torch's other devices of that kind; none where torch cannot be asked: whoever opens the device says why."""
    try:
        from e2a_sidecar.speaking.device import like

        return like(device)
    except (ImportError, OSError, RuntimeError, AssertionError):
        return []


def describe(voice: Voice, settings: SpeechSettings, make: Callable[[], Engine], language: str = "", cache_dir: Path | None = None) -> Description:
    """What a voice (verified) will sound like, by its description file or what is kept of it in `cache_dir`, where that
    says enough: a book of which every sentence is in the store loads no model. Otherwise by the engine that `make` gives.

    language: the book's. SidecarError as `make_engine`."""
    known = _known(voice, settings, language, cache_dir)
    if known is None:
        engine = make()
        return Description(engine.identity, engine.rate_hz)
    from e2a_sidecar.speaking.identity import cloned_identity, cloned_rate_hz

    return Description(cloned_identity(known[0], voice), cloned_rate_hz(known[1], voice))


def _known(voice: Voice, settings: SpeechSettings, language: str, cache_dir: Path | None) -> tuple[Mapping[str, str | int | float], int] | None:
    """Identity and rate of a voice without its clone, as far as they can be had without opening it."""
    if voice.kind == "piper":
        from e2a_sidecar.speaking.identity import vits_identity
        from e2a_sidecar.voices.piper import PiperConfig

        config = PiperConfig.load(voice.file("config"), voice.id)
        return vits_identity(voice, config, settings), config.sample_rate_hz
    if voice.kind == STUDENT:
        from e2a_sidecar.speaking.identity import STUDENT_RATE_HZ, student_identity

        return student_identity(voice, settings), STUDENT_RATE_HZ
    if voice.kind == KOKORO:
        from e2a_sidecar.speaking.identity import kokoro_identity
        from e2a_sidecar.voices.kokoro_files import RATE_HZ

        return kokoro_identity(voice, settings), RATE_HZ
    if voice.kind == "coqui" and cache_dir is not None:
        from e2a_sidecar.voices.coqui_onnx import identity_of

        return identity_of(voice, language, settings, cache_dir)
    return None

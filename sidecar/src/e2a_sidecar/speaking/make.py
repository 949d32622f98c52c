"""Which engine speaks a voice on a device (design rule 12). Imports an engine only when it is chosen: torch stays out of core."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of an engine without speaking: see engine.Engine."""

    identity: Mapping[str, str | int | float]
    rate_hz: int


_DEVICE = re.compile(r"cpu|cpu-torch|cuda:\d{1,3}")


def make_engine(voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> Engine:
    """Open a voice (verified) on a device of the wire: `cpu`, `cpu-torch` or `cuda:N`.

    language: the book's, for engines that speak many. cache_dir: where an engine may keep what it makes of a voice.
    Raises SidecarError `voice_broken`, `voice_unsupported` or `device_unusable`.
    """
    if not _DEVICE.fullmatch(device):
        raise SidecarError("device_unusable", "", device=device, reason="no such device")
    if not 0.25 <= settings.speed <= 4.0:
        raise SidecarError("bad_request", f"speed {settings.speed}")
    if voice.kind == "tone":
        from e2a_sidecar.speaking.tone import Tone

        return Tone(settings)
    if voice.kind == "espeak":
        from e2a_sidecar.speaking.espeak import Espeak

        return Espeak(language or voice.language, settings)
    if device == "cpu":
        return _on_cpu(voice, settings, cache_dir)
    try:
        from e2a_sidecar.speaking.vits_torch import VitsTorch
    except ImportError as error:
        raise SidecarError("device_unusable", repr(error), device=device, reason="the neural layer (torch and coqui-tts) is not installed") from None
    return VitsTorch(voice, device, language, settings, cache_dir)


def _on_cpu(voice: Voice, settings: SpeechSettings, cache_dir: Path) -> Engine:
    if voice.kind != "piper":
        raise SidecarError("voice_unsupported", voice.kind, voice=voice.id, reason="without torch only Piper voices can be spoken: choose the device cpu-torch")
    from e2a_sidecar.speaking.vits_onnx import VitsOnnx

    return VitsOnnx(voice, settings, cache_dir)


def describe(voice: Voice, settings: SpeechSettings, make: Callable[[], Engine]) -> Description:
    """What a voice (verified) will sound like, by its description file alone where that says enough: a book of which
    every sentence is in the store loads no model. Otherwise by the engine that `make` gives."""
    if voice.kind == "piper":
        from e2a_sidecar.speaking.identity import vits_identity
        from e2a_sidecar.voices.piper import PiperConfig

        config = PiperConfig.load(voice.file("config"), voice.id)
        return Description(vits_identity(voice, config, settings), config.sample_rate_hz)
    engine = make()
    return Description(engine.identity, engine.rate_hz)

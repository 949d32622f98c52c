"""What shapes the sound of a VITS voice, the same for both runtimes (design rules 4 and 12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.voice import CONVERTERS, Voice

VITS_REVISION: Final = 3  # raised when the same text, voice and settings sound otherwise, or their words are timed otherwise


def vits_identity(voice: Voice, config: PiperConfig, settings: SpeechSettings) -> dict[str, str | int | float]:
    """Identity of a Piper voice; `voice` must be verified. Not in it: device, runtime, batch."""
    speaker = config.speaker_id(voice.speaker, voice.id)
    return {
        "engine": "vits",
        "engine_revision": VITS_REVISION,
        "front_end": PhonemeFrontEnd.name_of(config),
        "front_end_version": PhonemeFrontEnd.version_of(),
        "voice": voice.content_hash(),
        "speaker": -1 if speaker is None else speaker,
        "language": config.espeak_voice if config.phoneme_type == "espeak" else config.language,
        "noise_scale": scale(settings.noise_scale, config.noise_scale),
        "noise_w": scale(settings.noise_w, config.noise_w),
        "length_scale": length_scale(config, settings),
        "precision": settings.precision,
    }


def cloned_identity(identity: Mapping[str, str | int | float], voice: Voice) -> Mapping[str, str | int | float]:
    """That of a base voice, with what its clone changes; without a clone just as it was. `voice` must be verified."""
    clone = voice.clone
    if clone is None:
        return identity
    return {
        **identity,
        "clone_sample": clone.sample_hash(),
        "converter": clone.converter,
        "converter_revision": CONVERTERS[clone.converter].revision,
        "converter_files": clone.converter_hash(),
    }


def cloned_rate_hz(rate_hz: int, voice: Voice) -> int:
    """Of what is heard, where the base voice gives `rate_hz`."""
    return rate_hz if voice.clone is None else CONVERTERS[voice.clone.converter].rate_hz or rate_hz


def scale(asked: float | None, own: float) -> float:
    """A noise scale: what was asked for, else the voice's own."""
    return float(own if asked is None else asked)


def length_scale(config: PiperConfig, settings: SpeechSettings) -> float:
    """Piper's length scale for a speed: greater is slower."""
    return round(config.length_scale / settings.speed, 6)

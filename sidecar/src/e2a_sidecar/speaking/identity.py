"""What shapes the sound of a voice (design rules 4 and 12): of a VITS, the same for both runtimes, of Kokoro and its students."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.misaki.package import PACKAGE
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.voice import CONVERTERS, Voice

VITS_REVISION: Final = 3  # raised when the same text, voice and settings sound otherwise, or their words are timed otherwise
STUDENT_REVISION: Final = 1
STUDENT_RATE_HZ: Final = 24_000
KOKORO_REVISION: Final = 1


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


def student_identity(voice: Voice, settings: SpeechSettings) -> dict[str, str | int | float]:
    """Identity of a student of Kokoro; `voice` must be verified. Its package makes phonemes and sound, so its version counts.

    SidecarError `voice_unsupported` where that package is not installed."""
    from e2a_sidecar.speaking.misaki.front_end import MisakiFrontEnd

    british = is_british(voice)
    return {
        "engine": "kokoro_student",
        "engine_revision": STUDENT_REVISION,
        "front_end": MisakiFrontEnd.name_of(british),
        "front_end_version": MisakiFrontEnd.version_of(),
        "package": version(PACKAGE),
        "voice": voice.content_hash(),
        "language": "en-gb" if british else "en-us",
        "speed": settings.speed,
    }


def kokoro_identity(voice: Voice, settings: SpeechSettings) -> dict[str, str | int | float]:
    """Identity of a voice of Kokoro's own; `voice` must be verified. SidecarError `voice_unsupported` for a language that it does not speak,
    and for English where the package that says its phonemes (hibari-tts) is not installed."""
    from e2a_sidecar.speaking.kokoro_front_end import KokoroFrontEnd

    language = kokoro_language(voice)
    if language == "en":
        from e2a_sidecar.speaking.misaki.front_end import MisakiFrontEnd

        name, made = MisakiFrontEnd.name_of(is_british(voice)), MisakiFrontEnd.version_of()
    else:
        name, made = KokoroFrontEnd.name_of(language), KokoroFrontEnd.version_of()
    return {
        "engine": "kokoro",
        "engine_revision": KOKORO_REVISION,
        "front_end": name,
        "front_end_version": made,
        "voice": voice.content_hash(),
        "language": voice.language.lower().replace("_", "-"),
        "speed": settings.speed,
    }


def kokoro_language(voice: Voice) -> str:
    """The code of two letters of what it speaks; SidecarError `voice_unsupported` where Kokoro does not."""
    from e2a_sidecar.speaking.kokoro_front_end import VOICES

    language = voice.language.lower().replace("_", "-").partition("-")[0]
    if language != "en" and language not in VOICES:
        raise SidecarError("voice_unsupported", language[:40], voice=voice.id, reason="Kokoro does not speak its language")
    return language


def is_british(voice: Voice) -> bool:
    """Is it spoken by British rules?"""
    return voice.language.lower().replace("_", "-") == "en-gb"


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

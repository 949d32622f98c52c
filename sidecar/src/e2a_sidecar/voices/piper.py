"""A Piper voice's description (its .onnx.json), parsed once into a frozen record. No torch, no onnx.

The fields and their defaults are those of piper-tts (its `config.py`). Phoneme types whose front ends are extras that
the sidecar does not install (Chinese, Japanese, Hebrew, Thai) are refused by name, so that the user reads why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.espeak_data import is_voice_name
from e2a_sidecar.voices.described import MOST_SPEAKERS, MOST_SYMBOLS, listed, read, table, text

PHONEME_TYPES: Final = ("espeak", "text")
_LONGEST_PHONEME: Final = 16
_MOST_IDS: Final = 8  # of a phoneme: published voices have one, and the pad's are given as often as there are phonemes
_MOST_CLUSTERS: Final = 1000
_MOST_NUMBERS: Final = 65_536  # of an embedding
_MARKS: Final = ("_", "^", "$")  # pad, begin and end: without them no id sequence can be made


@dataclass(frozen=True, slots=True)
class PiperConfig:
    """What speech needs to know of a Piper voice."""

    sample_rate_hz: int
    hop_length: int
    """Samples a frame."""
    phoneme_id_map: Mapping[str, tuple[int, ...]]
    """Phoneme -> ids; read only."""
    num_symbols: int
    """Size of the voice's embedding: every id is below it."""
    phoneme_type: str
    """`espeak` (IPA by espeak-ng) or `text` (the text's own code points)."""
    espeak_voice: str
    noise_scale: float
    length_scale: float
    """Of the voice at speed 1.0: greater is slower."""
    noise_w: float
    num_speakers: int
    speaker_id_map: Mapping[str, int]
    default_speaker_id: int
    vowel_clusters: frozenset[tuple[str, ...]]
    """Neighbouring phonemes that this voice knows as one."""
    language: str
    """BCP 47 as far as the file says it, else empty."""

    @classmethod
    def load(cls, path: Path, voice: str = "") -> PiperConfig:
        """Read a file. SidecarError `voice_broken`, or `voice_unsupported` for a phoneme type that is not installed."""
        voice = voice or path.name
        return cls.from_dict(read(path, voice), voice)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], voice: str) -> PiperConfig:
        """Parse the JSON object; `voice` names it in errors."""
        try:
            phoneme_type = text(raw.get("phoneme_type") or "espeak", _LONGEST_PHONEME)
            inference = raw.get("inference") or {}
            config = cls(
                sample_rate_hz=int(raw["audio"]["sample_rate"]),
                hop_length=int(raw.get("hop_length") or 256),
                phoneme_id_map=MappingProxyType(
                    {text(k, _LONGEST_PHONEME): tuple(map(int, listed(v, _MOST_IDS))) for k, v in table(raw["phoneme_id_map"], MOST_SYMBOLS).items()}
                ),
                num_symbols=int(raw["num_symbols"]),
                phoneme_type=phoneme_type,
                espeak_voice=text((raw.get("espeak") or {}).get("voice") or ""),
                noise_scale=float(inference.get("noise_scale", 0.667)),
                length_scale=float(inference.get("length_scale", 1.0)),
                noise_w=float(inference.get("noise_w", 0.8)),
                num_speakers=int(raw["num_speakers"]),
                speaker_id_map=MappingProxyType({text(k): int(v) for k, v in table(raw.get("speaker_id_map") or {}, MOST_SPEAKERS).items()}),
                default_speaker_id=int(raw.get("default_speaker_id") or 0),
                vowel_clusters=frozenset(
                    tuple(text(p, _LONGEST_PHONEME) for p in listed(cluster, _MOST_IDS)) for cluster in listed(raw.get("vowel_clusters") or [], _MOST_CLUSTERS)
                ),
                language=text((raw.get("language") or {}).get("code") or "").replace("_", "-"),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise SidecarError("voice_broken", f"config: {error!r}"[:500], voice=voice, reason="its description lacks what a Piper voice needs") from None
        if phoneme_type not in PHONEME_TYPES:
            raise SidecarError("voice_unsupported", phoneme_type, voice=voice, reason=f"no front end for its {phoneme_type!r} phonemes is installed")
        config._check(voice)
        return config

    @property
    def largest_id(self) -> int:
        """Of the phoneme table: the voice's embedding has to reach so far."""
        return max(i for group in self.phoneme_id_map.values() for i in group)

    def speaker_id(self, speaker: str, voice: str = "") -> int | None:
        """The number of a speaker by name or number; empty is the voice's default; None where the voice has only one.

        SidecarError `voice_unsupported` for a speaker whom the voice does not have.
        """
        if self.num_speakers <= 1:
            if speaker and speaker not in {"0", *self.speaker_id_map}:
                raise SidecarError("voice_unsupported", "", voice=voice, reason=f"it has no speaker {speaker!r}")
            return None
        number = int(speaker) if speaker.isdecimal() and len(speaker) <= len(str(MOST_SPEAKERS)) else None
        found = self.speaker_id_map.get(speaker, number) if speaker else self.default_speaker_id
        if found is None or not 0 <= found < self.num_speakers:
            raise SidecarError("voice_unsupported", "", voice=voice, reason=f"it has no speaker {speaker!r}")
        return found

    def _check(self, voice: str) -> None:
        """Numbers that would only fail later, in the middle of a book."""
        ids = [i for group in self.phoneme_id_map.values() for i in group]
        reasons = {
            "its sample rate is not one of speech": 4000 <= self.sample_rate_hz <= 192_000,
            "its hop length is none": 1 <= self.hop_length <= 8192,
            "it has no speakers": self.num_speakers >= 1,
            "it has more speakers than a voice has": self.num_speakers <= MOST_SPEAKERS,
            "it has more symbols than a voice has": self.num_symbols <= _MOST_NUMBERS,
            "its phoneme table lacks pad, begin or end": all(self.phoneme_id_map.get(mark) for mark in _MARKS),
            "its phoneme table points beyond its symbols": all(0 <= i < self.num_symbols for i in ids),
            "it names no espeak voice": is_voice_name(self.espeak_voice) or self.phoneme_type != "espeak",
            "its scales are none": 0.05 <= self.length_scale <= 20 and 0 <= self.noise_scale <= 10 and 0 <= self.noise_w <= 10,
        }
        for reason, good in reasons.items():
            if not good:
                raise SidecarError("voice_broken", "config", voice=voice, reason=reason)

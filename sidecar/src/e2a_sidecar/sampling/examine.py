"""One stretch, heard: is it speech, is it enough, how good is it? And the sample that it becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from e2a_sidecar.model import Samples
from e2a_sidecar.sampling.clean import cleaned, high_passed
from e2a_sidecar.sampling.measure import Measures, measure
from e2a_sidecar.sampling.nature import Nature, nature
from e2a_sidecar.sampling.source import unusable
from e2a_sidecar.sampling.stretch import Stretch

LEAST_S: Final = 6.0
"""Of speech; the fewest that a voice can be cloned from."""
ENOUGH_S: Final = 15.0
REMARKS: Final = ("short", "noisy", "clipped", "quiet", "narrow", "music")
"""Why a sample is not good: little speech; noise, or a room that echoes; cut-off peaks; a very low level; no high sounds, as by telephone; music
or a hum behind the speech. Order of the answer."""
VERDICTS: Final = ("good", "fair", "poor")

SILENT_DB: Final = -70.0
_NOISY_DB: Final = (20.0, 10.0)
"""Of speech above noise. Here and below: the first limit is remarked, beyond the second a sample is poor."""
_CLIPPED: Final = (0.0005, 0.01)
_QUIET_LUFS: Final = (-45.0, -60.0)
_NARROW_HZ: Final = (5500.0, 4200.0)
_MUSIC: Final = (0.08, 0.35)
"""Of steadiness."""

# What is no speech (`nature`). Measured: speech of three kinds (a woman, espeak, a made whisper), clean or as loud as noise, a band or an organ behind it, in
# rooms and a church, has moving >= 0.14, steady <= 0.37, rhythm <= 0.45; made music of five kinds has rhythm >= 0.95, and moving <= 0.25 without drums.
_STILL: Final = 0.08
"""Moving less is no speech."""
_DEAD: Final = 0.03
"""Moving less is no music either."""
_SONG_MOVING: Final = 0.3
_NOTES_STEADY: Final = 0.6
_BEATS: Final = 0.8
_DRUMS_VOICED: Final = 0.6


@dataclass(frozen=True, slots=True)
class Examined:
    """A stretch that can be a sample. clean: mono, at the stretch's rate."""

    stretch: Stretch
    measures: Measures
    nature: Nature
    clean: Samples

    @property
    def speech_s(self) -> float:
        return self.clean.size / self.stretch.rate_hz


def examined(piece: Stretch) -> Examined:
    """Measured and cleaned. SidecarError `sample_unusable` (`silence`, `no_speech`, `music`, `too_short`)."""
    sound = high_passed(piece.sound, piece.rate_hz)
    measures = measure(sound, piece.rate_hz)
    if measures.level_lufs <= SILENT_DB and measures.noise_db <= SILENT_DB:
        raise unusable("silence")
    kind = nature(sound, piece.rate_hz, measures)
    if _is_music(kind):
        raise unusable("music")
    if not measures.spoken.any() or kind.moving < _STILL:
        raise unusable("no_speech")
    clean = cleaned(sound, piece.rate_hz, measures.spoken)
    speech_s = clean.size / piece.rate_hz
    if speech_s < LEAST_S:
        raise unusable("too_short", seconds=math.floor(speech_s * 10) / 10, need_s=int(LEAST_S))
    return Examined(piece, measures, kind, clean)


def _is_music(kind: Nature) -> bool:
    """Only where it is sure."""
    slow = _DEAD < kind.moving < _SONG_MOVING
    notes = slow and kind.steady > _NOTES_STEADY
    melody = slow and kind.rhythm > _BEATS
    drums = kind.moving > _DEAD and kind.rhythm > _BEATS and kind.voiced < _DRUMS_VOICED
    return notes or melody or drums


def verdict(found: Examined) -> tuple[str, tuple[str, ...]]:
    """(of VERDICTS, some of REMARKS)."""
    measures, rate_hz = found.measures, found.stretch.rate_hz
    clear = measures.snr_db >= _NOISY_DB[0]  # else the high sounds are there and cannot be told from the noise
    reach_hz = measures.bandwidth_hz if clear else rate_hz / 2
    how_bad = {
        "short": int(found.speech_s < ENOUGH_S),
        "noisy": sum(measures.snr_db < limit for limit in _NOISY_DB),
        "clipped": sum(found.stretch.clipped > limit for limit in _CLIPPED),
        "quiet": sum(measures.level_lufs < limit for limit in _QUIET_LUFS),
        "narrow": sum(reach_hz < limit for limit in _NARROW_HZ),
        "music": sum(found.nature.steady > limit for limit in _MUSIC),
    }
    return VERDICTS[max(how_bad.values())], tuple(remark for remark in REMARKS if how_bad[remark])

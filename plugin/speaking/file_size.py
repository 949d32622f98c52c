"""How large an audiobook's file becomes: one count for the convert window, its table and Preferences.

AAC's encoder (ffmpeg's, `aac_coder=fast`) does not keep to the bits that it is asked for: of eSpeak's sharp sound it makes more, the less were asked for the
more so, of Heart's less; and of a voice at 22,050 or 24,000 Hz hardly more than 110 kbit/s, whatever was asked for. Pauses are digital silence, for which it
writes next to nothing, so what counts is the speech. Knows nothing of Calibre.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .catalogue import ESPEAK, KOKORO, STUDENT

_JOE: Final = {32_000: 38_900, 48_000: 55_100, 64_000: 73_400, 96_000: 111_900, 128_000: 111_900}
_HEART: Final = {32_000: 31_800, 48_000: 46_600, 64_000: 61_700, 96_000: 95_600, 128_000: 109_600}
_ESPEAK: Final = {32_000: 52_800, 48_000: 65_300, 64_000: 81_700, 96_000: 110_300, 128_000: 110_300}
SPEECH_BIT_S: Final[Mapping[str, Mapping[int, int]]] = {STUDENT: _HEART, KOKORO: _HEART, ESPEAK: _ESPEAK}
"""Kind of a voice -> bit/s that were asked for -> bit/s that were written for its speech, without pauses: of The Yellow Wallpaper by Heart and eSpeak, and by
Joe, as whom all others are taken. At 64,000 of Sun Tzu in Chinese by eSpeak 86,100, of an Arabic book 79,700; Kokoro itself is taken to be as its student."""
INDEX_BYTES_S: Final = 90.0
"""For each second, with pauses: where each packet lies in the file, and the packets of silence. Chapters, tags and cover are not counted."""
SPEECH_SHARE: Final = (0.82, 0.96)
"""Of an audiobook, what is not a pause: in verse (of a story 0.88 to 0.90), and in a book of long sentences."""


def size_bytes(speech_s: float, audio_s: float, kind: str, bitrate: int) -> float:
    """speech_s: of the length `audio_s`, without pauses. kind: the voice's. bitrate: bit/s."""
    written = SPEECH_BIT_S.get(kind, _JOE)
    known = min(written, key=lambda asked: abs(asked - bitrate))
    return speech_s * written[known] * bitrate / known / 8 + audio_s * INDEX_BYTES_S


def mb_an_hour(bitrate: int) -> tuple[int, int]:
    """(least, most) by voice and text."""
    hour_s, (least, most) = 3600.0, SPEECH_SHARE
    found = [size_bytes(hour_s * share, hour_s, kind, bitrate) for kind in ("", *SPEECH_BIT_S) for share in (least, most)]
    return round(min(found) / 1e6), round(max(found) / 1e6)

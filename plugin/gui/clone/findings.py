"""What was found out about a recording, in plain words: one line that says whether it will do, and the facts behind it; apart, figures. Without a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...converting.events import Sampled
from ...wording import N_
from ...wording import translate as _

BETTER: Final[Mapping[str, str]] = {
    "short": N_("a longer stretch (15 seconds of speech at least, 30 are best)"),
    "noisy": N_("a quieter room, or the microphone nearer to the mouth"),
    "clipped": N_("a recording that is not distorted, so not too loud for its microphone"),
    "quiet": N_("a recording that is louder"),
    "narrow": N_("one that was not made by telephone"),
    "music": N_("a stretch without music or humming behind the voice"),
}
"""A remark of the sidecar's -> what would be better."""
_SILENT: Final = 0.3
"""Of a stretch: more is worth a word."""
_LITTLE_S: Final = 10.0
"""Of speech: less is hardly enough."""


def verdict(heard: Sampled) -> str:
    """In one line."""
    if heard.verdict == "good":
        return _("Good: {seconds} seconds of it can be used.").format(seconds=whole(heard.speech_s))
    if heard.verdict == "fair" and _speech_s(heard) < _LITTLE_S:
        return _("This can be used, but it is little.")
    if heard.verdict == "fair":
        return _("This can be used.")
    return _("This can be used, but the clone will hardly sound like it.")


def advice(heard: Sampled) -> str:
    """What would be better; empty where nothing would."""
    better = "; ".join(_(BETTER[remark]) for remark in heard.remarks if remark in BETTER)
    if "short" in heard.remarks and _speech_s(heard) < _LITTLE_S:
        text = _("{seconds} seconds of speech are little to learn a voice from: whatever is not heard in them is guessed.")
        little = text.format(seconds=whole(_speech_s(heard)))
        return " ".join((little, _("Better would be: {better}.").format(better=better)))
    return _("Better would be: {better}.").format(better=better) if better else ""


def facts(heard: Sampled) -> list[str]:
    """A sentence for each, without a figure that only who knows about sound can read."""
    has = heard.remarks.__contains__
    told = [
        _length(heard),
        _("Noise: much, or an echo") if has("noisy") else _("Noise: hardly any"),
        _("Loudness: very quiet, so it is made louder") if has("quiet") else _("Loudness: brought to that of an audiobook"),
        _("Sound: dull, like a telephone") if has("narrow") else _("Sound: clear"),
    ]
    if has("clipped"):
        told.append(_("Distorted: where it was too loud for its microphone"))
    return told + ([_("Behind the voice: music, or something that hums")] if has("music") else [])


def whole(seconds: float) -> int:
    """As a recording's length is told everywhere."""
    return max(1, round(seconds))


def _speech_s(heard: Sampled) -> float:
    """What of the used seconds is speech, without the pauses between words."""
    return min(heard.speech_s, (heard.end_s - heard.start_s) * (1.0 - heard.silent))


def _length(heard: Sampled) -> str:
    known = {"seconds": whole(heard.speech_s), "speech": whole(_speech_s(heard))}
    if heard.silent >= _SILENT:
        return _("Length: {seconds} seconds are used; about {speech} of them are speech, the rest pauses between words").format(**known)
    if heard.end_s - heard.start_s - heard.speech_s >= 1.0:
        return _("Length: {seconds} seconds are used, long pauses left out").format(**known)
    return _("Length: {seconds} seconds are used").format(**known)


def measured(heard: Sampled) -> str:
    """For who knows about sound."""
    text = _("Measured: the voice is {db} dB above the noise; {lufs} LUFS; sound up to {khz} kHz; {percent} % of it cut off at the peaks.")
    known = {"db": round(heard.snr_db), "lufs": _minus(heard.level_lufs), "khz": _figure(heard.bandwidth_hz / 1000)}
    return text.format(**known, percent=_figure(100 * heard.clipped))


def clock(seconds: float) -> str:
    """`1:05.5`: minutes, seconds and tenths."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def seconds_of(text: str) -> float | None:
    """Of `1:05.5`, `1:05`, `65` or `1:02:03`; None for what is no time."""
    total = 0.0
    for part in text.strip().replace(",", ".").split(":"):
        try:
            number = float(part)
        except ValueError:
            return None
        if not 0 <= number < 1e6 or not set(part.strip()) <= set("0123456789."):
            return None
        total = total * 60 + number
    return total


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _minus(value: float) -> str:
    return f"{value:.0f}".replace("-", "\u2212")

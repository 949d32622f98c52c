"""What was found out about a recording, in plain words: one line that says whether it will do, and the facts behind it. Without a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...converting.events import Sampled
from ...wording import N_
from ...wording import translate as _

BETTER: Final[Mapping[str, str]] = {
    "short": N_("a longer stretch (15 seconds of speech at least, 30 are best)"),
    "noisy": N_("a quieter room, or the microphone nearer to the mouth"),
    "clipped": N_("a recording that was not too loud for its microphone"),
    "quiet": N_("a recording that is louder"),
    "narrow": N_("one that was not made by telephone"),
    "music": N_("a stretch without music or humming behind the voice"),
}
"""A remark of the sidecar's -> what would be better."""
_LIKELY: Final = (
    (0.95, N_("Likeness to the recording: {figure}, about that of the recording's two halves to each other ({halves}).")),
    (0.8, N_("Likeness to the recording: {figure}, less than that of the recording's two halves to each other ({halves}).")),
    (0.0, N_("Likeness to the recording: {figure}, far less than that of the recording's two halves to each other ({halves}).")),
)
"""Least share of the halves' likeness -> words. What a figure is worth by itself nobody has measured for this encoder (docs/cloning.md)."""
_SILENT: Final = 0.3
"""Of a stretch: more is worth a word."""


def verdict(heard: Sampled) -> str:
    """In one line."""
    if heard.verdict == "good":
        return _("Good: {seconds} seconds of clear speech.").format(seconds=round(heard.speech_s))
    if heard.verdict == "fair":
        return _("This can be used.")
    return _("This can be used, but the clone will hardly sound like it.")


def advice(heard: Sampled) -> str:
    """What would be better; empty where nothing would."""
    better = "; ".join(_(BETTER[remark]) for remark in heard.remarks if remark in BETTER)
    return _("Better would be: {better}.").format(better=better) if better else ""


def facts(heard: Sampled) -> list[str]:
    """A sentence for each."""
    has = heard.remarks.__contains__
    loud = _("its peaks are cut off") if has("clipped") else _("no peaks are cut off")
    level = _("which is very quiet") if has("quiet") else _("brought to that of an audiobook")
    noise = _("much noise, or an echo") if has("noisy") else _("hardly any noise")
    sound = _("like a telephone") if has("narrow") else _("clear")
    told = [
        _("Speech: {seconds} seconds, long pauses left out").format(seconds=_figure(heard.speech_s)),
        _("Noise: {words} (the voice is {db} dB above it)").format(words=noise, db=round(heard.snr_db)),
        _("Loudness: {lufs} LUFS, {level}; {peaks}").format(level=level, lufs=_minus(heard.level_lufs), peaks=loud),
        _("Sound: {words} (up to {khz} kHz)").format(words=sound, khz=_figure(heard.bandwidth_hz / 1000)),
    ]
    if heard.silent >= _SILENT:
        told.append(_("Pauses and silence: {percent} % of this stretch").format(percent=round(100 * heard.silent)))
    return told + ([_("Behind the voice: music, or something that hums")] if has("music") else [])


def likeness(figure: float, of_halves: float) -> str:
    """A sentence. figure: 0..1 between a clone and its recording; of_halves: between the recording's halves."""
    words = next(words for least, words in _LIKELY if figure >= least * of_halves)
    return _(words).format(figure=f"{figure:.2f}", halves=f"{of_halves:.2f}")


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

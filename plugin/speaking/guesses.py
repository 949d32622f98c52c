"""What can be said of a voice before it has spoken on this computer: how fast, by what other voices reached here; how long and how large its audiobooks are, by
those that it has made. Kept in `speeds`; the arithmetic is `estimates`'. Knows nothing of Calibre."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from ..resources import Resources
from . import clones, estimates, speeds, voices
from .estimates import Manner, Rate, Text

CPU: Final = "cpu"
CPU_TORCH: Final = "cpu-torch"
LONG_S: Final = 300.0
"""Of an audiobook from which it is learned how a voice speaks: in a shorter one cover and title count too much."""


def likely(id: str, by_torch: bool, resources: Resources) -> Rate | None:
    """How fast the processor will speak a voice that nobody has measured; None where nothing can be said. id: of a clone, with its base voice.
    by_torch: by PyTorch, as it always speaks a clone."""
    cores, named = os.cpu_count() or 1, clones.parse(id)
    if named is None:
        kind, quality = _class_of(id, resources)
        return estimates.guessed(kind, quality, by_torch, speeds.learned(speeds.machine()), cores)
    clone = clones.get(named)
    if clone is None:
        return None
    others = speeds.learned(speeds.machine(clone.converter)).get(CPU_TORCH)
    return Rate.about(others) if others else estimates.cloned(likely(named.base, True, resources), clone.converter)


def by_others(voice: voices.CatalogueVoice) -> float | None:
    """How fast the processor will speak a voice (times real time), where another one was measured."""
    measured = speeds.learned(speeds.machine())
    rate = estimates.guessed(voice.kind, voice.quality, False, measured, 1) if measured else None
    return None if rate is None else rate.low


def learn(id: str, wire: Mapping[str, Any], device: str, speed: float, resources: Resources, weight: float = 1.0) -> None:
    """What a book says of others: this device spoke it so fast (times real time). wire: the voice's. weight: as for `speeds.learn`."""
    if device not in (CPU, CPU_TORCH):
        return
    if "clone" in wire:
        speeds.learn(speeds.machine(wire["clone"]["converter"]), device, speed, weight)
        return
    kind, quality = _class_of(id, resources)
    cost = estimates.cost(kind, quality)
    if cost is not None:
        speeds.learn(speeds.machine(), device, speed / cost, weight)


def learn_manner(id: str, wire: Mapping[str, Any], text: Text, audio_s: float, size_bytes: int, *, speed: float, pauses: float, bitrate: int) -> None:
    """A voice spoke a whole book: so long it took for that text, so large the file became. speed, pauses, bitrate: as for `estimates.estimate`."""
    if audio_s < LONG_S:
        return
    who, language = clones.over(wire["clone"]["id"], wire["id"]) if "clone" in wire else id, voices.base_language(text.language)
    characters_s = estimates.characters_s(text, audio_s, speed, pauses, str(wire["kind"]))
    if characters_s:
        speeds.learn_manner(who, language, estimates.CHARACTERS, characters_s)
    speeds.learn_manner(who, language, str(bitrate), size_bytes / (audio_s * bitrate / 8))


def manner(id: str, language: str, bitrate: int, resources: Resources) -> Manner:
    """How a voice speaks. id: of a clone, with its base voice, which sets the pace. language: the book's."""
    named, spoken = clones.parse(id), voices.base_language(language)
    base, who = (id, id) if named is None else (named.base, clones.over(named.clone, named.base))
    learned = speeds.manner(who, spoken) or speeds.manner(base, spoken)
    return estimates.manner(base, _class_of(base, resources)[0], learned, bitrate)


def _class_of(id: str, resources: Resources) -> tuple[str, str]:
    """(kind, quality) of a voice of the catalogue; empty for others."""
    voice = voices.catalogue(resources).get(voices.split(id)[0])
    return (voice.kind, voice.quality) if voice is not None else ("", "")

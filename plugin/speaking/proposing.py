"""Which voices of the catalogue read a language, best first, and which of them where the user has chosen none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..engine import runtime
from ..languages import base_language, distance
from ..resources import Resources
from ..wording import N_, translate
from .catalogue import DEFAULT_ENGLISH, ESPEAK, HEART, KOKORO, QUALITIES, STUDENT, CatalogueVoice
from .shelf import catalogue, missing

_CROWD: Final = 20
"""A voice of so many speakers had little of each to learn from."""
_ABOUT: Final[Mapping[str, str]] = {
    HEART: N_("sounds natural and speaks fast on any computer"),
    DEFAULT_ENGLISH: N_("slower than Heart on the CPU; a graphics card can speak it, too"),
}
"""What speaks for each voice that is proposed where nobody has chosen."""


@dataclass(frozen=True)
class Proposal:
    """A voice of those between which a user may choose by ear. about: one plain line. fetch_bytes: to be downloaded first, 0 where nothing is."""

    id: str
    name: str
    about: str
    fetch_bytes: int = 0


def offers(language: str, resources: Resources) -> list[CatalogueVoice]:
    """The voices of the collection for a language (BCP 47 or ISO 639-2), best first: nearest region, then the best for a book. Empty for none."""
    ranked = ((_rank(voice, language), voice) for voice in catalogue(resources).values() if voice.kind != ESPEAK)
    return [voice for rank, voice in sorted((rank, voice) for rank, voice in ranked if rank is not None)]


def proposed(language: str, resources: Resources, is_here: Callable[[CatalogueVoice], bool], on_card: bool = False) -> tuple[str, str | None]:
    """As `voices.for_language`, where the user has chosen none. is_here: can that one speak now?"""
    fitting = [voice for voice in offers(language, resources) if voice.kind != KOKORO and not (on_card and voice.kind == STUDENT)]
    heart_comes = HEART in catalogue(resources) and not runtime.standing(resources)
    for voice in fitting:
        if is_here(voice) or (voice.id == HEART and heart_comes):
            return voice.id, None
    if base_language(language) == "en":
        return DEFAULT_ENGLISH, None
    return ESPEAK, fitting[0].id if fitting else None


def proposals(language: str, resources: Resources, on_card: bool = False) -> tuple[Proposal, ...]:
    """Between whom to choose where the user has not: for English Heart and Joe, better first; for other languages nobody.

    Without Heart where her package could not be had. on_card: as for `voices.for_language`.
    """
    if base_language(language) != "en":
        return ()
    voices, missed = catalogue(resources), runtime.students_missed(resources)
    ids = [id for id in (HEART, DEFAULT_ENGLISH) if id in voices and not (missed and id == HEART)]
    best_first = sorted(ids, key=lambda id: on_card and id == HEART)
    students = runtime.students_layer(resources) is not None
    sizes = {id: sum(part.size_bytes for part in missing(voices[id], resources, students)) for id in best_first}
    return tuple(Proposal(id, voices[id].name, translate(_ABOUT[id]), sizes[id]) for id in best_first)


def _rank(voice: CatalogueVoice, language: str) -> tuple[Any, ...] | None:
    """The least is the best. The id comes last, so that no two are equal."""
    far = distance(language, voice.language)
    if far is None:
        return None
    quality = QUALITIES.index(voice.quality) if voice.quality in QUALITIES else len(QUALITIES)
    usual = (voice.id != HEART, voice.id != DEFAULT_ENGLISH, voice.kind != STUDENT)
    return voice.kind == KOKORO, far, usual, voice.speakers > _CROWD, quality, voice.doubt, voice.speakers > 1, voice.id

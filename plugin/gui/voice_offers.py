"""What can be chosen to speak a language: its own voices that are here, the user's clones, its own to be got (with size and licence), then others that are
here, espeak at the end. Looks into folders, so from a thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.install_plan import size_words
from ..languages import region
from ..resources import Resources
from ..speaking import clones, voices
from ..speaking.catalogue import PERSONS
from ..wording import N_
from ..wording import translate as _
from .clone.abilities import Base, ability, split
from .clone.abilities import get as clone_of
from .language_names import short_name

QUALITIES: Final = {"x_low": N_("very simple"), "low": N_("simple"), "medium": N_("good"), "high": N_("very good")}


@dataclass(frozen=True)
class Offer:
    """A voice that can be chosen. speakers: names, where it has several and is here. fits: it speaks the book's language. person: of PERSONS, or empty.

    bases: of a clone, the voices that it can speak over; without any it cannot be chosen, and `reason` says why."""

    id: str
    name: str
    language: str
    quality: str
    here: bool
    fits: bool
    size_bytes: int = 0
    licence: str = ""
    speakers: tuple[str, ...] = ()
    person: str = ""
    clone: bool = False
    bases: tuple[Base, ...] = ()
    reason: str = ""

    @property
    def mechanical(self) -> bool:
        return self.id == voices.ESPEAK

    @property
    def kind(self) -> tuple[bool, bool, bool, bool]:
        """Lines in the list part one kind from the next."""
        return self.clone, self.fits, self.here or self.clone, self.mechanical

    def label(self) -> str:
        """As it stands in the list."""
        if self.mechanical:
            return _("{name} (mechanical)").format(name=self.name)
        if self.reason:
            return _("{name}: not for this language").format(name=self.name)
        where = region(self.language) if self.fits else short_name(self.language) if self.language else ""
        about = ", ".join(filter(None, (where, _(PERSONS[self.person]) if self.person in PERSONS else "")))
        words = [f"{self.name} ({about})" if about else self.name]
        words += [_(QUALITIES[self.quality])] if self.quality in QUALITIES else []
        name = ", ".join(words)
        return name if self.here else _("Get {name} ({size})").format(name=name, size=size_words(self.size_bytes / 1e6))


@dataclass(frozen=True)
class Offers:
    """preferred: the id that is taken where nobody chooses. instead_of: the id that would be, if it were here."""

    language: str
    voices: tuple[Offer, ...]
    preferred: str
    instead_of: str = ""


def offers(language: str, resources: Resources, chosen: Mapping[str, str], here: bool = False) -> Offers:
    """What can be chosen for a book in a language (BCP 47, may be empty): fitting ones that are here, those to get, others that are here, espeak.

    here: the one that would be preferred could not be had, so it has to be one that is here."""
    tag = language or "en"
    catalogue = voices.catalogue(resources)
    fitting = {voice.id for voice in voices.offers(tag, resources)}
    known = [*voices.offers(tag, resources), *(voice for voice in catalogue.values() if voice.id not in fitting and voice.id != voices.ESPEAK)]
    there = voices.here(resources)
    all_of_them = [_offer(voice, voice.id in fitting, voice.id in there, resources) for voice in known]
    preferred, could = voices.for_language(tag, resources, chosen)
    own, speaker = split(preferred)
    listed = [one for one in all_of_them if one.here and one.fits]
    listed += _cloned(tag, resources, chosen, there, own, speaker)
    listed += [one for one in all_of_them if one.fits and not one.here]
    listed += [one for one in all_of_them if one.here and not one.fits]
    listed.append(_offer(catalogue[voices.ESPEAK], True, True, resources))
    if own not in {one.id for one in listed}:
        other = catalogue.get(own)
        own_voice = Offer(own, Path(own).stem, "", "", True, True) if other is None else _offer(other, other.id in fitting, other.id in there, resources)
        listed.insert(0, own_voice)
    if own == voices.ESPEAK and could:
        own, speaker = could, ""
    if here and not voices.is_here(own, resources):
        return Offers(language, tuple(listed), next(one.id for one in listed if one.here and one.fits and not one.clone), own)  # espeak at least
    return Offers(language, tuple(listed), joined(own, speaker))


def _cloned(language: str, resources: Resources, chosen: Mapping[str, str], here: Collection[str], own: str, base: str) -> list[Offer]:
    """The user's clones. own, base: the usual voice of the language, where that is one."""
    found: list[Offer] = []
    ids = [clone.id for clone in clones.all_of_them()]
    preferred = clone_of(own)
    if preferred is not None and own not in ids:  # with another converter than its usual one, or in no list
        ids.insert(0, own)
    for id in ids:
        able = ability(id, language, resources, chosen, here, base if id == own else "")
        name, size_bytes = voices.name_of(id, resources), able.bases[0].size_bytes if able.bases else 0
        offer = Offer(id, name, "", "", bool(able.bases) and not size_bytes, bool(able.bases), size_bytes, clone=True, bases=able.bases, reason=able.reason)
        found.append(offer)
    return found


def joined(voice: str, detail: str) -> str:
    """A voice with a speaker, a clone with a base voice."""
    return f"{voice}{'#' if clones.parse(voice) is None else '@'}{detail}" if detail else voice


def _offer(voice: voices.CatalogueVoice, fits: bool, here: bool, resources: Resources) -> Offer:
    speakers = voices.speakers_of(voice.id, resources) if here and voice.speakers > 1 else ()
    return Offer(voice.id, voice.name, voice.language, voice.quality, here, fits, voice.size_bytes, voice.licence, speakers, voice.person)

"""What can be chosen to speak a language: its own voices that are here, the user's clones, its own to be got (with size and licence), then others that are
here, espeak at the end; and which of them are proposed side by side. Looks into folders, so from a thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from .. import paths
from ..engine.install_plan import size_words
from ..languages import base_language, distance, region
from ..resources import Resources
from ..speaking import clones, speakers, voices
from ..speaking.catalogue import MAY, titled
from ..wording import N_
from ..wording import translate as _
from .clone.abilities import Base, ability, layer_mb, split
from .clone.abilities import get as clone_of
from .device_places import DeviceOffer, place_of
from .language_names import short_name

QUALITIES: Final = {"x_low": N_("very simple"), "low": N_("simple"), "medium": N_("good"), "high": N_("very good")}
BEST: Final = ("high", "medium", "low", "x_low")


@dataclass(frozen=True)
class Offer:
    """A voice that can be chosen. speakers: names, where it has several and is here. fits: it speaks the book's language. person: of PERSONS, or empty.

    bases: of a clone, the voices that it can speak over; without any it cannot be chosen, and `reason` says why. layer_mb: of the extra part of the
    engine, where that is still to come for it. lone: does the processor alone speak it? count: how many speakers it has.
    may: what its licence allows, in a sentence; empty where nobody knows."""

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
    layer_mb: int = 0
    lone: bool = False
    count: int = 1
    may: str = ""

    @property
    def mechanical(self) -> bool:
        return self.id == voices.ESPEAK

    @property
    def kind(self) -> tuple[bool, bool, bool, bool]:
        """Lines in the list part one kind from the next."""
        return self.clone, self.fits, self.here or self.clone, self.mechanical

    @property
    def title(self) -> str:
        """The name, with its region (of another language that) and who is heard, or how many speakers it has."""
        where = region(self.language) if self.fits else short_name(self.language) if self.language else ""
        return titled(self.name, where, self.person, self.count)

    def label(self) -> str:
        """As it stands in the list."""
        if self.mechanical:
            return _("{name} (mechanical)").format(name=self.name)
        if self.reason:
            return _("{name}: not for this language").format(name=self.name)
        words = [self.title]
        words += [_(QUALITIES[self.quality])] if self.quality in QUALITIES else []
        name = ", ".join(words)
        if self.layer_mb:
            return _("{name}, needs {size}").format(name=name, size=size_words(self.size_bytes / 1e6 + self.layer_mb))
        return name if self.here else _("{name}: {size} to get").format(name=name, size=size_words(self.size_bytes / 1e6))


@dataclass(frozen=True)
class Card:
    """A voice that is proposed beside another. title: its name with whose it is; about: what speaks for it, in a sentence. size_bytes: to be downloaded
    first, 0 where it is here. may: what its licence allows, in a sentence; licence: why, too. place: what would speak it."""

    id: str
    name: str
    title: str
    about: str
    size_bytes: int
    may: str
    licence: str
    place: DeviceOffer

    def lacking(self, used: bool) -> str:
        """What has to be downloaded first, and its licence; empty where nothing has. used: as for `voice_about.about`."""
        if not self.size_bytes:
            return ""
        text = _("“Play” downloads this voice first ({size}). {licence}")
        if used:
            text = _("“Play” or “Convert” downloads this voice first ({size}). {licence}")
        return text.format(size=size_words(self.size_bytes / 1e6), licence=self.may)


@dataclass(frozen=True)
class Offers:
    """preferred: the id that is taken where nobody chooses. instead_of: the id that would be, if it were here. cards: those that are proposed side by
    side, best first; empty where another voice is the user's usual one, or there is nothing to choose between."""

    language: str
    voices: tuple[Offer, ...]
    preferred: str
    instead_of: str = ""
    cards: tuple[Card, ...] = ()

    def beside(self, id: str) -> bool:
        """Is that one proposed side by side with another? There stands how it is got."""
        return any(card.id == id for card in self.cards)


def offers(
    language: str,
    resources: Resources,
    chosen: Mapping[str, str],
    here: bool = False,
    device: str = speakers.AUTO,
    begun: str = "",
    reader: str = "",
    files: Mapping[str, str] = {},
) -> Offers:
    """What can be chosen for a book in a language (BCP 47, may be empty): fitting ones that are here, those to get, others that are here, espeak;
    the user's own files for that language before them.

    here: the one that would be preferred could not be had, so it has to be one that is here. device: that the user's settings name. begun: a voice that is
    in the list in any case, if it is here. reader: the language and region (BCP 47) of who chooses, whose own kind of it comes first. files: the user's
    own, as in Settings."""
    tag = language or "en"
    catalogue = voices.catalogue(resources)
    fitting = {voice.id for voice in voices.offers(tag, resources)}
    there = voices.here(resources)
    known = [*voices.offers(tag, resources), *(voice for voice in catalogue.values() if voice.id in there - fitting - {voices.ESPEAK})]
    all_of_them = [_offer(voice, voice.id in fitting, voice.id in there, resources) for voice in known]
    on_card = speakers.on_card(device, resources)
    preferred, could = voices.for_language(tag, resources, chosen, on_card)
    own, speaker = split(preferred)
    all_of_them.sort(key=lambda one: _nearest_and_best(one, tag, reader))
    listed = [one for one in all_of_them if one.here and one.fits]
    own_files = [path for path, base in files.items() if base == voices.base_language(tag) and paths.is_there(Path(path))]
    listed += _cloned(tag, resources, chosen, {*there, *own_files}, dict(filter(lambda pair: pair[1], (split(begun), (own, speaker)))), own)
    listed += [one for one in all_of_them if one.fits and not one.here]
    listed += [one for one in all_of_them if one.here and not one.fits]
    listed.append(_offer(catalogue[voices.ESPEAK], True, True, resources))
    for id in (*own_files, split(begun)[0], own):
        if id and clones.parse(id) is None and id not in {one.id for one in listed}:
            other = catalogue.get(id)
            one = Offer(id, Path(id).stem, "", "", True, True) if other is None else _offer(other, other.id in fitting, other.id in there, resources)
            listed.insert(0, one)
    if own == voices.ESPEAK and could:
        own, speaker = could, ""
    if here and not voices.is_here(own, resources):
        return Offers(language, tuple(listed), next(one.id for one in listed if one.here and one.fits and not one.clone), own)  # espeak at least
    cards = _cards(tag, resources, on_card, listed, device)
    by_the_user = chosen.get(voices.base_language(tag)) == preferred
    return Offers(language, tuple(listed), joined(own, speaker), cards=() if by_the_user and own not in {card.id for card in cards} else cards)


def _cards(language: str, resources: Resources, on_card: bool, listed: Sequence[Offer], device: str) -> tuple[Card, ...]:
    """Those of the proposed voices that are in the list, where they are several."""
    offer_of = {offer.id: offer for offer in listed}
    found = [(proposal, offer_of[proposal.id]) for proposal in voices.proposals(language, resources, on_card) if proposal.id in offer_of]
    if len(found) < 2:
        return ()
    known, cards = voices.catalogue(resources), list[Card]()
    for proposal, offer in found:
        about, may = as_sentence(proposal.about), _(MAY[known[offer.id].may])
        place = place_of(offer.id, device, resources)
        cards.append(Card(offer.id, offer.name, offer.title, about, proposal.fetch_bytes, may, offer.licence, place))
    return tuple(cards)


def _nearest_and_best(offer: Offer, language: str, reader: str) -> tuple[int, int]:
    """The order in the list, where nothing else says one."""
    own = reader if base_language(reader) == base_language(language) else base_language(language)
    best = BEST.index(offer.quality) if offer.quality in BEST else len(BEST)
    return distance(own, offer.language) or 0, best


def _cloned(
    language: str, resources: Resources, chosen: Mapping[str, str], here: Collection[str], bases: Mapping[str, str], own: str
) -> list[Offer]:
    """The user's clones. bases: over which voice somebody chose one to speak. own: the usual voice of the language, which may be one."""
    found: list[Offer] = []
    ids = [clone.id for clone in clones.all_of_them()]
    preferred = clone_of(own)
    if preferred is not None and own not in ids:  # with another converter than its usual one, or in no list
        ids.insert(0, own)
    to_come = layer_mb(resources) if ids else 0
    for id in ids:
        able = ability(id, language, resources, chosen, here, bases.get(id, ""))
        name, size_bytes = voices.name_of(id, resources), able.bases[0].size_bytes if able.bases else 0
        about = Offer(id, name, "", "", bool(able.bases) and not size_bytes, bool(able.bases), size_bytes)
        found.append(replace(about, clone=True, bases=able.bases, reason=able.reason, layer_mb=to_come))
    return found


def as_sentence(about: str) -> str:
    """What speaks for a voice, a line without a full stop."""
    return _("{about}.").format(about=f"{about[:1].upper()}{about[1:]}")


def joined(voice: str, detail: str) -> str:
    """A voice with a speaker, a clone with a base voice."""
    if clones.parse(voice) is not None:
        return clones.over(voice, detail)
    return f"{voice}#{detail}" if detail else voice


def _offer(voice: voices.CatalogueVoice, fits: bool, here: bool, resources: Resources) -> Offer:
    speakers = voices.speakers_of(voice.id, resources) if here and voice.speakers > 1 else ()
    size_bytes = 0 if here else voices.fetch_bytes(voice.id, resources)
    known = (voice.id, voice.name, voice.language, voice.quality, here, fits, size_bytes, voice.licence, speakers, voice.person)
    return Offer(*known, lone=voice.kind in voices.ON_PROCESSOR, count=voice.speakers, may=_(MAY[voice.may]))

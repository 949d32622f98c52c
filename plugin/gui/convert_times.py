"""How long it takes until the convert dialog's books are ready, by whom: counted in one way, beside each voice and below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..prefs import Settings
from ..resources import Resources
from ..speaking import clones, estimates, guesses, voices
from ..wording import translate as _
from .convert_device import DeviceChoice
from .convert_previews import Previews
from .device_places import DeviceOffer
from .voice_offers import Card

AGAIN: Final = 0.01
"""Of a book: less that was spoken before was heard with “Play”, or stands in another book too."""


@dataclass(frozen=True)
class Spoken:
    """What a voice has to speak of a book. speed: times its own. before: characters that it has spoken at that speed."""

    text: estimates.Text
    speed: float
    before: int


def guess(
    text: estimates.Text, settings: Settings, device: DeviceChoice, speed: float, voice: str, previews: Previews, manner: Manners, spoken: int = 0
) -> estimates.Estimate:
    """Of one book with what is chosen. speed: as chosen. spoken: characters, before."""
    rate = _rate(voice, device.place_for(voice), previews)
    return estimates.estimate(text, speed, settings.pauses, settings.bitrate, rate, spoken, manner(voice, text.language))


def times(
    cards: Sequence[Card],
    books: Mapping[str, Sequence[Spoken]],
    settings: Settings,
    device: DeviceChoice,
    previews: Previews,
    manner: Manners,
    several: bool = False,
) -> dict[str, str]:
    """How long each voice that is proposed takes for its books, as far as that is known: its id -> a sentence. books: by that id; those are left out
    for which there is nothing to do. several: is the window about more than one?"""
    told: dict[str, str] = {}
    most = max(map(len, books.values()), default=0)
    for card in cards:
        rate = _rate(card.id, device.place_for(card.id) if device.tells(card.id) else card.place, previews)
        its, usual = books[card.id], (settings.pauses, settings.bitrate)
        guessed = estimates.total([estimates.estimate(one.text, one.speed, *usual, rate, one.before, manner(card.id, one.text.language)) for one in its])
        if its and guessed.ready_s is not None:
            words = _("{time} for {books}.")
            if guessed.kept == 1.0:
                words = _("{time} for {books}, as all of it was spoken before.")
            elif guessed.kept >= AGAIN:
                words = _("{time} for the rest of {books}.")
            text = words.format(time=estimates.when(guessed), books=_books(len(its) if several else None))
            if len(its) < most:  # else two times could not be compared
                text += " " + (_("The other one stays as it is.") if most - len(its) == 1 else _("The others stay as they are."))
            told[card.id] = text[:1].upper() + text[1:]
    return told


def _books(of: int | None) -> str:
    """For how many."""
    if of is None:
        return _("this book")
    return _("1 book") if of == 1 else _("{count} books").format(count=of)


def _rate(voice: str, place: DeviceOffer, previews: Previews) -> estimates.Rate | None:
    """How fast a voice will be spoken there: by a preview's own speed where nobody measured more."""
    if voice == voices.ESPEAK:
        return estimates.Rate.about(estimates.ESPEAK_XRT)
    processor = "cpu" if clones.parse(voice) is None else "cpu-torch"
    heard = previews.measured.get(voice) if place.speed is None and place.device in ("auto", processor) else None
    return place.rate if heard is None else estimates.Rate.about(heard)


class Manners:
    """How voices speak a language, each looked up once for a window."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self._bitrate, self._resources = settings.bitrate, resources
        self._known: dict[tuple[str, str], estimates.Manner] = {}

    def __call__(self, voice: str, language: str) -> estimates.Manner:
        if (voice, language) not in self._known:
            self._known[voice, language] = guesses.manner(voice, language, self._bitrate, self._resources)
        return self._known[voice, language]

"""How each of several books is converted: with the voice and speed that are its own, or as is chosen for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..converting.begun import Begun
from ..converting.job import Options
from ..converting.questions import Way
from ..languages import base_language
from ..prefs import Settings
from ..resources import Resources
from ..speaking import estimates, voices
from ..speaking.espeak_languages import unread
from ..wording import percents
from .books_row import Chosen
from .convert_books import Found, as_begun
from .convert_device import DeviceChoice
from .convert_existing import ForeignChoice
from .convert_one import options
from .convert_previews import Previews
from .convert_speed import SpeedChoice
from .convert_times import Manners, Spoken, guess
from .convert_voice import SpokenVoice


class EachBook:
    """Asks what stands in the window now, and keeps nothing. marked: a language's code -> who is marked for it. here: as for `ConvertDialog`'s another."""

    def __init__(
        self,
        settings: Settings,
        resources: Resources,
        marked: Mapping[str, SpokenVoice],
        device: DeviceChoice,
        speed: SpeedChoice,
        foreign: ForeignChoice,
        previews: Previews,
        here: bool,
    ) -> None:
        self._settings, self._resources, self._marked, self._here = settings, resources, marked, here
        self._device, self._speed, self._foreign, self._previews = device, speed, foreign, previews
        self.manner = Manners(settings, resources)

    def voice(self, found: Found) -> SpokenVoice | None:
        """Who is marked for its language."""
        return self._marked.get(base_language(found.language)) if found.speaks else None

    def own(self, found: Found) -> Begun | None:
        """With what it would go on if nobody changed anything."""
        begun = found.book.goes_on
        return begun if begun is None or begun.here or not self._here else None  # one that could not be had is not proposed

    def shown_for(self, books: Sequence[Found]) -> str:
        """Who stands there for these of one language before anybody chooses: the id of the voice with which they go on, if they all do (of several the one
        of the most); empty where a book among them is read by the usual one."""
        own = [self.own(found) for found in books]
        voices = Counter(begun.voice for begun in own if begun is not None)
        return voices.most_common(1)[0][0] if voices and None not in own else ""

    def own_voice(self, found: Found) -> Begun | None:
        """The same where the book is spoken by that voice: no other was chosen."""
        begun, voice = self.own(found), self.voice(found)
        other = voice is not None and bool(voice.choice.picked()) and begun is not None and voice.choice.whole() != begun.voice
        return None if other else begun

    def is_other_speed(self) -> bool:
        """Is another chosen for all than the one that stands there before anybody chooses?"""
        return self._speed.speed() != self._settings.speed

    def speed(self, found: Found) -> float:
        begun = self.own(found)
        return self._speed.speed() if begun is None or self.is_other_speed() else begun.speed

    def speaker(self, found: Found) -> str:
        """The id of whom will be heard, a clone's with its base voice; empty while nobody knows."""
        begun, voice = self.own_voice(found), self.voice(found)
        return begun.voice if begun is not None else "" if voice is None else voice.choice.whole()

    def is_marked(self, found: Found) -> bool:
        """Is it spoken by the voice that is marked for its language?"""
        voice = self.voice(found)
        return voice is not None and self.speaker(found) == voice.choice.whole()

    def goes_on(self, found: Found) -> Begun | None:
        """How it goes on, if it was begun; None where the user chose another voice or speed."""
        begun = self.own_voice(found)
        return begun if begun is not None and begun.speed == self.speed(found) else None

    def options(self, found: Found) -> Options:
        """With which it is queued."""
        device = self._device.device_for(self.speaker(found))
        wanted = options(self._settings, self.voice(found), device, self._speed, found, self._foreign)
        begun = self.own_voice(found)
        wanted = wanted if begun is None else replace(wanted, voice=begun.voice, fetch=not begun.here)
        return replace(wanted, speed=self.speed(found))

    def way(self, found: Found) -> Way:
        voice = self.voice(found)
        way = as_begun(self._way_by("" if voice is None else voice.choice.voice()), self.own_voice(found))
        return replace(way, speed=self.speed(found))

    def can_be_asked(self, found: Found) -> bool:
        """Is the voice that is to speak it here?"""
        begun, voice = self.own_voice(found), self.voice(found)
        return begun.here if begun is not None else voice is not None and voice.choice.is_here()

    def is_ours(self, found: Found) -> bool:
        """Does this conversion take the place of an audiobook of ours?"""
        return self._foreign.renews(found) if found.foreign else found.looked is not None and found.looked.existing == "ours"

    def replaces(self, found: Found) -> bool:
        """Is ours of another voice or speed than the new one?"""
        return found.made_otherwise(self.speaker(found), self._name(found), self.speed(found))

    def standing(self, found: Found) -> str:
        """As `Found.standing`, of the audiobook that is brought up to date."""
        return found.standing(self.way(found)) if self.is_ours(found) else ""

    def guess(self, found: Found) -> estimates.Estimate:
        """Of a book that was looked at."""
        assert found.text is not None
        spoken = found.spoken(self.way(found))
        guessed = guess(found.text, self._settings, self._device, self.speed(found), self.speaker(found), self._previews, self.manner, spoken)
        return replace(guessed, ready_s=0.0, kept=1.0) if self.standing(found) in ("same", "tags") else guessed

    def by(self, voice: str, books: Sequence[Found]) -> list[Spoken]:
        """What that voice would have to speak of these, each at its speed."""
        told: list[Spoken] = []
        for found in books:
            way = replace(self._way_by(voice), speed=self.speed(found))
            done = self.is_ours(found) and found.standing(way) in ("same", "tags")
            if found.text is not None and not done:
                told.append(Spoken(found.text, way.speed, found.spoken(way)))
        return told

    def fetch_bytes(self, found: Found) -> int:
        """So much of its voice has to be downloaded first."""
        begun, voice = self.own_voice(found), self.voice(found)
        if begun is not None:
            return 0 if begun.here else voices.fetch_bytes(begun.voice, self._resources)
        return 0 if voice is None else int(voice.choice.size_bytes())

    def unread(self, found: Found) -> str:
        """Why espeak does not read the language of a book that it would get: a warning's code. Empty for all others, and where that was agreed to: it is the
        usual voice, or has begun the book."""
        voice, begun = self.voice(found), found.book.begun
        if voice is None or found.error is not None or found.queued or self.goes_on(found) is not None or self.speaker(found) != voices.ESPEAK:
            return ""
        agreed = (self._settings.voices.get(base_language(found.language)), "" if begun is None else begun.voice)
        return "" if voices.ESPEAK in agreed else unread(found.language)

    def chosen(self, found: Found) -> Chosen:
        """All of this for its line in the table."""
        voice, begun, speaker, speed = self.voice(found), self.own_voice(found), self.speaker(found), self.speed(found)
        known = Chosen(speaker, self._name(found), speed, speed != self._speed.speed())
        if found.error is not None or found.queued or found.looked is None:
            return known
        marked = None if begun is not None or voice is None else voice.choice
        guessed = self.guess(found)
        return replace(
            known,
            goes_on=self.goes_on(found),
            length_s=guessed.audio_s,
            percent=percents(guessed.kept),
            ours=self.is_ours(found),
            standing=self.standing(found),
            place=self._foreign.of_book(found),
            usual="" if voice is None else voice.choice.usual() or ("" if voice.choice.picked() else voice.choice.name()),
            fetch_bytes=self.fetch_bytes(found),
            failed=marked is not None and marked.has_failed(),
            unread=self.unread(found),
            nobody=voice is not None and voice.choice.alone(),
        )

    def _name(self, found: Found) -> str:
        begun, voice = self.own_voice(found), self.voice(found)
        return voices.name_of(begun.voice, self._resources) if begun is not None else "" if voice is None else voice.choice.name()

    def _way_by(self, voice: str) -> Way:
        settings = self._settings
        return Way(voice, self._speed.speed(), settings.pauses, settings.bitrate, settings.voices, settings.precision)

"""Books that were clicked together, before they are queued: what is known of each, whether only an answer of the user's leads on, and how each is converted.

What is the same for all of them is looked up once, since a whole shelf may be clicked. Shows nothing, queues nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from . import prefs, queue_words
from .book import library
from .converting import audiobooks, begun
from .converting.begun import PLACES, Begun
from .converting.job import Options
from .resources import Resources
from .speaking import voices
from .speaking.espeak_languages import unread
from .speaking.readers import Readers

REPLACED: Final = "replaced"
ELSEWHERE: Final = "elsewhere"
PARTLESS: Final = "partless"
VOICELESS: Final = "voiceless"
UNREAD: Final = "unread"
"""Why the window comes first. One of ours, of another voice or speed, would be lost; one may be there that this plugin did not make; its voice lacks a part of
the speech engine; espeak would read it, though there is a voice to be had; nobody reads its language, and nobody chose espeak for it."""


class Clicked:
    """api: of their library. For one click: settings, voices and what was begun are taken to stay as they are."""

    def __init__(self, api: Any, resources: Resources) -> None:
        self.api = api
        self.settings = prefs.load()
        self.readers = Readers(resources)
        self._left: dict[int, Begun | None] = {}
        self._heads: dict[int, audiobooks.Head] = {}

    def usual(self) -> Options:
        """As Preferences have it."""
        chosen = self.settings
        return Options(
            device=chosen.device,
            voices=chosen.voices,
            speed=chosen.speed,
            pauses=chosen.pauses,
            bitrate=chosen.bitrate,
            precision=chosen.precision,
            kept_gb=chosen.kept_gb,
            otherwise=chosen.foreign,
            folder=Path(chosen.folder) if chosen.folder else None,
        )

    def title(self, book_id: int) -> str:
        """As it is now; empty where the book is gone."""
        return str(self.api.field_for("title", book_id) or "")

    def left(self, book_id: int) -> Begun | None:
        """How a part of the book is spoken, or how it waited when it was left, if so; by a voice that may be gone."""
        if book_id not in self._left:
            found = begun.of(library.key_of(self.api, book_id), self.settings.speed)
            if found is not None:
                found = replace(found, here=self.readers.is_here(found.voice), to_come=self.readers.can_come(found.voice))
            self._left[book_id] = found
        return self._left[book_id]

    def begun(self, book_id: int) -> Begun | None:
        """The same, but for one that only waited for a voice that is gone: of that nothing is lost."""
        found = self.left(book_id)
        return found if found is None or found.goes_on or not found.waits else None

    def going_on(self, book_id: int, options: Options) -> Options:
        """A book that was begun and not finished goes on with its voice and speed: others would speak all of it anew. One that only waited keeps its own,
        and each the place beside an audiobook from elsewhere that was chosen for it."""
        left = self.left(book_id)
        if left is not None and left.foreign:
            options = replace(options, otherwise=left.foreign, folder=Path(left.folder) if left.folder else None)
        return replace(options, voice=left.voice, speed=left.speed) if left is not None and left.goes_on else options

    def voice(self, book_id: int, options: Options) -> str:
        """The id of the voice that will be heard: the one to be fetched, where the user agreed to it; a clone's with its base voice."""
        language = library.language_of(self.api, book_id)
        return self.readers.voice(language, options.voice, options.voices, options.device, options.fetch)

    def needs_answer(self, books: Sequence[tuple[int, Options]]) -> dict[str, list[str]]:
        """Would the usual settings do what the user cannot have meant, or fail, so that the window comes first? Why, each with the titles of its books."""
        told: dict[str, list[str]] = {}
        for book_id, options in books:
            for reason in self._reasons(book_id, options):
                told.setdefault(reason, []).append(self.title(book_id))
        return told

    def _reasons(self, book_id: int, options: Options) -> list[str]:
        left, without = self.left(book_id), self._voiceless(book_id, options)
        unplaced = not self.settings.foreign and (left is None or not left.foreign)
        found = {
            REPLACED: self._replaces_another(book_id, options),
            ELSEWHERE: unplaced and self.from_elsewhere([book_id]),
            PARTLESS: self._partless(book_id, options),
            without: bool(without),
        }
        return [reason for reason, holds in found.items() if holds]

    def _replaces_another(self, book_id: int, options: Options) -> bool:
        """Would a finished audiobook of ours be lost, of another voice or speed than the new one? Not where that was decided before: what is left of the new
        one goes on."""
        left = self.left(book_id)
        if (left is not None and left.goes_on) or not self.api.format_abspath(book_id, library.FORMAT):
            return False
        head = self._head(book_id)
        if not audiobooks.is_made_otherwise(head, self.readers.as_reported(self.voice(book_id, options)), options.speed):
            return False
        record = library.own_record(self.api, book_id)
        if record is not None and self.api.format_abspath(record, library.FORMAT):
            return True
        return audiobooks.in_a_folder(self.api, book_id, head) is not None or not self._not_as_reported(book_id)

    def from_elsewhere(self, ids: Sequence[int]) -> bool:
        """May an audiobook stand at one of these books that this plugin did not make? Only a sidecar knows; here it is enough that there is no report, or
        that by it ours went elsewhere and is there no more, or was another file."""
        found = [book_id for book_id in ids if self.api.format_abspath(book_id, library.FORMAT) and library.own_record(self.api, book_id) is None]
        return any(self._not_as_reported(book_id) for book_id in found)

    def _not_as_reported(self, book_id: int) -> bool:
        if audiobooks.report_of(self.api, book_id) is None:
            return True
        head = self._head(book_id)
        return audiobooks.left_its_place(book_id, head) or audiobooks.was_changed(self.api, book_id, head)

    def _head(self, book_id: int) -> audiobooks.Head:
        """Of its report, which is read once."""
        if book_id not in self._heads:
            self._heads[book_id] = audiobooks.head_of_report(self.api, book_id)
        return self._heads[book_id]

    def beside(self, books: Sequence[tuple[int, Options]]) -> tuple[str, ...]:
        """Where audiobooks go for which nobody was asked, though one from elsewhere stands at their book, as `queue_words.beside`; empty where none does."""
        places: list[str] = []
        for book_id, options in books:
            if not self.api.format_abspath(book_id, library.FORMAT) or library.own_record(self.api, book_id) is not None:
                continue
            stands = audiobooks.in_a_folder(self.api, book_id, self._head(book_id))
            if stands is not None:
                places.append(queue_words.folder_name(stands.parent))
            elif options.otherwise and self.from_elsewhere([book_id]):
                places.append(queue_words.folder_name(options.folder) if options.otherwise == "folder" and options.folder else "")
        return queue_words.beside(places, len(books))

    def kept_place(self, book_id: int, options: Options, unasked: bool) -> tuple[str, str]:
        """What is kept with a book that is queued: where it goes beside an audiobook from elsewhere (as of `Begun`), if that was chosen for it."""
        if unasked:
            left = self.left(book_id)
            return ("", "") if left is None else (left.foreign, left.folder)
        how = options.otherwise or options.foreign
        return (how, str(options.folder) if how == "folder" else "") if how in PLACES else ("", "")

    def _voiceless(self, book_id: int, options: Options) -> str:
        """Would espeak read the book, though there is a voice to be had for its language, or nobody chose it for one that it does not read? Hours of that
        start only after a question; how a book goes on is decided."""
        if options.voice is not None:
            return ""
        chosen, language = self.settings, library.language_of(self.api, book_id)
        voice, fitting = self.readers.usual(language, chosen.voices, chosen.device)
        if voice != voices.ESPEAK:
            return ""
        unchosen = chosen.voices.get(voices.base_language(language)) != voices.ESPEAK
        return VOICELESS if fitting else UNREAD if unread(language) and unchosen else ""

    def _partless(self, book_id: int, options: Options) -> bool:
        """Would it fail at its turn, perhaps after hours, since what its voice needs on the chosen device was never installed, or was removed?"""
        return self.readers.lacks_part(self.voice(book_id, options), options.device)

"""The books that a dialog is about: what each holds, found out in the background one after another, the quick ones first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from qt.core import QObject, QTimer, pyqtSignal  # type: ignore[import-not-found]

from ..book import library
from ..converting import audiobooks
from ..converting.begun import Begun
from ..converting.events import Looked
from ..converting.job import Options
from ..converting.questions import Known, Way
from ..converting.sources import FromLibrary
from ..errors import PluginError
from ..languages import is_unknown
from ..speaking import estimates
from ..wording import N_
from ..wording import translate as _
from .background import Background
from .context import Context

_SHORT: Final = {
    "drm": N_("Locked by DRM"),
    "no_text": N_("Holds no text"),
    "no_such_book": N_("Not in the library any more"),
    "no_usable_format": N_("No format that can be read"),
}


_AT_ONCE: Final = 10
_SOON_MS: Final = 700
_LONG_WORD: Final = re.compile(r"([^\s/]{24})(?=[^\s/])")


def breakable(text: str) -> str:
    """A title or a path of which a line may end anywhere within very long words (it may behind a slash), so that it never widens a window."""
    return _LONG_WORD.sub("\\1\u200b", text)


@dataclass(frozen=True)
class Candidate:
    """A book that was chosen for conversion. begun: how a part of it is spoken, where one is."""

    id: int
    title: str
    source: FromLibrary
    begun: Begun | None = None

    @property
    def goes_on(self) -> Begun | None:
        """How it goes on where nobody chooses otherwise in the window; None: as all books."""
        return self.begun if self.begun is not None and self.begun.goes_on else None


@dataclass(frozen=True)
class Choice:
    """What to do with one book."""

    id: int
    options: Options


@dataclass(frozen=True)
class Found:
    """What is known of a book. At first only what the library says: language (BCP 47, may be empty), has_audiobook (anybody's), size_bytes
    of the format that is read, queued: it is being converted or waits for it, own: title of the record that holds our audiobook of it
    beside one from elsewhere, folder: where ours lies outside the library, by: id and name of the voice that spoke ours, empty where nobody knows,
    at: at which speed, and length_s: how long it is, None where nobody knows.
    Then also looked, with the way for which it says what was spoken, or error: why it cannot be converted. by_way: what was told of each voice
    and speed for which it was looked at. begun_share: of the book, spoken as it was begun; None where it was not looked up."""

    book: Candidate
    authors: str = ""
    language: str = ""
    has_audiobook: bool = False
    size_bytes: int = 0
    queued: bool = False
    own: str = ""
    folder: Path | None = None
    by: tuple[str, str] = ("", "")
    looked: Looked | None = None
    way: Way | None = None
    error: PluginError | None = None
    by_way: Mapping[tuple[str, float], Looked] = field(default_factory=dict)
    begun_share: float | None = None
    at: float | None = None
    length_s: float | None = None

    @property
    def decided(self) -> bool:
        """Is all known that will be?"""
        return self.looked is not None or self.error is not None

    @property
    def foreign(self) -> bool:
        """Has it an audiobook that we did not make?"""
        return self.looked is not None and self.looked.existing == "foreign"

    @property
    def seems_foreign(self) -> bool:
        """The same, also before that is known: nobody has a report of ours. So that the question about it stands there from the beginning."""
        return self.foreign or (not self.decided and self.has_audiobook and not self.by[0])

    @property
    def chapters(self) -> int:
        """How many were found, also where not all are listed."""
        return 0 if self.looked is None else self.looked.chapter_count or len(self.looked.chapters)

    @property
    def speaks(self) -> bool:
        """Is the language known that it is to be spoken in? One that names none is, as soon as it was looked at: it is read as English."""
        return self.looked is not None or not is_unknown(self.language)

    @property
    def text(self) -> estimates.Text | None:
        """What will be spoken, once that is known."""
        return None if self.looked is None else estimates.Text(self.looked.characters, self.looked.sentences, self.language)

    def spoken(self, way: Way) -> int:
        """Characters that need not be spoken again, as far as that is known of this way."""
        told, begun = self.by_way.get((way.voice, way.speed)), self.book.begun
        if told is None and self.looked is not None and begun is not None and begun.goes_on and (begun.voice, begun.speed) == (way.voice, way.speed):
            return int(begun.share * self.looked.characters)  # as it was when it was left
        return 0 if told is None or told.spoken is None else told.spoken

    def standing(self, way: Way) -> str:
        """What our audiobook needs to be as it would be made in this way: `same`, `tags`, `different`; empty where nobody knows, or there is none."""
        told = self.by_way.get((way.voice, way.speed))
        return "" if told is None or told.standing == "none" else told.standing

    def made_otherwise(self, voice: str, name: str, speed: float) -> bool:
        """Was ours spoken by another voice, or at another speed, as far as that is known? voice: the id, empty while nobody knows; name: in words."""
        if not voice or not self.by[1]:
            return False
        return self.at not in (None, speed) or (voice != self.by[0] and name != self.by[1])

    def trouble(self) -> str:
        """In a few words why it cannot be converted; empty where it can."""
        if self.error is None:
            return ""
        if self.error.code == "no_usable_format" and _only_sound(str(self.error.params.get("formats", ""))):
            return _("Only sound, no text")
        if self.error.code == "book_unreadable":
            return _("Cannot be read: {reason}").format(reason=self.error.params.get("reason", "?"))
        return _(_SHORT[self.error.code]) if self.error.code in _SHORT else self.error.what()


def _only_sound(formats: str) -> bool:
    names = {name.strip() for name in formats.split(",")} - {""}
    return bool(names & library.AUDIO_FORMATS) and names <= library.AUDIO_FORMATS


class Looker(QObject):  # type: ignore[misc]
    """Looks at each book. `found(Found)` comes once or twice for each: what the library says, then the rest; `finished` after the last.

    `looking(at, of)`: which one is being looked at, from 1."""

    found = pyqtSignal(object)
    looking = pyqtSignal(int, int)
    finished = pyqtSignal()

    def __init__(self, parent: Any, context: Context, books: Sequence[Candidate], way: Way) -> None:
        super().__init__(parent)
        self._context = context
        self._way = way
        queued = {book.id for book in books if context.queued(book.id)}
        self._running = True
        self._untold: list[Found] = []
        self._waiting: list[Found] = []
        self._of = len(books)
        self._now = [Found(book) for book in books]
        self._background = Background(self)
        self._background.done.connect(self._done)
        self._background.failed.connect(self._failed)
        self._background.start(lambda show, stopped: [_in_library(book, book.id in queued, stopped) for book in books])

    @property
    def running(self) -> bool:
        """Is there a book that was not looked at?"""
        return self._running

    def stop(self) -> None:
        """Leave off; nothing more is heard."""
        self._running = False
        self._untold, self._waiting = [], []
        self._background.stop()

    def _done(self, result: Any) -> None:
        if isinstance(result, list):
            self._untold = result
            self._waiting = sorted((found for found in result if found.error is None), key=lambda found: found.size_bytes)
            self._of = len(self._waiting)
            self._tell_some()
        else:
            for now in self._now:
                self.found.emit(known_of(now, result))
            self._next()

    def _tell_some(self) -> None:
        """What the library says, a few books at a time: a window draws each."""
        if not self._running:
            return
        now, self._untold = self._untold[:_AT_ONCE], self._untold[_AT_ONCE:]
        for found in now:
            self.found.emit(found)
        if self._untold:
            QTimer.singleShot(0, self._tell_some)
        else:
            self._next()

    def _failed(self, error: PluginError) -> None:
        for now in self._now:
            self.found.emit(replace(now, error=error))
        self._next()

    def _next(self) -> None:
        if not self._running:
            return
        if not self._waiting:
            self._running = False
            self.finished.emit()
            return
        self._now = [self._waiting.pop(0)]
        self.looking.emit(self._of - len(self._waiting), self._of)
        source, way = self._now[0].book.source, as_begun(self._way, self._now[0].book.goes_on)
        self._background.start(lambda show, stopped: self._context.questions.look(source, show, stopped, way))


class LookAgain(QObject):  # type: ignore[misc]
    """Looks once more at books that are to be spoken in another way than they were looked at, one after another.

    wanted(): which they are, and how they are to be spoken now, the most urgent first. `known(Candidate, Known)` for each, `rested` when there are no more."""

    known = pyqtSignal(object, object)
    rested = pyqtSignal()

    def __init__(self, parent: Any, context: Context, wanted: Callable[[], Sequence[tuple[Candidate, Way]]]) -> None:
        super().__init__(parent)
        self._context, self._wanted = context, wanted
        self._now: tuple[Candidate, Way] | None = None
        self._asked: dict[int, Way] = {}
        """How each book was to be spoken when it was asked about last: what is not answered is not asked for ever."""
        self._soon = QTimer(self)  # a slider that is moved asks once
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._begin)
        self._background = Background(self)
        self._background.done.connect(self._done)
        self._background.failed.connect(lambda error: self._next())

    @property
    def busy(self) -> bool:
        """Does it look, or will it in a moment?"""
        return self._background.running or self._soon.isActive()

    def soon(self) -> None:
        """Something else may be wanted."""
        if self._to_do() or self._background.running:
            self._soon.start()

    def stop(self) -> None:
        """Leave off."""
        self._soon.stop()
        self._background.stop()

    def _to_do(self) -> list[tuple[Candidate, Way]]:
        return [(book, way) for book, way in self._wanted() if self._asked.get(book.id) != way]

    def _begin(self) -> None:
        if self._background.running and self._now in self._wanted():
            return
        self._next()

    def _next(self) -> None:
        if self._background.running and self._now is not None:  # it will not be answered
            self._asked.pop(self._now[0].id, None)
        self._background.stop()
        to_do = self._to_do()
        if not to_do:
            self.rested.emit()
            return
        self._now = book, way = to_do[0]
        self._asked[book.id] = way
        self._background.start(lambda show, stopped: self._context.questions.look(book.source, show, stopped, way))

    def _done(self, known: Known) -> None:
        assert self._now is not None
        self.known.emit(self._now[0], known)
        self._next()


def known_of(found: Found, known: Known) -> Found:
    """With what a look at it told."""
    begun, looked, way = found.book.begun, known.looked, known.way
    share = found.begun_share
    if begun is not None and way is not None and (way.voice, way.speed) == (begun.voice, begun.speed) and looked.characters:
        share = min(1.0, (looked.spoken or 0) / looked.characters)
    by_way = found.by_way if way is None else {**found.by_way, (way.voice, way.speed): looked}
    return replace(found, looked=looked, way=way, language=looked.language or found.language, by_way=by_way, begun_share=share)


def as_begun(way: Way, begun: Begun | None) -> Way:
    """The same, with the voice and the speed of a book that goes on."""
    return way if begun is None else replace(way, voice=begun.voice, speed=begun.speed)


def _in_library(book: Candidate, queued: bool, stopped: Callable[[], bool]) -> Found:
    """Without opening the book."""
    if stopped():
        return Found(book)
    try:
        with book.source.library() as api:
            known = library.look_up(api, book.id, with_cover=False)
            own = library.own_record(api, book.id) if known.existing is not None else None
            head = audiobooks.head_of_report(api, book.id) if known.existing is not None else {}
            apart = audiobooks.in_a_folder(api, book.id, head) if known.existing is not None and own is None else None
            title = "" if own is None else str(api.field_for("title", own) or "")
            size = (api.format_metadata(book.id, known.format) or {}).get("size", 0)
    except PluginError as error:
        return Found(book, error=error)
    authors = " & ".join(map(str, known.metadata.get("authors") or ()))
    language, folder = str(known.metadata.get("language") or ""), apart and apart.parent
    by, at, length_s = audiobooks.speaker_in(head), audiobooks.speed_in(head), audiobooks.length_in(head)
    return Found(book, authors, language, known.existing is not None, int(size), queued, title, folder, by, at=at, length_s=length_s)

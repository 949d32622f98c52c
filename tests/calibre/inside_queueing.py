"""In Calibre's interpreter: from chosen books to jobs, without a window: who speaks, what comes first, what is said."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calibre_plugins.e2a.plugin import prefs, queueing  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.job import Options  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import voice_fetch  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from shelves import Shelf  # type: ignore[import-not-found]

JOE, PAOLA = "en_US-joe-medium", "it_IT-paola-medium"


class Desk:
    """A queue whose jobs are only noted. here: the voices of the collection that are here."""

    def __init__(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api, self.book = shelf.api, shelf.id
        self.here = {JOE, PAOLA}
        self.said: list[str] = []
        self.jobs: list[tuple[int, Options, str]] = []
        self.fetched: list[tuple[tuple[str, ...], Any, Any, Any]] = []
        self.told: list[Any] = []
        monkeypatch.setattr(voice_fetch, "kept", lambda voice: SimpleNamespace(files={}, sha256={}) if voice.id in self.here else None)
        context = SimpleNamespace(resources=installed_resources())
        self.queue = queueing.Queueing(SimpleNamespace(current_db=shelf.db), lambda: context, self.said.append, lambda: None)
        self.queue._conversions = self
        monkeypatch.setattr(self.queue, "_told", lambda outcome, quietly=False: self.told.append(outcome))
        monkeypatch.setattr("calibre_plugins.e2a.plugin.first_install.engine_there", lambda resources: True)

    def convert(self, api: Any, book_id: int, options: Options, voice: str) -> None:
        self.jobs.append((book_id, options, voice))

    def install(self, wanted: Any, then: Any, stopped: Any) -> Any:
        job = SimpleNamespace(duration=None, killed=False)
        self.fetched.append((wanted.voices, then, stopped, job))
        return job

    def ends(self, error: PluginError | None = None) -> None:
        _voices, then, _stopped, job = self.fetched[-1]
        job.duration = 1.0
        then(error)

    def busy(self) -> bool:
        return bool(self.jobs)

    def to_come(self) -> int:
        return len(self.jobs)

    def is_queued(self, api: Any, book_id: int) -> bool:
        return book_id in [job[0] for job in self.jobs]

    def add(self, language: str) -> int:
        from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]

        mi = Metadata("Another", ["Author"])
        mi.languages = [language]
        return int(self.api.create_book_entry(mi))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    prefs.save(prefs.Settings())
    shelf = Shelf(tmp_path, monkeypatch)
    monkeypatch.setattr("calibre_plugins.e2a.plugin.paths.cache_home", lambda: tmp_path / "cache")
    yield Desk(shelf, monkeypatch)
    shelf.db.close()


def test_unasked_the_usual_voice_speaks_and_is_named(desk: Desk) -> None:
    desk.queue.begin([desk.book], ask=False)
    ((_book, options, voice),) = desk.jobs
    assert voice == JOE and options.voice is None and "Joe" in desk.said[-1]
    prefs.change(voices={"en": "espeak"})
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == "espeak" and "eSpeak NG" in desk.said[-1]


def test_unasked_the_limit_of_kept_sentences_is_that_of_preferences(desk: Desk) -> None:
    prefs.change(kept_gb=7)
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][1].kept_gb == 7


def test_a_book_that_was_begun_goes_on_with_its_voice_and_a_finished_one_takes_the_usual(desk: Desk) -> None:
    key = library.key_of(desk.api, desk.book)
    begun.begin(key, "espeak", "Title")
    begun.halt(key)
    desk.queue.begin([desk.book], ask=False)
    assert (desk.jobs[0][1].voice, desk.jobs[0][2]) == ("espeak", "espeak") and "eSpeak NG" in desk.said[-1]
    begun.over(key)
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == JOE


def test_a_voice_that_the_book_was_begun_with_and_that_was_removed_is_not_waited_for(desk: Desk) -> None:
    begun.begin(library.key_of(desk.api, desk.book), "en_GB-alba-medium", "Title")
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == JOE


def test_a_usual_voice_that_is_not_here_is_downloaded_first(desk: Desk) -> None:
    desk.here.clear()
    desk.queue.begin([desk.book], ask=False)
    assert not desk.jobs and desk.fetched[0][0] == (JOE,) and "Joe" in desk.said[-1] and "Downloading" in desk.said[-1]
    assert desk.queue.is_queued(desk.book) and desk.queue.busy(), "it is not taken twice, and nothing is removed meanwhile"
    desk.queue.begin([desk.book], ask=False)
    assert len(desk.fetched) == 1 and "already" in desk.said[-1]
    desk.here.add(JOE)
    desk.ends()
    assert [job[::2] for job in desk.jobs] == [(desk.book, JOE)] and not desk.queue._waiting()


def test_among_several_books_only_those_whose_voice_fails_fail_and_at_once(desk: Desk) -> None:
    italian = desk.add("ita")
    desk.here.discard(PAOLA)
    desk.queue._queue(desk.api, [(italian, Options(voice=PAOLA, fetch=True)), (desk.book, Options())])
    assert [job[0] for job in desk.jobs] == [desk.book] and desk.fetched[0][0] == (PAOLA,)
    error = PluginError("voice_fetch_failed", voice=PAOLA, reason="no network")
    desk.ends(error)
    assert [(outcome.book_id, outcome.error) for outcome in desk.told] == [(italian, error)] and len(desk.jobs) == 1
    desk.told[0].again()
    assert len(desk.fetched) == 2, "it is tried once more, as it was"


def test_a_download_that_is_stopped_ends_the_waiting_with_a_word(desk: Desk) -> None:
    desk.here.clear()
    desk.queue.begin([desk.book], ask=False)
    _voices, _then, stopped, job = desk.fetched[0]
    job.killed = True
    stopped()
    assert "Stopped" in desk.said[-1] and not desk.queue.busy() and not desk.queue.is_queued(desk.book)


def test_the_voice_to_be_got_is_known_where_the_user_agreed_to_it(desk: Desk) -> None:
    italian = desk.add("ita")
    desk.here.discard(PAOLA)
    assert desk.queue._voice(desk.api, italian, Options()) == "espeak"
    assert desk.queue._voice(desk.api, italian, Options(fetch=True)) not in ("espeak", JOE)
    assert desk.queue._voice(desk.api, desk.book, Options(voice="espeak")) == "espeak"


def test_what_is_said_of_a_click() -> None:
    words = queueing._queued_words
    assert words(1, 1, False).startswith("Started") and words(1, 1, True).startswith("Waiting for its turn")
    assert "3 books" in words(3, 4, False) and words(3, 4, True).startswith("3 books wait")
    assert words(0, 1, True).startswith("This book is") and words(0, 2, True).startswith("These books are") and not words(0, 0, False)
    assert words(1, 1, False, "Joe").endswith("(spoken by: Joe)")


@pytest.mark.parametrize(
    ("how", "more", "kept"),
    [("record", {}, ("record", "")), ("folder", {"folder": Path("/audiobooks")}, ("folder", "/audiobooks")), ("replace", {}, ("", ""))],
)
def test_an_answer_about_an_audiobook_from_elsewhere_is_kept_but_never_to_replace_it(how: str, more: dict[str, Any], kept: tuple[str, str]) -> None:
    prefs.change(foreign="record", folder="")
    queueing.Queueing._remember_foreign(None, [Options(foreign=how, **more), Options()])
    assert (prefs.load().foreign, prefs.load().folder) == kept
    queueing.Queueing._remember_foreign(None, [Options()])
    assert (prefs.load().foreign, prefs.load().folder) == kept, "where nothing was asked nothing is answered"


def test_the_window_proposes_the_voice_with_which_the_book_was_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(
        "calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog",
        lambda *about: shown.append(about[-1]) or SimpleNamespace(exec=lambda: False, deleteLater=lambda: None),
    )
    begun.begin(library.key_of(desk.api, desk.book), "espeak", "Title")
    desk.queue.begin([desk.book], ask=True)
    desk.queue.begin([desk.book, desk.add("eng")], ask=True)
    desk.queue.begin([desk.book], ask=True, another=True)
    assert shown == [{"en": "espeak"}, {}, {}]

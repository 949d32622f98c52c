"""In Calibre's interpreter: from chosen books to jobs, without a window: who speaks, what comes first, what is said."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calibre_plugins.e2a.plugin import prefs, queue_words, queueing  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.clicked import Clicked  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import audiobooks, begun, report  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.job import Options  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import runtime  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import clones, speakers, voice_fetch, voices  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from hearts import with_heart, without_heart  # type: ignore[import-not-found]
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
        self.refused: dict[int, str] = {}
        self.stopped: list[Any] = []
        monkeypatch.setattr(voice_fetch, "kept", lambda voice: SimpleNamespace(files={}, sha256={}) if voice.id in self.here else None)
        context = SimpleNamespace(resources=installed_resources())
        self.queue = queueing.Queueing(SimpleNamespace(current_db=shelf.db), lambda: context, self.said.append, lambda: None)
        self.queue._conversions = self
        self.window = SimpleNamespace(add=self.told.append, refused=self.refused.update, stopped=self.stopped.extend)
        monkeypatch.setattr(self.queue, "_window", lambda: self.window)
        monkeypatch.setattr("calibre_plugins.e2a.plugin.first_install.engine_there", lambda resources: True)

    def convert_all(self, api: Any, books: Any) -> None:
        self.jobs += [(book_id, options, begun._known[1][library.key_of(api, book_id)]["voice"]) for book_id, options in books]

    def was_begun(self, voice: str, speed: float = 1.0) -> None:
        """The book was queued before, something of it was spoken, and it was stopped."""
        key = library.key_of(self.api, self.book)
        begun.begin({key: begun.Queued(voice, "Title", speed, voices.name_of(voice, installed_resources()))})
        begun.speaks(key, 0.22)
        begun.halt(key)

    def install(self, wanted: Any, then: Any, stopped: Any) -> Any:
        job = SimpleNamespace(duration=None, killed=False)
        self.fetched.append((wanted.voices, then, stopped, job))
        return job

    def ends(self, error: PluginError | None = None) -> None:
        _voices, then, _stopped, job = self.fetched[-1]
        job.duration = 1.0
        then(error)

    def tell_stopped(self, key: str, title: str) -> None:
        self.queue._stopped({key: (title, begun.stop(key))})

    def library_changed(self, api: Any) -> list[str]:
        return []

    def leaving(self) -> bool:
        return False

    def busy(self) -> bool:
        return bool(self.jobs)

    def to_come(self) -> int:
        return len(self.jobs)

    def queued(self) -> set[str]:
        return {library.key_of(self.api, job[0]) for job in self.jobs}

    def is_queued(self, key: str) -> bool:
        return key in self.queued()

    def clicked(self) -> Clicked:
        return Clicked(self.api, installed_resources())

    def add(self, language: str) -> int:
        from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]

        mi = Metadata("Another", ["Author"])
        mi.languages = [language]
        return int(self.api.create_book_entry(mi))


def calibre_starts_again() -> None:
    begun.leave(begun._known[1].keys())
    begun._known = None, {}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    without_heart(monkeypatch)
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


def test_unasked_heart_speaks_english_where_she_is_here_and_joe_where_a_card_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    for on_card, voice in ((False, "heart"), (True, JOE)):
        monkeypatch.setattr(speakers, "on_card", lambda device, resources, on_card=on_card: on_card)
        desk.queue.begin([desk.book], ask=False)
        assert desk.jobs.pop()[2] == voice


@pytest.mark.parametrize("usual", ["heart", JOE, ""])
def test_a_book_half_spoken_goes_on_with_its_voice_whatever_has_become_usual_since(desk: Desk, monkeypatch: pytest.MonkeyPatch, usual: str) -> None:
    with_heart(monkeypatch)
    desk.was_begun("espeak")
    prefs.change(voices={"en": usual} if usual else {})
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs.pop()[2] == "espeak" and "(goes on with its own voice: eSpeak NG)" in desk.said[-1]
    begun.halt(library.key_of(desk.api, desk.book))
    desk.queue.begin([desk.book, desk.add("eng")], ask=False)
    assert [job[2] for job in desk.jobs] == ["espeak", usual or "heart"]
    assert desk.said[-1].startswith("2 books are queued (spoken by: eSpeak NG, ") and "; those begun keep their voice)" in desk.said[-1]


def test_where_the_voice_that_began_a_book_is_gone_the_usual_one_begins_anew_and_it_is_said(desk: Desk) -> None:
    gone = "clone-0123456789ab@it_IT-paola-medium"
    desk.was_begun(gone)
    desk.here.discard(PAOLA)
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs.pop()[2] == JOE and not desk.fetched
    assert "(begins anew with Joe: clone-012345678…a-medium is gone)" in desk.said[-1]


def test_where_the_chosen_voice_turns_out_not_to_be_had_the_book_is_read_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "students_missed", lambda resources: "")  # nobody has tried
    prefs.change(voices={"en": "heart"})
    desk.queue.begin([desk.book], ask=False)
    assert desk.fetched[-1][0] == ("heart",) and not desk.jobs
    without_heart(monkeypatch)
    desk.ends(PluginError("voice_fetch_failed", voice="Heart", reason="no matching distribution found"))
    assert [job[::2] for job in desk.jobs] == [(desk.book, JOE)] and not desk.told and "Joe" in desk.said[-1]
    desk.jobs.clear()
    asked_for = Options(voice="heart")
    desk.queue._queue(desk.api, [(desk.book, asked_for)])
    error = PluginError("voice_fetch_failed", voice="Heart", reason="no matching distribution found")
    desk.ends(error)
    assert not desk.jobs and [outcome.error for outcome in desk.told] == [error], "whoever asks for her by name is told"


def test_who_reads_is_looked_up_once_for_a_whole_shelf(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    for module, name in ((speakers, "on_card"), (voices, "for_language"), (voices, "to_fetch")):
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, name=name, own=own, **more: (looks.append(name), own(*given, **more))[1])
    books = [desk.add("eng") for _ in range(20)]
    for book in books[:10]:
        key = library.key_of(desk.api, book)
        begun.begin({key: begun.Queued(JOE, "Title")})
        begun.speaks(key, 0.5)
        begun.halt(key)
    desk.queue.begin(books, ask=False)
    assert len(desk.jobs) == 20 and max(map(looks.count, looks)) <= 2, "once to choose, once to queue"


def test_unasked_the_limit_of_kept_sentences_is_that_of_preferences(desk: Desk) -> None:
    prefs.change(kept_gb=7)
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][1].kept_gb == 7


def test_a_book_that_was_begun_goes_on_with_its_voice_and_a_finished_one_takes_the_usual(desk: Desk) -> None:
    key = library.key_of(desk.api, desk.book)
    desk.was_begun("espeak")
    desk.queue.begin([desk.book], ask=False)
    assert (desk.jobs[0][1].voice, desk.jobs[0][2]) == ("espeak", "espeak") and "eSpeak NG" in desk.said[-1]
    begun.over(key)
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == JOE


def test_a_book_that_was_begun_at_a_speed_of_its_own_goes_on_at_it(desk: Desk) -> None:
    key = library.key_of(desk.api, desk.book)
    desk.queue._queue(desk.api, [(desk.book, Options(speed=1.2))])
    begun.speaks(key, 0.5)
    begun.halt(key)
    desk.jobs.clear()
    prefs.change(speed=1.1)
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][1].speed == 1.2


def test_a_job_that_was_stopped_while_it_waited_is_forgotten(desk: Desk) -> None:
    prefs.change(voices={"en": "espeak"})
    desk.queue.begin([desk.book], ask=False)
    begun.halt(library.key_of(desk.api, desk.book))
    desk.jobs.clear()
    prefs.change(voices={})
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == JOE


def test_a_book_whose_voice_has_only_to_be_downloaded_goes_on_after_that(desk: Desk) -> None:
    desk.was_begun("en_GB-alba-medium", 1.2)
    desk.queue.begin([desk.book], ask=False)
    assert not desk.jobs and desk.fetched[0][0] == ("en_GB-alba-medium",)
    assert desk.said[-1] == "Downloading first: Alba (goes on with its own voice: Alba); see the Jobs list"
    desk.here.add("en_GB-alba-medium")
    desk.ends()
    ((_book, options, voice),) = desk.jobs
    assert (voice, options.speed) == ("en_GB-alba-medium", 1.2)


def test_a_voice_that_was_tried_in_vain_is_not_waited_for(desk: Desk) -> None:
    desk.was_begun("heart")
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == JOE and not desk.fetched


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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The books for which the window opened, which is closed again."""
    books_of: list[list[int]] = []

    def dialog(gui: Any, context: Any, books: Any, another: bool, why: str) -> Any:
        books_of.append([book.id for book in books])
        return SimpleNamespace(exec=lambda: False, deleteLater=lambda: None)

    monkeypatch.setattr("calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog", dialog)
    return books_of


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra part of the speech engine is not there."""
    monkeypatch.setattr(speakers.runtime, "find_layer", lambda name, resources: None)
    monkeypatch.setattr(speakers.runtime, "is_outdated", lambda name, resources: False)


@pytest.fixture
def anna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A cloned voice for English; the bytes of its recording are nobody's business here."""
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "kept"))
    (tmp_path / "recording.flac").write_bytes(b"fLaC")
    clone = clones.add(tmp_path / "recording.flac", "Anna", "openvoice_v2")
    prefs.change(voices={"en": clone.id})
    return str(clone.id)


def test_what_a_cloned_voice_needs_is_downloaded_first_and_it_keeps_its_base(desk: Desk, anna: str) -> None:
    desk.queue.begin([desk.book], ask=False)
    assert desk.fetched[-1][0] == (f"{anna}@{JOE}",) and not desk.jobs and "Anna (clone) over Joe" in desk.said[-1]
    desk.here.add("converter-openvoice_v2")
    desk.ends()
    assert desk.jobs[-1][2] == f"{anna}@{JOE}"
    prefs.change(voices={})
    desk.was_begun(f"{anna}@{JOE}")
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[-1][1].voice == desk.jobs[-1][2] == f"{anna}@{JOE}", "a book that was begun goes on over the same voice"


def test_without_the_extra_part_of_the_engine_nothing_is_downloaded_in_vain(desk: Desk, anna: str, asked: list[list[int]], no_extra: None) -> None:
    desk.queue.begin([desk.book], ask=False)
    assert asked == [[desk.book]] and not desk.fetched and not desk.jobs, "there it can be installed"


@pytest.mark.parametrize(("device", "voice", "asks"), [("cuda:0", JOE, True), ("cpu", JOE, False), ("auto", JOE, False), ("cuda:0", "espeak", False)])
def test_a_device_that_the_extra_part_alone_speaks_on_is_no_promise_without_it(
    desk: Desk, asked: list[list[int]], no_extra: None, device: str, voice: str, asks: bool
) -> None:
    prefs.change(device=device, voices={"en": voice})
    desk.queue.begin([desk.book], ask=False)
    assert asked == ([[desk.book]] if asks else []) and len(desk.jobs) == (0 if asks else 1)


def test_a_book_that_waited_with_a_voice_that_is_gone_still_goes_where_it_was_to_go(desk: Desk, asked: list[list[int]]) -> None:
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"bought"), run_hooks=False)
    desk.queue._queue(desk.api, [(desk.book, Options(voice=PAOLA, foreign="record"))])
    calibre_starts_again()
    desk.jobs.clear()
    assert len(begun.interrupted()) == 1
    begun._known[1][library.key_of(desk.api, desk.book)]["voice"] = "clone-0123456789ab@it_IT-paola-medium"
    desk.queue.begin([desk.book], ask=False)
    ((_book, options, voice),) = desk.jobs
    assert (options.otherwise, voice) == ("record", JOE) and not asked


def test_another_audiobook_that_was_put_in_the_place_of_ours_opens_the_window(desk: Desk, asked: list[list[int]], tmp_path: Path) -> None:
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"ours"), run_hooks=False)
    made = report.kept_path(library.key_of(desk.api, desk.book))
    made.write_text(json.dumps({"schema": 1, "path": desk.api.format_abspath(desk.book, "M4B"), "sentences": []}, indent=1), "utf-8")
    assert not desk.clicked().from_elsewhere([desk.book]), "an older report says nothing of its size"
    assert report.complete(made, None) is None
    desk.queue.begin([desk.book], ask=False)
    assert len(desk.jobs) == 1 and not asked
    desk.jobs.clear()
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"bought elsewhere"), run_hooks=False)
    desk.queue.begin([desk.book], ask=False)
    assert not desk.jobs and asked == [[desk.book]]
    prefs.change(foreign="record")
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][1].otherwise == "record" and "; into a book of its own)" in desk.said[-1]


def made_before(desk: Desk, book: int, path: str = "", **head: Any) -> None:
    """An audiobook of ours stands at the book, or at that path; what its report says besides."""
    desk.api.add_format(book, "M4B", io.BytesIO(b"ours"), run_hooks=False)
    made = report.kept_path(library.key_of(desk.api, book))
    where = path or desk.api.format_abspath(book, "M4B")
    made.write_text(json.dumps({"schema": 1, "path": where, "bytes": 4, **head, "sentences": []}, indent=1), "utf-8")


ANNA = {"id": "clone-0123456789ab", "name": "Anna"}


@pytest.mark.parametrize(
    ("head", "asks"),
    [
        ({"voice": JOE, "speed": 1.2}, False),
        ({"voice": JOE, "speed": 1.0}, True),
        ({"voice": "heart", "speed": 1.2}, True),
        ({"voice": JOE, "speed": 1.2, "clone": ANNA}, True),
        ({"voice": JOE}, False),
        ({"voice": "heart"}, True),
        ({}, False),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_an_audiobook_of_ours_of_another_voice_or_speed_is_not_replaced_unasked(
    desk: Desk, asked: list[list[int]], tmp_path: Path, apart: bool, head: dict[str, Any], asks: bool
) -> None:
    """apart: it stands in a folder of the user's, a bought one at the book."""
    prefs.change(speed=1.2)
    (tmp_path / "T.m4b").write_bytes(b"ours")
    made_before(desk, desk.book, str(tmp_path / "T.m4b") if apart else "", **head)
    desk.queue.begin([desk.add("eng"), desk.book], ask=False)
    assert len(asked) == asks and len(desk.jobs) == (0 if asks else 2)
    desk.jobs.clear()
    desk.was_begun("espeak", 1.2)
    desk.queue.begin([desk.book], ask=False)
    assert len(asked) == asks and desk.jobs[0][2] == "espeak", "another one was begun already"


def test_a_window_that_opens_unasked_says_why_of_several_books_with_how_many(desk: Desk, monkeypatch: pytest.MonkeyPatch, no_extra: None) -> None:
    said: list[str] = []

    def dialog(gui: Any, context: Any, books: Any, another: bool, why: str) -> Any:
        said.append(why)
        return SimpleNamespace(exec=lambda: False, deleteLater=lambda: None)

    monkeypatch.setattr("calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog", dialog)
    bought, breton, german = desk.add("eng"), desk.add("bre"), desk.add("deu")
    made_before(desk, desk.book, voice="heart", speed=1.0)
    desk.api.add_format(bought, "M4B", io.BytesIO(b"bought"), run_hooks=False)
    for books in ([desk.book], [bought], [breton], [german]):
        desk.queue.begin(books, ask=False)
    assert ["replace the one that this plugin made before" in said[0], "what becomes of it" in said[1], "no voice here reads" in said[2]] == [True] * 3
    assert said[3].startswith("This window is shown because a voice for the book's language can be downloaded")
    desk.queue.begin([desk.book, bought, breton, german, desk.add("deu"), desk.add("eng")], ask=False)
    first, *reasons = said[4].replace("\u200b", "").split("\n")
    assert first == "This window is shown because you have to decide on some of these books."
    title = desk.api.field_for("title", german)
    assert reasons[2] == f"“{title}” and one more: a voice for the language can be downloaded, as “Convert” does; without it, eSpeak NG would read the book."
    assert "the new audiobook would replace" in reasons[0] and "what becomes of it" in reasons[1]
    assert reasons[3].endswith("no voice here reads the language.")
    desk.queue.begin([desk.book, bought], ask=True)
    assert said[5] == "", "who is to be asked expects the window"


def test_an_audiobook_of_a_clone_is_known_by_the_clone_and_its_base_voice(desk: Desk, asked: list[list[int]], anna: str) -> None:
    desk.here.add("converter-openvoice_v2")
    made_before(desk, desk.book, voice=JOE, clone={"id": anna, "name": "Anna"}, speed=1)
    desk.queue.begin([desk.book], ask=False)
    assert not asked and desk.jobs[0][2] == f"{anna}@{JOE}"


def test_an_audiobook_of_a_voice_of_the_users_own_is_known_by_its_name(desk: Desk, asked: list[list[int]], tmp_path: Path) -> None:
    for name in ("mine.onnx", "mine.onnx.json"):
        (tmp_path / name).write_text("{}")
    prefs.change(voices={"en": str(tmp_path / "mine.onnx")})
    made_before(desk, desk.book, voice="mine", speed=1.0)
    desk.queue.begin([desk.book], ask=False)
    assert not asked and len(desk.jobs) == 1


def test_where_ours_was_removed_nothing_is_replaced_and_nobody_asked(desk: Desk, asked: list[list[int]]) -> None:
    made_before(desk, desk.book, voice="heart")
    desk.api.remove_formats({desk.book: ("M4B",)})
    desk.queue.begin([desk.book], ask=False)
    assert not asked and len(desk.jobs) == 1


@pytest.mark.parametrize("odd", [None, 5, 10**400, float("nan"), float("inf"), "", "\ud800", "\0", "/" + "x" * 5000, [1], {"id": 1}], ids=lambda x: repr(x)[:9])
def test_whatever_a_report_says_of_the_audiobook_a_click_is_answered(desk: Desk, odd: object) -> None:
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"ours"), run_hooks=False)
    names = ("path", "speed", "voice", "voice_name", "clone", "duration_s", "bytes", "title", "book", "chapters")
    report.kept_path(library.key_of(desk.api, desk.book)).write_text(json.dumps(dict.fromkeys(names, odd)), "utf-8")
    desk.queue._choose = lambda api, ids, ask, another=False: desk.told.append(desk.clicked().needs_answer([(desk.book, desk.clicked().usual())]))
    desk.queue.begin([desk.book], ask=False)
    assert len(desk.told) == 1 and isinstance(desk.told[0], dict)
    head = audiobooks.head_of_report(desk.api, desk.book)
    assert audiobooks.audiobook(desk.api, desk.book) == desk.api.format_abspath(desk.book, "M4B")
    assert audiobooks.length_in(head) in (None, 5.0) and audiobooks.speed_in(head) in (None, 5.0)


def test_of_a_report_in_the_sidecars_layout_the_head_alone_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made_before(desk, desk.book, voice="heart", speed=1.1)
    path = report.kept_path(library.key_of(desk.api, desk.book))
    assert report.complete(path, None) is None
    with path.open("a", encoding="utf-8") as f:
        f.write("what no report ends with")
    assert audiobooks.head_of_report(desk.api, desk.book)["speed"] == 1.1


def test_books_that_wait_for_their_voice_are_told_and_kept_when_another_library_is_shown(desk: Desk) -> None:
    desk.here.clear()
    desk.queue.begin([desk.book], ask=False)
    desk.queue._gui.current_db = SimpleNamespace(new_api=object())
    desk.queue.library_changed()
    assert desk.said[-1] == "A book that waited is in the other library; convert it there"
    assert list(begun.interrupted()) == [library.key_of(desk.api, desk.book)] and not desk.queue.busy()
    desk.here.add(JOE)
    desk.ends()
    assert not desk.jobs and not desk.told


def test_a_book_that_a_clone_cannot_read_is_queued_and_its_job_says_so(desk: Desk, anna: str) -> None:
    klingon = desk.add("tlh")
    desk.here.add("converter-openvoice_v2")
    desk.queue._queue(desk.api, [(klingon, Options(voice=anna))])
    assert [job[2] for job in desk.jobs] == [anna]


def test_among_several_books_only_those_whose_voice_fails_fail_and_at_once(desk: Desk) -> None:
    italian = desk.add("ita")
    desk.here.discard(PAOLA)
    desk.queue._queue(desk.api, [(italian, Options(voice=PAOLA, fetch=True)), (desk.book, Options())])
    assert [job[0] for job in desk.jobs] == [desk.book] and desk.fetched[0][0] == (PAOLA,)
    error = PluginError("voice_fetch_failed", voice=PAOLA, reason="no network")
    desk.ends(error)
    assert [(outcome.book_id, outcome.error) for outcome in desk.told] == [(italian, error)] and len(desk.jobs) == 1
    assert desk.said[-1] == "Not downloaded: Paola"
    desk.told[0].again()
    assert len(desk.fetched) == 2, "it is tried once more, as it was"


def test_a_download_that_is_stopped_ends_the_waiting_with_a_word(desk: Desk) -> None:
    desk.here.clear()
    desk.queue.begin([desk.book], ask=False)
    _voices, _then, stopped, job = desk.fetched[0]
    job.killed = True
    stopped()
    assert desk.said[-1] == "Stopped, nothing spoken yet: Title of the library."
    assert not desk.queue.busy() and not desk.queue.is_queued(desk.book)


def test_the_voice_to_be_got_is_known_where_the_user_agreed_to_it(desk: Desk) -> None:
    italian = desk.add("ita")
    desk.here.discard(PAOLA)
    clicked = desk.clicked()
    assert clicked.voice(italian, Options()) == "espeak"
    assert clicked.voice(italian, Options(fetch=True)) not in ("espeak", JOE)
    assert clicked.voice(desk.book, Options(voice="espeak")) == "espeak"


def test_what_is_said_of_a_click() -> None:
    words = queue_words.queued
    assert words(1, 1, False).startswith("Started") and words(1, 1, True).startswith("Waiting for its turn")
    assert "3 books" in words(3, 4, False) and words(3, 4, True).startswith("3 books wait")
    assert words(0, 1, True).startswith("This book is") and words(0, 2, True).startswith("These books are") and not words(0, 0, False)
    assert words(1, 1, False, "spoken by: Joe") == "Started converting (spoken by: Joe); see the Jobs list"
    assert words(1, 1, False, "spoken by: Joe", title="Emma") == "Started converting: Emma (spoken by: Joe); see the Jobs list"
    assert words(1, 1, True, title="Emma") == "Waiting for its turn: Emma; see the Jobs list"
    assert words(2, 2, True, title="Emma") == "2 books wait for their turn; see the Jobs list"


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        ({"foreign": "record"}, "(spoken by: Joe; into a book of its own); see the Jobs list"),
        ({"foreign": "folder", "folder": "/home/reader/audiobooks"}, "(spoken by: Joe; into the folder “audiobooks”); see the Jobs list"),
    ],
)
def test_what_is_usual_about_an_audiobook_from_elsewhere_is_done_unasked_and_said(desk: Desk, usual: dict[str, str], said: str) -> None:
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"bought"), run_hooks=False)
    prefs.change(**usual)
    desk.queue.begin([desk.book], ask=False)
    ((_book, options, _voice),) = desk.jobs
    assert (options.foreign, options.otherwise) == ("stop", usual["foreign"]) and desk.said[-1].endswith(said)
    desk.queue.begin([desk.add("eng")], ask=False)
    assert "elsewhere" not in desk.said[-1] and "into" not in desk.said[-1]
    desk.jobs.clear()
    desk.queue.begin([desk.book, desk.add("eng")], ask=False)
    elsewhere = "get a book of their own" if usual["foreign"] == "record" else "go into the folder “audiobooks”"
    assert f"2 books are queued (spoken by: Joe; those with an audiobook from elsewhere {elsewhere})" in desk.said[-1]
    desk.here.clear()
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert desk.said[-1].startswith("Downloading first: Joe (") and desk.said[-1].endswith(said), "also where a voice comes first"


@pytest.mark.parametrize(("place", "asks"), [("audiobooks/T - A.m4b", True), ("Old library/A/T ({book})/T - A.m4b", False)])
def test_where_ours_has_left_its_folder_what_stands_at_the_book_is_asked_about(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, asks: bool
) -> None:
    """A library that was moved has left nothing behind."""
    path = tmp_path / place.format(book=desk.book)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"ours")
    report.kept_path(library.key_of(desk.api, desk.book)).write_text(json.dumps({"schema": 1, "path": str(path), "sentences": []}, indent=1), "utf-8")
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"bought"), run_hooks=False)
    assert not desk.clicked().from_elsewhere([desk.book])
    path.unlink()
    assert desk.clicked().from_elsewhere([desk.book]) == asks
    prefs.change(foreign="record")
    desk.queue.begin([desk.book], ask=False)
    assert ("into a book of its own" in desk.said[-1]) == asks


def test_what_was_chosen_for_one_book_with_a_bought_audiobook_is_asked_again_for_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def dialog(gui: Any, context: Any, books: Any, another: bool, why: str) -> Any:
        asked.append([book.id for book in books])
        chosen = [SimpleNamespace(id=book.id, options=Options(foreign="folder", folder=Path("/audiobooks"))) for book in books]
        return SimpleNamespace(exec=lambda: True, choices=lambda: chosen, refused=list, deleteLater=lambda: None)

    monkeypatch.setattr("calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog", dialog)
    other = desk.add("eng")
    for book in (desk.book, other):
        desk.api.add_format(book, "M4B", io.BytesIO(b"bought"), run_hooks=False)
        desk.queue.begin([book], ask=False)
    assert asked == [[desk.book], [other]] and prefs.load().foreign == ""


@pytest.mark.parametrize(("foreign", "folder"), [("record", None), ("folder", Path("/audiobooks")), ("replace", None)])
@pytest.mark.parametrize("spoken", [True, False])
def test_where_a_book_that_is_gone_on_with_is_to_go_beside_a_bought_audiobook_is_not_asked_again_but_for_what_replaces_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, spoken: bool, foreign: str, folder: Path | None
) -> None:
    asked: list[Any] = []

    def dialog(gui: Any, context: Any, books: Any, another: bool, why: str) -> Any:
        asked.append([(book.goes_on.foreign, book.goes_on.folder) if book.goes_on else None for book in books])
        return SimpleNamespace(exec=lambda: False, deleteLater=lambda: None)

    monkeypatch.setattr("calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog", dialog)
    desk.api.add_format(desk.book, "M4B", io.BytesIO(b"bought"), run_hooks=False)
    desk.queue._queue(desk.api, [(desk.book, Options(voice="espeak", speed=1.2, foreign=foreign, folder=folder))])
    kept = (foreign, str(folder or "")) if foreign != "replace" else ("", "")
    for _start in range(2):
        if spoken:
            begun.speaks(library.key_of(desk.api, desk.book), 0.3)
        calibre_starts_again()
        desk.jobs.clear()
        desk.queue.begin([desk.book], ask=True)
        assert asked.pop() == [kept]
        desk.queue.begin([desk.book], ask=False)
        if foreign == "replace":
            assert asked.pop() == [kept] and not desk.jobs
            break
        ((_book, options, voice),) = desk.jobs
        assert (options.foreign, options.otherwise, options.folder, voice, options.speed) == ("stop", foreign, folder, "espeak", 1.2)
        assert not asked and ("into a book of its own" if foreign == "record" else "into the folder “audiobooks”") in desk.said[-1]
    begun.over(library.key_of(desk.api, desk.book))
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert asked == [[None]] and not desk.jobs, "it was for that one conversion"


@pytest.mark.parametrize(("language", "chosen", "opens"), [("jpn", "", True), ("bre", "", True), ("afr", "", False), ("jpn", "espeak", False)])
def test_a_language_that_nobody_reads_opens_the_window_unless_espeak_was_chosen_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, language: str, chosen: str, opens: bool
) -> None:
    asked: list[list[int]] = []

    def dialog(gui: Any, context: Any, books: Any, another: bool, why: str) -> Any:
        asked.append([book.id for book in books])
        return SimpleNamespace(exec=lambda: False, deleteLater=lambda: None)

    monkeypatch.setattr("calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog", dialog)
    prefs.change(voices={"ja": chosen} if chosen else {})
    book = desk.add(language)
    desk.queue.begin([book], ask=False)
    assert asked == ([[book]] if opens else []) and [job[0] for job in desk.jobs] == ([] if opens else [book])
    if opens:
        begun.begin({library.key_of(desk.api, book): begun.Queued("espeak", "Title", 1.0, "eSpeak NG", True)})
        calibre_starts_again()
        desk.queue.begin([book], ask=False)
        assert len(asked) == 1 and desk.jobs[0][2] == "espeak", "it was chosen before Calibre was closed"


LOCKED = PluginError("drm")


def test_books_that_were_read_before_in_vain_are_not_counted_among_the_queued_and_told_at_once(desk: Desk) -> None:
    locked, good = desk.add("eng"), desk.add("eng")
    desk.api.add_format(locked, "EPUB", io.BytesIO(b"locked"), run_hooks=False)
    desk.queue._ended(locked, "Locked", None, LOCKED)
    desk.told.clear()
    desk.queue.begin([desk.book, locked, good], ask=False)
    assert [job[0] for job in desk.jobs] == [desk.book, good]
    assert desk.said[-1] == "2 books are queued (spoken by: Joe); 1 cannot be converted; see the Jobs list"
    assert [(outcome.book_id, outcome.title, outcome.error) for outcome in desk.told] == [(locked, "Another", LOCKED)]
    desk.jobs.clear()
    desk.queue.begin([locked], ask=False)
    assert [job[0] for job in desk.jobs] == [locked] and "cannot" not in desk.said[-1], "who clicks it alone wants it tried again"
    desk.queue._ended(locked, "Locked", None, LOCKED)
    desk.jobs.clear()
    desk.api.add_format(locked, "EPUB", io.BytesIO(b"a copy without DRM"), run_hooks=False)
    desk.queue.begin([locked, good], ask=False)
    assert [job[0] for job in desk.jobs] == [locked, good], "its file is another"


def test_what_fails_for_another_reason_than_the_book_is_tried_again(desk: Desk) -> None:
    desk.queue._ended(desk.book, "Title", None, PluginError("engine_died"))
    desk.queue.begin([desk.book, desk.add("eng")], ask=False)
    assert len(desk.jobs) == 2


def test_books_that_the_table_has_shown_as_impossible_are_only_named_afterwards(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = desk.add("eng")

    def dialog(gui: Any, context: Any, books: Any, another: bool, why: str) -> Any:
        chosen = [SimpleNamespace(id=desk.book, options=Options())]
        return SimpleNamespace(exec=lambda: True, choices=lambda: chosen, refused=lambda: [(books[1], LOCKED)], deleteLater=lambda: None)

    monkeypatch.setattr("calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog", dialog)
    desk.queue.begin([desk.book, locked], ask=True)
    assert [job[0] for job in desk.jobs] == [desk.book] and not desk.told and desk.refused == {locked: "Another"}
    assert desk.said[-1].startswith("Started converting")
    desk.jobs.clear()
    desk.queue.begin([desk.book, locked], ask=False)
    assert [outcome.book_id for outcome in desk.told] == [locked], "at once there was no table"
    assert "; 1 cannot be converted" in desk.said[-1]


def test_what_is_stopped_is_said_in_the_window_too_if_there_is_one_or_others_are_to_come(desk: Desk) -> None:
    key = library.key_of(desk.api, desk.book)
    desk.queue._stopped({key: ("Flatland", None)})
    assert not desk.stopped and desk.said[-1].startswith("Stopped"), "nothing comes"
    desk.queue.begin([desk.book], ask=False)
    desk.queue._stopped({key: ("Flatland", None)})
    assert [(book.book_id, book.title) for book in desk.stopped] == [(desk.book, "Flatland")]
    desk.jobs.clear()
    desk.queue._outcomes = desk.window
    desk.queue._stopped({key: ("Flatland", None), "another-library-1": ("Elsewhere", None)})
    assert [book.title for book in desk.stopped] == ["Flatland"] * 2, "nothing else is to come, and the window may be open"


@pytest.mark.parametrize("asked", [False, True])
def test_the_window_s_button_goes_on_with_what_was_stopped_as_it_was_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    other, key = desk.add("eng"), library.key_of(desk.api, desk.book)
    monkeypatch.setattr(Clicked, "needs_answer", lambda clicked, books: {})
    if asked:
        desk.queue._queue(desk.api, [(desk.book, Options(voice="espeak", speed=1.3, pauses=0.5))])
    else:
        prefs.change(voices={"en": "espeak"}, speed=1.3, pauses=0.5)
        desk.queue.begin([desk.book], ask=False)
    begun.speaks(key, 0.63)
    begun.stop(key)
    desk.queue.begin([other], ask=False)
    begun.stop(library.key_of(desk.api, other))
    desk.jobs.clear()
    prefs.change(voices={"en": JOE}, speed=1.0, pauses=1.0)
    desk.queue._go_on([desk.book, other])
    (first, options, voice), (second, _options, usual) = desk.jobs
    assert (first, voice, options.speed, options.pauses) == (desk.book, "espeak", 1.3, 0.5 if asked else 1.0)
    assert (second, usual) == (other, JOE), "of which nothing was spoken, and nobody had chosen"
    desk.jobs.clear()
    monkeypatch.setattr(desk.api, "has_id", lambda book_id: False)
    desk.queue._go_on([desk.book])
    assert not desk.jobs and desk.said[-1] == "What was selected is not in the library any more"


def test_the_status_bar_says_ready_only_of_what_was_made() -> None:
    assert [queue_words.ready("A Short Walk", outcome) for outcome in ("written", "retagged", "unchanged")] == [
        "Audiobook ready: A Short Walk",
        "Audiobook brought up to date: A Short Walk",
        "Audiobook is up to date already: A Short Walk",
    ]


def test_a_book_that_waits_says_by_whom_it_will_be_spoken(desk: Desk) -> None:
    desk.queue._queue(desk.api, [(desk.book, Options(voice="espeak", speed=1.2))])
    assert desk.queue.waits_with(desk.book) == "eSpeak NG\u00a0· 1.20\u00a0×"


def test_the_window_proposes_the_voice_with_which_the_book_was_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(
        "calibre_plugins.e2a.plugin.gui.convert_dialog.ConvertDialog",
        lambda gui, context, books, another, why: (
            shown.append([book.goes_on and book.goes_on.voice for book in books]) or SimpleNamespace(exec=lambda: False, deleteLater=lambda: None)
        ),
    )
    desk.was_begun("espeak")
    desk.queue.begin([desk.book], ask=True)
    desk.queue.begin([desk.book, desk.add("eng")], ask=True)
    desk.queue.begin([desk.book], ask=True, another=True)
    assert shown == [["espeak"], ["espeak", None], ["espeak"]]


def test_a_book_that_waited_when_calibre_was_closed_is_converted_as_was_chosen_for_it(desk: Desk) -> None:
    key = library.key_of(desk.api, desk.book)
    desk.queue._queue(desk.api, [(desk.book, Options(voice="espeak", speed=1.2))])
    calibre_starts_again()
    desk.jobs.clear()
    desk.queue.begin([desk.book], ask=False)
    assert (desk.jobs[0][1].voice, desk.jobs[0][1].speed) == ("espeak", 1.2) and "(spoken by: eSpeak NG)" in desk.said[-1]
    calibre_starts_again()
    desk.jobs.clear()
    assert len(begun.interrupted()) == 1
    begun._known[1][key]["voice"] = "clone-0123456789ab@it_IT-paola-medium"
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == JOE and "(spoken by: Joe)" in desk.said[-1], "of one that is gone nothing is lost"


@pytest.mark.parametrize("tried_again", [False, True])
def test_a_book_that_waited_and_for_which_nobody_was_asked_is_converted_as_is_usual_then(desk: Desk, tried_again: bool) -> None:
    key = library.key_of(desk.api, desk.book)
    prefs.change(voices={"en": "espeak"}, speed=1.2)
    desk.queue.begin([desk.book], ask=False)
    if tried_again:
        begun.halt(key)
        desk.jobs.clear()
        desk.queue._again(desk.api, desk.book)
    calibre_starts_again()
    assert len(begun.interrupted()) == 1
    desk.jobs.clear()
    prefs.change(voices={}, speed=1.0)
    desk.queue.begin([desk.book], ask=False)
    assert (desk.jobs[0][2], desk.jobs[0][1].speed) == (JOE, 1.0)


@pytest.mark.parametrize(("usual", "reads"), [({}, JOE), ({"en": "espeak"}, "espeak")])
def test_who_was_marked_at_a_first_run_that_was_put_off_reads_english_when_the_engine_came_from_preferences(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, usual: dict[str, str], reads: str
) -> None:
    with_heart(monkeypatch)
    prefs.change(voices=usual, first=(JOE, "neural"))
    desk.queue.begin([desk.book], ask=False)
    assert desk.jobs[0][2] == reads == prefs.load().voices["en"] and prefs.load().first == ()


def stopped(*books: Any) -> str:
    """What is said of these, stopped together: how much of each is spoken; None where nothing is and nobody chose, "waits" where somebody did."""
    left = {None: None, "waits": begun.Begun(JOE, waits=True)}
    stops = [(f"Book {number}", left.get(book, begun.Begun(JOE, 1.0, book))) for number, book in enumerate(books, 1)]
    return str(queue_words.stopped(stops))


def test_what_is_stopped_says_how_much_is_spoken_and_how_to_go_on() -> None:
    assert stopped(0.679) == "Stopped: Book 1, 67 % spoken and kept. Convert it again to go on."
    assert stopped(0.0) == "Stopped: Book 1. What was spoken is kept. Convert it again to go on.", "how much, nobody knows"
    assert stopped(None) == "Stopped, nothing spoken yet: Book 1."
    assert stopped("waits") == "Stopped, nothing spoken yet: Book 1. Convert it again; your choices are kept."


def test_what_is_stopped_together_is_told_in_one_short_sentence_the_one_that_spoke_first() -> None:
    assert stopped(0.44, 0.9, "waits", None) == "Stopped: Book 1 (44 % spoken, kept) and 3 more. Convert them again to go on; your choices are kept."
    assert stopped(0.11, "waits") == "Stopped: Book 1 (11 % spoken, kept) and Book 2. Convert them again to go on; your choices are kept."
    assert stopped(0.0, 0.44) == "Stopped: Book 1 (begun, kept) and Book 2. Convert them again to go on."
    assert stopped(None, 0.44) == "Stopped: Book 1 and Book 2. Convert them again to go on."
    assert stopped(None, None) == "Stopped, nothing spoken yet: Book 1 and Book 2."
    assert stopped(None, "waits") == "Stopped, nothing spoken yet: Book 1 and Book 2. Convert them again; your choices are kept."
    assert stopped(None, None, "waits") == "Stopped: 3 books, nothing spoken yet. Convert them again; your choices are kept."
    whole = "The Personal History of David Copperfield the Younger"
    assert queue_words.stopped([(whole, begun.Begun(JOE, 1.0, 0.44))]).startswith(f"Stopped: {whole}, 44 % spoken and kept."), "there is room"
    assert queue_words.stopped([(whole * 2, begun.Begun(JOE, 1.0, 0.44))]).startswith("Stopped: The Personal Hist"), "there is none"
    long = [(whole, begun.Begun(JOE, 1.0, 0.44)), ("A Connecticut Yankee in King Arthur's Court", None)]
    assert queue_words.stopped(long).endswith("(44 % spoken, kept) and A Connecticut Yank…r's Court. Convert them again to go on.")


def test_what_was_said_while_a_stopped_book_left_is_said_in_place_of_how_to_go_on() -> None:
    said = queue_words.stopped([("Book 1", begun.Begun(JOE, 1.0, 0.44))], queue_words.left_behind(2))
    assert said == "Stopped: Book 1, 44 % spoken and kept. 2 books that waited are in the other library; convert them there"


def test_the_report_of_a_book_that_was_clicked_is_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.api.add_format(desk.book, "M4B", io.BytesIO(b"ours"), run_hooks=False) and desk.api.format_abspath(desk.book, "M4B")
    report.kept_path(library.key_of(desk.api, desk.book)).write_text(json.dumps({"schema": 1, "path": path, "bytes": 4, "sentences": []}, indent=1), "utf-8")
    read: list[Path] = []
    own = audiobooks.head_of
    monkeypatch.setattr(audiobooks, "head_of", lambda file: (read.append(file), own(file))[1])
    desk.queue.begin([desk.book], ask=False)
    assert len(desk.jobs) == 1 and len(read) == 1

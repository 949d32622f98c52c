"""In Calibre's interpreter: the plugin as Calibre sees it, its conversions as Calibre's list of jobs runs them, and the book list afterwards."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calibre.constants import numeric_version  # type: ignore[import-not-found]
from calibre.customize.ui import find_plugin  # type: ignore[import-not-found]
from calibre.gui2 import Application  # type: ignore[import-not-found]
from calibre.gui2.jobs import JobManager  # type: ignore[import-not-found]
from calibre.gui2.library.models import BooksModel  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import first_install, prefs, room  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.action import ConvertToAudiobook  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library, placing  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import begun, conversions, sources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.conversions import Conversions  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.installations import Underway  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.job import Options  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.install_plan import Wanted  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.first_install import FirstInstall  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui import error_dialog, first_run  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.background import soon  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.book_list import refresh  # type: ignore[import-not-found]
from qt.core import QApplication, QTableView  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
import shelves  # type: ignore[import-not-found]
from hearts import WHY, without_heart  # type: ignore[import-not-found]
from shelves import Shelf

PATIENCE_S = 30.0
TONE = Options(voice="tone")


@pytest.fixture(scope="session")
def app() -> Any:
    return QApplication.instance() or Application([])


class Desk:
    """What there is of Calibre's main window for a conversion: the list of jobs and the library; and what came of the conversions."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.told: list[tuple[int, str, Any, Any]] = []
        self.stopped: list[str] = []
        self.at_once: list[int] = []
        """How many stops were told together."""
        self.gui = SimpleNamespace(job_manager=JobManager(), jobs_pointer=SimpleNamespace(start=lambda: None), current_db=shelf.db)
        self.work = Conversions(self.gui, lambda name: b'{"voices": [], "other_voices": []}', lambda *told: self.told.append(told), self._stopped, soon)

    def _stopped(self, stops: Any) -> None:
        self.stopped += [title for title, _left in stops.values()]
        self.left = [*stops.values()][-1][1]
        self.at_once.append(len(stops))

    def another(self) -> int:
        """A second book, with the text of the first."""
        api, first = self.shelf.api, self.shelf.id
        second = api.create_book_entry(api.get_metadata(first))
        api.add_format(second, "EPUB", api.format_abspath(first, "EPUB"), run_hooks=False)
        return int(second)

    def kill(self, job: Any) -> None:
        """As by the button in the list of jobs."""
        self.gui.job_manager._kill_job(job)

    def idle(self) -> bool:
        return not self.gui.job_manager.threaded_server.running_jobs and not self.gui.job_manager.threaded_server.queued_jobs


def until(true: Callable[[], Any], what: str = "") -> None:
    """Events are served till then."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, what or "it did not come"
        QApplication.processEvents()
        time.sleep(0.005)


@pytest.fixture
def desk(tmp_path: Path, app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    shelf = Shelf(tmp_path, monkeypatch)
    made = Desk(shelf)
    yield made
    made.work.quit([])
    until(made.idle, "a job goes on")
    made.gui.job_manager.threaded_server.close()
    shelf.db.close()


def processes() -> list[Path]:
    """Scripted sidecars of this run of the tests."""
    fake, ours = str(shelves.FAKE).encode(), f"HOME={os.environ['HOME']}\0".encode()  # another run of these tests has another home
    return [p for p in Path("/proc").glob("[0-9]*") if fake in _read(p / "cmdline") and ours in _read(p / "environ")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_calibre_lists_it() -> None:
    plugin = find_plugin("Convert to Audiobook")
    assert plugin.version == (0, 1, 0) and tuple(plugin.minimum_calibre_version) <= tuple(numeric_version[:3])
    assert plugin.actual_plugin == "calibre_plugins.e2a.plugin.action:ConvertToAudiobook" and plugin.is_customizable()


def test_without_the_main_program_its_preferences_are_a_sentence() -> None:
    message, _details = find_plugin("Convert to Audiobook").config_widget()
    assert "Calibre" in message


def test_what_is_kept_in_customize_is_told_to_the_menus(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, done = find_plugin("Convert to Audiobook"), list[str]()
    monkeypatch.setattr(plugin, "actual_plugin_", SimpleNamespace(apply_settings=lambda: done.append("told")))
    plugin.save_settings(SimpleNamespace(commit=lambda: done.append("kept")))
    assert done == ["kept", "told"]


def test_the_actions_strings_and_shape() -> None:
    assert ConvertToAudiobook.action_type == "current" and "context-menu-device" in ConvertToAudiobook.dont_add_to
    assert len(ConvertToAudiobook.action_spec) == 4 and ConvertToAudiobook.action_spec[3] == ()


def test_a_job_adds_the_audiobook_and_tells_how_far_it_is(desk: Desk) -> None:
    job = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    assert desk.work.busy() and desk.work.to_come() == 1 and desk.work.queued() == {library.key_of(desk.shelf.api, desk.shelf.id)}
    until(lambda: desk.told)
    ((book_id, title, result, error),) = desk.told
    assert (book_id, title, error) == (desk.shelf.id, "Title of the library", None) and result.outcome == "written"
    assert "M4B" in desk.shelf.api.formats(desk.shelf.id) and not desk.work.busy()
    until(lambda: job.is_finished)


def test_a_job_that_fails_gives_the_error(desk: Desk) -> None:
    desk.shelf.script = "refuses"
    desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: desk.told)
    assert desk.told[0][2] is None and desk.told[0][3].code == "disk_full"


def test_a_book_that_was_removed_while_it_waited_is_told_by_its_title(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = conversions.of

    def removed_first(api: Any, book_id: int) -> Any:
        source = real(api, book_id)
        api.remove_books((book_id,))
        return source

    monkeypatch.setattr(conversions, "of", removed_first)
    desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: desk.told)
    assert desk.told[0][3].what().startswith("The book “Title of the library” was removed")


def test_a_book_that_is_removed_while_it_is_spoken_is_not_spoken_on_and_the_next_one_begins(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LOOK_S", 0.1)
    desk.shelf.script = "polite"
    api, first = desk.shelf.api, desk.shelf.id
    second = api.create_book_entry(api.get_metadata(first))
    api.add_format(second, "EPUB", api.format_abspath(first, "EPUB"), run_hooks=False)
    running, waiting = (desk.work.convert(api, book, TONE) for book in (first, second))
    until(lambda: running.percent > 10, "it does not speak")
    (process,) = processes()
    api.remove_books((first,))
    until(lambda: desk.told)
    ((book_id, _title, result, error),) = desk.told
    assert (book_id, result, error.code) == (first, None, "book_removed")
    assert "“Title of the library” was removed" in error.what() and "kept" in error.next_step()
    until(lambda: waiting.percent > 10, "the next one does not begin")
    assert processes() == [process] and not desk.stopped, "whose voice stays loaded"
    assert not list(desk.shelf.folder.rglob("*.m4b"))
    desk.kill(waiting)
    until(lambda: desk.stopped)


def test_a_stopped_job_leaves_no_format_and_the_next_one_waits_until_it_has_left(desk: Desk) -> None:
    desk.shelf.script = "deaf"
    job = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: job.percent > 10, "it does not speak")
    desk.kill(job)
    assert not desk.work.busy()
    desk.shelf.script = "convert"
    desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: desk.told)
    assert desk.told[0][2].outcome == "written" and len(desk.told) == 1
    assert not desk.stopped, "it was converted again before it had left"
    desk.work.quit([])
    until(lambda: not processes(), "a process is left")


def test_what_is_freed_is_free_also_while_a_stopped_job_still_leaves(desk: Desk) -> None:
    desk.shelf.script = "deaf"
    job = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: job.percent > 10, "it does not speak")
    assert len(processes()) == 1
    desk.kill(job)
    thread = threading.Thread(target=desk.work.release)
    thread.start()
    until(lambda: not thread.is_alive())
    assert not processes()


def test_a_job_that_is_stopped_while_it_waits_never_begins(desk: Desk) -> None:
    desk.shelf.script = "polite"
    first = as_queued(desk)
    until(lambda: first.percent > 10, "it does not speak")
    second = desk.work.convert(desk.shelf.api, desk.another(), TONE)
    desk.kill(second)
    desk.kill(first)
    until(desk.idle)
    assert "20 % of the book is spoken, and kept. Convert it again: it goes on from there." in " ".join(first.details.split())
    assert "if" not in first.details and "kept" not in second.details and "Aborted job" in second.details, "what is known is said plainly"
    assert max(map(len, first.details.splitlines())) <= room.DETAILS, "its window breaks no line"
    until(lambda: desk.stopped)
    assert desk.stopped == ["Title of the library"] * 2 and desk.at_once == [2], "of one that waited it is told, too, and of both together"
    assert second.result is None and not desk.told and not desk.work.busy() and set(desk.shelf.api.formats(desk.shelf.id)) == {"EPUB"}


def test_an_installation_that_is_stopped_in_the_list_of_jobs_while_it_waits_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    began, told = threading.Event(), list[str]()

    def install(wanted: Any, resources: Any, show: Any, stopped: Callable[[], bool]) -> None:
        began.set()
        while not stopped():
            time.sleep(0.005)
        raise Stopped

    monkeypatch.setattr("calibre_plugins.e2a.plugin.converting.installations.install", install)
    first = desk.work.install(Wanted(("core",)), None, lambda: told.append("core"))
    until(began.is_set)
    desk.kill(desk.work.install(Wanted(("neural",)), None, lambda: told.append("neural")))
    assert told == ["neural"] and len(desk.work.underway()) == 1
    desk.kill(first)
    until(lambda: told == ["neural", "core"])


def test_what_is_stopped_together_is_told_when_the_last_has_left(desk: Desk) -> None:
    """Also where one of them leaves late, and one was finished already."""
    desk.shelf.script = "polite"
    second = desk.another()
    desk.shelf.api.set_field("title", {second: "Another"})
    running, waiting = (desk.work.convert(desk.shelf.api, book, TONE) for book in (desk.shelf.id, second))
    until(lambda: running.percent > 10, "it does not speak")
    desk.kill(waiting)
    desk.work._leaving.add("another")
    desk.kill(running)
    until(desk.idle)
    for _turn in range(5):
        QApplication.processEvents()
    assert not desk.stopped
    desk.work._back(lambda job: None, "another")
    until(lambda: desk.at_once == [2])
    assert desk.stopped == ["Title of the library", "Another"], "the one that spoke first, though it leaves last"


def test_a_book_that_is_stopped_twice_while_another_one_leaves_is_told_once(desk: Desk) -> None:
    desk.shelf.script = "deaf"
    first = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: first.percent > 10, "it does not speak")
    desk.kill(first)
    second = desk.another()
    for _time in range(2):
        desk.kill(desk.work.convert(desk.shelf.api, second, TONE))
    until(lambda: desk.stopped)
    assert desk.at_once == [2]


def test_a_job_that_is_stopped_in_the_moment_in_which_its_thread_begins_speaks_nothing_and_is_told_once(desk: Desk) -> None:
    server = desk.gui.job_manager.threaded_server
    with server.lock:  # so that it is begun here
        job = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
        server.queued_jobs.remove(job)
    begun_with = job.func, job.kwargs
    job.kill()
    assert begun_with[0](**begun_with[1]) is None and not processes(), "its thread has begun with these"
    until(lambda: desk.stopped)
    job.start_work()
    for _turn in range(50):
        QApplication.processEvents()
    assert desk.at_once == [1] and not desk.told


def test_a_stop_that_comes_when_the_audiobook_stands_still_shows_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, jobs = library.add_audiobook, list[Any]()

    def added(*args: Any) -> str:
        place = str(real(*args))
        desk.kill(jobs[0])
        return place

    monkeypatch.setattr(library, "add_audiobook", added)
    jobs.append(desk.work.convert(desk.shelf.api, desk.shelf.id, TONE))
    until(lambda: desk.told)
    assert jobs[0].killed and desk.told[0][2].outcome == "written" and not desk.stopped


def test_what_ends_when_another_library_is_shown_is_not_taken_for_one_of_its_books(desk: Desk) -> None:
    desk.gui.current_db = SimpleNamespace(new_api=object())
    desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: not desk.work.busy() and desk.idle())
    until(lambda: "M4B" in desk.shelf.api.formats(desk.shelf.id))
    QApplication.processEvents()
    assert not desk.told


def test_a_library_that_is_switched_while_a_stopped_book_leaves_is_asked_nothing_and_what_waits_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.shelf.script = "deaf"
    api, books = desk.shelf.api, (desk.shelf.id, desk.another())
    keys = [library.key_of(api, book) for book in books]
    begun.begin({key: begun.Queued("tone", "Title of the library") for key in keys})
    running, waiting = (desk.work.convert(api, book, TONE) for book in books)
    begun.speaks(keys[0], 0.3)
    until(lambda: running.percent > 10, "it does not speak")
    desk.kill(running)
    desk.gui.current_db = SimpleNamespace(new_api=object())
    assert desk.work.library_changed(desk.gui.current_db.new_api) == [keys[1]] and waiting.killed and not desk.work.busy()
    begun.put_off([keys[1]])
    with monkeypatch.context() as closed:
        closed.setattr(api, "backend", None)
        until(lambda: desk.idle() and desk.stopped)
    assert desk.stopped == ["Title of the library"] and begun.of(keys[0]) is not None and not desk.told
    assert keys[1] in begun.interrupted() and keys[0] not in begun.interrupted(), "it is asked about where its library is opened"
    for key in keys:
        begun.over(key)


def test_a_book_whose_turn_comes_when_its_library_is_closed_is_no_failure_and_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    api, key = desk.shelf.api, library.key_of(desk.shelf.api, desk.shelf.id)
    begun.begin({key: begun.Queued("tone", "Title of the library", chosen=True)})
    with monkeypatch.context() as closed:
        with desk.work._speaking:
            job = desk.work.convert(api, desk.shelf.id, TONE)
            until(lambda: job.start_time is not None)
            closed.setattr(api, "backend", None)
        until(lambda: desk.idle() and key in begun.interrupted())
    assert not job.failed and not desk.told and not desk.stopped and begun.interrupted()[key].left.waits
    begun.over(key)


def test_a_shelf_is_queued_in_portions_and_each_book_of_it_counts_from_the_beginning(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversions, "AT_ONCE", 2)
    pointed: list[int] = []
    desk.gui.jobs_pointer = SimpleNamespace(start=lambda: pointed.append(1))
    books = [desk.shelf.id, *(desk.another() for _ in range(4))]
    keys = {library.key_of(desk.shelf.api, book) for book in books}
    with desk.work._speaking:
        desk.work.convert_all(desk.shelf.api, [(book, TONE) for book in books])
        assert len(desk.work._jobs) == 2 and desk.work.to_come() == 5 and desk.work.queued() == keys
        until(lambda: len(desk.work._jobs) == 5)
        assert desk.work.to_come() == 5 and desk.work.queued() == keys and pointed == [1]
        assert list(desk.work._jobs) == [library.key_of(desk.shelf.api, book) for book in books]
        assert all(desk.work.is_queued(key) for key in keys) and not desk.work.is_queued("another")
        written: list[int] = []
        monkeypatch.setattr(begun, "write", lambda: written.append(1))
        for job in reversed(desk.work._jobs.values()):
            desk.kill(job)
    until(lambda: len(desk.stopped) == 5)
    assert 1 <= len(written) <= 2, "those that waited are noted together, the one that ran when it has left"


def test_quitting_ends_what_runs_and_nothing_is_told(desk: Desk) -> None:
    desk.shelf.script = "deaf"
    job = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)
    until(lambda: job.percent > 10, "it does not speak")
    desk.work.quit([])
    until(desk.idle)
    assert not processes() and not desk.told and set(desk.shelf.api.formats(desk.shelf.id)) == {"EPUB"}


def as_queued(desk: Desk) -> Any:
    """A conversion, of which it is known that it goes on."""
    begun.begin({library.key_of(desk.shelf.api, desk.shelf.id): begun.Queued("tone", "Title of the library", 1.0, "Tone")})
    return desk.work.convert(desk.shelf.api, desk.shelf.id, TONE)


@pytest.mark.parametrize("chosen", [True, False])
def test_what_was_chosen_for_a_book_is_kept_where_it_is_stopped_while_it_waits(desk: Desk, chosen: bool) -> None:
    desk.shelf.script = "polite"
    first, second = desk.work.convert(desk.shelf.api, desk.shelf.id, TONE), desk.another()
    key = library.key_of(desk.shelf.api, second)
    until(lambda: first.percent > 10, "it does not speak")
    begun.begin({key: begun.Queued("tone", "Title of the library", 1.2, "Tone", chosen)})
    desk.kill(desk.work.convert(desk.shelf.api, second, TONE))
    until(lambda: desk.stopped)
    assert desk.stopped == ["Title of the library"] and desk.left == begun.of(key)
    assert desk.left == (begun.Begun("tone", 1.2, 0.0, True, True, "Tone", waits=True) if chosen else None)
    desk.kill(first)


def test_quitting_lets_a_finished_audiobook_arrive(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    add, leave, adding, go = library.add_audiobook, begun.leave, threading.Event(), threading.Event()

    def added(*args: Any) -> str:
        adding.set()
        assert go.wait(PATIENCE_S)
        return str(add(*args))

    def left(keys: Any) -> None:
        leave(keys)
        go.set()

    monkeypatch.setattr(library, "add_audiobook", added)
    monkeypatch.setattr(begun, "leave", left)
    as_queued(desk)
    until(adding.is_set)
    desk.work.quit([])
    assert desk.shelf.m4b is not None and desk.shelf.m4b.read_bytes().startswith(b"ours") and not begun.interrupted()


def test_on_a_slow_disk_quitting_gives_it_up_and_leaves_nothing_half(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    copying = threading.Event()

    def slow(file: Path, part: Path, stopped: Callable[[], bool]) -> None:
        part.write_bytes(b"half")
        copying.set()
        while not stopped():
            time.sleep(0.005)
        raise Stopped

    monkeypatch.setattr(placing, "_copied", slow)
    monkeypatch.setattr(conversions, "ADDING_S", 0.0)
    as_queued(desk)
    until(copying.is_set)
    desk.work.quit([])
    assert set(desk.shelf.api.formats(desk.shelf.id)) == {"EPUB"} and not list((desk.shelf.folder / "lib").rglob("*.part"))
    begun._known = None, {}
    ((_key, book),) = begun.interrupted().items()
    assert book == begun.Interrupted("Title of the library", begun.Begun("tone", 1.0, book.left.share, True, False, "Tone"))


def test_a_job_that_is_stopped_while_its_audiobook_is_added_does_not_say_that_it_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    add, adding, go = library.add_audiobook, threading.Event(), threading.Event()

    def added(*args: Any) -> str:
        place = str(add(*args))
        adding.set()
        assert go.wait(PATIENCE_S)
        return place

    monkeypatch.setattr(library, "add_audiobook", added)
    job = as_queued(desk)
    until(adding.is_set)
    desk.kill(job)
    go.set()
    until(lambda: desk.told)
    assert desk.told[0][2].outcome == "written" and not desk.stopped
    assert "All of it is spoken, and kept." in job.details


@pytest.fixture
def window(desk: Desk) -> Iterator[Any]:
    """The book list of Calibre with one book, and a counter of how often the tags were counted."""
    desk.shelf.db.data.refresh()  # the book came after the library was opened
    model = BooksModel()
    model.set_database(desk.shelf.db)
    view = QTableView()
    view.setModel(model)
    counted: list[int] = []
    yield SimpleNamespace(library_view=view, current_db=desk.shelf.db, tags_view=SimpleNamespace(recount=lambda: counted.append(1)), counted=counted)
    view.setModel(None)


def test_a_new_record_comes_into_the_list_once(desk: Desk, window: Any) -> None:
    record = desk.shelf.api.create_book_entry(desk.shelf.api.get_metadata(desk.shelf.id))
    for _ in range(2):
        refresh(window, {desk.shelf.id, record})
    model = window.library_view.model()
    assert model.rowCount(None) == 2 and {model.id(row) for row in range(2)} == {desk.shelf.id, record} and window.counted


def test_a_book_that_a_search_hides_stays_hidden(desk: Desk, window: Any) -> None:
    model = window.library_view.model()
    model.search("title:nothing-has-this-title")
    inserted: list[Any] = []
    model.rowsInserted.connect(lambda *rows: inserted.append(rows))
    refresh(window, {desk.shelf.id})
    assert model.rowCount(None) == 0 and not inserted


def test_a_book_that_is_gone_is_no_trouble_for_the_list(desk: Desk, window: Any) -> None:
    refresh(window, {desk.shelf.id, 999})
    assert window.library_view.model().rowCount(None) == 1


class Installing:
    """A first run that is agreed to, the installation that it begins, and what follows with which books."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown = 0
        self.english: Any = ()
        """Between whom there was a choice."""
        self.taken = ""
        self.going_on = False
        self.thens: list[Any] = []
        self.said: list[str] = []
        self.chosen: list[tuple[Any, list[int], bool]] = []
        monkeypatch.setattr(first_run, "FirstRun", self._agreed)
        context = SimpleNamespace(resources=lambda name: b'{"voices": [], "layers": {"core": {"fetch_mb": 1, "disk_mb": 1}}}')
        self.first = FirstInstall(None, lambda: context, lambda: self, self.said.append)

    def _agreed(self, *about: Any, ask: bool, english: Any) -> Any:
        self.shown += 1
        self.english = english
        return SimpleNamespace(exec=lambda: True, wanted=lambda: Wanted(("core",)), ask_first=ask, english=self.taken)

    def install(self, wanted: Any, then: Any, stopped: Any, untold: Any) -> None:
        self.thens.append(then)
        self.wanted, self.stopped, self.untold = wanted, stopped, untold
        self.going_on = True

    def installing(self) -> bool:
        return self.going_on

    def underway(self) -> tuple[Any, ...]:
        return (Underway(Wanted(("core",)), "", "", 0.5, True, lambda: None),) if self.going_on else ()

    def ends(self, error: Any = None) -> None:
        self.going_on = False
        self.thens[-1](error)

    def click(self, api: Any, *ids: int, choosing: bool = False) -> None:
        self.first.begin(api, list(ids), lambda *chosen: self.chosen.append(chosen), choosing)


@pytest.fixture
def installing(app: Any, monkeypatch: pytest.MonkeyPatch) -> Installing:
    from calibre_plugins.e2a.plugin.engine import install_plan  # type: ignore[import-not-found]

    monkeypatch.setattr(install_plan, "plan", lambda *about: None)
    return Installing(monkeypatch)


class Books:
    """A library in which no book names its language."""

    def field_for(self, name: str, book_id: int) -> tuple[str, ...]:
        return ()


def test_books_that_are_clicked_while_the_engine_is_installed_follow_each_once(installing: Installing) -> None:
    api = Books()
    installing.click(api, 1, 2)
    installing.click(api, 2, 3)
    assert installing.shown == 1 and not installing.chosen and "follow" in installing.said[-1]
    installing.ends()
    assert installing.chosen == [(api, [1, 2, 3], False)]


def test_another_librarys_books_are_not_taken_for_those_that_wait(installing: Installing) -> None:
    api, other = Books(), Books()
    installing.click(api, 1, 2)
    installing.first.library_changed()
    assert "other library" in installing.said[-1]
    installing.click(other, 2)
    assert installing.shown == 1
    installing.ends()
    assert installing.chosen == [(other, [2], False)]
    installing.click(api, 1)
    installing.first.library_changed()
    installing.ends()
    assert len(installing.chosen) == 1, "nothing is left to be converted"


def test_an_installation_that_failed_goes_on_with_its_books_if_it_is_tried_again_and_only_then(installing: Installing, monkeypatch: pytest.MonkeyPatch) -> None:
    api, again = Books(), [True, False]
    monkeypatch.setattr(error_dialog, "show_error", lambda parent, error, title, actions: again.pop(0) and actions["again"]())
    failed = PluginError("engine_install_failed", step="packages", reason="the line is cut")
    monkeypatch.setattr(installing.first, "_context", lambda: SimpleNamespace(preferences=print, resources=lambda name: b'{"voices": []}'))
    installing.click(api, 1)
    installing.ends(failed)
    assert installing.going_on and len(installing.thens) == 2
    installing.ends(failed)
    installing.first.library_changed()
    assert "other library" not in installing.said[-1], "no book waits any more"
    installing.click(api, 2)
    installing.ends()
    assert installing.shown == 2 and installing.chosen == [(api, [2], False)]


def test_who_clicked_to_choose_is_asked_before_the_first_book_unless_told_otherwise(installing: Installing) -> None:
    api = Books()
    installing.click(api, 1, choosing=True)
    installing.ends()
    assert installing.chosen == [(api, [1], True)]


@pytest.mark.parametrize("taken", ["", "en_US-joe-medium"])
def test_who_was_taken_at_the_first_run_reads_english_from_then_on(installing: Installing, monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    prefs.save(prefs.Settings(first=("ask",)))
    installing.taken = taken
    monkeypatch.setattr(installing.first, "_context", lambda: SimpleNamespace(resources=installed_resources()))
    installing.click(Books(), 1)
    assert [voice.name for voice in installing.english] == ["Heart", "Joe"]
    assert prefs.load().voices == {}, "before it is there nobody is the usual voice"
    assert prefs.load().first == ("ask",), "and what was marked is still known, if it comes to nothing"
    installing.ends()
    assert prefs.load().first == ()
    assert prefs.load().voices == ({"en": taken} if taken else {}) and len(installing.chosen) == 1
    prefs.save(prefs.Settings(voices={"en": "espeak"}))
    installing.click(Books(), 1)
    assert installing.english == (), "who has a usual voice is not asked"
    prefs.save(prefs.Settings())


def test_heart_who_could_not_be_had_becomes_nobodys_usual_voice_and_that_is_said_last(installing: Installing, monkeypatch: pytest.MonkeyPatch) -> None:
    prefs.save(prefs.Settings())
    installing.taken = "heart"
    monkeypatch.setattr(installing.first, "_context", lambda: SimpleNamespace(resources=installed_resources()))
    api = Books()
    installing.first.begin(api, [1], lambda *chosen: installing.said.append("Started converting"))
    without_heart(monkeypatch)
    installing.ends()
    assert prefs.load().voices == {} and "Started converting" in installing.said
    assert WHY in installing.said[-1] and "Joe" in installing.said[-1], "nothing hides it at once"


def test_the_first_run_brings_the_voices_that_the_user_chose_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"de": "de_DE-kerstin-low", "en": "heart", "fr": "espeak", "it": "clone-0123456789ab"}
    languages = ("deu", "eng", "fra")
    assert first_install._first_voices(languages, installed_resources(), "", chosen, False) == ("de_DE-kerstin-low",)
    assert first_install._first_voices(languages, installed_resources(), "", {}, True) == ("de_DE-thorsten-medium", "en_US-joe-medium", "fr_FR-siwis-medium")


def test_a_voice_that_its_engine_turned_out_to_miss_fails_no_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.converting import installations  # type: ignore[import-not-found]

    got: list[str] = []
    monkeypatch.setattr(installations.speakers, "layer", lambda name, *more: got.append(name))
    monkeypatch.setattr(installations.voices, "ensure_voice", lambda name, *more: got.append(name))
    without_heart(monkeypatch)
    installations.install(Wanted(("core",), ("emma", "de_DE-kerstin-low")), installed_resources(), lambda done, text: None, lambda: False)
    assert got == ["core", "de_DE-kerstin-low"]


def test_books_that_are_clicked_while_preferences_install_the_engine_follow_without_a_first_run(installing: Installing) -> None:
    api = Books()
    installing.going_on = True
    installing.click(api, 1)
    assert installing.shown == 0 and "when the speech engine is installed" in installing.said[-1]
    installing.click(api, 2)
    installing.ends()
    assert [ids for _api, ids, _ask in installing.chosen] == [[1, 2]]


def test_what_was_marked_at_a_first_run_that_was_put_off_holds_where_preferences_install_the_engine(
    installing: Installing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing.first, "_context", lambda: SimpleNamespace(resources=installed_resources()))
    prefs.save(prefs.Settings(first=("en_US-joe-medium", "ask", "neural")))
    installing.going_on = True
    installing.click(Books(), 1)
    installing.ends()
    assert installing.shown == 0 and prefs.load().voices == {"en": "en_US-joe-medium"} and prefs.load().first == ()
    assert [ask for *_books, ask in installing.chosen] == [True]
    prefs.save(prefs.Settings())


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted((), ("en_US-joe-medium",)), "Joe can speak now"),
        (Wanted(("neural",)), "The extra part of the speech engine is installed"),
        (Wanted(("core",)), "The speech engine is installed"),
    ],
)
def test_what_no_window_tells_any_more_is_said_in_the_status_bar(installing: Installing, wanted: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_install.runtime, "students_missed", lambda resources: "")
    context = SimpleNamespace(resources=installed_resources())
    first = FirstInstall(None, lambda: context, lambda: installing, installing.said.append)
    first.install(wanted, None)
    installing.untold(None)
    assert installing.said[-1] == words


def test_an_installation_that_is_stopped_ends_with_a_word_and_no_book_waits(installing: Installing) -> None:
    api = Books()
    installing.click(api, 1)
    installing.going_on = False
    installing.stopped()
    assert "goes on from there" in installing.said[-1]
    installing.first.library_changed()
    assert "other library" not in installing.said[-1]

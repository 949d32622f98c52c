"""In Calibre's interpreter: the convert dialog as a reader uses it, with a library of real books, and questions that a script answers."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium's sandbox is not for root
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = "--no-sandbox --disable-gpu"

from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]
from calibre.gui2 import Application, dynamic, gprefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import audiobooks, report  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.begun import Begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.events import Device, Done, Looked, LookedChapter, LookedLeftOut, Summary  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.questions import Known, Way  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.sources import FromLibrary  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import gpus, runtime  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.install_plan import Wanted  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine.install_progress import Amount  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui import convert_existing, convert_many, convert_one, links  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui import player as players  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.books_table import BooksTable  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.context import Context  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_dialog import Candidate, ConvertDialog  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_many import ManyBooks  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_previews import Previews, Said  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.error_dialog import ErrorBox  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.play_button import PlayButton  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.player import Player  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.voice_choice import offers  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.speaking import proposing, speakers, speeds, voice_fetch, voices  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.wording import plain  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QAbstractSpinBox,
    QApplication,
    QEvent,
    QFileDialog,
    QKeyEvent,
    QLabel,
    QPoint,
    QPointF,
    QStyle,
    QStyleOptionFrame,
    Qt,
    QUrl,
    QWheelEvent,
    QWidget,
)

sys.path.append(str(Path(__file__).parent))
from hearts import with_heart, without_heart  # type: ignore[import-not-found]

PATIENCE_S = 30.0
JOE = "en_US-joe-medium"
AMY = "en_US-amy-medium"
CHAPTERS = (LookedChapter("Stave One", 1, 60_000), LookedChapter("Marley's Ghost", 2, 60_000), LookedChapter("", 1, 35_921))
SAMPLE = "Marley was dead, to begin with."
LEFT_OUT = (LookedLeftOut("note", 16, ("1. A <b>note</b>.", "2. Another\none.", "3", "4", "5", "6", "7")), LookedLeftOut("cover", 1, ("A Christmas Carol",)))


@pytest.fixture(scope="session")
def app() -> Any:
    return QApplication.instance() or Application([])


def until(true: Callable[[], Any], what: str = "") -> None:
    """Events are served till then."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, what or "it did not come"
        QApplication.processEvents()
        time.sleep(0.002)


def working() -> list[str]:
    """Threads of windows that have not ended."""
    return [thread.name for thread in threading.enumerate() if thread.name == "audiobook window"]


def press(widget: Any, key: Any, text: str = "") -> None:
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(widget, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, text))


def pick(combo: Any, data: object) -> None:
    """As a user picks it."""
    at = combo.findData(data)
    assert at >= 0, [combo.itemText(n) for n in range(combo.count())]
    combo.setCurrentIndex(at)
    combo.activated.emit(at)


def tone(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(22_050)
        out.writeframes(bytes(int(22_050 * seconds) * 2))
    return path


class Neural:
    """A neural layer that is installed."""

    name, folder = "neural", Path("neural-0")

    def stamp(self) -> dict[str, str]:
        return {"device": "cuda"}


@dataclass
class Script:
    """Questions' answers. existing, failures, standing (of our audiobook): by book. spoken: characters, before, by voice.
    held: looking or saying waits for it."""

    existing: dict[int, str] = field(default_factory=dict)
    failures: dict[int, PluginError] = field(default_factory=dict)
    languages: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, tuple[LookedLeftOut, ...]] = field(default_factory=dict)
    spoken: dict[str, int] = field(default_factory=dict)
    standing: dict[int, str] = field(default_factory=dict)
    looked: list[int] = field(default_factory=list)
    said: list[tuple[str, str, str, str, float]] = field(default_factory=list)
    say_fails: PluginError | None = None
    seconds: float = 0.3
    free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.free.set()

    def wait(self, stopped: Callable[[], bool]) -> None:
        while not self.free.wait(0.01):
            if stopped():
                raise Stopped

    def look(self, source: FromLibrary, show: Any, stopped: Any, way: Way) -> Known:
        self.wait(stopped)
        self.looked.append(source.book_id)
        if source.book_id in self.failures:
            raise self.failures[source.book_id]
        language = self.languages.get(source.book_id, "en-GB")
        existing = self.existing.get(source.book_id, "none")
        left_out = self.left_out.get(source.book_id, LEFT_OUT)
        voice = way.voice or JOE
        spoken, standing = self.spoken.get(voice, 0), self.standing.get(source.book_id, "none")
        skipped = sum(one.count for one in left_out)
        looked = Looked(1, "Title", language, CHAPTERS, 1444, 155_921, SAMPLE, skipped, existing, 3, left_out, spoken, standing)
        return Known(looked, replace(way, voice=voice))

    def say(self, text: str, voice: str, language: str, out: Path, show: Any, stopped: Any, *, device: str, speed: float) -> Done:
        self.said.append((text, voice, language, device, speed))
        self.wait(stopped)
        if self.say_fails is not None:
            raise self.say_fails
        tone(out, self.seconds)
        return Done(1, "said", Summary(duration_s=self.seconds, device="cpu", xrt_speech=20.0))


class Room:
    """A library, a script, and what the dialog asked of the rest."""

    def __init__(self, folder: Path) -> None:
        self.db = LibraryDatabase(str(folder / "library"))
        self.api = self.db.new_api
        self.script = Script()
        self.installs: list[tuple[Wanted, Any]] = []
        self._dialogs: list[Any] = []
        """Of some a test keeps only a part; the whole would be gone with Python's next collection."""
        self.context = Context(
            gui=None,
            resources=installed_resources(),
            questions=self.script,
            install=lambda wanted, then: self.installs.append((wanted, then)),
            preferences=lambda page: None,
            busy=lambda: False,
            convert=lambda ids: None,
            open_file=lambda path: None,
            release=lambda: None,
        )

    def book(self, title: str = "A Christmas Carol", language: str = "eng", formats: tuple[str, ...] = ("EPUB",)) -> int:
        mi = Metadata(title, ["Charles Dickens"])
        mi.languages = [language] if language else []
        id = int(self.api.create_book_entry(mi))
        for name in formats:
            self.api.add_format(id, name, io.BytesIO(b"x" * 100 * id), run_hooks=False)
        return id

    def dialog(
        self, *ids: int, finish: bool = True, another: bool = False, begun: Begun | Mapping[int, Begun | None] | None = None, why: str = ""
    ) -> Any:
        """begun: of the first book, or by book."""

        @contextmanager
        def api() -> Iterator[Any]:
            yield self.api

        of = begun if isinstance(begun, Mapping) else {ids[0]: begun}
        books = [Candidate(id, str(self.api.field_for("title", id)), FromLibrary(api, id), of.get(id)) for id in ids]
        made = ConvertDialog(None, self.context, books, another, why)
        self._dialogs.append(made)
        made.show()
        if finish:
            until(lambda: not made._looker.running and settled(made), "the books were not looked at")
        return made


def settled(dialog: Any) -> bool:
    """Are all lists there?"""
    voice_lists = [dialog.one.voice] if dialog.one is not None else list(dialog.many.voices.values())
    page = dialog.one or dialog.many
    waits = dialog.many is not None and dialog.many._soon.isActive()
    return not waits and not page.again.busy and all(not voice.choice._load.running for voice in voice_lists) and not page.device.looking


@pytest.fixture
def room(tmp_path: Path, app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    without_heart(monkeypatch)
    prefs.save(prefs.Settings())
    for name in [name for name in gprefs if "convert-to-audiobook" in str(name)]:  # how large the windows of other tests were
        del gprefs[name]
    dynamic.set("convert to audiobook folder", None)
    monkeypatch.setattr(players, "_media_outputs", lambda: 1)  # one can hear here, whatever this machine has
    made = Room(tmp_path)
    yield made
    made.script.free.set()
    for window in QApplication.topLevelWidgets():
        window.close()
        window.deleteLater()
    until(lambda: not working(), "a thread goes on")
    made.db.close()


def test_one_book_is_shown_and_converted_as_chosen(room: Room) -> None:
    id = room.book()
    dialog = room.dialog(id)
    one = dialog.one
    assert one.title.text() == "A Christmas Carol" and one.authors.text() == "Charles Dickens · English (GB)"
    assert [one.contents.chapters.item(n).text().strip() for n in range(3)] == ["Stave One", "Marley's Ghost", "(without a title)"]
    assert one.contents.tabText(0) == "Chapters (3)" and "2 h 35 min" in one.estimate.text() and "first minutes" in one.estimate.text()
    combo = one.voice.choice.combo
    assert combo.currentData() == JOE and combo.currentText() == "Joe (US, man), good: 63 MB to get"
    assert "CC0" in one.voice.choice.note.text() and not one.voice.choice.get.isHidden()
    assert combo.itemData(combo.count() - 1) == "espeak" and "mechanical" in combo.itemText(combo.count() - 1)
    assert one.foreign.isHidden() and one.existing.isHidden()
    one.speed.spin.setValue(1.25)
    dialog.start.click()
    (choice,) = dialog.choices()
    assert dialog.result() == 1 and choice.id == id
    options = choice.options
    assert (options.voice, options.fetch, options.device, options.speed, options.foreign, options.replace) == (JOE, True, "auto", 1.25, "stop", False)


def test_what_will_not_be_read_aloud_is_shown_by_kind_before_the_book_is_converted(room: Room) -> None:
    id, plain = room.book(), room.book("Plain")
    room.script.left_out[plain] = ()
    dialog = room.dialog(id)
    contents = dialog.one.contents
    assert contents.tabText(1) == "Left out (17)" and contents.isTabVisible(1)
    kinds = [contents.left_out.topLevelItem(n) for n in range(contents.left_out.topLevelItemCount())]
    assert [kind.text(0) for kind in kinds] == ["Paragraphs of footnotes and endnotes (16)", "The cover page (1)"] and not kinds[0].isExpanded()
    notes = [kinds[0].child(n) for n in range(kinds[0].childCount())]
    assert [note.text(0) for note in notes] == ["1. A <b>note</b>.", "2. Another one.", "3", "4", "5", "and 11 more"] and kinds[1].childCount() == 1
    rest = [notes[5].child(n).text(0) for n in range(notes[5].childCount())]
    assert rest == ["6", "7", "and 9 more; the report will list all"] and not notes[5].isExpanded()
    other, several = room.dialog(plain), room.dialog(id, plain)
    nothing = other.one.contents
    assert nothing.tabText(1) == "Left out (0)" and nothing.isTabVisible(1), "it was looked for"
    assert [nothing.left_out.topLevelItem(n).text(0) for n in range(nothing.left_out.topLevelItemCount())] == ["Nothing: all of its text is read aloud"]
    table = several.many.table
    assert "Left out: Paragraphs of footnotes and endnotes (16), The cover page (1)" in table.item(0, 2).toolTip()
    assert "Left out" not in table.item(1, 2).toolTip()


def test_where_a_licence_stands_is_a_link_that_the_keyboard_reaches_and_the_browser_opens(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(links, "open_url", opened.append)
    dialog = room.dialog(room.book(language="ita"), finish=False)
    room.script.languages[dialog._books[0].id] = "it"
    until(lambda: not dialog._looker.running and settled(dialog))
    note, card = dialog.one.voice.choice.note, voices.catalogue(room.context.resources)["it_IT-paola-medium"].card
    assert "no usable licence" in note.text() and f'<a href="{card}">' in note.text()
    assert ">\u200ehuggingface.co/…/MODEL_CARD\u200e</a>" in note.text().replace("\u200b", "")
    dialog.activateWindow()
    until(dialog.isActiveWindow)
    note.setFocus()
    press(note, Qt.Key.Key_Tab)  # to the link in it
    press(note, Qt.Key.Key_Return)
    assert opened == [card]


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://example.com@evil.com/",
        "https://exаmple.com/",  # a Cyrillic letter
        "https://example.com/\u202ecom.live",
        'https://example.com/"onclick="x',
        "https://example.com\\evil",
        "https://localhost/",
    ],
)
def test_what_is_not_plainly_an_address_stays_text(text: str) -> None:
    assert "<a " not in links.with_links(f"See {text}.") and "&lt;b&gt;" in links.with_links(f"{text} <b>")


def test_an_address_ends_before_what_ends_the_sentence() -> None:
    found = links.with_links("A & B (https://a.org/x?y=1&z=2).").replace("\u200e", "")
    assert found == 'A &amp; B (<a href="https://a.org/x?y=1&amp;z=2">https://a.org/x?y=1&amp;z=2</a>).'


@pytest.mark.parametrize(("rest", "shown"), [("one/two/" * 9 + "MODEL_CARD", "a.org/…/MODEL_CARD"), ("x" * 90, "a.org/…"), ("x/" * 40, "a.org/…/x")])
def test_a_long_address_is_shown_by_where_it_leads_and_whole_to_who_asks(app: Any, rest: str, shown: str) -> None:
    address = f"https://a.org/{rest}"
    label = links.Linked(f"See its page ({address}).")
    assert label.text().replace("\u200e", "").replace("\u200b", "") == f'See its page (<a href="{address}">{shown}</a>).'
    label.linkHovered.emit(address)
    assert address in label.toolTip()


def test_what_was_chosen_is_kept_but_a_voice_only_if_chosen_by_hand(room: Room) -> None:
    id = room.book()
    dialog = room.dialog(id)
    dialog.again.setChecked(True)
    dialog.one.speed.slider.setValue(30)
    dialog.start.click()
    assert prefs.load() == prefs.Settings(speed=1.5, ask=False)
    dialog = room.dialog(id)
    assert dialog.again.isChecked() and dialog.one.speed.spin.value() == 1.5
    pick(dialog.one.voice.choice.combo, "espeak")
    assert dialog.one.voice.choice.keep.text() == "Use this voice for all books in English from now on"
    dialog.one.voice.choice.keep.click()
    dialog.start.click()
    assert prefs.load().voices == {"en": "espeak"} and not dialog.choices()[0].options.fetch
    assert room.dialog(id).one.voice.choice.voice() == "espeak"


def test_a_voice_for_one_book_is_not_silently_that_of_all(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    id = room.book()
    dialog = room.dialog(id)
    assert dialog.one.voice.choice.keep.isHidden()
    pick(dialog.one.voice.choice.combo, "espeak")
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "espeak" and prefs.load().voices == {}
    assert room.dialog(id).one.voice.choice.voice() == JOE


def test_a_file_of_ones_own_that_becomes_usual_here_leaves_known_who_read_before(room: Room, tmp_path: Path) -> None:
    (mine := tmp_path / "mine.onnx").write_bytes(b"model")
    prefs.save(prefs.Settings(files={str(mine): "en"}, voices={"en": "espeak"}, before={"en": "heart"}))
    dialog = room.dialog(room.book())
    pick(dialog.one.voice.choice.combo, str(mine))
    dialog.one.voice.choice.keep.click()
    dialog.start.click()
    assert (prefs.load().voices, prefs.load().before) == ({"en": str(mine)}, {"en": "espeak"}), "Preferences, “Remove”, goes back to it"


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("voice", ["espeak", "en_US-amy-medium"])
def test_who_wants_to_be_asked_no_more_has_the_voice_that_is_seen(room: Room, count: int, voice: str) -> None:
    ids = [room.book() for _ in range(count)]
    dialog = room.dialog(*ids)
    choice = dialog.one.voice.choice if dialog.one is not None else dialog.many.voices["en"].choice
    pick(choice.combo, voice)
    assert not choice.keep.isChecked() and choice.keep.isEnabled()
    dialog.again.click()
    assert choice.keep.isChecked() and not choice.keep.isEnabled() and "all books in English" in choice.keep.toolTip()  # the two ticks say the same
    dialog.again.click()
    assert not choice.keep.isChecked() and choice.keep.isEnabled() and not choice.keep.toolTip()
    dialog.again.click()
    dialog.start.click()
    assert prefs.load().voices == {"en": voice} and not prefs.load().ask
    dialog = room.dialog(*ids)  # by the menu's second entry
    choice = dialog.one.voice.choice if dialog.one is not None else dialog.many.voices["en"].choice
    assert choice.voice() == voice and choice.keep.isHidden() and dialog.again.isChecked() and dialog.again.text().startswith("Do not show this window &again")
    assert "What you choose here is for this conversion" in dialog.where.text()
    pick(choice.combo, JOE)
    (dialog.one or dialog.many).speed.spin.setValue(1.3)
    assert not choice.keep.isChecked() and choice.keep.isEnabled()
    dialog.again.click()
    dialog.again.click()
    assert not choice.keep.isChecked() and choice.keep.isEnabled(), "it is about asking alone"
    dialog.start.click()
    assert (prefs.load().voices, prefs.load().speed, prefs.load().ask) == ({"en": voice}, 1.0, False), "it was for these books"
    dialog = room.dialog(*ids)
    choice = dialog.one.voice.choice if dialog.one is not None else dialog.many.voices["en"].choice
    pick(choice.combo, JOE)
    choice.keep.click()
    dialog.start.click()
    assert prefs.load().voices == {"en": JOE}


def test_a_begun_book_that_goes_on_changes_nothing_usual_where_nobody_is_asked(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    prefs.save(prefs.Settings(ask=False, speed=1.2, voices={"en": JOE}))
    dialog = room.dialog(room.book(), begun=Begun("espeak", 1.0, 0.22, True, True, "eSpeak NG"))
    keep = dialog.one.voice.choice.keep
    assert dialog.again.isChecked() and not keep.isHidden() and keep.isEnabled() and not keep.isChecked()
    dialog.start.click()
    assert (dialog.choices()[0].options.voice, dialog.choices()[0].options.speed) == ("espeak", 1.0)
    assert prefs.load() == prefs.Settings(ask=False, speed=1.2, voices={"en": JOE})


def test_a_voice_that_was_not_chosen_is_kept_for_no_language(room: Room) -> None:
    dialog = room.dialog(room.book())
    pick(dialog.one.voice.choice.combo, "espeak")
    pick(dialog.one.voice.choice.combo, JOE)
    dialog.again.click()
    dialog.start.click()
    assert prefs.load().voices == {} and not prefs.load().ask


@pytest.mark.parametrize("usual", [False, True])
def test_speed_and_device_that_were_chosen_are_for_these_books_until_the_user_says_that_they_are_usual(room: Room, usual: bool) -> None:
    dialog = room.dialog(room.book())
    dialog.one.speed.spin.setValue(1.2)
    dialog.one.device.wanted = "cpu"
    dialog.again.setChecked(usual)
    dialog.start.click()
    assert dialog.choices()[0].options.speed == 1.2
    assert (prefs.load().speed, prefs.load().device) == ((1.2, "cpu") if usual else (1.0, "auto"))


def by_espeak(speed: float = 1.0, share: float = 0.22, here: bool = True) -> Begun:
    """A part of the book is spoken by espeak, and Joe is the usual voice."""
    return Begun("espeak", speed, share, here, speed != 1.0, "eSpeak NG")


def test_a_book_that_was_begun_with_another_than_the_usual_voice_says_so_and_what_a_change_means(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {"espeak": 77_960}
    dialog = room.dialog(room.book(), begun=by_espeak())
    one = dialog.one
    said = "50 % of this book was spoken by eSpeak NG; it goes on with this voice."
    assert one.begun.text() == said and one.estimate.text().startswith("About 2 h 35 min")
    assert one.voice.choice.voice() == "espeak" and not one.voice.choice.keep.isHidden() and not one.voice.choice.keep.isChecked()
    assert "50 % of it was spoken before" in one.estimate.text() and "anew" not in one.estimate.text()
    pick(one.voice.choice.combo, JOE)
    until(lambda: settled(dialog))
    assert one.estimate.text().startswith("About 2 h 35 min") and one.voice.choice.keep.isHidden()
    assert one.begun.text() == "50 % of this book was spoken by eSpeak NG; with Joe it begins anew. It goes on if you choose eSpeak NG."
    one.speed.spin.setValue(1.2)
    assert one.begun.text().endswith("with Joe it begins anew. It goes on if you choose eSpeak NG and 1.00\u00a0×."), "that voice alone would not do"
    one.speed.spin.setValue(1.0)
    pick(one.voice.choice.combo, "espeak")
    assert one.begun.text() == said
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "espeak" and prefs.load().voices == {}, "it is for this book"


@pytest.mark.parametrize(
    ("spoken", "says", "ready"),
    [
        (0, "", "ready in about 2 min."),
        (300, "A part of this book was spoken by eSpeak NG; it goes on", "ready in about 2 min."),
        (1_600, "1 % of this book was spoken by eSpeak NG; it goes on", "1 % of it was spoken before; about 2 min for the rest."),
        (155_000, "99 % of this book was spoken by eSpeak NG; it goes on", "99 % of it was spoken before; about 35 s for the rest."),
        (155_921, "All of this book was spoken by eSpeak NG; only the file", "only the file is still to be made: ready in about 35 s."),
    ],
)
def test_how_far_a_book_has_come_is_told_at_any_share(room: Room, monkeypatch: pytest.MonkeyPatch, spoken: int, says: str, ready: str) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {"espeak": spoken}
    dialog, both = room.dialog(room.book(), begun=by_espeak()), room.dialog(room.book(), room.book("New"), begun=by_espeak())
    one, several = dialog.one, both.many
    assert one.voice.choice.voice() == "espeak" and one.begun.text().startswith(says) and one.begun.isHidden() == (not says)
    assert one.estimate.text().endswith(ready), one.estimate.text()
    told = several.table.item(0, 3).text()
    assert (told == "All of it was spoken by eSpeak NG: only the file is still to be made") == (spoken == 155_921), told


def test_before_a_begun_book_was_looked_at_it_says_what_was_known_when_it_was_left(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.free.clear()
    dialog = room.dialog(room.book(), begun=by_espeak(), finish=False)
    one = dialog.one
    assert one.begun.text() == "About 22 % of this book was spoken by eSpeak NG; it goes on with this voice." and not one.begun.isHidden()


def test_where_the_voice_that_began_a_book_is_gone_the_usual_one_is_chosen_and_it_is_said(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    dialog = room.dialog(room.book(), begun=Begun("clone-0123456789ab@x", 1.2, 0.22, False, True, "Anna (clone) over Joe"))
    one = dialog.one
    assert one.voice.choice.voice() == JOE and one.speed.speed() == 1.0
    assert one.begun.text() == "About 22 % of this book was spoken by Anna (clone) over Joe; that voice is not on this computer any more, so it begins anew."
    assert one.estimate.text().startswith("About ")


def test_a_begun_book_whose_voice_has_only_to_be_downloaded_goes_on_after_that(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {AMY: 77_960}
    here, look = {JOE}, room.script.look
    monkeypatch.setattr(voices, "here", lambda resources: frozenset(here))
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *more: here.add(id))
    monkeypatch.setattr(voices, "fetch_bytes", lambda id, resources: 0 if id in here else 63_000_000)
    monkeypatch.setattr(room.script, "look", lambda *asked: look(*asked) if asked[-1].voice in (*here, "") else Known(look(*asked).looked))
    begun = Begun(AMY, 1.0, 0.22, False, False, "Amy", to_come=True)
    several = room.dialog(room.book("Begun"), room.book("New"), begun=begun).many
    assert several.table.item(0, 1).text() == "Amy" and several.table.item(0, 3).text().endswith("Its voice is downloaded first (63 MB)")
    assert [(choice.options.voice, choice.options.fetch) for choice in several.choices()] == [(AMY, True), (JOE, False)]
    assert room.dialog(room.book("Not to be had"), begun=begun, another=True).one.voice.choice.voice() == JOE
    dialog = room.dialog(room.book(), begun=begun)
    one = dialog.one
    assert one.voice.choice.voice() == AMY and not one.voice.choice.is_here()
    assert one.begun.text() == "About 22 % of this book was spoken by Amy; it goes on with this voice as soon as what that lacks is downloaded."
    one.voice.choice.get.click()
    until(lambda: settled(dialog) and not one.again.busy and one.voice.choice.is_here())
    until(lambda: one.begun.text() == "50 % of this book was spoken by Amy; it goes on with this voice.")
    dialog.start.click()
    assert dialog.choices()[0].options.voice == AMY


def test_while_it_is_looked_up_what_a_voice_has_spoken_that_is_said(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {"espeak": 155_921}
    books = room.book(), room.book("Two")
    for ids in (books[:1], books):
        dialog = room.dialog(*ids)
        words = dialog.one.estimate if dialog.one is not None else dialog.many.summary
        choice = dialog.one.voice.choice if dialog.one is not None else dialog.many.voices["en"].choice
        pick(choice.combo, "espeak")
        until(lambda words=words: words.text().endswith("Looking whether some of it was spoken before…"))
        ready = "only the file is still to be made: ready in about 35 s." if len(ids) == 1 else "only the file is still to be made: ready in about 1 min."
        until(lambda words=words, ready=ready: words.text().endswith(ready))
        room.script.failures[ids[0]] = PluginError("engine_died")
        (dialog.one or dialog.many).speed.spin.setValue(1.3)
        until(lambda words=words: "Looking" in words.text())
        until(lambda words=words: "Looking" not in words.text())
        room.script.failures.clear()


def test_a_begun_book_s_voice_becomes_usual_only_where_the_tick_beside_it_says_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    dialog = room.dialog(room.book(), begun=by_espeak(1.2))
    dialog.again.click()
    keep = dialog.one.voice.choice.keep
    assert keep.isEnabled() and not keep.isChecked() and not keep.isHidden()
    speed = "at the speed 1.00\u00a0×, as before. To be asked again"
    assert dialog.where.text().startswith(f"Other books in English are read by Joe {speed}")
    assert dialog.again.text().startswith("Do not show this window &again")
    keep.click()
    assert dialog.where.text().startswith(f"Other books are read {speed}"), "the tick says who reads them"
    keep.click()
    dialog.one.speed.spin.setValue(1.1)
    at_once = "From now on books are converted at once, with these settings. To be asked again"
    assert dialog.where.text().startswith(at_once) and keep.isChecked() and not keep.isEnabled(), "it begins anew, so it goes on with nothing"
    dialog.one.speed.spin.setValue(1.2)
    assert not keep.isChecked() and keep.isEnabled()
    dialog.start.click()
    assert (prefs.load().voices, prefs.load().speed, prefs.load().ask) == ({}, 1.0, False)
    dialog = room.dialog(room.book(), begun=by_espeak(1.2))
    dialog.one.voice.choice.keep.click()
    dialog.start.click()
    assert (prefs.load().voices, prefs.load().speed, prefs.load().ask) == ({"en": "espeak"}, 1.0, False)


def test_a_begun_book_that_begins_anew_with_these_settings_makes_all_of_them_usual(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    dialog = room.dialog(room.book(), begun=by_espeak(1.2))
    dialog.one.speed.spin.setValue(1.1)
    dialog.again.click()
    dialog.start.click()
    assert (prefs.load().voices, prefs.load().speed, prefs.load().ask) == ({"en": "espeak"}, 1.1, False)


def test_a_book_that_was_begun_at_another_speed_goes_on_at_it_and_says_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {JOE: 77_960}
    dialog = room.dialog(room.book(), begun=Begun(JOE, 1.2, 0.22, True, True))
    one = dialog.one
    said = "50 % of this book was spoken by Joe at the speed 1.20\u00a0×; "
    assert one.begun.text() == said + "it goes on with this voice and speed."
    assert one.speed.speed() == 1.2 and "50 % of it was spoken before" in one.estimate.text()
    room.script.spoken = {}
    one.speed.spin.setValue(1.0)
    until(lambda: settled(dialog) and not one.again.busy)
    assert one.begun.text() == said + "at another speed it begins anew. It goes on if you choose 1.20\u00a0×." and one.estimate.text().startswith("About")
    one.speed.spin.setValue(1.2)
    pick(one.voice.choice.combo, "espeak")
    until(lambda: settled(dialog) and not one.again.busy)
    assert one.begun.text() == said + "with eSpeak NG it begins anew. It goes on if you choose Joe and 1.20\u00a0×."


def test_a_book_of_which_two_voices_have_spoken_parts_tells_one_share_that_of_the_chosen_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {"espeak": 77_960, JOE: 17_200}
    dialog = room.dialog(room.book(), begun=Begun(JOE, 1.0, 0.11, True, False, "Joe"))
    one = dialog.one
    assert one.begun.text() == "11 % of this book was spoken by Joe; it goes on with this voice." and "11 % of it" in one.estimate.text()
    pick(one.voice.choice.combo, "espeak")
    until(lambda: settled(dialog) and not one.again.busy)
    assert one.begun.text() == "Parts of this book were spoken by eSpeak NG and by Joe; it goes on with the one that you choose."
    assert "50 % of it was spoken before" in one.estimate.text()
    pick(one.voice.choice.combo, JOE)
    one.speed.spin.setValue(1.2)
    until(lambda: settled(dialog) and not one.again.busy)
    assert one.begun.text() == "Parts of this book were spoken at the speeds 1.20\u00a0× and 1.00\u00a0×; it goes on at the one that you choose."


def test_a_book_that_waited_when_calibre_was_closed_stands_there_as_it_was_chosen(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    waited = Begun("espeak", 1.2, 0.0, True, True, "eSpeak NG", waits=True)
    dialog, several = room.dialog(room.book(), begun=waited), room.dialog(room.book("Waited"), room.book("New"), begun=waited)
    one = dialog.one
    assert (one.voice.choice.voice(), one.speed.speed()) == ("espeak", 1.2) and "spoken before" not in one.estimate.text()
    assert one.begun.text() == "This book waited and was not begun; voice and speed are those that were chosen for it then."
    one.speed.spin.setValue(1.0)
    assert one.begun.isHidden(), "nothing is lost by that"
    said = "Ready to start. As chosen before: eSpeak NG, not your usual voice Joe, and the speed"
    assert several.many.table.item(0, 1).text() == "eSpeak NG · 1.20\u00a0×" and several.many.table.item(0, 3).text() == said
    assert [(choice.options.voice, choice.options.speed) for choice in several.choices() or several.many.choices()] == [("espeak", 1.2), (JOE, 1.0)]


def test_among_several_books_one_that_was_begun_goes_on_with_its_voice_until_another_is_chosen_for_them(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {"espeak": 77_960}
    dialog = room.dialog(room.book("Begun"), room.book("New"), begun=by_espeak(1.2))
    table, many = dialog.many.table, dialog.many
    assert table.item(0, 3).text() == "Goes on with eSpeak NG at the speed 1.20\u00a0×: 50 % is spoken" and table.item(0, 1).text() == "eSpeak NG · 1.20\u00a0×"
    assert table.item(1, 3).text() == "Ready to start" and table.item(1, 1).text().startswith("Joe")
    assert [(choice.options.voice, choice.options.speed) for choice in many.choices()] == [("espeak", 1.2), (JOE, 1.0)]
    pick(many.voices["en"].choice.combo, JOE)
    until(lambda: settled(dialog) and not many.again.busy)
    assert table.item(0, 3).text() == "50 % of this book was spoken by eSpeak NG; with another voice it begins anew"
    assert [(choice.options.voice, choice.options.speed) for choice in many.choices()] == [(JOE, 1.2), (JOE, 1.0)], "nobody touched the speed"


def test_among_several_books_voice_and_speed_are_each_a_book_s_own_until_chosen_and_it_is_said(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    waited = Begun("espeak", 0.9, 0.0, True, True, "eSpeak NG", waits=True)
    dialog = room.dialog(room.book("Flatland"), room.book("New"), begun=waited)
    many, choice = dialog.many, dialog.many.voices["en"].choice

    def chosen() -> list[tuple[str | None, float]]:
        return [(one.options.voice, one.options.speed) for one in many.choices()]

    hint = "Choose a voice, and it reads all books in its language, these too."
    its_own = f"Own voice and speed, as before (see the table): “Flatland”. {hint}"
    assert many.own.text() == its_own and not many.own.isHidden() and many.as_before.isHidden()
    many.table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert choice.voice() == "espeak" and many.own.text() == "Own speed, as before (see the table): “Flatland”."
    many.table.item(1, 0).setCheckState(Qt.CheckState.Checked)
    assert choice.voice() == JOE
    many.speed.spin.setValue(1.3)
    assert chosen() == [("espeak", 1.3), (JOE, 1.3)] and many.own.text() == f"Own voice, as before (see the table): “Flatland”. {hint}"
    many.as_before.click()
    assert chosen() == [("espeak", 0.9), (JOE, 1.0)] and many.own.text() == its_own
    pick(choice.combo, JOE)  # who is marked already
    assert chosen() == [(JOE, 0.9), (JOE, 1.0)] and many.own.text() == "Own speed, as before (see the table): “Flatland”."
    many.as_before.click()
    assert chosen() == [("espeak", 0.9), (JOE, 1.0)] and choice.voice() == JOE and many.own.text() == its_own
    pick(choice.combo, "espeak")
    assert chosen() == [("espeak", 0.9), ("espeak", 1.0)]
    many.speed.spin.setValue(1.3)
    assert chosen() == [("espeak", 1.3)] * 2 and many.own.text() == "All books are read by the voices, and at the speed, that are chosen here."


def test_with_less_to_say_of_books_own_voices_what_is_clicked_stays_where_it_is(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    dialog = room.dialog(room.book("Flatland and more"), room.book("New"), begun=by_espeak(1.2))
    many, choice = dialog.many, dialog.many.voices["en"].choice
    until(lambda: settled(dialog) and many.own.height() >= many.own.heightForWidth(many.own.width()) > 0)

    def at() -> int:
        return int(choice.combo.mapTo(many.languages, choice.combo.rect().topLeft()).y())

    before, words, lines = at(), many.own.text(), many.own.height()
    pick(choice.combo, JOE)
    many.languages.layout().activate()
    QApplication.processEvents()
    assert len(many.own.text()) < len(words) and (at(), many.own.height()) == (before, lines)


def begun_in_chinese(room: Room, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, int, int]:
    """A book in Chinese goes on with espeak, one in English is new; the usual voice for Chinese is not here. The window, and the books."""
    spoken_by_joe(monkeypatch)
    monkeypatch.setattr(voices, "is_here", lambda id, resources: id in (JOE, "espeak"))
    chinese, english = room.book("Sun Tzu", "zho"), room.book("New")
    room.script.languages[chinese], room.script.spoken = "zh", {"espeak": 77_960}
    return room.dialog(chinese, english, begun=by_espeak()), chinese, english


def test_where_the_only_book_in_a_language_goes_on_with_another_voice_that_one_is_shown(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, *_books = begun_in_chinese(room, monkeypatch)
    many, choice = dialog.many, dialog.many.voices["zh"].choice
    assert choice.voice() == "espeak" and choice.picked() == "" and not choice.get.isVisible() and "Get" not in choice.combo.currentText()
    assert "download" not in choice.note.text() and many.own.text() == "All books are read by the voices, and at the speed, that are chosen here."
    assert [(wanted.options.voice, wanted.options.fetch) for wanted in many.choices()] == [("espeak", False), (JOE, False)]
    usual = choice._offers.preferred
    pick(choice.combo, usual)
    until(lambda: settled(dialog))
    assert "with another voice it begins anew" in many.table.item(0, 3).text() and "else “Convert” does" in choice.note.text() and choice.get.isVisible()
    assert (many.choices()[0].options.voice, many.choices()[0].options.fetch) == (usual, True)
    many.as_before.click()
    assert choice.voice() == "espeak" and many.choices()[0].options.voice == "espeak" and not choice.get.isVisible()


def test_a_voice_by_which_no_ticked_book_is_read_promises_no_download(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, *_books = begun_in_chinese(room, monkeypatch)
    many, choice = dialog.many, dialog.many.voices["zh"].choice
    pick(choice.combo, choice._offers.preferred)
    many.table.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    assert "no ticked book is read by it. “Play” downloads it" in choice.note.text() and "Convert" not in choice.note.text() and not choice.get.isVisible()
    many.table.item(0, 0).setCheckState(Qt.CheckState.Checked)
    assert "else “Convert” does" in choice.note.text() and choice.get.isVisible()


def test_where_books_in_a_language_differ_in_voice_that_of_the_new_ones_is_shown_and_the_others_are_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    monkeypatch.setattr(voices, "is_here", lambda id, resources: id in (JOE, AMY, "espeak"))
    ids, begun = [room.book(f"Book {number}") for number in range(4)], [by_espeak(), by_espeak(), Begun(AMY, 1.0, 0.3, True, False, "Amy"), None]
    many = room.dialog(*ids, begun=dict(zip(ids, begun, strict=True))).many
    choice = many.voices["en"].choice
    assert choice.voice() == JOE and "Own voice, as before (see the table): “Book 0” and 2 more." in many.own.text()
    many.table.item(3, 0).setCheckState(Qt.CheckState.Unchecked)
    assert choice.voice() == "espeak" and "Own voice, as before (see the table): “Book 2”." in many.own.text(), "of the most"
    for number in (0, 1):
        many.table.item(number, 0).setCheckState(Qt.CheckState.Unchecked)
    assert choice.voice() == AMY and many.own.text() == "All books are read by the voices, and at the speed, that are chosen here."
    pick(choice.combo, JOE)
    for number in range(4):
        many.table.item(number, 0).setCheckState(Qt.CheckState.Checked)
    assert choice.voice() == JOE and [wanted.options.voice for wanted in many.choices()] == [JOE] * 4, "chosen by hand it stays"


def begun_by_amy_who_is_to_come(room: Room, monkeypatch: pytest.MonkeyPatch, *others: Begun | None) -> tuple[Any, Any, set[str]]:
    """Joe is usual; the first book was begun by Amy, who has to be downloaded, the others as they say. The window's page, its list of voices, who is here."""
    spoken_by_joe(monkeypatch)
    here = {JOE, "espeak"}
    monkeypatch.setattr(voices, "here", lambda resources: frozenset(here))
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *more: here.add(id))
    monkeypatch.setattr(voices, "fetch_bytes", lambda id, resources: 0 if id in here else 63_000_000)
    begun = [Begun(AMY, 1.0, 0.4, False, False, "Amy", to_come=True), *others]
    ids = [room.book(f"Book {number}") for number in range(len(begun))]
    dialog = room.dialog(*ids, begun=dict(zip(ids, begun, strict=True)))
    return dialog, dialog.many.voices["en"].choice, here


def test_to_get_the_voice_with_which_a_book_goes_on_chooses_it_for_no_other(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, choice, here = begun_by_amy_who_is_to_come(room, monkeypatch, by_espeak())
    assert choice.voice() == AMY and choice.get.isVisible()
    choice.get.click()
    until(lambda: AMY in here and settled(dialog) and choice.is_here())
    assert choice.voice() == AMY and [wanted.options.voice for wanted in dialog.many.choices()] == [AMY, "espeak"]


def test_a_voice_that_comes_when_another_one_stands_there_chooses_none(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, choice, here = begun_by_amy_who_is_to_come(room, monkeypatch, None)
    free = threading.Event()
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *more: free.wait(PATIENCE_S) and here.add(id))
    new = dialog.many.table.item(1, 0)
    new.setCheckState(Qt.CheckState.Unchecked)
    assert choice.voice() == AMY
    choice.get.click()
    new.setCheckState(Qt.CheckState.Checked)
    assert choice.voice() == JOE
    free.set()
    until(lambda: AMY in here and not choice.busy and settled(dialog))
    assert choice.voice() == JOE and choice.picked() == "" and [wanted.options.voice for wanted in dialog.many.choices()] == [AMY, JOE]


@pytest.mark.parametrize("by_hand", [False, True])
def test_where_the_voice_with_which_a_book_goes_on_cannot_be_had_no_other_stands_in_its_place(
    room: Room, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    dialog, choice, _here = begun_by_amy_who_is_to_come(room, monkeypatch, None)

    def fails(id: str, *rest: Any) -> None:
        raise PluginError("voice_fetch_failed", voice=id, reason="the line is cut")

    monkeypatch.setattr(voices, "ensure_voice", fails)
    dialog.many.table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    if by_hand:
        pick(choice.combo, AMY)
    choice.get.click()
    until(lambda: not choice.busy and not choice.box.isHidden() and settled(dialog))
    assert choice.voice() == AMY and "chosen again" not in choice.note.text() and choice.box.button.text() == "Try again"
    assert [(wanted.options.voice, wanted.options.fetch) for wanted in dialog.many.choices()] == [(AMY, True)]


def test_a_voice_that_cannot_be_had_when_another_one_stands_there_is_told_and_changes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, choice, _here = begun_by_amy_who_is_to_come(room, monkeypatch, None)
    free = threading.Event()

    def fails(id: str, *rest: Any) -> None:
        free.wait(PATIENCE_S)
        raise PluginError("voice_fetch_failed", voice=id, reason="the line is cut")

    monkeypatch.setattr(voices, "ensure_voice", fails)
    new = dialog.many.table.item(1, 0)
    new.setCheckState(Qt.CheckState.Unchecked)
    choice.get.click()
    new.setCheckState(Qt.CheckState.Checked)
    free.set()
    until(lambda: not choice.busy and not choice.box.isHidden())
    assert choice.voice() == JOE and not choice.note.text().startswith("“") and not choice.box.button.isVisible()
    assert "the line is cut" in choice.box.happened.text() and [wanted.options.voice for wanted in dialog.many.choices()] == [AMY, JOE]


def test_a_tick_for_all_books_is_for_the_voice_that_stood_there_then(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    paola = "it_IT-paola-medium"
    italian = Begun(paola, 1.0, 0.4, False, False, "Paola", to_come=True)
    dialog, choice, _here = begun_by_amy_who_is_to_come(room, monkeypatch, italian)
    table = dialog.many.table
    assert choice.voice() == AMY
    choice.keep.click()
    assert choice.kept() == AMY
    table.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    until(lambda: settled(dialog) and choice.voice() == paola)
    assert choice.keep.isVisible() and not choice.keep.isChecked() and choice.kept() == ""


def test_only_a_voice_that_reads_a_ticked_book_holds_convert(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a clone that cannot speak the language does."""
    spoken_by_joe(monkeypatch)
    chinese, english = room.book("Sun Tzu", "zho"), room.book("New")
    room.script.languages[chinese] = "zh"
    dialog = room.dialog(chinese, english)
    choice = dialog.many.voices["zh"].choice
    choice._fill(replace(choice._offers, voices=tuple(replace(voice, reason="It cannot speak Chinese.") for voice in choice._offers.voices)))
    assert choice.cannot() and not dialog.start.isEnabled() and not choice.get.isVisible()
    dialog.many.table.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    assert choice.cannot() and dialog.start.isEnabled()


def test_a_begun_book_that_goes_on_with_its_voice_in_a_window_of_several_makes_that_usual_for_no_other(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog, *_books = begun_in_chinese(room, monkeypatch)
    dialog.again.click()
    usual = voices.name_of(dialog.many.voices["zh"].choice._offers.preferred, room.context.resources)
    assert f"with these settings. Other books in Chinese are read by {usual}, as before. To be asked again" in dialog.where.text()
    dialog.start.click()
    assert prefs.load().voices == {} and not prefs.load().ask


@pytest.mark.parametrize("on_card", [False, True])
def test_beside_a_voice_by_which_no_book_is_read_stands_nothing_of_convert(room: Room, monkeypatch: pytest.MonkeyPatch, on_card: bool) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(speakers, "on_card", lambda device, resources: on_card)  # by which Joe is marked, who is not here
    many = room.dialog(room.book(), room.book("Two"), begun=by_espeak()).many
    line, pair = many.voices["en"].pair.lines[0], many.voices["en"].pair
    used = "“Play” or “Convert” downloads this voice first" if on_card else "Sounds natural"
    assert line.radio.isChecked() and used in line.about.text()
    assert all(one.about.text().split(" books.")[0].endswith("for 2") for one in pair.lines), "each as if it read them all"
    many.table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert pair.other.isChecked() and many.voices["en"].choice.voice() == "espeak" and "Convert" not in line.about.text()
    assert "“Play” downloads this voice first" in line.about.text() or not on_card
    line.radio.click()
    assert used in line.about.text()


@pytest.mark.parametrize("count", [1, 2])
def test_where_nobody_is_asked_a_tick_above_is_spoken_of_only_where_one_is(room: Room, count: int) -> None:
    prefs.save(prefs.Settings(ask=False))
    dialog = room.dialog(*(room.book(str(number)) for number in range(count)))
    choice = (dialog.one.voice if dialog.one is not None else dialog.many.voices["en"]).choice
    assert not dialog.where.isHidden() and "is for this conversion only. To be asked again, untick" in dialog.where.text()
    pick(choice.combo, "espeak")
    assert not choice.keep.isHidden() and "only, unless a tick above says that it is for all. To be asked again, untick" in dialog.where.text()


def test_where_nobody_is_asked_the_tick_for_audiobooks_from_elsewhere_is_one_above(room: Room) -> None:
    prefs.save(prefs.Settings(ask=False))
    dialog = room.dialog(*bought(room, "Listen", "Other"))
    assert dialog.many.foreign.usual.isEnabled() and "unless a tick above says" in dialog.where.text()
    dialog.many.foreign.radios["leave"].click()
    assert not dialog.many.foreign.usual.isEnabled() and "a tick above" not in dialog.where.text()


@pytest.mark.parametrize("count", [1, 2])
def test_as_long_as_the_folder_is_not_chosen_convert_says_what_it_waits_for(room: Room, tmp_path: Path, count: int) -> None:
    dialog = room.dialog(*bought(room, *map(str, range(count))))
    page = dialog.one or dialog.many
    words, near = "Choose the folder for the new audiobooks first.", dialog.one.estimate if dialog.one is not None else dialog.many.summary
    assert dialog.start.isEnabled() and dialog.start.toolTip() == "" and words not in near.text()
    page.foreign.radios["folder"].click()
    assert not dialog.start.isEnabled() and dialog.start.toolTip() == words and near.text().startswith(words) and near.isVisible()
    page.foreign._choose = lambda *asked: str(tmp_path)
    page.foreign.button.click()
    assert dialog.start.isEnabled() and dialog.start.toolTip() == "" and words not in near.text()


def test_a_begun_book_goes_on_where_its_own_voice_is_chosen_for_all(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    room.script.spoken = {"espeak": 77_960}
    many = room.dialog(room.book("Begun"), room.book("New"), begun=by_espeak(1.2)).many
    pick(many.voices["en"].choice.combo, "espeak")
    assert many.table.item(0, 3).text() == "Goes on with eSpeak NG at the speed 1.20\u00a0×: 50 % is spoken"


def test_where_other_books_come_first_the_time_begins_with_its_turn(room: Room) -> None:
    assert "turn" not in room.dialog(room.book()).one.estimate.text()
    room.context = replace(room.context, busy=lambda: True)
    assert room.dialog(room.book()).one.estimate.text().endswith("Other books come before it: it begins when its turn comes.")
    assert "they begin when their turn comes" in room.dialog(room.book(), room.book("Two")).many.summary.text()


def test_an_audiobook_that_will_be_replaced_says_who_spoke_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    ours = room.book("Ours", formats=("EPUB", "M4B"))
    room.script.existing[ours], room.script.standing[ours] = "ours", "different"
    assert room.dialog(ours).one.existing.text() == "This plugin made an audiobook of this book, spoken by Joe; the new one takes its place."


def test_an_audiobook_that_will_be_replaced_says_at_which_speed_it_was_spoken_where_that_is_another(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    ours = room.book("Ours", formats=("EPUB", "M4B"))
    room.script.existing[ours], room.script.standing[ours] = "ours", "different"
    report.kept_path(library.key_of(room.api, ours)).write_text(json.dumps({"schema": 1, "voice": JOE, "speed": 1.1, "sentences": []}), "utf-8")
    dialog = room.dialog(ours)
    made = "This plugin made an audiobook of this book, spoken by Joe"
    assert dialog.one.existing.text() == f"{made} at the speed 1.10\u00a0×; the new one takes its place."
    dialog.one.speed.spin.setValue(1.1)
    assert dialog.one.existing.text() == f"{made}; the new one takes its place."
    table = room.dialog(ours, room.book("New")).many.table
    anew = "Is made anew with Joe at the speed 1.00\u00a0×; it replaces the audiobook spoken by Joe at the speed 1.10\u00a0×"
    until(lambda: table.item(0, 3).text() == anew)


def test_a_window_that_is_shown_unasked_says_why_above_all_else(room: Room) -> None:
    why, book = "This window is shown because.", room.book()
    room.script.failures[broken := room.book("Broken")] = PluginError("drm")

    def above(*ids: int) -> tuple[bool, str]:
        dialog = room.dialog(*ids, why=why)
        page, first = dialog.one or dialog.many, dialog.many.table if dialog.many is not None else dialog.one.settings
        here, there = places(dialog, page.why, first)
        return here.y() < there.y() and page.why.isVisible(), page.why.text()

    assert above(book) == above(book, broken) == (True, why)
    assert not room.dialog(broken, why=why).one.why.isVisible(), "there is nothing to decide"
    assert not room.dialog(book).one.why.isVisible() and not room.dialog(book, broken).many.why.isVisible()


def test_a_window_that_comes_in_any_case_is_not_promised_never_to_come(room: Room) -> None:
    book = room.book()
    assert room.dialog(book).again.isVisible() and not room.dialog(book, why="It has to be.").again.isVisible()
    prefs.save(prefs.Settings(ask=False))
    asked, has_to_be = room.dialog(book), room.dialog(book, why="It has to be.")
    assert asked.again.isVisible() and "untick the box below" in asked.where.text()
    assert not has_to_be.again.isVisible() and has_to_be.where.isVisible() and "To be asked again" not in has_to_be.where.text()
    has_to_be.start.click()
    assert prefs.load().ask is False


def test_what_was_spoken_before_is_told_for_the_voice_that_is_chosen(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    monkeypatch.setattr(speeds, "learned", lambda key: {"cpu": 10.0})
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "espeak" if id == "espeak" else "piper", "files": {}})
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: Neural())
    room.script.spoken = {JOE: 77_960, "espeak": 155_921}
    one, ours = room.book(), room.book("Ours")
    dialog = room.dialog(one)
    assert "50 % of it was spoken before; about 8 min for the rest" in dialog.one.estimate.text()
    pick(dialog.one.voice.choice.combo, "espeak")
    until(lambda: "only the file is still to be made: ready in about 35 s" in dialog.one.estimate.text())
    dialog.one.speed.spin.setValue(1.25)
    until(lambda: settled(dialog) and not dialog.one.again.busy)
    room.script.spoken = {}
    dialog.one.speed.spin.setValue(1.5)
    until(lambda: "spoken before" not in dialog.one.estimate.text() and "ready in about 2 min" in dialog.one.estimate.text())
    room.script.existing[ours], room.script.standing[ours], room.script.spoken = "ours", "same", {JOE: 40_000}
    dialog = room.dialog(ours)
    assert "Nothing in it has changed since then, so its audiobook stays as it is." in dialog.one.existing.text() and dialog.one.estimate.isHidden()
    dialog.one.speed.spin.setValue(2.0)  # it will be another
    assert "takes its place" in dialog.one.existing.text() and not dialog.one.estimate.isHidden()
    several = room.dialog(one, ours)
    table = several.many.table
    assert table.item(0, 3).text() == "Ready to start; 25 % was spoken before" and "nothing has changed" in table.item(1, 3).text()


def spoken_by_joe(monkeypatch: pytest.MonkeyPatch) -> None:
    """He is here, and our audiobooks are his by their reports."""
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "espeak" if id == "espeak" else "piper", "files": {}})
    monkeypatch.setattr(audiobooks, "speaker_in", lambda head: (JOE, "Joe"))


def test_who_spoke_an_audiobook_is_known_by_its_report(room: Room) -> None:
    book = room.book()
    assert audiobooks.speaker_in(audiobooks.head_of_report(room.api, book)) == ("", "")
    kept = report.kept_path(library.key_of(room.api, book))
    kept.write_text(json.dumps({"schema": 1, "voice": JOE, "voice_name": "Joe", "sentences": []}), "utf-8")
    assert audiobooks.speaker_in(audiobooks.head_of_report(room.api, book)) == (JOE, "Joe")
    for torn in ("{", "[]", '{"voice": null}'):
        kept.write_text(torn, "utf-8")
        assert audiobooks.speaker_in(audiobooks.head_of_report(room.api, book)) == ("", "")


def test_in_the_table_too_it_is_told_what_another_voice_or_speed_does_to_what_is_there(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    new, ours = room.book("New"), room.book("Ours", formats=("EPUB", "M4B"))
    room.script.existing[ours], room.script.standing[ours], room.script.spoken = "ours", "same", {JOE: 155_921}
    dialog = room.dialog(new, ours)
    table, combo = dialog.many.table, dialog.many.voices["en"].choice.combo

    def states() -> tuple[str, str]:
        return table.item(0, 3).text(), table.item(1, 3).text()

    assert states() == ("Ready to start; all of it was spoken before", "Its audiobook stays as it is: nothing has changed")
    assert dialog.many.summary.text().startswith("Books to convert: 1. About 2 h 35 min")
    assert dialog.many.summary.text().endswith(" Unchanged, so that the audiobook stays as it is: 1.")
    room.script.looked.clear()
    room.script.standing[ours] = "different"
    pick(combo, "espeak")
    anew = "Is made anew with eSpeak NG; it replaces the audiobook spoken by Joe"
    assert states() == ("Ready to start", anew) and dialog.many.summary.text().startswith("Books to convert: 2. About 5 h")
    until(lambda: room.script.looked == [ours, new] and not dialog.many.again.busy)
    assert states() == ("Ready to start", anew)
    room.script.standing[ours] = "same"
    pick(combo, JOE)
    until(lambda: states() == ("Ready to start; all of it was spoken before", "Its audiobook stays as it is: nothing has changed"))
    room.script.spoken, room.script.standing[ours] = {}, "different"
    dialog.many.speed.spin.setValue(1.3)
    until(lambda: states() == ("Ready to start", "Is made anew with Joe; it replaces the audiobook that is there"))
    until(lambda: not dialog.many.again.busy)
    looked = len(room.script.looked)
    table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    pick(combo, "en_US-amy-medium")  # who is not here: nobody can know
    assert not dialog.many.again.busy and len(room.script.looked) == looked
    assert table.item(0, 3).text().startswith("Ready to start, after a download of ")


def test_a_book_is_as_long_in_a_window_of_its_own_as_among_others(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    book = room.book("Flatland", formats=("EPUB", "M4B"))
    room.script.existing[book], room.script.standing[book] = "ours", "different"
    one, many = room.dialog(book).one, room.dialog(book, room.book("Other")).many
    length = many.table.item(0, 2).text().splitlines()[0]
    assert length.endswith("min") and one.estimate.text().startswith(f"About {length} of audio")


def test_what_cannot_be_known_of_a_book_is_not_asked_for_ever(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    one, other = room.book(), room.book("Other")
    dialog = room.dialog(one, other)
    room.script.looked.clear()
    room.script.failures[one] = PluginError("engine_died")
    dialog.many.speed.spin.setValue(1.3)
    until(lambda: len(room.script.looked) == 2 and not dialog.many.again.busy)
    dialog.many.speed.spin.setValue(1.0)
    until(lambda: len(room.script.looked) >= 3 and not dialog.many.again.busy)
    assert sorted(room.script.looked) == [one, other, other]  # the one is known as it was


def places(window: Any, *widgets: Any) -> list[QPoint]:
    for _ in range(20):
        QApplication.processEvents()
    return [widget.mapTo(window, QPoint(0, 0)) for widget in widgets]


def test_nothing_that_can_be_clicked_moves_when_what_is_said_changes(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    book = room.book("Flatland", formats=("EPUB", "M4B"))
    room.script.existing[book], room.script.standing[book] = "foreign", "same"
    mi = Metadata("Flatland (audiobook)", ["Edwin Abbott"])
    mi.set_identifiers({"audiobook-of": room.api.field_for("uuid", book)})
    room.api.create_book_entry(mi)
    dialog = room.dialog(book)
    one = dialog.one
    shown = [*one.foreign.radios.values(), one.device.combo, one.speed.slider, one.contents, dialog.again, dialog.start]
    before = places(dialog, *shown)
    for radio in one.foreign.radios.values():
        radio.click()
        assert places(dialog, *shown) == before
    dialog.again.click()
    assert places(dialog, *shown) == before
    room.script.standing[book], room.script.spoken = "different", {JOE: 40_000}
    one.foreign.radios["record"].click()
    one.speed.spin.setValue(1.3)
    until(lambda: "takes its place" in one.existing.text() and "25 %" in one.estimate.text() and not one.again.busy)
    assert places(dialog, *shown) == before
    other = room.book("Other")
    several = room.dialog(book, other)
    many = several.many
    shown = [*many.foreign.radios.values(), many.voices["en"].choice.combo, many.device.combo, many.speed.slider, several.again, several.start]
    before, rows = places(several, *shown), [many.table.rowViewportPosition(n) for n in range(2)]
    for radio in many.foreign.radios.values():
        radio.click()
        assert places(several, *shown) == before and [many.table.rowViewportPosition(n) for n in range(2)] == rows
    many.speed.spin.setValue(1.5)
    until(lambda: not many.again.busy)
    assert places(several, *shown) == before


def test_devices_can_be_chosen_as_long_as_one_voice_needs_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE, "it_IT-paola-medium"}))
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "espeak" if id == "espeak" else "piper", "files": {}})
    english, italian = room.book("English"), room.book("Italian", "ita")
    room.script.languages[italian] = "it"
    dialog = room.dialog(english, italian)
    combos = [dialog.many.voices[language].choice.combo for language in ("en", "it")]
    device = dialog.many.device.combo
    pick(combos[0], "espeak")
    until(lambda: settled(dialog))
    assert device.isEnabled() and "always" not in device.currentText()
    pick(combos[1], "espeak")
    until(lambda: settled(dialog) and not device.isEnabled())
    pick(combos[0], "en_US-amy-medium")  # not here yet
    until(lambda: settled(dialog) and device.isEnabled())


def test_another_voice_is_proposed_for_a_book_whose_voice_could_not_be_had(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = installed_resources()
    first = offers("zh", resources, {}).preferred
    assert offers("zh", resources, {}, here=True).preferred == "espeak"
    monkeypatch.setattr(voices, "is_here", lambda id, resources: id in (JOE, "espeak"))
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    alan = {"en": "en_GB-alan-medium"}
    assert offers("en", resources, alan).preferred == alan["en"] and offers("en", resources, alan, here=True).preferred == JOE
    book = room.book("Sun Tzu", "zho")
    room.script.languages[book] = "zh"
    dialog = room.dialog(book, another=True)
    choice = dialog.one.voice.choice
    assert choice.voice() == "espeak" and "is not on this computer, so" in choice.note.text() and choice.combo.findData(first) >= 0
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "espeak" and prefs.load().voices == {}
    dialog = room.dialog(book, another=True)
    dialog.again.click()
    assert dialog.one.voice.choice.keep.isChecked() and not dialog.one.voice.choice.keep.isHidden()
    dialog.start.click()
    assert prefs.load().voices == {"zh": "espeak"}


def test_our_audiobook_beside_a_foreign_one_is_named_and_brought_up_to_date(room: Room) -> None:
    id = room.book("Flatland", formats=("EPUB", "M4B"))
    room.script.existing[id], room.script.standing[id] = "foreign", "same"
    mi = Metadata("Flatland (audiobook)", ["Edwin Abbott"])
    mi.set_identifiers({"audiobook-of": room.api.field_for("uuid", id)})
    room.api.create_book_entry(mi)
    dialog = room.dialog(id)
    one = dialog.one
    assert "“Flatland (audiobook)”" in one.foreign.intro.text() and "brought up to date" in one.foreign.radios["record"].text()
    assert one.foreign.entry.isHidden(), "it stands there"
    assert "stays as it is" in one.existing.text()
    one.foreign.radios["replace"].click()
    stays = "“Flatland (audiobook)”, stays, and is still the one that the menu opens and later conversions renew."
    assert one.existing.text().replace("\u200b", "").endswith(stays)


def test_in_the_table_one_sentence_says_what_becomes_of_ours_and_of_a_foreign_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken_by_joe(monkeypatch)
    id = room.book("Flatland", formats=("EPUB", "M4B"))
    room.script.existing[id], room.script.standing[id] = "foreign", "different"
    mi = Metadata("Flatland (audiobook)", ["Edwin Abbott"])
    mi.set_identifiers({"audiobook-of": room.api.field_for("uuid", id)})
    room.api.create_book_entry(mi)
    dialog = room.dialog(id, room.book("Other"))
    many = dialog.many
    assert many.table.item(0, 3).text() == "This plugin's own is made anew with Joe; the one from elsewhere stays"
    pick(many.voices["en"].choice.combo, "espeak")
    assert many.table.item(0, 3).text() == "This plugin's own, spoken by Joe, is made anew with eSpeak NG; the one from elsewhere stays"


def test_a_book_that_is_being_converted_says_so_before_it_is_asked_for_again(room: Room) -> None:
    one, other = room.book(), room.book("Other")
    room.context = replace(room.context, queued=lambda id: id == one, waits_with=lambda id: "Anna")
    dialog = room.dialog(one)
    assert dialog.one.queued.text().endswith(" It is spoken by Anna.") and dialog.one.settings.isHidden(), "nothing that it will not be"
    assert "the Jobs list shows how far" in dialog.one.queued.text() and not dialog.one.queued.isHidden() and not dialog.start.isEnabled()
    assert dialog.again.isHidden() and dialog.where.isHidden(), "nothing is chosen here"
    assert dialog.leave.text() == "&Close", "which ends no conversion"
    dialog = room.dialog(one, other)
    assert dialog.leave.text() == "&Cancel" and not dialog.again.isHidden() and " Started already: 1." in dialog.many.summary.text()
    assert dialog.many.table.item(0, 1).text() == "Anna" and dialog.many.table.item(0, 3).icon().isNull()
    assert dialog.many.table.item(0, 3).text() == "Started already: see the Jobs list" and [choice.id for choice in dialog.many.choices()] == [other]


@pytest.mark.parametrize("field", ["voice", "device", "slider", "spin"])
def test_the_wheel_scrolls_and_changes_nothing(room: Room, field: str) -> None:
    dialog = room.dialog(room.book())
    one = dialog.one
    widget = {"voice": one.voice.choice.combo, "device": one.device.combo, "slider": one.speed.slider, "spin": one.speed.spin}[field]
    dialog.again.setFocus()
    before = one.voice.choice.voice(), one.device.combo.currentIndex(), one.speed.speed()
    for down in (-120, 120):
        at = QPointF(5, 5)
        event = QWheelEvent(
            *(at, widget.mapToGlobal(at), QPoint(), QPoint(0, down), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier),
            *(Qt.ScrollPhase.NoScrollPhase, False),
        )
        QApplication.sendEvent(widget, event)
        assert (one.voice.choice.voice(), one.device.combo.currentIndex(), one.speed.speed()) == before
    assert not widget.hasFocus() and widget.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_who_starts_before_the_devices_are_known_keeps_the_chosen_one(room: Room) -> None:
    prefs.change(device="cuda:0")
    room.script.free.clear()
    dialog = room.dialog(room.book(), finish=False)
    dialog.accept()
    assert dialog.choices()[0].options.device == "cuda:0" and prefs.load().device == "cuda:0"


def test_a_device_that_is_not_there_now_stays_chosen(room: Room) -> None:
    prefs.change(device="cuda:7")
    dialog = room.dialog(room.book())
    dialog.accept()
    assert dialog.choices()[0].options.device == "auto" and prefs.load().device == "cuda:7"


def test_a_voice_for_a_book_without_a_language_is_nobodys_default(room: Room) -> None:
    dialog = room.dialog(id := room.book(language=""), finish=False)
    room.script.languages[id] = ""
    until(lambda: not dialog._looker.running and settled(dialog))
    pick(dialog.one.voice.choice.combo, voices.ESPEAK)
    dialog.accept()
    assert dialog.choices()[0].options.voice == voices.ESPEAK and prefs.load().voices == {}


def test_before_a_books_language_is_known_no_voice_is_chosen_for_it(room: Room) -> None:
    room.script.free.clear()
    english, unknown = room.book("English"), room.book("Nobody knows", language="")
    room.script.languages[unknown] = "de"
    dialog = room.dialog(english, unknown, finish=False)
    until(lambda: dialog.many.voices and settled(dialog))
    assert set(dialog.many.voices) == {"en"}
    assert dialog.many.choices()[0].options.voice and dialog.many.choices()[1].options.voice is None
    room.script.free.set()
    until(lambda: not dialog._looker.running and settled(dialog))
    assert set(dialog.many.voices) == {"en", "de"} and dialog.many.choices()[1].options.voice


@pytest.mark.parametrize(
    ("language", "code", "named", "about"),
    [
        ("", "", "No language given, so it is read as English", "It reads English and sounds mechanical."),
        ("afr", "af", "Afrikaans", "It reads Afrikaans and sounds mechanical."),
        ("bre", "br", "Breton", "No voice here reads Breton. eSpeak NG does not know Breton and reads it by the rules of English"),
        ("jpn", "ja", "Japanese", "No voice here reads Japanese. eSpeak NG does not read the script of Japanese: it names most of its characters"),
    ],
)
def test_the_window_names_the_book_s_language_and_what_espeak_makes_of_it(room: Room, language: str, code: str, named: str, about: str) -> None:
    room.script.languages[id := room.book(language=language)] = code
    dialog = room.dialog(id)
    assert dialog.one.authors.text() == f"Charles Dickens · {named}"
    pick(dialog.one.voice.choice.combo, "espeak")
    assert dialog.one.voice.choice.note.text().startswith(about)
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "espeak", "it may be wanted all the same"


def test_among_several_books_one_that_nobody_reads_is_converted_only_if_that_is_said(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    books = [room.book(), room.book("Umi", "jpn"), room.book("Enez", "bre"), room.book("Boek", "afr")]
    room.script.languages |= dict(zip(books[1:], ("ja", "br", "af"), strict=True))
    dialog = room.dialog(*books)
    many, table = dialog.many, dialog.many.table
    states = [table.item(row, 3).text() for row in range(4)]
    assert [table.is_ticked(row) for row in range(4)] == [True, False, False, True]
    asks = "No voice here reads {}. Tick the book to convert it all the same"
    assert states[1:] == [asks.format("Japanese"), asks.format("Breton"), "Ready to start"]
    assert "names most of its characters" in table.item(1, 3).toolTip() and "choose another voice" in table.item(1, 3).toolTip()
    assert [choice.id for choice in many.choices()] == [books[0], books[3]]
    table.item(1, 0).setCheckState(Qt.CheckState.Checked)
    assert table.is_ticked(1) and table.item(1, 3).text() == "Ready to start, but no voice here reads Japanese"
    pick(many.voices["br"].choice.combo, JOE)
    assert table.is_ticked(2) and "no voice" not in table.item(2, 3).text(), "a voice was chosen for it"
    pick(many.voices["br"].choice.combo, "espeak")
    assert table.is_ticked(2) and table.item(2, 3).text() == "Ready to start, but no voice here reads Breton", "so it was by hand"
    dialog.start.click()
    assert [choice.id for choice in dialog.choices()] == books
    prefs.change(voices={"ja": "espeak"})
    usual = room.dialog(*books[:2]).many.table
    assert usual.is_ticked(1) and usual.item(1, 3).text() == "Ready to start", "who chose eSpeak for the language was told"


@pytest.mark.parametrize("ask", [True, False])
def test_who_is_told_that_espeak_does_not_read_a_language_can_make_it_usual_all_the_same(room: Room, ask: bool) -> None:
    prefs.change(ask=ask)  # without, the window opens for such a book
    room.script.languages[id := room.book(language="bre")] = "br"
    dialog = room.dialog(id)
    keep = dialog.one.voice.choice.keep
    assert keep.text() == "Use this voice for all books in Breton from now on" and not keep.isHidden() and not keep.isChecked()
    (dialog.again if ask else keep).click()
    assert keep.isChecked() and keep.isEnabled() != ask
    dialog.start.click()
    assert prefs.load().voices == {"br": "espeak"} and not prefs.load().ask
    assert room.dialog(id).one.voice.choice.keep.isHidden()


def test_of_several_books_one_that_is_left_out_makes_espeak_usual_for_no_language(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    books = [room.book(), room.book("Umi", "jpn"), room.book("Enez", "bre")]
    room.script.languages |= dict(zip(books[1:], ("ja", "br"), strict=True))
    dialog = room.dialog(*books)
    dialog.again.click()
    dialog.many.table.item(2, 0).setCheckState(Qt.CheckState.Checked)
    assert [dialog.many.voices[language].choice.keep.isChecked() for language in ("ja", "br")] == [False, True]
    dialog.start.click()
    assert prefs.load().voices == {"br": "espeak"} and not prefs.load().ask


def test_a_tick_that_the_user_took_away_is_never_set_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    books = [room.book(), room.book("Enez", "bre")]
    room.script.languages[books[1]] = "br"
    many = room.dialog(*books).many
    for state in (Qt.CheckState.Checked, Qt.CheckState.Unchecked):
        many.table.item(1, 0).setCheckState(state)
    pick(many.voices["br"].choice.combo, JOE)
    assert not many.table.is_ticked(1)


def test_a_book_that_espeak_has_begun_keeps_its_tick_at_any_speed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    books = [room.book("Enez", "bre"), room.book()]
    room.script.languages[books[0]] = "br"
    dialog = room.dialog(*books, begun=by_espeak())
    many = dialog.many
    dialog.again.click()
    for speed, anew in ((1.0, False), (1.1, True)):
        many.speed.spin.setValue(speed)
        assert many.table.is_ticked(0) and [choice.id for choice in many.choices()] == books
        assert many.voices["br"].choice.keep.isChecked() == anew, "going on makes nothing usual"


def test_a_book_in_a_language_that_nobody_reads_and_that_cannot_be_converted_has_no_box(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    books = [room.book(), room.book("Umi", "jpn")]
    room.script.failures[books[1]] = PluginError("drm")
    room.script.free.clear()
    dialog = room.dialog(*books, finish=False)
    first = dialog.many.table.item(1, 0)
    until(lambda: settled(dialog) and "ja" in dialog.many.voices and first.checkState() == Qt.CheckState.Unchecked)
    room.script.free.set()
    until(lambda: not dialog._looker.running and settled(dialog))
    assert "DRM" in dialog.many.table.item(1, 3).text() and first.data(Qt.ItemDataRole.CheckStateRole) is None


def test_where_a_voice_of_the_user_s_own_reads_the_language_the_table_does_not_deny_it(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    (mine := tmp_path / "mine.onnx").write_bytes(b"model")
    prefs.change(files={str(mine): "ja"})
    books = [room.book(), room.book("Umi", "jpn")]
    room.script.languages[books[1]] = "ja"
    many = room.dialog(*books).many
    assert many.voices["ja"].choice.combo.findData(str(mine)) >= 0
    assert many.table.item(1, 3).text() == "eSpeak NG does not read Japanese. Tick the book to convert it all the same"
    many.table.item(1, 0).setCheckState(Qt.CheckState.Checked)
    assert many.table.item(1, 3).text() == "Ready to start, but eSpeak NG does not read Japanese"


def test_a_preview_that_was_stopped_and_the_next_one_never_share_a_file(room: Room, tmp_path: Path) -> None:
    previews, ended = Previews(room.context), threading.Event()
    room.script.free.clear()

    def speak(voice: str) -> None:
        with suppress(Stopped):
            previews.make(Said(SAMPLE, "en", voice, "cpu", 1.0), None, ended.is_set)

    threads = [threading.Thread(target=speak, args=(voice,)) for voice in (JOE, voices.ESPEAK)]
    for thread in threads:
        thread.start()
    until(lambda: len(room.script.said) == 2)
    room.script.free.set()
    for thread in threads:
        thread.join()
    first, second = previews._made.values()
    assert first != second and first.exists()
    previews.close()
    assert not first.parent.exists()
    with pytest.raises(Stopped):
        previews.make(Said(SAMPLE, "en", JOE, "cpu", 2.0), None, ended.is_set)


def test_play_downloads_a_voice_of_the_list_and_then_speaks_by_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    fails, here = [True], {JOE}

    def ensure(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        progress("fetch", 0.5, "Downloading the voice")
        if fails[0]:
            raise PluginError("voice_fetch_failed", voice="Amy", reason="the line is cut")
        here.add(id)

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    monkeypatch.setattr(voices, "here", lambda resources: frozenset(here))
    spoken = room.dialog(room.book()).one.voice
    pick(spoken.choice.combo, AMY)
    seen: list[int] = []
    spoken.play.stepped.connect(lambda step: seen.append(spoken.choice.bar.value()))
    spoken.play.click()
    until(lambda: not spoken.box.isHidden())
    assert "the line is cut" in spoken.box.happened.text() + spoken.box.next.text() and seen == [500] and spoken.choice.bar.isHidden()
    assert room.script.said == [] and not spoken.choice.get.isHidden()
    fails[0] = False
    spoken.play.click()
    until(lambda: bool(room.script.said) and spoken.choice.is_here())
    assert room.script.said[0][1] == spoken.choice.voice() == AMY and spoken.choice.get.isHidden() and spoken.choice.bar.isHidden() and spoken.box.isHidden()


def test_cancelling_keeps_nothing(room: Room) -> None:
    dialog = room.dialog(room.book())
    dialog.one.speed.spin.setValue(2.0)
    press(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible() and dialog.choices() == [] and prefs.load() == prefs.Settings()


def test_play_speaks_a_sentence_of_this_book_to_its_end(room: Room) -> None:
    dialog = room.dialog(room.book())
    spoken = dialog.one.voice
    assert spoken.play.isEnabled() and spoken.play.toolTip().startswith("Downloads this voice, ")
    pick(spoken.choice.combo, "espeak")
    dialog.one.speed.spin.setValue(0.8)
    heard: list[str] = []
    dialog.player.started.connect(lambda: heard.append(spoken.play.text()))
    dialog.player.ended.connect(lambda: heard.append("ended"))
    spoken.play.click()
    assert spoken.play.text() == "Preparing…"
    until(lambda: "ended" in heard)
    assert heard == ["Stop", "ended"] and spoken.play.text() == "Play"
    assert room.script.said == [(SAMPLE, "espeak", "en-GB", "auto", 0.8)]
    assert "ready in about" in dialog.one.estimate.text()  # the preview has measured
    spoken.play.click()
    until(lambda: heard.count("ended") == 2)
    assert len(room.script.said) == 1


def test_who_has_no_usual_voice_is_offered_heart_and_joe_side_by_side_each_with_its_time_and_its_own_play(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    fetched: list[str] = []
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *about: fetched.append(id))
    room.script.seconds = 60.0
    dialog = room.dialog(room.book())
    spoken, (heart, joe) = dialog.one.voice, dialog.one.voice.pair.lines
    assert heart.radio.isChecked() and dialog.one.voice.choice.combo.isHidden() and spoken.play.isHidden() and not spoken.pair.isHidden()
    assert [line.radio.text() for line in (heart, joe)] == ["Heart (US, woman)", "Joe (US, man)"]
    free = "You may give away and sell what the voice speaks."
    assert heart.about.text() == f"Sounds natural and speaks fast on any computer. About 6 min for this book. {free}", "also when she is here"
    about = "Slower than Heart on the CPU; a graphics card can speak it, too. "
    about += "5 min to 21 min for this book. “Play” downloads this voice first (63 MB). You may listen at home."
    assert joe.about.text().startswith(about), "nobody has measured here"
    assert "Blizzard" not in joe.about.text() and "Blizzard" in joe.radio.accessibleDescription() and "Blizzard" in joe.radio.toolTip()
    assert "Apache 2.0" in heart.radio.accessibleDescription(), "what is heard has the licence, too"
    assert "ready in about 6 min" in dialog.one.estimate.text()
    assert dialog.one.device.combo.currentText() == "This voice: always the CPU"
    for line, name in ((heart, "heart"), (joe, JOE)):  # the second ends the first
        line.play.click()
        until(lambda line=line: line.play.text() == "Stop")
        assert room.script.said[-1] == (SAMPLE, name, "en-GB", "auto", 1.0)
    assert heart.play.text() == "Play" and fetched == [JOE]
    joe.play.click()
    assert joe.play.text() == "Play" and heart.radio.isChecked(), "who is heard is not chosen yet"
    until(lambda: settled(dialog))
    assert "About 8 min for this book" in joe.about.text()  # Joe spoke 20 times as fast as he is listened to
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "heart" and not dialog.choices()[0].options.fetch and prefs.load().voices == {}


def test_while_play_downloads_the_bar_says_whom_and_how_much_is_here(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)

    def ensure(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        progress("fetch", 0.2, Amount("", 12.4, 63.1))
        while not stopped():
            time.sleep(0.005)
        raise Stopped

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    pair = room.dialog(room.book()).one.voice.pair
    pair.lines[1].play.click()
    until(lambda: not pair.bar.isHidden())
    assert plain(pair.bar.format()) == "Downloading Joe: 12 of 63 MB"
    pair.lines[1].play.click()
    until(lambda: pair.bar.isHidden())


def test_a_voice_of_which_less_is_said_keeps_its_room_so_that_the_next_does_not_move(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    pair = room.dialog(room.book()).one.voice.pair
    heart, joe = pair.lines
    pair.set_times({"heart": "About 6 min for this book. " * 9})
    until(lambda: heart.about.height() > 3 * heart.about.fontMetrics().lineSpacing())
    before = joe.radio.y()
    pair.set_times({})
    for _turn in range(3):
        QApplication.processEvents()
    assert "6 min" not in heart.about.text() and joe.radio.y() == before


def test_once_heart_was_heard_joe_s_time_is_known_about_too(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(speeds, "learned", lambda key: {"cpu": 18.0} if key == speeds.machine() else {})
    dialog = room.dialog(room.book())
    heart, joe = dialog.one.voice.pair.lines
    assert "About 3 min for this book." in heart.about.text() and "About 8 min for this book." in joe.about.text()
    joe.radio.click()
    until(lambda: settled(dialog))
    assert "ready in about 8 min." in dialog.one.estimate.text(), "though he is not here yet"


def test_what_a_voice_s_licence_allows_stays_beside_it_when_it_is_here(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr("calibre_plugins.e2a.plugin.speaking.proposing.missing", lambda *about: ())
    heart, joe = room.dialog(room.book()).one.voice.pair.lines
    assert "downloads" not in joe.about.text() and "You may listen at home. Do not sell what the voice speaks;" in joe.about.text()
    for line, other in ((heart, joe), (joe, heart)):
        other.box.set_error(PluginError("sound_unheard"), {})
        line.play.click()
        assert other.box.isHidden(), "one sentence about what was pressed last"
        line.play.stop()


def test_joe_is_a_click_or_an_arrow_key_away_and_may_become_usual(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    id = room.book()
    dialog = room.dialog(id)
    spoken, (heart, joe) = dialog.one.voice, dialog.one.voice.pair.lines
    assert spoken.choice.keep.isHidden()
    dialog.activateWindow()
    until(dialog.isActiveWindow)
    heart.radio.setFocus()
    press(heart.radio, Qt.Key.Key_Down)
    until(lambda: settled(dialog))
    assert joe.radio.isChecked() and spoken.choice.voice() == JOE and spoken.choice.get.isHidden() and spoken.choice.note.isHidden()
    assert "“Play” or “Convert” downloads this voice first (63 MB)." in joe.about.text(), "told once"
    press(joe.radio, Qt.Key.Key_Up)
    assert spoken.choice.voice() == "heart" and spoken.choice.note.isHidden() and spoken.choice.get.isHidden()
    joe.radio.click()
    assert spoken.choice.keep.text() == "Use this voice for all books in English from now on"
    spoken.choice.keep.click()
    dialog.start.click()
    assert (dialog.choices()[0].options.voice, dialog.choices()[0].options.fetch, prefs.load().voices) == (JOE, True, {"en": JOE})
    dialog = room.dialog(id)
    spoken, (heart, joe) = dialog.one.voice, dialog.one.voice.pair.lines
    assert joe.radio.isChecked() and spoken.choice.voice() == JOE and spoken.choice.keep.isHidden() and spoken.choice.combo.isHidden()
    heart.radio.click()
    spoken.choice.keep.click()
    dialog.start.click()
    assert prefs.load().voices == {"en": "heart"}, "who once chose may hear both and choose anew"
    dialog = room.dialog(id)
    assert dialog.one.voice.pair.lines[0].radio.isChecked()


def test_a_time_beside_a_voice_leaves_out_what_it_has_spoken_before(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    room.script.spoken = {"heart": 78_000}
    ids = [room.book(), room.book("Two")]

    def offered(pair: Any) -> str:
        return str(pair.lines[0].about.text())

    dialog = room.dialog(ids[0])
    pick(dialog.one.voice.choice.combo, "heart")
    until(lambda: settled(dialog) and not dialog.one.again.busy)
    assert "About 3 min for the rest of this book." in offered(dialog.one.voice.pair) and "about 3 min for the rest" in dialog.one.estimate.text()
    several = room.dialog(*ids)
    pick(several.many.voices["en"].choice.combo, "heart")
    until(lambda: settled(several) and not several.many.again.busy)
    assert "About 7 min for the rest of 2 books." in offered(several.many.voices["en"].pair)


def test_the_time_beside_a_voice_is_the_one_below_also_where_a_book_has_a_speed_of_its_own(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    room.script.spoken = {"heart": 78_000}
    many = room.dialog(room.book(), room.book("Two"), begun=Begun("heart", 0.6, 0.5, True, True, "Heart")).many
    beside, below = (re.search(r"[Aa]bout (\d+) min for the rest", text) for text in (many.voices["en"].pair.lines[0].about.text(), many.summary.text()))
    assert beside is not None and below is not None and beside[1] == below[1]
    assert int(below[1]) > 7, "two books at the usual speed take as long"


def test_each_of_two_voices_keeps_its_own_time_whichever_is_chosen(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    room.script.spoken = {"heart": 78_000}
    dialog = room.dialog(room.book(), begun=Begun("heart", 1.0, 0.4, True, False, "Heart"))
    one, (heart, joe) = dialog.one, dialog.one.voice.pair.lines
    rest, heart_box = "About 3 min for the rest of this book.", heart.box
    assert rest in heart.about.text()
    heart_box.set_error(PluginError("sound_unheard"), {})
    pick(one.voice.choice.combo, "espeak")
    assert rest in heart.about.text() and heart_box.isHidden(), "what was wrong with one's sound is not the other's"
    until(lambda: settled(dialog) and not one.again.busy)
    assert rest in heart.about.text() and "rest" not in joe.about.text()
    assert one.begun.text().endswith("with eSpeak NG it begins anew. It goes on if you choose Heart.")


def test_two_voices_times_are_for_the_same_books_or_there_are_none(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    done, look = room.book("Done", formats=("EPUB", "M4B")), room.script.look

    def by_heart(source: FromLibrary, show: Any, stopped: Any, way: Way) -> Known:
        room.script.standing[done] = "same" if way.voice == "heart" else "different"
        return look(source, show, stopped, way)

    monkeypatch.setattr(room.script, "look", by_heart)
    room.script.existing[done] = "ours"
    many = room.dialog(done, room.book("New")).many
    heart, joe = (line.about.text() for line in many.voices["en"].pair.lines)
    assert " for 1 book. The other one stays as it is." in heart
    assert "for 2 books." in joe and "stays" not in joe, "what is made already has no share in her time; he would speak it anew"
    room.script.free.clear()
    dialog = room.dialog(room.book("One"), room.book("Other"), finish=False)
    until(lambda: dialog.many.voices and settled(dialog) and dialog.many.voices["en"].pair.cards)
    assert not any(" books" in line.about.text() for line in dialog.many.voices["en"].pair.lines), "not all were looked at"
    room.script.free.set()
    until(lambda: all("for 2 books." in line.about.text() for line in dialog.many.voices["en"].pair.lines))


def test_what_is_finished_and_unchanged_has_no_rest(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    id = room.book("Ours", formats=("EPUB", "M4B"))
    room.script.existing[id], room.script.standing[id], room.script.spoken = "ours", "same", {"heart": 155_921}
    dialog, both = room.dialog(id), room.dialog(id, room.book("Two"))
    heart, _joe = dialog.one.voice.pair.lines
    assert "Nothing in it has changed since then" in dialog.one.existing.text() and "min for" not in heart.about.text(), heart.about.text()
    assert heart.about.text() and "for 1 book, as all of it was spoken before." in both.many.voices["en"].pair.lines[0].about.text()


def test_the_list_of_all_voices_has_room_without_another_shape_of_the_form(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    dialog = room.dialog(room.book())
    one = dialog.one
    dialog.resize(one.settings._side_by_side() + dialog.width() - one.settings.width(), dialog.height())
    until(lambda: not one.settings._narrow)
    one.voice.pair.other.click()
    until(lambda: not dialog._fit.isActive())
    assert not one.voice.choice.combo.isHidden() and not one.settings._narrow and one.settings.width() >= one.settings._side_by_side()


def test_a_voice_that_is_in_the_list_no_more_is_not_taken_for_the_first_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    dialog = room.dialog(room.book())
    spoken, (heart, joe) = dialog.one.voice, dialog.one.voice.pair.lines
    joe.radio.click()
    spoken.choice.combo.removeItem(spoken.choice.combo.findData("heart"))
    heart.radio.click()
    assert spoken.choice.voice() == JOE and joe.radio.isChecked()
    pick(spoken.choice.combo, "fenrir")
    listed = voices.offers
    monkeypatch.setattr(voices, "offers", lambda *asked: [voice for voice in listed(*asked) if voice.id != "fenrir"])
    catalogue = voices.catalogue(room.context.resources)
    monkeypatch.setattr(voices, "catalogue", lambda resources: {id: voice for id, voice in catalogue.items() if id != "fenrir"})
    spoken.choice.look_again()
    until(lambda: settled(dialog))
    assert spoken.choice.voice() == "heart" and spoken.choice.picked() == "", "who is gone was chosen by nobody"


def test_where_heart_is_not_here_her_like_are_told_with_what_they_need_of_the_engine(room: Room) -> None:
    book, other = room.book(), room.book("Two")
    dialog = room.dialog(book)
    combo = dialog.one.voice.choice.combo
    assert combo.itemText(combo.findData("fenrir")).endswith(": 22 MB to get"), "8 MB of its own, 14 MB of the package"
    pick(combo, "fenrir")
    until(lambda: settled(dialog))
    assert dialog.one.device.combo.currentText() == "This voice: always the CPU", "as Heart, before she is here"
    several = room.dialog(book, other)
    pick(several.many.voices["en"].choice.combo, "fenrir")
    until(lambda: settled(several))
    assert several.many.voices["en"].choice.size_bytes() > 21e6 and "22 MB" in several.many.table.item(0, 3).text()


def test_what_kokoro_takes_is_told_and_that_it_is_slow(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin.speaking import calibre_kokoro

    about = {"url": "https://example.org/x", "sha256": "ab" * 32, "size": 3}
    bella = {**about, "url": "https://example.org/af_bella.bin", "lang": "a", "name": "Bella", "gender": "f", "grade": "A"}
    listed = {"model": about, "languages": {"a": {"lang": "en", "country": "US"}}, "voices": {"af_bella": bella}}
    for name in (f"kokoro-{'ab' * 6}", f"af_bella-{'ab' * 6}.bin"):
        (tmp_path / name).write_bytes(b"abc")
    monkeypatch.setattr(calibre_kokoro, "_calibre", lambda: (json.dumps(listed).encode(), tmp_path))
    id = room.book()
    dialog = room.dialog(id, room.book("Two"))
    pick(dialog.many.voices["en"].choice.combo, "kokoro-af_bella")
    until(lambda: settled(dialog))
    assert dialog.many.table.item(0, 3).text() == "Ready to start, after a download of 14 MB", "of the engine, for how English is said"
    with_heart(monkeypatch)
    dialog = room.dialog(id)
    pick(dialog.one.voice.choice.combo, "kokoro-af_bella")
    until(lambda: settled(dialog) and "always" in dialog.one.device.combo.currentText())
    assert "takes its time" in dialog.one.device.combo.toolTip() and "very fast" not in dialog.one.device.combo.toolTip()


def test_heart_s_time_is_what_she_took_last_also_where_the_devices_are_told_by_another_voice(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: Neural())
    monkeypatch.setattr(speakers, "key_of", lambda voice, *more: voice["id"])
    measured = (Device("cpu", "", True, "", 21.4),)
    monkeypatch.setattr(speeds, "recall", lambda key: measured if key == "it_IT-paola-medium" else None)
    monkeypatch.setattr(speeds, "learned", lambda key: {"cpu": 144.0} if key == "heart" else {})
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({"heart", "it_IT-paola-medium"}))
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "kokoro_student" if id == "heart" else "piper", "files": {}})
    ids = [room.book(), room.book("Due", "ita")]
    room.script.languages = {ids[1]: "it"}
    dialog = room.dialog(*ids)
    device, many = dialog.many.device, dialog.many
    assert device.combo.isEnabled() and many.voices["en"].choice.voice() == "heart", "the devices are Paola's"
    ready = {found.language: many.each.guess(found).ready_s for found in many._found}
    sound_s = {found.language: many.each.guess(found).audio_s for found in many._found}
    assert ready["en-GB"] < 0.5 * ready["it"] and ready["en-GB"] < sound_s["en-GB"] / 80, "as fast as she spoke the last book"


def test_a_book_that_goes_on_with_joe_has_his_device_where_the_others_are_heart_s(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: Neural())
    monkeypatch.setattr(voices, "is_here", lambda id, resources: True)
    prefs.save(prefs.Settings(device="cpu-torch", voices={"en": "heart"}))
    dialog = room.dialog(room.book(), room.book("Two"), begun=Begun(JOE))
    assert dialog.many.device.combo.currentText() == "Always the CPU"
    dialog.start.click()
    assert [(choice.options.voice, choice.options.device) for choice in dialog.choices()] == [(JOE, "cpu-torch"), ("heart", "auto")]


def test_all_other_voices_are_behind_the_last_line(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    dialog = room.dialog(room.book())
    spoken = dialog.one.voice
    label = next(label for label in dialog.findChildren(QLabel) if label.text() == "&Voice:")
    assert label.buddy() is spoken.pair.lines[0].radio
    dialog.activateWindow()
    until(dialog.isActiveWindow)
    spoken.pair.other.setFocus()
    spoken.pair.other.click()
    assert not spoken.choice.combo.isHidden() and not spoken.play.isHidden() and spoken.choice.voice() not in ("heart", JOE), "another one, then"
    press(spoken.pair.other, Qt.Key.Key_Tab)
    assert spoken.choice.combo.hasFocus()
    pick(spoken.choice.combo, "espeak")
    pick(spoken.choice.combo, JOE)
    assert spoken.pair.other.isChecked() and not spoken.choice.combo.isHidden(), "the list does not go away under the mouse"
    spoken.pair.lines[0].radio.click()
    assert spoken.choice.combo.isHidden() and spoken.choice.voice() == "heart"
    spoken.pair.other.click()
    pick(spoken.choice.combo, "emma")
    assert "Emma (GB, woman)" in spoken.choice.combo.currentText() and "8 MB" in spoken.choice.note.text()
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "emma" and dialog.choices()[0].options.fetch


def test_a_voice_of_the_book_s_own_region_that_is_here_is_chosen_before_those_that_are_proposed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(voice_fetch, "kept", lambda voice: voice_fetch.Kept({}, {}) if voice.id == "emma" else None)
    dialog = room.dialog(room.book())
    spoken = dialog.one.voice
    assert spoken.choice.voice() == "emma" and spoken.pair.other.isChecked() and not spoken.pair.isHidden() and not spoken.choice.combo.isHidden()


@pytest.mark.parametrize("case", ["another language", "another usual voice", "could not be had", "without the usual one"])
def test_where_there_is_nothing_to_choose_between_the_two_the_list_is_there_alone(room: Room, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    if case != "could not be had":
        with_heart(monkeypatch)
    monkeypatch.setattr(speakers, "on_card", lambda device, resources: case == "without the usual one")
    id = room.book()
    room.script.languages = {id: "it"} if case == "another language" else {}
    prefs.save(prefs.Settings(voices={"en": "espeak"} if case == "another usual voice" else {}))
    dialog = room.dialog(id, another=case == "without the usual one")
    assert dialog.one.voice.pair.isHidden() and not dialog.one.voice.choice.combo.isHidden() and not dialog.one.voice.play.isHidden()


def test_a_graphics_card_speaks_by_joe_who_is_proposed_first(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(speakers, "on_card", lambda device, resources: True)
    dialog = room.dialog(room.book())
    pair = dialog.one.voice.pair
    assert [line.radio.text() for line in pair.lines] == ["Joe (US, man)", "Heart (US, woman)"] and pair.lines[0].radio.isChecked()


def test_joe_s_time_is_that_of_the_device_that_is_chosen_for_him(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    card = gpus.Gpu("NVIDIA GeForce RTX 4070", "NVIDIA", "cuda")
    monkeypatch.setattr(gpus, "found", lambda: (card,))
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: Neural())
    monkeypatch.setattr(runtime, "standing", lambda resources: (Neural(),))
    monkeypatch.setattr(speakers, "key_of", lambda voice, *more: voice["id"])
    measured = (Device("cpu", "", True, "", 21.4), Device("cuda:0", card.name, True, "", 214.6))
    monkeypatch.setattr(speeds, "recall", lambda key: measured if key == JOE else None)
    monkeypatch.setattr(speeds, "learned", lambda key: {"cpu": 72.0} if key == "heart" else {})
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE, "heart"}))
    monkeypatch.setattr(proposing, "missing", lambda *asked: ())
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "piper" if id == JOE else "kokoro_student", "files": {}})
    dialog = room.dialog(room.book())
    one, (joe, heart) = dialog.one, dialog.one.voice.pair.lines
    assert (joe.radio.text(), heart.radio.text()) == ("Joe (US, man)", "Heart (US, woman)"), "the card is the fastest"
    assert "About 1 min for this book." in joe.about.text() and "About 3 min for this book." in heart.about.text()
    until(lambda: one.device.combo.count() > 3)
    pick(one.device.combo, 1)
    assert "About 7 min for this book." in joe.about.text() and "ready in about 7 min" in one.estimate.text()
    joe.play.click()
    until(lambda: bool(room.script.said))
    assert room.script.said == [(SAMPLE, JOE, "en-GB", "cpu", 1.0)]
    heart.radio.click()
    until(lambda: settled(dialog))
    assert "ready in about 3 min" in one.estimate.text() and one.device.combo.currentText() == "This voice: always the CPU"


def test_a_download_that_fails_leaves_the_other_voice_and_says_why(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)

    def fail(*about: Any) -> None:
        raise PluginError("voice_fetch_failed", voice="Joe", reason="the line is cut")

    monkeypatch.setattr(voices, "ensure_voice", fail)
    dialog = room.dialog(room.book())
    pair = dialog.one.voice.pair
    pair.lines[1].play.click()
    box = pair.lines[1].box
    until(lambda: not box.isHidden())
    assert pair.lines[0].box.isHidden(), "it stands with the voice whose Play was pressed"
    assert "the line is cut" in box.happened.text() + box.next.text() and pair.lines[0].radio.isChecked() and pair.bar.isHidden()
    dialog.start.click()
    assert dialog.choices()[0].options.voice == "heart"


def test_where_another_voice_cannot_be_had_the_proposed_one_is_marked_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)

    def fail(*about: Any) -> None:
        raise PluginError("voice_fetch_failed", voice="Amy", reason="the line is cut")

    monkeypatch.setattr(voices, "ensure_voice", fail)
    spoken = room.dialog(room.book()).one.voice
    spoken.pair.other.click()
    pick(spoken.choice.combo, "en_US-amy-medium")
    spoken.choice.get.click()
    until(lambda: not spoken.choice.box.isHidden())
    assert spoken.choice.voice() == "heart" and spoken.pair.lines[0].radio.isChecked() and spoken.choice.combo.isHidden()
    spoken.choice.box.button.click()
    assert spoken.choice.voice() == "en_US-amy-medium" and spoken.pair.other.isChecked(), "it is tried once more"
    until(lambda: not spoken.choice.busy and not spoken.choice.box.isHidden())


def test_several_books_in_english_are_offered_the_two_voices_for_all_of_them(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    ids = [room.book(), room.book("Two"), room.book("Three", "ita")]
    room.script.languages = {ids[2]: "it"}
    dialog = room.dialog(*ids)
    english, italian = (dialog.many.voices[language].pair for language in ("en", "it"))
    assert italian.isHidden() and "About 12 min for 2 books." in english.lines[0].about.text()
    english.lines[1].radio.click()
    dialog.start.click()
    assert [choice.options.voice for choice in dialog.choices()] == [JOE, JOE, "it_IT-paola-medium"]


def test_a_click_on_the_marked_of_two_voices_has_it_read_all_books_and_there_is_a_way_back(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    many = room.dialog(room.book(), room.book("Two"), begun=Begun(JOE, 0.9, 0.0, True, True, "Joe", waits=True)).many
    pair = many.voices["en"].pair
    for number, reads in ((0, "heart"), (1, JOE)):
        pair.lines[number].radio.click()
        assert [choice.options.voice or "heart" for choice in many.choices()] == [reads] * 2
        many.as_before.click()
        assert pair.lines[0].radio.isChecked() and [choice.options.voice for choice in many.choices()] == [JOE, "heart"]
    pair.other.click()
    many.as_before.click()
    assert pair.lines[0].radio.isChecked() and many.voices["en"].choice.combo.isHidden() and many.as_before.isHidden()


def test_a_new_list_of_voices_does_not_end_what_plays(room: Room) -> None:
    prefs.save(prefs.Settings(voices={"en": "espeak"}))
    room.script.seconds = 60.0
    dialog = room.dialog(room.book())
    play = dialog.one.voice.play
    play.click()
    until(lambda: play.text() == "Stop")
    dialog.one.voice.set_language("en-US")  # as when the book says more closely which language it is in
    until(lambda: settled(dialog))
    assert play.text() == "Stop"
    play.click()


def test_stop_ends_a_preview_at_once(room: Room) -> None:
    room.script.seconds = 60.0
    dialog = room.dialog(room.book())
    play = dialog.one.voice.play
    pick(dialog.one.voice.choice.combo, "espeak")
    play.click()
    until(lambda: play.text() == "Stop")
    play.click()
    assert play.text() == "Play" and not dialog.player.busy
    room.script.free.clear()
    pick(dialog.one.voice.choice.combo, JOE)
    pick(dialog.one.voice.choice.combo, "espeak")
    dialog.one.speed.spin.setValue(1.7)
    play.click()
    until(lambda: len(room.script.said) == 2)
    play.click()
    assert play.text() == "Play"
    until(lambda: not working())


def test_a_preview_that_fails_says_why_inside_the_dialog(room: Room) -> None:
    room.script.say_fails = PluginError("voice_broken", voice="espeak", reason="it is torn")
    dialog = room.dialog(room.book())
    pick(dialog.one.voice.choice.combo, "espeak")
    dialog.one.voice.play.click()
    until(lambda: not dialog.one.voice.box.isHidden())
    assert "it is torn" in dialog.one.voice.box.happened.text() and dialog.one.voice.play.text() == "Play"
    room.script.say_fails = None
    dialog.one.voice.play.click()
    assert dialog.one.voice.box.isHidden()


@pytest.mark.parametrize("typed", ["9", "0", "-1", "abc", "2.55", "99999", ",", ""])
def test_nothing_wrong_can_be_typed_as_speed(room: Room, typed: str) -> None:
    dialog = room.dialog(room.book(), finish=False)
    spin = dialog.one.speed.spin
    spin.setFocus()
    spin.selectAll()
    for letter in typed or "\b":
        press(spin, Qt.Key.Key_Backspace if letter == "\b" else Qt.Key(ord(letter.upper())), letter)
    press(spin, Qt.Key.Key_Tab)
    spin.interpretText()
    assert 0.5 <= dialog.one.speed.speed() <= 2.0
    assert abs(dialog.one.speed.slider.value() * 0.05 - spin.value()) <= 0.026
    assert spin.correctionMode() == QAbstractSpinBox.CorrectionMode.CorrectToPreviousValue


def test_what_is_done_with_an_audiobook_from_elsewhere_becomes_usual_only_by_a_tick(room: Room, tmp_path: Path) -> None:
    id = room.book(formats=("EPUB", "M4B"))
    room.script.existing[id] = "foreign"

    def chosen(how: str, *ticks: str) -> tuple[str, str]:
        dialog = room.dialog(id)
        foreign = dialog.one.foreign
        foreign._choose = lambda *asked: str(tmp_path)
        foreign.radios[how].click()
        if how == "folder" and foreign.folder is None:
            foreign.button.click()
        for tick in ticks:
            {"usual": foreign.usual, "again": dialog.again}[tick].click()
        dialog.start.click()
        return prefs.load().foreign, prefs.load().folder

    assert chosen("folder") == ("", ""), "for this book alone"
    assert chosen("folder", "usual") == ("folder", str(tmp_path))
    proposed = room.dialog(id).one.foreign
    assert (proposed.how(), proposed.folder) == ("folder", tmp_path) and proposed.usual.isChecked() and not proposed.usual.isEnabled()
    proposed.radios["replace"].click()
    assert not proposed.usual.isChecked() and not proposed.usual.isEnabled(), "nothing is replaced unasked"
    assert chosen("replace") == ("folder", str(tmp_path)) and chosen("record") == ("folder", str(tmp_path))
    dialog = room.dialog(id)
    dialog.again.click()
    assert "with these settings. To be asked again" in dialog.where.text()
    dialog.one.foreign.radios["replace"].click()
    assert "with these settings. An audiobook from elsewhere is replaced only if you say so each time. To be asked again" in dialog.where.text()
    assert chosen("record", "again") == ("record", "") and not prefs.load().ask


def test_our_audiobook_in_a_folder_is_known_and_brought_up_to_date_there(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    id, other = room.book("Flatland", formats=("EPUB", "M4B")), room.book("Other")
    room.script.existing[id], room.script.standing[id] = "foreign", "same"
    monkeypatch.setattr(audiobooks, "in_a_folder", lambda api, book_id, head=None: tmp_path / "Flatland.m4b" if book_id == id else None)
    spoken_by_joe(monkeypatch)
    one = room.dialog(id).one
    assert f"in the folder {tmp_path} the one that it made" in one.foreign.intro.text().replace("\u200b", "") and one.foreign.place.text() == str(tmp_path)
    assert one.foreign.how() == "folder" and "brought up to date" in one.foreign.radios["folder"].text() and "stays as it is" in one.existing.text()
    pick(one.voice.choice.combo, "espeak")
    assert one.foreign.radios["folder"].text() == "This plugin's, in its &folder, is replaced; the other one is kept", "by another voice"
    pick(one.voice.choice.combo, JOE)
    one.foreign._choose = lambda *asked: str(tmp_path.parent)
    one.foreign.button.click()
    assert "brought up to date" not in one.foreign.radios["folder"].text() and not one.existing.isHidden()
    stays = f"stays in the folder “{tmp_path.name}”; from now on the menu opens the new one, and later conversions renew that."
    assert one.existing.text().replace("\u200b", "").endswith(stays) and "brought up to date" not in one.foreign.radios["record"].text()
    one.foreign.radios["record"].click()
    assert one.existing.text().replace("\u200b", "").endswith(stays), "which is the third one, and forgotten"
    many = room.dialog(id, other).many
    assert many.foreign.how() == "folder" and "stays as it is" in many.table.item(0, 3).text()
    pick(many.voices["en"].choice.combo, "espeak")
    assert "is replaced; the other" in many.foreign.radios["folder"].text()
    bought = room.book("Bought", formats=("EPUB", "M4B"))
    room.script.existing[bought] = "foreign"
    many = room.dialog(id, bought).many
    assert many.foreign.how() == "record" and "stays as it is" in many.table.item(0, 3).text(), "until somebody chooses, each stays where it is"
    assert [(choice.options.foreign, choice.options.folder) for choice in many.choices()] == [("folder", tmp_path), ("record", None)]
    many.foreign.radios["replace"].click()
    many.foreign.radios["record"].click()
    assert [choice.options.foreign for choice in many.choices()] == ["record", "record"]
    assert many.summary.text().endswith("while from now on the menu opens the new one, and later conversions renew that: 1.")


def bought(room: Room, *titles: str) -> list[int]:
    """Books with an audiobook from elsewhere."""
    ids = [room.book(title, formats=("EPUB", "M4B")) for title in titles]
    room.script.existing.update(dict.fromkeys(ids, "foreign"))
    return ids


def test_what_was_answered_for_a_book_that_was_left_is_proposed_for_it_again(room: Room, tmp_path: Path) -> None:
    ids, left = bought(room, "Listen", "Other"), Begun("espeak", waits=True, foreign="folder", folder=str(tmp_path))
    one = room.dialog(ids[0], begun=left).one
    assert (one.foreign.how(), one.foreign.folder) == ("folder", tmp_path)
    before = f" Chosen before: the folder {tmp_path}."
    assert one.foreign.intro.text().replace("\u200b", "").endswith(before)
    assert [(choice.options.foreign, choice.options.folder) for choice in one.choices()] == [("folder", tmp_path)]
    one.foreign.radios["record"].click()
    assert one.choices()[0].options.foreign == "record" and one.foreign.intro.text().replace("\u200b", "").endswith(before)
    many = room.dialog(*ids, begun=left).many
    states = [many.table.item(number, 3).text().replace("\u200b", "") for number in range(2)]
    assert f"into the folder “{tmp_path.name}”" in states[0] and "both are kept" in states[1] and "Chosen before" not in many.foreign.intro.text()
    assert [(choice.options.foreign, choice.options.folder) for choice in many.choices()] == [("folder", tmp_path), ("record", None)]
    prefs.change(foreign="folder", folder=str(tmp_path))
    one = room.dialog(ids[0], begun=Begun("espeak", waits=True, foreign="record")).one
    assert one.foreign.how() == "record" and one.foreign.intro.text().endswith(" Chosen before: a book of its own."), "before what is usual"


def test_ours_stays_where_it_is_whatever_had_been_chosen_when_the_book_was_left(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (id,) = bought(room, "Flatland")
    monkeypatch.setattr(audiobooks, "in_a_folder", lambda api, book_id, head=None: tmp_path / "Flatland.m4b")
    one = room.dialog(id, begun=Begun("espeak", waits=True, foreign="record")).one
    assert (one.foreign.how(), one.foreign.folder) == ("folder", tmp_path) and "Chosen before" not in one.foreign.intro.text()


def test_the_folder_of_the_last_book_is_there_for_the_next_one_and_is_not_usual(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begins: list[str] = []
    last, other = tmp_path / "Listen", tmp_path / "Other"

    def chooser(dialog: QFileDialog) -> int:
        begins.append(dialog.directory().absolutePath())
        monkeypatch.setattr(QFileDialog, "selectedUrls", lambda dialog: [QUrl.fromLocalFile(str(last if len(begins) == 1 else other))])
        return 1

    for folder in (last, other):
        folder.mkdir()
    monkeypatch.setenv("CALIBRE_NO_NATIVE_FILEDIALOGS", "1")
    monkeypatch.setattr(QFileDialog, "exec", chooser)
    ids = bought(room, "First", "Second")
    first = room.dialog(ids[0])
    assert first.one.foreign.place.text() == "" and "No folder chosen yet" in first.one.foreign.place.toolTip()
    first.one.foreign.radios["folder"].click()
    first.one.foreign.button.click()
    first.start.click()
    assert first.choices()[0].options.folder == last and prefs.load().foreign == prefs.load().folder == ""
    second = room.dialog(ids[1])
    foreign = second.one.foreign
    assert foreign.how() == "record" and foreign.place.text() == str(last) and not foreign.usual.isChecked()
    assert second.one.choices()[0].options.folder is None
    foreign.radios["folder"].click()
    assert second.start.isEnabled() and second.one.choices()[0].options.folder == last
    foreign.button.click()
    assert begins == [str(Path.home()), str(last)] and foreign.folder == other
    other.rmdir()
    assert room.dialog(ids[1]).one.foreign.folder is None, "it is not there any more"


@pytest.mark.parametrize("how", ["record", "folder", "replace"])
def test_an_audiobook_from_elsewhere_is_asked_about(room: Room, how: str, tmp_path: Path) -> None:
    id = room.book(formats=("EPUB", "M4B"))
    room.script.existing[id] = "foreign"
    dialog = room.dialog(id)
    foreign = dialog.one.foreign
    assert not foreign.isHidden() and foreign.how() == "record" and "leave" not in foreign.radios
    title = room.api.field_for("title", id)
    assert plain(foreign.entry.text()) == f"The library then has a second entry: “{title} (audiobook)”." and not foreign.entry.isHidden()
    foreign.radios[how].click()
    if how == "folder":
        assert not dialog.start.isEnabled()
        foreign._choose = lambda *asked: str(tmp_path)
        foreign.button.click()
    dialog.start.click()
    (choice,) = dialog.choices()
    assert choice.options.foreign == how and choice.options.folder == (tmp_path if how == "folder" else None) and not choice.options.replace


def test_our_own_audiobook_is_brought_up_to_date_without_a_question(room: Room) -> None:
    id = room.book(formats=("EPUB", "M4B"))
    room.script.existing[id] = "ours"
    dialog = room.dialog(id)
    assert "takes its place" in dialog.one.existing.text() and not dialog.one.existing.isHidden() and dialog.one.foreign.isHidden()


def test_a_book_that_cannot_be_converted_says_why_and_is_not_started(room: Room) -> None:
    id = room.book()
    room.script.failures[id] = PluginError("drm")
    dialog = room.dialog(id)
    assert "DRM" in dialog.one.box.happened.text() and not dialog.start.isEnabled()
    press(dialog, Qt.Key.Key_Return)  # closes it, since nothing else is left to do
    assert dialog.result() != dialog.DialogCode.Accepted and dialog.choices() == []


def test_a_format_is_added_and_the_window_is_there_again_whatever_came_of_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    id = room.book()
    torn, pictures = PluginError("book_unreadable", reason="it is damaged"), PluginError("no_text")
    did: list[Any] = []
    ways = {"viewer": lambda: did.append("viewer"), "format": lambda: did.append("format")}
    monkeypatch.setattr(convert_one, "of_calibre", lambda context, book: ways)
    for error, button, done in ((torn, "other", ["format", [id]]), (torn, "button", ["viewer"]), (pictures, "button", ["format", [id]])):
        did.clear()
        room.script.failures[id] = error
        dialog = room.dialog(id)
        dialog.one._context = replace(dialog.one._context, convert=did.append)
        getattr(dialog.one.box, button).click()
        assert not dialog.isVisible()
        until(lambda done=done: did == done)


def shelf_of_many(room: Room) -> dict[str, int]:
    ids = {
        "good": room.book("Good"),
        "drm": room.book("Locked"),
        "sound": room.book("Sound", formats=("MP3",)),
        "foreign": room.book("Bought", "ita", ("EPUB", "M4B")),
        "ours": room.book("Ours", "", ("EPUB", "M4B")),
        "empty": room.book("Pictures"),
        "gone": room.book("Gone", formats=()),
        "torn": room.book("Torn"),
    }
    room.script.failures = {ids["drm"]: PluginError("drm"), ids["empty"]: PluginError("no_text")}
    room.script.failures[ids["torn"]] = PluginError("book_unreadable", reason="the file is damaged")
    room.script.existing = {ids["foreign"]: "foreign", ids["ours"]: "ours"}
    room.script.languages = {ids["foreign"]: "it", ids["ours"]: ""}
    return ids


def test_several_books_are_told_apart_before_anything_starts(room: Room) -> None:
    ids = shelf_of_many(room)
    dialog = room.dialog(*ids.values())
    many = dialog.many
    states = {name: many.table.item(n, 3).text() for n, name in enumerate(ids)}
    assert states["good"] == "Ready to start, after a download of 63 MB" and "DRM" in states["drm"]
    assert states["sound"] == "Only sound, no text" and "no text" in states["empty"].lower()
    assert "both are kept" in states["foreign"] and "up to date" in states["ours"] and states["gone"] == "No format that can be read"
    assert re.search(r"Cannot be converted: [1-9]", many.summary.text()), "nothing that was chosen is missing in the sum"
    assert "Downloaded first: 127 MB." in many.summary.text(), "Joe and the Italian voice"
    assert [many.table.is_ticked(n) for n in range(8)] == [True, False, False, True, True, False, False, False]
    assert states["torn"] == "Cannot be read: the file is damaged"
    assert room.script.looked == sorted(room.script.looked) and ids["sound"] not in room.script.looked  # small ones first, never sound
    assert set(many.voices) == {"en", "it"} and many.table.item(3, 1).text() == "Paola" and "No language" in many.table.item(4, 0).text()
    assert "2 h 35 min" in many.table.item(0, 2).text() and "7 h" in many.summary.text() and "DRM" in many.table.item(1, 3).toolTip()
    assert dialog.start.text().replace("&", "") == "Convert" and many.looking.isHidden()
    many.table.item(0, 0).setCheckState(Qt.CheckState.Unchecked)
    many.foreign.radios["replace"].click()
    assert "replaced" in many.table.item(3, 3).text()
    dialog.start.click()
    chosen = {choice.id: choice.options for choice in dialog.choices()}
    assert set(chosen) == {ids["foreign"], ids["ours"]}
    assert chosen[ids["foreign"]].foreign == "replace" and chosen[ids["ours"]].foreign == "stop"
    assert chosen[ids["foreign"]].voice.startswith("it_IT") and chosen[ids["foreign"]].fetch and chosen[ids["ours"]].voice == JOE


def test_of_a_shelf_the_lines_that_are_seen_are_worded_first_and_a_book_that_becomes_known_words_its_own_alone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert_many, "_AT_ONCE", 4)
    dialog = room.dialog(*(room.book(f"Book {number}") for number in range(30)))
    many, worded = dialog.many, list[int]()
    until(lambda: not many._stale)
    monkeypatch.setattr(many, "_show_row", lambda number: (worded.append(number), ManyBooks._show_row(many, number)))
    many.table.scrollToBottom()
    many.speed.spin.setValue(1.5)
    seen = many.table.rowAt(0)
    assert seen > 0 and worded == [*range(seen, 30), *range(seen)][:4] and dialog.start.isEnabled()
    until(lambda: not many._stale)
    assert sorted(worded) == [*range(30)] and len({many.table.item(number, 2).text() for number in range(30)}) == 1, "all at the new speed"
    until(lambda: settled(dialog) and not many._stale)
    worded.clear()
    many.on_found(many._found[7])
    until(lambda: settled(dialog))
    assert set(worded) == {7}


def test_of_a_shelf_only_lines_that_say_something_are_made_and_measured_and_in_the_end_all_are(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert_many, "_AT_ONCE", 4)
    measured = set[int]()
    own = BooksTable.resizeRowToContents
    monkeypatch.setattr(BooksTable, "resizeRowToContents", lambda table, number: (measured.add(number), own(table, number)))
    many = room.dialog(*(room.book(f"Book {number}") for number in range(60)), finish=False).many
    assert measured and len(measured) <= 8 and many.table.item(59, 3) is None and many.table.item(59, 0).text() == "Book 59" and many.table.is_ticked(59)
    until(lambda: not many._stale and not many.window()._looker.running)
    assert len(measured) == 60 and many.table.item(59, 3).text().startswith("Ready to start")


def test_foreign_ones_can_be_left_out(room: Room) -> None:
    ids = shelf_of_many(room)
    dialog = room.dialog(*ids.values())
    assert plain(dialog.many.foreign.entry.text()) == "The library then has a second entry: “Bought (audiobook)”."
    dialog.many.foreign.radios["leave"].click()
    assert {choice.id for choice in dialog.many.choices()} == {ids["good"], ids["ours"]}
    only = room.dialog(ids["drm"], ids["foreign"])
    only.many.foreign.radios["leave"].click()
    assert not only.start.isEnabled()
    other = room.book("Other", formats=("EPUB", "M4B"))
    room.script.existing[other] = "foreign"
    both = room.dialog(ids["foreign"], other).many.foreign
    assert both.entry.text() == "The library then has a second entry for each of these books: “title (audiobook)”."


def test_convert_before_all_are_looked_at_never_replaces_what_was_not_looked_at(room: Room) -> None:
    one, other = room.book("One", formats=("EPUB", "M4B")), room.book("Other")
    room.script.existing[one] = "foreign"
    room.script.free.clear()
    dialog = room.dialog(one, other, finish=False)
    until(lambda: dialog.many.table.item(0, 3).text() == "Waiting to be looked at" and settled(dialog) and dialog.many.voices)
    assert dialog.start.text() == "&Convert before all books are looked at" and not dialog.many.looking.isHidden()
    dialog.start.click()
    assert [(choice.id, choice.options.foreign) for choice in dialog.choices()] == [(one, "stop"), (other, "stop")]
    until(lambda: not working())


@pytest.mark.parametrize("when", ["look", "say", "fetch"])
def test_closing_ends_what_was_begun(room: Room, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        progress("fetch", 0.5, "31 of 63 MB")
        while not stopped():
            time.sleep(0.005)
        raise Stopped

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    id = room.book()
    if when == "look":
        room.script.free.clear()
    dialog = room.dialog(id, finish=when != "look")
    if when == "say":
        pick(dialog.one.voice.choice.combo, "espeak")
        room.script.free.clear()
        dialog.one.voice.play.click()
        until(lambda: room.script.said)
    elif when == "fetch":
        dialog.one.voice.choice.get.click()
        until(lambda: "31 of" in dialog.one.voice.choice.bar.format())
        assert dialog.one.voice.choice.get.text() == "Stop"
    else:
        until(working)
    dialog.reject()
    until(lambda: not working(), "a thread goes on")
    assert not dialog.isVisible()


def test_get_fetches_a_voice_and_says_what_went_wrong(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        raise PluginError("voice_fetch_failed", voice=id, reason="the line is cut")

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    dialog = room.dialog(room.book())
    choice = dialog.one.voice.choice
    choice.get.click()
    until(lambda: not choice.box.isHidden())
    assert "the line is cut" in choice.box.happened.text() and choice.box.button.text() == "Try again" and choice.get.text() == "Get"
    monkeypatch.setattr(voices, "ensure_voice", lambda id, *rest: {})
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    choice.box.button.click()
    until(lambda: choice.is_here() and settled(dialog))
    assert choice.voice() == JOE and choice.get.isHidden() and dialog.one.voice.play.isEnabled() and choice.combo.currentIndex() == 0


def test_a_voice_that_cannot_be_had_is_not_left_chosen_where_another_is_here(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def ensure(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        tried.append(id)
        raise PluginError("voice_fetch_failed", voice=id, reason="the line is cut")

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    dialog = room.dialog(room.book())
    choice = dialog.one.voice.choice
    pick(choice.combo, "en_US-amy-medium")
    choice.get.click()
    until(lambda: not choice.box.isHidden())
    assert choice.voice() == JOE and choice.picked() == "" and "the line is cut" in choice.box.happened.text()
    assert choice.note.text().startswith("“Joe” is chosen again.")
    choice.box.button.click()
    until(lambda: len(tried) == 2 and not choice.busy)
    assert tried == ["en_US-amy-medium"] * 2 and choice.voice() == JOE
    pick(choice.combo, voices.ESPEAK)
    pick(choice.combo, "en_US-amy-medium")
    choice.get.click()
    until(lambda: len(tried) == 3 and not choice.busy)
    assert choice.voice() == choice.picked() == voices.ESPEAK  # as before


def test_a_card_without_its_layer_offers_to_install_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = (gpus.Gpu("NVIDIA GeForce RTX 4070", "NVIDIA", "cuda", "570.86"), gpus.Gpu("Intel UHD", "Intel", ""))
    monkeypatch.setattr(gpus, "found", lambda: cards)
    dialog = room.dialog(room.book())
    combo = dialog.one.device.combo
    texts = [combo.itemText(n) for n in range(combo.count())]
    assert texts[:2] == ["Automatic (the fastest, now: CPU)", "CPU"] and "RTX 4070 (needs the extra part" in texts[2] and "cannot be used" in texts[3]
    assert not combo.model().item(3).isEnabled()
    pick(combo, 2)
    assert not dialog.start.isEnabled() and not dialog.one.device.install.isHidden() and dialog.one.device.device() == "cuda:0"
    dialog.one.device.install.click()
    (wanted, then) = room.installs[0]
    assert wanted == Wanted(layers=("neural",)) and "being installed" in dialog.one.device.note.text()
    then(PluginError("engine_install_failed", step="torch", reason="the disk is full"))
    assert "the disk is full" in dialog.one.device.box.happened.text()
    pick(combo, 1)
    assert dialog.start.isEnabled() and dialog.one.device.device() == "cpu"


def test_a_card_that_was_measured_is_shown_by_name_with_its_speed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    card = gpus.Gpu("NVIDIA GeForce RTX 4070", "NVIDIA", "cuda", "570.86")
    measured = (Device("cpu", "", True, "", 21.4), Device("cuda:0", card.name, True, "", 214.6))
    monkeypatch.setattr(gpus, "found", lambda: (card,))
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: Neural())
    monkeypatch.setattr(speeds, "recall", lambda key: measured)
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "espeak" if id == "espeak" else "piper", "files": {}})
    prefs.save(prefs.Settings(device="cuda:0"))
    dialog = room.dialog(room.book())
    until(lambda: dialog.one.device.combo.count() > 3)
    combo = dialog.one.device.combo
    assert [combo.itemText(n) for n in range(combo.count())] == [
        "Automatic (the fastest, now: NVIDIA GeForce RTX 4070)",
        "CPU, 21 times as fast as listening",
        "CPU (PyTorch)",
        "NVIDIA GeForce RTX 4070, 215 times as fast as listening",
    ]
    assert dialog.one.device.device() == "cuda:0" and "ready in about 1 min" in dialog.one.estimate.text()
    pick(combo, 1)
    assert "ready in about 7 min" in dialog.one.estimate.text()
    pick(dialog.one.voice.choice.combo, "espeak")
    until(lambda: settled(dialog) and combo.count() == 1)
    assert dialog.one.device.device() == "auto" and combo.currentText() == "This voice: always the CPU"
    assert "Only the processor" in combo.toolTip() and dialog.one.device.note.isHidden()  # and moves nothing
    assert "ready in about 2 min" in dialog.one.estimate.text()


def test_a_voice_of_many_speakers_is_chosen_with_one(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "en_US-libritts-high"
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE, many}))
    monkeypatch.setattr(voices, "speakers_of", lambda id, resources: ("p3922", "p8699") if id == many else ())
    id = room.book()
    dialog = room.dialog(id)
    choice = dialog.one.voice.choice
    assert choice.speaker.isHidden()
    pick(choice.combo, many)
    assert not choice.speaker.isHidden() and choice.voice() == f"{many}#p3922"
    pick(choice.speaker, "p8699")
    choice.keep.click()
    dialog.start.click()
    assert dialog.choices()[0].options.voice == f"{many}#p8699" and prefs.load().voices == {"en": f"{many}#p8699"}
    monkeypatch.setattr(voices, "wire_voice", lambda id, *rest: {"id": id, "kind": "espeak"})
    assert room.dialog(id).one.voice.choice.voice() == f"{many}#p8699"


def test_everything_is_reached_by_the_keyboard(room: Room) -> None:
    id = room.book(formats=("EPUB", "M4B"))
    room.script.existing[id] = "foreign"
    dialog = room.dialog(id)
    dialog.activateWindow()
    until(dialog.isActiveWindow)
    one = dialog.one
    one.foreign.radios["record"].setFocus()
    seen: list[Any] = []
    while QApplication.focusWidget() not in seen and len(seen) < 40:
        seen.append(QApplication.focusWidget())
        press(seen[-1], Qt.Key.Key_Tab)
    wanted = [one.foreign.radios["record"], one.voice.choice.combo, one.voice.choice.get, one.device.combo, one.speed.slider, one.speed.spin]
    wanted += [one.contents.chapters, dialog.again, dialog.start]
    reached = [widget for widget in wanted if widget in seen and widget.isEnabled()]
    assert reached == [widget for widget in wanted if widget.isEnabled()], [type(widget).__name__ for widget in seen]
    ways = (one.foreign.radios["record"], one.voice.choice.combo, one.device.combo, one.speed.slider, one.contents.chapters, dialog.again, dialog.start)
    order = [seen.index(widget) for widget in ways]
    assert order == sorted(order)
    assert dialog.start.isDefault()


def test_space_ticks_a_book_and_tab_leaves_the_table(room: Room) -> None:
    dialog = room.dialog(room.book("One"), room.book("Two"))
    table = dialog.many.table
    dialog.activateWindow()
    until(dialog.isActiveWindow)
    table.setFocus()
    press(table, Qt.Key.Key_Space, " ")
    assert not table.is_ticked(0) and table.is_ticked(1) and "1" in dialog.many.summary.text()
    press(table, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is not table


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
@pytest.mark.parametrize("count", [1, 2])
def test_nothing_is_cut_in_a_narrow_window(room: Room, app: Any, count: int, direction: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own, words = convert_existing._, "No folder chosen yet"
    monkeypatch.setattr(convert_existing, "_", lambda text: "In a language of much longer words" if text == words else own(text))
    long = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4 + " and other very long words of a title that never comes to an end"
    ids = [room.book(long, formats=("EPUB", "M4B")) for _ in range(count)]
    room.script.existing = dict.fromkeys(ids, "foreign")
    app.setLayoutDirection(direction)
    try:
        dialog = room.dialog(*ids)
        dialog.resize(480, 700)
        for _ in range(20):
            QApplication.processEvents()
        assert dialog.width() <= 480
        for label in dialog.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
                at = label.mapTo(dialog, label.rect().topLeft()).x()
                assert at >= 0 and at + label.width() <= dialog.width(), label.text()
        dialog.resize(1, 700)  # as narrow as it becomes
        for _ in range(20):
            QApplication.processEvents()
        place, option = (dialog.one or dialog.many).foreign.place, QStyleOptionFrame()
        place.initStyleOption(option)
        room_px = place.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, place).width() - 4  # Qt's own margins
        assert room_px >= place.fontMetrics().horizontalAdvance(place.placeholderText())
    finally:
        app.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def cut(window: Any) -> list[str]:
    """The sentences of which lines are missing."""
    for _ in range(20):
        QApplication.processEvents()
    labels = ((label, label.heightForWidth(label.width())) for label in window.findChildren(QLabel) if label.isVisible() and label.wordWrap())
    return [f"{label.height()} of {needed}: {label.text()}" for label, needed in labels if label.height() < needed]


@pytest.mark.parametrize("width", [480, 770])
def test_why_a_voice_could_not_be_had_is_told_in_full_in_any_window(room: Room, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    def ensure(id: str, *rest: Any) -> None:
        reason = "the server was not found; is this computer connected to the network, and may it reach it?"
        raise PluginError("voice_fetch_failed", voice=id, reason=reason)

    monkeypatch.setattr(voices, "ensure_voice", ensure)
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    ids = [room.book(language, language) for language in ("eng", "zho", "ita")]
    room.script.languages = dict(zip(ids, ("en", "zh-Hant", "it"), strict=True))
    several, single = room.dialog(*ids), room.dialog(ids[1])
    choices = [(several, several.many.voices[language].choice) for language in ("zh", "it", "zh")]
    for dialog, choice in (*choices, (single, single.one.voice.choice)):
        dialog.resize(width, 700)
        choice.get.click()
        until(lambda choice=choice: not choice.busy and not choice.box.isHidden())
        assert not cut(dialog)
        choice.box.fold.click()
        assert not cut(dialog)
        choice.box.fold.click()
        assert not cut(dialog)
    assert several.many.table.item(1, 3).text().startswith("Its voice could not be downloaded just now; “Convert” tries once more (")


@pytest.mark.parametrize(("reader", "first"), [("en_US", "US"), ("en_GB", "GB"), ("de_DE", "US"), ("C", "US")])
def test_the_list_begins_with_the_reader_s_own_english_and_the_best(monkeypatch: pytest.MonkeyPatch, reader: str, first: str) -> None:
    from calibre_plugins.e2a.plugin.languages import region  # type: ignore[import-not-found]

    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE}))
    found = [offer for offer in offers("en-GB", installed_resources(), {}, reader=reader).voices if not offer.here]
    regions = [region(offer.language) for offer in found]
    assert regions[0] == first and regions == sorted(regions, key=lambda its: its != first), "one after the other"
    ours = [offer.quality for offer in found if region(offer.language) == first]
    assert ours == sorted(ours, key=("high", "medium", "low", "x_low").index) and ours[0] == "high"


def test_a_books_own_voices_are_offered_first_then_others_that_are_here_then_espeak(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = installed_resources()
    monkeypatch.setattr(voices, "here", lambda resources: frozenset({JOE, "it_IT-paola-medium"}))
    found = offers("it", resources, {})
    assert found.voices[0].id == "it_IT-paola-medium" and [offer.id for offer in found.voices[-2:]] == [JOE, "espeak"]
    assert all(not offer.here and offer.fits for offer in found.voices[1:-2]) and found.voices[1:-2]
    assert "English (US)" in found.voices[-2].label() and found.voices[1].label().endswith(" MB to get")
    monkeypatch.undo()
    assert offers("it", resources, {}).preferred.startswith("it_IT")  # to be got, with its size, before espeak
    assert offers("tlh", resources, {}).preferred == "espeak"
    assert offers("it", resources, {"it": "espeak"}).preferred == "espeak"


def test_the_player_refuses_what_is_no_sound_and_plays_on(app: Any, tmp_path: Path) -> None:
    window = QWidget()
    player = Player(window)
    heard: list[str] = []
    player.failed.connect(heard.append)
    player.ended.connect(lambda: heard.append("ended"))
    torn = tmp_path / "torn.wav"
    torn.write_bytes(b"no sound")
    player.play(torn)
    until(lambda: heard)
    assert "cannot read" in heard[0] and not player.busy
    player.play(tone(tmp_path / "a #1 'é <b>.wav", 0.2))
    until(lambda: len(heard) > 1)
    assert heard[1] == "ended"
    player.free()
    player.play(tone(tmp_path / "again.wav", 0.2))
    until(lambda: len(heard) > 2)
    assert heard[2] == "ended"
    player.free()


@pytest.mark.parametrize(
    ("devices", "media", "unheard"),
    [
        ("{enumerateDevices: async () => []}", None, True),
        ("{enumerateDevices: async () => [{kind: 'audioinput'}]}", 0, True),
        ("{enumerateDevices: async () => [{kind: 'audiooutput'}]}", 0, False),
        ("{enumerateDevices: async () => []}", 1, False),
        ("{enumerateDevices: async () => { throw 1; }}", 0, False),
        ("undefined", 0, False),
    ],
)
def test_where_nothing_can_be_heard_it_is_said_and_never_on_a_guess(
    app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: str, media: int | None, unheard: bool
) -> None:
    monkeypatch.setattr(players, "_PAGE", players._PAGE.replace("navigator.mediaDevices", f"({devices})"))
    monkeypatch.setattr(players, "_media_outputs", lambda: media)
    window = QWidget()
    player, box = Player(window), ErrorBox(window)
    play = PlayButton(window, player, lambda show, stopped: tone(tmp_path / "a.wav", 0.5), box)
    said: list[str] = []
    player.started.connect(lambda: said.append(play.text()))
    player.unheard.connect(lambda: said.append(play.text()))
    ended: list[bool] = []
    player.ended.connect(lambda: ended.append(True))
    play.click()
    until(lambda: ended and (not unheard or not box.isHidden()))
    assert box.isHidden() != unheard and play.text() == "Play"
    assert said in ((["Stop", "Play"], ["Play", "Play"]) if unheard else (["Stop"],)), "it never says Stop where nothing is heard any more"
    assert not unheard or ("Nothing can be heard" in box.happened.text() and "loudspeakers" in box.next.text())
    player.free()


def test_the_players_page_reaches_neither_the_network_nor_other_files(app: Any, tmp_path: Path) -> None:
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "secret.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8")
    window = QWidget()
    player = Player(window)
    begun: list[bool] = []
    player.started.connect(lambda: begun.append(True))
    player.play(tone(tmp_path / "a.wav", 30.0))
    until(lambda: begun)
    page = player._device._page
    titles: list[str] = []
    page.titleChanged.connect(titles.append)
    for number, address in enumerate((f"http://127.0.0.1:{server.server_port}/x.svg", (tmp_path / "secret.svg").as_uri())):
        page.runJavaScript(
            f"const i{number} = new Image(); i{number}.onload = () => document.title = 'got {address}';"
            f" i{number}.onerror = () => document.title = 'none {number}'; i{number}.src = '{address}';"
        )
        until(lambda number=number: any(title.startswith(("got", f"none {number}")) for title in titles))
    player.free()
    server.shutdown()
    assert not asked and not any(title.startswith("got") for title in titles)


def test_a_question_that_has_to_be_answered_stands_first_and_the_window_is_as_high_as_it_needs(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with_heart(monkeypatch)
    book = room.book(formats=("EPUB", "M4B"))
    room.script.existing[book] = "foreign"
    room.script.free.clear()
    dialog = room.dialog(book, finish=False)
    until(lambda: not dialog.one.foreign.isHidden() and settled(dialog), "before the book was looked at")
    before = places(dialog, dialog.one.voice.pair.lines[0].play)
    room.script.free.set()
    until(lambda: not dialog._looker.running and settled(dialog))
    assert places(dialog, dialog.one.voice.pair.lines[0].play) == before
    for ids in ((book,), (book, room.book("Two"))):
        dialog = room.dialog(*ids)
        page, screen = dialog.one or dialog.many, dialog.screen().availableGeometry()
        places(dialog)
        area, seen = page.scrolled, page.scrolled.viewport().height()
        assert page.foreign.mapTo(area.widget(), QPoint(0, page.foreign.height())).y() <= seen, "all of it is in sight"
        assert seen >= area.widget().minimumSizeHint().height() and (area.verticalScrollBar().maximum() == 0 or dialog.height() >= screen.height() * 9 // 10)


def test_what_comes_before_is_said_only_as_long_as_it_does(room: Room) -> None:
    busy = [True]
    room.context = replace(room.context, busy=lambda: busy[0])
    one, several = room.dialog(room.book()), room.dialog(room.book("Two"), room.book("Three"))
    assert "Other books come before it" in one.one.estimate.text() and "Other books come before them" in several.many.summary.text()
    busy[0] = False
    until(lambda: "Other books" not in one.one.estimate.text() + several.many.summary.text())


@pytest.mark.parametrize(("how", "foreign", "otherwise"), [("record", "stop", "record"), ("folder", "stop", "folder"), ("replace", "replace", "")])
def test_what_is_answered_before_the_book_was_looked_at_holds(room: Room, tmp_path: Path, how: str, foreign: str, otherwise: str) -> None:
    room.script.free.clear()
    ids = [room.book(f"{n}", formats=("EPUB", "M4B")) for n in range(2)]
    for books in (ids[:1], ids):
        dialog = room.dialog(*books, finish=False)
        question = (dialog.one or dialog.many).foreign
        until(lambda question=question: not question.isHidden())
        question._choose = lambda *about: str(tmp_path)
        question.radios[how].click()
        assert dialog.start.isEnabled() == (how != "folder" or len(books) == 2), "then the last one is there"
        if how == "folder":
            question.button.click()
        dialog.start.click()
        options = [choice.options for choice in dialog.choices()]
        assert [(one.foreign, one.otherwise, one.folder) for one in options] == [(foreign, otherwise, tmp_path if how == "folder" else None)] * len(books)

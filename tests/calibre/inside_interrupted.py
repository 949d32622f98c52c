"""In Calibre's interpreter: the question about books that were not finished when Calibre was closed or its library switched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calibre.gui2 import Application  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.interrupted import MOST, InterruptedBooks, Question, line  # type: ignore[import-not-found]
from qt.core import QApplication, QCloseEvent, QDialog, QLabel, QMainWindow, QPushButton, QScrollArea, Qt  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from shelves import Shelf  # type: ignore[import-not-found]

TITLE = "Title of the library"
HEAD = "Not finished when Calibre or the library was closed:\n• "
LATER = "\nGo on now? You are asked this once, and nothing is lost: a later conversion goes on from there."


@pytest.fixture(scope="session")
def app() -> Any:
    return QApplication.instance() or Application([])


class Desk:
    """Calibre's window with two libraries, the first of which is shown."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        self.shelf, self.other = Shelf(tmp_path / "one", monkeypatch), Shelf(tmp_path / "two", monkeypatch)
        monkeypatch.setattr("calibre_plugins.e2a.plugin.paths.cache_home", lambda: tmp_path / "cache")
        self.window = QMainWindow()
        self.window.resize(760, 600)
        self.window.show()
        self.window.current_db = self.shelf.db
        self.books: Any = None
        self.converted: list[list[int]] = []
        self.starts()

    def starts(self) -> None:
        """Calibre, after it was closed however that was."""
        begun._known = None, {}
        if self.books is not None:
            self.books.withdraw()
        self.window.current_db = self.shelf.db
        self.books = InterruptedBooks(self.window, self.converted.append)

    def left(self, api: Any, book_id: int, spoken: float = 0.0, chosen: bool = True, title: str = "", speed: float = 1.0) -> str:
        """A book runs or waits when Calibre is closed."""
        key = str(library.key_of(api, book_id))
        begun.begin({key: begun.Queued("heart", title or TITLE, speed, "Heart", chosen)})
        if spoken:
            begun.speaks(key, spoken)
        return key

    def add(self, title: str) -> int:
        from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]

        return int(self.shelf.api.create_book_entry(Metadata(title, ["Author"])))

    def said(self) -> str:
        """As it is read; empty where nothing is asked."""
        window = self.books.question
        labels = [label for label in window.findChildren(QLabel) if label.isVisible()] if window is not None and window.isVisible() else []
        return "\n".join(str(label.text()) for label in labels).replace("\u00a0", " ")

    def names(self) -> list[str]:
        return [str(button.text()) for button in self.books.question.buttons.findChildren(QPushButton)]

    def press(self, name: str) -> None:
        (button,) = (button for button in self.books.question.buttons.findChildren(QPushButton) if button.text() == name)
        button.click()
        self.turn()

    def turn(self) -> None:
        for _turn in range(3):
            QApplication.processEvents()

    def switches(self, to: Shelf) -> None:
        self.window.current_db = to.db
        self.books.library_changed()


@pytest.fixture
def desk(tmp_path: Path, app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.window.close()
    for shelf in (made.shelf, made.other):
        shelf.db.close()


@pytest.mark.parametrize("answer", ["&Go on now", "&Not now"])
def test_it_is_asked_at_each_start_until_it_is_answered(desk: Desk, answer: str) -> None:
    desk.books.look()
    assert desk.said() == ""
    key = desk.left(desk.shelf.api, desk.shelf.id, 0.444)
    for _start in range(2):
        desk.starts()
        desk.books.look()
        assert desk.said() == f"{HEAD}{TITLE} (spoken by Heart: 44 %){LATER}" and desk.names() == ["&Go on now", "&Not now"]
        assert desk.books.question.windowTitle() == "Audiobooks that were not finished"
    desk.press(answer)
    assert desk.converted == ([[desk.shelf.id]] if answer == "&Go on now" else [])
    desk.starts()
    desk.books.look()
    assert desk.said() == "" and begun.of(key).percent == 44, "nothing is lost"


def test_books_that_were_stopped_before_are_named_below_those_that_were_under_way(desk: Desk) -> None:
    stopped, whole, waited = desk.add("Flatland"), desk.add("Finished"), desk.add("Waited")
    begun.stop(desk.left(desk.shelf.api, stopped, 0.36))
    begun.stop(desk.left(desk.shelf.api, waited))
    begun.over(desk.left(desk.shelf.api, whole, 1.0))
    begun.stop(desk.left(desk.other.api, desk.other.id, 0.5))
    desk.starts()
    desk.books.look()
    assert desk.said() == "", "their stop was no news"
    desk.left(desk.shelf.api, desk.shelf.id, 0.444)
    desk.starts()
    desk.books.look()
    before = "Stopped before, and kept in part: “Flatland”. Convert it again to go on."
    assert desk.said() == f"{HEAD}{TITLE} (spoken by Heart: 44 %)\n{before}{LATER}"
    desk.press("&Go on now")
    assert desk.converted == [[desk.shelf.id]], "those were stopped by hand"


def test_each_book_says_what_is_known_of_it(desk: Desk) -> None:
    heart = begun.Begun("heart", 1.0, 0.44, name="Heart")
    assert line("A", heart) == "A (spoken by Heart: 44 %)"
    assert line("A", begun.Begun("joe", 0.8, 0.44, name="Joe")) == "A (spoken by Joe, 0.80\u00a0×: 44 %)"
    assert line("A", begun.Begun("joe", 1.0, 0.0)) == "A (begun by joe)"
    assert line("A", begun.Begun("joe", 0.8, name="Joe", waits=True)) == "A (waited; Joe, 0.80\u00a0×)"
    waits = begun.Begun("joe", name="Joe", waits=True, foreign="folder", folder="/home/reader/Audio")
    assert line("A", waits) == "A (waited; Joe)" and line("A", waits, True) == "A (waited; Joe), into the folder “Audio”"
    assert line("A", begun.Begun("joe", 1.0, 1.0, name="Joe")) == "A (spoken by Joe; the file is still to be made)", "not 100 % and yet unfinished"
    assert line("A", begun.Begun("joe", 1.0, 0.44, name="Joe", foreign="record"), True) == "A (spoken by Joe: 44 %), into a book of its own"
    assert line("A", None) == "A (waited; your usual voice)" and len(line("long " * 100, None)) < 150


def test_what_only_waited_is_not_said_to_go_on(desk: Desk) -> None:
    desk.left(desk.shelf.api, desk.shelf.id, chosen=False)
    desk.starts()
    desk.books.look()
    assert desk.said().endswith("(waited; your usual voice)\nConvert now? You are asked this once.")
    desk.left(desk.shelf.api, desk.shelf.id, speed=0.8)
    desk.starts()
    desk.books.look()
    kept = "Convert now? You are asked this once; the voice and speed that you chose are kept until you convert them."
    assert desk.said().endswith(f"(waited; Heart, 0.80 ×)\n{kept}")


def test_a_hostile_title_is_no_markup(desk: Desk) -> None:
    title = "<img src=x> & <b>bold</b>\u202e\n<a href='file:///'>x</a>"
    book = desk.add(title)
    desk.left(desk.shelf.api, book, 0.3, title=title)
    desk.starts()
    desk.books.look()
    assert "<img src=x> & <b>bold</b>" in desk.said() and "\u202e" not in desk.said()
    assert {label.textFormat() for label in desk.books.question.findChildren(QLabel)} == {Qt.TextFormat.PlainText}


def test_many_are_scrolled_and_of_very_many_it_is_said_how_many_more_there_are(desk: Desk) -> None:
    for number in range(MOST + 3):
        desk.left(desk.shelf.api, desk.add(f"Book {number}"), 0.3)
    desk.starts()
    desk.books.look()
    assert desk.said().count("•") == MOST and "• and 4 more" in desk.said()
    assert desk.books.question.height() < 500 and desk.books.question.findChild(QScrollArea).verticalScrollBar().maximum() > 0
    desk.press("&Go on now")
    assert len(desk.converted[0]) == MOST + 3


def test_a_book_that_is_started_or_removed_meanwhile_is_asked_about_no_more(desk: Desk) -> None:
    first, second, third = (desk.add(title) for title in ("First", "Second", "Third"))
    for book in (first, second, third):
        desk.left(desk.shelf.api, book, 0.3)
    desk.starts()
    desk.books.look()
    desk.left(desk.shelf.api, first)
    desk.books.look()
    assert "First" not in desk.said() and "Second" in desk.said()
    desk.shelf.api.remove_books((second,))
    desk.press("&Go on now")
    assert desk.converted == [[third]]
    desk.left(desk.shelf.api, third, 0.5)
    desk.starts()
    desk.books.look()
    assert "Third" in desk.said() and "First" in desk.said() and "Second" not in desk.said()
    for book in (first, third):
        desk.left(desk.shelf.api, book)
    desk.books.look()
    assert desk.said() == "" and desk.books.question is None


def test_it_waits_for_a_window_that_must_be_answered_first_and_while_calibre_is_hidden(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.left(desk.shelf.api, desk.shelf.id, 0.3)
    desk.starts()
    desk.books._later.setInterval(10)
    first = QDialog(desk.window)
    first.setModal(True)
    first.show()
    desk.books.look()
    desk.turn()
    assert desk.said() == ""
    first.close()
    desk.window.hide()
    desk.books._later.timeout.emit()
    assert desk.said() == ""
    desk.window.show()
    desk.books._later.timeout.emit()
    assert TITLE in desk.said()


def test_books_of_another_library_are_told_and_never_converted_here(desk: Desk) -> None:
    desk.left(desk.other.api, desk.other.id, 0.3, title="Elsewhere")
    desk.starts()
    desk.books.look()
    assert desk.said().startswith("Not finished when Calibre was closed, in another library:\n• Elsewhere (spoken by Heart: 30 %)\nOpen that library")
    assert desk.names() == ["&OK"]
    desk.switches(desk.other)
    assert desk.said().startswith(f"{HEAD}Title of the library") and LATER.strip() in desk.said(), "the library was opened"
    desk.switches(desk.shelf)
    assert desk.said() == "", "it was told"
    desk.starts()
    desk.books.look()
    desk.press("&OK")
    assert not desk.converted and desk.said() == ""
    desk.starts()
    desk.books.look()
    assert desk.said() == ""


@pytest.mark.parametrize("answer", ["&Go on now", "&Not now"])
def test_of_books_in_two_libraries_those_that_are_here_are_answered_and_the_others_when_theirs_is_opened(desk: Desk, answer: str) -> None:
    desk.left(desk.shelf.api, desk.shelf.id, 0.3)
    desk.left(desk.other.api, desk.other.id, 0.5, title="Elsewhere")
    desk.starts()
    desk.books.look()
    assert "• Elsewhere (spoken by Heart: 50 %)" in desk.said() and "In another library" in desk.said()
    desk.press(answer)
    desk.books.look()
    assert desk.said() == "", "it was told"
    desk.switches(desk.other)
    assert "spoken by Heart: 50 %" in desk.said() and "another library" not in desk.said()
    desk.press("&Go on now")
    assert desk.converted == ([[desk.shelf.id]] if answer == "&Go on now" else []) + [[desk.other.id]]


def test_a_yes_that_comes_just_before_the_library_is_switched_converts_nothing_there(desk: Desk) -> None:
    desk.left(desk.shelf.api, desk.shelf.id, 0.3)
    desk.starts()
    desk.books.look()
    question = desk.books.question
    desk.window.current_db = desk.other.db
    question.accept()
    desk.turn()
    assert not desk.converted


def test_closing_it_means_later_and_what_closes_with_calibre_is_asked_again(desk: Desk) -> None:
    desk.left(desk.shelf.api, desk.shelf.id, 0.3)
    desk.starts()
    desk.books.look()
    desk.books.withdraw()  # as Calibre is closed
    desk.starts()
    desk.books.look()
    assert TITLE in desk.said()
    QApplication.sendEvent(desk.books.question, QCloseEvent())
    desk.turn()
    assert not desk.converted and not begun.interrupted()


def test_it_is_in_the_corner_of_calibres_window_and_in_nobodys_way(desk: Desk) -> None:
    desk.left(desk.shelf.api, desk.shelf.id, 0.3)
    desk.starts()
    desk.books.look()
    window = desk.books.question
    assert isinstance(window, Question) and not window.isModal() and window.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    assert desk.window.frameGeometry().contains(window.geometry()) and window.geometry().left() > desk.window.geometry().center().x() - window.width() // 2
    assert not [button for button in window.findChildren(QPushButton) if button.isDefault() or button.autoDefault()]

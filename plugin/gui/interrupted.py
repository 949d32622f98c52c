"""What to do with the books that were not finished when Calibre was closed or its library switched: a small window of our own, which waits in the corner of
Calibre's until it is answered and is in nobody's way. (A question of Calibre's own would keep it from switching libraries as long as it stands.)

A book that is started meanwhile, or removed, is asked about no more; of another library's it is told at Calibre's start that they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QDialog,
    QDialogButtonBox,
    Qt,
    QTimer,
    QVBoxLayout,
    pyqtSignal,
)

from ..book import library
from ..converting import begun
from ..converting.begun import Begun
from ..queue_words import folder_name
from ..room import TITLE, short
from ..wording import and_more, isolated, listed, printable, times_words
from ..wording import translate as _
from .background import soon
from .scrolled import Page, Scrolled, bold, sentence
from .unasked import would_disturb

MOST: Final = 200
"""Books in a list; it is said how many more there are."""
LINES: Final = 14
"""So high a list may make the window, then it scrolls."""
CHARACTERS: Final = 55
TITLE_CHARS: Final = 120
LATER_MS: Final = 2000
"""While it would disturb, or Calibre's window is hidden: so long until it is tried again."""


@dataclass(frozen=True)
class Asked:
    """A line for each book (`library.key_of`): of those that can be gone on with here, and of another library's. ask: the question itself.
    stopped: titles of books that were stopped before, which is no news."""

    here: dict[str, str]
    elsewhere: dict[str, str]
    ask: str
    stopped: tuple[str, ...] = field(default=(), compare=False)


class Question(QDialog):  # type: ignore[misc]
    """`answered(yes)` when the user has done so; `withdraw` ends it without an answer. parent: Calibre's main window."""

    answered = pyqtSignal(bool)

    def __init__(self, parent: Any, asked: Asked) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Audiobooks that were not finished"))
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        page = Page(self)
        lists = QVBoxLayout(page)
        lists.setContentsMargins(0, 0, 0, 0)
        heads = (_("Not finished when Calibre or the library was closed:"), _("In another library, not finished either; convert them there:"))
        if not asked.here:
            heads = ("", _("Not finished when Calibre was closed, in another library:"))
        for head, books in zip(heads, (asked.here, asked.elsewhere), strict=True):
            if books:
                lists.addWidget(bold(sentence(head, page)))
                lists.addWidget(sentence("\n".join(_listed(books)), page))
        if asked.stopped:
            text = _("Stopped before, and kept in part: {titles}. Convert them again to go on.")
            if len(asked.stopped) == 1:
                text = _("Stopped before, and kept in part: {titles}. Convert it again to go on.")
            titles = [_("“{title}”").format(title=printable(short(title, TITLE))) for title in asked.stopped]
            lists.addWidget(sentence(text.format(titles=listed(titles)), page))
        lists.addStretch(1)
        scrolled = Scrolled(page, self, CHARACTERS, LINES)
        there = _("Open that library and convert them there: what was spoken is kept, and so are the voice and speed that you chose.")
        self.question = sentence(asked.ask if asked.here else there, self)
        self.buttons = QDialogButtonBox(self)
        roles = QDialogButtonBox.ButtonRole
        names = [(_("&Go on now"), roles.AcceptRole), (_("&Not now"), roles.RejectRole)] if asked.here else [(_("&OK"), roles.AcceptRole)]
        for name, role in names:
            self.buttons.addButton(name, role).setAutoDefault(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scrolled, 1)
        layout.addWidget(self.question)
        layout.addWidget(self.buttons)
        width = layout.totalSizeHint().width()
        self.resize(width, layout.totalHeightForWidth(width))

    def appear(self) -> None:
        """At the lower right in Calibre's window, above its status bar, and on the screen whatever lies where."""
        self._place()
        self.show()
        self._place()  # only now its size is certain

    def showEvent(self, event: Any) -> None:
        """It comes by itself: a key that was meant for Calibre answers nothing."""
        super().showEvent(event)
        for button in self.buttons.buttons():
            button.setDefault(False)  # Qt has just made the first one so

    def _place(self) -> None:
        window, bar = self.parent(), getattr(self.parent(), "status_bar", None)
        corner = window.mapToGlobal(window.rect().bottomRight())
        margin, screen = self.fontMetrics().lineSpacing(), window.screen().availableGeometry()
        x = corner.x() - self.width() - margin
        y = corner.y() - self.height() - margin - (bar.height() if bar is not None else margin)
        self.move(max(screen.left(), min(x, screen.right() - self.width())), max(screen.top(), min(y, screen.bottom() - self.height())))

    def done(self, code: int) -> None:
        """By a button; Esc and the box that closes the window mean what its second button says."""
        super().done(code)
        self.answered.emit(code == QDialog.DialogCode.Accepted)
        self.deleteLater()

    def withdraw(self) -> None:
        """There is nothing to answer any more, or Calibre is closed."""
        self.hide()
        self.deleteLater()


class InterruptedBooks:
    """gui: Calibre's main window. go_on(ids): convert these books of the library that is shown."""

    def __init__(self, gui: Any, go_on: Callable[[list[int]], None]) -> None:
        self._gui, self._go_on = gui, go_on
        self._asked: Asked | None = None
        self.question: Question | None = None
        self._tells_elsewhere = True
        self._later = QTimer()
        self._later.setSingleShot(True)
        self._later.setInterval(LATER_MS)
        self._later.timeout.connect(self.look)

    def look(self) -> None:
        """Ask about what there is now, in place of what is being asked; nothing where that is the same."""
        asked = self._found()
        if asked == self._asked:
            return
        self.withdraw()
        if asked is None:
            return
        if self._gui.isVisible() and not would_disturb():
            self._asked, self.question = asked, Question(self._gui, asked)
            self.question.answered.connect(partial(self._answered, asked))
            self.question.appear()
        else:
            self._later.start()

    def library_changed(self) -> None:
        """Another library is shown; what is in the others was told at the start, or is told as they are left."""
        self._tells_elsewhere = False
        self.look()

    def withdraw(self) -> None:
        """Ask no more, without an answer."""
        question, self.question, self._asked = self.question, None, None
        self._later.stop()
        if question is not None:
            question.withdraw()

    def _found(self) -> Asked | None:
        api, here, elsewhere = self._gui.current_db.new_api, dict[str, str](), dict[str, str]()
        left, gone = list[Begun | None](), list[str]()
        for key, book in begun.interrupted().items():
            book_id = library.book_of(api, key)
            if book_id is not None:
                here[key] = line(str(api.field_for("title", book_id) or book.title), book.left, bool(api.has_format(book_id, library.FORMAT)))
                left.append(book.left)
            elif library.is_of(api, key):
                gone.append(key)
            elif self._tells_elsewhere:
                elsewhere[key] = line(book.title, book.left)
        if gone:
            begun.answered(gone)
        if not here and not elsewhere:
            return None
        halted = [library.book_of(api, key) for key in begun.stopped()] if here else []
        titles = (str(api.field_for("title", book_id) or "") for book_id in halted if book_id is not None)
        return Asked(here, elsewhere, question(left), tuple(filter(None, titles)))

    def _answered(self, asked: Asked, yes: bool) -> None:
        self._asked = self.question = None
        self._tells_elsewhere = False
        begun.answered(asked.here or asked.elsewhere)
        if yes and asked.here:
            soon(partial(self._convert, tuple(asked.here)))  # it may open a window itself

    def _convert(self, keys: Sequence[str]) -> None:
        ids = [library.book_of(self._gui.current_db.new_api, key) for key in keys]
        there = [book_id for book_id in ids if book_id is not None]
        if there:
            self._go_on(there)


def line(title: str, left: Begun | None, another: bool = False) -> str:
    """What is known of a book: its title, by whom and how much of it is spoken, and where it goes. another: does an audiobook stand at it?"""
    short = printable(title)
    title = isolated(short if len(short) <= TITLE_CHARS else short[: TITLE_CHARS - 1].rstrip() + "…")
    if left is None:
        return _("{title} (waited; your usual voice)").format(title=title)
    at = "" if left.speed == 1.0 else f", {times_words(left.speed)}"
    text = _("{title} (waited; {voice})")
    if not left.waits:
        text = _("{title} (spoken by {voice}: {percent} %)") if left.percent else _("{title} (begun by {voice})")
        text = _("{title} (spoken by {voice}; the file is still to be made)") if left.percent >= 100 else text
    text = text.format(title=title, voice=isolated(printable(left.name or left.voice)) + at, percent=left.percent)
    if not another or not left.foreign:
        return text
    place = _("{book}, into the folder “{folder}”") if left.folder else _("{book}, into a book of its own")
    return place.format(book=text, folder=isolated(printable(folder_name(Path(left.folder)))))


def question(left: Sequence[Begun | None]) -> str:
    """Of books that were left so."""
    if any(one is not None and not one.waits for one in left):
        return _("Go on now? You are asked this once, and nothing is lost: a later conversion goes on from there.")
    if any(left):
        return _("Convert now? You are asked this once; the voice and speed that you chose are kept until you convert them.")
    return _("Convert now? You are asked this once.")


def _listed(lines: dict[str, str]) -> list[str]:
    shown = list(lines.values())
    if len(shown) > MOST:
        shown = [*shown[: MOST - 1], and_more(len(shown) - MOST + 1)]
    return [f"•\u00a0{text}" for text in shown]

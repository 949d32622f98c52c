"""How an error is shown: what happened, what it means, what to press next; technical details folded below, to be copied for a report.

`ErrorBox` is that inside a window, `show_error` a dialog around it. The details name nothing of the user's books: code,
technical text and those parameters that can hold no title.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Final

from calibre.constants import numeric_version  # type: ignore[import-not-found]
from calibre.gui2 import QApplication  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QDialogButtonBox,
    QHBoxLayout,
    QIcon,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSize,
    QStyle,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
    sip,
)

from ..engine.install_plan import Wanted
from ..errors import PluginError
from ..log import as_plugin_error, detail_of
from ..sentences import BUTTONS, ERRORS
from ..wording import plain, printable, without_passwords
from ..wording import translate as _
from .context import Context
from .scrolled import Wrapping, bold, sentence

Actions = Mapping[str, Callable[[], None]]
"""What can be done, by key of BUTTONS."""
_TELLABLE: Final = ("step", "reason", "layer", "device", "need_mb", "have_mb", "seconds", "minutes")
_ICONS: Final = {
    "again": "view-refresh.png",
    "install": "plus.png",
    "voice": "auto-scroll.png",
    "device": "config.png",
    "engine": "config.png",
    "viewer": "view.png",
    "format": "plus.png",
}
_DETAIL_LINES: Final = 7
COPIED_MS: Final = 2000


def details_of(error: PluginError, above: str = "") -> str:
    """What helps whoever mends it; nothing of a book, no password, no name of the user's home. above: what is shown already."""
    lines = [f"{error.code} (Calibre {'.'.join(map(str, numeric_version))}, {platform.system()} {platform.machine()})"]
    detail, above = detail_of(error), plain(above)
    told = [f"{name}: {error.params[name]}" for name in _TELLABLE if name in error.params and str(error.params[name]) not in above + detail]
    text = "\n".join([*lines, *told, *([detail] if detail and detail not in above else [])])
    return "\n".join(map(printable, without_passwords(text).replace(str(Path.home()), "~").splitlines()))


def copy_text(button: QPushButton, text: str) -> None:
    """Into the clipboard, and the button says so for a moment."""
    QApplication.clipboard().setText(plain(text))
    said, name = _("Copied"), button.text()
    if name == said:
        return
    button.setText(said)

    def back() -> None:
        if not sip.isdeleted(button) and button.text() == said:
            button.setText(name)

    QTimer.singleShot(COPIED_MS, back)


def of_calibre(context: Context, book_id: int) -> Actions:
    """What Calibre itself can do with a book that cannot be read."""
    gui = context.gui
    if gui is None:
        return {}

    def view() -> None:
        from ..book import library

        found = library.source_formats(gui.current_db.new_api, book_id)
        if found:
            gui.iactions["View"].view_format_by_id(book_id, found[0])

    def add_format() -> None:
        gui.library_view.select_rows([book_id])
        gui.iactions["Add Books"].add_formats()

    return {"viewer": view, "format": add_format}


def usual_actions(context: Context, error: PluginError, ids: list[int], failed: Callable[[Exception], None] = lambda failure: None) -> Actions:
    """What each button does where these books were to be converted. failed: told why what was missing could not be installed."""
    layer, voice = str(error.params.get("layer", "")), str(error.params.get("voice", ""))
    wanted = Wanted((layer,) if layer else (), (voice,) if voice and error.code == "voice_missing" else ())
    convert = partial(context.convert, ids)

    def then(failure: Exception | None) -> None:
        if failure is None:
            convert()
        else:
            failed(failure)

    return {
        **(of_calibre(context, ids[0]) if len(ids) == 1 else {}),
        **dict.fromkeys(("again", "choose"), convert),
        "another": convert if context.another is None else partial(context.another, ids),
        "install": partial(context.install, wanted, then),
        **{page: partial(context.preferences, page) for page in ("voice", "device", "engine")},
    }


class Details(QPlainTextEdit):  # type: ignore[misc]
    """A text to read: no higher than its lines, and more than a few of them scroll unless there is room."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName(_("Details"))
        self.textChanged.connect(self._fit)

    def resizeEvent(self, event: Any) -> None:
        """Narrower is higher."""
        super().resizeEvent(event)
        was = self.size()
        self._fit()
        if self.size() != was:
            self.setViewportMargins(0, 0, 0, 0)  # Qt does not lay out an area again that takes another size while it is being laid out

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def _fit(self) -> None:
        lines = max(1, self.document().size().height())  # of a plain text Qt counts lines here, not pixels
        blocks = map(self.document().findBlockByNumber, range(self.document().blockCount()))
        text = sum(self.blockBoundingRect(block).height() for block in blocks)
        around = 2 * (self.frameWidth() + self.document().documentMargin()) + 1  # less, and it scrolls
        self.setMinimumHeight(ceil(text * min(1, _DETAIL_LINES / lines) + around))
        self.setMaximumHeight(ceil(text + around))


class ErrorBox(QWidget):  # type: ignore[misc]
    """An error inside a window; empty and not shown until it is told one."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._keys: Sequence[str] = ()
        self._actions: Actions = {}
        self._all_details = ""
        self.icon = QLabel(self)
        self.icon.setAccessibleName(_("Error"))
        self.happened = bold(sentence("", self))
        self.next = sentence("", self)
        self.button = QPushButton(self)
        self.button.clicked.connect(partial(self._pressed, 0))
        self.other = QPushButton(self)
        self.other.setAutoDefault(False)
        self.other.clicked.connect(partial(self._pressed, 1))
        self.fold = QPushButton(self)
        self.fold.setFlat(True)
        self.fold.setAutoDefault(False)
        self.fold.clicked.connect(self._turn)
        self.details = Details(self)
        self.copy = QPushButton(QIcon.ic("edit-copy.png"), _("Copy details"), self)
        self.copy.setAutoDefault(False)
        self.copy.clicked.connect(lambda: copy_text(self.copy, self._all_details))
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.addWidget(self.happened)
        words.addWidget(self.next)
        self._first, self._second = QHBoxLayout(), QHBoxLayout()
        for row, buttons in ((self._first, (self.button, self.other)), (self._second, (self.fold,))):
            for button in buttons:
                row.addWidget(button)
            row.addStretch()
            words.addLayout(row)
        words.addWidget(self.details, 1)
        words.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        words.addStretch()
        rows = QHBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        rows.addLayout(words, 1)

    def set_error(self, error: Exception, actions: Actions) -> None:
        """Show it. A button is there only if its action is."""
        known = as_plugin_error(error)
        size = self.style().pixelMetric(QStyle.PixelMetric.PM_LargeIconSize)
        self.icon.setPixmap(QIcon.ic("dialog_error.png").pixmap(size, size))  # not before: it takes 20 ms
        self.happened.setText(known.what())
        self.next.setText(known.next_step())
        self.next.setVisible(bool(known.next_step()))
        entry = ERRORS[known.code]
        self._keys, self._actions = (entry.button, entry.other), actions
        for key, button in zip(self._keys, (self.button, self.other), strict=True):
            button.setText(_(BUTTONS[key]) if key else "")
            button.setIcon(QIcon.ic(_ICONS[key]) if key in _ICONS else QIcon())
            button.setVisible(key in actions)
            button.setEnabled(True)
        self._place_fold(entry.other in actions)
        self._all_details = details_of(known)
        self.details.setPlainText(details_of(known, known.what()))
        self._unfolded(False)
        self.show()

    def clear(self) -> None:
        """Nothing is wrong any more."""
        self._actions = {}
        self.hide()

    def _pressed(self, number: int) -> None:
        act = self._actions.get(self._keys[number]) if self._keys else None
        if act is not None:
            act()

    def _place_fold(self, below: bool) -> None:
        """Beside one button; three would not fit beside each other everywhere."""
        row, former = (self._second, self._first) if below else (self._first, self._second)
        former.removeWidget(self.fold)
        if row.indexOf(self.fold) < 0:
            row.insertWidget(row.count() - 1, self.fold)

    def _turn(self) -> None:
        self._unfolded(self.details.isHidden())

    def _unfolded(self, shown: bool) -> None:
        self.details.setVisible(shown)
        self.copy.setVisible(shown)
        self.fold.setText(_("Hide details") if shown else _("Show details"))
        self.fold.setIcon(QIcon.ic("arrow-up.png" if shown else "arrow-down.png"))


class ErrorDialog(Wrapping):
    """`acted`: what the user pressed, to be done when the dialog is gone."""

    def __init__(self, parent: Any, error: Exception, title: str, actions: Actions) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.acted: Callable[[], None] | None = None
        self.box = ErrorBox(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.buttons)
        self.box.set_error(error, {name: partial(self._chosen, act) for name, act in actions.items()})
        close = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        first = self.box.button if not self.box.button.isHidden() else close
        first.setDefault(True)
        first.setFocus()
        self.begin()

    def _chosen(self, act: Callable[[], None]) -> None:
        self.acted = act
        self.accept()


def show_error(parent: Any, error: Exception, title: str, actions: Actions) -> None:
    """Show it and wait; then do what the user pressed."""
    dialog = ErrorDialog(parent, error, title, actions)
    dialog.exec()
    dialog.deleteLater()
    if dialog.acted is not None:
        dialog.acted()

"""What a book holds, before it is converted: its chapters, and what of it will not be said, by kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from qt.core import QListWidget, QSize, QSizePolicy, QTabWidget, QTreeWidget, QTreeWidgetItem  # type: ignore[import-not-found]

from ..converting.events import Looked, LookedLeftOut
from ..converting.report_words import REASONS
from ..wording import counted, printable
from ..wording import translate as _
from .links import verbatim

LEAST_LINES: Final = 3
LINES: Final = 6
_FIRST: Final = 5
"""Passages of a kind; more are unfolded."""


def kinds(looked: Looked) -> Iterable[str]:
    """`Paragraphs of footnotes and endnotes (9)`, that of the most places first."""
    return (_kind(found) for found in looked.left_out)


def _kind(found: LookedLeftOut) -> str:
    reason = _(REASONS[found.reason]) if found.reason in REASONS else printable(found.reason)
    return counted(reason, found.count)


class Contents(QTabWidget):  # type: ignore[misc]
    """Takes what room is left over, and wants no more than a few lines."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.chapters = QListWidget(self)
        self.chapters.setAccessibleName(_("Chapters"))
        self.chapters.setWordWrap(True)
        self.left_out = QTreeWidget(self)
        self.left_out.setAccessibleName(_("Left out"))
        self.left_out.setHeaderHidden(True)
        self._fit(LINES)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.addTab(self.chapters, _("Chapters"))
        self.addTab(self.left_out, _("Left out"))
        self.setTabToolTip(1, _("What is in the book and will not be read aloud"))
        self.setTabVisible(1, False)

    def sizeHint(self) -> QSize:
        """Its least height: what is wanted but not given would be taken from the sentences above."""
        return QSize(super().sizeHint().width(), self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the names of its tabs."""
        least = super().minimumSizeHint()
        return QSize(max(least.width(), self.tabBar().sizeHint().width()), least.height())

    def show_book(self, looked: Looked) -> None:
        """What was found in it."""
        self.chapters.clear()
        for chapter in looked.chapters:
            self.chapters.addItem("\u2003" * (chapter.level - 1) + (chapter.title or _("(without a title)")))
        self.setTabText(0, _("Chapters ({count})").format(count=looked.chapter_count or len(looked.chapters)))
        self.left_out.clear()
        for found in looked.left_out:
            self.left_out.addTopLevelItem(_with_passages(found))
        self.setTabText(1, _("Left out ({count})").format(count=looked.skipped))
        if not looked.left_out:
            _said(self.left_out, _("Nothing: all of its text is read aloud"))
        self.setTabVisible(1, True)
        self._fit(LINES if looked.left_out else min(LINES, max(LEAST_LINES, self.chapters.count())))
        self.updateGeometry()

    def _fit(self, lines: int) -> None:
        """As high as there is something to see; what stands below has the rest."""
        for part in (self.chapters, self.left_out):
            part.setMinimumHeight(self.fontMetrics().lineSpacing() * lines)


def _with_passages(found: LookedLeftOut) -> QTreeWidgetItem:
    """The first few, and the others folded below them."""
    item = _said(None, _kind(found))
    first, others, untold = found.texts[:_FIRST], found.texts[_FIRST:], found.count - len(found.texts)
    _add(item, first)
    if others:
        more = _said(item, _("and {count} more").format(count=found.count - len(first)))
        _add(more, others)
    if untold > 0:
        _said(more if others else item, _("and {count} more; the report will list all").format(count=untold))
    return item


def _add(item: QTreeWidgetItem, texts: Iterable[str]) -> None:
    for text in texts:
        _said(item, " ".join(printable(text).split()))


def _said(above: QTreeWidget | QTreeWidgetItem | None, text: str) -> QTreeWidgetItem:
    """Whole in its tooltip, in a window of any width."""
    item = QTreeWidgetItem(above, [text])
    item.setToolTip(0, verbatim(text))
    return item

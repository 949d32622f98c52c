"""Where the parts of the page of voices stand."""

from __future__ import annotations

from typing import Any, Final

from qt.core import QGridLayout, QLabel, QSize, QVBoxLayout  # type: ignore[import-not-found]

from ...wording import translate as _
from ..scrolled import Page as Content
from ..scrolled import Scrolled, sentence
from ..work_bar import Flow
from .parts import CANCELLED

_TOLD_LINES: Final = 7
_LEAST_LINES: Final = 3
"""Of what is told of a voice so many are seen, and in a small window."""


class _Whole(Content):
    def heightForWidth(self, width: int) -> int:
        """The least: it does not scroll, with a bar beside the table's own, as long as table and words can be lower."""
        return int(self.layout().minimumHeightForWidth(width))


class _Told(Scrolled):
    """As high for whatever voice: what is left over is the table's."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().lineSpacing() * _TOLD_LINES)

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self.fontMetrics().lineSpacing() * _LEAST_LINES)


def lay_out(page: Any) -> None:
    """Of a `voice.VoicePage`: what is told scrolls by itself, its messages first: neither they nor a longer text move a button. The whole scrolls in a very
    small window alone."""
    find = QGridLayout()
    label, among = QLabel(_("&Search:")), QLabel(_("&Language:"))
    label.setBuddy(page.search)
    among.setBuddy(page.language)
    find.addWidget(label, 0, 0)
    find.addWidget(page.search, 0, 1)
    find.addWidget(among, 1, 0)
    find.addLayout(Flow(page.language, page.here), 1, 1)
    find.setColumnStretch(1, 1)
    speakers = QGridLayout()
    speakers.addWidget(page.speaker.label, 0, 0)
    speakers.addWidget(page.speaker, 0, 1)
    speakers.setColumnStretch(1, 1)
    inner = Content()
    told = QVBoxLayout(inner)
    told.setContentsMargins(0, 0, 0, 0)
    for widget in (page.work, page.details, page.more, page.licence, page.spoken, page.samples):
        told.addWidget(widget)
    told.addStretch()
    whole = _Whole()
    layout = QVBoxLayout(whole)
    layout.addLayout(find)
    layout.addWidget(page.table, 100)
    layout.addWidget(_Told(inner, page, lines=_TOLD_LINES), 1)  # has what a table of few voices leaves
    layout.addLayout(speakers)
    layout.addLayout(Flow(page.play, page.get, page.remove, page.clones.rename, page.clones.measure, page.clones.export))
    layout.addLayout(Flow(page.clones.make, page.clones.take_in, page.own))
    layout.addLayout(Flow(page.use))
    own = _("“Import a clone…” takes in one that was exported here or on another computer, “Voice from a file…” a Piper or Coqui voice that you have.")
    layout.addWidget(sentence(own, page))
    layout.addWidget(sentence(" ".join((_("Getting, cloning and removing are done at once."), _(CANCELLED))), page))
    outer = QVBoxLayout(page)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(Scrolled(whole, page))

"""Where the parts of the page of voices stand."""

from __future__ import annotations

from typing import Any, Final

from qt.core import QGridLayout, QLabel, QSize, QVBoxLayout, QWidget  # type: ignore[import-not-found]

from ...wording import translate as _
from ..scrolled import Page as Content
from ..scrolled import Scrolled, sentence
from ..work_bar import Flow
from .parts import CANCELLED
from .voice_view import VoicesView

_TOLD_LINES: Final = 7
_LEAST_LINES: Final = 3
"""Of what is told of a voice so many are seen, and in a small window."""


class _Whole(Content):
    def heightForWidth(self, width: int) -> int:
        """The least: it does not scroll, with a bar beside the table's own, as long as table and words can be lower."""
        return int(self.layout().minimumHeightForWidth(width))


class _Told(Scrolled):
    """As high for whatever voice: what is left over is the table's, as far as it has voices."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().lineSpacing() * _TOLD_LINES)

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self.fontMetrics().lineSpacing() * _LEAST_LINES)


class _Both(QWidget):  # type: ignore[misc]
    """The table of voices, and below it what is told of one, which has the room that few voices leave."""

    def __init__(self, table: VoicesView, told: _Told, gap: int) -> None:
        super().__init__()
        self._table, self._told, self._gap = table, told, gap
        for part in (table, told):
            part.setParent(self)
        table.counted.connect(self._place)

    def sizeHint(self) -> QSize:
        return self._sum(self._table.sizeHint(), self._told.sizeHint())

    def minimumSizeHint(self) -> QSize:
        return self._sum(self._table.minimumSize(), self._told.minimumSizeHint())

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        room = self.height() - self._gap
        least, told = self._table.minimumHeight(), self._told
        below = min(told.sizeHint().height(), max(told.minimumSizeHint().height(), room - least))
        above = max(min(room - below, self._table.whole_height()), least)
        self._table.setGeometry(0, 0, self.width(), above)
        told.setGeometry(0, above + self._gap, self.width(), room - above)

    def _sum(self, above: QSize, below: QSize) -> QSize:
        return QSize(max(above.width(), below.width()), above.height() + self._gap + below.height())


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
    layout.addWidget(_Both(page.table, _Told(inner, page, lines=_TOLD_LINES), layout.spacing()), 1)
    layout.addLayout(speakers)
    layout.addLayout(Flow(page.play, page.get, page.remove, page.clones.rename, page.clones.measure, page.clones.export))
    layout.addLayout(Flow(page.clones.make, page.clones.take_in, page.own))
    layout.addLayout(Flow(page.use))
    own = _(
        "“Import a clone…” takes in a clone that was saved as a file, here or on another computer; "
        "“Voice from a file…” a Piper or Coqui voice that you have."
    )
    layout.addWidget(sentence(own, page))
    layout.addWidget(sentence(" ".join((_("Getting, cloning and removing are done at once."), _(CANCELLED))), page))
    outer = QVBoxLayout(page)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(Scrolled(whole, page))

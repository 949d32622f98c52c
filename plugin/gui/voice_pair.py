"""The voices that are proposed for a language, side by side: what speaks for each, its time for this book, its own Play.

The last line leads to all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from qt.core import QGridLayout, QLabel, QRadioButton, Qt, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..converting.progress import Show, Step
from ..wording import translate as _
from .convert_previews import Previews, Said, about_play
from .error_dialog import ErrorBox
from .links import verbatim
from .play_button import PlayButton, Stop
from .player import Player
from .scrolled import below_radio, wrapping
from .voice_bar import VoiceBar
from .voice_offers import Card

LINES: Final = 2
"""Voices that are proposed, at most."""


@dataclass(frozen=True)
class _Wanted:
    """What Play does: taken when it is shown, since it is read in a thread. fetch: download the voice first."""

    said: Said
    fetch: bool


class _About(QLabel):  # type: ignore[misc]
    """What is said of a voice. It keeps the room that it once needed, so that nothing below moves under the mouse when it says less."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._heights: dict[int, int] = {}
        wrapping(self).setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    def forget(self) -> None:
        """It is of another voice."""
        self._heights = {}

    def heightForWidth(self, width: int) -> int:
        self._heights[width] = max(self._heights.get(width, 0), super().heightForWidth(width))
        return self._heights[width]


class _Line:
    """One voice. card: None while it is not shown."""

    def __init__(self, pair: VoicePair, player: Player) -> None:
        self.card: Card | None = None
        self.wanted: _Wanted | None = None
        self.radio = QRadioButton(pair)
        self.box = ErrorBox(pair)
        self.play = PlayButton(pair, player, partial(pair.sound, self), self.box)
        self.about = _About(pair)

    def show_card(self, card: Card | None, time: str, used: bool) -> None:
        """time: how long the voice takes, in words; may be empty. used: is a book converted with the voice that is chosen?"""
        if card is None or self.card is None or card.id != self.card.id:
            self.about.forget()
        self.card = card
        for widget in (self.radio, self.play, self.about):
            widget.setVisible(card is not None)
        if card is None:
            self.box.clear()
            return
        self.radio.setText(card.title.replace("&", "&&"))
        self.play.setAccessibleDescription(card.name)
        words = " ".join(filter(None, (card.about, time, card.lacking(used and self.radio.isChecked()) or card.may)))
        self.about.setText(words)
        self.radio.setAccessibleDescription(words.replace(card.may, card.licence) if card.may in words else f"{words} {card.licence}")


class VoicePair(QWidget):  # type: ignore[misc]
    """`picked(id)`: by hand. `others`: another voice is wanted. `fetched`: one was downloaded, or a part of it."""

    picked = pyqtSignal(str)
    others = pyqtSignal()
    fetched = pyqtSignal()

    def __init__(self, parent: Any, player: Player, previews: Previews) -> None:
        super().__init__(parent)
        self._previews = previews
        self.cards: tuple[Card, ...] = ()
        """What is shown."""
        self._times: Mapping[str, str] = {}
        self._used = True
        self._said = Said("", "", "", "", 1.0)
        self.lines = tuple(_Line(self, player) for _number in range(LINES))
        self.other = QRadioButton(_("Another voice"), self)
        self.bar = VoiceBar(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        grid.setColumnStretch(1, 1)
        for number, line in enumerate(self.lines):
            grid.addWidget(line.radio, 3 * number, 0, 1, 2)
            grid.addWidget(line.play, 3 * number, 2)
            below_radio(line.about, grid, 3 * number + 1)
            grid.addWidget(line.box, 3 * number + 2, 1, 1, -1)
            line.radio.clicked.connect(partial(self._picked, line))
            line.play.clicked.connect(partial(self._alone, line))
            line.play.stepped.connect(partial(self._stepped, line))
            line.play.made.connect(partial(self._made, line))
        for widget in (self.bar, self.other):
            grid.addWidget(widget, grid.rowCount(), 0, 1, -1)
        self.other.clicked.connect(lambda checked=False: self.others.emit())
        self.hide()

    def show_cards(self, cards: Sequence[Card], chosen: str) -> None:
        """chosen: the voice that is; one that is not among them is another."""
        same = [card.id for card in cards] == [card.id for card in self.cards]
        self.cards = tuple(cards)[:LINES]
        self.setVisible(bool(self.cards))
        if self.cards and not (same and self.wants_others and chosen in [card.id for card in self.cards]):  # who looks at the list goes on doing so
            self.mark(chosen)
        else:
            self._show()

    def mark(self, chosen: str) -> None:
        """As for `show_cards`."""
        next((line.radio for line, card in zip(self.lines, self.cards, strict=False) if card.id == chosen), self.other).setChecked(True)
        self._show()

    @property
    def wants_others(self) -> bool:
        """Is another voice than these to be chosen, or chosen?"""
        return bool(self.other.isChecked())

    def set_said(self, said: Said) -> None:
        """What all of them are to say. device: of the voice that is chosen; the others have their own."""
        if said != self._said:
            self._said = said
            self._show()

    def set_times(self, times: Mapping[str, str]) -> None:
        """How long each takes, in words, where that is known; by its id."""
        if times != self._times:
            self._times = dict(times)
            self._show()

    def set_used(self, on: bool) -> None:
        """Is a book converted with the voice that is chosen, as things stand?"""
        if on != self._used:
            self._used = on
            self._show()

    def stop(self) -> None:
        """Be silent, and leave off whatever is being done."""
        for line in self.lines:
            line.play.stop()

    def clear(self) -> None:
        """What went wrong with a Play is over."""
        for line in self.lines:
            line.box.clear()

    def focus(self) -> QWidget:
        """Where Tab comes to first."""
        return next((line.radio for line in self.lines if line.radio.isChecked()), self.other)

    def sound(self, line: _Line, show: Show, stopped: Stop) -> Path:
        """In a thread: what `line` says, whose voice is downloaded first where it is not here."""
        wanted = line.wanted
        assert wanted is not None
        return self._previews.make(wanted.said, show, stopped, wanted.fetch)

    def _show(self) -> None:
        for number, line in enumerate(self.lines):
            card = self.cards[number] if number < len(self.cards) else None
            line.show_card(card, "" if card is None else self._times.get(card.id, ""), self._used)
            if card is None:
                continue
            device = self._said.device if self._said.voice == card.id and self._said.device else card.place.device
            line.wanted = _Wanted(replace(self._said, voice=card.id, device=device), bool(card.size_bytes))
            able, tip = about_play(line.wanted.said, line.wanted.fetch)
            line.play.setEnabled(able or line.play.busy)
            line.play.setToolTip(tip)
            line.radio.setToolTip(verbatim(card.licence))

    def _picked(self, line: _Line, checked: bool = False) -> None:
        if line.card is not None:
            self.picked.emit(line.card.id)

    def _alone(self, line: _Line, checked: bool = False) -> None:
        """Its Play was pressed: what went wrong with another's is over."""
        for other in self.lines:
            if other is not line:
                other.box.clear()

    def _stepped(self, line: _Line, step: Step) -> None:
        self.bar.show_step(step, "" if line.card is None else line.card.name)

    def _made(self, line: _Line) -> None:
        self.bar.hide()
        self._show()
        if line.wanted is not None and line.wanted.fetch:
            self.fetched.emit()

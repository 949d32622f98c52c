"""The voice for one language with its Play button, which speaks a sentence of the reader's own book as it would be converted.

Where two are proposed, and no third is the user's usual one, these stand side by side, and the list of all is a click away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qt.core import QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..prefs import Settings
from ..wording import translate as _
from .context import Context
from .convert_previews import Previews, Said, about_play
from .error_dialog import ErrorBox
from .play_button import PlayButton
from .player import Player
from .voice_choice import VoiceChoice
from .voice_offers import Card
from .voice_pair import VoicePair


class SpokenVoice(QWidget):  # type: ignore[misc]
    """`changed` as the voice's own. `led(widget)`: its first line is another widget now. `unfolded`: the list of all voices has more to show."""

    changed = pyqtSignal()
    unfolded = pyqtSignal()
    led = pyqtSignal(object)

    def __init__(
        self,
        parent: Any,
        context: Context,
        player: Player,
        previews: Previews,
        settings: Settings,
        name: str = "",
        here: bool = False,
        begun: str = "",
    ) -> None:
        """settings, name, here, begun: as for VoiceChoice."""
        super().__init__(parent)
        self._previews = previews
        self._text = ""
        self.language = ""
        """The books' (BCP 47, may be empty)."""
        self._device = "auto"
        self._speed = 1.0
        self.pair = VoicePair(self, player, previews)  # before the list, as Tab goes
        self.pair.setAccessibleName(name or _("Voice"))
        self.choice = VoiceChoice(self, context.resources, settings, name, here, begun)
        self.box = ErrorBox(self)
        self._wanted = Said("", "", "", "", 1.0)
        self._fetch = False
        """Has that voice to be downloaded first?"""
        self.play = PlayButton(self, player, lambda show, stopped: self._previews.make(self._wanted, show, stopped, self._fetch), self.box)
        self.choice.row.addWidget(self.play)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pair)
        layout.addWidget(self.choice)
        layout.addWidget(self.box)
        self.rows = layout
        self.choice.changed.connect(self._chosen)
        self.choice.offered.connect(self._show_pair)
        self.choice.returned.connect(self._returned)
        self.pair.picked.connect(self.choice.pick)
        self.pair.others.connect(self._another)
        self.pair.fetched.connect(self.choice.look_again)
        self.play.stepped.connect(self.choice.bar.show_step)
        self.play.made.connect(self._made)
        self._show()

    def set_language(self, language: str) -> None:
        """The books' language (BCP 47, may be empty)."""
        self.language = language
        self.choice.set_language(language)
        self._show()

    def set_text(self, text: str) -> None:
        """The sentence to try it with."""
        self._text = text
        self._show()

    def set_way(self, device: str, speed: float) -> None:
        """How it would be converted."""
        self._device, self._speed = device, speed
        self._show()

    def set_used(self, on: bool) -> None:
        """Is a book converted with the chosen one, as things stand?"""
        self.choice.set_used(on)
        self.pair.set_used(on)

    @property
    def cards(self) -> tuple[Card, ...]:
        """The voices that are shown side by side; empty where they are not."""
        return self.pair.cards

    def set_times(self, times: Mapping[str, str]) -> None:
        """How long each of `cards` takes, in words."""
        self.pair.set_times(times)

    def stop(self) -> None:
        """Be silent, and leave off whatever is being done."""
        self.play.stop()
        self.pair.stop()
        self.choice.stop()

    def _chosen(self) -> None:
        if self.choice.whole() != self._wanted.voice:
            self.play.stop()
            self.box.clear()
            self.pair.clear()
        self._show_pair()
        self._show()
        self.changed.emit()
        if self.choice.picked() and not self.choice.combo.isHidden():
            self._unfold()

    def _show_pair(self) -> None:
        self.pair.show_cards(self.choice.cards(), self.choice.voice())
        self._show_list()

    def _returned(self) -> None:
        """The list is no longer wanted where one of the two is chosen again."""
        self.pair.mark(self.choice.voice())
        self._show_list()

    def _another(self) -> None:
        """One that is none of the two, to begin with."""
        if any(card.id == self.choice.voice() for card in self.pair.cards):
            self.choice.pick(self.choice.another())
        self._show_list()
        self._unfold()

    def _unfold(self) -> None:
        for part in (self.choice, self):
            part.layout().activate()  # so that the room for it is known
        self.unfolded.emit()

    def _show_list(self) -> None:
        """That of all voices, where it is wanted or there is nothing else."""
        shown = not self.pair.cards or self.pair.wants_others
        if not shown:
            self.play.stop()
        for widget in (self.choice.combo, self.play):
            widget.setVisible(shown)
        self.led.emit(self.pair.focus() if self.pair.cards else self.choice.combo)

    def _made(self) -> None:
        self.choice.bar.setVisible(self.choice.busy)
        if self._fetch:
            self.choice.look_again()

    def _show(self) -> None:
        self._wanted = Said(self._text, self.language, self.choice.whole(), self._device, self._speed)
        self.pair.set_said(self._wanted)
        self._fetch = not self.choice.is_here()
        cannot, (able, tip) = self.choice.cannot(), about_play(self._wanted, self._fetch)
        self.play.setEnabled((able and bool(self._wanted.voice) and not cannot) or self.play.busy)
        self.play.setToolTip(cannot or tip)

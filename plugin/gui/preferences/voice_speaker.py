"""Whom a voice speaks with: which of its speakers, and over which voice a clone. A list that is shown where there is something to choose."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from qt.core import QComboBox, QLabel  # type: ignore[import-not-found]

from ...resources import Resources
from ...speaking import voices
from ...wording import translate as _
from ..clone import abilities
from ..clone.abilities import ABOUT_BASES, Ability, Base, split
from ..scrolled import calm
from ..voice_offers import joined
from .voice_table import Row

_SHOWN: Final = 12
"""Characters."""


class SpeakerChoice(QComboBox):  # type: ignore[misc]
    """Of the voice that `show_row` was told last. label: stands before it."""

    def __init__(self, resources: Resources) -> None:
        super().__init__()
        self._resources = resources
        self._row: Row | None = None
        self.able = Ability(())
        """Of a clone, in the language that it is to speak."""
        self.label = QLabel(_("S&peaker:"))
        self.label.setBuddy(self)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_SHOWN)
        calm(self)

    def show_row(self, row: Row | None, language: str, chosen: Mapping[str, str], here: Collection[str]) -> None:
        """language: that it would be used for, by its code. chosen: the user's voices by language. here: ids of the voices that are."""
        self._row, self.able = row, Ability(())
        used = split(chosen[language])[1] if row is not None and split(chosen.get(language, ""))[0] == row.id else ""
        self.blockSignals(True)
        self.clear()
        for name, data in self._names(row, language, chosen, here, used):
            self.addItem(name, data)
        self.setCurrentIndex(max(0, self.findData(used)))
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + self.view().verticalScrollBar().sizeHint().width())
        self.blockSignals(False)
        self.label.setText(_("S&peaker:") if row is None or row.clone is None else _("&Base voice:"))
        self.setToolTip("" if row is None or row.clone is None else _(ABOUT_BASES))
        self.setVisible(self.count() > 1)
        self.label.setVisible(self.count() > 1)

    def id(self) -> str:
        """The voice's, with the speaker or base voice that is chosen here; empty where no voice is shown."""
        return "" if self._row is None else joined(self._row.id, str(self.currentData() or "") if self.count() > 1 else "")

    def base(self) -> Base | None:
        """What a clone is to speak over; None for another voice, and for a clone that cannot speak the language."""
        return next((base for base in self.able.bases if base.id == self.currentData()), None)

    def whole(self) -> str:
        """As `id`, of a clone always with the voice that it speaks over."""
        base = self.base()
        return self.id() if self._row is None or base is None else joined(self._row.id, base.voice)

    def lacks(self) -> bool:
        """Is something still to be fetched, or is there nothing, that the clone could speak over? False for other voices."""
        base = self.base()
        return self._row is not None and self._row.clone is not None and (base is None or bool(base.parts))

    def _names(self, row: Row | None, language: str, chosen: Mapping[str, str], here: Collection[str], used: str) -> list[tuple[str, Any]]:
        """(words, speaker or base voice)."""
        if row is None or (row.clone is None and (row.speakers <= 1 or not row.here)):
            return []
        if row.clone is None:
            return [(name, name) for name in voices.speakers_of(row.id, self._resources)]
        self.able = abilities.ability(row.id, language, self._resources, chosen, here, used)
        usual = _("{voice} (the usual one)")
        return [(base.name if base.id else usual.format(voice=base.name), base.id) for base in self.able.bases]

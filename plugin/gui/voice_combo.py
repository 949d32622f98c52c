"""A list of names in one line of a window: as wide as what is chosen, within bounds, and never cut when it is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qt.core import QComboBox, QSize, Qt, QWidget  # type: ignore[import-not-found]

from .links import verbatim
from .scrolled import calm
from .voice_offers import Offer

_CHARACTERS: Final = (18, 36)
"""There is room for the name that is chosen, within these; of a longer one the list shows all."""


class _Combo(QComboBox):  # type: ignore[misc]
    def minimumSizeHint(self) -> QSize:
        """Qt keeps an earlier one when the least number of characters is another."""
        return self.sizeHint()


def combo_of(parent: QWidget, name: str) -> QComboBox:
    combo = _Combo(parent)
    combo.setAccessibleName(name)
    calm(combo)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    widen(combo)
    return combo


def fill(combo: QComboBox, offers: Sequence[Offer]) -> None:
    """With these alone, each kind parted from the next; one that cannot be chosen says why."""
    combo.clear()
    before: Offer | None = None
    for offer in offers:
        if before is not None and before.kind != offer.kind:
            combo.insertSeparator(combo.count())
        before = offer
        combo.addItem(offer.label(), offer.id)
        if offer.reason:
            item = combo.model().item(combo.count() - 1)
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            item.setToolTip(verbatim(offer.reason))


def widen(combo: QComboBox) -> None:
    """So that the chosen name is not cut, and none in the list."""
    metrics, (least, most) = combo.fontMetrics(), _CHARACTERS
    characters = metrics.horizontalAdvance(combo.currentText()) // metrics.horizontalAdvance("X") + 1
    combo.setMinimumContentsLength(min(max(least, characters), most))
    combo.view().setMinimumWidth(combo.view().sizeHintForColumn(0) + combo.view().verticalScrollBar().sizeHint().width())

"""How a clone is made: the converters, each with what it is good for, what it sounds like, what is downloaded for it and its terms."""

from __future__ import annotations

from typing import Any

from qt.core import QButtonGroup, QRadioButton, QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ...engine.install_plan import size_words
from ...resources import Resources
from ...speaking import converters, voices
from ...wording import translate as _
from ..links import verbatim
from ..scrolled import sentence, small

Missing = dict[str, int]
"""A converter's id -> bytes to be downloaded, 0 where it is here."""


def missing(resources: Resources) -> Missing:
    """Of all converters; looks into their folders."""
    return {id: sum(part.size_bytes for part in converters.missing(id, resources)) for id in converters.catalogue(resources)}


class ConverterChoice(QWidget):  # type: ignore[misc]
    """`changed` when another is chosen."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, resources: Resources) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.resources = resources
        self._known = converters.catalogue(resources)
        self._about = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        indent = self.style().pixelMetric(self.style().PixelMetric.PM_ExclusiveIndicatorWidth) + 6
        for number, (id, converter) in enumerate(self._known.items()):
            button = QRadioButton(converter.name, self)
            button.setChecked(number == 0)
            self._group.addButton(button, number)
            about = self._about[id] = small(sentence("", self))
            about.setContentsMargins(indent, 0, 0, 0)
            for widget in (button, about):
                widget.setToolTip(verbatim(converter.details))
                layout.addWidget(widget)
        layout.addWidget(small(sentence(_(converters.BASE), self)))
        self._group.idClicked.connect(lambda number: self.changed.emit())
        self.show_missing({})

    def id(self) -> str:
        """Of the chosen one."""
        return tuple(self._known)[int(self._group.checkedId())]

    def name(self) -> str:
        return str(self._known[self.id()].name)

    def choose(self, id: str) -> None:
        self._group.button(list(self._known).index(id)).setChecked(True)
        self.changed.emit()

    def show_missing(self, found: Missing, base: str = "") -> None:
        """Say of each whether it is here; of one that `found` has not, what all of it takes. base: the id of the voice that a clone usually speaks over,
        whose terms hold, too; empty where that is not known."""
        for id, converter in self._known.items():
            size_bytes = found.get(id, converter.size_bytes)
            here = _("It is on this computer.")
            download = _("{size} are downloaded once.").format(size=size_words(size_bytes / 1e6)) if size_bytes else here
            may = voices.clone_may(id, base, self.resources) if base and id != converters.D_VECTOR else ""
            self._about[id].setText(" ".join(filter(None, (converter.good_for, download, may, converter.licence))))
            self._group.button(list(self._known).index(id)).setAccessibleDescription(self._about[id].text())

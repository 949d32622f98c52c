"""What lies on this computer for cloned voices alone: of each converter how much, and taking it away. Asks and shows; what is done, the page does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from calibre.gui2 import question_dialog  # type: ignore[import-not-found]
from qt.core import QGridLayout, QGroupBox, QIcon, Qt  # type: ignore[import-not-found]

from ... import prefs
from ...resources import Resources
from ...speaking import clones, converters
from ...wording import listed
from ...wording import translate as _
from ..links import verbatim
from ..scrolled import sentence
from ..work_bar import WAITS, allow, button
from .parts import size_words

NAMED_CHARS: Final = 200
"""Of clones' names, in a question."""


def taken(resources: Resources) -> Mapping[str, int]:
    """A converter's id -> the bytes that become free with it, of those of which something is here. Looks into folders, so from a thread."""
    found = {id: converters.bytes_on_disk(id, resources) for id in converters.catalogue(resources)}
    return {id: size_bytes for id, size_bytes in found.items() if size_bytes}


def clones_by(converter: str) -> list[str]:
    """The names of the user's clones that speak by a converter, or that are to do so for some language."""
    chosen = (clones.parse(id) for id in prefs.load().voices.values())
    found = [*clones.all_of_them(), *(clone for named in chosen if named is not None and (clone := clones.get(named)) is not None)]
    return list(dict.fromkeys(clone.name for clone in found if clone.converter == converter))


def is_wanted(parent: Any, converter: str, size_bytes: int) -> bool:
    """Ask whether to take it away. size_bytes: that become free."""
    names = clones_by(converter)
    text = _("{size} become free. It would have to be downloaded again before these clones speak: {clones}.")
    text = text if names else _("{size} become free. None of your clones speaks by it.")
    asked = text.format(size=size_words(size_bytes), clones=listed(names, NAMED_CHARS)) + "\n\n" + _("Remove it from this computer?")
    return bool(question_dialog(parent, _("Remove what clones need?"), verbatim(asked), default_yes=False))


class ConvertersBox(QGroupBox):  # type: ignore[misc]
    """A line with a button for each converter that is here; not shown where none is. remove(id, size_bytes): its button was pressed."""

    def __init__(self, resources: Resources, remove: Callable[[str, int], None]) -> None:
        super().__init__(_("For cloned voices"))
        self._remove = remove
        self._sizes: Mapping[str, int] = {}
        grid = QGridLayout(self)
        grid.setColumnStretch(0, 1)
        self.rows = {id: (sentence("", self), button(_("Remove…"), partial(self._pressed, id))) for id in converters.catalogue(resources)}
        for id, (told, pressed) in self.rows.items():
            pressed.setIcon(QIcon.ic("trash.png"))
            pressed.setAccessibleName(_("Remove what {converter} needs").format(converter=named(id)))
            grid.addWidget(told, grid.rowCount(), 0)
            grid.addWidget(pressed, grid.rowCount() - 1, 1, Qt.AlignmentFlag.AlignTop)
        self.show_taken({})

    def show_taken(self, sizes: Mapping[str, int]) -> None:
        """sizes: as `taken`."""
        self._sizes = sizes
        for id, (told, pressed) in self.rows.items():
            told.setText(_("What {converter} needs takes {size} here.").format(converter=named(id), size=size_words(sizes.get(id, 0))))
            allow(pressed)
            for widget in (told, pressed):
                widget.setVisible(id in sizes)
        self.setVisible(bool(sizes))

    def leave_alone(self) -> None:
        """Something is being done: no button until that ends."""
        for _told, pressed in self.rows.values():
            allow(pressed, _(WAITS))

    def _pressed(self, id: str) -> None:
        self._remove(id, self._sizes.get(id, 0))


def named(converter: str) -> str:
    """A converter, as what of it lies on a disk."""
    return _("cloning without a converter (or measuring likeness)") if converter == converters.D_VECTOR else _(converters.NAMES[converter])

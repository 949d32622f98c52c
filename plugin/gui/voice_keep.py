"""The tick by which a voice that is chosen for some books reads all in their language from now on."""

from __future__ import annotations

from typing import Any

from qt.core import QCheckBox  # type: ignore[import-not-found]

from ..languages import base_language
from ..wording import translate as _
from .language_names import short_name


class KeepVoice(QCheckBox):  # type: ignore[misc]
    """`wanted`: has the user ticked it for the voice that is chosen now? What is to be seen while it is not held."""

    def __init__(self, parent: Any) -> None:
        super().__init__("", parent)
        self.wanted = False
        self._voice = ""
        self._held = False
        self.setVisible(False)
        self.clicked.connect(self._clicked)

    def show_for(self, language: str, voice: str, may: bool) -> None:
        """language: the books'. voice: the id of the one that is chosen. may: is it another than the usual one, so that there is something to tick?"""
        self.wanted = self.wanted and voice == self._voice
        self._voice = voice
        name = short_name(base_language(language))
        self.setText(_("Use this voice for all books in {language} from now on").format(language=name))
        self.setVisible(may)
        self.setEnabled(not self._held)
        self.setChecked(self._held or self.wanted)
        why = _("“Do not show this window again” is ticked below: then the voice that you choose here reads all books in {language}.")
        self.setToolTip(why.format(language=name) if self._held else "")

    def hold(self, on: bool) -> None:
        """The voice that is chosen is the one for all books, since nobody is to be asked any more: it is ticked, and stays so."""
        self._held = on

    def _clicked(self, on: bool) -> None:
        self.wanted = on

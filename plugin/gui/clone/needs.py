"""What is downloaded before a clone can speak, in one sum, and the converter that needs least, where another one is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qt.core import QVBoxLayout, QWidget  # type: ignore[import-not-found]

from ...engine.install_plan import size_words
from ...resources import Resources
from ...speaking import converters, voices
from ...wording import isolated
from ...wording import translate as _
from ..scrolled import sentence
from ..work_bar import Flow, button
from .converter_choice import ConverterChoice, Missing


@dataclass(frozen=True)
class Need:
    """parts: MB to be downloaded, of what, in words. disk_mb: what all of that takes then."""

    parts: tuple[tuple[float, str], ...]
    disk_mb: float

    @property
    def fetch_mb(self) -> float:
        return sum(mb for mb, _what in self.parts)


def need(id: str, layer_mb: tuple[int, int], found: Missing, base: str, language: str, resources: Resources) -> Need:
    """Of a clone by a converter. layer_mb: as `abilities.layer_sizes`. base: the id of the voice over which it speaks, empty where that is not known;
    language: in which, in words."""
    extra_mb, disk_mb = layer_mb
    d_vector, fetch_mb = id == converters.D_VECTOR, found.get(id, 0) / 1e6
    named = _("the converter {name}").format(name=converters.catalogue(resources)[id].name)
    what = converters.speaker_encoder(resources).parts[0].name if d_vector else named
    base_mb = 0.0 if d_vector or not base else voices.fetch_bytes(base, resources) / 1e6
    voice = _("the voice {name}, over which it speaks {language}").format(name=isolated(voices.name_of(base, resources)), language=language)
    parts = ((fetch_mb, what), (base_mb, voice), (extra_mb, _("the extra part of the speech engine")))
    return Need(tuple(part for part in parts if part[0]), fetch_mb + base_mb + disk_mb)


class Needs(QWidget):  # type: ignore[misc]
    """Below the window, for the converter that is chosen there."""

    def __init__(self, parent: Any, choice: ConverterChoice) -> None:
        super().__init__(parent)
        self._choice = choice
        self._least = ""
        self._has_less, self._offers = False, True
        self.told = sentence("", self)
        self.less = sentence("", self)
        self.take = button("", lambda: choice.choose(self._least))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.told)
        rows.addWidget(self.less)
        rows.addLayout(Flow(self.take))
        self._show()

    def text(self) -> str:
        """The sum."""
        return str(self.told.text())

    def show_for(self, layer_mb: tuple[int, int], found: Missing, base: str = "", language: str = "") -> None:
        """As for `need`."""
        resources = self._choice.resources
        needs = {id: need(id, layer_mb, found, base, language, resources) for id in converters.catalogue(resources)}
        chosen = needs[self._choice.id()]
        each = ", ".join(_("{size} for {what}").format(size=size_words(mb), what=what) for mb, what in chosen.parts)
        text = _("Before it speaks, {all} are downloaded once: {each}. On the disk all of that takes {disk}.")
        sizes = {"all": size_words(chosen.fetch_mb), "disk": size_words(chosen.disk_mb)}
        self.told.setText(text.format(each=each, **sizes) if each else _("All that it needs to speak is on this computer."))
        self._least = min((id for id in needs if id != converters.D_VECTOR), key=lambda id: needs[id].fetch_mb, default="")
        self._has_less = bool(self._least) and needs[self._least].fetch_mb < chosen.fetch_mb
        if self._least:
            least = converters.catalogue(resources)[self._least]
            words = _("{name} needs less: {size} in all. {about}")
            less = words.format(name=least.name, size=size_words(needs[self._least].fetch_mb), about=least.good_for)
            now = converters.catalogue(resources)[self._choice.id()]
            against = now.time if converters.TIMES[now.id] != converters.TIMES[least.id] else ""
            self.less.setText(" ".join(filter(None, (less, against))))
            self.take.setText(_("Choose {name}").format(name=least.name))
        self._show()

    def offer(self, on: bool) -> None:
        """Name the one that needs least? Not where all of them stand above."""
        self._offers = on
        self._show()

    def _show(self) -> None:
        for widget in (self.less, self.take):
            widget.setVisible(self._has_less and self._offers)

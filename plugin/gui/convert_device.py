"""Choosing the device that speaks, each with its measured speed; a card, or a clone, that lacks its layer can have it installed from here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from qt.core import QComboBox, QHBoxLayout, QIcon, QPushButton, Qt, QVBoxLayout, QWidget, pyqtSignal, sip  # type: ignore[import-not-found]

from ..engine import install_plan
from ..engine.install_plan import Wanted
from ..errors import PluginError
from ..resources import Resources
from ..speaking import clones, speakers
from ..wording import device_name, speed_words
from ..wording import translate as _
from .background import Background
from .context import Context
from .device_places import DeviceOffer, place_of, places
from .error_dialog import ErrorBox
from .links import verbatim
from .scrolled import calm, sentence

_CHARACTERS: Final = 18
_Of = tuple[str, str]
"""A voice, and the device that is asked for."""


class DeviceChoice(QWidget):  # type: ignore[misc]
    """`changed` when another is chosen, or more is known of them."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, context: Context, device: str, several: bool = False) -> None:
        super().__init__(parent)
        self._context = context
        self._several = several
        self.wanted = device
        """As the user chose it; kept also while that device is not there."""
        self._known = False
        self._voice: str | None = None
        self._places: tuple[DeviceOffer, ...] = (DeviceOffer(speakers.AUTO, _("Automatic (the fastest)")),)
        self._installing = False
        self._load = Background(self)
        self._load.done.connect(self._found)
        self._others: dict[_Of, DeviceOffer] = {}
        """Where voices would be spoken by which the devices are not told."""
        self._unknown: set[_Of] = set()
        self._look = Background(self)
        self._look.done.connect(self._looked)
        self.combo = QComboBox(self)
        self.combo.setAccessibleName(_("Device"))
        calm(self.combo)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(_CHARACTERS)
        self.combo.activated.connect(self._by_hand)
        self.note = sentence("", self)
        self.install = QPushButton(QIcon.ic("plus.png"), _("Install…"), self)
        self.install.setAutoDefault(False)
        self.install.clicked.connect(self._install)
        self.box = ErrorBox(self)
        row = QHBoxLayout()
        row.addWidget(self.install)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo)
        layout.addWidget(self.note)
        layout.addLayout(row)
        layout.addWidget(self.box)
        self._fill(self._places)

    def set_voice(self, voice: str) -> None:
        """Which voice is to be spoken: how fast differs."""
        if voice != self._voice:
            self._voice = voice
            self._reload()

    def device(self) -> str:
        """As the wire names it: what was chosen, as long as nobody knows what is there."""
        return self._now().device if self._known else self.wanted

    def device_for(self, voice: str) -> str:
        """As `device`, for a book that this voice speaks: where the devices are told by another one, what that cannot use is no matter."""
        return self.device() if not voice or voice == self._voice else self._place_of(voice).device

    def place_for(self, voice: str) -> DeviceOffer:
        """The chosen one; where the devices are told by another voice, where this one would be spoken, as fast as the other where nobody knows better."""
        now = self._now()
        if not voice or voice == self._voice:
            return now
        place = self._place_of(voice)
        alike = not now.why_alone and not self._is_clone() and clones.parse(voice) is None
        return replace(place, likely=now.rate) if place.rate is None and alike else place

    def tells(self, voice: str) -> bool:
        """Are the devices those of this voice?"""
        return voice == self._voice and not self._load.running

    def is_ready(self) -> bool:
        """Can it be used now?"""
        return not self._now().layer_mb

    def lacks(self) -> str:
        """What has to be installed first, in words; empty where nothing has."""
        return "" if self.is_ready() else str(self.note.text())

    def stop(self) -> None:
        """Leave off looking."""
        self._load.stop()
        self._look.stop()

    @property
    def looking(self) -> bool:
        """Will more be known in a moment?"""
        return bool(self._load.running or self._look.running)

    def _place_of(self, voice: str) -> DeviceOffer:
        """Of a voice by which the devices are not told; it is looked up, and until then what was asked for."""
        wanted = speakers.CPU_TORCH if self.wanted == speakers.CPU and clones.parse(voice) is not None else self.wanted
        place = self._others.get((voice, wanted))
        if place is None:
            self._unknown.add((voice, wanted))
            if not self._look.running:
                self._look_up()
        return place or DeviceOffer(wanted, device_name(wanted))

    def _look_up(self) -> None:
        asked, resources = tuple(self._unknown), self._context.resources
        self._look.start(lambda show, stopped: {of: _place(of, resources) for of in asked})

    def _looked(self, found: dict[_Of, DeviceOffer]) -> None:
        self._others.update(found)
        self._unknown -= set(found)
        if self._unknown:
            self._look_up()
        self.changed.emit()

    def _reload(self) -> None:
        voice, resources = self._voice or "", self._context.resources
        self._load.start(lambda show, stopped: places(voice, resources))

    def _found(self, found: tuple[DeviceOffer, ...]) -> None:
        self._known = True
        self._fill(found)

    def _fill(self, found: tuple[DeviceOffer, ...]) -> None:
        self._places = found
        self.combo.clear()
        for number, place in enumerate(found):
            self.combo.addItem(place.label(self._several), number)
            if place.speed is not None:
                self.combo.setItemData(number, speed_words(place.speed), Qt.ItemDataRole.ToolTipRole)
            if place.reason:
                item = self.combo.model().item(number)
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(verbatim(place.reason))
        torch = speakers.CPU_TORCH if self.wanted == speakers.CPU and self._is_clone() else self.wanted
        wanted = next((number for number, place in enumerate(found) if place.device == torch and not place.reason), 0)
        self.combo.setCurrentIndex(wanted)
        view = self.combo.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + view.verticalScrollBar().sizeHint().width())  # in the list no name is cut
        self._show()
        self.changed.emit()

    def _now(self) -> DeviceOffer:
        place: DeviceOffer = self._places[max(0, self.combo.currentIndex())]
        return place

    def _by_hand(self, *at: int) -> None:
        self.wanted = self.device()
        if self._is_clone() and self.wanted == speakers.CPU_TORCH:
            self.wanted = speakers.CPU  # the only way in which it speaks a clone; other books have a faster one
        self.box.clear()
        self._show()
        self.changed.emit()

    def _is_clone(self) -> bool:
        return clones.parse(self._voice or "") is not None

    def _show(self) -> None:
        place = self._now()
        self.combo.setEnabled(len(self._places) > 1)
        about = _("What makes the sound: this computer's processor (CPU) or a graphics card. Automatic takes the fastest that was measured.")
        self.combo.setToolTip(place.why_alone or about)
        text = ""
        if place.layer_mb:
            text = _("{device} can speak as soon as the extra part of the speech engine is installed: {size} are downloaded, once; it takes {disk} then.")
            if self._is_clone():
                text = _("A clone can speak as soon as the extra part of the speech engine is installed: {size} are downloaded, once; it takes {disk} then.")
            text = text.format(device=place.name, size=install_plan.size_words(place.layer_mb), disk=install_plan.size_words(place.disk_mb))
            if self._comes():
                text = _("The extra part is being installed. Choose another device to begin without it.")
                if self._is_clone():
                    text = _("The extra part is being installed. Choose another voice to begin without it.")
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.install.setVisible(bool(place.layer_mb) and not self._comes())

    def underway_changed(self) -> None:
        """An installation has begun somewhere, or has ended; of one that was stopped nobody is told."""
        self._installing = False
        self._show()
        self._reload()

    def _comes(self) -> bool:
        """Is the extra part being installed, by whatever window?"""
        return self._installing or any(one.brings(layer="neural") for one in self._context.underway())

    def _install(self) -> None:
        self._installing = True
        self.box.clear()
        self._show()
        self._context.install(Wanted(layers=("neural",)), self._installed)

    def _installed(self, error: Exception | None) -> bool:
        if sip.isdeleted(self) or not self.window().isVisible():
            return False
        self._installing = False
        self._others.clear()
        if error is not None:
            self.box.set_error(error, {"again": self._install})
        self._show()
        self._reload()
        return True


def _place(of: _Of, resources: Resources) -> DeviceOffer:
    """In a thread."""
    voice, wanted = of
    with suppress(PluginError):  # a voice that is gone: said where it is chosen
        return place_of(voice, wanted, resources)
    return DeviceOffer(wanted, device_name(wanted))

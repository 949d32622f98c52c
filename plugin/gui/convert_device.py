"""Choosing the device that speaks, each with its measured speed; a card, or a clone, that lacks its layer can have it installed from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from qt.core import QComboBox, QHBoxLayout, QIcon, QPushButton, Qt, QVBoxLayout, QWidget, pyqtSignal, sip  # type: ignore[import-not-found]

from ..converting.protocol import Device
from ..engine import gpus, install_plan, runtime
from ..engine.install_plan import Wanted
from ..errors import PluginError
from ..resources import Resources
from ..speaking import clones, estimates, speakers, speeds, voices
from ..wording import device_name, speed_words
from ..wording import translate as _
from .background import Background
from .clone import abilities
from .context import Context
from .error_dialog import ErrorBox
from .scrolled import calm, sentence

_CHARACTERS: Final = 18
_KINDS: Final[Mapping[str, str]] = {"rocm": "cuda"}
"""How torch names a build's devices, where not by the build."""


@dataclass(frozen=True)
class Place:
    """A device in the list. speed: times real time for the voice, None where nobody measured; likely: a guess, where that is so. layer_mb: what has to
    be installed first; reason: why it cannot be chosen at all; why_alone: why no other can."""

    device: str
    name: str
    speed: float | None = None
    layer_mb: int = 0
    reason: str = ""
    why_alone: str = ""
    likely: float | None = None

    def label(self) -> str:
        """As it stands in the list."""
        if self.reason:
            return _("{device} (cannot be used)").format(device=self.name)
        if self.layer_mb and self.device != speakers.AUTO:
            return _("{device} (needs the extra part, {size})").format(device=self.name, size=install_plan.size_words(self.layer_mb))
        if self.speed is not None and self.device != speakers.AUTO:
            speed = f"{self.speed:.0f}" if self.speed >= 10 else f"{self.speed:.1f}"
            return _("{device}, {speed} times as fast as listening").format(device=self.name, speed=speed)
        return self.name


def places(voice: str, resources: Resources) -> tuple[Place, ...]:
    """What can speak a voice on this computer, by what is remembered: nothing is tried. voice: may be empty, or not here; a clone's with its base voice."""
    if clones.parse(voice) is not None:
        return _of_a_clone(voice, resources)
    cards = gpus.found()
    neural = runtime.find_layer("neural", resources)
    layer = neural or runtime.find_layer("core", resources)
    wire = voices.wire_voice(voice, "", resources) if voice else None
    if wire is not None and wire["kind"] not in ("piper", "coqui"):
        why = _("This voice is always spoken by the processor (CPU), which is very fast; there is nothing to choose.")
        return (Place(speakers.AUTO, _("CPU (always, for this voice)"), why_alone=why),)
    return tuple(_listed(*_known(wire, layer, cards), cards, neural, resources))


def _known(wire: voices.Wire | None, layer: runtime.Layer | None, cards: tuple[gpus.Gpu, ...]) -> tuple[tuple[Device, ...], Mapping[str, float]]:
    """(devices that were tried with that voice, how fast each spoke whole books)."""
    key = speakers.key_of(wire, layer, cards) if wire is not None and layer is not None else ""
    return speeds.recall(key) or (), speeds.learned(key)


def _of_a_clone(voice: str, resources: Resources) -> tuple[Place, ...]:
    """Those of the extra part alone, which has to be installed first where it is not here."""
    cards = gpus.found()
    neural = runtime.find_layer("neural", resources)
    if neural is None:
        why = _("A clone is spoken by the extra part of the speech engine alone, which is not here yet.")
        return (Place(speakers.AUTO, _("Automatic: the fastest"), layer_mb=abilities.layer_mb(resources), why_alone=why),)
    wire: voices.Wire | None = None
    with suppress(PluginError):  # of a language that it cannot speak: said where the voice is chosen
        wire = voices.wire_voice(voice, "", resources)
    found = [place for place in _listed(*_known(wire, neural, cards), cards, neural, resources) if not speakers.ONNX.fullmatch(place.device)]
    if wire is None:
        return tuple(found)
    converter = wire["clone"]["converter"]
    base = _listed(*_known({**wire, "clone": None}, neural, cards), cards, neural, resources)
    spoken = {place.device: place.speed for place in base if place.speed and place.device != speakers.AUTO and not speakers.ONNX.fullmatch(place.device)}
    spoken[speakers.AUTO] = max(spoken.values(), default=None)
    return tuple(replace(place, likely=estimates.cloned(spoken.get(place.device), converter)) for place in found)


def _listed(
    known: tuple[Device, ...], spoken: Mapping[str, float], cards: tuple[gpus.Gpu, ...], neural: runtime.Layer | None, resources: Resources
) -> Iterable[Place]:
    """known: what was measured; spoken: how fast whole books were spoken."""
    speed_of = {**spoken, **{device.device: device.speed for device in known if device.usable}}
    best = speakers.fastest(known)
    only_cpu = neural is None and not speakers.core_has_accelerators()
    name = device_name(speakers.CPU) if only_cpu else "" if best is None else _device_name(best.device, best.name)
    auto = _("Automatic: {device}").format(device=name) if name else _("Automatic: the fastest")
    yield Place(speakers.AUTO, auto, best.speed if best is not None else speed_of.get(speakers.CPU))
    yield Place(speakers.CPU, device_name(speakers.CPU), speed_of.get(speakers.CPU))
    if neural is not None:
        yield Place(speakers.CPU_TORCH, device_name(speakers.CPU_TORCH), speed_of.get(speakers.CPU_TORCH))
    tried = [device for device in known if device.name and not device.device.startswith("cpu")]
    for device in tried:
        yield Place(device.device, device.name, device.speed, reason="" if device.usable else device.reason or _("it did not speak"))
    yield from _untried(tried, cards, neural, resources)


def _untried(tried: list[Device], cards: tuple[gpus.Gpu, ...], neural: runtime.Layer | None, resources: Resources) -> Iterable[Place]:
    """Cards that no sidecar has spoken of."""
    reasons = {device.name: device.reason for device in speakers.out_of_reach(tried, cards, neural)}
    numbers: dict[str, int] = {}
    for card in cards:
        if card.name not in reasons:
            continue
        offer = install_plan.offer(resources, card)
        kind = _KINDS.get(offer.build, offer.build)
        number = numbers.get(kind, 0)
        numbers[kind] = number + 1
        device = kind if kind == "mps" else f"{kind}:{number}"
        has = str(neural.stamp().get("device") or "cpu") if neural is not None else ""
        if not offer.build:
            yield Place("", card.name, reason=offer.sentence)
        elif neural is not None and offer.build in (has, "mps"):
            yield Place(device, card.name)
        else:
            yield Place(device, card.name, layer_mb=offer.item.fetch_mb if offer.item is not None else 1)


def _device_name(device: str, name: str) -> str:
    return device_name(device) if device in (speakers.CPU, speakers.CPU_TORCH) else name or device


class DeviceChoice(QWidget):  # type: ignore[misc]
    """`changed` when another is chosen, or more is known of them."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, context: Context, device: str) -> None:
        super().__init__(parent)
        self._context = context
        self.wanted = device
        """As the user chose it; kept also while that device is not there."""
        self._known = False
        self._voice: str | None = None
        self._places: tuple[Place, ...] = (Place(speakers.AUTO, _("Automatic: the fastest")),)
        self._installing = False
        self._load = Background(self)
        self._load.done.connect(self._found)
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

    def speed(self) -> float | None:
        """Measured, else guessed; times real time."""
        place = self._now()
        return place.likely if place.speed is None else place.speed

    def is_measured(self) -> bool:
        """Or only guessed, or not known?"""
        return self._now().speed is not None

    def is_ready(self) -> bool:
        """Can it be used now?"""
        return not self._now().layer_mb

    def lacks(self) -> str:
        """What has to be installed first, in words; empty where nothing has."""
        return "" if self.is_ready() else str(self.note.text())

    def stop(self) -> None:
        """Leave off looking."""
        self._load.stop()

    def _reload(self) -> None:
        voice, resources = self._voice or "", self._context.resources
        self._load.start(lambda show, stopped: places(voice, resources))

    def _found(self, found: tuple[Place, ...]) -> None:
        self._known = True
        self._fill(found)

    def _fill(self, found: tuple[Place, ...]) -> None:
        self._places = found
        self.combo.clear()
        for number, place in enumerate(found):
            self.combo.addItem(place.label(), number)
            if place.speed is not None:
                self.combo.setItemData(number, speed_words(place.speed), Qt.ItemDataRole.ToolTipRole)
            if place.reason:
                item = self.combo.model().item(number)
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(place.reason)
        torch = speakers.CPU_TORCH if self.wanted == speakers.CPU and self._is_clone() else self.wanted
        wanted = next((number for number, place in enumerate(found) if place.device == torch and not place.reason), 0)
        self.combo.setCurrentIndex(wanted)
        view = self.combo.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + view.verticalScrollBar().sizeHint().width())  # in the list no name is cut
        self._show()
        self.changed.emit()

    def _now(self) -> Place:
        place: Place = self._places[max(0, self.combo.currentIndex())]
        return place

    def _by_hand(self, *at: int) -> None:
        self.wanted = self.device()
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
            text = _("{device} can speak as soon as the extra part of the speech engine is installed: {size} are downloaded, once.")
            if self._is_clone():
                text = _("A clone can speak as soon as the extra part of the speech engine is installed: {size} are downloaded, once.")
            text = text.format(device=place.name, size=install_plan.size_words(place.layer_mb))
            if self._installing:
                text = _("The extra part is being installed; the Jobs list shows how far it is. Choose another device to begin without it.")
                if self._is_clone():
                    text = _("The extra part is being installed; the Jobs list shows how far it is. Choose another voice to begin without it.")
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.install.setVisible(bool(place.layer_mb) and not self._installing)

    def _install(self) -> None:
        self._installing = True
        self.box.clear()
        self._show()
        self._context.install(Wanted(layers=("neural",)), self._installed)

    def _installed(self, error: Exception | None) -> None:
        if sip.isdeleted(self):
            return
        self._installing = False
        if error is not None:
            self.box.set_error(error, {"again": self._install})
        self._show()
        self._reload()

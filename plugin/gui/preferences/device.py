"""The page of devices: the processor and each graphics card by name, how fast it speaks, and which one is to be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QAbstractButton,
    QButtonGroup,
    QCheckBox,
    QFrame,
    QGroupBox,
    QIcon,
    QPushButton,
    QRadioButton,
    QStyle,
    Qt,
    QVBoxLayout,
    QWidget,
)

from ... import prefs
from ...converting import progress
from ...converting.events import Device
from ...converting.progress import Show
from ...converting.requests import FLOAT32, HALF
from ...engine import engine_care, gpus, runtime
from ...engine.gpus import Gpu
from ...engine.install_plan import Wanted
from ...resources import Resources
from ...speaking import speakers, speeds, voices
from ...wording import N_
from ...wording import translate as _
from ..background import Background
from ..context import Context
from ..player import Player
from ..scrolled import Page as Content
from ..scrolled import sentence
from ..voice_bar import named
from ..work_bar import WAITS, Flow, WorkBar, allow, button
from .device_rows import Installed, Row, about_test, always_on_cpu, get_and_test, own_speed, result, rows, tried
from .installing import is_wanted, told_by, wanted_build
from .parts import Page

Stop = Callable[[], bool]
_TRY: Final = N_("Tells which devices work")
_OWN: Final = N_("Lets your usual voice speak on the CPU and tells how fast it does; of the other devices it tells which work")
_TEST: Final = N_("Lets each device speak a sentence, and tells how fast it does")
_GET: Final = N_("Downloads that voice, lets each device speak a sentence with it, and tells how fast it does")
_TEST_ALONE: Final = N_("Lets the CPU speak a sentence, and tells how fast it does")
_GET_ALONE: Final = N_("Downloads that voice, lets the CPU speak a sentence with it, and tells how fast it does")
_MOST_OWN: Final = 3
"""Of the reader's voices that the CPU alone speaks so many are measured: one of Kokoro's own takes seconds."""


@dataclass(frozen=True)
class Found:
    """What was looked up in the background. wanted: the build of torch that would be installed. measured: what devices are remembered to do, with
    the voice `by` (its id; empty where nothing was measured). tester: the voice that a test would use, empty where it would be none; get: the words of the
    button that gets one and tests, empty where that is of no use. own: the voices of `spoken_by_cpu`; own_measured: what is remembered of them."""

    cards: tuple[Gpu, ...]
    wanted: str
    installed: Installed
    measured: tuple[Device, ...]
    by: str = ""
    tester: str = ""
    get: str = ""
    own: tuple[str, ...] = ()
    own_measured: Mapping[str, Device] = field(default_factory=dict)


@dataclass(frozen=True)
class Tested:
    """What a test found. by, own: as in `Found`. disturbed: was a book being converted meanwhile?"""

    devices: tuple[Device, ...]
    by: str
    own: Mapping[str, Device]
    disturbed: bool


def look(resources: Resources, settings: prefs.Settings) -> Found:
    """The cards, the layers and the remembered speeds; tries nothing, but may ask a driver's own program."""
    cards = gpus.found()
    builds = {state.name: state.build for state in engine_care.layer_states(resources) if state.state in ("whole", "outdated")}
    layer = runtime.find_layer("neural", resources) or runtime.find_layer("core", resources)
    installed = Installed(builds.get("neural", ""), builds.get("core", "") == "directml")
    measured, by = remembered(resources, layer, cards) if layer is not None else ((), "")
    tester = next(iter(here(resources)), "")
    own = spoken_by_cpu(settings, resources) if layer is not None else ()
    spoken = {id: speeds.recall(speakers.key_here(voices.wire_voice(id, "", resources), resources)) for id in own}
    own_measured = {id: known[0] for id, known in spoken.items() if known and known[0].speed is not None}
    return Found(cards, wanted_build(), installed, measured, by, tester, "" if tester or layer is None else get_and_test(resources), own, own_measured)


def remembered(resources: Resources, layer: runtime.Layer, cards: tuple[Gpu, ...]) -> tuple[tuple[Device, ...], str]:
    """Of the voice that a test would use, else of another one that is here, with its id; both empty where nothing was measured."""
    for id in here(resources):
        wire = voices.wire_voice(id, "", resources)
        known = speeds.recall(speakers.key_of(wire, layer, cards)) if wire is not None else None
        if known:
            return known, id
    return (), ""


def here(resources: Resources) -> list[str]:
    """The voices that are on this computer and that a device could speak, the standard one first."""
    known = voices.catalogue(resources)
    found = (id for id in voices.here(resources) if known[id].kind not in voices.ON_PROCESSOR)
    return sorted(found, key=lambda id: (id != voices.DEFAULT_ENGLISH, id))


def spoken_by_cpu(settings: prefs.Settings, resources: Resources) -> tuple[str, ...]:
    """The reader's usual voices that are on this computer, and that nothing but the processor ever speaks; eSpeak where no voice is here but it."""
    known, there = voices.catalogue(resources), voices.here(resources)
    english = voices.for_language("en", resources, settings.voices, speakers.on_card(settings.device, resources))[0]
    usual = dict.fromkeys(voices.split(id)[0] for id in (*settings.voices.values(), english))
    found = [id for id in usual if id in there and id in known and known[id].kind in voices.ON_PROCESSOR]
    return tuple(found[:_MOST_OWN] or ([voices.ESPEAK] if set(there) == {voices.ESPEAK} else []))


class DevicePage(Page):
    """Which device is used is kept with the whole; it is one that this computer has."""

    def __init__(self, context: Context, player: Player, pending: Callable[[], prefs.Settings] = prefs.load) -> None:
        super().__init__(context, player, pending)
        self._device = prefs.load().device
        self._wanted = "cpu"
        self._rows: list[Row] = []
        self._by, self._tester = "", ""
        self._own: tuple[str, ...] = ()
        self._own_found: Mapping[str, Device] = {}
        self._disturbed = self._alone = False
        """Was a book being converted while the devices that are shown were tested? Is the processor the only one of them?"""
        self._no_cards = False
        self._group = QButtonGroup(self)
        self._group.buttonToggled.connect(self._chosen)
        self._list = QVBoxLayout()
        self._inner = Content()
        self.half = QCheckBox(_("&Half precision on graphics cards"))
        self.half.setChecked(prefs.load().precision == HALF)
        words = _(
            "May make NVIDIA's and AMD's cards faster; nobody has measured that yet. It is used only where its error is far quieter than the speech "
            "(45 dB). What was spoken in full precision is spoken anew."
        )
        self.about_half = sentence(words, self)
        self._show_half(())
        self.test = button(_("&Test all"), self._test, _(_TRY))
        self.test.setIcon(QIcon.ic("view-refresh.png"))
        self.get = button("", self._get, _(_GET))
        self.get.setIcon(QIcon.ic("plus.png"))
        self.get.hide()
        self.work = WorkBar(self)
        self._looking = Background(self)
        self._looking.done.connect(self._show_found)
        self._looking.failed.connect(lambda error: self.work.error.set_error(error, {"again": self.refresh}))
        self._lay_out()
        self.begin()

    def changes(self) -> Mapping[str, Any]:
        return {"device": self._device, "precision": HALF if self.half.isChecked() else FLOAT32}

    def use(self, device: str) -> None:
        """As if it had been chosen here."""
        self._device = device
        self.refresh()

    def refresh(self) -> None:
        """Look again: a layer may have been installed meanwhile."""
        if not self.work.running:
            settings = self.pending()
            self._looking.start(lambda show, stopped: look(self.context.resources, settings))

    def underway_changed(self, ended: bool) -> None:
        super().underway_changed(ended)
        if self._rows and not ended:
            self._show_rows(self._rows, self._by, self._disturbed)
        self._allow(not self.work.running)

    def _lay_out(self) -> None:
        box = QGroupBox(_("Speak books on"))
        box.setLayout(self._list)
        self._list.addWidget(sentence(_("Looking for graphics cards…"), self))
        inner = QVBoxLayout(self._inner)
        inner.addWidget(box)
        inner.addWidget(self.half)
        inner.addWidget(self.about_half)
        inner.addStretch()
        self.lay_out(self._inner, self.work, (self.test, self.get))  # what a test tells stands right above its button

    def _show_found(self, found: Found) -> None:
        self._wanted = found.wanted
        self._no_cards = not found.cards
        self._tester, self._own, self._own_found = found.tester, found.own, found.own_measured
        self.get.setText(found.get)
        self.get.setVisible(bool(found.get))
        self._show_half(found.cards)
        self._show_rows(tried(rows(self.context.resources, found.cards, found.installed, found.wanted, self._device), found.measured), found.by)
        self._allow(not self.work.running)

    def _show_half(self, cards: tuple[Gpu, ...]) -> None:
        """Only where a card could use it (NVIDIA's and AMD's), or it can be taken back."""
        for widget in (self.half, self.about_half):
            widget.setVisible(self.half.isChecked() or any(card.kind == "cuda" for card in cards))

    def _show_rows(self, shown: list[Row], by: str, disturbed: bool = False) -> None:
        """by: the voice that was measured, empty where none was. disturbed: while a book was being converted."""
        self._rows, self._by, self._disturbed = shown, by, disturbed
        for radio in self._group.buttons():
            self._group.removeButton(radio)
        while (item := self._list.takeAt(0)) is not None:
            item.widget().deleteLater()
        before: QWidget = self.half
        for number, row in enumerate(shown):
            made = self._row_widget(number, row)
            self._list.addWidget(made)
            for part in made.findChildren(QAbstractButton):  # they came after all others, and stand before these
                QWidget.setTabOrder(before, part)
                before = part
        QWidget.setTabOrder(before, self.half)
        get, resources = "" if self._tester else self.get.text(), self.context.resources
        self._alone = {row.device for row in shown} <= {speakers.AUTO, speakers.CPU}
        told = [*about_test(self._own, self._tester, get, resources, self._alone), always_on_cpu(resources)]
        for words in filter(None, (*told, _("No graphics card was found in this computer.") if self._no_cards else "")):
            self._list.addWidget(sentence(words, self))

    def _row_widget(self, number: int, row: Row) -> QWidget:
        radio = QRadioButton(row.name)
        radio.setEnabled(bool(row.device))
        radio.setChecked(row.device == self._device and bool(row.device))
        words = [row.note] if row.note else []
        if row.found is not None and (row.found.usable or not row.install):
            words = [result(row.found, self._by, self.context.resources, self._disturbed)]
        if row.device == speakers.CPU:
            words += [own_speed(id, found, self.context.resources, self._disturbed) for id, found in self._own_found.items()]
        radio.setAccessibleDescription(" ".join(words))
        self._group.addButton(radio, number)
        frame = QFrame()
        layout = QVBoxLayout(frame)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(radio)
        below = QVBoxLayout()
        style = self.style()
        indent = style.pixelMetric(QStyle.PixelMetric.PM_ExclusiveIndicatorWidth) + style.pixelMetric(QStyle.PixelMetric.PM_RadioButtonLabelSpacing)
        right = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        below.setContentsMargins(0 if right else indent, 0, indent if right else 0, 0)
        for text in words:
            below.addWidget(sentence(text, frame))
        if row.install:
            below.addLayout(Flow(self._install_button(row)))
        layout.addLayout(below)
        return frame

    def _install_button(self, row: Row) -> QPushButton:
        comes = self.is_coming(layer="neural")
        text = _("Being installed") if comes else _("Install…") if row.install == "neural" else _("Install for this card…")
        made = button(text, lambda: self._install(row))
        allow(made, _("It is being downloaded now") if comes else "")
        made.setIcon(QIcon.ic("plus.png"))
        made.setAccessibleName(_("Install what {device} needs").format(device=row.name))
        return made

    def _chosen(self, radio: Any, on: bool) -> None:
        number = self._group.id(radio)
        if on and 0 <= number < len(self._rows):
            self._device = self._rows[number].device

    def _install(self, row: Row) -> None:
        if not is_wanted(self, self.context.resources, self._wanted, row.note if row.install == "renew" else ""):
            return
        if row.install == "neural":
            self._begin_install()
            return

        def take_away(show: Show, stopped: Stop) -> None:
            self.context.release()
            engine_care.remove("neural", self.context.busy, stopped, told_by(show))

        self.work.start(_("Removing the extra part for other cards"), take_away, lambda _none: self._begin_install())

    def _begin_install(self) -> None:
        self.install(Wanted(("neural",)), self.work)

    def _get(self) -> None:
        resources = self.context.resources
        name = voices.name_of(voices.DEFAULT_ENGLISH, resources)

        def fetch(show: Show, stopped: Stop) -> None:
            told = lambda stage, done, text: show(progress.fetching(stage, done, named(name, text)))  # noqa: E731
            voices.ensure_voice(voices.DEFAULT_ENGLISH, resources, told, stopped)

        self._allow(False)
        text = _("Downloading {voice}").format(voice=name)
        self.work.start(text, fetch, lambda _none: self._test(), self._ended, self.ways())

    def _allow(self, able: bool) -> None:
        waits, comes = "" if able else _(WAITS), self.is_coming(voice=voices.DEFAULT_ENGLISH)
        test = _TEST if self._tester else _OWN if self._own else _TRY
        allow(self.test, waits, _(_TEST_ALONE if self._alone and (self._tester or self._own) else test))
        allow(self.get, waits or (_("It is being downloaded now") if comes else ""), _(_GET_ALONE if self._alone else _GET))

    def _ended(self) -> None:
        self._allow(True)
        self.refresh()

    def _test(self) -> None:
        busy, resources, questions, settings = self.context.busy, self.context.resources, self.context.questions, self.pending()

        def probe(show: Show, stopped: Stop) -> Tested:
            known, disturbed = here(resources), busy()
            found = questions.probe(known[0] if known else None, show, stopped, busy)
            own = {id: questions.measure(id, _language(id, resources), stopped, busy) for id in spoken_by_cpu(settings, resources)}
            return Tested(found, known[0] if known else "", own, disturbed or busy())

        self._allow(False)
        text = _("Each device is tried now. This takes about half a minute, longer the first time.")
        missing = {"install": lambda: self.install(Wanted(("core",), (voices.DEFAULT_ENGLISH,)), self.work)}
        self.work.start(text, probe, self._tested, lambda: self._allow(True), {**missing, **self.ways()})

    def _tested(self, found: Tested) -> None:
        measured = any(device.speed is not None for device in (*found.devices, *found.own.values()))
        self._tester, self._own, self._own_found = found.by, tuple(found.own), found.own
        if found.by:
            self.get.hide()
        by = found.by if any(device.speed is not None for device in found.devices) else ""
        self._show_rows(tried(self._rows, found.devices), by, found.disturbed)
        if found.disturbed and measured:
            self.work.say(_("A book was being converted meanwhile: these speeds are too low, and are not kept. Test again when it is done."))


def _language(id: str, resources: Resources) -> str:
    """In which a voice is to be tried; eSpeak in English."""
    return voices.catalogue(resources)[id].language or "en"

"""The two parts of the speech engine, as the page of the engine has them: what is looked up, and a box for each with what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from qt.core import QGroupBox, QIcon, QVBoxLayout  # type: ignore[import-not-found]

from ... import prefs
from ...engine import engine_care, gpus, runtime, sharing, students
from ...engine.engine_care import LayerState, State
from ...engine.install_plan import best_offer
from ...engine.torch_source import build_name
from ...resources import Resources
from ...speaking import clones, voices
from ...wording import N_, isolated, listed
from ...wording import translate as _
from ..language_names import language_name
from ..scrolled import sentence
from ..work_bar import WAITS, Flow, allow, button
from . import converters_box
from .installing import costs, wanted_build, whom_it_serves
from .parts import size_words

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Found:
    """What was looked up in the background. build: of torch, that would be installed. serves: whether a card would speak by the extra part, in
    words. costs: of each layer that is missing, in words. elsewhere: does somebody install, move or remove now? missed: why the student voices could
    not be had, in words. converters: as `converters_box.taken`."""

    state: State
    build: str
    serves: str
    costs: Mapping[str, str]
    elsewhere: bool
    missed: str = ""
    converters: Mapping[str, int] = field(default_factory=dict)


def look(resources: Resources, stopped: Stop) -> Found:
    """Measuring takes a second or two, and a driver's own program may be asked."""
    state, build = engine_care.state(resources, stopped), wanted_build()
    missing = [layer.name for layer in state.layers if layer.state == "missing"]
    serves = whom_it_serves(best_offer(resources, gpus.found())) if "neural" in missing else ""
    lacking = {name: costs(resources, name, build) for name in missing}
    return Found(state, build, serves, lacking, sharing.installing(), runtime.students_missed(resources), converters_box.taken(resources))


def who_needs_extra(chosen: Mapping[str, str], resources: Resources) -> list[str]:
    """Whose voices speak by the extra part alone, in sentences. chosen: the user's voices by language."""
    clones_here = [clone.name for clone in clones.all_of_them()]
    said = [_("Your clones need it: {clones}.").format(clones=listed(clones_here, converters_box.NAMED_CHARS))] if clones_here else []
    for language, id in chosen.items():
        if clones.parse(id) is not None or (prefs.is_own(id) and Path(id).suffix != ".onnx"):
            text = _("{voice} reads books in {language}: choose another voice for them, or this part has to be downloaded again before the next one.")
            said.append(text.format(voice=isolated(voices.name_of(id, resources)), language=language_name(language)))
    return said


TITLES = {"core": N_("Basic part"), "neural": N_("Extra part")}
ABOUT = {
    "core": N_("Speaks on the CPU, this computer's own processor: with Heart, Fenrir, Kore, Emma and Fable, Kokoro's and Piper's voices and eSpeak."),
    "neural": N_(
        "Lets graphics cards speak, and cloned voices, and Coqui voices (made with the program Coqui TTS; you choose one by “Voice from a file…”). "
        "Whoever uses none of these does not need it. It brings a large library of programs, PyTorch, so it needs far more space. "
        "It holds all of the basic part, too: with it here, the basic part may be removed."
    ),
}
STATES = {
    "whole": N_("Installed and complete."),
    "outdated": N_("Installed; brought up to date at the next use."),
    "broken": N_("Incomplete: an installation did not come to its end, or it belongs to another version of the plugin."),
    "missing": N_("Not installed."),
    "installing": N_("It is being installed now."),
}


class LayerBox(QGroupBox):  # type: ignore[misc]
    """One layer, and what can be done with it."""

    def __init__(self, page: Any, name: str) -> None:
        super().__init__(_(TITLES[name]))
        self.name = name
        self.serves = sentence("", self)
        self.serves.hide()
        self.state = sentence(_("Looking…"), self)
        self.install = button(_("Install…"), partial(page.install_layer, name))
        self.repair = button(_("Repair"), partial(page.repair, name))
        self.remove = button(_("Remove…"), partial(page.remove, name))
        self.missed = sentence("", self)
        """That the student voices could not be had."""
        self.again = button(_("Try again"), page.try_again)
        for made, icon in ((self.install, "plus.png"), (self.repair, "wizard.png"), (self.remove, "trash.png")):
            made.setIcon(QIcon.ic(icon))
            allow(made, _("Looking…"))
            made.setAccessibleName(_("{action} {layer}").format(action=made.text(), layer=self.title()))
        self.again.setIcon(QIcon.ic("view-refresh.png"))
        for part in (self.missed, self.again):
            part.hide()
        rows = QVBoxLayout(self)
        rows.addWidget(sentence(_(ABOUT[name]), self))
        rows.addWidget(self.serves)
        rows.addWidget(self.state)
        rows.addLayout(Flow(self.install, self.repair, self.remove))
        rows.addWidget(self.missed)
        rows.addLayout(Flow(self.again))

    def show_state(self, layer: LayerState, found: Found) -> None:
        words = [_(STATES[layer.state])]
        if layer.state != "missing":
            words.append(_("It takes {size} on the disk.").format(size=size_words(layer.size_bytes)))
        elif found.costs.get(layer.name):
            words.append(found.costs[layer.name])
        if layer.name == "neural" and layer.build:
            words.append(_("It is made for {build}.").format(build=build_name(layer.build)))
        self.state.setText(" ".join(words))
        versions = ", ".join(f"{name} {version}" for name, version in layer.versions)
        self.state.setToolTip(_("Versions: {versions}.").format(versions=versions) if versions else "")
        self.serves.setText(found.serves if layer.name == "neural" else "")
        self.serves.setVisible(bool(self.serves.text()))
        missed = found.missed if layer.name == "core" else ""
        self.missed.setText(students.missed_words(missed) if missed else "")
        for part in (self.missed, self.again):
            part.setVisible(bool(missed))
        allow(self.again, "", _("Downloads what the voice Heart needs"))
        cannot = {"missing": _("It is not installed"), "installing": _(STATES["installing"])}.get(layer.state, "")
        allow(self.install, "" if layer.state in ("missing", "broken") else cannot or _("It is installed already"))
        allow(self.repair, cannot, _("Lets it speak; if it cannot, it is installed anew"))
        allow(self.remove, cannot)

    def leave_alone(self, doing: str) -> None:
        """Something is being done: no button until that ends. doing: what, to this one; empty where it is another's."""
        if doing:
            self.state.setText(doing)
        for made in (self.install, self.repair, self.remove, self.again):
            allow(made, _(WAITS))

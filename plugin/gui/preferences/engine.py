"""The page of the speech engine: where it lies, what it keeps, its log; installing, repairing, moving and removing.

Its layers core and neural are its basic and its extra part in all windows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from calibre.gui2 import choose_dir, info_dialog, open_local_file, question_dialog  # type: ignore[import-not-found]
from qt.core import QGroupBox, QIcon, QLabel, QLineEdit, QVBoxLayout  # type: ignore[import-not-found]

from ... import paths
from ...converting.progress import Show
from ...engine import engine_care, engine_move
from ...engine.engine_care import LayerState, State
from ...engine.install_plan import Wanted
from ...engine.torch_source import build_name
from ...errors import PluginError
from ...wording import N_
from ...wording import translate as _
from ..background import Background
from ..context import Context
from ..player import Player
from ..scrolled import Page as Content
from ..scrolled import Scrolled, sentence
from .installing import is_wanted, wanted_build
from .log_window import LogWindow
from .parts import Flow, Page, WorkBar, button, size_words

Stop = Callable[[], bool]
_OURS = "Convert to Audiobook"
"""Our action among Calibre's."""
TITLES = {"core": N_("Basic part"), "neural": N_("Extra part")}
ABOUT = {
    "core": N_("Speaks with Piper voices and eSpeak on the CPU, this computer's own processor."),
    "neural": N_("Lets graphics cards speak, and Coqui voices. It brings PyTorch, so it needs much more space; it holds all of the basic part, too."),
}
STATES = {
    "whole": N_("Installed and complete."),
    "outdated": N_("Installed; brought up to date at the next use."),
    "broken": N_("Incomplete: an installation did not come to its end, or it belongs to another version of the plugin."),
    "missing": N_("Not installed."),
    "installing": N_("It is being installed now; the Jobs list shows how far it is."),
}


class LayerBox(QGroupBox):  # type: ignore[misc]
    """One layer, and what can be done with it."""

    def __init__(self, page: EnginePage, name: str) -> None:
        super().__init__(_(TITLES[name]))
        self.name = name
        self.state = sentence(_("Looking…"), self)
        self.install = button(_("Install…"), partial(page.install_layer, name))
        self.repair = button(_("Repair"), partial(page.repair, name), _("Lets it speak; if it cannot, it is installed anew"))
        self.remove = button(_("Remove…"), partial(page.remove, name))
        for made, icon in ((self.install, "plus.png"), (self.repair, "wizard.png"), (self.remove, "trash.png")):
            made.setIcon(QIcon.ic(icon))
            made.setEnabled(False)
            made.setAccessibleName(_("{action} {layer}").format(action=made.text(), layer=self.title()))
        rows = QVBoxLayout(self)
        rows.addWidget(sentence(_(ABOUT[name]), self))
        rows.addWidget(self.state)
        rows.addLayout(Flow(self.install, self.repair, self.remove))

    def show_state(self, layer: LayerState) -> None:
        words = [_(STATES[layer.state])]
        if layer.state != "missing":
            words.append(_("It takes {size}.").format(size=size_words(layer.size_bytes)))
        if layer.name == "neural" and layer.build:
            words.append(_("It is the one for {build}.").format(build=build_name(layer.build)))
        self.state.setText(" ".join(words))
        versions = ", ".join(f"{name} {version}" for name, version in layer.versions)
        self.state.setToolTip(_("Versions: {versions}.").format(versions=versions) if versions else "")
        self.install.setEnabled(layer.state in ("missing", "broken"))
        for made in (self.repair, self.remove):
            made.setEnabled(layer.state not in ("missing", "installing"))


class EnginePage(Page):
    """All of it is done at once; there is nothing to keep."""

    def __init__(self, context: Context, player: Player) -> None:
        super().__init__(context, player)
        self.known: State | None = None
        self._build = "cpu"
        self.folder = QLineEdit()
        self.folder.setReadOnly(True)
        self.space = sentence("", self)
        self.open = button(_("&Open the folder"), self._open)
        self.open.setIcon(QIcon.ic("document_open.png"))
        self.move_button = button(_("&Move…"), self.move)
        self.move_button.setEnabled(False)
        self.work = WorkBar(self)
        self.layers = {name: LayerBox(self, name) for name in TITLES}
        self.clips = sentence("", self)
        self.empty = button(_("&Empty…"), self._empty)
        self.empty.setIcon(QIcon.ic("trash.png"))
        self.empty.setAccessibleName(_("Empty the kept sentences"))
        self.log = button(_("Show the &log…"), lambda: LogWindow(self).exec())
        self.log.setIcon(QIcon.ic("debug.png"))
        self.menu = button(_("&Add the entry to the right-click menu"), self._place)
        self.menu.setIcon(QIcon.ic("context_menu.png"))
        self.menu.setEnabled(_OURS in getattr(context.gui, "iactions", {}))  # a plugin that is switched off has no entry
        self._looking = Background(self)
        self._looking.done.connect(self._show_found)
        self._looking.failed.connect(lambda error: self.work.error.set_error(error, {"again": self.refresh}))
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Look at what stands there; measuring takes a second or two."""
        if not self.work.running:
            self._looking.start(lambda show, stopped: (engine_care.state(self.context.resources, stopped), wanted_build()))

    def _lay_out(self) -> None:
        where = QGroupBox(_("Where it lies"))
        rows = QVBoxLayout(where)
        label = QLabel(_("&Folder:"))
        label.setBuddy(self.folder)
        rows.addWidget(label)
        rows.addWidget(self.folder)
        rows.addWidget(self.space)
        rows.addLayout(Flow(self.open, self.move_button))
        kept = QGroupBox(_("Kept sentences"))
        rows = QVBoxLayout(kept)
        why = _("Every spoken sentence is kept for a while, so that a stopped book goes on where it was and a changed one is not spoken again as a whole.")
        rows.addWidget(sentence(why, self))
        rows.addWidget(self.clips)
        rows.addLayout(Flow(self.empty))
        more = QGroupBox(_("More"))
        more.setLayout(Flow(self.log, self.menu))
        inner = Content()
        layout = QVBoxLayout(inner)
        layout.addWidget(self.work)
        for box in (*self.layers.values(), where, kept, more):
            layout.addWidget(box)
        layout.addStretch()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolled(inner, self))

    def _show_found(self, found: tuple[State, str]) -> None:
        state, self._build = found
        self.known = state
        self.folder.setText(str(state.folder))
        self.folder.setCursorPosition(0)
        self.space.setText(_where_words(state))
        self.open.setEnabled(state.there)
        for layer in state.layers:
            self.layers[layer.name].show_state(layer)
        fixed = engine_move.fixed()
        self.move_button.setEnabled(not fixed)
        self.move_button.setToolTip(fixed)
        self.clips.setText(_("They take {size}.").format(size=size_words(state.clips_bytes)) if state.clips_bytes else _("None are kept now."))
        self.empty.setEnabled(bool(state.clips_bytes))

    # ---- what the buttons do ----------------------------------------------------------------------------------------

    def install_layer(self, name: str) -> None:
        if name == "neural" and not is_wanted(self, self.context.resources, self._build):
            return
        self.install(Wanted((name,)), self.work)

    def repair(self, name: str) -> None:
        """Let it speak; if it does not, or the user wants it all the same, install it anew."""

        def listen(show: Show, stopped: Stop) -> str:
            return engine_care.speaks(name, self.context.resources, stopped)

        self.work.start(_("Letting it speak a word"), listen, partial(self._heard, name), actions=self._actions())

    def _heard(self, name: str, why: str) -> None:
        if not why and not question_dialog(self, _("It is complete"), _("It speaks, so there is nothing to repair. Install it anew all the same?")):
            self.work.say(_("It is complete: it has just spoken."))
            return

        def forget(show: Show, stopped: Stop) -> None:
            self.context.release()
            engine_care.forget(name, self.context.busy, stopped)

        self.work.start(_("Preparing to install it anew"), forget, lambda _none: self.install(Wanted((name,)), self.work), actions=self._actions())

    def remove(self, name: str) -> None:
        text = _("Remove it from this computer? It can be installed again. Voices, audiobooks and kept sentences stay.")
        if not question_dialog(self, _("Remove: {layer}").format(layer=_(TITLES[name])), text, default_yes=False):
            return

        def take_away(show: Show, stopped: Stop) -> None:
            self.context.release()
            engine_care.remove(name, self.context.busy, stopped)

        self.work.start(_("Removing"), take_away, lambda _none: self.work.say(_("It was removed.")), self.refresh, self._actions())

    def move(self) -> None:
        chosen = choose_dir(self, "convert to audiobook engine", _("Choose where the folder of the speech engine is to be"))
        if not chosen:
            return
        target = engine_move.target_in(Path(chosen))
        refusal = engine_move.why_not_there(target)
        if refusal:
            self.work.error.set_error(PluginError("engine_unmoved", path=str(target), reason=refusal), {"choose": self.move})
            return
        something = self.known is not None and any(layer.state != "missing" for layer in self.known.layers)
        moved = _("Move the speech engine with its voices to {folder}? It is copied, tried there, and then removed from where it is now.")
        text = moved if something else _("Install the speech engine and its voices in {folder} from now on?")
        if not question_dialog(self, _("Move the speech engine?"), text.format(folder=str(target))):
            return

        def carry(show: Show, stopped: Stop) -> tuple[Path, ...]:
            self.context.release()
            return engine_move.move(target, self.context.busy, show, stopped)

        self.work.start(_("Moving the speech engine"), carry, partial(self._moved, something), self.refresh, {**self._actions(), "choose": self.move})

    def _moved(self, something: bool, left: tuple[Path, ...]) -> None:
        if not something:
            self.work.say(_("It is installed there from now on."))
        elif left:
            self.work.say(
                _("It was moved. {folder} could not be removed, as a program still uses it; remove it when Calibre is closed.").format(folder=str(left[0]))
            )
        else:
            self.work.say(_("It was moved and speaks at its new place."))

    def _empty(self) -> None:
        text = _("Remove all kept sentences? Finished audiobooks stay. A book that was stopped midway is spoken from its beginning again.")
        if not question_dialog(self, _("Remove the kept sentences?"), text, default_yes=False):
            return

        def clear(show: Show, stopped: Stop) -> int:
            self.context.release()
            return engine_care.empty_clips(self.context.busy)

        def cleared(size: int) -> None:
            self.work.say(_("{size} are free again.").format(size=size_words(size)))

        self.work.start(_("Removing the kept sentences"), clear, cleared, self.refresh)

    def _open(self) -> None:
        if self.known is not None:
            open_local_file(str(self.known.folder))

    def _place(self) -> None:
        said = self.context.gui.iactions[_OURS].place_in_menu()
        info_dialog(self, _("Right-click menu"), said, show=True)

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {"engine": self.refresh}


def _where_words(state: State) -> str:
    if not state.there:
        return (
            _("This folder is not there now. If it is on a drive of its own, connect it; else choose another one.")
            if paths.drive_is_gone()
            else _("It is made when the engine is installed.")
        )
    words = _("Voices take {voices}, kept downloads {downloads}; {free} are free there.")
    return words.format(voices=size_words(state.voices_bytes), downloads=size_words(state.downloads_bytes), free=size_words(max(state.free_bytes, 0)))

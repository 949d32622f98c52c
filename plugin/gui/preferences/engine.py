"""The page of the speech engine: where it lies, what it keeps, its log; installing, repairing, moving and removing.

Its layers core and neural are its basic and its extra part in all windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from calibre.gui2 import info_dialog, question_dialog  # type: ignore[import-not-found]
from qt.core import QApplication, QGroupBox, QIcon, QLabel, QLineEdit, QSpinBox, QTimer, QVBoxLayout, pyqtSignal  # type: ignore[import-not-found]

from ... import paths, prefs
from ...converting import begun
from ...converting.progress import Show, Step
from ...engine import engine_care, engine_move
from ...engine.engine_care import State
from ...engine.install_plan import Wanted
from ...errors import PluginError
from ...speaking import converters, speakers
from ...speaking.catalogue import HEART
from ...wording import device_name, isolated
from ...wording import translate as _
from ..background import Background, Work
from ..context import Context
from ..convert_books import breakable
from ..engine_folder import ask_for_folder
from ..links import verbatim
from ..opening import ask_ahead, open_in_system
from ..player import Player
from ..scrolled import Page as Content
from ..scrolled import sentence
from ..work_bar import WAITS, Flow, WorkBar, allow, button
from . import converters_box
from .installing import is_wanted, told_by
from .layers import STATES, TITLES, Found, LayerBox, look, who_needs_extra
from .log_window import LogWindow
from .parts import CANCELLED, Page, size_words

Stop = Callable[[], bool]
LOOK_MS = 1000
"""Between looks at what somebody else does."""
_OURS = "Convert to Audiobook"
"""Our action among Calibre's."""


class EnginePage(Page):
    """All of it is done at once but the limit of kept sentences. `device_gone`: what was chosen under “Device” cannot speak any more."""

    device_gone = pyqtSignal()

    def __init__(self, context: Context, player: Player, pending: Callable[[], prefs.Settings] = prefs.load) -> None:
        super().__init__(context, player, pending)
        self.known: State | None = None
        self._build = "cpu"
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(LOOK_MS)
        self._again.timeout.connect(self._look_again)
        self.folder = QLineEdit()
        self.folder.setReadOnly(True)
        self.folder.setFrame(False)
        self.folder.setStyleSheet("background: transparent")  # it can be copied, and does not look as if one could type
        self.space = sentence("", self)
        self.open = button(_("&Open the folder"), self._open)
        self.open.setIcon(QIcon.ic("document_open.png"))
        self.move_button = button(_("&Move…"), self.move)
        allow(self.move_button, _("Looking…"))
        self.work = WorkBar(self)
        self.layers = {name: LayerBox(self, name) for name in TITLES}
        self.converters = converters_box.ConvertersBox(context.resources, self.remove_converter)
        self.clips = sentence("", self)
        self.empty = button(_("&Empty…"), self._empty)
        self.empty.setIcon(QIcon.ic("trash.png"))
        self.empty.setAccessibleName(_("Empty the kept sentences"))
        self.most = QSpinBox()
        self.most.setRange(*prefs.KEPT_GB)
        self.most.setSuffix(_(" GB"))
        self.most.setValue(prefs.load().kept_gb)
        self.log = button(_("Show the &log…"), lambda: LogWindow(self).exec())
        self.log.setIcon(QIcon.ic("debug.png"))
        self.menu = button(_("&Add the entry to the right-click menu"), self._place)
        self.menu.setIcon(QIcon.ic("context_menu.png"))
        if _OURS not in getattr(context.gui, "iactions", {}):
            allow(self.menu, _("Convert to Audiobook is switched off in Calibre's own preferences, so it has no entry"))
        self._looking = Background(self)
        self._looking.done.connect(self._show_found)
        self._looking.failed.connect(lambda error: self.work.error.set_error(error, {"again": self.refresh}))
        self._lay_out()
        ask_ahead()
        self.begin()

    def changes(self) -> Mapping[str, Any]:
        return {"kept_gb": self.most.value()}

    def refresh(self) -> None:
        """Look at what stands there."""
        if not self.work.running:
            self._looking.start(lambda show, stopped: look(self.context.resources, stopped))

    def _lay_out(self) -> None:
        where = QGroupBox(_("Where it lies"))
        rows = QVBoxLayout(where)
        label = QLabel(_("&Folder:"))
        label.setBuddy(self.folder)
        rows.addWidget(label)
        rows.addWidget(self.folder)
        rows.addWidget(self.space)
        rows.addLayout(Flow(self.open, self.move_button))
        moving = _("“Move…” asks for a folder, and moves the speech engine and its voices into “{name}” in it. The kept sentences stay where they are.")
        rows.addWidget(sentence(moving.format(name=paths.APP), self))
        kept = QGroupBox(_("Kept sentences"))
        rows = QVBoxLayout(kept)
        why = _("Every spoken sentence is kept, so that a stopped book goes on where it was, and of a book that has changed only the new sentences are spoken.")
        rows.addWidget(sentence(why, self))
        rows.addWidget(self.clips)
        most = QLabel(_("&Keep at most:"))
        most.setBuddy(self.most)
        rows.addLayout(Flow(most, self.most, self.empty))
        lower = _(
            "If they take more, the ones that were used least recently are removed when the next book is done. "
            "A changed limit holds once you have pressed “OK”."
        )
        rows.addWidget(sentence(lower, self))
        more = QGroupBox(_("More"))
        more.setLayout(Flow(self.log, self.menu))
        inner = Content()
        layout = QVBoxLayout(inner)
        layout.addWidget(sentence(" ".join((_("These buttons act at once, without “OK”."), _(CANCELLED))), self))
        for box in (*self.layers.values(), self.converters, where, kept, more):
            layout.addWidget(box)
        layout.addStretch()
        self.lay_out(inner, self.work)

    def _show_found(self, found: Found) -> None:
        state, self._build = found.state, found.build
        self.known = state
        self.folder.setText(str(state.folder))
        self.folder.setCursorPosition(0)
        self.space.setText(_where_words(state))
        allow(self.open, "" if state.there else _("The folder is not there"))
        for layer in state.layers:
            self.layers[layer.name].show_state(layer, found)
        self.converters.show_taken(found.converters)
        allow(self.move_button, engine_move.fixed(), _("Takes the speech engine and its voices to another folder"))
        kept = _("None are kept now. Their folder:\n{folder}")
        if state.clips_bytes:
            kept = _("They take {size}, together with the files that let each voice start quickly. Their folder:\n{folder}")
        self.clips.setText(kept.format(size=size_words(state.clips_bytes), folder=isolated(breakable(str(paths.clips_dir())))))
        allow(self.empty, "" if state.clips_bytes else _("None are kept now"))
        if self.context.installing() or found.elsewhere:
            self._leave_alone(self._being_installed())
            self._again.start()

    def _look_again(self) -> None:
        """A job of Calibre's says nothing to this page when it was stopped."""
        if self.work.running or self.context.installing():
            self._again.start()
        elif self.isVisible():
            self.refresh()

    def _being_installed(self) -> dict[str, str]:
        """What is said of the layers that a job of ours installs."""
        return {name: _(STATES["installing"]) for one in self.context.underway() for name in one.wanted.layers}

    def underway_changed(self, ended: bool) -> None:
        super().underway_changed(ended)
        if not ended and not self.work.running:
            self._leave_alone(self._being_installed())
            self._again.start()

    def _leave_alone(self, doing: Mapping[str, str]) -> None:
        focused = QApplication.focusWidget()
        boxes: tuple[QGroupBox, ...] = (*self.layers.values(), self.converters)
        if focused in (self.move_button, self.empty) or any(focused is not None and box.isAncestorOf(focused) for box in boxes):
            self.work.setFocus()  # else it would go from a button that goes off to whatever comes next, and the page would jump there
        for name, box in self.layers.items():
            box.leave_alone(doing.get(name, ""))
        self.converters.leave_alone()
        for pressed in (self.move_button, self.empty):
            allow(pressed, _(WAITS))

    def _start(self, text: str, doing: Mapping[str, str], work: Work, done: Callable[[Any], None], kept: str = "", **more: Callable[[], None]) -> None:
        """doing: what is being done to each layer. kept: as for `WorkBar.start`. more: actions of an error's button. However it ends, the page is looked
        at anew."""
        self._looking.stop()
        again = partial(self._start, text, doing, work, done, kept, **more)
        self.work.start(text, work, done, self.refresh, {**self._actions(), **more, "again": again}, kept)
        self._leave_alone(doing)

    def _in_use(self, code: str, what: str, again: Callable[[], None]) -> bool:
        """Nobody is asked about what cannot be done now; the reason is shown. what: was to be done."""
        if self.context.busy():
            self.work.refuse(PluginError(code), {"again": again})
            self.work.say(_("Not done: {what}").format(what=what))
        return self.context.busy()

    # ---- what the buttons do ----------------------------------------------------------------------------------------

    def install_layer(self, name: str) -> None:
        if is_wanted(self, self.context.resources, self._build, name=name):
            self.install(Wanted((name,)), self.work)

    def try_again(self) -> None:
        """The student voices' package, which could not be had."""
        self.install(Wanted(voices=(HEART,)), self.work)

    def repair(self, name: str) -> None:
        """Let it speak; if it does not, or the user wants it all the same, install it anew."""
        if self._in_use("engine_in_use", _("Repair {layer}").format(layer=_(TITLES[name])), partial(self.repair, name)):
            return

        def listen(show: Show, stopped: Stop) -> str:
            return engine_care.speaks(name, self.context.resources, stopped)

        self._start(_("Letting it speak a word"), {name: _("It is being tried now.")}, listen, partial(self._heard, name))

    def _heard(self, name: str, why: str) -> None:
        question = _("It speaks, so there is nothing to repair. Install it anew all the same?")
        if not why and not question_dialog(self, _("It is complete"), question, default_yes=False):
            self.work.say(_("It is complete: it has just spoken."))
            return

        def forget(show: Show, stopped: Stop) -> None:
            self.context.release()
            engine_care.forget(name, self.context.busy, stopped, told_by(show))

        anew = partial(self.install, Wanted((name,)), self.work)
        self._start(_("Preparing to install it anew"), {name: _("It is about to be installed anew.")}, forget, lambda _none: anew())

    def remove(self, name: str) -> None:
        if self._in_use("engine_in_use", _("Remove {layer}").format(layer=_(TITLES[name])), partial(self.remove, name)):
            return
        text = _("{follows}\n\nIt can be installed again. Voices, audiobooks and kept sentences stay.\n\nRemove it from this computer?")
        text = text.format(follows=self._follows(name))
        if not question_dialog(self, _("Remove: {layer}").format(layer=_(TITLES[name])), verbatim(text), default_yes=False):
            return

        def take_away(show: Show, stopped: Stop) -> None:
            self.context.release()
            engine_care.remove(name, self.context.busy, stopped, told_by(show))

        self._start(_("Removing"), {name: _("It is being removed now.")}, take_away, partial(self._removed, self._takes_device(name)))

    def _takes_device(self, name: str) -> str:
        """The device that is chosen, in words, where it cannot speak without that part; empty where it can."""
        device = self.pending().device
        return "" if name != "neural" or device == speakers.AUTO or speakers.ONNX.fullmatch(device) else str(device_name(device))

    def _removed(self, device: str, _none: None) -> None:
        if device:
            self.device_gone.emit()
        self.work.say(_("It was removed. “Device” is set to Automatic now.") if device else _("It was removed."))

    def remove_converter(self, converter: str, size_bytes: int) -> None:
        """What a clone's converter needs. size_bytes: that become free."""
        what = _("Remove what {converter} needs").format(converter=converters_box.named(converter))
        if self._in_use("engine_in_use", what, partial(self.remove_converter, converter, size_bytes)):
            return
        if not converters_box.is_wanted(self, converter, size_bytes):
            return

        def take_away(show: Show, stopped: Stop) -> None:
            show(Step(engine_care.REMOVE, final=True))
            self.context.release()
            if self.context.busy():
                raise PluginError("engine_in_use")
            converters.remove(converter, self.context.resources)

        self._start(_("Removing"), {}, take_away, lambda _none: self._freed(size_bytes))

    def _freed(self, size_bytes: int) -> None:
        self.work.say(_("{size} are free again.").format(size=size_words(size_bytes)))

    def move(self) -> None:
        if self._in_use("engine_in_use", _("Move the speech engine"), self.move):
            return
        try:
            target = ask_for_folder(self)
        except PluginError as error:
            self.work.refuse(error, {"choose": self.move})
            return
        if target is None:
            return
        there = [layer.name for layer in self.known.layers if layer.state != "missing"] if self.known is not None else []
        moved = _(
            "Move the speech engine with its voices ({engine}) to this folder?\n{folder}\n\nIt is copied, tried there, and then removed from where it is now."
        )
        text = moved if there else _("Install the speech engine and its voices in this folder from now on?\n{folder}")
        text += "\n\n" + _(
            "The kept sentences stay where they are. They take {size} there, and may take {most} GB; on this page you can lower that, or empty them:\n{clips}"
        )
        clips, engine = (0, 0) if self.known is None else (self.known.clips_bytes, self.known.engine_bytes)
        sizes = {"engine": size_words(engine), "size": size_words(clips), "most": self.most.value()}
        places = {"folder": isolated(str(target)), "clips": isolated(str(paths.clips_dir()))}
        if not question_dialog(self, _("Move the speech engine?"), verbatim(text.format(**places, **sizes))):
            return

        def carry(show: Show, stopped: Stop) -> tuple[Path, ...]:
            self.context.release()
            return engine_move.move(target, self.context.busy, show, stopped)

        doing = dict.fromkeys(there, _("It is being moved now."))
        kept = _("The speech engine stays where it is.") if there else ""
        self._start(_("Moving the speech engine"), doing, carry, partial(self._moved, bool(there)), kept, choose=self.move)

    def _moved(self, something: bool, left: tuple[Path, ...]) -> None:
        if not something:
            self.work.say(_("It is installed there from now on."))
        elif left:
            text = _("It was moved. {folder} could not be removed, as a program still uses it; remove it when Calibre is closed.")
            self.work.say(text.format(folder=isolated(str(left[0]))))
        else:
            self.work.say(_("It was moved and speaks at its new place."))

    def _empty(self) -> None:
        if self._in_use("clips_in_use", _("Empty the kept sentences"), self._empty):
            return
        text = _(
            "Remove all kept sentences? Finished audiobooks stay. A book that was stopped midway is spoken from its beginning again; "
            "the files that let each voice start quickly are made anew, in some seconds."
        )
        if not question_dialog(self, _("Remove the kept sentences?"), text, default_yes=False):
            return

        def clear(show: Show, stopped: Stop) -> int:
            show(Step(engine_care.REMOVE, final=True))
            self.context.release()
            freed = engine_care.empty_clips(self.context.busy)
            begun.forget()
            return freed

        self._start(_("Removing the kept sentences"), {}, clear, self._freed)

    def _open(self) -> None:
        if self.known is not None:
            self.work.say(open_in_system(str(self.known.folder)))

    def _place(self) -> None:
        said = self.context.gui.iactions[_OURS].place_in_menu()
        info_dialog(self, _("Right-click menu"), said, show=True)

    def _follows(self, removed: str) -> str:
        """How much becomes free without that part, and what cannot be done any more."""
        layers = () if self.known is None else self.known.layers
        others = [layer.name for layer in layers if layer.name != removed and layer.state in ("whole", "outdated")]
        free = [_("{size} become free.").format(size=size_words(layer.size_bytes)) for layer in layers if layer.name == removed]
        if not others:
            return " ".join([*free, _("Without it no book can be converted.")])
        if removed == "core":  # whose files are the other part's, too, perhaps: nobody knows what becomes free
            return str(_("The extra part speaks without it, too."))
        missed = who_needs_extra(self.pending().voices, self.context.resources)
        if device := self._takes_device(removed):
            missed = [*missed, _("“Device” is set to: {device}. It becomes Automatic.").format(device=device)]
        return "\n".join([" ".join([*free, _("Without it graphics cards, Coqui voices and cloned voices cannot speak.")]), *missed])

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {"engine": self.refresh}


def _where_words(state: State) -> str:
    if not state.there:
        return (
            _("This folder is not there now. If it is on a drive of its own, connect it; else choose another one.")
            if paths.drive_is_gone()
            else _("It is made when the engine is installed.")
        )
    words = _(
        "Beside the parts above, voices take {voices} (without Heart, which belongs to the basic part), the program that installs (uv) {tools}, "
        "and downloads {downloads}, kept so that none has to come twice; {free} are free."
    )
    sizes = {"voices": state.voices_bytes, "tools": state.tools_bytes, "downloads": state.downloads_bytes, "free": max(state.free_bytes, 0)}
    return words.format(**{name: size_words(size_bytes) for name, size_bytes in sizes.items()})

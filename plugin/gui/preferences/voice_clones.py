"""What the page of voices does with clones: making, renaming, carrying them away as a file and taking one in."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from calibre.gui2 import choose_files, choose_save_file, question_dialog  # type: ignore[import-not-found]

from ...converting.progress import Show
from ...speaking import clone_file, clones
from ...speaking.clones import Clone
from ...wording import translate as _
from ..clone.button import CloneButton
from ..clone.name_line import Rename
from ..context import Context
from ..work_bar import WorkBar, button

_KINDS = "convert to audiobook clone file"


class Clones:
    """The buttons and what they do. work: where it is told of. changed(id): a clone is new, or another."""

    def __init__(self, page: Any, context: Context, work: WorkBar, changed: Callable[[str], None]) -> None:
        self._page, self._context, self._work, self._changed = page, context, work, changed
        self._clone: Clone | None = None
        self.make = CloneButton(page, context, _("Clo&ne a voice…"))
        self.make.cloned.connect(self._made)
        self.take_in = button(_("&Import a clone…"), self._take_in, _("A clone that was exported on this or another computer"))
        self.rename = button(_("Rena&me…"), self._rename)
        self.export = button(_("&Export…"), self._export, _("Writes the clone into a file, for another computer or to be kept"))

    def show(self, clone: Clone | None, any_there: bool, running: bool) -> None:
        """clone: the selected voice, if it is one. any_there: is there one in the list? running: is something being done?"""
        self._clone = clone
        for one in (self.rename, self.export):
            one.setVisible(any_there)
            one.setEnabled(clone is not None and not running)
        for one in (self.make, self.take_in):
            one.setEnabled(not running)

    def _made(self, clone: Clone) -> None:
        self._changed(clone.id)

    def _rename(self) -> None:
        clone = self._clone
        if clone is None:
            return
        dialog = Rename(self._page, clone)
        accepted, name = dialog.exec(), dialog.name.name()
        dialog.deleteLater()
        if accepted and name and name != clone.name:
            text = _("Renaming {voice}").format(voice=clone.name)
            self._work.start(text, lambda show, stopped: clones.change(clone.id, name=name), self._made)

    def _export(self) -> None:
        clone = self._clone
        if clone is None:
            return
        kinds, proposed = [(_("Cloned voices"), [clone_file.ENDING[1:]])], clone_file.file_name(clone)
        chosen = choose_save_file(self._page, _KINDS, _("Where should the clone be written?"), kinds, False, initial_filename=proposed)
        if not chosen:
            return
        target = Path(chosen)
        target = target if target.suffix == clone_file.ENDING else target.with_name(target.name + clone_file.ENDING)
        again = _("{file} is there already. Replace it?").format(file=escape(target.name))
        if target != Path(chosen) and target.exists() and not question_dialog(self._page, _("Replace the file?"), again, default_yes=False):
            return
        text = _("Writing {file}").format(file=target.name)
        done = _("The clone was written into {file}. Whoever has that file can speak in this voice.").format(file=target)
        self._work.start(text, lambda show, stopped: clone_file.export(clone.id, target), lambda _none: self._work.say(done))

    def _take_in(self) -> None:
        kinds = [(_("Cloned voices"), [clone_file.ENDING[1:]])]
        chosen = choose_files(self._page, _KINDS, _("Choose an exported clone"), kinds, True, True)
        if not chosen:
            return
        place, questions = Path(chosen[0]), self._context.questions

        def work(show: Show, stopped: Callable[[], bool]) -> Clone:
            return clone_file.take_in(place, lambda sample: clones.measured(questions.sample(sample, show, stopped)))

        self._work.start(_("Importing {file}").format(file=place.name), work, self._made, None, {"choose": self._take_in})

"""What the page of voices does with clones: making, renaming, comparing one with its recording, carrying them away as a file and taking one in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from calibre.gui2 import choose_files, choose_save_file, question_dialog  # type: ignore[import-not-found]

from ...converting import progress
from ...converting.progress import Show, Step
from ...engine.install_plan import Wanted
from ...errors import Stopped
from ...speaking import clone_file, clones, converters
from ...speaking.clones import Clone
from ...wording import N_, isolated
from ...wording import translate as _
from ..clone.button import ABOUT_CLONING, CloneButton
from ..clone.name_line import Rename
from ..context import Context
from ..links import verbatim
from ..work_bar import WAITS, WorkBar, allow, button
from .parts import WAVS, size_words
from .samples import longer

_KINDS = "convert to audiobook clone file"
_IMPORT = N_("A clone that was exported on this or another computer")
_EXPORT = N_("Writes the clone into a file, for another computer or to be kept")


class Clones:
    """The buttons and what they do. work: where it is told of. changed(id, told): a clone is new, or another; what to say of that.
    look_again: something began or ended."""

    def __init__(self, page: Any, context: Context, work: WorkBar, changed: Callable[..., None], look_again: Callable[[], None]) -> None:
        self._page, self._context, self._work, self._changed, self._look_again = page, context, work, changed, look_again
        self._clone: Clone | None = None
        self._spoken: tuple[str, str] | None = None
        self.make = CloneButton(page, context, _("Clo&ne a voice…"))
        self.make.cloned.connect(self._made)
        self.take_in = button(_("&Import a clone…"), self._take_in, _(_IMPORT))
        self.rename = button(_("Rena&me…"), self._rename)
        self.measure = button(_("Measure li&keness…"), self._measure)
        self.export = button(_("&Export…"), self._export, _(_EXPORT))

    def show(self, clone: Clone | None, any_there: bool, running: bool, spoken: tuple[str, str] | None) -> None:
        """clone: the selected voice, if it is one. any_there: is there one in the list? running: is something being done? spoken: its id with its
        base voice and the language that it is to speak, if all is here for it."""
        self._clone, self._spoken = clone, spoken
        waits = _(WAITS) if running else ""
        none = _("Choose a clone above first") if clone is None else ""
        for one, tip in ((self.rename, ""), (self.measure, self._about_measuring()), (self.export, _(_EXPORT))):
            one.setVisible(any_there)
            silent = _("Get the voice first") if one is self.measure and spoken is None else ""
            allow(one, none or silent or waits, tip)
        for one, tip in ((self.make, _(ABOUT_CLONING)), (self.take_in, _(_IMPORT))):
            allow(one, waits, tip)

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
            text = _("Renaming {voice}").format(voice=isolated(clone.name))
            self._work.start(text, lambda show, stopped: clones.change(clone.id, name=name), self._made)

    def _about_measuring(self) -> str:
        about = _("The clone speaks for some fifteen seconds over the base voice that is chosen here, and is compared with its recording.")
        return verbatim(f"{about}\n{self._lacking()}")

    def _lacking(self) -> str:
        """What is downloaded before a clone is compared; empty where nothing is."""
        encoder, resources = converters.speaker_encoder(self._context.resources), self._context.resources
        if self._clone is None or self._clone.converter == encoder.id or not converters.missing(encoder.id, resources):  # by its own one it speaks already
            return ""
        text = _("{encoder}, which compares voices, is downloaded for that once ({size}).")
        return text.format(encoder=encoder.parts[0].name, size=size_words(encoder.size_bytes))

    def _measure(self) -> None:
        clone, spoken = self._clone, self._spoken
        if clone is None or spoken is None:
            return
        (id, language), lacking = spoken, self._lacking()
        resources, questions = self._context.resources, self._context.questions
        encoder = converters.speaker_encoder(resources)
        asked = "\n\n".join((lacking, f"{encoder.licence} {encoder.details}", _("Download it and go on?")))
        if lacking and not question_dialog(self._page, _("Download what compares voices?"), verbatim(asked)):
            return

        def work(show: Show, stopped: Callable[[], bool]) -> Clone:
            def by_stage(step: Step) -> None:
                show(replace(step, text=step.name))

            if lacking:
                converters.get_encoder(resources, lambda stage, done, text: show(progress.fetching(stage, done, text)), stopped)
            heard = questions.say(longer(language), id, language, WAVS.new(), by_stage, stopped, likeness=True).summary
            if stopped():  # at the last moment: what is begun anew meanwhile writes the same file
                raise Stopped
            return clones.change(clone.id, likeness=heard.likeness, likeness_of_halves=heard.likeness_of_halves)

        actions = {"install": lambda: self._page.install(Wanted(("neural",)), self._work), **self._page.ways()}
        text = _("Comparing {voice} with its recording").format(voice=isolated(clone.name))
        self._work.start(text, work, self._made, self._look_again, actions)
        self._look_again()

    def _export(self) -> None:
        clone = self._clone
        if clone is None:
            return
        kinds, proposed = [(_("Clones exported by Convert to Audiobook"), [clone_file.ENDING[1:]])], clone_file.file_name(clone)
        chosen = choose_save_file(self._page, _KINDS, _("Where should the clone be written?"), kinds, False, initial_filename=proposed)
        if not chosen:
            return
        target = Path(chosen)
        target = target if target.suffix == clone_file.ENDING else target.with_name(target.name + clone_file.ENDING)
        again = _("{file} is there already. Replace it?").format(file=isolated(target.name))
        if target != Path(chosen) and target.exists() and not question_dialog(self._page, _("Replace the file?"), verbatim(again), default_yes=False):
            return
        text = _("Writing {file}").format(file=isolated(target.name))
        done = _("The clone was written into {file}. Whoever has that file can speak in this voice.").format(file=isolated(str(target)))
        self._work.start(text, lambda show, stopped: clone_file.export(clone.id, target), lambda _none: self._work.say(done))

    def _take_in(self) -> None:
        kinds = [(_("Clones exported by Convert to Audiobook"), [clone_file.ENDING[1:]])]
        chosen = choose_files(self._page, _KINDS, _("Choose an exported clone"), kinds, True, True)
        if not chosen:
            return
        place, questions = Path(chosen[0]), self._context.questions

        def work(show: Show, stopped: Callable[[], bool]) -> Clone:
            return clone_file.take_in(place, lambda sample: clones.measured(questions.sample(sample, show, stopped)))

        before = {clone.id for clone in clones.all_of_them()}

        def taken_in(clone: Clone) -> None:
            text = _("{voice} was taken in. How like its recording it sounds is measured anew here, if you want to know.")
            if clone.id in before:
                text = _("{voice} was here already, with the same recording: nothing was changed.")
            self._changed(clone.id, text.format(voice=isolated(clone.name)))

        self._work.start(_("Importing {file}").format(file=isolated(place.name)), work, taken_in, None, {"choose": self._take_in})

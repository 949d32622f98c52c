"""Removing a voice: what is said before, to whom it will be missing, and what is left on this computer that nobody needs any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import question_dialog  # type: ignore[import-not-found]
from qt.core import QIcon  # type: ignore[import-not-found]

from ... import prefs
from ...commands import Stop, never
from ...converting import begun
from ...converting.progress import Show, Step
from ...engine import engine_care, runtime
from ...errors import PluginError
from ...resources import Resources
from ...speaking import clones, converters, voices
from ...wording import isolated, listed
from ...wording import translate as _
from ..clone.abilities import split
from ..language_names import language_name
from ..links import verbatim
from ..work_bar import WAITS, WorkBar, allow, button
from . import converters_box
from .parts import size_words
from .voice_table import Row, Voices
from .voice_use import Use
from .voice_use_button import CHOOSE

_TITLES_CHARS: Final = 200


def question(row: Row, use: Use, model: Voices, resources: Resources) -> str:
    """What to ask before a voice, or a clone, is taken away."""
    text = _("Remove the voice {voice} from this computer? It can be downloaded again. Audiobooks that it spoke stay.")
    if row.clone is not None:
        text = _("Remove {voice} with its recording? Only an exported file can bring it back. Audiobooks that it spoke stay.")
    return "\n\n".join([text.format(voice=isolated(row.name)), *_missed_by(row, use, model, resources)])


def _missed_by(row: Row, use: Use, model: Voices, resources: Resources) -> list[str]:
    """To whom it will be missing, a sentence for each kind."""
    said = []
    for base in model.used_for(row) or ([row.base] if row.base and use.speaker(row.base) == row.id else []):
        then = voices.name_of(use.proposal_without(base, row.id), resources)
        said.append(_("It reads books in {language}; without it, {voice} does.").format(language=language_name(base), voice=isolated(then)))
    names = [] if row.clone is not None else clones_over(row.id, row.base, use.chosen, resources)
    if names:
        text = _("Clones that speak over it: {clones}. They need it again before they speak that way ({size}).")
        said.append(text.format(clones=listed(names, converters_box.NAMED_CHARS), size=size_words(row.size_bytes)))
    if titles := begun.begun_by(lambda id: row.id in (split(id)[0], voices.split(split(id)[1])[0])):
        text = _("Begun with it, and not finished: {books}. What is begun goes on with it: converting such a book again downloads it again.")
        if row.clone is not None:
            text = _("Begun with it, and not finished: {books}. What is begun so begins anew then.")
        said.append(text.format(books=listed(titles, _TITLES_CHARS)))
    return said


def clones_over(voice: str, base: str, chosen: Mapping[str, str], resources: Resources) -> list[str]:
    """The names of the clones that speak over a voice now: as they are chosen for a language, or in the voice's own (its code)."""
    found = []
    for clone in clones.all_of_them():
        asked = [(id, language) for language, id in chosen.items() if (named := clones.parse(id)) is not None and named.clone == clone.id]
        for id, language in (*asked, (clone.id, base)):
            try:
                whole = voices.with_base(id, language, resources, chosen)
            except PluginError:
                continue
            named = clones.parse(whole)
            if named is not None and voices.split(named.base)[0] == voice:
                found.append(clone.name)
    return list(dict.fromkeys(found))


def left_by(row: Row, others: Collection[str], resources: Resources, stopped: Stop) -> str:
    """What a voice that was removed leaves here for nobody, and where that can be removed, too; empty for nothing. Measures, so from a thread.
    others: the ids of the user's voices without it."""
    said = []
    converter = "" if row.clone is None else row.clone.converter
    size_bytes = converters.bytes_on_disk(converter, resources) if converter and not converters_box.clones_by(converter) else 0
    if size_bytes:
        said.append(_("What it alone needed still takes {size}; the page “Engine” can remove that.").format(size=size_words(size_bytes)))
    extra = next((layer for layer in runtime.standing(resources) if layer.name == "neural" and layer.stamp().get("device") == "cpu"), None)
    needed = clones.all_of_them() or any(prefs.is_own(id) and Path(id).suffix != ".onnx" for id in others)
    if extra is not None and not needed and (row.clone is not None or row.own) and any(layer.name == "core" for layer in runtime.standing(resources)):
        text = _("Nothing on this computer needs the extra part of the speech engine any more: it takes {size}, and the page “Engine” can remove it.")
        said.append(text.format(size=size_words(engine_care.size_of(extra.folder, stopped, None))))
    return " ".join(said)


class Removal:
    """Its button and what that does. work: where it is told of. removed(row): it is gone; gives that in words.
    look_again: something ended."""

    def __init__(self, page: Any, work: WorkBar, removed: Callable[[Row], str], look_again: Callable[[], None]) -> None:
        self._page, self._work, self._removed, self._look_again = page, work, removed, look_again
        self._shown: tuple[Row, Use, Voices] | None = None
        self.button = button(_("&Remove"), self._press)
        self.button.setIcon(QIcon.ic("trash.png"))

    def show(self, row: Row | None, use: Use, model: Voices, running: bool) -> None:
        """row: the selected voice. use: who is used for what; model: the voices that there are. running: is something being done?"""
        self._shown = None if row is None else (row, use, model)
        what_it_does = _("Takes it off this list; the file stays where it is") if row is not None and row.own else ""
        allow(self.button, _why_it_stays(row) or (_(WAITS) if running else ""), what_it_does)

    def _press(self) -> None:
        if self._shown is None:
            return
        row, use, model = self._shown
        context, resources = self._page.context, self._page.context.resources
        if context.busy() and not row.own:  # it may open the voice's files again, for another device
            self._work.refuse(_needed(row), {"again": self._press})
            return
        if not row.own and not question_dialog(self._page, _("Remove this voice?"), verbatim(question(row, use, model, resources)), default_yes=False):
            return
        self._page.play.stop()
        others = [*use.without(row, use.chosen).values(), *_files_but(row)]
        said = self._forget(row, use) if row.own else ""  # at once: measuring takes seconds, and meanwhile the window may be closed

        def take_away(show: Show, stopped: Stop) -> str:
            show(Step(engine_care.REMOVE, final=True))
            if not row.own:
                if context.busy():
                    raise _needed(row)
                context.release()
                voices.remove(row.id, resources)
            return left_by(row, others, resources, never)

        def gone(left: str) -> None:
            self._work.say(" ".join(filter(None, (said or self._forget(row, use), left))))

        self._work.start(said or _("Removing {voice}").format(voice=isolated(row.name)), take_away, gone, self._look_again)

    def _forget(self, row: Row, use: Use) -> str:
        """It reads nothing from now on. Gives that in words."""
        prefs.change(voices=use.without(row, prefs.load().voices), files=_files_but(row))
        return self._removed(row)


def _files_but(row: Row) -> dict[str, str]:
    """The files of the user's own, without that one."""
    return {path: base for path, base in prefs.load().files.items() if (path, base) != (row.id, row.base)}


def _why_it_stays(row: Row | None) -> str:
    """Why a voice cannot be removed, or not by itself; empty where it can be."""
    if row is None:
        return str(_(CHOOSE))
    if row.own or row.clone is not None:
        return ""
    if not row.here:
        return str(_("It is not on this computer"))
    if row.kind == voices.KOKORO:
        return str(_("It is Calibre's own; remove it there."))
    return str(_("It is a part of the speech engine, and can be removed only together with it.")) if row.packaged or row.kind == voices.ESPEAK else ""


def _needed(row: Row) -> PluginError:
    """A book may open the voice's files again, for another device."""
    return PluginError("voice_not_removed", voice=row.name, reason=_("a book is being converted now"))

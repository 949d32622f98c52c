"""The button by which a voice becomes the usual one of a language, or that is taken back: what it says, when it can be pressed, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from qt.core import QIcon, QPushButton  # type: ignore[import-not-found]

from ...wording import N_, isolated
from ...wording import translate as _
from ..language_names import language_name
from ..links import verbatim
from ..work_bar import WAITS, allow
from .voice_speaker import SpeakerChoice
from .voice_table import Row
from .voice_use import Use

CHOOSE: Final = N_("Choose a voice above first")
FILE_GONE: Final = N_("Its file is not where it was")
"""Why nothing can be done with a voice."""


class UseButton(QPushButton):  # type: ignore[misc]
    """use: what is chosen. speaker: with whom the voice that is shown would speak."""

    def __init__(self, pressed: Callable[[], None], use: Use, speaker: SpeakerChoice) -> None:
        super().__init__()
        self._use, self._speaker = use, speaker
        self.setAutoDefault(False)
        self.setIcon(QIcon.ic("ok.png"))
        self.clicked.connect(lambda checked=False: pressed())

    def show_row(self, row: Row | None, base: str, mine: Sequence[str], can: bool, comes: bool, running: bool) -> None:
        """To use it, or to go back to the plugin's own choice; off where neither changes anything. base: the language that the voice would be used for,
        empty where none is chosen; mine: those for which it is. can: does it speak now? comes: is it being installed? running: is something being done?"""
        back = [known for known in mine if self._use.can_go_back(known, row)]
        clone = None if row is None else row.clone
        unable = bool(self._speaker.able.reason)
        fetched = row is not None and not row.own and not can and (clone is None or not unable)
        used = bool(mine) or (row is not None and self._speaker.count() <= 1 and self._use.is_proposed_everywhere(row))
        why_not, tip = _(WAITS) if running else "", ""
        if len(back) > 1:
            text = _("Back to the plugin's own choices for {languages}").format(languages=_names(back))
        elif back:
            text = _("Back to the plugin's own choice ({voice})").format(voice=isolated(self._use.name_of_proposal(back[0], row)))
        elif base and fetched and not used:
            text = _("Get it and use it for {language}").format(language=language_name(base))
            tip = _("Downloads it, and from then on it reads all books in {language}").format(language=language_name(base))
            if comes and clone is None:
                why_not = _("It is being downloaded: below is how far it is")
        elif base:
            text = _("Use for {language}").format(language=language_name(base))
            if used:
                why_not = _("It will be used without this: the first book downloads it, or “Get” does now") if fetched else _("It is used already")
            elif unable:
                why_not = verbatim(self._speaker.able.reason)
            elif row is not None and not row.here and clone is None:
                why_not = _(FILE_GONE)
        else:
            text = _("Use for a language") if row is None else _("Use for a language: choose it under “Language”")
            why_not = _(CHOOSE) if row is None else _("Choose a language above first")
        self.setText(text)
        allow(self, why_not, tip)


def _names(bases: Iterable[str]) -> str:
    return ", ".join(map(language_name, bases))

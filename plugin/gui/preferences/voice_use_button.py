"""The button by which a voice becomes the usual one of a language, or that is taken back: what it says, when it can be pressed, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from qt.core import QIcon, QPushButton  # type: ignore[import-not-found]

from ...wording import translate as _
from ..language_names import language_name
from .voice_speaker import SpeakerChoice
from .voice_table import Row
from .voice_use import Use


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
        able, tip = not running, ""
        if len(back) > 1:
            text = _("Back to the plugin's own choices for {languages}").format(languages=_names(back))
        elif back:
            text = _("Back to the plugin's own choice ({voice})").format(voice=self._use.name_of_proposal(back[0], row))
        elif base and fetched and not used:
            text = _("Get it and use it for {language}").format(language=language_name(base))
            tip = _("Downloads it, and from then on it reads all books in {language}").format(language=language_name(base))
            able = able and (clone is not None or not comes)
        elif base:
            text = _("Use for {language}").format(language=language_name(base))
            able = able and not used and row is not None and (row.here or clone is not None) and not unable
            later = _("It will be used without this: the first book downloads it, or “Get” does now")
            tip = "" if not used else later if fetched else _("It is used already")
        else:
            text = _("Use for a language")
            able, tip = False, _("Choose a language above first")
        self.setText(text)
        self.setToolTip(tip)
        self.setEnabled(able)


def _names(bases: Iterable[str]) -> str:
    return ", ".join(map(language_name, bases))

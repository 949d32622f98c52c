"""Why the convert dialog is shown to who is not to be asked: what only the user can decide, as the first words of the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..clicked import ELSEWHERE, PARTLESS, REPLACED, UNREAD, VOICELESS
from ..wording import N_
from ..wording import translate as _

_ONE: Final = {
    REPLACED: N_("This window is shown because the new audiobook would replace the one that this plugin made before, with another voice or speed."),
    ELSEWHERE: N_("This window is shown because the book has an audiobook already, which this plugin may not have made."),
    PARTLESS: N_("This window is shown because the book cannot be read without the extra part of the speech engine, which is not on this computer."),
    VOICELESS: N_("This window is shown because a voice for the book's language can be downloaded; without it, eSpeak NG would read the book."),
    UNREAD: N_("This window is shown because no voice here reads the book's language."),
}
"""The most serious first, which is the one that is told."""
_SEVERAL: Final = {
    REPLACED: N_("Books whose audiobook by this plugin would be replaced by one with another voice or speed: {count}."),
    ELSEWHERE: N_("Books with an audiobook that this plugin may not have made: {count}."),
    PARTLESS: N_("Books that cannot be read without the extra part of the speech engine, which is not on this computer: {count}."),
    VOICELESS: N_("Books that eSpeak NG would read, though a voice for their language can be downloaded: {count}."),
    UNREAD: N_("Books in a language that no voice here reads: {count}."),
}


def why(reasons: Mapping[str, int], of: int) -> str:
    """reasons: as of `Clicked.needs_answer`. of: so many books are shown. Empty where there is no reason."""
    if of == 1:
        return next((_(text) for reason, text in _ONE.items() if reason in reasons), "")
    told = [_(text).format(count=reasons[reason]) for reason, text in _SEVERAL.items() if reason in reasons]
    return " ".join((_("This window is shown because you have to decide on some of these books."), *told)) if told else ""

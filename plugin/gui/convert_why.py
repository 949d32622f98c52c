"""Why the convert dialog is shown to who is not to be asked: what only the user can decide, as the first words of the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..clicked import ELSEWHERE, PARTLESS, REPLACED, UNREAD, VOICELESS
from ..room import TITLE, short
from ..wording import N_
from ..wording import translate as _
from .books_row import quoted

_ONE: Final = {
    REPLACED: N_("This window is shown because the new audiobook would replace the one that this plugin made before, with another voice or speed."),
    ELSEWHERE: N_("This window is shown because the book has an audiobook already, and you may have to say what becomes of it."),
    PARTLESS: N_("This window is shown because the book cannot be read without the extra part of the speech engine, which is not on this computer."),
    VOICELESS: N_("This window is shown because a voice for the book's language can be downloaded; without it, eSpeak NG would read the book."),
    UNREAD: N_("This window is shown because no voice here reads the book's language."),
}
"""The most serious first, which is the one that is told."""
_SEVERAL: Final = {
    REPLACED: N_("{books}: the new audiobook would replace the one that this plugin made before, with another voice or speed."),
    ELSEWHERE: N_("{books}: an audiobook is there already, and you may have to say what becomes of it."),
    PARTLESS: N_("{books}: to be read only with the extra part of the speech engine, which is not on this computer."),
    VOICELESS: N_("{books}: a voice for the language can be downloaded, as “Convert” does; without it, eSpeak NG would read the book."),
    UNREAD: N_("{books}: no voice here reads the language."),
}


def why(reasons: Mapping[str, Sequence[str]], of: int) -> str:
    """reasons: as of `Clicked.needs_answer`, each with the titles of its books. of: so many books are shown. Empty where there is no reason."""
    if of == 1:
        return next((_(text) for reason, text in _ONE.items() if reason in reasons), "")
    books = {reason: quoted([short(title, TITLE) for title in titles]) for reason, titles in reasons.items()}
    told = [_(text).format(books=books[reason]) for reason, text in _SEVERAL.items() if reason in books]
    return "\n".join((_("This window is shown because you have to decide on some of these books."), *told)) if told else ""

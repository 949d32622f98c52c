"""What a line of the table of several books says of one of them: worded alone, by what was found and what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..converting.begun import Begun
from ..converting.progress import duration
from ..engine.install_plan import size_words
from ..errors import warning_sentence
from ..languages import base_language, is_unknown
from ..resources import Resources
from ..speaking import estimates, voices
from ..wording import isolated, times_words
from ..wording import translate as _
from .books_table import Row
from .convert_begun import both, in_table
from .convert_books import Found, breakable
from .convert_contents import kinds
from .convert_existing import FOLDER, LEAVE, RECORD, Place, former
from .convert_one import QUEUED
from .language_names import short_name

_TITLE_CHARS: Final = 80


@dataclass(frozen=True)
class Chosen:
    """How one of several books is to be converted, as the window stands. voice: the id of who will be heard, a clone's with its base voice, empty while
    nobody knows; name: that voice's. speed: times the voice's own; own_speed: another than is chosen for all?

    goes_on: how the book goes on that was begun, if it does. length_s: of its audiobook, None while unknown; percent: of it, spoken before in this way.
    ours: does it take the place of an audiobook of ours? standing: as `Found.standing`, of that one. place: as of `ForeignChoice.of_book`.
    usual: name of the voice that reads other books in its language, where that is known. fetch_bytes: to be downloaded first; failed: that could not be had
    just now. unread: the warning's code where espeak reads a language that it does not know; nobody: nor does another voice here."""

    voice: str = ""
    name: str = ""
    speed: float = 1.0
    own_speed: bool = False
    goes_on: Begun | None = None
    length_s: float | None = None
    percent: int = 0
    ours: bool = False
    standing: str = ""
    place: Place = (RECORD, None)
    usual: str = ""
    fetch_bytes: int = 0
    failed: bool = False
    unread: str = ""
    nobody: bool = False


def row(found: Found, chosen: Chosen, ticked: bool, by: str, resources: Resources) -> Row:
    """ticked: is it to be converted? by: of a book that is being converted already, who speaks it; may be empty."""
    title = shortened(found.book.title)
    if found.error is not None:
        why = f"{found.error.what()} {found.error.next_step()}"
        return Row(title, found.authors, "–", "", "–", found.trouble(), why, True)
    if found.queued:
        return Row(title, found.authors, by or "–", "", "–", _("Started already: see the Jobs list"), _(QUEUED), waits=True)
    language = _("No language given") if is_unknown(found.language) else short_name(found.language)
    about = " · ".join(filter(None, (found.authors, language)))
    voice = " · ".join(filter(None, (chosen.name, times_words(chosen.speed) if chosen.own_speed else "")))
    if found.looked is None:
        return Row(title, about, voice, "", "", _("Waiting to be looked at"))
    chapters, length = _("Chapters: {count}").format(count=found.chapters), _length(found, chosen)
    left_out = _("Left out: {kinds}").format(kinds=", ".join(kinds(found.looked))) if found.looked.left_out else ""
    line = Row(title, about, voice, chapters, length, _with_download(state(found, chosen, resources), chosen), left_out=left_out)
    return _doubted(line, found, chosen, ticked) if chosen.unread else line


def _length(found: Found, chosen: Chosen) -> str:
    """Of the audiobook that stays, or whose sound does: that is known. Else what is guessed."""
    known_s = found.length_s if chosen.standing in ("same", "tags") else None
    return estimates.length(chosen.length_s or 0.0) if known_s is None else duration(known_s)


def _with_download(words: str, chosen: Chosen) -> str:
    if not chosen.fetch_bytes:
        return words
    text = _("Ready to start, after a download of {size}") if words == _("Ready to start") else _("{state}. Its voice is downloaded first ({size})")
    if chosen.failed:
        text = _("Its voice could not be downloaded just now; “Convert” tries once more ({size})")
    return text.format(state=words, size=size_words(chosen.fetch_bytes / 1e6))


def _doubted(line: Row, found: Found, chosen: Chosen, ticked: bool) -> Row:
    """The same, of a book that nobody reads."""
    language = base_language(found.language)
    text = _("eSpeak NG does not read {language}. Tick the book to convert it all the same")
    sure = _("{state}, but eSpeak NG does not read {language}")
    if chosen.nobody:
        text = _("No voice here reads {language}. Tick the book to convert it all the same")
        sure = _("{state}, but no voice here reads {language}")
    said = (sure if ticked else text).format(state=line.state, language=short_name(language))
    words = [warning_sentence(chosen.unread, {"language": language}), _("You can choose another voice for its language below.")]
    return replace(line, state=said, doubt=True, why=" ".join(words))


def state(found: Found, chosen: Chosen, resources: Resources) -> str:
    """What becomes of a book that was looked at, without a full stop."""
    if chosen.standing == "same":
        return _("Its audiobook stays as it is: nothing has changed")
    if chosen.standing == "tags":
        return _("Only what is told of it has changed: that is renewed")
    percent = chosen.percent
    begun = in_table(found, chosen.goes_on, chosen.voice, chosen.speed, percent, chosen.usual, resources)
    if chosen.ours:
        return both(begun, _renewed(found, chosen, resources))
    if not found.foreign:
        ready = _("Ready to start; {percent} % was spoken before").format(percent=percent) if percent else _("Ready to start")
        ready = _("Ready to start; all of it was spoken before") if percent >= 100 else ready
        return both(ready, begun) if chosen.goes_on is not None and chosen.goes_on.waits else begun or ready
    how, folder = chosen.place
    in_folder = _("Has an audiobook from elsewhere; the new one goes into a folder")
    if folder is not None:
        in_folder = _("Has an audiobook from elsewhere; the new one goes into the folder “{folder}”").format(folder=isolated(folder.name or str(folder)))
    words = {
        RECORD: _("Has an audiobook from elsewhere; all are kept") if former(found, chosen.place) else _("Has an audiobook from elsewhere; both are kept"),
        FOLDER: in_folder,
        "replace": _("Has an audiobook from elsewhere; it is replaced, a copy is kept"),
        LEAVE: _("Has an audiobook from elsewhere; left out"),
    }[how]
    return words if how == LEAVE else both(words, begun)


def _renewed(found: Found, chosen: Chosen, resources: Resources) -> str:
    """What becomes of our audiobook, which is not as it would be made now."""
    apart, name = found.foreign, voices.name_of(chosen.voice, resources) if chosen.voice else ""
    another = bool(chosen.voice) and chosen.voice != found.by[0] and name != found.by[1]
    if found.by[1] and chosen.voice and found.at not in (None, chosen.speed):
        text = _("Is made anew with {voice} at the speed {now}; it replaces the audiobook spoken by {old} at the speed {speed}")
        text = _("This plugin's own, spoken by {old} at the speed {speed}, is made anew with {voice} at {now}; the one from elsewhere stays") if apart else text
    elif another and found.by[1]:
        text = _("Is made anew with {voice}; it replaces the audiobook spoken by {old}")
        text = _("This plugin's own, spoken by {old}, is made anew with {voice}; the one from elsewhere stays") if apart else text
    elif chosen.percent:
        text = _("Will be brought up to date; {percent} % was spoken before")
        text = _("This plugin's own is brought up to date ({percent} % was spoken before); the one from elsewhere stays") if apart else text
    elif chosen.standing == "different" and chosen.voice:
        text = _("Is made anew with {voice}; it replaces the audiobook that is there")
        text = _("This plugin's own is made anew with {voice}; the one from elsewhere stays") if apart else text
    else:
        text = _("This plugin's own is brought up to date; the one from elsewhere stays") if apart else _("Will be brought up to date")
    known = {"voice": name, "old": found.by[1], "percent": chosen.percent, "now": times_words(chosen.speed), "speed": times_words(found.at or 1.0)}
    return text.format(**known)


def titles(books: Sequence[Found]) -> str:
    """As `quoted`."""
    return quoted([shortened(found.book.title) for found in books])


def quoted(titles: Sequence[str]) -> str:
    """The first one, and how many more there are."""
    more = _("“{title}”") if len(titles) == 1 else _("“{title}” and one more") if len(titles) == 2 else _("“{title}” and {count} more")
    return more.format(title=breakable(titles[0]), count=len(titles) - 1)


def shortened(title: str) -> str:
    """A long one, so that a line holds it."""
    return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1].rstrip() + "…"

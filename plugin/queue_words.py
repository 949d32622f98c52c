"""What the status bar says when books are queued, when they are stopped, and when their library is switched: what matters first, and what fits (`room`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .room import NAME, STATUS_BAR, TITLE, columns, short
from .wording import isolated, listed
from .wording import translate as _

if TYPE_CHECKING:
    from .converting.begun import Begun
    from .converting.conversions import Stop


_EASILY: Final = STATUS_BAR - 8
"""Columns within which more is said than has to be: letters are not all as wide as the usual one."""


def queued(
    new: int, all_of_them: int, waits: bool, who: str = "", fetched: Sequence[str] = (), places: Sequence[str] = (), impossible: int = 0, title: str = ""
) -> str:
    """waits: another book is being converted. who: as `speakers` says it, where no window did; places: as `beside`, which go before where not both fit.
    fetched: names of the voices that come first. impossible: so many of all are known to be, and are not among the new ones. title: of a new one that is
    alone; it goes first where not all fits."""
    if new == 0:
        many = _("These books are being converted already; see the Jobs list")
        return "" if not all_of_them else _("This book is being converted already; see the Jobs list") if all_of_them == 1 else many
    if fetched:
        said = _("Downloading first: {voices}")
    elif waits:
        said = _("Waiting for its turn") if new == 1 else _("{count} books wait for their turn")
    else:
        said = _("Started converting") if new == 1 else _("{count} books are queued")
    what = said.format(count=new, voices=_names(fetched))
    named = [_("{what}: {title}").format(what=what, title=isolated(short(title, TITLE)))] if title and new == 1 and not fetched else []
    abouts = [*((who, place) for place in places), *((place,) for place in places)] or [(who,)]
    ways = [way for one in named if columns(way := _without(_with(one, *abouts[0]), impossible)) <= _EASILY]
    ways += [_without(_with(what, *about), impossible) for about in (*abouts, *([()] if impossible else []))]
    said = next((way for way in ways if columns(way) <= STATUS_BAR), ways[-1])
    hinted = _("{what}; see the Jobs list").format(what=said)
    return hinted if columns(hinted) <= STATUS_BAR else said


def _with(what: str, *about: str) -> str:
    who = "; ".join(filter(None, about))
    return _("{what} ({who})").format(what=what, who=who) if who else what


def _without(what: str, impossible: int) -> str:
    if not impossible:
        return what
    return (_("{what}; 1 cannot be converted") if impossible == 1 else _("{what}; {count} cannot be converted")).format(what=what, count=impossible)


def speakers(books: Sequence[tuple[str, str, float, Begun | None]]) -> str:
    """Who speaks books for which nobody was asked. Of each: the voice's name, its id, the speed, and how a part of the book was spoken."""
    names = _names(dict.fromkeys(name for name, *_rest in books))
    goes_on = [before is not None and not before.waits and (before.voice, before.speed) == (voice, speed) for _name, voice, speed, before in books]
    lost = next((before.name for *_rest, before in books if before is not None and not before.goes_on), "")
    if len(books) == 1 and goes_on[0]:
        return _("goes on with its own voice: {voice}").format(voice=names)
    if len(books) == 1 and lost:
        return _("begins anew with {voice}: {former} is gone").format(voice=names, former=isolated(short(lost, NAME)))
    if any(goes_on):
        return _("spoken by: {voices}; those begun keep their voice").format(voices=names)
    return _("spoken by: {voices}").format(voices=names)


def beside(places: Sequence[str], books: int) -> tuple[str, ...]:
    """Where the audiobooks of so many books go, about which nobody was asked though one from elsewhere stands at some of them: as there is room for it, the
    longest first. places: of these alone, the name of a folder, or an empty one for a book of its own."""
    if not places:
        return ()
    if len(set(places)) > 1:
        said, short_said = _("those with an audiobook from elsewhere go into: {places}"), _("some go into: {places}")
    elif places[0]:
        said, short_said = _("those with an audiobook from elsewhere go into the folder “{place}”"), _("some go into the folder “{place}”")
    else:
        said, short_said = _("those with an audiobook from elsewhere get a book of their own"), _("some get a book of their own")
    if len(places) == books and len(set(places)) == 1:
        own = _("into a book of its own") if books == 1 else _("each into a book of its own")
        said = short_said = _("into the folder “{place}”") if places[0] else own
    names = [short(place, NAME) or _("a book of their own") for place in dict.fromkeys(places)]
    return tuple(dict.fromkeys(text.format(place=isolated(names[0]), places=listed(names, NAME)) for text in (said, short_said)))


def folder_name(folder: Path) -> str:
    """Its own, since the whole path would fill the status bar."""
    return folder.name or str(folder)


def left_behind(count: int) -> str:
    """Of books that waited in a library in whose place another one is shown."""
    if count == 1:
        return _("A book that waited is in the other library; convert it there")
    return _("{count} books that waited are in the other library; convert them there").format(count=count)


def ready(title: str, outcome: str = "written") -> str:
    """Its audiobook stands. outcome: as `events.Done`."""
    stood = {"unchanged": _("Audiobook is up to date already: {title}"), "retagged": _("Audiobook brought up to date: {title}")}
    return stood.get(outcome, _("Audiobook ready: {title}")).format(title=isolated(short(title, TITLE)))


def stopped(stops: Sequence[Stop], since: str = "") -> str:
    """What was stopped together, and how to go on. Of each: its title, and what there is to go on with; the one that spoke first.
    since: what was said while that one left, and still holds; then it says that in place of how to go on."""
    ways = _stopped_book(*stops[0]) if len(stops) == 1 else _stopped_books(stops)
    said = [" ".join(filter(None, (what, since or goes_on))) for what, goes_on in ways]
    return next((one for one in said if columns(one) <= _EASILY), said[-1])


def _stopped_book(title: str, left: Begun | None) -> list[tuple[str, str]]:
    """By its whole title, if there is room."""
    goes_on = _("Convert it again to go on.")
    if left is None or left.waits:
        what, goes_on = _("Stopped, nothing spoken yet: {title}."), "" if left is None else _("Convert it again; your choices are kept.")
    elif left.percent:
        what = _("Stopped: {title}, {percent} % spoken and kept.")
    else:
        what = _("Stopped: {title}. What was spoken is kept.")
    percent = 0 if left is None else left.percent
    return [(what.format(title=isolated(name), percent=percent), goes_on) for name in (title, short(title, TITLE))]


def _stopped_books(stops: Sequence[Stop]) -> list[tuple[str, str]]:
    """As there is room for it, the longest first."""
    (title, first), *others = stops
    names = [isolated(short(others[0][0], TITLE))] if len(others) == 1 else []
    chosen, again = any(left is not None and left.waits for _title, left in stops), _("Convert them again to go on.")
    if all(left is None or left.waits for _title, left in stops):
        again = _("Convert them again; your choices are kept.") if chosen else ""
        whats = [_("Stopped, nothing spoken yet: {book} and {others}.")] * len(names) + [_("Stopped: {count} books, nothing spoken yet.")]
        return [(what.format(book=isolated(short(title, TITLE)), others="".join(names), count=len(stops)), again) for what in whats]
    whats = [
        _("Stopped: {book} and {others}.").format(book=book, others=other)
        for other in (*names, _("{count} more").format(count=len(others)))
        for book in _with_share(isolated(short(title, TITLE)), first)
    ]
    ends = [_("Convert them again to go on; your choices are kept."), again] if chosen else [again]
    return [(what, end) for what in whats for end in ends]


def _with_share(title: str, left: Begun | None) -> list[str]:
    """A book that was stopped with others, and how much of it is spoken."""
    if left is None or left.waits:
        return [title]
    words = [_("{title} ({percent} % spoken, kept)"), _("{title} ({percent} % spoken)")]
    return [text.format(title=title, percent=left.percent) for text in (words if left.percent else [_("{title} (begun, kept)"), _("{title} (begun)")])]


def _names(voices: Sequence[str] | dict[str, None]) -> str:
    return listed([short(name, NAME) for name in voices], NAME)

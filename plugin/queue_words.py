"""What the status bar says when books are queued, when they are stopped, and when their library is switched: what matters first, and what fits (`room`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .room import NAME, STATUS_BAR, TITLE, columns, short
from .wording import isolated, listed
from .wording import translate as _

if TYPE_CHECKING:
    from .converting.begun import Begun
    from .converting.conversions import Stop


def queued(new: int, all_of_them: int, waits: bool, who: str = "", fetched: Sequence[str] = ()) -> str:
    """waits: another book is being converted. who: as `speakers` says it, where no window did. fetched: names of the voices that come first."""
    if new == 0:
        many = _("These books are being converted already; see the Jobs list")
        return "" if not all_of_them else _("This book is being converted already; see the Jobs list") if all_of_them == 1 else many
    if fetched:
        said = _("Downloading first: {voices}")
    elif waits:
        said = _("Waiting for its turn") if new == 1 else _("{count} books wait for their turn")
    else:
        said = _("Started converting") if new == 1 else _("Started converting {count} books")
    said = said.format(count=new, voices=_names(fetched))
    said = _("{what} ({who})").format(what=said, who=who) if who else said
    hinted = _("{what}; see the Jobs list").format(what=said)
    return hinted if columns(hinted) <= STATUS_BAR else said


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
        return _("spoken by: {voices}; begun ones by their own").format(voices=names)
    return _("spoken by: {voices}").format(voices=names)


def beside(places: Sequence[str], books: int) -> str:
    """Where the audiobooks of so many books go, about which nobody was asked though one from elsewhere stands at some of them. places: of these alone, the
    name of a folder, or an empty one for a book of its own."""
    if not places:
        return ""
    if len(places) < books or len(set(places)) > 1:
        return _("some beside audiobooks from elsewhere")
    if places[0]:
        return _("into the folder “{folder}”").format(folder=isolated(short(places[0], NAME)))
    return _("into a book of its own") if books == 1 else _("each into a book of its own")


def left_behind(count: int) -> str:
    """Of books that waited in a library in whose place another one is shown."""
    if count == 1:
        return _("A book that waited is in the other library; convert it there")
    return _("{count} books that waited are in the other library; convert them there").format(count=count)


def ready(title: str) -> str:
    """Its audiobook stands."""
    return _("Audiobook ready: {title}").format(title=isolated(short(title, TITLE)))


def stopped(stops: Sequence[Stop], since: str = "") -> str:
    """What was stopped together, and how to go on. Of each: its title, and what there is to go on with; the one that spoke first.
    since: what was said while that one left, and still holds; then it says that in place of how to go on."""
    what, goes_on = _stopped_book(*stops[0]) if len(stops) == 1 else _stopped_books(stops)
    return " ".join(filter(None, (what, since or goes_on)))


def _stopped_book(title: str, left: Begun | None) -> tuple[str, str]:
    goes_on = _("Convert it again to go on.")
    if left is None or left.waits:
        what, goes_on = _("Stopped, nothing spoken yet: {title}."), "" if left is None else _("Convert it again; your choices are kept.")
    elif left.percent:
        what = _("Stopped: {title}, {percent} % spoken and kept.")
    else:
        what = _("Stopped: {title}. What was spoken is kept.")
    return what.format(title=isolated(short(title, TITLE)), percent=0 if left is None else left.percent), goes_on


def _stopped_books(stops: Sequence[Stop]) -> tuple[str, str]:
    (title, first), *others = stops
    if all(left is None or left.waits for _title, left in stops):
        chosen = any(left is not None for _title, left in stops)
        return _("Stopped: {count} books, nothing spoken yet.").format(count=len(stops)), _("Convert them again; your choices are kept.") if chosen else ""
    if first is None or first.waits:
        what = _("Stopped: {title} and {count} more.")
    else:
        what = _("Stopped: {title} ({percent} % spoken) and {count} more.") if first.percent else _("Stopped: {title} (begun) and {count} more.")
    return what.format(title=isolated(short(title, TITLE)), percent=0 if first is None else first.percent, count=len(others)), _("Convert them again to go on.")


def _names(voices: Sequence[str] | dict[str, None]) -> str:
    return listed([short(name, NAME) for name in voices], NAME)

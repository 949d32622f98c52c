"""What the status bar says when books are queued, when they are stopped, and when their library is switched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .wording import listed
from .wording import translate as _

if TYPE_CHECKING:
    from .converting.begun import Begun
    from .converting.conversions import Stop


def queued(new: int, all_of_them: int, waits: bool, who: str = "", fetched: str = "") -> str:
    """waits: another book is being converted. who: as `speakers` says it, where no window did. fetched: the voices that come first."""
    if new == 0:
        many = _("These books are being converted already; see the Jobs list")
        return "" if not all_of_them else _("This book is being converted already; see the Jobs list") if all_of_them == 1 else many
    if fetched:
        said = _("Downloading first: {voices}; see the Jobs list")
    elif waits:
        turn = _("{count} books wait for their turn, as another one is being converted; see the Jobs list")
        said = _("Waiting for its turn, as another book is being converted; see the Jobs list") if new == 1 else turn
    else:
        several = _("Started converting {count} books, one after another; see the Jobs list")
        said = _("Started converting to an audiobook; see the Jobs list") if new == 1 else several
    said = said.format(count=new, voices=fetched)
    return _("{what} ({who})").format(what=said, who=who) if who else said


def speakers(books: Sequence[tuple[str, str, float, Begun | None]]) -> str:
    """Who speaks books for which nobody was asked. Of each: the voice's name, its id, the speed, and how a part of the book was spoken."""
    names = ", ".join(dict.fromkeys(name for name, *_rest in books))
    goes_on = [before is not None and not before.waits and (before.voice, before.speed) == (voice, speed) for _name, voice, speed, before in books]
    lost = next((before.name for *_rest, before in books if before is not None and not before.goes_on), "")
    if len(books) == 1 and goes_on[0]:
        return _("it goes on with the voice that began it: {voice}").format(voice=names)
    if len(books) == 1 and lost:
        return _("spoken by: {voice}; begun with {former}, which is not on this computer any more").format(voice=names, former=lost)
    if any(goes_on):
        return _("spoken by: {voices}; those that were begun go on with their own voice").format(voices=names)
    return _("spoken by: {voices}").format(voices=names)


def left_behind(count: int) -> str:
    """Of books that waited in a library in whose place another one is shown."""
    if count == 1:
        return _("A book that waited for its turn is in the other library; convert it there")
    return _("{count} books that waited for their turn are in the other library; convert them there").format(count=count)


def stopped(stops: Sequence[Stop]) -> str:
    """What was stopped together, and what becomes of it. Of each: its title, and what there is to go on with."""
    spoken = [(title, left) for title, left in stops if left is not None and not left.waits]
    silent, chosen = len(stops) - len(spoken), any(left is not None and left.waits for _title, left in stops)
    if len(stops) == 1:
        title, left = stops[0]
        text = _("Stopped: {title}. Nothing of it was spoken yet.")
        if chosen:
            text = _("Stopped: {title}. Nothing of it was spoken yet. Convert it again: the voice and speed that you chose for it are kept.")
        elif spoken and spoken[0][1].percent:
            text = _("Stopped: {title}. {percent} % of it is spoken, and kept; converting it again goes on from there.")
        elif spoken:
            text = _("Stopped: {title}. What was spoken is kept; converting it again goes on from there.")
        return text.format(title=title, percent=0 if left is None else left.percent)
    if not spoken:
        text = _("Stopped: {count} books. Nothing of them was spoken yet.")
        if chosen:
            text = _("Stopped: {count} books. Nothing of them was spoken yet. Convert them again: the voice and speed that you chose for them are kept.")
        return text.format(count=silent)
    begun = [_("{title} ({percent} % spoken)") if left.percent else _("{title} (begun)") for _title, left in spoken]
    books = listed([text.format(title=title, percent=left.percent) for text, (title, left) in zip(begun, spoken, strict=True)])
    text = _("Stopped: {books}. What was spoken is kept; converting them again goes on from there.")
    if silent:
        text = _("Stopped: {books}; and {count} of which nothing was spoken yet. What was spoken is kept; converting them again goes on from there.")
    if chosen:
        text = _("Stopped: {books}; and {count} of which nothing was spoken yet. What was spoken is kept, and so are the voices and speeds that you chose.")
    return text.format(books=books, count=silent)

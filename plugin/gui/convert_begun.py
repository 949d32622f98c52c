"""What is said of a book of which a part is spoken already: with what it goes on, and what another voice or speed means. And of one that waited."""

from __future__ import annotations

from ..converting.begun import Begun
from ..resources import Resources
from ..speaking import voices
from ..wording import percents, times_words
from ..wording import translate as _
from .convert_books import Found


def both(what: str, more: str) -> str:
    """Two sentences, of which the first has no full stop; either may be empty."""
    return _("{what}. {more}").format(what=what, more=more) if what and more else what or more


def goes_on(found: Found, voice: str, speed: float, here: bool, kept: bool, resources: Resources) -> str:
    """By whom how much of the book was spoken, and what the chosen voice (its id, a clone's with its base voice; empty as long as none is) and speed mean
    for it; empty where nothing is kept of it. here: can that voice speak now? kept: has it spoken some of the book?"""
    begun = found.book.begun
    if begun is not None and begun.waits:
        again = (begun.voice, begun.speed) == (voice, speed) and not found.queued
        return _("This book waited and was not begun; voice and speed are those that were chosen for it then.") if again else ""
    if begun is None or found.begun_share == 0.0:
        return ""
    spoken, other = _spoken(found, begun, resources), voices.name_of(voice, resources) if voice else ""
    how = {"spoken": spoken, "voice": _name(begun, resources), "other": other, "speed": times_words(begun.speed), "now": times_words(speed)}
    if not begun.goes_on:
        return _("{spoken}; that voice is not on this computer any more, so it begins anew.").format(**how)
    if _lost(found, voice, speed):
        if kept:  # its share is told with how long the rest takes; two would contradict each other
            text = _("Parts of this book were spoken by {other} and by {voice}; it goes on with the one that you choose.")
            if begun.voice == voice:
                text = _("Parts of this book were spoken at the speeds {now} and {speed}; it goes on at the one that you choose.")
            elif begun.speed != speed:
                text = _("Parts of this book were spoken by {other} and, at the speed {speed}, by {voice}; it goes on as you choose.")
        elif begun.voice == voice:
            text = _("{spoken}; at another speed it begins anew. It goes on if you choose {speed}.")
        elif begun.other_speed or begun.speed != speed:
            text = _("{spoken}; with {other} it begins anew. It goes on if you choose {voice} and {speed}.")
        else:
            text = _("{spoken}; with {other} it begins anew. It goes on if you choose {voice}.")
        return text.format(**how)
    if not begun.here and not here:
        return _("{spoken}; it goes on with this voice as soon as what that lacks is downloaded.").format(**how)
    if _percent(found, begun) >= 100:
        return _("{spoken}; only the file is still to be made.").format(**how)
    return (_("{spoken}; it goes on with this voice and speed.") if begun.other_speed else _("{spoken}; it goes on with this voice.")).format(**how)


def _spoken(found: Found, begun: Begun, resources: Resources) -> str:
    """By whom how much, the beginning of a sentence."""
    text = _("{share} of this book was spoken by {voice}")
    if begun.goes_on and begun.other_speed:
        text = _("{share} of this book was spoken by {voice} at the speed {speed}")
    return text.format(share=_share(found, begun), voice=_name(begun, resources), speed=times_words(begun.speed))


def anew(found: Found, voice: str, speed: float, resources: Resources) -> str:
    """The same of a book of which nothing was said."""
    begun = found.book.begun
    if not _lost(found, voice, speed) or begun is None:
        return ""
    text = _("{share} of this book was spoken at the speed {speed}; at another speed it begins anew")
    if begun.voice != voice:
        text = _("{share} of this book was spoken by {voice}; with another voice it begins anew")
    return text.format(share=_share(found, begun), voice=_name(begun, resources), speed=times_words(begun.speed))


def in_table(found: Found, goes_on: Begun | None, voice: str, speed: float, percent: int, usual: str, resources: Resources) -> str:
    """With what one of several books goes on, if it does, or that it does not; or that what was chosen for it before it waited is kept; empty where nothing
    was spoken or chosen. percent: of it, spoken before by that voice at that speed. usual: name of the voice of other books in its language."""
    if goes_on is not None and goes_on.waits:
        return _chosen_before(goes_on, voices.name_of(voice, resources), usual)
    if goes_on is None:
        return anew(found, voice, speed, resources) if percent < 1 else ""
    text = _("Goes on with {voice}: {percent} % is spoken") if percent else _("Goes on with {voice}")
    if percent >= 100:
        text = _("All of it was spoken by {voice}: only the file is still to be made")
    elif goes_on.other_speed:
        text = _("Goes on with {voice} at the speed {speed}: {percent} % is spoken") if percent else _("Goes on with {voice} at the speed {speed}")
    return text.format(voice=voices.name_of(voice, resources), percent=percent, speed=times_words(speed))


def _chosen_before(waited: Begun, name: str, usual: str) -> str:
    text, another = _("As chosen before: {voice}"), _("As chosen before: {voice}, not your usual voice {usual}")
    if waited.other_speed:
        text, another = _("As chosen before: {voice}, and the speed"), _("As chosen before: {voice}, not your usual voice {usual}, and the speed")
    return (text if usual in ("", name) else another).format(voice=name, usual=usual)


def _lost(found: Found, voice: str, speed: float) -> bool:
    """Is something given up of the book?"""
    begun = found.book.begun
    return begun is not None and not begun.waits and bool(voice) and found.begun_share != 0.0 and (begun.voice, begun.speed) != (voice, speed)


def _percent(found: Found, begun: Begun) -> int:
    """Of the book, spoken as it was begun: as it was looked up, else as it was left."""
    return percents(begun.share if found.begun_share is None else found.begun_share)


def _share(found: Found, begun: Begun) -> str:
    """So much, the beginning of a sentence."""
    percent = _percent(found, begun)
    if percent in (0, 100):
        return _("All") if percent else _("A part")
    return (_("About {percent} %") if found.begun_share is None else _("{percent} %")).format(percent=percent)


def _name(begun: Begun, resources: Resources) -> str:
    return begun.name if begun.name and not begun.goes_on else voices.name_of(begun.voice, resources)

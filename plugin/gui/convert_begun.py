"""What is said of a book of which a part is spoken already: with what it goes on, and what another voice or speed means."""

from __future__ import annotations

from ..converting.begun import Begun
from ..resources import Resources
from ..speaking import voices
from ..wording import translate as _
from .convert_books import Found


def both(what: str, more: str) -> str:
    """Two sentences, of which the first has no full stop."""
    return _("{what}. {more}").format(what=what, more=more) if what else more


def speed_words(speed: float) -> str:
    """As where it is chosen: `1.20 ×`, in one line."""
    return f"{speed:.2f}\u00a0×"


def goes_on(found: Found, voice: str, speed: float, here: bool, kept: bool, resources: Resources) -> str:
    """By whom how much of the book was spoken, and what the chosen voice (its id, a clone's with its base voice; empty as long as none is) and speed mean
    for it; empty where nothing is kept of it. here: can that voice speak now? kept: has it spoken some of the book?"""
    begun = found.book.begun
    if begun is None or found.begun_share == 0.0:
        return ""
    percent = _percent(found, begun)
    spoken, other = _spoken(begun, percent, resources), voices.name_of(voice, resources) if voice else ""
    how = {"spoken": spoken, "voice": _name(begun, resources), "other": other, "speed": speed_words(begun.speed)}
    if not begun.goes_on:
        return _("{spoken}; that voice is not on this computer any more, so it begins anew.").format(**how)
    if _lost(found, voice, speed):
        if begun.voice == voice:
            text = _("{spoken}; at another speed it begins anew. It goes on if you choose {speed}.")
        elif begun.other_speed:
            text = _("{spoken}; with {other} it begins anew. It goes on if you choose {voice} and {speed}.")
        else:
            text = _("{spoken}; with {other} it begins anew. It goes on if you choose {voice}.")
        return (_("{spoken}. It goes on so if you choose {voice}.") if kept and begun.voice != voice else text).format(**how)
    if not begun.here and not here:
        return _("{spoken}; it goes on with this voice as soon as what that lacks is downloaded.").format(**how)
    if percent >= 100:
        return _("{spoken}; only the file is still to be made.").format(**how)
    return (_("{spoken}; it goes on so.") if begun.other_speed else _("{spoken}; it goes on with this voice.")).format(**how)


def _spoken(begun: Begun, percent: int, resources: Resources) -> str:
    """By whom how much, the beginning of a sentence."""
    if begun.goes_on and begun.other_speed:
        text = _("{percent} % of this book was spoken by {voice} at the speed {speed}")
        text = text if percent else _("A part of this book was spoken by {voice} at the speed {speed}")
        text = text if percent < 100 else _("All of this book was spoken by {voice} at the speed {speed}")
    else:
        text = _("{percent} % of this book was spoken by {voice}") if percent else _("A part of this book was spoken by {voice}")
        text = text if percent < 100 else _("All of this book was spoken by {voice}")
    return text.format(percent=percent, voice=_name(begun, resources), speed=speed_words(begun.speed))


def anew(found: Found, voice: str, speed: float, resources: Resources) -> str:
    """The same of a book of which nothing was said."""
    begun = found.book.begun
    if not _lost(found, voice, speed) or begun is None:
        return ""
    percent = _percent(found, begun)
    if begun.voice != voice:
        text = _("{percent} % of this book was spoken by {voice}; with another voice it begins anew")
        text = text if percent else _("A part of this book was spoken by {voice}; with another voice it begins anew")
    else:
        text = _("{percent} % of this book was spoken at the speed {speed}; at another speed it begins anew")
        text = text if percent else _("A part of this book was spoken at the speed {speed}; at another speed it begins anew")
    return text.format(percent=percent, voice=_name(begun, resources), speed=speed_words(begun.speed))


def in_table(found: Found, goes_on: Begun | None, voice: str, speed: float, percent: int, resources: Resources) -> str:
    """With what one of several books goes on, if it does, or that it does not; empty where nothing of it was spoken. percent: of it, spoken before by that
    voice at that speed."""
    if goes_on is None:
        return anew(found, voice, speed, resources) if percent < 1 else ""
    text = _("Goes on with {voice}: {percent} % is spoken") if percent else _("Goes on with {voice}")
    if percent >= 100:
        text = _("All of it was spoken by {voice}: only the file is still to be made")
    elif goes_on.other_speed:
        text = _("Goes on with {voice} at the speed {speed}: {percent} % is spoken") if percent else _("Goes on with {voice} at the speed {speed}")
    return text.format(voice=voices.name_of(voice, resources), percent=percent, speed=speed_words(speed))


def _lost(found: Found, voice: str, speed: float) -> bool:
    """Is something given up of the book?"""
    begun = found.book.begun
    return begun is not None and bool(voice) and found.begun_share != 0.0 and (begun.voice, begun.speed) != (voice, speed)


def _percent(found: Found, begun: Begun) -> int:
    """Of the book, spoken as it was begun: as it was looked up, else as it was left."""
    return int(100 * (begun.share if found.begun_share is None else found.begun_share))


def _name(begun: Begun, resources: Resources) -> str:
    return begun.name if begun.name and not begun.goes_on else voices.name_of(begun.voice, resources)

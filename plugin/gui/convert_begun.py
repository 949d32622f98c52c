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
    """As where it is chosen: `1.20 ×`."""
    return f"{speed:.2f} ×"


def why(begun: Begun | None, resources: Resources) -> str:
    """Why another than the usual voice or speed is chosen already; empty where it is the usual one."""
    if begun is None or not begun.goes_on or not (begun.other_voice or begun.other_speed):
        return ""
    text = _("This book was begun at the speed {speed}, and goes on so, unless you choose another speed here.")
    if begun.other_voice:
        text = _("This book was begun with {voice}, and goes on with it, unless you choose another voice here.")
    if begun.other_voice and begun.other_speed:
        text = _("This book was begun with {voice} at the speed {speed}, and goes on so, unless you choose others here.")
    return text.format(voice=voices.name_of(begun.voice, resources), speed=speed_words(begun.speed))


def anew(found: Found, voice: str, speed: float, resources: Resources) -> str:
    """What is given up with that voice (its id, a clone's with its base voice) and speed; without a full stop; empty where nothing is."""
    begun = found.book.begun
    if begun is None or not voice or (begun.voice, begun.speed) == (voice, speed):
        return ""
    percent = int(100 * found.begun_share)
    if begun.voice != voice:
        text = _("{percent} % of this book was spoken by {voice}; with another voice it begins anew")
        text = text if percent else _("A part of this book was spoken by {voice}; with another voice it begins anew")
    else:
        text = _("{percent} % of this book was spoken at the speed {speed}; at another speed it begins anew")
        text = text if percent else _("A part of this book was spoken at the speed {speed}; at another speed it begins anew")
    return text.format(percent=percent, voice=voices.name_of(begun.voice, resources), speed=speed_words(begun.speed))

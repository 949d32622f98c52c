"""What is known of an error, and the buttons that windows offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..wording import N_


@dataclass(frozen=True)
class Entry:
    """exit: of the command line (docs/architecture.md). sentence: what happened and what it means for this book; command, window: what
    to do next, there and in Calibre; all templates over the error's params. button, other: the actions that windows offer, of BUTTONS."""

    exit: int
    sentence: str
    command: str
    window: str = ""
    button: str = ""
    other: str = ""


BUTTONS: Final[Mapping[str, str]] = {
    "again": N_("Try again"),
    "install": N_("Install…"),
    "choose": N_("Choose…"),
    "another": N_("Choose another voice…"),
    "viewer": N_("Open it in Calibre's viewer"),
    "format": N_("Add a format…"),
    "voice": N_("Voices…"),
    "device": N_("Devices…"),
    "engine": N_("Speech engine…"),
}
"""again: the same once more. install: what is missing. choose, another: where it was chosen, mostly the convert dialog. viewer, format: Calibre's own,
with the book. The others are pages of Preferences."""

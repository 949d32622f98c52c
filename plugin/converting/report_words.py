"""What a report says in codes, in words: what is wrong with a sentence, what is to be checked, why a place was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..wording import N_

WHY: Final[Mapping[str, str]] = {
    "nan": N_("no usable sound"),
    "empty": N_("no sound"),
    "too_short": N_("very fast"),
    "too_long": N_("very slow"),
    "silent": N_("mostly silence"),
    "clipped": N_("too loud, crackles"),
    "failed": N_("could not be spoken"),
    "no_memory": N_("too little memory to speak it"),
    "unpronounceable": N_("nothing that this voice can pronounce"),
    "words_unspoken": N_("some of its words could not be pronounced"),
}
"""A sentence's flag -> what is wrong with it; closed, and flags that are not here are no fault."""
UNSPOKEN: Final = frozenset(("failed", "no_memory", "empty", "unpronounceable"))
TO_CHECK: Final[Mapping[str, str]] = {
    "sentences_failed": N_(
        "Sentences that could not be spoken and are missing in the audiobook: {count}. Convert the book again to try them once more."
    ),
    "sentences_unpronounceable": N_("Sentences that hold nothing that this voice can pronounce, perhaps in another script: {count}."),
    "sentences_flagged": N_("Sentences that sound odd to the checks: {count}."),
}
"""A warning's code -> its sentence in the report's window, above the sentences that it counts."""
REASONS: Final[Mapping[str, str]] = {
    "noteref": N_("Marks of footnotes and endnotes, small numbers of verses"),
    "note": N_("Paragraphs of footnotes and endnotes"),
    "pagebreak": N_("Page and line numbers of the printed book"),
    "hidden": N_("Hidden by the book itself"),
    "nav": N_("Tables of contents and other navigation"),
    "boilerplate": N_("Imprint, copyright page, lists and indexes"),
    "halftitle": N_("Half-title pages, which repeat the title"),
    "cover": N_("The cover page"),
    "nonlinear": N_("Documents outside the reading order"),
    "ruby": N_("Small characters that say how others are read"),
    "fallback": N_("Text for readers that cannot show a film, sound or script"),
    "ornament": N_("Asterisks, rules and other ornaments: a pause instead"),
    "picture": N_("Pictures among the words, as the book describes them"),
}
"""Why a place was left out -> in words; the sidecar's closed list (`reading.block.REASONS`)."""

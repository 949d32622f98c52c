"""What a listener should know of an audiobook that was made all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..wording import N_

WARNINGS: Final[Mapping[str, str]] = {
    "voice_fallback_espeak": N_(
        "The voice “{voice}” for the language “{language}” is not on this computer, so eSpeak reads the book; it sounds mechanical. "
        "Get that voice, then convert the book again."
    ),
    "voice_fetched": N_("There was no voice for the book's language here, so “{voice}” was downloaded. {licence}."),
    "voice_instead": N_("The voice “{voice}” could not be had ({reason}), so “{instead}” reads the book."),
    "voice_none": N_("There is no voice for the language “{language}” here, so eSpeak reads the book; it sounds mechanical."),
    "espeak_unknown": N_("eSpeak NG does not know {language} and reads it by the rules of English: hardly anybody understands that."),
    "espeak_named": N_("eSpeak NG does not read the script of {language}: it names most of its characters, or leaves them out."),
    "voice_language": N_("The voice “{voice}” speaks {voice_language}, but the book is in {language}: expect a strong accent."),
    "language_unknown": N_("The book does not say which language it is in; it is read as English."),
    "spine_file_missing": N_("Parts of the book are not in its file and were left out ({count}, the first is {name})."),
    "toc_empty": N_("The book has no table of contents; its headings are used as chapters."),
    "toc_from_plumber": N_("The book has no table of contents; its chapters were found by their headings."),
    "document_not_text": N_("Some documents hold no text and were left out ({count}, the first is {name})."),
    "document_too_big": N_("Some documents are too large to be read and were left out ({count}, the first is {name} with {mb} MB)."),
    "encoding_guessed": N_("The character set of some documents had to be guessed ({count}, the first is {name}): look for wrong letters."),
    "markup_repaired": N_("The markup of some documents is broken and was repaired ({count}, the first is {name})."),
    "text_hidden": N_(
        "In some documents the book's own style sheet hides most of the text. It was read all the same, so that nothing is lost "
        "({count}, the first is {name}): listen whether it belongs there."
    ),
    "pages_guessed": N_("A PDF holds pages, not paragraphs: what is a sentence was guessed from its lines, so some may be cut or run together."),
    "toc_target_missing": N_("The table of contents points at places that are not there ({count}, the first is “{title}”); these chapters were left out."),
    "toc_useless": N_("The table of contents leads to few chapters or none; the book's headings are used as chapters."),
    "voice_other_runtime": N_("The device “{device}” cannot speak this voice ({reason}), so “{next}” speaks it."),
    "device_left": N_("The device “{device}” could not be used ({reason}), so “{next}” speaks the book."),
    "half_not_exact": N_("On the device “{device}” half precision is not exact enough for this voice ({db} dB, 45 are needed), so full precision speaks it."),
    "device_lost": N_("The device “{device}” stopped working in the middle of the book: {reason}. What it had spoken is kept; “{next}” speaks the rest."),
    "devices_untried": N_(
        "The speech engine failed when it tried the devices of this computer, so the CPU speaks the book. They are tried again after a day, or by a test."
    ),
    "device_not_used": N_("The voice “{voice}” always speaks on the CPU, so the device “{device}” was not used."),
    "sentences_failed": N_(
        "Sentences that could not be spoken and are missing in the audiobook: {count}. The report marks them. Convert the book again to try them once more."
    ),
    "sentences_unpronounceable": N_("Sentences that hold nothing that this voice can pronounce, perhaps in another script: {count}. The report marks them."),
    "sentences_again": N_("Some sentences came out faulty at first and were spoken again ({count}); now they are good."),
    "sentences_on_cpu": N_("Some sentences could not be spoken well by the device, so the CPU spoke them ({count})."),
    "memory_halved": N_("The device's memory was short, so some sentences were spoken fewer at once ({count}); they sound the same."),
    "sentences_flagged": N_("Sentences that sound odd to the checks: {count}. The report marks them."),
    "clips_gone": N_("What was spoken for this audiobook is not kept any more, so the report has no times."),
    "report_unwritable": N_("The report could not be written to {path}: {reason}."),
    "cover_left_out": N_("The cover picture could not be used ({reason}); the audiobook has none."),
    "cover_unreadable": N_("The cover picture cannot be read; the audiobook has none."),
}
"""Code -> sentence of a warning; both programs' codes."""

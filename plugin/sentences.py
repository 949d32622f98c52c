"""The sentences of every error and warning: what happened, what it means for this book, what to do next.

The tables are closed and hold all codes of the sidecar too (`sidecar/.../errors.py`; a test holds the two equal), so that every
sentence can be translated in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .wording import N_


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

ERRORS: Final[Mapping[str, Entry]] = {
    # the sidecar's
    "internal": Entry(
        1,
        N_("This did not work because of a fault in Convert to Audiobook. Your books are unchanged."),
        N_("Please report it together with the details."),
        N_("Please report it together with the details below."),
        "again",
    ),
    "bad_request": Entry(
        1,
        N_("The plugin and its speech engine do not understand each other; no audiobook was made."),
        N_("Restart Calibre, and if it happens again install the engine again."),
        N_("Restart Calibre, and if it happens again repair the speech engine."),
        "engine",
    ),
    "bundle_broken": Entry(
        1,
        N_("The text that was taken out of the book could not be read again, so no audiobook was made."),
        N_("Start the conversion again; if it happens again, please report it."),
        N_("Try again; if it happens again, please report it."),
        "again",
    ),
    "no_text": Entry(
        4,
        N_("There is nothing to read aloud in this book: it holds no text, perhaps only pictures of pages. No audiobook was made."),
        N_("A book of scanned pages needs text recognition (OCR) first."),
        N_("A book of scanned pages needs text recognition (OCR) first; then add the text that it found as another format."),
        "format",
    ),
    "voice_broken": Entry(
        6,
        N_("The voice “{voice}” cannot be used: {reason}. Nothing was spoken."),
        N_("Download the voice again (--setup), or choose another one (--voice)."),
        N_("Remove the voice and get it again (a file of your own: put a whole one there), or choose another one."),
        "voice",
        "another",
    ),
    "voice_unsupported": Entry(
        6,
        N_("The voice “{voice}” cannot speak on this device: {reason}. Nothing was spoken."),
        N_("Choose another voice (--voice) or another device (--device)."),
        N_("Choose another voice or another device."),
        "choose",
    ),
    "device_unusable": Entry(
        7,
        N_("The device “{device}” cannot be used: {reason}. Nothing was spoken."),
        N_("Choose another device; --device cpu works on every computer."),
        N_("Choose another device; the CPU works on every computer."),
        "device",
    ),
    "output_unwritable": Entry(
        8,
        N_("The audiobook cannot be written to {path}: {reason}. Nothing was changed there."),
        N_("Choose a folder that you may write to, or free the file and start again."),
        N_("If a player holds the file open, close it. Check that you may write to that folder, then try again."),
        "again",
    ),
    "disk_full": Entry(
        9,
        N_("There is not enough free space for the audiobook at {path}: {need_mb} MB are needed, {have_mb} MB are free. Nothing was changed."),
        N_("Free some space and start again."),
        N_("Free some space and try again; what has been spoken is kept."),
        "again",
    ),
    "exists_foreign": Entry(
        10,
        N_("There is already an audiobook at {path} that was not made by this plugin, so it was left alone."),
        N_("Move it away, or allow replacing it (--replace)."),
        N_("Choose what should happen to it: keep both, or replace it after a copy."),
        "choose",
    ),
    "encoder_failed": Entry(
        12,
        N_("The audio file could not be made: {reason}. The book is unchanged; what has been spoken is kept."),
        N_("Start the conversion again to go on from there."),
        N_("Try again to go on from there."),
        "again",
    ),
    "speech_failed": Entry(
        12,
        N_("The voice stopped speaking: {reason}. The book is unchanged; what has been spoken is kept."),
        N_("Start the conversion again to go on from there, or use --device cpu."),
        N_("Try again to go on from there, or choose the CPU as device."),
        "again",
    ),
    "audio_unreadable": Entry(
        8,
        N_("This place of the audiobook cannot be played: {reason}."),
        N_("Convert the book again."),
        N_("If the audiobook was moved or changed, convert the book again."),
    ),
    "sample_unusable": Entry(
        6,
        N_("No voice can be cloned from this recording: {reason}."),
        N_("Use another recording: half a minute of one person, who speaks alone in a quiet room."),
        N_("Choose another recording: half a minute of one person, who speaks alone in a quiet room."),
        "choose",
    ),
    # the plugin's own
    "report_unreadable": Entry(
        1,
        N_("The report of this audiobook cannot be read: {reason}. The audiobook itself is as it was."),
        N_("Convert the book again; what is still kept is not spoken again."),
        N_("Convert the book again for a new one; what is still kept is not spoken again."),
    ),
    "usage": Entry(2, N_("The command cannot be understood: {reason}. Nothing was done."), N_("See --help."), N_("See --help.")),
    "book_unreadable": Entry(
        3,
        N_("This book cannot be read: {reason}. No audiobook was made."),
        N_("Check that it opens in Calibre's viewer, or try another format of it."),
        N_("Check that it opens in Calibre's viewer, or add another format of it."),
        "viewer",
        "format",
    ),
    "drm": Entry(
        5,
        N_("This book is locked by DRM, so its text cannot be read and no audiobook was made."),
        N_("Use a copy without DRM."),
        N_("Add a copy without DRM."),
        "format",
    ),
    "voice_unknown": Entry(
        6,
        N_("There is no voice called “{voice}”. Nothing was done."),
        N_("Known voices: {known}."),
        N_("It may have been removed. Choose another one."),
        "voice",
    ),
    "voice_missing": Entry(
        6,
        N_("The voice “{voice}” is not on this computer yet."),
        N_("Start again with --setup to download it, or with --voice espeak: that needs no download, and sounds mechanical."),
        N_("Get it first, or choose another one."),
        "install",
        "another",
    ),
    "language_unread": Entry(
        6,
        N_("No voice here reads {language}, and eSpeak NG does not either. No audiobook was made."),
        N_("Name a voice for it by --voice; with --voice espeak you hear what eSpeak makes of it."),
        N_("Choose a voice that you have for it, or eSpeak NG if you want to hear what it makes of it."),
        "another",
    ),
    "voice_fetch_failed": Entry(
        6,
        N_("The voice “{voice}” could not be downloaded: {reason}."),
        N_("Look at the network connection, then start again (it goes on from there), or choose another voice (--voice)."),
        N_("Look at the network connection, then try again (it goes on from there), or choose another voice."),
        "again",
        "another",
    ),
    "converter_fetch_failed": Entry(
        6,
        N_("The converter {converter}, which the cloned voice needs, could not be downloaded: {reason}."),
        N_("Look at the network connection, then start again (it goes on from there), or choose another converter (--converter)."),
        N_("Look at the network connection, then try again (it goes on from there), or choose another converter for that voice."),
        "again",
        "another",
    ),
    "encoder_fetch_failed": Entry(
        6,
        N_("{converter}, which compares a clone with its recording, could not be downloaded: {reason}. The clone speaks without it."),
        N_("Look at the network connection, then start again (it goes on from there)."),
        N_("Look at the network connection, then try again (it goes on from there)."),
        "again",
    ),
    "stretch_unusable": Entry(
        6,
        N_("No voice can be cloned from this stretch of the recording: {reason}."),
        N_("Name another stretch, or another recording."),
        N_("Drag over another stretch in the picture of the recording, or choose another recording."),
        "choose",
    ),
    "clone_no_base": Entry(
        6,
        N_("The cloned voice “{voice}” cannot read this book: {reason}. No audiobook was made."),
        N_("Choose the voice that it speaks over (--voice CLONE@VOICE), or another voice."),
        N_("Choose another voice for it to speak over, or another voice altogether."),
        "voice",
        "another",
    ),
    "clone_name": Entry(
        6,
        N_("A cloned voice cannot be called “{name}”: {reason}. Nothing was changed."),
        N_("Give it another name (--clone-name)."),
        N_("Give it another name."),
    ),
    "clone_not_kept": Entry(
        6,
        N_("The cloned voice “{voice}” could not be kept: {reason}. Everything is as it was."),
        N_("Make sure that there is space and that you may write there, then try again."),
        N_("Make sure that there is space and that you may write there, then try again."),
        "again",
    ),
    "clone_not_imported": Entry(
        6,
        N_("This file was not taken in as a cloned voice: {reason}. Nothing was changed."),
        N_("Ask for the file again where you have it from."),
        N_("Ask for the file again where you have it from."),
    ),
    "voice_not_removed": Entry(
        6,
        N_("The voice “{voice}” could not be removed: {reason}. It is still there."),
        N_("Try again when nothing is being converted."),
        N_("Try again when nothing is being converted; the Jobs list can stop what is."),
        "again",
    ),
    "device_unknown": Entry(
        7,
        N_("There is no device called “{device}”. Nothing was done."),
        N_("Use auto, cpu, or a device that --probe lists."),
        N_("Choose one of those that this computer has."),
        "device",
    ),
    "engine_missing": Entry(
        11,
        N_("A part of the speech engine is not installed yet: {layer}."),
        N_("Start again with --setup to install it."),
        N_("Install it first; this is done once."),
        "install",
    ),
    "engine_install_failed": Entry(
        11,
        N_("The speech engine could not be installed: the step “{step}” failed ({reason})."),
        N_("Start again when this is mended; it goes on from there."),
        N_("Try again when this is mended; it goes on from there."),
        "again",
    ),
    "engine_died": Entry(
        11,
        N_("The speech engine ended unexpectedly. The book is unchanged; what has been spoken is kept."),
        N_("Start the conversion again to go on from there; if it happens again, install the engine again (--install)."),
        N_("Try again to go on from there; if it happens again, repair the speech engine."),
        "again",
        "engine",
    ),
    "engine_broken": Entry(
        11,
        N_("The speech engine does not start: something of it, or the Python that it runs in, is missing or damaged. The book is unchanged."),
        N_("Repair it by --install core, and by --install neural where that is installed: each is tried, and installed anew if it does not work."),
        N_("Repair it: “Repair” in Preferences, “Engine”. If a virus scanner has taken something away, allow it there first."),
        "engine",
        "again",
    ),
    "engine_stuck": Entry(
        11,
        N_("The speech engine has said nothing for {minutes} minutes, so it was stopped. The book is unchanged; what has been spoken is kept."),
        N_("Start the conversion again to go on from there."),
        N_("Try again to go on from there."),
        "again",
    ),
    "engine_silent": Entry(
        11,
        N_("The speech engine did not start within {seconds} seconds."),
        N_("Start again; if it happens again, install the engine again (--install)."),
        N_("Try again; if it happens again, repair the speech engine."),
        "again",
        "engine",
    ),
    "protocol": Entry(
        11,
        N_("The speech engine answered with something that nobody understands, so it was stopped. The book is unchanged."),
        N_("Install the engine again."),
        N_("Repair the speech engine."),
        "engine",
    ),
    "no_such_library": Entry(
        13,
        N_("There is no Calibre library at {path}. Nothing was done."),
        N_("Give the folder that holds metadata.db."),
        N_("Check that the library's folder is there."),
    ),
    "library_unreadable": Entry(
        13,
        N_("The Calibre library at {path} cannot be opened: {reason}. Nothing was done."),
        N_("Check that Calibre itself opens it."),
        N_("Check that Calibre itself opens it."),
    ),
    "no_such_book": Entry(
        13,
        N_("There is no book with the number {book} in the library. Nothing was added."),
        N_("It may have been removed meanwhile."),
        N_("It may have been removed meanwhile."),
    ),
    "book_removed": Entry(
        13,
        N_("The book “{title}” was removed from the library before its audiobook was ready, so nothing was added."),
        N_("If some of it was spoken, that is kept for a while: if the book is added again, converting it goes on from there."),
        N_("If some of it was spoken, that is kept for a while: if you add the book again, converting it goes on from there."),
    ),
    "no_usable_format": Entry(
        3,
        N_("The book “{title}” has no format that can be read aloud (it has: {formats}). No audiobook was made."),
        N_("Add an EPUB or another text format."),
        N_("Add an EPUB or another text format."),
        "format",
    ),
    "library_in_use": Entry(
        13,
        N_("Calibre is running, and two programs must not write to one library. Nothing was done."),
        N_("Close Calibre, or convert the book in Calibre itself."),
        N_("Close the other program that uses this library."),
    ),
    "copy_there": Entry(
        10,
        N_("The audiobook of “{title}” was to be kept as a copy before it is replaced, but there is such a copy already (ORIGINAL_M4B). Nothing was changed."),
        N_("Move one of them away first."),
        N_("Listen to both: then remove or restore that copy in “Edit metadata”, or keep both audiobooks."),
        "choose",
    ),
    "sound_failed": Entry(
        1,
        N_("The sound cannot be played here: {reason}. Books are converted all the same."),
        N_("Play the file in another program."),
        N_("Listen to the finished audiobook in your own player."),
    ),
    "sound_unheard": Entry(
        1,
        N_("Nothing can be heard: this computer has no sound output that Calibre could find. Books are converted all the same."),
        N_("Connect loudspeakers or headphones."),
        N_("Connect loudspeakers or headphones, or look at the system's sound settings; then press Play again."),
    ),
    "clips_in_use": Entry(
        1,
        N_("The kept sentences cannot be removed while a book is being converted. Nothing was removed."),
        N_("Try again when it is done."),
        N_("Stop the conversion, or try again when it is done."),
        "again",
    ),
    "engine_in_use": Entry(
        11,
        N_("The speech engine is in use now: a book is being converted. It was left as it is."),
        N_("Try again when it is done."),
        N_("Stop the conversion, or try again when it is done."),
        "again",
    ),
    "engine_in_use_elsewhere": Entry(
        11,
        N_("The speech engine is in use now by another program: another Calibre, or a conversion on the command line. It was left as it is."),
        N_("Try again when that is done."),
        N_("Try again when that is done."),
        "again",
    ),
    "engine_unmoved": Entry(
        11,
        N_("The speech engine could not be moved to {path}: {reason}. It stays where it was and works as before."),
        N_("Choose another folder."),
        N_("Choose another folder, or the same one again when this is mended."),
        "choose",
    ),
    "not_removed": Entry(
        11,
        N_("Not everything could be removed; what is left is at {path} ({reason})."),
        N_("Close what uses it and try again."),
        N_("Close what uses it, perhaps by restarting Calibre, then try again."),
        "again",
    ),
}
"""Code -> Entry; closed."""

SAMPLE_REASONS: Final[Mapping[str, str]] = {
    "missing": N_("the file is not there"),
    "not_a_file": N_("it is a folder or a device, not a file"),
    "no_access": N_("the system does not let it be read"),
    "not_readable": N_("it is no sound or video file that can be read here, or it is damaged"),
    "no_audio": N_("there is no sound in it"),
    "protected": N_("it is locked by copy protection (DRM)"),
    "past_end": N_("it ends before that stretch"),
    "silence": N_("it is silent"),
    "no_speech": N_("nobody can be heard speaking in it, there is only noise or a tone"),
    "music": N_("it is music without speech"),
    "too_short": N_("it holds {seconds} seconds of speech, and at least {need_s} are needed"),
}
"""The reason of `sample_unusable` -> its words; the sidecar's list, and a test holds the two equal."""
OF_A_STRETCH: Final = frozenset({"past_end", "silence", "no_speech", "music", "too_short"})
"""Those that may hold for a stretch of a recording and not for another one."""

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
    "report_unwritable": N_("The report could not be copied to {path}: {reason}."),
    "cover_left_out": N_("The cover picture could not be used ({reason}); the audiobook has none."),
    "cover_unreadable": N_("The cover picture cannot be read; the audiobook has none."),
}
"""Code -> sentence of a warning; both programs' codes."""

"""What goes wrong with a voice: one of the collection, one of the user's own, a clone or the recording of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..wording import N_
from .entry import Entry

VOICES: Final[Mapping[str, Entry]] = {
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
        N_("Look at the network connection, then start again, or choose another voice (--voice)."),
        N_("Look at the network connection, then try again, or choose another voice."),
        "again",
        "another",
    ),
    "converter_fetch_failed": Entry(
        6,
        N_("The converter {converter}, which the cloned voice needs, could not be downloaded: {reason}."),
        N_("Look at the network connection, then start again, or choose another converter (--converter)."),
        N_("Look at the network connection, then try again, or choose another converter for that voice."),
        "again",
        "another",
    ),
    "encoder_fetch_failed": Entry(
        6,
        N_("{converter}, which compares a clone with its recording, could not be downloaded: {reason}. The clone speaks without it."),
        N_("Look at the network connection, then start again."),
        N_("Look at the network connection, then try again."),
        "again",
    ),
    "voice_not_removed": Entry(
        6,
        N_("The voice “{voice}” could not be removed: {reason}. It is still there."),
        N_("Try again when nothing is being converted."),
        N_("Try again when nothing is being converted; the Jobs list can stop what is."),
        "again",
    ),
    "sample_unusable": Entry(
        6,
        N_("No voice can be cloned from this recording: {reason}."),
        N_("Use another recording: half a minute of one person, who speaks alone in a quiet room."),
        N_("Choose another recording: half a minute of one person, who speaks alone in a quiet room."),
        "choose",
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
}

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

"""What goes wrong with the speech engine, the devices, what it keeps, and the plugin itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..wording import N_
from .entry import Entry

ENGINE: Final[Mapping[str, Entry]] = {
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
    "usage": Entry(2, N_("The command cannot be understood: {reason}. Nothing was done."), N_("See --help."), N_("See --help.")),
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
        N_("Repair it: “Repair” in Preferences of Convert to audiobook, “Engine”. If a virus scanner has taken something away, allow it there first."),
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
    "speech_failed": Entry(
        12,
        N_("The voice stopped speaking: {reason}. The book is unchanged; what has been spoken is kept."),
        N_("Start the conversion again to go on from there, or use --device cpu."),
        N_("Try again to go on from there, or choose the CPU as device."),
        "again",
    ),
    "device_unusable": Entry(
        7,
        N_("The device “{device}” cannot be used: {reason}. Nothing was spoken."),
        N_("Choose another device; --device cpu works on every computer."),
        N_("Choose another device; the CPU works on every computer."),
        "device",
    ),
    "device_unknown": Entry(
        7,
        N_("There is no device called “{device}”. Nothing was done."),
        N_("Use auto, cpu, or a device that --probe lists."),
        N_("Choose one of those that this computer has."),
        "device",
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
    "clips_in_use": Entry(
        1,
        N_("The kept sentences cannot be removed while a book is being converted. Nothing was removed."),
        N_("Try again when it is done."),
        N_("Stop the conversion, or try again when it is done."),
        "again",
    ),
    "not_removed": Entry(
        11,
        N_("Not everything could be removed; what is left is at {path} ({reason})."),
        N_("Close what uses it and try again."),
        N_("Close what uses it, perhaps by restarting Calibre, then try again."),
        "again",
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
}

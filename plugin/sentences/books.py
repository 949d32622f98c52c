"""What goes wrong with a book, its audiobook and its library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..wording import N_
from .entry import Entry

BOOKS: Final[Mapping[str, Entry]] = {
    "bundle_broken": Entry(
        1,
        N_("The text that was taken out of the book could not be read again, so no audiobook was made."),
        N_("Start the conversion again; if it happens again, please report it."),
        N_("Try again; if it happens again, please report it."),
        "again",
    ),
    "no_text": Entry(
        4,
        N_("There is nothing to read aloud in this book: it holds no text, perhaps only pictures of pages. No audiobook can be made of it."),
        N_("A book of scanned pages needs text recognition (OCR) first."),
        N_("A book of scanned pages needs text recognition (OCR) first; then add the text that it found as another format."),
        "format",
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
    "audio_unreadable": Entry(
        8,
        N_("This place of the audiobook cannot be played: {reason}."),
        N_("Convert the book again."),
        N_("If the audiobook was moved or changed, convert the book again."),
    ),
    "report_unreadable": Entry(
        1,
        N_("The report of this audiobook cannot be read: {reason}. The audiobook itself is as it was."),
        N_("Convert the book again; what is still kept is not spoken again."),
        N_("Convert the book again for a new one; what is still kept is not spoken again."),
    ),
    "book_unreadable": Entry(
        3,
        N_("This book cannot be read: {reason}. No audiobook can be made of it."),
        N_("Check that it opens in Calibre's viewer, or try another format of it."),
        N_("Check that it opens in Calibre's viewer, or add another format of it."),
        "viewer",
        "format",
    ),
    "drm": Entry(
        5,
        N_("This book is locked by DRM, so its text cannot be read, and no audiobook can be made of it."),
        N_("Use a copy without DRM."),
        N_("Add a copy without DRM."),
        "format",
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
        N_("If some of it was spoken, that is kept for a while: if the book is added again, converting it with the same voice and speed goes on from there."),
        N_("If some of it was spoken, that is kept for a while: if you add the book again, converting it with the same voice and speed goes on from there."),
    ),
    "no_usable_format": Entry(
        3,
        N_("The book “{title}” has no format that can be read aloud (it has: {formats}). No audiobook can be made of it."),
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
}

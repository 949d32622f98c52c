"""In Calibre's interpreter: what a line of the table of several books says of one, by what was found and what is chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.begun import Begun  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting.events import Looked, LookedChapter  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.books_row import Chosen, row, titles  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_books import Candidate, Found  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.gui.convert_existing import former, formers  # type: ignore[import-not-found]

JOE = "en_US-joe-medium"
HEARD = Chosen(JOE, "Joe", length_s=9300.0)


def book(existing: str = "none", begun: Begun | None = None, title: str = "Flatland", **more: Any) -> Found:
    looked = Looked(1, title, "en", (LookedChapter("One", 1, 9000),), 90, 9000, "A sentence.", 0, existing, 22, (), 0, "none")
    return Found(Candidate(1, title, None, begun), "Edwin Abbott", "en", looked=looked, **more)


def says(found: Found, ticked: bool = True, **chosen: Any) -> str:
    return str(row(found, replace(HEARD, **chosen), ticked, "", installed_resources()).state)


def test_a_line_names_the_book_its_voice_its_length_and_its_state() -> None:
    line = row(book(), replace(HEARD, speed=1.2, own_speed=True), True, "", installed_resources())
    assert (line.title, line.about, line.voice) == ("Flatland", "Edwin Abbott · English", "Joe · 1.20\u00a0×")
    assert (line.length, line.chapters, line.state, line.trouble, line.doubt) == ("2 h 35 min", "Chapters: 22", "Ready to start", False, False)
    waiting = row(replace(book(), looked=None), HEARD, True, "", installed_resources())
    assert (waiting.length, waiting.chapters, waiting.state) == ("", "", "Waiting to be looked at")


def test_a_book_that_cannot_be_converted_or_is_says_why() -> None:
    refused = row(replace(book(), error=PluginError("drm")), HEARD, False, "", installed_resources())
    assert refused.trouble and refused.state == "Locked by DRM" and refused.voice == "–" and "DRM" in refused.why
    queued = row(replace(book(), queued=True), HEARD, False, "Heart", installed_resources())
    assert queued.waits and queued.voice == "Heart" and queued.state.startswith("Started already")


@pytest.mark.parametrize(
    ("chosen", "state"),
    [
        ({}, "Ready to start"),
        ({"percent": 40}, "Ready to start; 40 % was spoken before"),
        ({"percent": 100}, "Ready to start; all of it was spoken before"),
        ({"fetch_bytes": 63_000_000}, "Ready to start, after a download of 63 MB"),
        ({"percent": 40, "fetch_bytes": 63_000_000}, "Ready to start; 40 % was spoken before. Its voice is downloaded first (63 MB)"),
        ({"fetch_bytes": 63_000_000, "failed": True}, "Its voice could not be downloaded just now; “Convert” tries once more (63 MB)"),
    ],
)
def test_what_a_book_needs_first_and_what_of_it_is_there(chosen: dict[str, Any], state: str) -> None:
    assert says(book(), **chosen) == state


def test_what_was_chosen_for_a_book_that_only_waited_is_kept_and_said() -> None:
    waited = Begun("espeak", 1.0, waits=True)
    known = {"goes_on": waited, "voice": "espeak"}
    assert says(book(begun=waited), **known, usual="Paola") == "Ready to start. As chosen before: eSpeak NG, not your usual voice Paola"
    assert says(book(begun=waited), **known, usual="eSpeak NG") == says(book(begun=waited), **known) == "Ready to start. As chosen before: eSpeak NG"
    faster = {"goes_on": replace(waited, other_speed=True), "voice": "espeak"}
    assert says(book(begun=waited), **faster, usual="Paola") == "Ready to start. As chosen before: eSpeak NG, not your usual voice Paola, and the speed"
    assert says(book(begun=waited), **known, usual="Paola", fetch_bytes=63_000_000).endswith("usual voice Paola. Its voice is downloaded first (63 MB)")


@pytest.mark.parametrize(("standing", "length"), [("same", "21 s"), ("tags", "21 s"), ("different", "15 s"), ("", "15 s")])
def test_the_length_of_an_audiobook_that_stays_is_its_own_and_no_guess(standing: str, length: str) -> None:
    line = row(book("ours", length_s=21.3), replace(HEARD, length_s=15.0, ours=True, standing=standing), True, "", installed_resources())
    assert line.length == length


@pytest.mark.parametrize(
    ("place", "state"),
    [
        (("record", None), "both are kept"),
        (("folder", None), "the new one goes into a folder"),
        (("folder", Path("/home/reader/Listen")), "the new one goes into the folder “Listen”"),
        (("folder", Path("/")), "the new one goes into the folder “/”"),
        (("replace", None), "it is replaced, a copy is kept"),
        (("leave", None), "left out"),
    ],
)
def test_a_book_with_an_audiobook_from_elsewhere_says_what_becomes_of_both(place: tuple[str, Path | None], state: str) -> None:
    assert says(book("foreign"), place=place) == f"Has an audiobook from elsewhere; {state}"
    begun = Begun(JOE, share=0.4, foreign=place[0])
    goes_on = says(book("foreign", begun), place=place, goes_on=begun, percent=40)
    assert goes_on.endswith(state if place[0] == "leave" else f"{state}. Goes on with Joe: 40 % is spoken")


def test_where_ours_stands_elsewhere_none_of_the_three_goes() -> None:
    in_folder = book("foreign", folder=Path("/home/reader/Listen"))
    assert says(in_folder, place=("record", None)) == "Has an audiobook from elsewhere; all are kept"
    elsewhere = former(in_folder, ("replace", None))
    assert elsewhere.endswith("stays in the folder “Listen”; from now on the menu opens the new one, and later conversions renew that")
    assert former(in_folder, ("folder", Path("/home/reader/Other"))) == elsewhere
    in_entry = book("foreign", own="Flatland (audiobook)")
    assert former(in_entry, ("replace", None)).endswith("stays, and is still the one that the menu opens and later conversions renew")
    assert former(in_folder, ("folder", Path("/home/reader/Listen"))) == former(in_entry, ("record", None)) == former(in_folder, ("leave", None)) == ""
    assert [words[-3:] for words in formers([in_folder, in_folder, in_entry], lambda found: ("replace", None))] == [" 2.", " 1."]


def test_our_audiobook_says_who_spoke_it_and_who_will() -> None:
    ours = book("ours", by=(JOE, "Joe"))
    assert says(ours, ours=True, standing="same") == "Its audiobook stays as it is: nothing has changed"
    assert says(ours, ours=True, standing="tags") == "Only what is told of it has changed: that is renewed"
    assert says(ours, ours=True, standing="different", percent=40) == "Will be brought up to date; 40 % was spoken before"
    anew = says(ours, ours=True, standing="different", voice="espeak")
    assert anew == "Is made anew with eSpeak NG; it replaces the audiobook spoken by Joe"
    faster = replace(ours, at=1.1)
    assert says(faster, ours=True, standing="different", voice="espeak", speed=1.1) == anew
    times = "Is made anew with {} at the speed 1.00\u00a0×; it replaces the audiobook spoken by Joe at the speed 1.10\u00a0×".format
    assert says(faster, ours=True, standing="different", voice="espeak") == times("eSpeak NG")
    assert says(faster, ours=True, standing="different", percent=40) == times("Joe")
    apart = says(book("foreign", by=(JOE, "Joe"), at=1.1), ours=True, standing="different")
    assert apart == "This plugin's own, spoken by Joe at the speed 1.10\u00a0×, is made anew with Joe at 1.00\u00a0×; the one from elsewhere stays"
    apart = says(book("foreign", by=(JOE, "Joe")), ours=True, standing="different", percent=40)
    assert apart == "This plugin's own is brought up to date (40 % was spoken before); the one from elsewhere stays"


def test_a_book_that_nobody_reads_says_so_until_it_is_ticked() -> None:
    known = {"unread": "espeak_unknown", "voice": "espeak"}
    line = row(book(), replace(HEARD, **known), False, "", installed_resources())
    assert line.doubt and line.state.startswith("eSpeak NG does not read English. Tick the book") and "another voice" in line.why
    assert says(book(), **known, nobody=True) == "Ready to start, but no voice here reads English"


def test_of_several_books_the_first_is_named() -> None:
    books = [book(title="A" * 90), book(), book()]
    assert titles(books[1:2]) == "“Flatland”" and titles(books[1:]) == "“Flatland” and one more"
    named = titles(books).replace("\u200b", "")
    assert named == f"“{'A' * 79}…” and 2 more"

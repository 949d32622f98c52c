"""Conversions in the whole Calibre: what a reader sees and gets, and what is left behind when something ends early."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
import said
from harness import SPOKEN, Desk, Playing, gone

from plugin import wording

SENTENCES = 20
LONG = 60
SOON_S = 8
"""A look every three seconds, a sidecar that answers, and a machine that has other things to do."""
SHELF = 120
SHELF_CPU_MS = 100
SLOWER = {"E2A_SCRIPT_STEP_S": "0.15"}


def formats_on_disk(desk: Desk) -> dict[str, list[str]]:
    """Title -> its formats, by the library's own database; and no stray file beside them."""
    with sqlite3.connect(desk.library / "metadata.db") as db:
        found = db.execute("select books.title, data.format, books.path, data.name from books join data on data.book = books.id order by 1, 2").fetchall()
    for _title, fmt, folder, name in found:
        assert (desk.library / folder / f"{name}.{fmt.lower()}").is_file()
    audiobooks = [path for path in desk.library.rglob("*") if path.suffix == ".m4b"]
    assert len(audiobooks) == sum(fmt == "M4B" for _t, fmt, _f, _n in found)
    return {title: [fmt for t, fmt, _f, _n in found if t == title] for title, *_ in found}


def nothing_left(desk: Desk, playing: Playing) -> None:
    """No process, no folder of a half-done book."""
    pids = [int(pid) for pid in playing.noted("pids").split()]
    assert pids and all(gone(pid) for pid in pids)
    assert not list((desk.root / "tmp").rglob("audiobook-*"))


def chapters(path: str) -> list[tuple[float, str]]:
    """When each begins and its title, as ffprobe reads a file."""
    command = ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", path]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)
    return [(float(chapter["start_time"]), chapter["tags"]["title"]) for chapter in told["chapters"]]


def test_a_stop_holds_at_once_and_the_next_start_goes_on(desk: Any) -> None:
    one = desk("One", "Two")
    result = one.play("stops", **SLOWER).fine()
    assert result["began_both"] is False
    assert result["after_stop"] == [["EPUB"], ["EPUB"]]
    assert not [window for window in result["windows"] if "Outcome" in window or "Error" in window]
    assert 0 < result["spoken_again"] < SENTENCES
    voice, share, here = result["left"]
    assert voice == result["voice"] != "espeak" and 0 < share < 1 and here, "whatever has become usual meanwhile"
    assert "goes on with its own voice" in result["said"] and any("% was spoken before" in told for told in result["told"]), result
    assert sorted(formats_on_disk(one).values()) == [["EPUB"], ["EPUB", "M4B"]]


def test_quitting_in_the_middle_leaves_nothing_behind_and_the_next_calibre_asks_whether_to_go_on(desk: Any) -> None:
    one = desk("One", "Two")
    with one.start("quits", E2A_SCRIPT_STEP_S="0.5") as playing:
        assert playing.end().fine()["question"]
        nothing_left(one, playing)
    assert formats_on_disk(one) == {"One": ["EPUB"], "Two": ["EPUB"]}
    result = one.play("comes_back").fine()
    assert "One (spoken by" in result["asked"] and "Two (waited; your usual voice)" in result["asked"] and result["jobs_before"] == 0
    first, second = result["spoken_again"]
    assert result["in_the_way"] == [False, False]
    assert 0 < first < SENTENCES == second and not result["asks_on"], "what was spoken is not spoken again"
    assert formats_on_disk(one) == {"One": ["EPUB", "M4B"], "Two": ["EPUB", "M4B"]}


def test_what_waits_when_the_library_is_switched_is_told_and_asked_about_where_it_is_opened_again(desk: Any, tmp_path: Path) -> None:
    one, other = desk("One", "Two", "Three"), tmp_path / "other"
    one.script(EMPTY, str(other))
    result = one.play("switches", E2A_OTHER_LIBRARY=str(other), E2A_SCRIPT_LEAVES_S="2.0", **SLOWER).fine()
    stopped, *waited = sorted(("One", "Two", "Three"), key=lambda title: title != result["stopped"])
    assert result["said_at_once"] == "2 books that waited are in the other library; convert them there"
    assert result["said"].startswith(f"Stopped: {stopped}, ") and "% spoken and kept." in result["said"] and result["said"].endswith(result["said_at_once"])
    assert not result["failed"] and len(result["windows"]) == 1 and not result["taken_for_interrupted"]
    assert all(f"{title} (waited; your usual voice)" in result["asked"] for title in waited)
    assert f"{stopped} (" not in result["asked"] and f"Stopped before, and kept in part: “{stopped}”." in result["asked"], "whoever stopped it knows"
    assert formats_on_disk(one) == {stopped: ["EPUB"], **{title: ["EPUB", "M4B"] for title in waited}}


EMPTY = """
import sys
from calibre.db.legacy import LibraryDatabase
LibraryDatabase(sys.argv[1]).close()
"""


def test_a_book_that_is_removed_while_it_is_spoken_is_left_and_the_next_one_begins(desk: Any) -> None:
    one = desk("Slow", "Two")
    with one.start("removed", E2A_SCRIPT_SENTENCES=str(LONG)) as playing:
        result = playing.end().fine()
        assert not list((one.root / "tmp").rglob("audiobook-*"))
    assert result["went_on_s"] < SOON_S and result["spoken"] < LONG, "what is not spoken yet of it is spared"
    assert result["told"] == {"Slow": "book_removed", "Two": "written"}
    assert "“Slow” was removed" in result["said"] and "that is kept" in result["said"]
    assert formats_on_disk(one) == {"Two": ["EPUB", "M4B"]}


def test_a_crash_of_calibre_ends_the_engine(desk: Any) -> None:
    one = desk("Slow")
    with one.start("crashes") as playing:
        pids = [int(pid) for pid in playing.noted("pids").split()]
        playing.kill()
        assert pids and all(gone(pid) for pid in pids)
    assert formats_on_disk(one) == {"Slow": ["EPUB"]}


def test_a_killed_engine_is_told_and_the_next_start_goes_on(desk: Any) -> None:
    one = desk("One")
    result = one.play("sidecar_dies", **SLOWER).fine()
    assert result["after"] == ["EPUB"] and 0 < result["spoken_again"] < SENTENCES
    assert formats_on_disk(one) == {"One": ["EPUB", "M4B"]}


def test_a_real_right_click_leads_to_an_audiobook_and_its_report(desk: Any) -> None:
    one = desk("One")
    result = one.play("clicks", **SLOWER).fine()
    assert "Convert to audiobook" in result["entries"]
    assert len(result["percents"]) > 3 and [said for said in result["said"] if "One" in said or "1" in said]
    assert "Spoken by " in result["details"]
    assert formats_on_disk(one) == {"One": ["EPUB", "M4B"]}
    assert chapters(result["m4b"]) == list(enumerate(SPOKEN))
    assert all(result["enabled"].values()), result["enabled"]


def test_a_shelf_is_queued_and_stopped_at_once_without_holding_the_window(desk: Any) -> None:
    result = desk(*(f"Slow {number}" for number in range(SHELF))).play("shelf", screen=False).fine()
    assert result["said"].startswith(f"{SHELF} books are queued") and result["waits"]
    assert result["cpu_ms"] < SHELF_CPU_MS, "a fifth of that where settings, voices and jobs are looked up once for all"
    assert result["stop_cpu_ms"] < SHELF_CPU_MS and result["logs"] == 1, "a file for each that never ran takes most of the time"


def test_what_is_said_fits_into_the_status_bar_of_a_small_window(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_", said.longer, raising=False)
    result = desk("One").play("status_bar", E2A_SAID=json.dumps(said.sentences())).fine()
    too_wide = {text: width for text, width in result["widths"].items() if width > result["room"]}
    assert len(result["widths"]) > 60 and not too_wide, (result["room"], too_wide)


def test_several_books_speak_one_at_a_time_and_a_broken_one_stops_no_other(desk: Any) -> None:
    one = desk("One", "Two", "Three", Torn="broken")
    result = one.play("several", **SLOWER).fine()
    assert sorted(result["asked"]) == [1, 2, 3]
    assert result["summed"] == "Audiobooks ready: 3. Not converted, as the table said: “Torn”."
    log = [line.split() for line in (Path(one.env["E2A_CACHE_DIR"]) / "log.txt").read_text("utf-8").splitlines()]
    assert [word for word, _pid in log[:6]] == ["begins", "ends"] * 3 and len({pid for _word, pid in log[:6]}) == 1, "one after another, by one process"
    assert result["told"] == {"One": "unchanged", "Torn": "book_unreadable"}
    assert formats_on_disk(one) == {"One": ["EPUB", "M4B"], "Two": ["EPUB", "M4B"], "Three": ["EPUB", "M4B"], "Torn": ["EPUB"]}


def test_who_types_in_calibre_when_a_book_is_ready_types_on(desk: Any) -> None:
    result = desk("One").play("types_on", **SLOWER).fine()
    assert result["before"] and result["after"], "the window that tells so leaves the keyboard where it was"


def test_an_audiobook_from_elsewhere_is_never_lost(desk: Any, shelf: Any) -> None:
    one = desk("One", "Two", "Three")
    result = one.play("foreign", E2A_BOUGHT=str(shelf["bought"])).fine()
    assert result["ready_without_folder"] is False
    assert result["bought_is_there"] == [True, True, True] and result["ours_is_there"]
    assert result["formats"]["3"] == ["EPUB", "M4B", "ORIGINAL_M4B"] and result["formats"]["1"] == ["EPUB", "M4B"]
    assert result["formats"]["4"] == ["M4B"], "ours beside the bought one, in a record of its own"
    assert len(result["in_folder"]) == 1 and result["asked_nobody"] == ["EPUB", "M4B"]


def test_the_entries_say_why_they_cannot_be_used(desk: Any, tmp_path: Path) -> None:
    one = desk("Slow", "Two")
    one.script(WITHOUT_TEXT, str(one.library))
    result = one.play("menus", E2A_OTHER_LIBRARY=str(tmp_path / "other")).fine()
    assert set(result["places"].values()) == {1} and result["layout"].index("Convert to Audiobook") == result["layout"].index("Convert Books") + 1
    assert result["by_shortcut"] == [True] * 5, "shortcuts work whatever was selected when the menu was last seen"
    assert result["by_shortcut_on_a_device"] == [False] * 4 + [True]
    convert, same, listen, report, preferences = result["good"]
    assert result["good"][convert] is True and result["good"][same] is True and result["good"][preferences] is True
    for name, texts in (("nothing", [convert, same, listen, report]), ("unreadable", [convert, same, listen, report]), ("several", [listen, report])):
        assert all(isinstance(result[name][text], str) and result[name][text] for text in texts), (name, result[name])
    assert [name for name, why in result["before_any_book"].items() if why is not True and "Convert a book once" in why] == [same]
    entries = ["Convert to audiobook", "Convert at once", "Open the audiobook", "Show its report"]
    no_audiobook = ["Open the audiobook (none yet)", "Show its report (none yet)"]
    assert result["reasons"] == {
        "before_any_book": ["Convert at once (after the first book)", *no_audiobook],
        "nothing": [f"{entry} (select a book first)" for entry in entries],
        "good": no_audiobook,
        "unreadable": ["Convert to audiobook (no text to read)", "Convert at once (no text to read)", *no_audiobook],
        "several": ["Open the audiobook (select one book)", "Show its report (select one book)"],
    }
    assert "has no audiobook yet" in result["good"][listen] and "Select a single book" in result["several"][report], "the tooltip says it in full"
    said, jobs, windows = result["said_before_any_book"]
    assert "Convert a book once" in said and jobs == 0 and not [window for window in windows if "Convert" in window]
    ([asks, repeats, *_rest], tip), ([at_once, chooses, *_rest], tip_at_once) = result["named"]["true"], result["named"]["false"]
    assert asks == "Convert to audiobook…" and "at once" not in tip
    assert repeats == "Convert at once, with your usual settings" and at_once == "Convert to audiobook", "the first entry does what a click means"
    assert chooses == "Convert to audiobook, choosing voice and settings…" and "at once" in tip_at_once
    assert "“Conversion”" in result["where_to_be_asked_again"]
    assert result["on_a_device"][0] is False and "device" in result["on_a_device"][1]
    assert "Not allowed" in result["switching"] and result["same_library"] == str(one.library)
    again = one.play("menus", screen=False, E2A_PLACES_ALONE="1").fine()
    assert again["places"] == result["places"] and again["layout"] == result["layout"]


WITHOUT_TEXT = """
import sys
from calibre.db.legacy import LibraryDatabase
db = LibraryDatabase(sys.argv[1]).new_api
db.remove_formats({2: ["EPUB"]})
"""

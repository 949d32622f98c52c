"""What is said of a book before anything is spoken: its chapters, how much there is to say, a sentence to try a voice with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collection import BOOKS
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.look import MOST_CHAPTERS, TITLE_CHARACTERS, left_out, look
from e2a_sidecar.model import Skipped, Source
from e2a_sidecar.protocol import MAX_LINE_BYTES
from e2a_sidecar.request import Look, read
from reading_bundles import entry, epub_bundle, make_bundle, page, sample_books
from session_driver import Driver, conversion, write_bundle
from writing_samples import write_book

BODY = "The rain had not stopped for three days, and nobody in the village was surprised any more."
REST = ["And so it went on. " * 60, "Nothing else happened, and then something did, which is how it always is."]


def test_chapters_have_their_titles_and_what_is_to_be_said_in_each(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, {"One": ["Mr. Darcy came."], "Two": [], "Three": ["Nobody came. Not even she."]}, language="en-GB")
    found = look(Look(1, bundle), lambda: False)
    assert [(c["title"], c["level"], c["characters"]) for c in found["chapters"]] == [
        ("One", 1, len("OneMister Darcy came.")),
        ("Two", 1, len("Two")),
        ("Three", 1, len("ThreeNobody came.Not even she.")),
    ]
    assert found["characters"] == sum(c["characters"] for c in found["chapters"])
    assert (found["title"], found["language"], found["chapter_count"], found["sentences"], found["existing"]) == ("A Book", "en-GB", 3, 6, "none")


@pytest.mark.parametrize(
    "front",
    [
        f"<h1>A Long Title of a Book That Goes On and On, for More than Sixty Characters</h1><p>{BODY}</p>",
        f"<p>This eBook is for the use of anyone anywhere, under the terms of the Project Gutenberg License.</p><p>{BODY}</p>",
        f"<p>Copyright © 1999 by Some Author, who lives in a house of stone beside the sea in summer.</p><p>{BODY}</p>",
        f"<p>1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 21.</p><p>Short.</p><p>{BODY}</p>",
        f"<p lang='fr'>Longtemps, je me suis couché de bonne heure, et quelquefois, à peine ma bougie éteinte.</p><p>{BODY}</p>",
        f"<p>which began with half a sentence, for some converter had torn the page in two, it seems.</p><p>{BODY}</p>",
        f"<p>{'It was a very long sentence, cut into pieces, ' * 12}as it were.</p><p>{BODY}</p>",
    ],
    ids=["heading", "licence", "imprint", "numbers", "another language", "torn", "too long"],
)
def test_the_sample_is_a_whole_sentence_of_the_body(tmp_path: Path, front: str) -> None:
    documents = {"title.xhtml": page("<p>A Book, Written by Somebody or Other in a Year Long Gone, and Printed for Nobody at All.</p>")}
    documents |= {"c.xhtml": page(front + "".join(f"<p>{p}</p>" for p in REST))}
    bundle = make_bundle(tmp_path, documents, [entry("Title Page", "title.xhtml"), entry("Chapter", "c.xhtml")])
    assert look(Look(1, bundle), lambda: False)["sample"] == BODY


def test_what_will_not_be_said_is_told_by_reason_with_its_passages(tmp_path: Path) -> None:
    note = "<aside epub:type='footnote'>{n} " + "See the third letter of the second volume. " * 4 + "</aside>"
    body = "".join(f"<p>{BODY}<a epub:type='noteref' href='#n{n}'>{n}</a></p>" for n in range(9)) + "".join(note.format(n=n) for n in range(2))
    found = look(Look(1, make_bundle(tmp_path, {"c.xhtml": page(body + "<p>* * *</p>")})), lambda: False)
    counts = {left["reason"]: left["count"] for left in found["left_out"]}
    assert counts == {"noteref": 9, "note": 2, "ornament": 1} and next(iter(counts)) == "noteref" and sum(counts.values()) == found["skipped"]
    assert found["left_out"][0]["texts"] == [str(n) for n in range(9)]
    assert [(len(text), text[:5], text[-1]) for text in found["left_out"][1]["texts"]] == [(120, "0 See", "…"), (120, "1 See", "…")]


def test_of_very_many_passages_the_first_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2a_sidecar.look.MOST_PASSAGES", 12)
    reasons = {"note": 9, "cover": 1, "pagebreak": 30}
    places = [Skipped(0, Source("c.xhtml", 0, 1), f"{n}", reason) for reason, count in reasons.items() for n in range(count)]
    told = left_out(places)
    assert [(one["reason"], one["count"], len(one["texts"])) for one in told] == [("pagebreak", 30, 5), ("note", 9, 9), ("cover", 1, 1)]


def test_a_book_without_a_good_sentence_gives_what_it_has(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, {"List": ["Apples.", "Pears."]})
    assert look(Look(1, bundle), lambda: False)["sample"] in ("List", "Apples.", "Pears.")


def test_real_books_have_a_sample_worth_hearing(tmp_path: Path) -> None:
    for book in sample_books("dev"):
        folder = epub_bundle(BOOKS / "dev" / book["file"], tmp_path / book["id"], book["language"])
        sample = look(Look(1, folder), lambda: False)["sample"]
        letters = sum(1 for c in sample if c.isalpha() or c.isspace()) / len(sample)
        assert letters > 0.8 and (60 if " " in sample else 20) <= len(sample) <= 200, (book["id"], sample)


def test_a_book_of_pictures_has_nothing_to_say(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        look(Look(1, make_bundle(tmp_path, {"c.xhtml": page("<img src='p.png'/>")})), lambda: False)
    assert caught.value.code == "no_text"


def test_it_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        look(Look(1, write_bundle(tmp_path, {"One": ["Words."]})), lambda: True)


def test_whose_audiobook_stands_there(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", {"One": ["Words."]})
    write_book(tmp_path / "ours.m4b", ["One"])
    (tmp_path / "foreign.m4b").write_bytes(b"no audiobook at all")
    for name in ("ours", "foreign"):
        assert look(Look(1, bundle, tmp_path / f"{name}.m4b"), lambda: False)["existing"] == name
    assert look(Look(1, bundle, tmp_path / "gone.m4b"), lambda: False)["existing"] == "none"


def test_what_was_spoken_before_is_known_for_the_voice_and_the_settings(tmp_path: Path) -> None:
    bundle, out = write_bundle(tmp_path / "bundle", {"One": ["Words are here.", "More of them."]}), tmp_path / "book.m4b"
    asked = conversion(bundle, out, tmp_path / "cache")

    def there(**changed: object) -> tuple[object, object]:
        found = look(read({**asked, "type": "look", "own": None, "existing": str(out), **changed}), lambda: False)
        return found["spoken"], found["standing"]

    whole = look(Look(1, bundle), lambda: False)
    assert there() == (0, "none") and "spoken" not in whole
    with Driver() as driver:
        driver.send(**asked)
        assert driver.end()["outcome"] == "written"
    assert there() == (whole["characters"], "same")
    assert there(existing=None, own=str(out)) == (whole["characters"], "same")
    assert there(settings={"bitrate": 96_000}) == (whole["characters"], "different")
    assert there(settings={"speed": 1.5}) == (0, "different")
    retitled = json.loads((bundle / "bundle.json").read_text("utf-8"))
    retitled["metadata"]["publisher"] = "Another"
    (bundle / "bundle.json").write_text(json.dumps(retitled), "utf-8")
    assert there() == (whole["characters"], "tags")
    write_bundle(tmp_path / "more", {"One": ["Words are here.", "More of them.", "This is new."]})
    assert there(bundle=str(tmp_path / "more")) == (whole["characters"], "different")


def test_a_voice_that_is_broken_says_nothing_and_hinders_nothing(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", {"One": ["Words."]})
    (tmp_path / "voice.json").write_text("{", "utf-8")
    files = {"model": str(tmp_path / "voice.json"), "config": str(tmp_path / "voice.json")}
    asked = {"type": "look", "id": 1, "bundle": str(bundle), "cache_dir": str(tmp_path), "voice": {"id": "v", "kind": "piper", "name": "V", "files": files}}
    found = look(read(asked), lambda: False)
    assert found["sentences"] and "spoken" not in found


def test_a_book_of_very_many_chapters_with_long_titles_fits_into_a_line(tmp_path: Path) -> None:
    count = MOST_CHAPTERS + 500
    titles = [f"{n} " + "ü€" * 200 for n in range(count)]
    body = "".join(f"<h2 id='a{n}'>{n}</h2><p>Word.</p>" for n in range(count))
    bundle = make_bundle(tmp_path, {"c.xhtml": page(body)}, [entry(title, "c.xhtml", f"a{n}") for n, title in enumerate(titles)])
    with Driver() as driver:
        driver.send(type="look", id=7, bundle=str(bundle), existing=None)
        found = driver.next()
        assert driver.end() == {"type": "done", "id": 7, "outcome": "looked"}
    assert len(json.dumps(found, ensure_ascii=False).encode()) <= MAX_LINE_BYTES
    assert (len(found["chapters"]), found["chapter_count"]) == (MOST_CHAPTERS, count)
    assert all(0 < len(c["title"]) <= TITLE_CHARACTERS for c in found["chapters"])
    assert found["characters"] > sum(c["characters"] for c in found["chapters"])

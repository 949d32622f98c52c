"""The library's metadata as players and servers read it, whatever characters it holds; covers; our mark."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Book, Break, Chapter, Metadata, Sentence, Source
from e2a_sidecar.writing.cover import Cover, read_cover
from e2a_sidecar.writing.mark import Mark, compare, make_mark, read_mark
from e2a_sidecar.writing.tags import iso639_2, many_lines, one_line, write_tags
from mutagen.mp4 import MP4

import sys  # isort: skip

sys.path.insert(0, str(Path(__file__).parent))
from writing_samples import MARK, METADATA, jpeg, png, probe, tags, write_book


@pytest.fixture(scope="module")
def book_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tags") / "b.m4b"
    write_book(path, ["One", "Two"], book=tags(picture=png()))
    return path


def test_ffprobe_reads_the_librarys_metadata(book_file: Path) -> None:
    found = probe(book_file).tags
    expected = {
        "title": "A Christmas Carol",
        "album": "A Christmas Carol",
        "artist": "Charles Dickens & John Leech",
        "album_artist": "Charles Dickens & John Leech",
        "composer": "Joe (synthetic voice)",
        "genre": "Audiobook",
        "date": "1843",
        "copyright": "Public domain",
        "description": "A miser. Three spirits.",
        "synopsis": "A miser.\n\nThree spirits.",
        "grouping": "Christmas Books #1",
        "media_type": "2",
        "encoder": "Convert to Audiobook 0.1.0",
        "SERIES": "Christmas Books",
        "SERIES-PART": "1",
        "NARRATOR": "Joe (synthetic voice)",
        "PUBLISHER": "Chapman & Hall",
        "LANGUAGE": "en-GB",
        "ISBN": "9780000000002",
        "AMAZON": "B00TEST",
        "TAGS": "Fiction; Ghosts",
    }
    assert {key: found.get(key) for key in expected} == expected


def test_mutagen_reads_what_ffprobe_does_not(book_file: Path) -> None:
    found = MP4(book_file).tags
    assert found["\xa9nrt"] == ["Joe (synthetic voice)"]
    assert found["\xa9mvn"] == ["Christmas Books"]
    assert (found["\xa9mvi"], found["shwm"], found["stik"]) == ([1], [1], [2])
    assert bytes(found["covr"][0]) == png()


def test_a_book_of_which_nothing_is_known_has_a_title_and_a_narrator(tmp_path: Path) -> None:
    write_book(tmp_path / "b.m4b", ["One"], book=tags(Metadata("Untitled")))
    found = MP4(tmp_path / "b.m4b").tags
    assert found["\xa9nam"] == ["Untitled"]
    assert not {"\xa9ART", "\xa9day", "desc", "covr", "\xa9mvn", "shwm"} & set(found)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("-y -i /etc/passwd", "-y -i /etc/passwd"),
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("a=b; c # d \\ e [CHAPTER]", "a=b; c # d \\ e [CHAPTER]"),
        ("漢" * 300, "漢" * 300),
        ("👩‍👩‍👧 🎧", "👩‍👩‍👧 🎧"),
        ("nul\0bell\x07esc\x1b[31m", "nulbellesc[31m"),
        ("right\u202eto left", "rightto left"),
        ("שלום\u200f", "שלום\u200f"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("x" * 100_000, "x" * 1000),
    ],
)
def test_any_title_is_safe(tmp_path: Path, title: str, shown: str) -> None:
    hostile = replace(METADATA, title=title, authors=(title,), series=title, publisher=title, identifiers=((title, title), ("isbn", title)), tags=(title,))
    write_book(tmp_path / "b.m4b", ["One"], book=tags(hostile))
    found = probe(tmp_path / "b.m4b")
    assert found.tags["title"] == found.tags["artist"] == found.tags["SERIES"] == found.tags["ISBN"] == shown
    assert [t for _, t in found.chapters] == ["One"]


@pytest.mark.parametrize(("index", "part"), [(1.0, "1"), (2.5, "2.5"), (0.0, "0"), (None, None), (float("nan"), None), (-1.0, None), (1e300, None)])
def test_a_series_number_is_written_as_people_write_it(tmp_path: Path, index: float | None, part: str | None) -> None:
    write_book(tmp_path / "b.m4b", ["One"], book=tags(replace(METADATA, series_index=index)))
    assert probe(tmp_path / "b.m4b").tags.get("SERIES-PART") == part


def test_texts_are_cleaned() -> None:
    assert one_line("  a \x00 b\u2029c  ") == "a b c"
    assert many_lines("a  b\r\n\r\n\r\n\r\nc\x07") == "a b\n\nc"
    assert len(many_lines("x" * 10**6)) == 20_000


@pytest.mark.parametrize(
    ("tag", "code"), [("en-GB", "eng"), ("de", "deu"), ("pt_BR", "por"), ("grc", "grc"), ("", "und"), ("x-klingon", "und"), ("EN", "eng"), ("../..", "und")]
)
def test_the_sound_tracks_language(tag: str, code: str) -> None:
    assert iso639_2(tag) == code


def test_a_file_that_is_no_mp4_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.m4b").write_bytes(b"no sound")
    with pytest.raises(SidecarError) as caught:
        write_tags(tmp_path / "x.m4b", tags(), "{}")
    assert caught.value.code == "encoder_failed"
    with pytest.raises(SidecarError) as caught:
        write_tags(tmp_path / "gone.m4b", tags(), "{}")
    assert caught.value.code == "output_unwritable"


# covers


def test_jpeg_and_png_are_covers() -> None:
    assert read_cover(png(600, 800)) == Cover("png", 600, 800, png(600, 800))
    found = read_cover(jpeg(32, 48))
    assert isinstance(found, Cover)
    assert (found.kind, found.width, found.height) == ("jpeg", 32, 48)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(100), "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format"),
        (png(60000, 60000), "too_big"),
        (png(11000, 11000), "too_big"),
        (png(0, 5), "damaged"),
        (png()[:-20], "damaged"),
        (jpeg()[:100], "damaged"),
        (b"\xff\xd8\xff" + b"\xff" * 5000, "damaged"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 50, "damaged"),
        (jpeg()[:2] + b"\xff" * 20_000 + jpeg()[2:], "damaged"),  # of millions of such each would be looked at
        (png() + bytes(21 * 10**6), "too_big"),
    ],
)
def test_what_is_no_cover_is_told(data: bytes, why: str) -> None:
    assert read_cover(data) == why


def test_no_picture_breaks_the_reader() -> None:
    dice = random.Random(5)
    for original in (png(), jpeg()):
        for _ in range(1500):
            data = bytearray(original)
            for _ in range(dice.randint(1, 8)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            assert isinstance(read_cover(bytes(data[: dice.randint(0, len(data))])), Cover | str)


# the mark


def book(title: str = "One", spoken: str = "Hello.", before: Break = Break.CHAPTER) -> Book:
    sentence = Sentence(0, 0, Source("a", 0, 6), spoken, spoken, before)
    return Book(METADATA, (Chapter(title, 1, 0),), (sentence,), ())


def test_the_mark_comes_back(book_file: Path) -> None:
    assert read_mark(book_file) == MARK


def test_the_mark_tells_what_has_to_be_done() -> None:
    settings = {"engine": "vits", "bitrate": 64000}
    old = make_mark(settings, book(), tags())
    other_tags = tags(replace(METADATA, publisher="Penguin"))
    assert compare(old, make_mark(dict(reversed(settings.items())), book(), tags())) == "same"
    assert compare(old, make_mark(settings, book(), other_tags)) == "tags"
    assert compare(old, make_mark(settings, book(), tags(picture=png()))) == "tags"
    assert compare(old, make_mark({**settings, "bitrate": 96000}, book(), tags())) == "different"
    assert compare(old, make_mark(settings, book(title="Two"), tags())) == "different"
    assert compare(old, make_mark(settings, book(spoken="Bye."), tags())) == "different"
    assert compare(old, make_mark(settings, book(before=Break.SCENE), tags())) == "different"
    assert compare(None, old) == "different"


def test_foreign_files_have_no_mark(tmp_path: Path, book_file: Path) -> None:
    assert read_mark(tmp_path / "gone.m4b") is None
    assert read_mark(tmp_path) is None
    for content in (b"", b"ID3" + bytes(50), b"\0\0\0\x18ftypM4B " + bytes(500), book_file.read_bytes()[:-900]):
        (tmp_path / "x.m4b").write_bytes(content)
        assert read_mark(tmp_path / "x.m4b") is None
    for text in ("", "[]", "{}", '{"schema":1}', '{"schema":99}', "not json", "[" * 100_000):
        write_book(tmp_path / "y.m4b", ["One"])
        write_tags(tmp_path / "y.m4b", tags(), text)
        assert read_mark(tmp_path / "y.m4b") is None


def test_a_file_of_far_more_than_ours_have_is_somebody_elses(tmp_path: Path, book_file: Path) -> None:
    """mutagen makes an object of each part, and reads all tags: of a hundred megabytes of nothing else it would make gigabytes."""
    many, large = tmp_path / "many.m4b", tmp_path / "large.m4b"
    many.write_bytes(book_file.read_bytes() + b"\0\0\0\x08free" * 60_000)
    large.write_bytes(book_file.read_bytes())
    write_tags(large, tags(), MARK.to_json() + " " * 41 * 10**6)
    assert (read_mark(book_file), read_mark(many), read_mark(large)) == (MARK, None, None)


def test_no_garbage_breaks_the_reader_of_marks(tmp_path: Path, book_file: Path) -> None:
    original, dice, path = book_file.read_bytes(), random.Random(9), tmp_path / "x.m4b"
    moov = original.rindex(b"moov") - 4
    for _ in range(1500):
        data = bytearray(original)
        for _ in range(dice.randint(1, 12)):
            data[dice.randrange(moov, len(data))] = dice.choice([0, 1, 255, dice.randrange(256)])
        path.write_bytes(data[: dice.choice([len(data), dice.randrange(len(data))])])
        assert read_mark(path) is None or isinstance(read_mark(path), Mark)

"""Numbers of a poem's lines that are paragraphs are not said but reported; other numbers are said."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2a_sidecar.reading.book import read_book
from nothing_lost import assert_nothing_lost
from reading_bundles import make_bundle, page, read, skips, texts


def verse(*numbers: int, step: int = 5, tag: str = "p") -> str:
    """So many short lines before each number, and one behind the last."""
    lines = [f"<{tag}>A line of verse,</{tag}>"] * step
    return "".join("".join(lines) + f"<{tag}>{number}</{tag}>" for number in numbers) + lines[0]


@pytest.mark.parametrize(("numbers", "step", "tag"), [((5, 10, 15), 5, "p"), ((10, 20, 30, 40), 10, "div"), ((385, 390, 395), 5, "p")])
def test_numbers_that_count_the_lines_between_them_are_told_and_not_said(tmp_path: Path, numbers: tuple[int, ...], step: int, tag: str) -> None:
    book = read(tmp_path, verse(*numbers, step=step, tag=tag))
    assert texts(book) == ["A line of verse,"] * (step * len(numbers) + 1)
    assert skips(book) == [("pagebreak", str(number)) for number in numbers]


def test_they_count_on_below_the_heading_of_a_part(tmp_path: Path) -> None:
    line = "<p>A line of verse,</p>"
    book = read(tmp_path, verse(5, 10) + line + "<h2>Part Two</h2>" + 3 * line + "<p>15</p>" + line)
    assert skips(book) == [("pagebreak", "5"), ("pagebreak", "10"), ("pagebreak", "15")] and "Part Two" in texts(book)


@pytest.mark.parametrize(
    "body",
    [
        verse(5, 10),  # a third is missing
        verse(1, 2, 3),
        verse(1905, 1910, 1914),
        verse(5, 10, 15, step=4),
        verse(5, 10, 15).replace("A line of verse,", 12 * "A paragraph of prose. "),
        verse(5, 10, 15, tag="h2"),
        verse(5, 10, 15, tag="li"),
        verse(6, 11, 16),
        "<table>" + "".join(f"<tr><td>{number}</td></tr>" + "<tr><td>a figure</td></tr>" * 5 for number in (5, 10, 15)) + "</table>",
        "<p>5</p><p>Wood</p><p>10</p><p>Tin</p><p>15</p><p>Crystal</p>",
    ],
)
def test_other_numbers_are_said(tmp_path: Path, body: str) -> None:
    assert "pagebreak" not in [reason for reason, _ in skips(read(tmp_path, body))]


GAP = "&#160;" * 4


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("<pre>Sing, O\nMuse,\nof it\nand us\nand all       5\nSix\n\nseven\neight\nnine\nten lines    10\n</pre>", ["5", "10"]),
        (f"<p>Sing,<br/>O<br/>Muse,<br/><i>of it</i>{GAP}15<br/>and us</p>", ["15"]),
    ],
)
def test_numbers_behind_lines_are_told_and_not_said(tmp_path: Path, body: str, numbers: list[str]) -> None:
    raw = page(body)
    book = read_book(make_bundle(tmp_path, {"c.xhtml": raw}))
    assert skips(book) == [("pagebreak", number) for number in numbers]
    assert not any(map(str.isdigit, " ".join(texts(book))))
    assert_nothing_lost(book, {"c.xhtml": raw.encode()})


@pytest.mark.parametrize(
    "body",
    [
        "<pre>Coal      15\nWood      20\nTin       25\n</pre>",  # figures
        "<pre>Born in     1850\nin Rome,\nhe went\nin     1851\n</pre>",
        "<pre>one     5\ntwo\nthree\nfour     10\nfive\nsix\n</pre>",  # not so many lines between them
        "<p>He was 20<br/>when she<br/>and he<br/>went</p>",
    ],
)
def test_other_numbers_behind_lines_are_said(tmp_path: Path, body: str) -> None:
    assert skips(read(tmp_path, body)) == []

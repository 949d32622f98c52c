"""Words that are spaced out by blanks are said as words; letters, initials and abbreviations stay what they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading_bundles import read, texts


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<h1>C H A P T E R&#160; O N E</h1>", "CHAPTER ONE"),
        ("<h1>C H A P T E R &#160; 12</h1>", "CHAPTER 12"),
        ("<h2>C&#160;H&#160;A&#160;P&#160;T&#160;E&#160;R IV</h2>", "CHAPTER IV"),
        ("<p>T H E&#8195;E N D</p>", "THE END"),
        ("<p>“T&#8201;H&#8201;E E&#8201;N&#8201;D.”</p>", "“THE END.”"),
        ("<p><b>T H E</b> &#160; <i>E</i> <i>N</i> <i>D</i> !</p>", "THE END !"),
        ("<p><span>N E W</span> <span>Y O R K</span></p>", "NEW YORK"),
        ("<p><span>N</span> <span>E</span> <span>W</span>  <span>Y</span> <span>O</span> <span>R</span> <span>K</span></p>", "NEW YORK"),
        ('<p>C H A P<a id="p"/> T E R</p>', "CHAPTER"),
        ("<p>F I N I S</p>", "FINIS"),
        ("<h1>C H A P T E R O N E</h1>", "CHAPTER ONE"),
        ("<h1>P A R T I V</h1>", "PART IV"),
        ("<p>T H E E N D</p>", "THE END"),
        ("<p>T h e o r y</p>", "Theory"),
        ("<h1>P r o l o g u e</h1>", "Prologue"),
        ("<h2>E I N L E I T U N G in das Werk</h2>", "EINLEITUNG in das Werk"),
        ("<p>Das ist <i>s e h r</i> wichtig, ja u n e r h ö r t!</p>", "Das ist sehr wichtig, ja unerhört!"),
        ("<p>ГЛАВА: К О Н Е Ц</p>", "ГЛАВА: К О Н Е Ц"),
        ("<p>К О Н Е Ц</p>", "КОНЕЦ"),
    ],
)
def test_a_word_that_is_spaced_out_is_a_word(tmp_path: Path, body: str, said: str) -> None:
    assert texts(read(tmp_path, body)) == [said]


@pytest.mark.parametrize(
    "text",
    [
        "I a m here.",
        "J R R Tolkien wrote it.",
        "J. R. R. Tolkien and A. A. Milne",
        "S O S",
        "R I P",
        "N A S A",
        "A B C D E F G",
        "a e i o u",
        "He sang a b c d e f g.",
        "B C D F G H K L",
        "He said: C A T S are nice.",
        "Plan A B or C",
        "A &#160; B &#160; C &#160; D",
        "X &#160; Y",
        "第 一 章 起 源 之 地",
        "C A B D E",
        "1 2 3 4 5",
        "O!&#160; A!&#160; E! &#160; I!",
        "Z Y X W V U T",
        "A C G T T A G C A T",
        "X O X O O X",
        "He spelled h e l l o slowly.",
        "Buchstabiere: h a l l o !",
        "The points P O L I N E lie on it.",
        "w o r l d-w i d e",
        "i n j u s t- spring",
        "On u w z o i a ona",
        "y e o u",
        "Он и в с к у о сказал",
        "и в с к о у я",
    ],
)
def test_letters_that_are_no_word_stay_letters(tmp_path: Path, text: str) -> None:
    assert " ".join(texts(read(tmp_path, f"<p>{text}</p>"))) == " ".join(text.replace("&#160;", " ").split())


def test_the_words_of_a_block_are_known_by_one_another_also_where_each_has_a_line(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "<p>N E W<br/>Y O R K</p><p>S O S<br/>S O S</p>")) == ["NEW", "YORK", "S O S", "S O S"]


def test_the_letters_above_an_index_stay_letters(tmp_path: Path) -> None:
    letters = "S E D A N"
    assert texts(read(tmp_path, "<p>" + " ".join(f'<a href="x.html#{letter}">{letter}</a>' for letter in letters.split()) + "</p>")) == [letters]


def test_the_letters_of_a_formula_stay_letters(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "<p><math>" + "".join(f"<mi>{letter}</mi>" for letter in "xayzw") + "</math></p>")) == ["x a y z w"]


def test_a_spaced_word_knows_where_its_letters_stand(tmp_path: Path) -> None:
    sentence = read(tmp_path, "<p>Now <i>v e r y</i> good.</p><p>Next.</p>").sentences[0]
    assert (sentence.text, sentence.source.start, sentence.source.end) == ("Now very good.", 8, 8 + len("Now v e r y good."))


def test_a_spaced_heading_is_the_chapters_title_and_is_said_as_words(tmp_path: Path) -> None:
    book = read(tmp_path, "<h1>C H A P T E R&#160; O N E</h1><p>It begins.</p><h1>C H A P T E R&#160; T W O</h1><p>It ends.</p>")
    assert [chapter.title for chapter in book.chapters] == ["CHAPTER ONE", "CHAPTER TWO"]
    assert book.sentences[0].spoken == "Chapter One"

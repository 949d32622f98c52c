"""What a student of Kokoro is given for a line of English: its phonemes, whose they are, and what could not be said."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Final

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.misaki import package
from e2a_sidecar.speaking.misaki.front_end import MisakiFrontEnd
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.words import word_places
from heart import needs_her_package

needs_her_package()
GOLDEN: Final = [line.split("\t") for line in Path(__file__).with_name("misaki").joinpath("golden.tsv").read_text("utf-8").splitlines()]
"""(text, American, British). Sentences of our own, and of books in the public domain."""
EXPECTED: Final = [line.split("\t") for line in Path(__file__).with_name("misaki").joinpath("words.tsv").read_text("utf-8").splitlines()]
"""(text, what a reader expects to hear for it, and what from a British voice if that is something else)"""


@pytest.fixture(scope="module")
def american() -> MisakiFrontEnd:
    return MisakiFrontEnd(british=False)


@pytest.fixture(scope="module")
def british() -> MisakiFrontEnd:
    return MisakiFrontEnd(british=True)


def said(front: MisakiFrontEnd, ids: tuple[int, ...]) -> str:
    letters = {number: letter for letter, number in front._ids.items()}
    return "".join(letters[number] for number in ids)


def unstressed(front: MisakiFrontEnd, text: str) -> str:
    """What is heard: the sounds and marks, without stress and the spaces between words."""
    return "".join(phoneme for phoneme in said(front, front.encode(text).ids[1:-1]) if phoneme not in "ˈˌ ")


def by_word(front: MisakiFrontEnd, text: str) -> dict[str, str]:
    encoded = front.encode(text)
    return {text[word.start : word.end]: said(front, encoded.ids[word.first_id : word.last_id]) for word in encoded.words}


def sound(front: MisakiFrontEnd, text: str) -> Encoded:
    """Every word has its phonemes or is told to be lost; order and places hold."""
    encoded, lost = front.encode(text), front.lost(text)
    assert encoded.ids[0] == encoded.ids[-1] == 0
    assert set(encoded.ids[1:-1]) <= set(front._ids.values())
    at, end = 1, 0
    for word in encoded.words:
        assert end <= word.start < word.end <= len(text), text
        assert at <= word.first_id < word.last_id <= len(encoded.ids) - 1, text
        at, end = word.last_id, word.end
    assert set(word_places(text)) <= {(word.start, word.end) for word in encoded.words} | set(lost), text
    return encoded


def test_sentences_sound_as_they_did(american: MisakiFrontEnd, british: MisakiFrontEnd) -> None:
    assert len(GOLDEN) >= 150
    now = [[text, *(said(front, front.encode(text).ids[1:-1]) for front in (american, british))] for text, *_ in GOLDEN]
    assert [(is_now, was) for is_now, was in zip(now, GOLDEN, strict=True) if is_now != was] == []


@pytest.mark.parametrize("row", EXPECTED, ids=[row[0] for row in EXPECTED])
def test_figures_and_odd_spellings_are_said_as_a_reader_expects(american: MisakiFrontEnd, british: MisakiFrontEnd, row: list[str]) -> None:
    text, for_american, for_british = row[0], row[1], row[-1]
    for front, words in ((american, for_american), (british, for_british)):
        assert unstressed(front, text) == unstressed(front, words)
        assert front.lost(text) == ()


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("th’ maister and t’ dog", "ðə mˈAstəɹ ænd t dˈɔɡ"),
        ("’Tis cold", "tɪz kˈOld"),
        ("in the mornin’; then", "ɪn ðə mˈɔɹnɪn; ðˈɛn"),
        ("rock 'n' roll", "ɹˈɑk ən ɹˈOl"),
        ("“’E ’ad ’is ’ead in ’ere.”", "“i ˌæd ˌɪz ˈɛd ɪn ˈɪɹ.”"),
        ("ol’ Bill, jus’ sittin’", "ˈOl bˈɪl, ʤˈʌs sˈɪTɪn"),
        ("ask 'em for 'ouse", "ˈæsk əm fɔɹ ˈWs"),
    ],
)
def test_letters_left_out_are_no_quotations(american: MisakiFrontEnd, text: str, phonemes: str) -> None:
    assert said(american, american.encode(text).ids[1:-1]) == phonemes
    assert len(american.encode(text).words) == len(word_places(text))


def test_a_number_in_groups_has_words_for_each(american: MisakiFrontEnd) -> None:
    words = by_word(american, "1 000 000 men")
    assert [word.strip() for word in words] == ["1", "000", "men"]  # the groups have one name in the table
    assert said(american, american.encode("1 000 000 men").ids[1:-1]) == "wˈʌn mˈɪljᵊn mˈɛn"


@pytest.mark.parametrize("letter", ["İ", *(chr(code) for code in range(0x110000) if len(chr(code).lower()) > 1 and chr(code) != "İ")])
def test_a_letter_that_is_two_when_small_ends_no_book(american: MisakiFrontEnd, letter: str) -> None:
    for mark in "/$“”‘’'\"()[]{}.,:;!?-–—…%&@#*+=<>~|^_§°€£":
        for text in (f"He said {mark}{letter} and left.", f"{letter}{mark}", f"“{letter}{mark}”"):
            sound(american, text)
    tokens = american._package.said(f"Out /{letter} now", lambda text, tag: "x")  # its figures do not know it either
    assert "".join(token.phonemes for token in tokens).startswith("ˈWt")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He said no.", {"He": "hˌi", "said": "sˈɛd", "no": "nˈO"}),
        ("my well-known friend", {"my": "mI", "well-known": "wˌɛlnˈOn", "friend": "fɹˈɛnd"}),
        ("$5 million at", {"$5": "fˈIv", "million": "mˈɪljᵊn dˈɑləɹz", "at": "æt"}),
        ("on 3 March", {"on": "ˌɔn", "3": "ðə θˈɜɹd ʌv", "March": "mˈɑɹʧ"}),
        ("10:30 p.m.", {"10:30": "tˈɛn θˈɜɹTi", "p.m.": "pˌiˈɛm"}),
        ("a $ now", {"a": "ɐ", "$": "dˈɑləɹ", "now": "nˈW"}),
        ("So—he went", {"So": "sˌO", "he": "hi", "went": "wˈɛnt"}),
    ],
)
def test_each_word_has_its_own_phonemes(american: MisakiFrontEnd, text: str, words: dict[str, str]) -> None:
    assert by_word(american, text) == words


def test_the_word_behind_a_quotation_mark_is_looked_up(american: MisakiFrontEnd) -> None:
    for text in ("“The end.”", '"The end."', "‘The end.’"):
        assert said(american, american.encode(text).ids[1:-1]).startswith("“ði ˈɛnd."), text


def test_nothing_is_taken_for_markup(american: MisakiFrontEnd) -> None:
    assert list(by_word(american, "[a word](/x/) and [another](b)")) == ["a", "word](/x", "and", "another](b"]


def test_other_scripts_and_signs_are_said_by_espeak(american: MisakiFrontEnd) -> None:
    words = by_word(american, "α 😀 Привет x-βγ www")
    assert words["α"] == "ˈælfə"
    assert "ɡɹˈɪnɪŋ" in words["😀"]
    assert len(words["Привет"]) > 10
    assert words["x-βγ"].startswith("ˈɛks ")
    assert words["www"].count("dˈʌb") + words["www"].count("dˌʌb") + words["www"].count("dʌb") == 3


def test_what_has_no_phonemes_is_told(american: MisakiFrontEnd) -> None:
    text = "a ᎠᎡ here, x⊕ there"
    assert [text[a:b] for a, b in american.lost(text)] == ["ᎠᎡ", "x⊕"]
    assert american.lost("All of this is said.") == ()
    assert list(by_word(american, text)) == ["a", "here", "x⊕", "there"]


def test_marks_alone_are_nothing_to_say(american: MisakiFrontEnd) -> None:
    for text in ("", " ", "...", "—", "“”", "?!", "( )", "\n"):
        assert american.encode(text).empty, text


def test_a_line_keeps_the_mark_at_its_end(american: MisakiFrontEnd) -> None:
    for text in ("Seat 7A.", "In the U.S.", "And so on, etc.", "Is it ☃?"):
        assert said(american, american.encode(text).ids[1:-1])[-1] == text[-1], text


def test_any_text_is_encoded(american: MisakiFrontEnd, british: MisakiFrontEnd) -> None:
    chance = random.Random(16)
    pools = [
        "abc ABC '-.,1/2$£%:°—“”\"()[]…",
        "0123456789,.-/:$ apm%",
        " \n\0\t\u200b\ufeff\u202eאבג🏳️‍🌈 a\u0301\ud800",
        "The quick $5 a—b don’t well-known 10:30 p.m. Jan. 5 3/4 U.S. ",
    ]
    for front in (american, british):
        for code in range(0, 0x30000, 397):
            sound(front, f"a {chr(code)} b{chr(code)}c")
        for number in range(200):
            pool = pools[number % 5] if number % 5 < len(pools) else [chr(chance.randrange(0x110000)) for _ in range(30)]
            sound(front, "".join(chance.choice(pool) for _ in range(chance.randrange(60))))


@pytest.mark.parametrize(
    "text",
    [
        "word " * 20_000,
        "a" * 100_000,
        "(" * 20_000,
        "1" * 20_000,
        "a-" * 1_000,
        "😀" * 2_000,
        "\0" * 100_000,
        '"' * 20_000,
        "Xq7'" * 500,
        "$" + "1" * 5_000 + ".50",
    ],
)
def test_a_line_without_end_is_encoded_in_pieces(american: MisakiFrontEnd, text: str) -> None:
    whole = sound(american, text)
    pieces = american.pieces(whole, 402)
    space = american._ids[" "]
    assert max(len(piece.ids) for piece in pieces) <= 402
    assert [i for i in chain(*(piece.ids[1:-1] for piece in pieces)) if i != space] == [i for i in whole.ids[1:-1] if i != space]
    assert sum(len(piece.words) for piece in pieces) == len(whole.words)


def test_dialogue_is_cut_behind_its_quotation_marks(american: MisakiFrontEnd) -> None:
    whole = american.encode("“I shall go there,” he said (in haste.) “You and they will stay here,” she said, and no more.")
    cut = [said(american, piece.ids[1:-1]) for piece in american.pieces(whole, 40)]
    assert [piece[-2:] for piece in cut] == [",”", ".)", "d,", "ɹ."]


def test_pieces_are_cut_behind_clauses_and_never_in_a_word(american: MisakiFrontEnd) -> None:
    text = "The road went on, and the rain came down; nobody spoke of it at all that night. " * 3
    whole = american.encode(text.strip())
    pieces = american.pieces(whole, 60)
    assert [said(american, piece.ids[1:-1])[-1] in ",;." for piece in pieces] == [True] * len(pieces)
    words = [(word, piece) for piece in pieces for word in piece.words]
    assert [(word.start, word.end) for word, _ in words] == [(word.start, word.end) for word in whole.words]
    for (word, piece), before in zip(words, whole.words, strict=True):
        assert piece.ids[word.first_id : word.last_id] == whole.ids[before.first_id : before.last_id]
    unbroken = american.encode("he and she and they and we and you and it and all of them went there and back")
    assert all(piece.ids[1] != american._ids[" "] and piece.ids[-2] != american._ids[" "] for piece in american.pieces(unbroken, 30))
    assert american.pieces(whole, len(whole.ids)) == (whole,)


def test_threads_encode_as_one_does(american: MisakiFrontEnd) -> None:
    texts = [text for text, *_ in GOLDEN]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: (american.encode(text), american.lost(text)), texts))
    assert together == [(american.encode(text), american.lost(text)) for text in texts]


def test_another_version_of_the_package_is_refused_when_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    front, rules = import_module("hibari.g2p"), import_module("hibari.g2p.normalize")
    for module, name in ((rules, "RE_TIME"), (front.G2P, "phonemize_tokens"), (front.G2P, "retokenize"), (front, "CURRENCIES")):
        with monkeypatch.context() as changed:
            changed.delattr(module, name)
            with pytest.raises(SidecarError) as refused:
                package.Package(british=False)
        assert (refused.value.code, refused.value.params["reason"]) == ("voice_unsupported", "this version of hibari-tts is not known")


def test_what_says_the_rest_is_in_the_version(american: MisakiFrontEnd) -> None:
    assert american.version.split("+")[:2] == [version("hibari-tts"), version("piper-tts")]


def test_without_the_package_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PACKAGE", "hibari-tts-that-is-not-here")
    with pytest.raises(SidecarError) as refused:
        MisakiFrontEnd.version_of()
    assert refused.value.code == "voice_unsupported"

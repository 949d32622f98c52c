"""A voice hears from us the phoneme ids that coqui's and Piper's own front ends would give it: our own sentences in seventeen languages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from e2a_sidecar.voices.coqui_text import InProcessEspeak
from phonemes import compare, fronts, sentences
from phonemes.espeak_program import Program

OWN = sentences.own()
ENDS = re.compile("[–()·।،؛。，、；：？《》\n]")
"""What espeak ends a clause at and coqui does not part a text at."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program.of_loader(tmp_path_factory.mktemp("espeak"))


@pytest.mark.parametrize("language", OWN)
def test_coquis_ids_are_ours_but_for_a_space_where_coqui_glues_two_words(language: str, program: Program) -> None:
    counted = compare.coqui(language, OWN[language], program)
    assert counted.unexplained == []
    glued = sum(bool(ENDS.search(text)) for text in OWN[language])
    pictured = counted.kinds[compare.PICTURES]
    assert pictured == sum("😀" in text for text in OWN[language])
    assert counted.kinds[compare.SAME] >= len(OWN[language]) - glued - pictured
    assert set(counted.kinds) <= {compare.SAME, compare.GLUED, compare.PICTURES}


@pytest.mark.parametrize("language", OWN)
def test_pipers_ids_are_ours_in_one_line(language: str) -> None:
    counted = compare.piper(language, OWN[language])
    assert counted.unexplained == []
    assert counted.kinds[compare.BRACKETS] + counted.kinds[compare.NO_ROOM] == (2 if language == "en-us" else 0)


def test_the_cleaners_of_voices_that_take_letters_are_coquis() -> None:
    some = {language: texts[::4] for language, texts in OWN.items()}
    counted = sum((compare.letters(language, texts).kinds for language, texts in some.items()), Counter[str]())
    assert counted == {compare.SAME: len(fronts.PLAIN_CLEANERS) * sum(map(len, some.values()))}


def test_no_sentence_changes_by_what_was_said_before_it() -> None:
    coqui = {language: fronts.our_coqui(language, fronts.cleaner_of(language)) for language in ("en-us", "de", "ru")}
    texts = [f"{language}\t{text}" for language in coqui for text in OWN[language]]
    assert compare.changed_by_order(lambda text: coqui[text.split("\t")[0]].encode(text.split("\t")[1]), texts) == []


def test_the_program_that_we_drive_says_what_the_installed_one_says(tmp_path: Path) -> None:
    """So that what is equal to it is equal to the program of that version."""
    executable = shutil.which("espeak-ng")
    if executable is None:
        pytest.skip("espeak-ng is not installed")
    about = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    linked = subprocess.run(["ldd", executable], capture_output=True, text=True, check=False).stdout if shutil.which("ldd") else ""
    library = re.search(r"libespeak-ng\S* => (\S+)", linked)
    if library is None:
        pytest.skip("the installed espeak-ng has no library of its own that could be driven")
    data = about.split("Data at:")[1].strip()
    driven = Program(Path(shutil.copy(library[1], tmp_path)), Path(data))
    for language, texts in OWN.items():
        for text in texts[1:3]:
            file = tmp_path / "text"
            file.write_text(text, "utf-8")
            command = [executable, "-q", "-b", "1", "-v", language, "--ipa=1", "-f", str(file)]
            printed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
            assert driven.run(language, text) == printed, text


def test_every_language_that_espeak_lists_is_known_by_its_name_and_spoken_as_the_program_does(program: Program) -> None:
    for language in ("af", "cmn-latn-pinyin", "en-029", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "es-419", "fa-latn", "fr-be", "fr-fr", "pt-br"):
        expected = "".join(line.strip() for line in program.run(language, "Ana 12").splitlines())
        assert InProcessEspeak(language, "v")("Ana 12") == re.sub(r"\(.+?\)", "", expected).replace("_", ""), language

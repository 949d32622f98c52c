"""Our phoneme ids beside coqui's and Piper's own, sentence by sentence; every difference is of a known kind or `unexplained`.

    PYTHONPATH=sidecar/src:tests:tests/sidecar python -m phonemes.compare [--books FOLDER] [--most N]

Runs in the neural layer, with pytest (which the tests' reader of books imports). Ends with 1 where something is unexplained.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from collection import BOOKS
from e2a_sidecar.speaking.espeak_data import c_text
from e2a_sidecar.speaking.espeak_limits import is_full, roomy
from e2a_sidecar.speaking.phonemes import espeak_phonemes, without_abbreviation_dots
from piper.phoneme_ids import phonemes_to_ids
from TTS.tts.utils.text.phonemizers import espeak_wrapper

from phonemes import fronts, sentences, students
from phonemes.espeak_program import Program

SAME, GLUED, NO_ROOM, BRACKETS, PICTURES, VERSION = "same", "glued", "no room", "brackets", "pictures", "version"
ONE_LINE, DOT, UNEXPLAINED = "one line", "dot", "unexplained"
KINDS: Final = {
    SAME: "the very same ids",
    GLUED: "coqui puts nothing between clauses that espeak finds in one part of the text, we a space",
    NO_ROOM: "espeak has no room for all of the text and leaves words away, we give it in parts",
    BRACKETS: "[[ ]] are text for us, espeak's own notation for the other",
    PICTURES: "emoji, which end espeak's process in some languages, are not said by us",
    ONE_LINE: "Piper speaks it in several lines, we in one: the same phonemes",
    DOT: "Piper ends a sentence behind an abbreviation, we do not",
    VERSION: "the installed espeak-ng is of another version; that of our version gives our ids",
    UNEXPLAINED: "not known",
}


@dataclass
class Counted:
    """How many sentences were of which kind, and those that nothing explains."""

    kinds: Counter[str] = field(default_factory=Counter)
    unexplained: list[tuple[str, str, str]] = field(default_factory=list)
    """(sentence, theirs, ours)"""

    def add(self, kind: str, text: str, theirs: str, ours: str) -> None:
        self.kinds[kind] += 1
        if kind == UNEXPLAINED:
            self.unexplained.append((text, theirs, ours))


def coqui(language: str, texts: Iterable[str], program: Program) -> Counted:
    """Ours beside coqui's tokenizer, which runs an espeak-ng of the version that we ask."""
    counted = Counted()
    cleaner = fronts.cleaner_of(language)
    ours = fronts.our_coqui(language, cleaner)
    with fronts.coquis_espeak_is(program):
        theirs = fronts.their_coqui(language, cleaner)
        for text in texts:
            one, other = ours.encode(text).ids, tuple(theirs.text_to_ids(text, language))
            counted.add(_coqui_kind(text, one, other, program, language), text, fronts.said(other), fronts.said(one))
    return counted


def _coqui_kind(text: str, ours: tuple[int, ...], theirs: tuple[int, ...], program: Program, language: str) -> str:
    if ours == theirs:
        return SAME
    one, other = (fronts.said(ids).replace(" ", "") for ids in (ours, theirs))
    if one == other:
        return GLUED
    if len(one) > len(other) and (roomy(text) != text or any(map(is_full, program.run(language, text).splitlines()))):
        return NO_ROOM
    if "[[" in text:
        return BRACKETS
    return PICTURES if _without_pictures(text) != text else UNEXPLAINED


def _without_pictures(text: str) -> str:
    return c_text(text, pictures=False)


def installed(language: str, texts: Iterable[str], program: Program) -> Counted:
    """Ours beside coqui's tokenizer as it comes, with the espeak-ng that is installed."""
    counted = Counted()
    cleaner = fronts.cleaner_of(language)
    ours, theirs = fronts.our_coqui(language, cleaner), fronts.their_coqui(language, cleaner)
    for text in texts:
        one, other = ours.encode(text).ids, tuple(theirs.text_to_ids(text, language))
        kind = _coqui_kind(text, one, other, program, language)
        if kind == UNEXPLAINED:
            with fronts.coquis_espeak_is(program):
                ours_version = tuple(fronts.their_coqui(language, cleaner).text_to_ids(text, language))
            kind = VERSION if _coqui_kind(text, one, ours_version, program, language) != UNEXPLAINED else UNEXPLAINED
        counted.add(kind, text, fronts.said(other), fronts.said(one))
    return counted


def letters(language: str, texts: Iterable[str]) -> Counted:
    """Ours beside coqui's tokenizer for voices that are given letters: each cleaner that is written anew here."""
    counted = Counted()
    for cleaner in fronts.PLAIN_CLEANERS:
        ours, theirs = fronts.our_coqui(language, cleaner, espeak=False), fronts.their_coqui(language, cleaner, espeak=False)
        for text in texts:
            one, other = ours.encode(text).ids, tuple(theirs.text_to_ids(text, language))
            counted.add(SAME if one == other else UNEXPLAINED, text, fronts.said(other), fronts.said(one))
    return counted


def piper(language: str, texts: Iterable[str]) -> Counted:
    """Ours beside piper-tts's `phonemize` and `phonemes_to_ids`."""
    counted = Counted()
    ours, theirs = fronts.our_piper(language), fronts.their_piper(language)

    def ids(lists: list[list[str]]) -> tuple[int, ...]:
        joined: list[str] = []
        for phonemes in lists:
            joined += ([" "] if joined and phonemes and not joined[-1].isspace() else []) + phonemes
        return tuple(phonemes_to_ids(joined, fronts.Numbers(listed=True)))

    for text in texts:
        one, lists = ours.encode(text).ids, theirs.phonemize(text)
        other = ids(lists)
        name, undotted = fronts.PIPER_NAMES.get(language, language), without_abbreviation_dots(text)
        if one == other:
            kind = SAME if len(lists) <= 1 else ONE_LINE
        elif undotted != text and one == ids(theirs.phonemize(undotted)):
            kind = DOT
        elif len(one) > len(other) and (roomy(text) != text or any(is_full("".join(phonemes)) for phonemes in lists)):
            kind = NO_ROOM
        elif "[[" in text and one == ids(espeak_phonemes(name, undotted)):
            kind = BRACKETS
        elif (unpictured := _without_pictures(undotted)) != undotted and one == ids(theirs.phonemize(unpictured)):
            kind = PICTURES
        else:
            kind = UNEXPLAINED
        counted.add(kind, text, fronts.said(other), fronts.said(one))
    return counted


def changed_by_order(encode: Callable[[str], object], texts: list[str]) -> list[str]:
    """The texts whose ids depend on what was asked before them."""
    before = {text: encode(text) for text in texts}
    shuffled = random.Random(1).sample(texts, len(texts))
    return [text for text in shuffled if encode(text) != before[text]]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="build.py phonemes", description="Our phoneme ids beside coqui's and Piper's own; see docs/phonemes.md.")
    parser.add_argument("--books", type=Path, default=BOOKS / "dev", help=f"a folder with books and MANIFEST.json (default: {BOOKS / 'dev'})")
    parser.add_argument("--most", type=int, default=300, help="sentences of a book (default: 300)")
    parser.add_argument("--only", nargs="+", default=[], metavar="LANGUAGE", help="as espeak names it: en-us, de, cmn ...")
    asked = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    books = (asked.books / "MANIFEST.json").is_file()
    if not books:
        say(f"There are no books at {asked.books}: our own sentences alone.\n")
    texts = sentences.together(sentences.own(), sentences.of_books(asked.books, asked.most) if books else {})
    texts = {language: some for language, some in texts.items() if not asked.only or language in asked.only}
    there = bool(shutil.which("espeak-ng"))
    say(f"espeak-ng of our version: by its library. Installed: {espeak_wrapper.get_espeakng_version() if there else 'none'}.\n")
    kinds = {"coqui": Counter[str](), "installed": Counter[str](), "Piper": Counter[str](), "letters": Counter[str]()}
    heading = ["language", "sentences", *(f"{name}: {what}" for name in ("coqui", "coqui, installed espeak-ng", "Piper") for what in ("same ids", "else"))]
    say(f"| {' | '.join([*heading, 'changed by order'])} |\n|{'---|' * (len(heading) + 1)}")
    total, moved = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        program = Program.of_loader(Path(folder))
        for language, some in texts.items():
            results = {"coqui": coqui(language, some, program), "Piper": piper(language, some), "letters": letters(language, some)}
            results |= {"installed": installed(language, some, program)} if there else {}
            by_order = [
                *changed_by_order(fronts.our_coqui(language, fronts.cleaner_of(language)).encode, some),
                *changed_by_order(fronts.our_piper(language).encode, some),
            ]
            cells = [cell for name in ("coqui", "installed", "Piper") for cell in _cells(results.get(name))]
            say(f"| {language} | {len(some)} | {' | '.join(cells)} | {len(by_order)} |")
            for name, counted in results.items():
                kinds[name] += counted.kinds
                for text, theirs, ours in counted.unexplained[:5]:
                    sys.stderr.write(f"{name} {language}: {text!r}\n    theirs {theirs}\n    ours   {ours}\n")
            total, moved = total + len(some), moved + len(by_order)
    say(f"\n{total} sentences in {len(texts)} languages; letters, each through {len(fronts.PLAIN_CLEANERS)} cleaners: {dict(kinds['letters'])}.\n")
    for kind, meaning in KINDS.items():
        counts = ", ".join(f"{name} {kinds[name][kind]}" for name in ("coqui", "installed", "Piper") if kinds[name][kind])
        if counts:
            say(f"- {kind}: {meaning} ({counts})")
    strange = _students(texts)
    return int(any(counter[UNEXPLAINED] for counter in kinds.values()) or moved > 0 or strange)


def _students(texts: sentences.Sentences) -> bool:
    """Kokoro's students: the kinds of differences. True where one is not explained."""
    strange = False
    for language, british in (("en-us", False), ("en-gb", True)):
        if language in texts:
            found = students.compared(british, texts[language])
            say(f"\nKokoro's students, {language}: {dict(found.kinds.most_common())}")
            for text, theirs, ours in found.some.get(students.UNEXPLAINED, ()):
                sys.stderr.write(f"students {language}: {text!r}\n    theirs {theirs}\n    ours   {ours}\n")
            strange = strange or bool(found.kinds[students.UNEXPLAINED])
    for kind, meaning in students.KINDS.items():
        say(f"- {kind}: {meaning}")
    return strange


def _cells(counted: Counted | None) -> tuple[str, str]:
    if counted is None:
        return "", ""
    return str(counted.kinds[SAME]), ", ".join(f"{number} {kind}" for kind, number in counted.kinds.most_common() if kind != SAME)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

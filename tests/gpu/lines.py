"""Lines to speak whose phoneme ids were made elsewhere, so that no espeak is needed where they are spoken. No torch.

A file of lines is a JSON list of

    {"text": "...", "key": "hex", "ids": [1, 0, ...], "words": [[start, end, first_id, last_id], ...]}

(see speaking.phonemes.Encoded); `key` seeds a line's noise.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from e2a_sidecar.model import Line
from e2a_sidecar.speaking.phonemes import Encoded, WordSpan
from e2a_sidecar.voices.loaded import FrontEnd

_BEGIN, _END, _PAD = 1, 2, 0
_HIGHEST_MADE_UP: Final = 60


@dataclass(frozen=True)
class Lines:
    """Lines, and what each of their texts is in ids."""

    lines: tuple[Line, ...]
    ids: Mapping[str, Encoded]

    def first(self, count: int) -> Lines:
        """The same with fewer lines."""
        return Lines(self.lines[:count], self.ids)

    def below(self, symbols: int) -> Lines:
        """The same for a voice with fewer symbols (one with random weights, to which ids mean nothing)."""
        folded = {text: Encoded(tuple(i % symbols for i in encoded.ids), encoded.words) for text, encoded in self.ids.items()}
        return Lines(self.lines, folded)


@dataclass
class IdsFrontEnd:
    """A front end that looks ids up; a text that is not among them (the engine's own, to try half precision) has those of the first. own: the
    voice's, which knows how to part long lines."""

    ids: Mapping[str, Encoded]
    own: FrontEnd
    name: str = "ids"
    version: str = "1"

    def encode(self, text: str) -> Encoded:
        return self.ids.get(text) or next(iter(self.ids.values()))

    def pieces(self, encoded: Encoded, longest: int) -> tuple[Encoded, ...]:
        return self.own.pieces(encoded, longest)

    def lost(self, text: str) -> tuple[tuple[int, int], ...]:
        return ()


def encoded_lines(texts: Sequence[str], front_end: FrontEnd) -> Lines:
    """Of texts by a voice's own front end; those in which there is nothing to pronounce are left out."""
    ids = {text: front_end.encode(text) for text in texts}
    said = [text for text in texts if not ids[text].empty]
    return Lines(tuple(Line(number, text, hashlib.sha256(text.encode()).hexdigest()) for number, text in enumerate(said)), ids)


def made_up_lines(count: int, seed: int = 0, most_words: int = 40) -> Lines:
    """Lines of random phonemes, for voices with random weights."""
    choose = random.Random(seed)
    lines, encoded = [], {}
    for number in range(count):
        ids, words, text = [_BEGIN, _PAD], [], ""
        for word in range(choose.randint(2, most_words)):
            said = f"w{number}n{word}"
            first = len(ids)
            for _ in range(choose.randint(2, 7)):
                ids += [choose.randrange(3, _HIGHEST_MADE_UP), _PAD]
            text += f" {said}" if text else said
            words.append(WordSpan(len(text) - len(said), len(text), first, len(ids)))
        lines.append(Line(number, text, hashlib.sha256(text.encode()).hexdigest()))
        encoded[text] = Encoded((*ids, _END), tuple(words))
    return Lines(tuple(lines), encoded)


def write_lines(path: Path, what: Lines) -> None:
    """See the module."""
    rows = [{"text": line.text, "key": line.key, **_as_json(what.ids[line.text])} for line in what.lines]
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def read_lines(path: Path) -> Lines:
    """What `write_lines` wrote."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    lines = tuple(Line(number, row["text"], row["key"]) for number, row in enumerate(rows))
    return Lines(lines, {row["text"]: Encoded(tuple(row["ids"]), tuple(WordSpan(*word) for word in row["words"])) for row in rows})


def _as_json(encoded: Encoded) -> dict[str, object]:
    return {"ids": encoded.ids, "words": [astuple(word) for word in encoded.words]}

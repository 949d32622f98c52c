"""The report of one conversion: what was said from when to when, by whom, and what was not said and why.

Schema 1, JSON. Written sentence by sentence, so that memory does not grow with the book; words' times are read back
from the clips. The plugin adds the user's sentence to each warning.

`voice` and `voice_name` are the voice that spoke the text, `clone` (null without one) says whom it was made to sound like, and by
which converter. `engine`, `device` and `versions` say who spoke most of the book; `speakers` lists all with counts, since clips of an
earlier run may come from another runtime. `spoken_now` is what this run spoke, `kept` how many of the book's sentences earlier
runs had spoken; `wall_s` is this run from reading the book to the finished file. `transfers` holds counts of this run's
first batch, null where nothing was counted. `flagged` counts sentences that still sound odd or could not be spoken,
`edge_sentences` those that may have another length on another device (a duration lies on the edge of rounding). A sentence with
the flag `words_unspoken` has `unspoken`, the words of which something was not said (of an older clip none are known).
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from e2a_sidecar.model import Book, ChapterMark, Sentence, Source, Speaker, Spoken, Warn, Word
from e2a_sidecar.speaking.check import FLAGS as FAULTS
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.flags import WORDS_UNSPOKEN, without_places
from e2a_sidecar.speaking.ladder import NOT_SPOKEN
from e2a_sidecar.voices.voice import Clone

SCHEMA: Final = 1
MOST_WORD: Final = 100
"""Characters of a word that was not said."""
_COUNTED: Final = {"flagged": frozenset((*FAULTS, *NOT_SPOKEN, WORDS_UNSPOKEN)), "edge_sentences": frozenset(("edge",))}
"""Fields that count sentences by their flags."""


@dataclass(frozen=True, slots=True)
class SpokenNow:
    """How much of the book this run spoke: sentences, seconds of audio, wall seconds, first sentence after how long."""

    sentences: int = 0
    audio_s: float = 0.0
    wall_s: float = 0.0
    first_s: float | None = None

    def plus(self, sentences: int, audio_s: float, wall_s: float, first_s: float | None) -> SpokenNow:
        """With what was spoken besides, rounded."""
        first = first_s if self.first_s is None else self.first_s
        return SpokenNow(
            self.sentences + sentences, round(self.audio_s + audio_s, 3), round(self.wall_s + wall_s, 3), None if first is None else round(first, 3)
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report says besides the sentences."""

    voice: str
    voice_name: str
    clone: Clone | None
    path: Path
    outcome: str
    duration_s: float
    wall_s: float
    spoken_now: SpokenNow
    kept: int
    transfers: Transfers
    loudness: dict[str, float] = field(default_factory=dict)
    peak_rss_mb: float | None = None


def peak_rss_mb() -> float | None:
    """Peak resident memory of this process in MB; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def text_offsets(sentence: Sentence, start: int, end: int) -> tuple[int, int]:
    """[start, end) of `spoken` as [start, end) of `text`.

    Pieces of equal length map character by character, others as a whole.
    """
    if not sentence.spoken_map:
        return start, end
    found: list[tuple[int, int]] = []
    for spoken_start, spoken_end, text_start, text_end in sentence.spoken_map:
        low, high = max(start, spoken_start), min(end, spoken_end)
        if low >= high:
            continue
        if spoken_end - spoken_start == text_end - text_start:
            found.append((text_start + low - spoken_start, text_start + high - spoken_start))
        elif text_end > text_start:
            found.append((text_start, text_end))
    if not found:
        return 0, 0
    return min(f[0] for f in found), max(f[1] for f in found)


def words_of(sentence: Sentence, start_s: float, words: Sequence[Word]) -> list[list[float | int]]:
    """[[start_s, end_s, from, to]] in book time and offsets into `text`; words that one text word became are joined."""
    rows: list[list[float | int]] = []
    for word in words:
        a, b = text_offsets(sentence, word.start, word.end)
        if a >= b:
            continue
        if rows and rows[-1][2] == a and rows[-1][3] == b:  # "Mr." said as several words is one word of the text
            rows[-1][1] = round(start_s + word.end_s, 3)
        else:
            rows.append([round(start_s + word.start_s, 3), round(start_s + word.end_s, 3), a, b])
    return rows


def _head(book: Book, facts: Facts, marks: Sequence[ChapterMark], speakers: Counter[Speaker]) -> dict[str, Any]:
    most = speakers.most_common(1)[0][0] if speakers else None
    now = facts.spoken_now
    return {
        "schema": SCHEMA,
        "book": {"title": book.metadata.title, "authors": list(book.metadata.authors), "language": book.metadata.language},
        "voice": facts.voice,
        "voice_name": facts.voice_name,
        "clone": None if facts.clone is None else {name: getattr(facts.clone, name) for name in ("id", "name", "converter")},
        "engine": most.engine if most else None,
        "device": most.device if most else None,
        "versions": dict(most.versions) if most else {},
        "speakers": [{"engine": s.engine, "device": s.device, "versions": dict(s.versions), "sentences": n} for s, n in speakers.most_common()],
        "spoken_now": asdict(now),
        "kept": facts.kept,
        "transfers": asdict(facts.transfers),
        "format": "M4B",
        "path": str(facts.path),
        "outcome": facts.outcome,
        "duration_s": round(facts.duration_s, 3),
        "wall_s": round(facts.wall_s, 3),
        "xrt": round(facts.duration_s / facts.wall_s, 2) if facts.wall_s > 0 else None,
        "xrt_speech": round(now.audio_s / now.wall_s, 2) if now.audio_s > 0 and now.wall_s > 0 else None,
        "loudness": facts.loudness,
        "peak_rss_mb": facts.peak_rss_mb,
        "chapters": [{"title": m.title, "level": m.level, "start_s": round(m.start_s, 3), "end_s": round(m.end_s, 3)} for m in marks],
    }


def _place(source: Source) -> list[str | int]:
    return [source.document, source.start, source.end]


def _word(sentence: Sentence, start: int, end: int) -> str:
    """[start, end) of `spoken` as it stands in the book, else as it was to be said."""
    a, b = text_offsets(sentence, start, end)
    return (sentence.text[a:b] or sentence.spoken[start:end])[:MOST_WORD]


def _sentence(spoken: Spoken, words: Sequence[Word] | None) -> dict[str, Any]:
    s = spoken.sentence
    flags, unspoken = without_places({*s.flags, *spoken.flags})
    return {
        "chapter": s.chapter,
        "source": _place(s.source),
        "text": s.text,
        "spoken": s.spoken,
        "start_s": round(spoken.start_s, 3),
        "end_s": round(spoken.end_s, 3),
        "words": None if words is None else words_of(s, spoken.start_s, words),
        "flags": sorted(flags),
        **({"unspoken": [_word(s, *place) for place in sorted(unspoken)]} if unspoken else {}),
    }


def _list(out: TextIO, name: str, rows: Sequence[Any] | Any, last: bool = False) -> None:
    out.write(f',\n"{name}": [')
    for number, row in enumerate(rows):
        out.write(("," if number else "") + "\n " + json.dumps(row, ensure_ascii=False))
    out.write("]" + ("\n}\n" if last else ""))


def write_report(
    path: Path | None,
    book: Book,
    facts: Facts,
    marks: Sequence[ChapterMark],
    spoken: Sequence[Spoken],
    speakers: Counter[Speaker],
    warnings: Sequence[Warn],
    words: Callable[[Sentence], Sequence[Word] | None],
) -> dict[str, Any]:
    """Write the report to `path` (atomically; None: not at all) and return it without its long lists."""
    head = _head(book, facts, marks, speakers) | {name: sum(1 for s in spoken if flags.intersection(s.flags)) for name, flags in _COUNTED.items()}
    notes = [{"code": w.code, "params": w.params} for w in warnings]
    summary = {**head, "sentences": len(spoken), "skipped": len(book.skipped), "warnings": notes}
    if path is None:
        return summary
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "w", encoding="utf-8", errors="replace") as out:
            out.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2])
            _list(out, "sentences", (_sentence(s, words(s.sentence)) for s in spoken))
            skipped = ({"chapter": s.chapter, "part": s.part, "source": _place(s.source), "text": s.text, "reason": s.reason} for s in book.skipped)
            _list(out, "skipped", skipped)
            _list(out, "warnings", notes, last=True)
        part.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return summary

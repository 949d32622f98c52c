"""How long the silences are, and where everything stands in the finished book: the time line.

Owns the pauses and the places of sentences, words and chapters, all counted in samples. It makes no sound: it says how
many silent samples go before each sentence and at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from e2a_sidecar.model import Break, Chapter, ChapterMark, Sentence, Spoken, Word

PAUSE_S: Final = MappingProxyType(
    {
        Break.NONE: 0.12,
        Break.SENTENCE: 0.35,
        Break.LINE: 0.45,
        Break.PARAGRAPH: 0.7,
        Break.HEADING: 1.0,
        Break.SCENE: 1.4,
        Break.CHAPTER: 2.0,
    }
)
LEAD_IN_S: Final = 0.5
TAIL_S: Final = 1.5
CHAPTER_LEAD_S: Final = 0.3
"""A chapter begins this long before its first sentence, within the pause: jumping to it cuts no word and waits for none."""
SILENT_CHAPTER_S: Final = 1.0
"""What a chapter without words of its own lasts, taken from the pause before the next one, which grows where needed."""


class TimeLine:
    """Built sentence by sentence, in the book's order; every place is a whole number of samples.

    `place` each sentence, write its silence and its samples; at the end `finish` and write the last silence; then
    `chapter_marks` are known. pauses: times the usual ones.
    """

    def __init__(self, rate_hz: int, chapters: Sequence[Chapter], pauses: float = 1.0) -> None:
        self._rate_hz = rate_hz
        self._pauses = pauses
        self._chapters = tuple(chapters)
        self._starts: list[int] = []
        self._now = 0
        self._sound_end = 0
        self._pause = 0

    @property
    def duration_s(self) -> float:
        return self._now / self._rate_hz

    def place(self, sentence: Sentence, n_samples: int, words: tuple[Word, ...] | None, flags: tuple[str, ...] = ()) -> tuple[int, Spoken]:
        """Silent samples to write before the sentence, and its place; words' times become the book's.

        Between two sounds lies the longest pause that anything between them asks for: sentences without samples
        (nothing in them could be pronounced) add none of their own. `flags` are the take's, put behind the sentence's.
        """
        wanted = self._samples(PAUSE_S[sentence.before]) if self._now else self._samples(LEAD_IN_S)
        self._pause = max(self._pause, wanted)
        start = max(self._now, self._sound_end + self._pause)
        start += self._open_chapters(sentence.index, start)
        silence, self._now = start - self._now, start + n_samples
        if n_samples:
            self._sound_end, self._pause = self._now, 0
        return silence, Spoken(
            sentence=sentence,
            start_s=start / self._rate_hz,
            end_s=self._now / self._rate_hz,
            words=words if words is None else tuple(self._moved(word, start) for word in words),
            flags=(*sentence.flags, *flags),
        )

    def finish(self) -> int:
        """Silent samples to write at the end; chapters behind the last sentence get their share of them."""
        end = max(self._now, self._sound_end + self._samples(TAIL_S))
        if len(self._starts) < len(self._chapters):
            end += self._open_chapters(self._chapters[-1].first, end, self._samples(SILENT_CHAPTER_S))
        silence, self._now = end - self._now, end
        return silence

    def chapter_marks(self) -> list[ChapterMark]:
        """All chapters in order, starts strictly increasing; call after `finish`."""
        bounds = [*self._starts, self._now]
        return [
            ChapterMark(chapter.title, chapter.level, start / self._rate_hz, end / self._rate_hz)
            for chapter, start, end in zip(self._chapters, bounds[:-1], bounds[1:], strict=True)
        ]

    def _open_chapters(self, index: int, start: int, lead: int | None = None) -> int:
        """Set the starts of the chapters that begin at sentence `index`, planned at `start`; returns how much later it must begin.

        The last of them begins `lead` before the sentence; those before it have no words and last SILENT_CHAPTER_S each.
        """
        opened = len(self._starts)
        count = 0
        while opened + count < len(self._chapters) and self._chapters[opened + count].first <= index:
            count += 1
        if not count:
            return 0
        share, lead = self._samples(SILENT_CHAPTER_S), self._samples(CHAPTER_LEAD_S) if lead is None else lead
        earliest = max(self._sound_end, self._starts[-1] + share) if self._starts else self._sound_end
        later = max(0, earliest + (count - 1) * share + lead - start)
        starts = [start + later - lead - (count - 1 - i) * share for i in range(count)]
        if not self._sound_end and not self._starts:
            starts[0] = 0  # nothing was heard yet: the first chapter begins with the book
        self._starts.extend(starts)
        return later

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._pauses * self._rate_hz)

    def _moved(self, word: Word, start: int) -> Word:
        offset_s = start / self._rate_hz
        return Word(word.start_s + offset_s, word.end_s + offset_s, word.start, word.end)

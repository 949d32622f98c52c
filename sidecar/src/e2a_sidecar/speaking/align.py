"""Which phoneme belongs to which word: a monotone alignment by least edits.

espeak joins small words ("in the" becomes ɪnðə) and says some otherwise in a sentence than alone ("a", "to"), so words
cannot be counted; each word's phonemes, found alone, are laid against those of the whole sentence. A row of the table
is one pass of NumPy, so 400 characters cost a few milliseconds. Knows neither espeak nor voices.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_VOWELS: Final = frozenset("aeiouyæøœɐɑɒɔɘəɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏᵻε")
_UNSOUNDED: Final = frozenset("ˈˌːˑ'ʲ-")
_GAP: Final = 0.7
_SPACE_GAP: Final = 0.15  # espeak drops and adds spaces freely
_FORBIDDEN: Final = 9.0
_LARGEST: Final = 9_000_000  # cells; a sentence of some 3,000 characters

Costs = NDArray[np.float32]


def owners(actual: Sequence[str], words: Sequence[Sequence[str]]) -> list[int]:
    """For each phoneme of `actual` the number of its word, -1 for spaces and stops between words.

    words: each word's phonemes as it sounds alone. Numbers never decrease; a word may own nothing.
    """
    owner = [-1] * len(actual)
    places = [i for i, phoneme in enumerate(actual) if not _unsounded(phoneme)]
    sounds = [" " if _boundary(actual[i]) else actual[i] for i in places]
    expected: list[str] = []
    expected_word: list[int] = []
    for number, word in enumerate(words):
        kept = [p for p in word if not _unsounded(p) and not _boundary(p)]
        expected += [" ", *kept]
        expected_word += [-1] + [number] * len(kept)
    if len(sounds) * len(expected) > _LARGEST:
        pairs = _proportional(sounds, expected)
    else:
        pairs = _pairs(sounds, expected)
    for row, column in pairs:
        owner[places[row]] = expected_word[column]
    return _filled(actual, owner)


def _boundary(phoneme: str) -> bool:
    return phoneme.isspace() or (phoneme not in _UNSOUNDED and unicodedata.category(phoneme[0])[0] == "P")


def _unsounded(phoneme: str) -> bool:
    """Stress, length and accents: they follow the sound they stand at."""
    return phoneme in _UNSOUNDED or unicodedata.category(phoneme[0]) == "Mn"


def _pairs(actual: Sequence[str], expected: Sequence[str]) -> list[tuple[int, int]]:
    """(row, column) of every actual phoneme that was laid on an expected one; spaces only on spaces."""
    symbols = {symbol: number for number, symbol in enumerate(dict.fromkeys([*actual, *expected]))}
    table = _substitutions(list(symbols))
    rows = np.array([symbols[s] for s in actual], dtype=np.intp)
    columns = np.array([symbols[s] for s in expected], dtype=np.intp)
    row_gap = [_SPACE_GAP if s == " " else _GAP for s in actual]
    skipped = np.concatenate(([0.0], np.cumsum([_SPACE_GAP if s == " " else _GAP for s in expected]))).astype(np.float32)
    cost = np.empty((len(actual) + 1, len(expected) + 1), dtype=np.float32)
    cost[0] = skipped
    for i, row in enumerate(rows):
        best = cost[i] + np.float32(row_gap[i])
        np.minimum(best[1:], cost[i, :-1] + table[row, columns], out=best[1:])
        # skipping expected symbols costs a fixed sum per column, so the running minimum of the difference is exact
        cost[i + 1] = np.minimum.accumulate(best - skipped) + skipped
    return _walk_back(cost, table, rows, columns, row_gap)


def _walk_back(cost: Costs, table: Costs, rows: NDArray[np.intp], columns: NDArray[np.intp], row_gap: Sequence[float]) -> list[tuple[int, int]]:
    """The cheapest way through the table, from its end."""
    pairs: list[tuple[int, int]] = []
    i, j = len(rows), len(columns)
    while i and j:
        here = cost[i, j]
        laid = cost[i - 1, j - 1] + table[rows[i - 1], columns[j - 1]]
        added = cost[i - 1, j] + row_gap[i - 1]
        if laid <= here + 1e-4 and laid <= added + 1e-4:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif added <= here + 1e-4:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _substitutions(symbols: Sequence[str]) -> Costs:
    """Cost of laying each symbol on each: nothing for itself, less within vowels or consonants than across."""
    vowel = np.array([s[0] in _VOWELS for s in symbols])
    space = np.array([s == " " for s in symbols])
    table = np.where(vowel[:, None] == vowel[None, :], np.float32(0.6), np.float32(1.3))
    table[space[:, None] != space[None, :]] = _FORBIDDEN
    np.fill_diagonal(table, 0.0)
    return table.astype(np.float32)


def _proportional(actual: Sequence[str], expected: Sequence[str]) -> list[tuple[int, int]]:
    """For texts far beyond a sentence: by place alone."""
    return [(i, i * len(expected) // len(actual)) for i in range(len(actual)) if actual[i] != " "]


def _filled(actual: Sequence[str], owner: list[int]) -> list[int]:
    """Give phonemes without a word to their neighbour in the same group, and marks to the sound that they stand at."""
    filled = list(owner)
    start = 0
    for end in range(len(actual) + 1):
        if end < len(actual) and not _boundary(actual[end]):
            continue
        group = filled[start:end]
        known = [n for n in group if n >= 0]
        if known:
            current, leading = known[0], True
            for k in range(start, end):
                if filled[k] >= 0:
                    current, leading = filled[k], False
                elif not leading and actual[k] in "ˈˌ":  # stress is written before its sound
                    current = next((n for n in filled[k:end] if n >= 0), current)
                    filled[k] = current
                else:
                    filled[k] = current
        start = end + 1
    return filled

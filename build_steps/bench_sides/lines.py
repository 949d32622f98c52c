"""Which lines of a book every side speaks."""

from __future__ import annotations

from collections.abc import Sequence


def chosen(lines: Sequence[str], count: int) -> list[str]:
    """So many, in the book's order: those whose length is nearest to the mean, so that few of them stand for the book. 0: all."""
    mean = sum(map(len, lines)) / len(lines)
    nearest = sorted(range(len(lines)), key=lambda number: abs(len(lines[number]) - mean))[: count or None]
    return [lines[number] for number in sorted(nearest)]

"""`build.py bench --hours`: what it calls growth is what a process would hold for ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from build_steps.bench_long import TABLE_BYTES, LongBook, Seen, figures, made_bundle, report

TABLES_MB_H = 22050 / 1024 * 3600 * TABLE_BYTES / 1e6
BYTES_H = 30_000_000


def book(growth_mb_h: float, threads_mb: float = 0.0) -> LongBook:
    """Ten hours; the file is two hours behind while it is spoken, then more threads encode what is left."""
    spoken = [Seen("speak", 3600 * (h + 2), BYTES_H * h, 200 + growth_mb_h * h + TABLES_MB_H * h, 9, 10) for h in range(9)]
    written = [Seen("write", 36000, BYTES_H * h, 200 + threads_mb + growth_mb_h * h + TABLES_MB_H * h, 9, 13) for h in (8, 9, 10)]
    return figures("cpu", [*spoken, *written], 36000, 10 * BYTES_H, 600)


def test_the_muxers_tables_and_threads_that_are_there_once_are_no_growth() -> None:
    found = book(0.0, threads_mb=25)
    assert max(map(abs, found.growth_mb_h.values())) < 0.1 and (found.handles, found.threads) == (0, 0)
    assert report(found).count("speak") == 9 + 1 and "without the muxer's tables: 5.58" in report(found)


def test_what_grows_is_told_by_the_hour() -> None:
    assert book(3.0).growth_mb_h == pytest.approx({"speak": 3.0, "write": 3.0}, abs=0.1)


def test_of_a_short_book_nothing_is_said() -> None:
    with pytest.raises(SystemExit):
        figures("cpu", [Seen("speak", 600.0 * n, 1000 * n, 200, 9, 10) for n in range(6)], 3600, 6000, 60)


def test_the_made_book_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made_bundle(tmp_path / name, 20_000)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    chapters = json.loads((tmp_path / "a" / "bundle.json").read_text())["toc"]
    assert len(chapters) == 4 and sum((tmp_path / "a" / "content" / entry["name"]).stat().st_size for entry in chapters) == pytest.approx(20_000, rel=0.2)

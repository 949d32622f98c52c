"""`build.py bench --hours N`: does a sidecar's memory grow with the book? A made book, spoken by the smallest VITS, in a real session.

Linux only: what a process holds is read from /proc.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Any, Final

from build_steps.bench_rounds import Side
from build_steps.console import Console, table
from build_steps.sample import sample_bundle
from plugin import environ
from plugin.converting.client import Sidecar
from plugin.converting.events import Progress, Told
from plugin.converting.requests import Convert
from plugin.errors import PluginError

VOICE: Final = "tiny"
LANGUAGE: Final = "en"
WARM_H: Final = 0.5
"""Before it nothing is held against anybody: libraries are loaded, pools filled."""
TABLE_BYTES: Final = 72
"""What the MP4 muxer keeps of a packet until the file's end (ffmpeg's MOVIentry), and cannot do without."""
_EVERY_S: Final = 5.0
_RATE_HZ: Final = 22050
_CHARACTERS_AN_HOUR: Final = 9 * 3600
_CHAPTER_CHARACTERS: Final = 6000
_SYLLABLES: Final = ("ba", "de", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "shen", "tor", "mel", "dan", "wick")
_WORDS: Final = 8000
"""Different ones, as many as a long novel has, and the later the rarer."""


@dataclass(frozen=True)
class Held:
    """By the sidecar's process: resident MB, of them the muxer's tables, open file handles, threads. stage: `speak`, or `write` when all
    is spoken and more threads encode. hours: of the book, that are spoken, or in the file."""

    stage: str
    hours: float
    rss_mb: float
    tables_mb: float
    handles: int
    threads: int


@dataclass(frozen=True)
class LongBook:
    """held: after the warm-up. growth_mb_h: by stage the slope of the resident memory without the tables; of a stage that lasted for an
    hour of the book. handles, threads: more at the end of that stage in which there were more."""

    device: str
    hours: float
    wall_s: float
    held: tuple[Held, ...]
    growth_mb_h: Mapping[str, float]
    tables_mb_h: float
    handles: int
    threads: int


def long_book(hours: float, device: str, command: Sequence[str], neural: Path, folder: Path, console: Console) -> LongBook:
    """Convert a book of about so many hours. command: starts a session. neural: the Python of that layer, which makes the voice.

    SystemExit with a sentence where there is no /proc, or the conversion fails.
    """
    if not Path("/proc/self/fd").is_dir():
        raise SystemExit("This measurement reads /proc, which Linux alone has.")
    folder.mkdir(parents=True, exist_ok=True)
    console.title("The voice and a book of made-up words")
    given = {"cache_dir": str(folder / "graphs"), "language": LANGUAGE, "voice": VOICE, "folder": str(folder / VOICE)}
    with Side(neural, "prepare", {**given, "bundle": str(sample_bundle(folder / "book")), "sentences": 1}, folder / "prepare.log") as prepare:
        voice = dict(prepare.ready["voice"])
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        shutil.copytree(folder / "graphs", Path(scratch, "cache"))
        made_bundle(Path(scratch, "bundle"), round(hours * _CHARACTERS_AN_HOUR))
        paths = [str(Path(scratch, name)) for name in ("bundle", "book.m4b", "report.json", "cache")]
        request = Convert(paths[0], paths[1], None, False, paths[2], paths[3], device, voice)
        console.title(f"{hours:g} hours of audio, {device}")
        return _measured(request, command, console)


def made_bundle(folder: Path, characters: int, seed: int = 1) -> None:
    """A book of so many characters (docs/architecture.md), a document a chapter; the same for a seed."""
    chance, toc = random.Random(seed), list[dict[str, Any]]()
    words = ["".join(chance.choices(_SYLLABLES, k=1 + (n > 8) + (n > 80) + (n > 800))) for n in range(_WORDS)]
    often = list(itertools.accumulate(1 / (n + 10) for n in range(_WORDS)))
    (folder / "content").mkdir(parents=True)
    while characters > 0:
        paragraphs, size, title, name = [], 0, f"Chapter {len(toc) + 1}", f"{len(toc) + 1}.xhtml"
        while size < min(_CHAPTER_CHARACTERS, characters):
            sentences = (" ".join(chance.choices(words, cum_weights=often, k=chance.randint(5, 22))) for _ in range(5))
            paragraphs.append(" ".join(f"{sentence.capitalize()}." for sentence in sentences))
            size += len(paragraphs[-1])
        characters -= size
        body = f"<h1>{title}</h1>" + "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        (folder / "content" / name).write_text(f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>', encoding="utf-8")
        toc.append({"title": title, "name": name, "frag": None, "children": []})
    spine = [{"name": entry["name"], "path": f"content/{entry['name']}", "linear": True, "media_type": "application/xhtml+xml"} for entry in toc]
    metadata = {"title": "A Made Book", "authors": ["Nobody"], "language": LANGUAGE}
    book = {"schema": 1, "source": {"format": "EPUB", "sha256": ""}, "metadata": metadata, "cover": None, "spine": spine, "missing": []}
    (folder / "bundle.json").write_text(json.dumps({**book, "toc": toc, "toc_from": "book", "nav": [], "cover_page": None}), encoding="utf-8")


@dataclass(frozen=True)
class Seen:
    """While it works: seconds that are spoken, bytes that are written, and what the process holds."""

    stage: str
    speech_s: float
    written: int
    rss_mb: float
    handles: int
    threads: int


def _measured(request: Convert, command: Sequence[str], console: Console) -> LongBook:
    seen: list[Seen] = []
    began = last = time.monotonic()
    with Sidecar.start(command, environ.for_children()) as sidecar:

        def on_event(event: Told) -> None:
            nonlocal last
            if isinstance(event, Progress) and event.stage in ("speak", "write"):
                console.progress(event.stage, event.done, f"{event.audio_s / 3600:.2f} h spoken")
                if time.monotonic() - last >= _EVERY_S:
                    last = time.monotonic()
                    seen.append(_look(sidecar.pid, event, Path(request.out).parent))

        try:
            done = sidecar.request(request, on_event)
        except PluginError as error:
            raise SystemExit(f"{error.sentence()}\n{error.detail}") from None
    console.end()
    return figures(request.device, seen, done.summary.duration_s, Path(request.out).stat().st_size, time.monotonic() - began)


def figures(device: str, seen: Sequence[Seen], book_s: float, size: int, wall_s: float) -> LongBook:
    """Of an audiobook of so many seconds and bytes. SystemExit where it is too short to say anything."""
    speech_s = max((s.speech_s for s in seen), default=1.0)
    tables_mb = book_s * _RATE_HZ / 1024 * TABLE_BYTES / 1e6
    held = [
        Held(
            s.stage,
            hours=round((s.speech_s / speech_s if s.stage == "speak" else s.written / size) * book_s / 3600, 3),
            rss_mb=s.rss_mb,
            tables_mb=round(s.written / size * tables_mb, 1),
            handles=s.handles,
            threads=s.threads,
        )
        for s in seen
    ]
    held = [one for one in held if one.hours >= WARM_H]
    stages = {stage: [one for one in held if one.stage == stage] for stage in ("speak", "write")}
    stages = {stage: each for stage, each in stages.items() if each and each[-1].hours - each[0].hours >= 1}
    if not stages:
        raise SystemExit("The book is too short for this measurement; two hours are enough.")
    return LongBook(
        device=device,
        hours=round(book_s / 3600, 2),
        wall_s=round(wall_s, 1),
        held=tuple(held),
        growth_mb_h={stage: round(_slope(each), 2) for stage, each in stages.items()},
        tables_mb_h=round(tables_mb / book_s * 3600, 2),
        handles=max(each[-1].handles - each[0].handles for each in stages.values()),
        threads=max(each[-1].threads - each[0].threads for each in stages.values()),
    )


def _slope(held: Sequence[Held]) -> float:
    return linear_regression([h.hours for h in held], [h.rss_mb - h.tables_mb for h in held]).slope


def _look(pid: int, now: Progress, folder: Path) -> Seen:
    process = Path("/proc", str(pid))
    status = dict(line.split(":", 1) for line in (process / "status").read_text(encoding="utf-8").splitlines())
    return Seen(
        now.stage,
        now.audio_s,
        written=sum(part.stat().st_size for part in folder.glob(".convert-to-audiobook-*.part")),
        rss_mb=round(int(status["VmRSS"].split()[0]) * 1024 / 1e6, 1),
        handles=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
    )


def report(found: LongBook) -> str:
    """Hour by hour, then what grew."""
    hourly = {(h.stage, int(h.hours)): h for h in reversed(found.held)}
    shown = [*reversed(hourly.values()), found.held[-1]]
    growth = ", ".join(f"{mb:.2f} ({stage})" for stage, mb in found.growth_mb_h.items())
    rows = [[f"{h.hours:.1f}", h.stage, f"{h.rss_mb:.1f}", f"{h.rss_mb - h.tables_mb:.1f}", str(h.handles), str(h.threads)] for h in shown]
    return "\n".join(
        [
            table([["hours", "stage", "MB", "without tables", "handles", "threads"], *rows]),
            f"{found.hours:.2f} h of audiobook in {found.wall_s / 60:.1f} min on {found.device}",
            f"growth, MB an hour: {growth}; without the muxer's tables: {found.tables_mb_h:.2f}",
            f"more handles: {found.handles}, more threads: {found.threads}",
        ]
    )

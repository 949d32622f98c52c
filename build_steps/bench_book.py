"""`build.py bench --book`: the figure that a reader asks for. One book from the click to a verified M4B, on each device, and
beside it by Heart, and as plain scripts with piper-tts and ffmpeg, and with coqui's tts and ffmpeg, make it; one after the other, once."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from build_steps import machine
from build_steps.bench_rounds import Side
from build_steps.console import Console, table
from build_steps.figures import Figures, devices, times
from build_steps.places import ROOT
from build_steps.profile import Profile
from plugin import paths
from plugin.converting.progress import clock
from plugin.engine.runtime import Layer, students_layer
from plugin.resources import from_folder
from plugin.speaking.catalogue import HEART

Row = dict[str, Any]


def bench_book(
    book: Path, voice: str, wire: Mapping[str, Any], device: str | None, layers: Mapping[str, Layer], plugin_zip: Path, console: Console
) -> list[Row]:
    """A row for each way: how, device, minutes, times real time (of the finished audiobook), its length, peak memory.

    voice: as the plugin's command line takes it; wire: the same as the sidecar does. device: None for every one that can be
    used. SystemExit where a conversion fails.
    """
    machine.need((*machine.CALIBRE, "ffprobe"), console)  # ffmpeg comes with it
    if not book.is_file():
        raise SystemExit(f"There is no book at {book}.")
    folder = paths.engine_dir() / "bench"
    profile = Profile(folder, folder / "clips")
    profile.rebuild(plugin_zip)
    usable = [device] if device else ["cpu", *(d.device for d in devices(layers["neural"]) if d.usable and d.device != "cpu")]
    rows = []
    for name in usable:
        console.title(f"{book.name}: by us, on {name}")
        rows.append(_ours(book, voice, name, profile))
    if wire["id"] != HEART and "cpu" in usable and students_layer(from_folder(ROOT)) is not None:
        console.title(f"{book.name}: by us with the voice {HEART}, on cpu")
        rows.append({**_ours(book, HEART, "cpu", profile), "how": HEART})
    text = folder / "book.txt"
    for by, layer in (("piper", "core"), ("coqui", "neural")):
        if (by == "piper" and wire["kind"] != "piper") or wire["kind"] == "kokoro_student":
            continue
        console.title(f"{book.name}: by a plain script with {by} and ffmpeg")

        def script(by: str = by, python: Path = layers[layer].python) -> Mapping[str, Any]:
            profile.must("ebook-convert", str(book), str(text))
            with Side(python, "script", {"by": by, "voice": wire}, folder / f"script-{by}.log") as side:
                return side.ask(do="make", text=str(text), out=str(folder / f"{by}.m4b"))

        wall_s, made = _timed(script)
        rows.append(_row(f"script: {by}", "cpu", wall_s, made["audio_s"], None, made["peak_rss_mb"]))
    return rows


def _ours(book: Path, voice: str, device: str, profile: Profile) -> Row:
    """From an empty clip store."""
    shutil.rmtree(profile.folder / "clips", ignore_errors=True)
    out, report = profile.folder / "book.m4b", profile.folder / "report.json"
    for path in (out, report):
        path.unlink(missing_ok=True)
    command = profile.plugin_command(str(book), "-o", str(out), "--voice", voice, "--device", device, "--report", str(report))
    wall_s, code = _timed(lambda: subprocess.run(command, env=profile.env(), stdout=subprocess.DEVNULL, check=False).returncode)
    if code:
        raise SystemExit(f"The conversion on {device} failed ({code}).")
    f = Figures.read(report)
    return {**_row("ours", f.device, wall_s, f.duration_s, f.first_s, f.peak_rss_mb), "speaking_xrt": f.xrt_speech, "host_copies_per_batch": f.copies}


def _row(how: str, device: str, wall_s: float, audio_s: float, first_s: float | None, peak_rss_mb: float | None) -> Row:
    return {
        "how": how,
        "device": device,
        "minutes": round(wall_s / 60, 2),
        "xrt": round(audio_s / wall_s, 2),
        "audio_s": round(audio_s, 1),
        "first_s": first_s,
        "peak_rss_mb": peak_rss_mb,
        "speaking_xrt": None,
        "host_copies_per_batch": None,
    }


def report(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    heading = ["", "device", "took", "the audiobook", "in all", "speaking", "first sentence after", "peak memory", "copies a batch"]
    cells = [
        [
            *(r["how"], r["device"], clock(r["minutes"] * 60), clock(r["audio_s"]), times(r["xrt"]), times(r["speaking_xrt"])),
            "–" if r["first_s"] is None else f"{r['first_s']:.1f} s",
            "–" if r["peak_rss_mb"] is None else f"{r['peak_rss_mb']:.0f} MB",
            "–" if r["host_copies_per_batch"] is None else str(r["host_copies_per_batch"]),
        ]
        for r in rows
    ]
    return table([heading, *cells])


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.monotonic()
    found = work()
    return time.monotonic() - begun, found

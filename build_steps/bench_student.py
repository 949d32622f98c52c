"""`build.py bench --voice heart`: a student of Kokoro by us and by its package as it comes, the same lines in rounds, and a whole conversion."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final

from build_steps import machine
from build_steps.bench_figures import BOOK, ONCE, Figures
from build_steps.bench_rounds import Answer, Side, Turn, interleaved, speaking
from build_steps.console import Console, table
from build_steps.sample import sample_bundle

KIND: Final = "kokoro_student"
PARTS: Final = ("phonemes", "network", "noise", "spectra")
_SENTENCES: Final = 48
"""In a round: two seconds of work or more."""


def measured(core: Path, voice: Mapping[str, Any], folder: Path, sentences: int, rounds: int, console: Console) -> Figures:
    """One voice's figures. core: that layer's Python. folder: for what is made on the way. sentences: in a round; 0: the usual number.

    `ours_xrt`, `package_xrt`: seconds of speech a second on the clock, the median of all rounds; `..._cpu_xrt`: a second of one core;
    `conversion_xrt`: of a whole book from its bundle to a verified M4B, and `time` its CPU seconds by part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name, bundle = str(voice["id"]), sample_bundle(folder / "book")
    with ExitStack() as stack:
        console.title(f"{name}: loading")
        given = {"voice": dict(voice), "bundle": str(bundle), "sentences": sentences or _SENTENCES}
        package = stack.enter_context(Side(core, "hibari", given, folder / "hibari.log"))
        ours = stack.enter_context(Side(core, "ours", {**given, "cache_dir": str(folder / "graphs"), "language": "en", "device": "cpu"}, folder / "ours.log"))
        lines = package.ready["lines"]
        turns = [Turn("ours", ours, speaking(lines)), Turn("package", package, speaking(lines))]
        console.title(f"{name}: {len(lines)} sentences, {rounds} rounds of ours, the package")
        for turn in turns:
            turn.side.ask(**speaking(lines[:1]))
        found = interleaved(turns, rounds, lambda number: console.say(f"round {number} of {rounds}"))
        console.title(f"{name}: a whole conversion")
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            conversion = ours.ask(do="convert", bundle=str(bundle), folder=scratch)
        about = {"voice": name, "cores": machine.cores(), "sentences": len(lines), "processor": package.ready["processor"]}
        return figures({**about, "versions": package.ready["versions"]}, found, conversion)


def figures(about: Mapping[str, Any], rounds: Mapping[str, Sequence[Answer]], conversion: Answer) -> Figures:
    """Pure. rounds: answers of `ours` and `package`."""
    found: Figures = {**about, "rounds": len(rounds["ours"])}
    for side, answers in rounds.items():
        found[f"{side}_xrt"] = round(median(a["audio_s"] / a["wall_s"] for a in answers), 2)
        found[f"{side}_cpu_xrt"] = round(median(a["audio_s"] / a["cpu_s"] for a in answers), 2)
        found[f"{side}_peak_rss_mb"] = answers[-1]["peak_rss_mb"]
    found["ratio"] = round(found["ours_xrt"] / found["package_xrt"], 3)
    found["conversion_xrt"] = round(conversion["audio_s"] / conversion["wall_s"], 2)
    found["conversion_cpu_xrt"] = round(conversion["audio_s"] / conversion["cpu_s"], 2)
    found["conversion_peak_rss_mb"] = conversion["peak_rss_mb"]
    named = {name: conversion["parts"].get(name, 0.0) / conversion["cpu_s"] for name in (*PARTS, ONCE, *BOOK) if name != "other"}
    found["time"] = {name: round(value, 4) for name, value in {**named, "other": 1.0 - sum(named.values())}.items()}
    return found


def report(found: Sequence[Figures]) -> str:
    """All voices beside one another."""
    rows = [["", *(f["voice"] for f in found)]]
    for name, field, unit in (
        ("ours", "ours_xrt", "{:.1f} x real time"),
        ("  a core", "ours_cpu_xrt", "{:.1f} x real time"),
        ("hibari-tts as it comes", "package_xrt", "{:.1f} x real time"),
        ("  a core", "package_cpu_xrt", "{:.1f} x real time"),
        ("ours : hibari-tts", "ratio", "{:.2f}"),
        ("peak memory, ours", "ours_peak_rss_mb", "{:.0f} MB"),
        ("  with a whole conversion", "conversion_peak_rss_mb", "{:.0f} MB"),
        ("  hibari-tts", "package_peak_rss_mb", "{:.0f} MB"),
        ("a book to a verified M4B", "conversion_xrt", "{:.1f} x real time"),
        ("  a core", "conversion_cpu_xrt", "{:.1f} x real time"),
    ):
        rows.append([name, *(unit.format(f[field]) for f in found)])
    rows += [[f"  {part}", *(f"{f['time'][part]:.1%}" for f in found)] for part in found[0]["time"]]
    return table(rows)

"""From the answers of the rounds to the figures of `build.py bench`, and their table. Pure.

Times real time (`..._xrt`) are seconds of speech a second on the clock, silence between sentences not counted. A ratio is
of the medians over all rounds, but `ratio_piper_best`, which is of each side's best round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

from build_steps.bench_rounds import Answer
from build_steps.console import table

COQUI: Final = "coqui"
"""With one thread; with more it is `coqui-2` and so on."""
LIMIT: Final = "limit"
SPEECH: Final = ("phonemes", "noise", "encoder", "flow", "decoder", "copies")
BOOK: Final = ("reading", "mastering", "encoding", "writing", "other")
ONCE: Final = "gain"
"""A voice's loudness, measured with its first book and kept."""
TRANSFERS: Final = ("host_copies_per_batch", "uploads_per_batch", "hidden_syncs")

Figures = dict[str, Any]

_NONE: Final = "–"
_SPEED, _RATIO, _PERCENT, _MEMORY, _COUNT = "{:.1f} x real time", "{:.2f}", "{:.1%}", "{:.0f} MB", "{}"
_ROWS: Final = (
    ("ours", "ours_xrt", _SPEED),
    ("coqui with one thread", "coqui_xrt", _SPEED),
    ("coqui with its best number of threads", "coqui_best_xrt", _SPEED),
    ("  which is", "coqui_best_threads", _COUNT),
    ("piper-tts", "piper_xrt", _SPEED),
    ("sherpa-onnx", "sherpa_xrt", _SPEED),
    ("ours : coqui with one thread", "ratio_wall_1", _RATIO),
    ("  by CPU seconds", "ratio_cpu", _RATIO),
    ("ours : coqui with its best", "ratio_wall_best", _RATIO),
    ("ours : piper-tts", "ratio_piper", _RATIO),
    ("  each one's best round", "ratio_piper_best", _RATIO),
    ("ours : sherpa-onnx", "ratio_sherpa", _RATIO),
    ("share of the machine's limit", "limit_share", _PERCENT),
    ("  the decoder's", "limit_share_decoder", _PERCENT),
    ("peak memory, ours", "peak_rss_mb", _MEMORY),
    ("  with a whole conversion", "conversion_peak_rss_mb", _MEMORY),
    ("  coqui", "coqui_peak_rss_mb", _MEMORY),
    ("  piper-tts", "piper_peak_rss_mb", _MEMORY),
    ("copies from the device a batch", "host_copies_per_batch", _COUNT),
    ("  to the device", "uploads_per_batch", _COUNT),
    ("  hidden waits", "hidden_syncs", _COUNT),
    ("a book to a verified M4B", "conversion_xrt", _SPEED),
    ("CPU time that is not speech", "not_speech_share", _PERCENT),
)


def figures(about: Mapping[str, Any], rounds: Mapping[str, Sequence[Answer]], operations: Mapping[str, Any], conversion: Answer) -> Figures:
    """One voice's object of the JSON.

    about: fields that are known already, `cores` among them. rounds: answers of `ours`, `limit`, `coqui`, `coqui-N`,
    and where they took part `piper` and `sherpa`. operations: see `bench_sides.prepare`. conversion: of a whole book.
    """
    speed = {side: median(map(_xrt, answers)) for side, answers in rounds.items() if side != LIMIT}
    ours, alone = rounds["ours"], rounds[COQUI]
    coquis = {side: value for side, value in speed.items() if side.split("-")[0] == COQUI}
    best = max(coquis, key=lambda side: coquis[side])
    gflop, limit = operations["gflop"], {name: median(a[name] for a in rounds[LIMIT]) for name in ("matmul_gflops", "bandwidth_gb_s")}
    per_cpu_s = median(map(_per_cpu_s, ours))
    on_cpu = bool(ours[0]["parts"].get("decoder"))
    found: Figures = {
        **about,
        "rounds": len(ours),
        "audio_s": round(median(a["audio_s"] for a in ours), 2),
        "ours_xrt": speed["ours"],
        "coqui_xrt": speed[COQUI],
        "coqui_best_xrt": speed[best],
        "coqui_best_threads": int(best.partition("-")[2] or 1),
        "piper_xrt": speed.get("piper"),
        "sherpa_xrt": speed.get("sherpa"),
        "ratio_wall_1": speed["ours"] / speed[COQUI],
        "ratio_wall_best": speed["ours"] / speed[best],
        "ratio_cpu": per_cpu_s / median(map(_per_cpu_s, alone)),
        "ratio_piper": speed["ours"] / speed["piper"] if "piper" in rounds else None,
        "ratio_piper_best": max(map(_xrt, ours)) / max(map(_xrt, rounds["piper"])) if "piper" in rounds else None,
        "ratio_sherpa": speed["ours"] / speed["sherpa"] if "sherpa" in rounds else None,
        **limit,
        "gflop_per_audio_s": {part: round(value, 3) for part, value in gflop.items()},
        "limit_xrt_core": limit["matmul_gflops"] / sum(gflop.values()),
        "memory_xrt": limit["bandwidth_gb_s"] / operations["gigabytes"],
        "limit_share": per_cpu_s * sum(gflop.values()) / limit["matmul_gflops"] if on_cpu else None,
        "limit_share_decoder": median(a["audio_s"] / a["parts"]["decoder"] for a in ours) * gflop["decoder"] / limit["matmul_gflops"] if on_cpu else None,
        "peak_rss_mb": ours[-1]["peak_rss_mb"],
        "coqui_peak_rss_mb": alone[-1]["peak_rss_mb"],
        "piper_peak_rss_mb": rounds["piper"][-1]["peak_rss_mb"] if "piper" in rounds else None,
        "conversion_peak_rss_mb": conversion["peak_rss_mb"],
        **{name: ours[-1][name] for name in TRANSFERS},
        "conversion_xrt": _xrt(conversion),
        "time": shares(conversion) if on_cpu else None,
        "each_round": {side: [[_rounded(a[name]) for name in ("audio_s", "wall_s", "cpu_s")] for a in rounds[side]] for side in speed},
    }
    found["not_speech_share"] = sum(found["time"][part] for part in BOOK) / (1.0 - found["time"][ONCE]) if on_cpu else None
    return {name: _rounded(value) for name, value in found.items()}


def shares(conversion: Answer) -> dict[str, float]:
    """Of the conversion's CPU time, by part; they make 1 together."""
    parts = {name: conversion["parts"].get(name, 0.0) / conversion["cpu_s"] for name in (*SPEECH, ONCE, *BOOK) if name != "other"}
    return {name: _rounded(value) for name, value in {**parts, "other": 1.0 - sum(parts.values())}.items()}


def _xrt(answer: Answer) -> float:
    return float(answer["audio_s"] / answer["wall_s"])


def _per_cpu_s(answer: Answer) -> float:
    return float(answer["audio_s"] / answer["cpu_s"])


def _rounded(value: Any) -> Any:
    return round(value, 4 if abs(value) < 1 else 3) if isinstance(value, float) else value


def report(found: Sequence[Figures]) -> str:
    """All voices beside one another, where the time went, and in a sentence each what the limit is."""
    heading = ["", *(f"{f['voice']}, {f['device']}" for f in found)]
    rows = [[name, *(_cell(f.get(field), form) for f in found)] for name, field, form in _ROWS]
    rows += [[f"  {part}", *(_cell(f["time"] and f["time"][part], _PERCENT) for f in found)] for part in (*SPEECH, *BOOK, ONCE)]
    return "\n\n".join([table([heading, *(row for row in rows if set(row[1:]) != {_NONE})]), *map(what_limits, found)])


def _cell(value: float | None, form: str) -> str:
    return _NONE if value is None else form.format(value)


def what_limits(f: Figures) -> str:
    """What the machine would allow this voice, and by what."""
    work = sum(f["gflop_per_audio_s"].values())
    bound = "arithmetic is the limit" if f["memory_xrt"] > f["limit_xrt_core"] else "only what stays in a cache can be faster than that"
    return (
        f"{f['voice']}: a second of speech is {work:.1f} billion operations, and one core does {f['matmul_gflops']:.0f} billion a second in float32 matrix "
        f"products, so at most {f['limit_xrt_core']:.1f} x real time a core, {f['limit_xrt_core'] * f['cores']:.1f} on {f['cores']}; memory would allow "
        f"{f['memory_xrt']:.0f} x a core if nothing stayed in a cache: {bound}."
    )

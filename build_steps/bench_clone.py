"""`build.py bench --clone`: how fast a cloned voice is spoken by us and by coqui's own way, in one run. See docs/performance.md.

Converters have the shapes that are published and random weights: what a network's numbers are changes nothing of its
speed. `--quality` is another measurement (`bench_quality`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from build_steps import machine
from build_steps.bench_figures import COQUI, LIMIT, TRANSFERS, Figures
from build_steps.bench_rounds import Answer, Side, Turn, best_threads, interleaved, speaking
from build_steps.console import Console, table
from build_steps.sample import sample_bundle

CONVERTERS: Final = ("freevc24", "knnvc", "openvoice_v2")
"""Those that convert; a base voice with d-vectors speaks as it always does."""
KEPT: Final = "coqui-kept"
"""What coqui knows of the recording, kept by it in a file, instead of computed for each sentence; with more threads `coqui-kept-2` and so on."""
BASE: Final = "base"
"""Our engine with the base voice alone, on the same device."""
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "base": ("phonemes", "noise", "encoder", "flow", "decoder"),
    "resampling": ("resampling",),
    "listening": ("listening",),
    "turning": ("turning",),
    "vocoder": ("vocoder",),
    "copies": ("copies",),
}
_ROWS: Final = (
    ("ours", "ours_xrt", "{:.2f} x real time"),
    ("  the base voice alone", "base_xrt", "{:.1f} x real time"),
    ("coqui with one thread", "coqui_xrt", "{:.2f} x real time"),
    ("coqui with its best number of threads", "coqui_best_xrt", "{:.2f} x real time"),
    ("  which is", "coqui_best_threads", "{}"),
    ("  what it knows of the recording kept", "coqui_kept_xrt", "{:.2f} x real time"),
    ("ours : coqui with one thread", "ratio_1", "{:.2f}"),
    ("  by CPU seconds", "ratio_cpu", "{:.2f}"),
    ("ours : coqui with its best", "ratio_best", "{:.2f}"),
    ("ours : coqui, recording kept", "ratio_kept", "{:.2f}"),
    ("  by CPU seconds", "ratio_kept_cpu", "{:.2f}"),
    ("of the base voice's speed there is left", "left_of_base", "{:.3f}"),
    ("share of the machine's limit", "limit_share", "{:.1%}"),
    ("  listening", "limit_share_listening", "{:.1%}"),
    ("  vocoder", "limit_share_vocoder", "{:.1%}"),
    ("at most, a core", "limit_xrt_core", "{:.2f} x real time"),
    ("peak memory, ours", "peak_rss_mb", "{:.0f} MB"),
    ("  coqui", "coqui_peak_rss_mb", "{:.0f} MB"),
    ("  of the card's, ours", "device_mb", "{:.0f} MB"),
    ("copies from the device a batch", "host_copies_per_batch", "{}"),
    ("  to the device", "uploads_per_batch", "{}"),
    ("  hidden waits", "hidden_syncs", "{}"),
)
_FIRST: Final = "Yes."
"""Our engine speaks each first line alone, to count its transfers: in a book once, here in each round, so it is a short one more."""
_NONE: Final = "–"


@dataclass(frozen=True)
class ClonePlan:
    """What is compared. neural: the layer's Python. sentences: in a round. full: converters as large as the published ones."""

    neural: Path
    folder: Path
    device: str = "cpu-torch"
    sentences: int = 4
    rounds: int = 3
    full: bool = True


def measured(plan: ClonePlan, base: Mapping[str, Any], converter: str, console: Console) -> Figures:
    """One converter's figures, over a base voice as the sidecar is given it."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    shared = {"language": "en", "cache_dir": str(plan.folder / "graphs")}
    console.title(f"{converter}: its files, its operations")
    given = {**shared, "voice": base, "converter": converter, "folder": str(plan.folder), "full": plan.full, "sentences": plan.sentences}
    with Side(plan.neural, "clone_prepare", {**given, "bundle": str(sample_bundle(plan.folder / "book"))}, plan.folder / "prepare.log") as prepare:
        ready = prepare.ready
    lines = ready["lines"]
    with ExitStack() as stack:

        def start(module: str, name: str, **more: Any) -> Side:
            console.say(f"loading: {name}")
            return stack.enter_context(Side(plan.neural, module, {**shared, "voice": ready["voice"], **more}, plan.folder / f"{name}.log"))

        coqui = start("coqui_clone", COQUI, torch_device=plan.device if plan.device.startswith("cuda") else "cpu")
        more = best_threads(coqui, lines)
        turns = [
            Turn("ours", start("ours", "ours", device=plan.device), speaking([_FIRST, *lines])),
            Turn(BASE, start("ours", BASE, device=plan.device, voice={**ready["voice"], "clone": None}), speaking([_FIRST, *lines])),
            Turn(COQUI, coqui, speaking(lines, threads=1)),
            *(Turn(f"{COQUI}-{threads}", coqui, speaking(lines, threads=threads)) for threads in more),
            Turn(KEPT, coqui, speaking(lines, threads=1, kept=True)),
            *(Turn(f"{KEPT}-{threads}", coqui, speaking(lines, threads=threads, kept=True)) for threads in more),
            Turn(LIMIT, start("limit", LIMIT), {"do": "measure"}),
        ]
        console.title(f"{converter}: {len(lines)} sentences, {plan.rounds} rounds of {', '.join(turn.name for turn in turns)}")
        once = [turn for turn in turns if turn.name != LIMIT and not turn.name.startswith(KEPT)]
        interleaved([replace(turn, command={**turn.command, "lines": lines[:1]}) for turn in once], 1)
        rounds = interleaved(turns, plan.rounds, lambda number: console.say(f"round {number} of {plan.rounds}"))
    about = {"converter": converter, "base": base["id"], "device": plan.device, "cores": machine.cores(), "sentences": len(lines)}
    return figures({**about, "processor": ready["processor"], "versions": ready["versions"]}, rounds, ready["gflop"])


def figures(about: Mapping[str, Any], rounds: Mapping[str, Sequence[Answer]], gflop: Mapping[str, float]) -> Figures:
    """One converter's object of the JSON. rounds: answers of `ours`, `base`, `coqui`, `coqui-N`, `coqui-kept`, `coqui-kept-N`, `limit`.

    gflop: of a second of speech, by part.
    """
    speed, per_cpu_s = (_medians(rounds, clock) for clock in ("wall_s", "cpu_s"))
    kept = max((side for side in speed if side.startswith(KEPT)), key=lambda side: speed[side])
    best = max((side for side in speed if side.startswith(COQUI) and not side.startswith(KEPT)), key=lambda side: speed[side])
    ours, matmul = rounds["ours"], median(answer["matmul_gflops"] for answer in rounds[LIMIT])
    on_cpu = about["device"] == "cpu-torch"
    found: Figures = {
        **about,
        "rounds": len(ours),
        "audio_s": median(answer["audio_s"] for answer in ours),
        "ours_xrt": speed["ours"],
        "base_xrt": speed[BASE],
        "coqui_xrt": speed[COQUI],
        "coqui_best_xrt": speed[best],
        "coqui_best_threads": int(best.partition("-")[2] or 1),
        "coqui_kept_xrt": speed[kept],
        "ratio_1": speed["ours"] / speed[COQUI],
        "ratio_cpu": per_cpu_s["ours"] / per_cpu_s[COQUI],
        "ratio_best": speed["ours"] / speed[best],
        "ratio_kept": speed["ours"] / speed[kept],
        "ratio_kept_cpu": per_cpu_s["ours"] / per_cpu_s[KEPT],
        "left_of_base": speed["ours"] / speed[BASE],
        "matmul_gflops": matmul,
        "gflop_per_audio_s": {part: _rounded(value) for part, value in gflop.items()},
        "limit_xrt_core": matmul / sum(gflop.values()),
        "limit_share": per_cpu_s["ours"] * sum(gflop.values()) / matmul if on_cpu else None,
        **{f"limit_share_{part}": _share(ours, part, gflop, matmul) if on_cpu else None for part in ("listening", "vocoder")},
        "peak_rss_mb": ours[-1]["peak_rss_mb"],
        "coqui_peak_rss_mb": rounds[COQUI][-1]["peak_rss_mb"],
        "device_mb": ours[-1]["device_mb"],
        **{name: ours[-1][name] for name in TRANSFERS},
        "time": shares(ours) if on_cpu else None,
        "each_round": {side: [[_rounded(a[name]) for name in ("audio_s", "wall_s", "cpu_s")] for a in rounds[side]] for side in speed},
    }
    return {name: _rounded(value) for name, value in found.items()}


def shares(answers: Sequence[Answer]) -> dict[str, float]:
    """Of our CPU time, by part; they make 1 together."""
    spent = {part: median(sum(a["parts"].get(name, 0.0) for name in names) / a["cpu_s"] for a in answers) for part, names in PARTS.items()}
    return {part: _rounded(value) for part, value in {**spent, "other": 1.0 - sum(spent.values())}.items()}


def report(found: Sequence[Figures]) -> str:
    """All converters beside one another, and where the time went."""
    rows = [[name, *(_cell(f[field], form) for f in found)] for name, field, form in _ROWS]
    rows += [[f"time: {part}", *(_cell(f["time"] and f["time"][part], "{:.1%}") for f in found)] for part in (*PARTS, "other")]
    rows += [[f"GFLOP a second of speech: {part}", *(_cell(f["gflop_per_audio_s"].get(part), "{:.1f}") for f in found)] for part in PARTS if part != "copies"]
    return table([["", *(f"{f['converter']}, {f['device']}" for f in found)], *(row for row in rows if set(row[1:]) != {_NONE})])


def _medians(rounds: Mapping[str, Sequence[Answer]], clock: str) -> dict[str, float]:
    """Seconds of speech a second on that clock."""
    return {side: median(a["audio_s"] / a[clock] for a in answers) for side, answers in rounds.items() if side != LIMIT}


def _share(ours: Sequence[Answer], part: str, gflop: Mapping[str, float], matmul: float) -> float | None:
    """Of matmul's rate, while that part is computed; None where the converter has no such part."""
    if part not in gflop:
        return None
    return float(median(a["audio_s"] / a["parts"][part] for a in ours) * gflop[part] / matmul)


def _cell(value: float | None, form: str) -> str:
    return _NONE if value is None else form.format(value)


def _rounded(value: Any) -> Any:
    return round(value, 4 if abs(value) < 1 else 3) if isinstance(value, float) else value

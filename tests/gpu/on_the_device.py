"""One command for a real graphics card: the matrix, a chapter, the profiler's trace, the ladder, how fast. See docs/gpu.md.

    PYTHONPATH=sidecar/src:tests python tests/gpu/on_the_device.py --device cuda:0 --voice V.onnx --lines LINES.json --out DIR

It needs torch, coqui-tts and this checkout; no network, no Calibre, no espeak. Each check is reported and none stops the
next. DIR gets figures.json, trace.json.gz, the beginning of the chapter as sound, and tests.txt. Exit code: 0 all that
could be tried is as it should be, 1 something is not, or the device cannot be used.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gpu import stand_in
from gpu.outcome import Outcome, Skipped

if TYPE_CHECKING:
    from gpu.speaking import Setup

STEPS: Final = ("machine", "boundary", "matrix", "tests", "chapter", "trace", "memory", "nan", "speed", "m4b")
MADE_UP: Final = 160
"""Lines where none are given."""


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0", help="cuda:0 (also of ROCm), mps, xpu:0, cpu-torch")
    parser.add_argument("--voice", type=Path, help="a Piper voice, its .onnx.json beside it; else one of stock shape with random weights")
    parser.add_argument("--lines", type=Path, help="of build.py gpu --lines-only; else random phonemes")
    parser.add_argument("--most", type=int, help="of the lines, the first so many")
    parser.add_argument("--bundle", type=Path, help="a folder with a book's bundle, to be made a whole audiobook")
    parser.add_argument("--memory-gb", type=float, help="of the card's memory, take no more than that")
    parser.add_argument("--steps", default=",".join(STEPS), help="which of the checks, with commas")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args(arguments)
    wanted = asked.steps.split(",")
    if not set(wanted) <= set(STEPS):
        parser.error(f"--steps: of {', '.join(STEPS)}")
    logging.basicConfig(level=logging.ERROR)
    stand_in.install_where_missing()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        results = _all(asked, wanted, Path(scratch))
    _write(asked.out / "figures.json", results, arguments)
    print(_table(results))
    return 1 if any(result["ok"] is False for result in results.values()) else 0


def _all(asked: argparse.Namespace, wanted: Sequence[str], scratch: Path) -> dict[str, dict[str, Any]]:
    """Every check's result, by its name."""
    import torch
    from e2a_sidecar.errors import SidecarError
    from e2a_sidecar.speaking.device import CPU, repeatable, usable_device

    from gpu import chapter, checks, failing, finished, speeds, traced

    checks_by_name: dict[str, Callable[[Setup], Outcome]] = {
        "machine": checks.machine,
        "boundary": checks.boundary,
        "matrix": checks.matrix,
        "tests": checks.tests,
        "chapter": chapter.chapter,
        "trace": traced.traced,
        "memory": failing.memory,
        "nan": failing.nan,
        "speed": speeds.speed,
        "m4b": finished.m4b,
    }
    try:
        repeatable()
        usable_device(asked.device)
    except SidecarError as error:
        return {"device": _result(Outcome(False, f"{asked.device} cannot be used: {error.params.get('reason', error.code)}"), 0.0)}
    if asked.device == CPU:
        torch.set_num_threads(1)  # as the engine has it there: several for one sentence are slower
    setup = _setup(asked, scratch)
    if asked.memory_gb and setup.real_cuda:
        speeds.cap(setup.target, asked.memory_gb)
    results = {}
    for name in STEPS:
        if name in wanted:
            results[name] = _tried(checks_by_name[name], setup)
            print(f"{name}: {results[name]['words']}", file=sys.stderr, flush=True)
    return results


def _setup(asked: argparse.Namespace, scratch: Path) -> Setup:
    """The voice and the lines that were asked for."""
    import tiny_voices
    from e2a_sidecar.voices.voice import Voice

    from gpu.lines import made_up_lines, read_lines
    from gpu.speaking import Setup, loader, symbols_of

    lines = read_lines(asked.lines) if asked.lines else made_up_lines(MADE_UP)
    lines = lines.first(asked.most or len(lines.lines))

    def stock() -> Setup:
        voice = tiny_voices.coqui_voice(scratch / "stock", tiny_voices.STOCK, phonemes=False)
        said = lines.below(symbols_of(voice))
        return Setup(asked.device, "stock shape, random weights", loader(voice, said), said, asked.out, "stock")

    if not asked.voice:
        return stock()
    files = (("config", asked.voice.with_name(f"{asked.voice.name}.json")), ("model", asked.voice))
    voice = Voice(asked.voice.stem, "piper", files=files).verified()
    given = Setup(asked.device, voice.id, loader(voice, lines), lines, asked.out, "given", None, bool(asked.lines), asked.bundle, voice)
    return replace(given, stock=stock) if given.real_cuda else given


def _tried(check: Callable[[Setup], Outcome], setup: Setup) -> dict[str, Any]:
    begun = time.perf_counter()
    try:
        outcome = check(setup)
    except Skipped as skipped:
        outcome = Outcome(None, f"not tried: {skipped}")
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is this check's result, and the others go on
        outcome = Outcome(False, f"{type(error).__name__}: {error}"[:300], {"traceback": traceback.format_exc()[-6000:]})
    gc.collect()  # an engine's memory, before the next one's
    return _result(outcome, time.perf_counter() - begun)


def _result(outcome: Outcome, seconds: float) -> dict[str, Any]:
    return {"ok": outcome.ok, "words": outcome.words, "seconds": round(seconds, 2), **outcome.figures}


def _write(path: Path, results: dict[str, dict[str, Any]], arguments: Sequence[str]) -> None:
    tried = {"command": ["on_the_device.py", *arguments], "when": datetime.now(UTC).isoformat(timespec="seconds"), "checks": results}
    path.write_text(json.dumps(tried, indent=1, default=str) + "\n", encoding="utf-8")


def _table(results: dict[str, dict[str, Any]]) -> str:
    says = {True: "ok", False: "FAILED", None: "-"}
    return "\n".join(f"{name:<9} {says[result['ok']]:<7} {result['seconds']:>7.1f} s  {result['words']}" for name, result in results.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How fast, and how near to what the card's own matrix product allows: every way to decode, both precisions, under caps of memory, and coqui's class beside it.

Ours is measured from phonemes to the last clip that is on the disk: engine, ladder, the checks of each take, FLAC and SQLite, as in
a conversion. Of each way first the lines once, which loads and warms; then as often as make some seconds.
"""

from __future__ import annotations

import gc
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.model import Clip, Line, Take
from e2a_sidecar.model import Speaker as By
from e2a_sidecar.speaking.budget import GPU_BUDGET, PADDED_BUDGET, Budget
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.host import to_host
from e2a_sidecar.speaking.precision import LEAST_DB, half_db
from e2a_sidecar.speaking.settings import FLOAT32, HALF
from e2a_sidecar.voices.loaded import LoadedVits
from torch.utils.flop_counter import FlopCounterMode

from gpu import stand_in
from gpu.chapter import kept
from gpu.failing import climbing
from gpu.outcome import Outcome
from gpu.speaking import Setup, Speaker

MEASURED_S: Final = 3.0
LONGEST_AUDIO_S: Final = 3 * 3600
CAPS_GB: Final = (8.0, 3.0)
TARGETS: Final = {("stock", HALF): 1000, ("given", HALF): 2000, ("stock", FLOAT32): 300, ("given", FLOAT32): 1000}
"""Times real time on an H100 or H200, of a voice of stock shape and of the given one, where that is a medium one as joe is."""


@dataclass(frozen=True)
class Way:
    """How to decode. row: frames, of a card's rows. cap_gb: of the card's memory, for this process."""

    name: str
    precision: str = FLOAT32
    budget: Budget = GPU_BUDGET
    graph: bool = True
    cap_gb: float | None = None


def ways(card: bool) -> tuple[Way, ...]:
    """All that are measured; without a card those that differ there."""
    rows = tuple(Way("rows", precision) for precision in (FLOAT32, HALF))
    padded = Way("padded", budget=PADDED_BUDGET)
    if not card:
        return (rows[0], padded)
    without = tuple(replace(way, name="rows without graph", graph=False) for way in rows)
    longer = tuple(replace(way, name=f"rows of {frames}", budget=replace(GPU_BUDGET, frames=frames)) for way in rows for frames in (1024, 4096, 8192))
    capped = tuple(replace(way, name=f"rows within {cap:g} GB", cap_gb=cap) for way in rows for cap in CAPS_GB)
    return (*rows, *without, padded, *longer, *capped)


def speed(setup: Setup) -> Outcome:
    """Of the given voice and of one of stock shape."""
    limits = matmul(setup)
    figures: dict[str, Any] = {"cores": usable_cores(), "matmul_tflops": limits, "voices": {}}
    said, good = [], True
    for name, one in setup.voices():
        found = _of_voice(one, limits)
        figures["voices"][name] = found
        good = good and all(way["spoken"] == way["lines"] and way["crossings_fit"] for way in found["ways"] if "spoken" in way)
        best = {(way["precision"], way["way"]): way["times_real_time"] for way in found["ways"]}
        usual = [f"{precision} {best[precision, 'rows']}" for precision in (FLOAT32, HALF) if (precision, "rows") in best]
        said.append(f"{name}: {', '.join(usual)} x real time, coqui's class {found['coqui']['times_real_time']}")
        found["targets"] = {
            precision: {"wanted": wanted, "met": best[precision, "rows"] >= wanted}
            for (voice, precision), wanted in TARGETS.items()
            if voice == name and (precision, "rows") in best
        }
    return Outcome(good, "; ".join(said), figures)


def _of_voice(setup: Setup, limits: dict[str, float]) -> dict[str, Any]:
    gflop = operations(setup)
    found: dict[str, Any] = {"voice": setup.voice, "gflop_per_audio_s": round(gflop, 2), "ways": [], "coqui": coqui(setup)}
    if setup.real_cuda:
        speaker = setup.on_device()
        assert speaker.engine._network is not None
        found["half_db"] = round(half_db(speaker.engine._network, speaker.engine._voice), 1)
        found["half_let_through"] = found["half_db"] >= LEAST_DB
        speaker.engine.close()
    for way in ways(setup.real_cuda):
        gc.collect()
        with _capped(setup, way.cap_gb):
            measured = _measured(setup, way)
        if way.precision in limits:
            measured["share_of_limit"] = round(measured["times_real_time"] * gflop / 1000 / limits[way.precision], 3)
        found["ways"].append(measured)
    if setup.text and not stand_in.stands_in():
        found["from_text"] = {"ours": _measured(setup.from_text(), ways(setup.real_cuda)[0]), "coqui": coqui(setup.from_text())}
    return found


def _measured(setup: Setup, way: Way) -> dict[str, Any]:
    """A way's figures."""
    speaker = setup.on_device(way.budget, way.precision)
    engine, network = speaker.engine, speaker.engine._network
    assert network is not None
    if not way.graph:
        network.no_graph()
    lines = setup.lines.lines
    warm_s, audio_s, _ = _committed(setup, speaker, lines)
    times = max(1, min(math.ceil(MEASURED_S / warm_s), int(LONGEST_AUDIO_S / audio_s))) if setup.real_cuda else 1
    again = tuple(_another(line, number, len(lines)) for number in range(1, times + 1) for line in lines)
    if setup.real_cuda:
        torch.cuda.reset_peak_memory_stats(setup.target)
    reads, launched = speaker.boundary.reads, speaker.launched
    wall_s, audio_s, takes = _committed(setup, speaker, again)
    batches = speaker.launched - launched
    flags = [flag for take in takes.values() for flag in take.flags]
    figures = {
        "way": way.name,
        "precision": way.precision,
        "graph": network.why_no_graph or True,
        "row": engine._budget.frames,
        "lines": len(again),
        "spoken": sum(bool(take.samples.any()) for take in takes.values()),
        "audio_s": round(audio_s, 1),
        "wall_s": round(wall_s, 3),
        "times_real_time": round(audio_s / wall_s, 1),
        "batches": batches,
        "crossings_fit": speaker.boundary.reads - reads == 2 * batches or "halved" in flags,
        "flags": {flag: flags.count(flag) for flag in sorted(set(flags))},
        "warnings": [warning.code for warning in engine.warnings],
        "peak_device_mb": torch.cuda.max_memory_allocated(setup.target) // 10**6 if setup.real_cuda else None,
    }
    if way.name == "rows" and setup.real_cuda:
        rate_hz = engine.rate_hz
        figures["heard"] = kept(setup.out, list(takes.values()), rate_hz, f"heard_{setup.name}_{way.precision}")
    engine.close()
    return figures


def _committed(setup: Setup, speaker: Speaker, lines: Sequence[Line]) -> tuple[float, float, dict[int, Take]]:
    """(Seconds until the last clip was on the disk, seconds of speech, the takes)."""
    engine = speaker.engine
    by = By(engine.name, engine.device, tuple(sorted(engine.versions.items())))
    by_index = {line.index: line for line in lines}
    takes: dict[int, Take] = {}
    samples = 0
    with tempfile.TemporaryDirectory() as folder:
        store = ClipStore(Path(folder))
        begun = time.perf_counter()
        for batch in (found.takes for found in climbing(setup, speaker, lines, [])):
            for take in batch:
                check_take(take, by_index[take.index].text, engine.rate_hz)
            store.put([Clip(by_index[t.index].key, engine.rate_hz, t.samples, t.words, t.take, t.flags, by) for t in batch])
            takes.update((take.index, take) for take in batch)
            samples += sum(len(take.samples) for take in batch)
        wall_s = time.perf_counter() - begun
        store.close()
    return wall_s, samples / engine.rate_hz, takes


def _another(line: Line, number: int, count: int) -> Line:
    """The same text once more, with noise of its own."""
    return Line(line.index + number * count, line.text, sha256(f"{line.key}{number}".encode()).hexdigest())


def coqui(setup: Setup) -> dict[str, Any]:
    """coqui's own `inference`, sentence by sentence, each read to the host: what programs do that use it as it comes."""
    voice = setup.load()
    network = voice.network.to(setup.target)
    speak = _coqui_speaker(voice, network, setup.target)
    speak(setup.lines.lines[0].text)
    samples, spoken, begun = 0, 0, time.perf_counter()
    for line in setup.lines.lines:
        samples += speak(line.text)
        spoken += 1
        if time.perf_counter() - begun > MEASURED_S:
            break
    wall_s = time.perf_counter() - begun
    return {"lines": spoken, "audio_s": round(samples / voice.rate_hz, 1), "times_real_time": round(samples / voice.rate_hz / wall_s, 1)}


def _coqui_speaker(voice: LoadedVits, network: Any, target: torch.device) -> Callable[[str], int]:
    network.inference_noise_scale, network.inference_noise_scale_dp, network.length_scale = voice.noise_scale, voice.noise_w, voice.length_scale

    @torch.inference_mode()
    def speak(text: str) -> int:
        ids = torch.tensor([voice.front_end.encode(text).ids], device=target)
        lengths = torch.tensor([ids.shape[1]], device=target)
        given = {"x_lengths": lengths, "speaker_ids": None, "d_vectors": None, "language_ids": None}
        return len(to_host(network.inference(ids, given)["model_outputs"]))

    return speak


def operations(setup: Setup) -> float:
    """GFLOP of a second of speech, counted by torch from the shapes of a sentence of usual length on the CPU."""
    speaker = setup.on_cpu()
    engine, lines = speaker.engine, sorted(setup.lines.lines, key=lambda line: len(line.text))
    counter = FlopCounterMode(display=False)
    job = engine._job(lines[len(lines) // 2], lambda: None)
    with counter:
        takes = engine._landed(engine._launched([job], lambda: None))
    samples = sum(len(take.samples) for take in takes)
    engine.close()
    return float(counter.get_total_flops()) / 1e9 / (samples / engine.rate_hz)


def matmul(setup: Setup) -> dict[str, float]:
    """TFLOP/s of a large matrix product on the device, the best of some: float32 without TF32, and float16 on a card."""
    found = {}
    for name, dtype in ((FLOAT32, torch.float32), (HALF, torch.float16)):
        if name == HALF and not setup.real_cuda:
            continue
        size = 8192 if setup.real_cuda else 1024
        left = torch.full((size, size), 0.5, dtype=dtype, device=setup.target)
        best = 0.0
        for _ in range(8):
            begun = time.perf_counter()
            product = left @ left
            to_host(product[:1, :1])
            best = max(best, 2 * size**3 / (time.perf_counter() - begun))
        found[name] = round(best / 1e12, 3)
    return found


@contextmanager
def _capped(setup: Setup, cap_gb: float | None) -> Iterator[None]:
    """Within so much of the card's memory."""
    if cap_gb is None or not setup.real_cuda:
        yield
        return
    before = torch.cuda.get_per_process_memory_fraction(setup.target)
    torch.cuda.empty_cache()
    cap(setup.target, cap_gb)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(before, setup.target)


def cap(target: torch.device, memory_gb: float) -> None:
    """This process takes no more of the card's memory than that."""
    whole = torch.cuda.get_device_properties(target).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / whole), target)


"""A few batches under torch's profiler: what crossed and what waited, counted in the trace itself, which is kept.

CUDA's own record, not ours: each copy between the card and the host is an event of the card (`gpu_memcpy`), each wait a
call of CUDA's runtime (`cuda_runtime`). Names are those of CUPTI, and of ROCm's tracer beside them.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from torch.profiler import ProfilerActivity, profile, record_function

from gpu.outcome import Outcome
from gpu.speaking import Setup, Speaker, Spoken

MARK: Final = "batches of speech"
LINES: Final = (128, 16, 1)
"""As many as the trace stays small with; the last are one batch."""
LARGEST: Final = 8 << 20
_READS: Final = ("Memcpy DtoH", "CopyDeviceToHost")
_UPLOADS: Final = ("Memcpy HtoD", "CopyHostToDevice")
_UNPINNED: Final = "Pageable"
_EVENT_WAITS: Final = ("cudaEventSynchronize", "hipEventSynchronize")
_OTHER_WAITS: Final = tuple(f"{maker}{call}" for maker in ("cuda", "hip") for call in ("StreamSynchronize", "DeviceSynchronize", "Memcpy", "MemcpyWithStream"))


@dataclass(frozen=True)
class Crossings:
    """Of a trace. unpinned: copies from or to memory that is not pinned, which wait. event_waits: for an event, each of
    which belongs to a read; other_waits: for a stream or the whole device."""

    reads: int
    uploads: int
    unpinned: int
    event_waits: int
    other_waits: int

    def fit(self, batches: int) -> bool:
        """Two reads, each awaited by its event, and two uploads a batch; nothing else."""
        return batches > 0 and (self.reads, self.uploads, self.event_waits) == (2 * batches,) * 3 and not self.unpinned and not self.other_waits


def crossings(trace: Mapping[str, Any]) -> Crossings:
    """Count a chrome trace: copies in all of it, waits inside MARK alone (the profiler itself waits at its end)."""
    events = [event for event in trace["traceEvents"] if event.get("ph") == "X"]
    spans = [(e["ts"], e["ts"] + e["dur"]) for e in events if e.get("name") == MARK and e.get("cat") == "user_annotation"]
    copies = [str(e["name"]) for e in events if e.get("cat") == "gpu_memcpy"]
    calls = Counter(str(e["name"]) for e in events if e.get("cat") in ("cuda_runtime", "cuda_driver") and any(low <= e["ts"] <= high for low, high in spans))
    return Crossings(
        reads=sum(name.startswith(_READS) for name in copies),
        uploads=sum(name.startswith(_UPLOADS) for name in copies),
        unpinned=sum(_UNPINNED in name for name in copies),
        event_waits=sum(calls[name] for name in _EVENT_WAITS),
        other_waits=sum(calls[name] for name in _OTHER_WAITS),
    )


def busy_share(trace: Mapping[str, Any]) -> float | None:
    """Of the time from the card's first piece of work to its last, how much it computed or copied; None where there is none of it."""
    events = [event for event in trace["traceEvents"] if event.get("ph") == "X" and event.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset")]
    spans = sorted((float(e["ts"]), float(e["ts"]) + float(e["dur"])) for e in events)
    busy, reached = 0.0, float("-inf")
    for start, end in spans:
        busy += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return busy / (reached - spans[0][0]) if spans and reached > spans[0][0] else None


def traced(setup: Setup) -> Outcome:
    """Two reads and two uploads a batch in the card's own record. Elsewhere than on CUDA and ROCm the trace is kept and nothing judged."""
    speaker = setup.on_device()
    path = setup.out / "trace.json.gz"
    for count in LINES if setup.real_cuda else LINES[1:]:
        lines = setup.lines.lines[:count]
        speaker.speak(lines)  # what is done only once: libraries, memory
        spoken, trace = _profiled(setup, speaker, count)
        path.write_bytes(gzip.compress(json.dumps(trace).encode(), mtime=0))
        if path.stat().st_size <= LARGEST:
            break
    found = crossings(trace)
    names = Counter(str(event.get("name")) for event in trace["traceEvents"] if event.get("cat") in ("gpu_memcpy", "cuda_runtime", "cuda_driver"))
    figures = {
        "lines": len(lines),
        "batches": spoken.batches,
        "crossings": asdict(found),
        "busy_share": busy_share(trace),
        "calls": dict(names.most_common(40)),
        "kernels": sum(event.get("cat") == "kernel" for event in trace["traceEvents"]),
        "trace": path.name,
        "trace_bytes": path.stat().st_size,
    }
    if not setup.real_cuda:
        return Outcome(None, f"the trace of {spoken.batches} batches is kept; without CUDA it holds no copies to be counted", figures)
    words = (
        f"{spoken.batches} batches: {found.reads} reads, {found.uploads} uploads, {found.event_waits} waits for a read, "
        f"{found.other_waits} other waits, {found.unpinned} copies of memory that is not pinned"
    )
    return Outcome(found.fit(spoken.batches), words, figures)


def _profiled(setup: Setup, speaker: Speaker, count: int) -> tuple[Spoken, Any]:
    """Speak the first lines; (what was spoken, the trace)."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setup.real_cuda else [])]
    raw = setup.out / "trace.json"
    with profile(activities=activities) as profiler, record_function(MARK):
        spoken = speaker.speak(setup.lines.lines[:count])
    profiler.export_chrome_trace(str(raw))
    trace = _read(raw)
    raw.unlink()
    return spoken, trace


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8", errors="replace"))

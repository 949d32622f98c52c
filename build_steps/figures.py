"""A conversion's report, as far as demo and bench show it; and the devices that a sidecar can use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from plugin import environ
from plugin.converting.client import Sidecar, probe
from plugin.converting.events import Device
from plugin.engine.runtime import Layer


@dataclass(frozen=True)
class Figures:
    """Of one report. spoken_now: sentences that this run spoke. copies: from device to host a batch; None: not counted."""

    path: str
    duration_s: float
    chapters: int
    sentences: int
    engine: str
    device: str
    voice: str
    versions: tuple[tuple[str, str], ...]
    spoken_now: int
    xrt: float | None
    xrt_speech: float | None
    first_s: float | None
    copies: int | None
    uploads: int | None
    hidden_syncs: int | None
    peak_rss_mb: float | None

    @classmethod
    def read(cls, path: Path) -> Figures:
        raw = json.loads(path.read_text(encoding="utf-8"))
        now, transfers = raw["spoken_now"], raw["transfers"]
        return cls(
            path=raw["path"],
            duration_s=raw["duration_s"],
            chapters=len(raw["chapters"]),
            sentences=len(raw["sentences"]),
            engine=raw["engine"],
            device=raw["device"],
            voice=raw["voice"],
            versions=tuple(sorted(raw["versions"].items())),
            spoken_now=now["sentences"],
            xrt=raw["xrt"],
            xrt_speech=raw["xrt_speech"],
            first_s=now["first_s"],
            copies=transfers["host_copies_per_batch"],
            uploads=transfers["uploads_per_batch"],
            hidden_syncs=transfers["hidden_syncs"],
            peak_rss_mb=raw.get("peak_rss_mb"),
        )


def devices(layer: Layer) -> tuple[Device, ...]:
    """What that layer's sidecar finds by trying."""
    with Sidecar.start(layer.command(), environ.for_children()) as sidecar:
        return probe(sidecar).devices


def times(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} x real time"

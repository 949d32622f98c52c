"""What the checks speak with: a voice, fresh for each engine, on the device and on the CPU; and how two sets of takes compare.

On the device sentences are always spoken in batches, on `cpu-torch` too, so that a machine without a card runs the same
code. The CPU's takes, which they are compared with, are spoken one sentence at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.budget import GPU_BUDGET, Budget
from e2a_sidecar.speaking.device import CPU, torch_device
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.settings import FLOAT32, SpeechSettings
from e2a_sidecar.speaking.vits_torch import VitsTorch, load_voice
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice

from gpu.lines import IdsFrontEnd, Lines

WITHIN: Final = 1e-3
"""Of full scale: how far a device's take may be from the CPU's (design rule 9)."""
BUDGET: Final = Transfers(host_copies_per_batch=2, uploads_per_batch=2, hidden_syncs=0)


@dataclass(frozen=True)
class Setup:
    """What is tried. device: the sidecar's name of it. load: the voice, anew (an engine moves its network to the device).

    name: of the voice in figures, `given` or `stock`. stock: the same with a voice of stock shape. text: the lines are text, and not phonemes
    that were made up.
    """

    device: str
    voice: str
    load: Callable[[], LoadedVits]
    lines: Lines
    out: Path
    name: str = "given"
    stock: Callable[[], Setup] | None = None
    text: bool = False
    bundle: Path | None = None
    files: Voice | None = None

    def voices(self) -> list[tuple[str, Setup]]:
        """The given one, and one of stock shape where there is one more."""
        return [(self.name, self), *([] if self.stock is None else [("stock", self.stock())])]

    def from_text(self) -> Setup:
        """The same, with phonemes by the voice's own front end."""
        return replace(self, load=lambda: _with_own_front_end(self.load()))

    @property
    def target(self) -> torch.device:
        return torch_device(self.device)

    @property
    def real_cuda(self) -> bool:
        """A device with CUDA's own counters: NVIDIA's, or AMD's by ROCm; not the fake."""
        return self.target.type == "cuda" and torch.cuda.is_available()

    def on_device(self, budget: Budget = GPU_BUDGET, precision: str = FLOAT32) -> Speaker:
        voice = self.load()
        return Speaker.batched(replace(voice, identity={**voice.identity, "precision": precision}), self.device, budget)

    def on_cpu(self) -> Speaker:
        return Speaker.alone(self.load())


@dataclass(frozen=True)
class Spoken:
    """takes: by line. wall_s: of all of it. batches: of which each has two reads and two uploads."""

    takes: dict[int, Take]
    wall_s: float
    audio_s: float
    reads: int
    uploads: int
    batches: int
    transfers: Transfers

    @property
    def crossings_fit(self) -> bool:
        """Two reads and two uploads a batch (more where memory was too little), and nothing hidden in the one that was looked into."""
        return self.transfers == BUDGET and (self.reads == self.uploads == 2 * self.batches or "halved" in self.flags())

    def flags(self) -> dict[str, int]:
        """How many takes have which flag."""
        all_flags = [flag for take in self.takes.values() for flag in take.flags]
        return {flag: all_flags.count(flag) for flag in sorted(set(all_flags))}


class Speaker:
    """An engine with its boundary."""

    def __init__(self, engine: VitsTorch, boundary: HostBoundary, network: Any) -> None:
        self.engine = engine
        self.boundary = boundary
        self.network = network
        self.launched = 0

    @classmethod
    def batched(cls, voice: LoadedVits, device: str, budget: Budget = GPU_BUDGET) -> Speaker:
        """As on a graphics card."""
        boundary = HostBoundary(torch_device(device))
        engine = VitsTorch.speaking_with(voice, device, boundary, budget)
        engine._workers = 0
        speaker = cls(engine, boundary, voice.network)
        for way in ("decode", "decode_rows"):
            speaker._count(way)
        return speaker

    def _count(self, way: str) -> None:
        network = self.engine._network
        launch = getattr(network, way)

        def counted(*given: Any) -> Any:
            self.launched += 1
            return launch(*given)

        vars(network)[way] = counted

    def spoil(self, how: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """What the decoder gives for a row is what `how` makes of it."""
        decode = self.engine._network._row_decoder  # type: ignore[union-attr]
        vars(self.engine._network)["_row_decoder"] = lambda *given: how(decode(*given))

    @classmethod
    def alone(cls, voice: LoadedVits) -> Speaker:
        """One sentence at a time on each of the CPU's cores."""
        boundary = HostBoundary(torch.device("cpu"))
        return cls(VitsTorch.speaking_with(voice, CPU, boundary), boundary, voice.network)

    def speak(self, lines: Iterable[Line]) -> Spoken:
        """All of them; the samples are on the host when it returns."""
        reads, uploads, launched, begun = self.boundary.reads, self.boundary.uploads, self.launched, time.perf_counter()
        takes = {take.index: take for batch in self.engine.speak(lines, lambda: False) for take in batch}
        wall_s = time.perf_counter() - begun
        samples = sum(len(take.samples) for take in takes.values())
        crossed = self.boundary.reads - reads, self.boundary.uploads - uploads, self.launched - launched
        return Spoken(takes, wall_s, samples / self.engine.rate_hz, *crossed, self.engine.transfers())


@dataclass(frozen=True)
class Compared:
    """Takes of the device against the CPU's. edges: that lie on a rounding edge; moved: of these, with another length.

    wrong: lines whose lengths or words differ without being on an edge, or that are missing.
    """

    lines: int
    largest: float
    edges: int
    moved: int
    wrong: tuple[int, ...]

    @property
    def ok(self) -> bool:
        return self.lines > 0 and self.largest <= WITHIN and not self.wrong


def compared(ours: dict[int, Take], theirs: dict[int, Take]) -> Compared:
    """Both by line; of what `theirs` has."""
    largest, edges, moved, wrong = 0.0, 0, 0, list[int]()
    for index, right in theirs.items():
        take = ours.get(index)
        edge = "edge" in right.flags or (take is not None and "edge" in take.flags)
        edges += edge
        if take is not None and len(take.samples) == len(right.samples) > 0 and take.words == right.words:
            largest = max(largest, float(np.abs(take.samples.astype(np.int32) - right.samples).max()) / 32767)
        elif edge and take is not None and len(take.samples):
            moved += 1
        else:
            wrong.append(index)
    return Compared(len(theirs), largest, edges, moved, tuple(wrong))


def loader(voice: Voice, ids: Lines) -> Callable[[], LoadedVits]:
    """A voice that is verified, with ids in place of its phonemes."""

    def load() -> LoadedVits:
        loaded = load_voice(voice, "en-us", SpeechSettings())
        return replace(loaded, front_end=IdsFrontEnd(ids.ids, loaded.front_end))

    return load


def _with_own_front_end(voice: LoadedVits) -> LoadedVits:
    return replace(voice, front_end=voice.front_end.own) if isinstance(voice.front_end, IdsFrontEnd) else voice


def symbols_of(voice: Voice) -> int:
    """How many the voice has."""
    count: int = load_voice(voice, "en-us", SpeechSettings()).network.text_encoder.emb.num_embeddings
    return count


def sounding(takes: Sequence[Take]) -> bool:
    """Is there a sound in each?"""
    return bool(takes) and all(take.samples.any() for take in takes)

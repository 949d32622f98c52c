"""What a speech engine is to the rest of the program: one small Protocol, with nothing in it that only VITS has.

An engine takes spoken text and gives samples. Its front end (phonemes), its noise, its batches and its device are its
own affair; it says by `identity` what shapes its sound, so that the clip store can key by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from e2a_sidecar.model import Line, Take


@dataclass(frozen=True, slots=True)
class Transfers:
    """Copies between device and host, counted on the run's first batch; None where nothing was counted."""

    host_copies_per_batch: int | None = None
    uploads_per_batch: int | None = None
    hidden_syncs: int | None = None


class Engine(Protocol):
    """A voice that can speak.

    name: `vits_onnx`, `vits_torch`, `kokoro_student`, `kokoro`, `espeak` or `tone`. device: `cpu`, `cpu-torch`, `cuda:0`.
    rate_hz: of all its takes. identity: all that shapes the sound except the text and the take (design rule 4): engine
    family and its integer, front end and version, voice hash, speaker, language, scales, speed, precision; not device,
    runtime or batch. versions: of what speaks, for the report.
    """

    name: str
    device: str
    rate_hz: int
    identity: Mapping[str, str | int | float]
    versions: Mapping[str, str]

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """Speak all lines, in batches of the engine's choosing; each list is one finished batch.

        Order may differ from the given one, but a line is never held back behind more than a few batches. `lines` is
        read lazily. Between batches (and inside long ones) `stopped` is asked; when it says True, raise
        `errors.Stopped`. Raises SidecarError `device_unusable` or `speech_failed`. A line without anything that can be
        pronounced gives a Take of zero samples and the flag `unpronounceable`.
        """
        ...

    def transfers(self) -> Transfers:
        """Of the first batch of the last `speak`."""
        ...

    def close(self) -> None:
        """Free threads, sessions and device memory."""
        ...

"""The request `sample`: is this recording good for a cloned voice? Looked over, a stretch of it measured, cleaned, written.

Whatever the file is, it takes little more than TIME_S. The answer depends on the file alone, unless the computer is so slow that a look has to
be cut short.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.request import Sample
from e2a_sidecar.sampling import stretch
from e2a_sidecar.sampling.clean import as_recorded
from e2a_sidecar.sampling.examine import SILENT_DB, Examined, examined, verdict
from e2a_sidecar.sampling.scan import Scan, scan
from e2a_sidecar.sampling.source import TIME_S, Recording, unusable
from e2a_sidecar.sampling.stretch import LOOKED_AT_S
from e2a_sidecar.writing.flac import write_flac
from e2a_sidecar.writing.wav import write_wav

Opening = Callable[[], Recording]
_WORTH_ANOTHER_S: Final = 6.0
"""Of TIME_S, to try the next stretch where one is no good."""


class Sampling:
    """Answers the requests of one process; what the last recording looks like is kept, since its user tries one stretch after another."""

    def __init__(self) -> None:
        self._last: tuple[object, Scan] | None = None

    def answer(self, request: Sample, stopped: Callable[[], bool]) -> dict[str, Any]:
        """The fields of `sampled`. SidecarError `sample_unusable`, and of the files `output_unwritable`, `disk_full`; Stopped."""
        open_it = partial(Recording, request.path, stopped, time.monotonic() + TIME_S)
        looked = self._scan(request.path, open_it)
        if looked.peak < 10 ** (SILENT_DB / 20) or not looked.stretches:
            raise unusable("silence")
        found, rate_hz, channels = _found(request, looked, open_it)
        if stopped():
            raise Stopped
        sha256 = _written(request, found)
        return {**_told(looked, found), "rate_hz": rate_hz, "channels": channels, **({} if sha256 is None else {"sha256": sha256})}

    def _scan(self, path: Path, open_it: Opening) -> Scan:
        open_it().close()  # says what is wrong with a path
        about = path.stat()
        key = (path, about.st_size, about.st_mtime_ns, about.st_ino)
        if self._last is None or self._last[0] != key:
            self._last = (key, scan(open_it))
        return self._last[1]


def _found(request: Sample, looked: Scan, open_it: Opening) -> tuple[Examined, int, int]:
    """The first stretch that is good for anything, with the file's rate and channels; else what is wrong with the best."""
    first: SidecarError | None = None
    for start_s, end_s in _stretches(request, looked):
        try:
            with open_it() as recording:
                if first is not None and recording.left_s < _WORTH_ANOTHER_S:
                    break
                return examined(stretch.read(recording, looked, start_s, end_s)), recording.rate_hz, recording.channels
        except SidecarError as error:
            if error.params.get("reason") == "not_readable":
                raise
            first = first or error
    assert first is not None  # there is always a stretch
    raise first


def _written(request: Sample, found: Examined) -> str | None:
    """The files that were asked for; the sha256 of `out`."""
    rate_hz = found.stretch.rate_hz
    if request.before is not None:
        write_wav(request.before, [as_recorded(found.stretch.sound)], rate_hz)
    if request.after is not None:
        write_wav(request.after, [found.clean], rate_hz)
    return None if request.out is None else write_flac(request.out, found.clean, rate_hz)


def _stretches(request: Sample, looked: Scan) -> Iterator[tuple[float, float]]:
    if request.start_s is not None and request.end_s is not None:
        if request.start_s >= looked.duration_s:
            raise unusable("past_end")
        yield request.start_s, min(request.end_s, looked.duration_s)
        return
    yield from looked.stretches
    for start_s, end_s in looked.stretches[:1]:  # who pauses long says little in half a minute
        more_s = (LOOKED_AT_S - (end_s - start_s)) / 2
        if looked.duration_s > end_s - start_s:
            first_s = max(0.0, start_s - more_s)
            yield first_s, min(looked.duration_s, first_s + LOOKED_AT_S)


def _told(looked: Scan, found: Examined) -> dict[str, Any]:
    measures, word = found.measures, verdict(found)
    frames = measures.spoken.size
    return {
        "duration_s": round(looked.duration_s, 2),
        "start_s": round(found.stretch.start_s, 2),
        "end_s": round(found.stretch.end_s, 2),
        "peaks": list(looked.peaks),
        "bandwidth_hz": round(measures.bandwidth_hz),
        "level_lufs": round(measures.level_lufs, 1),
        "noise_db": round(measures.noise_db, 1),
        "snr_db": round(measures.snr_db, 1),
        "clipped": round(found.stretch.clipped, 5),
        "silent": round(1 - float(np.count_nonzero(measures.spoken)) / frames, 3) if frames else 1.0,
        "speech_s": round(found.speech_s, 2),
        "verdict": word[0],
        "remarks": list(word[1]),
    }

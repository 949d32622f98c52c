"""Where the time goes: CPU seconds of each part of the work, by wrapping the functions that do it. Nothing of the product knows of it.

A part's seconds are its thread's own, without those of parts within it: two reads of a clock for some ten calls a sentence.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Parts:
    """Seconds so far, by part; or whatever else grows while work is done, by a `clock` of it."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._within = threading.local()

    def taken(self) -> dict[str, float]:
        """All that was counted since it was asked last."""
        with self._lock:
            seconds, self._seconds = dict(self._seconds), defaultdict(float)
        return seconds

    @contextmanager
    def part(self, name: str, whole: bool = False) -> Iterator[None]:
        """What is done within belongs to that part. whole: also what would be a part of its own."""
        if getattr(self._within, "whole", False):
            yield
            return
        outer, begun = getattr(self._within, "inner_s", 0.0), self._clock()
        self._within.whole = whole
        self._within.inner_s = 0.0
        try:
            yield
        finally:
            seconds = self._clock() - begun
            with self._lock:
                self._seconds[name] += seconds - self._within.inner_s
            self._within.inner_s = outer + seconds
            self._within.whole = False

    def wrap(self, owner: Any, function: str, name: str | Callable[[Any], str], whole: bool = False) -> None:
        """Count calls of `owner.function`. name: of the part, or what gives it for the first argument."""
        inner = getattr(owner, function)

        @functools.wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.part(name if isinstance(name, str) else name(args[0]), whole):
                return inner(*args, **kwargs)

        setattr(owner, function, counted)


def of_book(parts: Parts) -> None:
    """What a conversion does besides speaking."""
    from e2a_sidecar import assembly, convert
    from e2a_sidecar.mastering import clips, master
    from e2a_sidecar.writing import aac, m4b

    parts.wrap(convert, "read_book", "reading")
    parts.wrap(assembly, "measure_voice", "gain", whole=True)
    for name in ("clip", "silence", "flush", "energies"):
        parts.wrap(master.Master, name, "mastering")
    for name in ("add", "finish"):
        parts.wrap(aac.AacEncoder, name, "encoding")
        parts.wrap(m4b.M4bWriter, name, "writing")
    for name in ("get", "facts", "put"):
        parts.wrap(clips.ClipStore, name, "writing")
    for name in ("write_tags", "verify_m4b", "encoder_check"):
        parts.wrap(convert, name, "writing")


def of_engine(parts: Parts, engine: Any) -> None:
    """What an engine does on a CPU; nothing is known of one on a graphics card, where the work is done elsewhere and later."""
    if engine.name == "kokoro_student":
        _of_student(parts, engine)
        return
    if engine.device == "cpu":
        _of_onnxruntime(parts, engine)
    elif engine.device == "cpu-torch":
        _of_torch(parts)
        if engine._network.conversion is not None:
            of_conversion(parts)
    front_end = type(engine._voice.front_end)
    parts.wrap(front_end, "encode", "phonemes")


def _of_onnxruntime(parts: Parts, engine: Any) -> None:
    import onnxruntime  # type: ignore[import-untyped]
    from e2a_sidecar.speaking import vits_onnx

    network = engine._network
    kinds = {id(network._encode): "encoder", id(network._flow): "flow"}
    for run in ("run", "run_with_iobinding"):
        parts.wrap(onnxruntime.InferenceSession, run, lambda session: kinds.get(id(session), "decoder"))
    parts.wrap(vits_onnx, "take_noise", "noise")


def _of_student(parts: Parts, engine: Any) -> None:
    import onnxruntime
    from e2a_sidecar.speaking import spectra

    network = engine._session
    parts.wrap(onnxruntime.InferenceSession, "run", lambda session: "network" if session is network else "phonemes")  # the net of unknown words
    parts.wrap(spectra, "noise_of", "noise")
    for name in ("pulses", "samples_of"):
        parts.wrap(spectra, name, "spectra")
    parts.wrap(type(engine._front_end), "encode", "phonemes")


def _of_torch(parts: Parts) -> None:
    from e2a_sidecar.speaking import ahead, host, vits_network

    parts.wrap(vits_network.VitsNetwork, "begin_encode", "encoder")
    parts.wrap(vits_network.VitsNetwork, "_latents", "flow")
    parts.wrap(vits_network.VitsNetwork, "_decode_group", "decoder")
    for name in ("upload", "begin_read"):
        parts.wrap(host.HostBoundary, name, "copies")
    parts.wrap(ahead, "take_noise", "noise")


def of_conversion(parts: Parts) -> None:
    """What turns a base voice's speech into a clone's."""
    from e2a_sidecar.speaking.clone import decoding, freevc, knnvc, openvoice, resample, wavlm

    parts.wrap(resample.Resampler, "__call__", "resampling")
    parts.wrap(wavlm.Features, "__call__", "listening")
    parts.wrap(decoding.Decoding, "__call__", "vocoder")
    for converter in (freevc.FreeVC, knnvc.KnnVc, openvoice.OpenVoice):
        parts.wrap(converter, "convert", "turning")

"""Whether what was made of a voice's file still sounds as the file does, tried once before it is used.

A cut, a conversion or an export is found by structure, and structure can deceive; so a few phonemes are spoken both ways
with the same noise and compared. The answer is kept by the file's hash. onnxruntime is imported only where it is tried.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.utils import Extractor

from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.voices import blocked_graph
from e2a_sidecar.voices.blocked_graph import Blocked
from e2a_sidecar.voices.cut import Cut

_log = logging.getLogger(__name__)

WITHIN: Final = 1e-3  # of full scale (design rule 9)
NOISE_SCALE: Final = 0.667
NOISE_W: Final = 0.8
IDS: Final = (1, 0, 14, 0, 20, 0, 3, 0, 18, 0, 7, 0, 15, 0, 2)
"""Begin, some phonemes with pads between, end: by the table that most Piper voices share. See `ids_of`."""
_MOST_FRAMES: Final = 1500  # a voice that makes more of these few phonemes has lost its way, and memory is not infinite
_KEY: Final = "sound check"
_CONTEXTS: Final = (14, 20, 32, 64)  # the largest published decoder sees 13.3 frames
_WINDOW: Final = 32
_SENTENCES: Final = (1, 94)
"""Frames of what a flow is tried with: lengths that are no multiple of another's step."""
_SAME: Final = (1e-6, 1e-5)
"""As near as rounding goes; and for a processor whose sums depend on a window's size, what is still not heard."""

Floats = NDArray[np.float32]


class Unsound(Exception):
    """A voice that cannot be tried, or does not pass: why, in plain words and technically."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}"[:500])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Spoken:
    """frames: of each id; latent_noise (1, channels, frames), as given; samples: float, not clipped."""

    frames: Floats
    latent_noise: Floats
    samples: Floats


def difference(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest difference of two renderings (floats, 1.0 = full scale, clipped there); infinite where they cannot be compared."""
    if ours.shape != theirs.shape or not np.isfinite(ours).all() or not np.isfinite(theirs).all():
        return float("inf")
    return float(np.abs(np.clip(ours, -1, 1) - np.clip(theirs, -1, 1)).max(initial=0.0))


def remembered(cache_dir: Path, name: str, check: Callable[[], str]) -> str:
    """What `check` says (empty: sound), from the cache or tried now and kept there. name: of what is checked, by its hash."""
    path = cache_dir / "checks" / f"{name}.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, TypeError, KeyError):
        pass
    reason = check()
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"reason": reason}), encoding="utf-8")
        beside.replace(path)
    except OSError as error:  # tried again the next time
        _log.warning("the check of %s is not kept: %s", name, error)
    return reason


def ids_of(cut: Cut) -> tuple[int, ...]:
    """IDS, within the voice's own alphabet where that is smaller."""
    return tuple(number % cut.names.symbols for number in IDS) if cut.names.symbols else IDS


def duration_noise() -> Floats:
    """(1, 2, ids)."""
    return take_noise(_KEY, 0, "duration", (1, 2, len(IDS)))


def spoken_by_cut(cut: Cut, speaker: int | None, noise_scale: float, noise_w: float) -> Spoken:
    """IDS by the parts of a cut. Unsound where that is not possible."""
    names = cut.names
    encode, flow, decode = (_session(str(part)) for part in (cut.encode, cut.flow, cut.decode))
    feed = _feed(cut, speaker, noise_scale, noise_w)
    if names.duration_noise:
        feed[names.duration_noise] = duration_noise()
    mine = {name: feed[name] for name in (*names.encode_inputs, *([names.duration_noise] if names.duration_noise else []))}
    frames = _run(_durations(cut, tuple(mine)), names.frames, mine)
    if not np.isfinite(frames).all() or not 1 <= frames.sum() <= _MOST_FRAMES:
        raise Unsound("its phonemes last absurdly long", f"{frames.sum():.0f} frames for {len(IDS)} phonemes")
    mean = _run(encode, names.mean, mine)
    deviation = _run(encode, names.deviation, mine)
    noise = take_noise(_KEY, 0, "latent", mean.shape)
    z = mean + noise * deviation * np.float32(noise_scale)
    mask = np.ones((1, 1, mean.shape[-1]), dtype=np.float32)
    by_flow = {names.z: z, names.mask: mask, **{name: feed[name] for name in names.flow_inputs}}
    latents = _run(flow, names.latents, {i.name: by_flow[i.name] for i in flow.get_inputs()})
    samples = _run(decode, names.samples, {names.latents: latents, **{name: feed[name] for name in names.decode_inputs}})
    return Spoken(frames.reshape(-1), noise, samples.reshape(-1))


def _durations(cut: Cut, inputs: Sequence[str]) -> Any:
    """What gives the frames alone: the whole of encode would spread absurd ones over all memory before they were seen."""
    model = Extractor(onnx.load(str(cut.encode))).extract_model(list(inputs), [cut.names.frames])
    return _session(model.SerializeToString())


def cut_difference(cut: Cut, parts: Spoken, whole: bytes, latent_noise: str, speaker: int | None) -> float:
    """How far a cut's sound is from its whole graph's, with the same noise. Unsound where that cannot be tried.

    parts: what the cut spoke with NOISE_SCALE and NOISE_W. whole: the graph, its noise made inputs; latent_noise: the name
    of that which it adds to the latents.
    """
    names = cut.names
    feed = {**_feed(cut, speaker, NOISE_SCALE, NOISE_W), latent_noise: parts.latent_noise}
    if names.duration_noise:
        feed[names.duration_noise] = duration_noise()
    session = _session(whole)
    wanted = {given.name for given in session.get_inputs()}
    return difference(parts.samples, _run(session, names.samples, {name: value for name, value in feed.items() if name in wanted}).reshape(-1))


def decoder_feed(cut: Cut, speaker: int | None) -> dict[str, NDArray[Any]]:
    """What its decoder takes beside latents."""
    return _fixed(cut, speaker, cut.names.decode_inputs)


def flow_feed(cut: Cut, speaker: int | None) -> dict[str, NDArray[Any]]:
    """What its flow takes beside z and the mask."""
    return _fixed(cut, speaker, cut.names.flow_inputs)


def decoder_context(cut: Cut, channels: int, speaker: int | None) -> int:
    """Of _CONTEXTS the fewest frames on each side with which a window of the decoder is as the whole. Unsound where none is enough."""
    session, names = _session(str(cut.decode)), cut.names
    feed = decoder_feed(cut, speaker)
    latents = take_noise(_KEY, 0, "latent", (1, channels, 2 * _CONTEXTS[-1] + _WINDOW))
    whole = _run(session, names.samples, {names.latents: latents, **feed}).reshape(-1)
    hop, start = whole.size // latents.shape[-1], _CONTEXTS[-1]
    wanted = whole[start * hop : (start + _WINDOW) * hop]
    apart: dict[int, float] = {}
    for context in _CONTEXTS:
        samples = _run(session, names.samples, {names.latents: latents[:, :, start - context : start + _WINDOW + context], **feed}).reshape(-1)
        apart[context] = difference(samples[context * hop : (context + _WINDOW) * hop], wanted)
    found = next((context for limit in _SAME for context in _CONTEXTS if apart[context] <= limit), None)
    if found is None:
        raise Unsound("its decoder looks too far around", f"more than {_CONTEXTS[-1]} frames, {apart}")
    return found


def decoder_difference(plain: Path, latents: str, samples: str, blocked: Blocked, channels: int, fixed: Mapping[str, NDArray[Any]]) -> float:
    """How far a decoder written anew is from the plain one, in one piece and in three windows. Unsound where it cannot be tried.

    latents, samples: tensors of the plain one; channels: of the latents; fixed: other inputs of both.
    """
    theirs, ours = _session(str(plain)), _session(str(blocked.path))
    window, apart = -(-(blocked.context + 10) // blocked.step) * blocked.step, [0.0]
    for take, places in enumerate(((), (window, 2 * window))):
        given = take_noise(_KEY, take, "latent", (1, channels, 3 * window - 1)) * np.float32(1 + take)
        wanted = _run(theirs, samples, {latents: given, **fixed}).reshape(-1)
        windows = pairwise((0, *places, given.shape[2]))
        found = [_run(ours, blocked_graph.SAMPLES, {**blocked.window(given, start, end), **fixed}).reshape(-1) for start, end in windows]
        apart.append(difference(np.concatenate(found), wanted))
    return max(apart)


def flow_difference(cut: Cut, faster: bytes, channels: int, fixed: Mapping[str, NDArray[Any]]) -> float:
    """How far what the plain decoder makes of another flow's latents is from what it makes of the cut's own. Unsound where it cannot be tried.

    faster: the other flow's graph; channels: of z; fixed: the inputs of flow and decoder that stay the same.
    """
    names, apart = cut.names, [0.0]
    flows, decode = (_session(str(cut.flow)), _session(faster)), _session(str(cut.decode))
    for frames in _SENTENCES:
        feed = {names.z: take_noise(_KEY, 0, "latent", (1, channels, frames)), names.mask: np.ones((1, 1, frames), dtype=np.float32), **fixed}
        latents = [_run(flow, names.latents, _taken(flow, feed)) for flow in flows]
        theirs, ours = (_run(decode, names.samples, _taken(decode, {names.latents: one, **fixed})) for one in latents)
        apart.append(difference(ours, theirs))
    return max(apart)


def _taken(session: Any, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {given.name: feed[given.name] for given in session.get_inputs()}


def _fixed(cut: Cut, speaker: int | None, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    feed = _feed(cut, speaker, 0.0, 0.0)
    return {name: feed[name] for name in names}


def _feed(cut: Cut, speaker: int | None, noise_scale: float, noise_w: float) -> dict[str, NDArray[Any]]:
    ids = np.array([ids_of(cut)], dtype=np.int64)
    scales = np.array([noise_scale, 1.0, noise_w], dtype=np.float32)
    feed: dict[str, NDArray[Any]] = {"input": ids, "input_lengths": np.array([len(IDS)], dtype=np.int64), "scales": scales}
    return feed if speaker is None else {**feed, "sid": np.array([speaker], dtype=np.int64)}


def _session(model: str | bytes) -> Any:
    """Of a path or of what a file holds."""
    from e2a_sidecar.speaking.cpu_session import cpu_session

    try:
        return cpu_session(model)
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common class
        raise Unsound("onnxruntime does not open it", str(error)) from None


def _run(session: Any, output: str, feed: Mapping[str, NDArray[Any]]) -> Floats:
    try:
        found = session.run([output], dict(feed))[0]
    except Exception as error:  # noqa: BLE001
        raise Unsound("onnxruntime does not speak it", str(error)) from None
    return np.asarray(found, dtype=np.float32)

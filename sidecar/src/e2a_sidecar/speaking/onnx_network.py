"""A VITS in onnxruntime: three graphs run one after the other for one piece of text; all of it NumPy.

    encode  phoneme ids, duration noise -> prior (mean, deviation), frames of each phoneme
    flow    prior and latent noise -> latents
    decode  latents, window after window -> samples

The cut and the noise are those of `vits_network` (design rules 9 and 12). The decoder works in windows with neighbours on
each side that are thrown away: bit for bit the whole's samples, memory does not grow with a sentence, and what it works
on stays nearer to the cache. Windows may go to an accelerator (`providers`). May be used by several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.cpu_session import cpu_session
from e2a_sidecar.speaking.limits import fault, on_edge
from e2a_sidecar.speaking.providers import fixed_windows, open_decode
from e2a_sidecar.voices import blocked_graph
from e2a_sidecar.voices.onnx_voice import OnnxVoice

WINDOW_FRAMES: Final = 228
SHORT_FRAMES: Final = 48
"""Of a window at least, where several threads share a sentence: neighbours are decoded in vain."""
RUN_ERRORS: Final = (ort_errors.Fail, ort_errors.RuntimeException, ort_errors.InvalidArgument, ort_errors.EPFail, ort_errors.NotImplemented)
LOAD_ERRORS: Final = (*RUN_ERRORS, ort_errors.NoSuchFile, ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.NoModel)


Floats = NDArray[np.float32]
Share = Callable[[Sequence[Callable[[], Floats]]], list[Floats]]
"""Does pieces of work, by several threads, and gives what they give in their order."""


def one_by_one(parts: Sequence[Callable[[], Floats]]) -> list[Floats]:
    return [part() for part in parts]


@dataclass(frozen=True, slots=True)
class Prior:
    """What encode gives: mean and deviation, (channels, frames) or (channels, phonemes), and whole frames of each phoneme.

    edge: may one of these be rounded otherwise elsewhere?
    """

    mean: Floats
    deviation: Floats
    frames: Floats
    per_phoneme: bool
    edge: bool

    def of_frames(self) -> tuple[Floats, Floats]:
        """Mean and deviation of each frame; of one frame at least."""
        if not self.per_phoneme:
            return self.mean, self.deviation
        counts = self.frames.astype(np.int64)
        if not counts.any():
            counts[-1] = 1
        return np.repeat(self.mean, counts, axis=1), np.repeat(self.deviation, counts, axis=1)


class OnnxNetwork:
    """A voice's sessions. Raises of LOAD_ERRORS what onnxruntime does where a graph does not open."""

    def __init__(self, voice: OnnxVoice, name: str, device: str = "cpu") -> None:
        """name: the voice's, for errors. device: where the decoder runs, `cpu` or one of `providers`' (SidecarError `device_unusable`)."""
        self._voice = voice
        self._name = name
        self._blocked = voice.cut.blocked if device == "cpu" else None
        decode = voice.cut.decode if self._blocked is None else self._blocked.path
        self._encode, self._flow, self._decode = (cpu_session(str(path)) for path in (voice.cut.encode, voice.cut.flow, decode))
        names = voice.cut.names
        fixed = self._fixed(self._decode)
        self._accelerated = None if device == "cpu" else open_decode(device, self._decode, voice.cut.decode, names.latents, names.samples, fixed, voice.context)

    def encode(self, ids: Sequence[int], noise: Floats, run: ort.RunOptions | None = None) -> Prior:
        """noise: (2, phonemes), unscaled; not looked at where the voice's durations take none.

        SidecarError `voice_broken` where the network does not say of each phoneme how long it is, or of each frame how it sounds.
        """
        voice, names = self._voice, self._voice.cut.names
        feed: dict[str, Any] = {"input": np.array([ids], dtype=np.int64), "input_lengths": np.array([len(ids)], dtype=np.int64)}
        feed |= self._fixed(self._encode)
        if names.duration_noise:
            feed[names.duration_noise] = (noise * np.float32(voice.noise_w) if voice.per_phoneme else noise)[None]
        mean, deviation, unrounded = self._encode.run([names.mean, names.deviation, names.unrounded], feed, run)
        unrounded = unrounded.reshape(-1)
        if voice.per_phoneme:
            unrounded = unrounded * np.float32(voice.length_scale)
        frames = np.ceil(unrounded)
        wrong = fault(frames, voice.hop_length)
        count = 1 if wrong else max(1, int(frames.sum(dtype=np.float64)))
        self._expect("durations", frames.size == len(ids))
        self._expect("prior", mean.shape == deviation.shape and mean.ndim == 3 and len(mean) == 1)
        self._expect("frames", mean.shape[2] == (len(ids) if voice.per_phoneme else count) or bool(wrong))
        return Prior(mean[0], deviation[0], frames, voice.per_phoneme, not wrong and on_edge(unrounded))

    def decode(
        self, mean: Floats, deviation: Floats, noise: Floats, run: ort.RunOptions | None = None, parts: int = 1, share: Share = one_by_one
    ) -> list[Floats]:
        """Samples, 1-D, of window after window; mean, deviation, noise (channels, frames).

        parts: how many windows would be welcome to `share`. At the true ends there are no neighbours: the decoder pads there
        as it does for the whole. SidecarError `voice_broken` where the network makes another number of samples than the voice says.
        """
        names = self._voice.cut.names
        z = mean + noise * deviation * np.float32(self._voice.noise_scale)
        feed: dict[str, Any] = {names.z: z[None], names.mask: np.ones((1, 1, z.shape[1]), dtype=np.float32), **self._fixed(self._flow)}
        latents: Floats = self._flow.run([names.latents], feed, run)[0]
        self._expect("latents", latents.ndim == 3 and latents.shape[::2] == (1, z.shape[1] * self._voice.upsampling))
        return share([partial(self._of_window, latents, window, run) for window in self._windows(latents.shape[2], parts)])

    def _expect(self, what: str, right: bool) -> None:
        if not right:
            raise SidecarError("voice_broken", f"the shape of its {what}", voice=self._name, reason="its network does not speak what it is given")

    def _of_window(self, latents: Floats, window: tuple[int, int, int, int], run: ort.RunOptions | None) -> Floats:
        """A window's own samples."""
        (start, end, low, high), hop = window, self._voice.hop_length / self._voice.upsampling
        samples = self._window(latents[:, :, low:high], (low < start, end < high), run)
        first, frames = (start, end - start) if self._blocked else (low, high - low)
        if samples.size != frames * hop:  # every time and every window would be wrong
            reason = f"its description says {hop:g} samples a frame, its network makes {samples.size / frames:g}"
            raise SidecarError("voice_broken", "hop_length", voice=self._name, reason=reason)
        return samples[int((start - first) * hop) : int((end - first) * hop)]

    def _windows(self, length: int, parts: int) -> Sequence[tuple[int, int, int, int]]:
        """[start, end) of what is kept and [low, high) of what is decoded for it."""
        context, step = (self._blocked.context, self._blocked.step) if self._blocked else (self._voice.context, 1)
        if self._accelerated is not None and length >= self._accelerated.frames:
            return fixed_windows(length, context, self._accelerated.frames)
        return [(start, end, max(0, start - context), min(length, end + context)) for start, end in windows(length, parts, step, context)]

    def _window(self, latents: Floats, neighbours: tuple[bool, bool], run: ort.RunOptions | None) -> Floats:
        """Samples; a blocked decoder gives none of the neighbours', which are to the left and to the right or not."""
        if self._accelerated is not None and latents.shape[2] == self._accelerated.frames:
            return self._accelerated.run(latents, run)
        names = self._voice.cut.names
        output, feed = names.samples, {names.latents: latents}
        if self._blocked:
            output, feed = blocked_graph.SAMPLES, blocked_graph.feed(latents, neighbours)
        found: Floats = self._decode.run([output], {**feed, **self._fixed(self._decode)}, run)[0]
        return found.reshape(-1)

    def _fixed(self, session: ort.InferenceSession) -> dict[str, Any]:
        """What of the voice's fixed inputs that graph takes."""
        return {given.name: self._voice.fixed[given.name] for given in session.get_inputs() if given.name in self._voice.fixed}


def windows(length: int, parts: int = 1, step: int = 1, context: int = 0) -> list[tuple[int, int]]:
    """[start, end) frames of windows of about equal length, none longer than WINDOW_FRAMES; `parts` of them where they do not get too short.

    They begin at multiples of `step` frames, and none is shorter than the `context` that its neighbours are given of it.
    """
    shortest, steps = max(SHORT_FRAMES, context) + 2 * (step - 1), -(-length // step)
    count = max(1, -(-steps // (WINDOW_FRAMES // step)), min(parts, length // shortest))
    return list(pairwise((*(steps * i // count * step for i in range(count)), length)))

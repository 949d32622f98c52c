"""A VITS on one device: our own inference over the submodules of coqui's `Vits`, all of it tensors.

    encode  phoneme ids, duration noise -> prior (mean, log scale) and frames of each phoneme     [upload 1, read 1]
    decode  prior, latent noise -> int16 samples, packed, with a flag for each sentence           [upload 2, read 2]

coqui's own `inference` draws its noise itself and waits for the device many times; here its submodules `text_encoder`
and `waveform_decoder` are called, and the layers of `duration_predictor` and `flow` by `durations` and `flow`. The cut
and the noise are those of `vits_onnx` (design rules 9 and 12), so both runtimes give the same take. May be used by
several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from e2a_sidecar.speaking.decoder import Decoder, Window
from e2a_sidecar.speaking.durations import log_durations
from e2a_sidecar.speaking.flow import reverse_flow
from e2a_sidecar.speaking.host import HostBoundary, Packed, Read
from e2a_sidecar.voices.loaded import LoadedVits

Noise = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prior:
    """What encode leaves on the device: mean and log scale (batch, channels, phonemes), frames (batch, phonemes)."""

    mean: torch.Tensor
    log_scale: torch.Tensor
    frames: torch.Tensor


@dataclass(frozen=True, slots=True)
class Waves:
    """Packed int16 on its way to the host: a flag for each sentence (1: it was not finite), then the samples of each."""

    read: Read
    samples: tuple[int, ...]

    def result(self) -> list[tuple[NDArray[np.int16], bool]]:
        """Of each sentence its samples and whether a value was NaN or infinite (such are silence)."""
        packed = _int16(self.read.result())
        ends = np.cumsum((len(self.samples), *self.samples))
        return [(packed[end - count : end].copy(), bool(packed[i])) for i, (end, count) in enumerate(zip(ends[1:], self.samples, strict=True))]


class VitsNetwork:
    """A loaded voice on the boundary's device."""

    def __init__(self, voice: LoadedVits, boundary: HostBoundary) -> None:
        self._boundary = boundary
        self._voice = voice
        self._vits = voice.network.to(boundary.device)
        self._speaker = None if voice.speaker is None else voice.speaker.to(boundary.device)
        self._language = None if voice.language is None else voice.language.to(boundary.device)
        self._decoder = Decoder(self._vits.waveform_decoder)
        self.channels: int = voice.channels

    @torch.inference_mode()
    def encode(self, ids: Sequence[Sequence[int]], noise: Sequence[Noise]) -> tuple[Prior, NDArray[np.float32]]:
        """ids and noise (2, phonemes) of each sentence -> (prior, unrounded frames of each phoneme, (batch, longest))."""
        batch, longest = len(ids), max(map(len, ids))
        packed = np.zeros(batch * (1 + 3 * longest), dtype=np.int32)
        packed[:batch] = [len(i) for i in ids]
        padded_ids = packed[batch : batch * (1 + longest)].reshape(batch, longest)
        padded_noise = packed[batch * (1 + longest) :].view(np.float32).reshape(batch, 2, longest)
        for row, (numbers, values) in enumerate(zip(ids, noise, strict=True)):
            padded_ids[row, : len(numbers)] = numbers
            padded_noise[row, :, : len(numbers)] = values
        there = self._boundary.upload(packed)
        lengths = there[:batch]
        tokens = there[batch : batch * (1 + longest)].view(batch, longest)
        duration_noise = there[batch * (1 + longest) :].view(torch.float32).view(batch, 2, longest)

        speaker, language = _for_batch(self._speaker, batch), _for_batch(self._language, batch)
        heard = speaker if self._voice.speaker_sets_durations else None
        mean, log_scale, frames = predicted(self._vits, tokens, lengths, duration_noise * self._voice.noise_w, heard, language)
        frames = frames * self._voice.length_scale
        durations = self._boundary.read_lengths(frames).reshape(batch, longest)
        return Prior(mean, log_scale, torch.ceil(frames)[:, 0]), durations

    @torch.inference_mode()
    def decode(self, prior: Prior, frames: Sequence[int], noise: Sequence[Noise], window: int, at_once: int, poll: Callable[[], None]) -> Waves:
        """Speak the sentences whose numbers of frames are given, with their noise (channels, frames).

        window: frames decoded in one piece; at_once: frames in all pieces decoded together, padding counted.
        """
        batch, longest = len(frames), max(frames)
        counts = [count * self._voice.upsampling for count in frames]
        groups = _grouped(list(self._decoder.windows(counts, window)), at_once)
        lengths = [w.high - w.low for group in groups for w in group]
        packed = np.zeros(len(lengths) + batch * (1 + self.channels * longest), dtype=np.int32)
        packed[: len(lengths)] = lengths
        packed[len(lengths) : len(lengths) + batch] = frames
        padded_noise = packed[len(lengths) + batch :].view(np.float32).reshape(batch, self.channels, longest)
        for row, values in enumerate(noise):
            padded_noise[row, :, : frames[row]] = values
        there = self._boundary.upload(packed)
        window_lengths, sentence_lengths = there[: len(lengths)], there[len(lengths) : len(lengths) + batch]
        z = self._latents(prior, sentence_lengths, there[len(lengths) + batch :].view(torch.float32).view(batch, self.channels, longest))

        pieces: list[list[torch.Tensor]] = [[] for _ in frames]
        first = 0
        for group in groups:
            poll()
            for window_, wave in zip(group, self._decode_group(z, group, window_lengths[first : first + len(group)], poll), strict=True):
                pieces[window_.item].append(wave)
            first += len(group)
        waves = [torch.cat(parts) for parts in pieces]
        broken = torch.stack([~torch.isfinite(wave).all() for wave in waves]).to(torch.int16)
        quantised = [(torch.nan_to_num(wave, 0.0, 0.0, 0.0).clamp(-1, 1) * 32767).round().to(torch.int16) for wave in waves]
        read = self._boundary.begin_read(torch.cat([broken, *quantised]))
        return Waves(read, tuple(count * self._decoder.hop_length for count in counts))

    def _latents(self, prior: Prior, lengths: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The decoder's input (batch, channels, frames): the prior of each frame's phoneme, noise on it, the flow."""
        steps = torch.arange(noise.shape[-1], device=noise.device)
        ends = torch.cumsum(prior.frames, dim=1)
        owner = torch.searchsorted(ends, steps.to(ends.dtype).expand(len(ends), -1).contiguous(), right=True).clamp_max(ends.shape[1] - 1)
        owner = owner[:, None].expand(-1, self.channels, -1)
        mask = (steps[None, None] < lengths[:, None, None]).to(noise.dtype)
        scale = torch.exp(prior.log_scale).gather(2, owner)
        z = (prior.mean.gather(2, owner) + noise * scale * self._voice.noise_scale) * mask
        return upsampled(reverse_flow(self._vits.flow, z, mask, _for_batch(self._speaker, len(ends))), lengths, self._voice.upsampling)

    def _decode_group(self, z: torch.Tensor, group: Sequence[Window], lengths: torch.Tensor, poll: Callable[[], None]) -> list[torch.Tensor]:
        """Each window's own samples, without its neighbours'."""
        longest = max(w.high - w.low for w in group)
        padded = torch.stack([torch.nn.functional.pad(z[w.item, :, w.low : w.high], (0, longest - (w.high - w.low))) for w in group])
        even = all(w.high - w.low == longest for w in group)
        waves = self._decoder(padded, None if even else lengths, _for_batch(self._speaker, len(group)), poll)
        hop = self._decoder.hop_length
        return [waves[i, (w.start - w.low) * hop : (w.end - w.low) * hop] for i, w in enumerate(group)]


def predicted(
    vits: Any, tokens: torch.Tensor, lengths: torch.Tensor, noise: torch.Tensor, speaker: torch.Tensor | None, language: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mean and log scale (batch, channels, phonemes), and unrounded frames (batch, 1, phonemes) at length scale 1.

    vits: coqui's. tokens (batch, phonemes), lengths (batch,), noise (batch, 2, phonemes), already scaled. speaker,
    language: conditioning vectors (batch, channels, 1); no speaker where it doesn't set durations.
    """
    hidden, mean, log_scale, mask = vits.text_encoder(tokens, lengths, lang_emb=language)
    frames = torch.exp(log_durations(vits.duration_predictor, hidden, mask, noise, speaker, language)) * mask
    return mean, log_scale, frames


def upsampled(z: torch.Tensor, lengths: torch.Tensor, factor: int) -> torch.Tensor:
    """Latents (batch, channels, frames) interpolated to `factor` times as many frames, as coqui's `upsampling_z` does it.

    Each item's last frame is held through its padding, so that its end is what it would be alone.
    """
    if factor == 1:
        return z
    steps = torch.arange(z.shape[-1], device=z.device)
    held = torch.minimum(steps[None, None], lengths[:, None, None] - 1).expand(z.shape)
    longer = stretched(z.gather(2, held), factor)
    steps = torch.arange(longer.shape[-1], device=z.device)
    return longer * (steps[None, None] < (lengths * factor)[:, None, None])


def stretched(z: torch.Tensor, factor: int) -> torch.Tensor:
    """Latents interpolated along their last axis, nothing of them being padding."""
    return torch.nn.functional.interpolate(z, scale_factor=float(factor), mode="linear")


def _for_batch(vector: torch.Tensor | None, batch: int) -> torch.Tensor | None:
    return None if vector is None else vector.expand(batch, -1, -1)


def _grouped(windows: list[Window], at_once: int) -> list[list[Window]]:
    """Windows to be decoded together: in order, padded to the longest, no more frames than `at_once` (but one at least)."""
    groups: list[list[Window]] = []
    for window in windows:
        longest = max((w.high - w.low for w in [*(groups[-1] if groups else []), window]), default=0)
        if groups and (len(groups[-1]) + 1) * longest <= at_once:
            groups[-1].append(window)
        else:
            groups.append([window])
    return groups


def _int16(packed: Packed) -> NDArray[np.int16]:
    return packed.astype(np.int16, copy=False)

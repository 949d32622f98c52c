"""A VITS on one device: our own inference over the submodules of coqui's `Vits`, all of it tensors.

    encode  phoneme ids, duration noise -> prior (mean, log scale) and frames of each phoneme     [upload 1, read 1]
    decode  prior, latent noise -> int16 samples, packed                                          [upload 2, read 2]

Where the voice is a clone's base, `decode` ends in a conversion (`clone.conversion`), with its noise in a third upload.

`decode` has two ways. In windows each sentence is padded to the longest, and its windows are decoded together with those
of others, as many as is asked: with one sentence and one window this is how a CPU speaks. In rows (`decode_rows`) all
sentences lie one behind the other: every call of the decoder has one shape and nothing is padded, which is for a GPU.

coqui's own `inference` draws its noise itself and waits for the device many times; here its submodules `text_encoder`
and `waveform_decoder` are called, and the layers of `duration_predictor` and `flow` by `durations` and `flow`. The cut
and the noise are those of `vits_onnx` (design rules 9 and 12), so both runtimes give the same take. May be used by
several threads at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from e2a_sidecar.speaking import device as devices
from e2a_sidecar.speaking.decoder import Decoder, Window, farthest
from e2a_sidecar.speaking.durations import log_durations
from e2a_sidecar.speaking.flow import reach, reverse_flow
from e2a_sidecar.speaking.graph import Replayed
from e2a_sidecar.speaking.host import HostBoundary, Packed, Read
from e2a_sidecar.speaking.row_decoder import RowDecoder
from e2a_sidecar.speaking.rows import BROKEN, MOST_IN_A_ROW, Material, parted
from e2a_sidecar.voices.loaded import LoadedVits

if TYPE_CHECKING:
    from e2a_sidecar.speaking.clone.conversion import Conversion, Prepared

Noise = NDArray[np.float32]
_TRIED_ROW: Final = 512
_SHARE: Final = 0.4
"""Of the memory that is left, for a row: the graph keeps what it takes, and the flow works on all rows at once."""
_SHARE_BESIDE_CONVERTER: Final = 0.15
"""Where a row's speech is converted too, which takes a few times as much as the row."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What encode leaves on the device: mean and log scale (batch, channels, phonemes), frames (batch, phonemes)."""

    mean: torch.Tensor
    log_scale: torch.Tensor
    frames: torch.Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch whose lengths are on their way to the host. shape: of the durations, (batch, longest)."""

    prior: Prior
    read: Read
    shape: tuple[int, int]

    def durations(self) -> NDArray[np.float32]:
        """Wait, and give the unrounded frames of each phoneme."""
        return self.read.result().astype(np.float32, copy=False).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Waves:
    """Packed int16 on its way to the host: the samples of each sentence, BROKEN where one was NaN or infinite."""

    read: Read
    samples: tuple[int, ...]

    def result(self) -> list[tuple[NDArray[np.int16], bool]]:
        """Of each sentence its samples and whether a value was NaN or infinite (such are silence)."""
        return parted(_int16(self.read.result()), self.samples)


@dataclass(frozen=True, slots=True)
class Laid:
    """z: the decoder's input (rows, channels, frames), zero where nothing stands. gaps, target: of each row. source: see `rows.Rows`.
    finite: which frames of the batch are numbers."""

    z: torch.Tensor
    gaps: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor
    finite: torch.Tensor


class VitsNetwork:
    """A loaded voice on the boundary's device."""

    def __init__(self, voice: LoadedVits, boundary: HostBoundary, conversion: Conversion | None = None) -> None:
        self._boundary = boundary
        self.conversion = conversion
        self._voice = voice
        self._vits = voice.network.to(boundary.device)
        self._speaker = None if voice.speaker is None else voice.speaker.to(boundary.device)
        self._language = None if voice.language is None else voice.language.to(boundary.device)
        self._decoder = Decoder(self._vits.waveform_decoder)
        self._row_decoder = Replayed(RowDecoder(self._vits.waveform_decoder))
        self.channels: int = voice.channels
        self.hop_length = voice.upsampling * self._decoder.hop_length
        up, (whole, farthest_step) = voice.upsampling, reach(self._vits.flow)
        self._gap = max(2, farthest_step, math.ceil(farthest(self._vits.waveform_decoder) / up))
        self._context = math.ceil(self._decoder.context / up) + whole + 1

    def encode(self, ids: Sequence[Sequence[int]], noise: Sequence[Noise]) -> tuple[Prior, NDArray[np.float32]]:
        """ids and noise (2, phonemes) of each sentence -> (prior, unrounded frames of each phoneme, (batch, longest))."""
        encoded = self.begin_encode(ids, noise)
        return encoded.prior, encoded.durations()

    @torch.inference_mode()
    def begin_encode(self, ids: Sequence[Sequence[int]], noise: Sequence[Noise]) -> Encoded:
        """As `encode`, without waiting for the device."""
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
        return Encoded(Prior(mean, log_scale, torch.ceil(frames)[:, 0]), self._boundary.begin_read(frames), (batch, longest))

    @torch.inference_mode()
    def decode(
        self,
        prior: Prior,
        frames: Sequence[int],
        noise: Sequence[Noise],
        window: int,
        at_once: int,
        poll: Callable[[], None],
        conversion: Prepared | None = None,
    ) -> Waves:
        """Speak the sentences whose numbers of frames are given, with their noise (channels, frames).

        window: frames decoded in one piece; at_once: frames in all pieces decoded together, padding counted. conversion: see `prepared`.
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
        return self._spoken(torch.cat([wave for parts in pieces for wave in parts]), frames, at_once, poll, conversion)

    def material(self, durations: Sequence[NDArray[np.float32]], encoded: Encoded, at_once: int) -> Material:
        """The upload of `decode_rows`, all but its noise. durations: of each sentence, whole frames of each phoneme. at_once: the
        decoder's frames in a row at most."""
        return Material.of(durations, encoded.shape[1], self.channels, at_once // self._voice.upsampling, self._gap, self._context, self._boundary.stage)

    @torch.inference_mode()
    def decode_rows(self, laid: Laid, material: Material, poll: Callable[[], None], conversion: Prepared | None = None) -> Waves:
        """Speak the sentences of a batch that was laid in rows. conversion: see `prepared`."""
        rows, hop, converted = material.rows, self.hop_length, conversion is not None
        samples = torch.empty(len(laid.finite) + 1, hop, dtype=torch.float32 if converted else torch.int16, device=laid.z.device)
        for row in range(rows.count):
            poll()
            spoken = self._row_decoder(laid.z[row : row + 1], laid.gaps[row], self._speaker, poll)
            samples.index_copy_(0, laid.target[row], (spoken if converted else _quantised(spoken)).view(-1, hop))
        whole = torch.where(laid.finite[:, None], samples[:-1], math.nan if converted else BROKEN)
        if converted:
            return self._spoken(whole.view(-1), material.frames, rows.length * self._voice.upsampling, poll, conversion)
        return Waves(self._boundary.begin_read(whole), tuple(count * hop for count in material.frames))

    def prepared(self, frames: Sequence[int]) -> Prepared | None:
        """What the conversion of sentences with so many frames takes of the host; None where there is none."""
        return None if self.conversion is None else self.conversion.prepared([count * self.hop_length for count in frames])

    def _spoken(self, wave: torch.Tensor, frames: Sequence[int], at_once: int, poll: Callable[[], None], conversion: Prepared | None) -> Waves:
        """The sentences' samples, one behind the other, on their way to the host: as they are, or converted. at_once: frames of the decoder's."""
        counts = [count * self.hop_length for count in frames]
        if conversion is not None:
            assert self.conversion is not None
            wave = self.conversion(wave, conversion, at_once * self._decoder.hop_length, poll)
            counts = [self.conversion.samples(count) for count in counts]
        return Waves(self._boundary.begin_read(_quantised(wave)), tuple(counts))

    def in_half(self) -> None:
        """Decode rows in half precision from now on."""
        self._row_decoder = Replayed(RowDecoder(self._vits.waveform_decoder, torch.float16))

    def in_float32(self) -> None:
        """Decode rows in float32, as in the beginning."""
        self._row_decoder = Replayed(RowDecoder(self._vits.waveform_decoder))

    @torch.inference_mode()
    def exactness_db(self, prior: Prior, material: Material) -> float:
        """How far below the speech in float32 the difference from it lies, of the first row of a batch; NaN where something is no number."""
        laid = self.lay(prior, material)
        given = laid.z[:1], laid.gaps[0], self._speaker, _go_on
        right = RowDecoder(self._vits.waveform_decoder)(*given).view(-1, self.hop_length)
        there = (laid.source[: material.rows.length] >= 0)[:, None]
        error = self._row_decoder(*given).view_as(right) - right
        power, noise = (torch.where(there, x, 0.0).pow(2).sum() for x in (right, error))
        return float(self._boundary.begin_read((10 * torch.log10(power / noise))[None]).result()[0])

    @torch.inference_mode()
    def row_that_fits(self, longest: int) -> int:
        """The longest row, or its half, its quarter ..., that the device's memory holds: what a short one takes is measured. On CUDA;
        elsewhere `longest`. Loads the libraries too. RuntimeError as torch has it."""
        device = self._boundary.device
        left = devices.memory_left(device)
        if left is None:
            return longest
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        _quantised(self._row_decoder(*self._blank_row(_TRIED_ROW), self._speaker, _go_on))
        each = (torch.cuda.max_memory_allocated(device) - before) / _TRIED_ROW
        row, share = longest, _SHARE if self.conversion is None else _SHARE_BESIDE_CONVERTER
        while row > _TRIED_ROW and row * each > left * share:
            row //= 2
        return row

    def capture(self, row: int) -> bool:
        """Make a graph of the decoding of rows of this length, for CUDA; waits for the device. False where none can be had."""
        return self._row_decoder.prepare(*self._blank_row(row), self._speaker)

    @property
    def why_no_graph(self) -> str:
        """Empty where there is one."""
        return self._row_decoder.why_not

    def no_graph(self) -> None:
        """Decode as it comes from now on."""
        self._row_decoder.drop()

    def _blank_row(self, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
        device, up = self._boundary.device, self._voice.upsampling
        z = torch.zeros(1, self.channels, frames // up * up, device=device)
        return z, torch.full((MOST_IN_A_ROW * self._gap * up,), frames // up * up - 1, dtype=torch.int32, device=device)

    @torch.inference_mode()
    def lay(self, prior: Prior, material: Material) -> Laid:
        """A batch, its noise drawn, as the decoder takes it. What is no number would spread through the flow to the sentences beside it,
        so it is noted and left out."""
        rows, up = material.rows, self._voice.upsampling
        owner, source, target, gaps, noise = torch.split(self._boundary.upload(material.staged), list(material.sizes))
        gaps = gaps.view(rows.count, -1) if up == 1 else (gaps[:, None] * up + torch.arange(up, device=gaps.device, dtype=gaps.dtype)).view(rows.count, -1)
        mean, scale = (values.transpose(1, 2).reshape(-1, self.channels).index_select(0, owner) for values in (prior.mean, prior.log_scale))
        z = mean + noise.view(torch.float32).view(-1, self.channels) * torch.exp(scale) * self._voice.noise_scale
        finite = torch.isfinite(z).all(1)
        z = torch.where(finite[:, None], z, 0.0).index_select(0, source.clamp_min(0))
        z = torch.where((source >= 0)[:, None], z, 0.0).view(rows.count, rows.length, self.channels).transpose(1, 2)
        mask = (source >= 0).to(z.dtype).view(rows.count, 1, rows.length)
        z = reverse_flow(self._vits.flow, z, mask, _for_batch(self._speaker, rows.count))
        return Laid(z if up == 1 else self._finer(z, mask), gaps, source, target.long().view(rows.count, -1), finite)

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

    def _finer(self, z: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Latents in rows, interpolated to more frames: each sentence as it is alone, its first and last frame held beyond its ends."""
        held = z + (1 - mask) * (torch.nn.functional.pad(z, (1, -1)) + torch.nn.functional.pad(z, (-1, 1)))
        return stretched(held, self._voice.upsampling) * mask.repeat_interleave(self._voice.upsampling, dim=2)

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


def _quantised(wave: torch.Tensor) -> torch.Tensor:
    samples = (wave.clamp(-1, 1) * 32767).round()
    return torch.where(torch.isfinite(wave), samples, BROKEN).to(torch.int16)


def _go_on() -> None: ...


def _int16(packed: Packed) -> NDArray[np.int16]:
    return packed.astype(np.int16, copy=False)

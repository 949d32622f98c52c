"""WavLM's features of speech, by the layers of coqui's `WavLM` (TTS/vc/layers/freevc/wavlm, 0.28.0), in padded batches and without a read.

coqui's own forward computes the buckets of relative positions on the host for each call, uploads them, and has no bound on a
sentence's length, with whose square attention grows. Here the buckets are a table that is made once; padding is masked
out of everything that looks beyond one frame; a sentence of more than LONGEST_S is heard in windows, each with CONTEXT_S
of its neighbours, which are faded into one another. Windows depend on the sentence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from e2a_sidecar.speaking.clone.converter import mask_of

RATE_HZ: Final = 16_000
LONGEST_S: Final = 20.0
CONTEXT_S: Final = 2.5
_FADE_S: Final = 0.2
_AT_ONCE_S: Final = 40.0
"""Of windows computed together, padding counted."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Frames [low, high) of a sentence, of which [start, end) are kept; the first `fade` of those are shared with the window before."""

    item: int
    start: int
    end: int
    low: int
    high: int


class Features:
    """A WavLM (see `voices.clone.wavlm`) on its device. hop: samples a frame; field: samples that a frame is made of."""

    def __init__(self, network: Any, layers: int | None = None) -> None:
        """layers: of the transformer, so many from the first one are computed, and what the last of them gives is the features;
        None: all, and the normalisation behind them, as coqui's `extract_features` without `output_layer` does it."""
        self.hop, self.field = 1, 1
        for block in network.feature_extractor.conv_layers:
            self.field += (block[0].kernel_size[0] - 1) * self.hop
            self.hop *= block[0].stride[0]
        self.channels: int = network.encoder.embedding_dim
        self._network = network
        self._layers = list(network.encoder.layers)[:layers]
        self._last_norm = network.encoder.layer_norm if layers is None else None
        frames = self.frames(round(LONGEST_S * RATE_HZ)) + 1
        self._frames_a_window = frames
        self._context, self._fade = (round(seconds * RATE_HZ / self.hop) for seconds in (CONTEXT_S, _FADE_S))
        self._bias = _bias_table(self._layers[0].self_attn, frames)

    def frames(self, samples: int) -> int:
        """Of so many samples; what is shorter than one frame's field has none."""
        return max(0, (samples - self.field) // self.hop + 1)

    def samples(self, frames: int) -> int:
        """The fewest samples that give so many frames."""
        return (frames - 1) * self.hop + self.field

    def __call__(self, source: torch.Tensor, lengths: Sequence[int], poll: Callable[[], None]) -> torch.Tensor:
        """Source (batch, longest) at RATE_HZ, zero beyond each length -> (batch, frames of the longest, channels), zero beyond each one's frames.

        Each length must give a frame at least.
        """
        windows = [window for item, length in enumerate(lengths) for window in self._windows(item, self.frames(length))]
        heard: list[torch.Tensor] = []
        for group in _grouped(windows, round(_AT_ONCE_S * RATE_HZ / self.hop)):
            heard += self._heard(source, group, poll)
        if len(windows) == len(lengths) == 1:
            return heard[0][None]
        parts: list[list[torch.Tensor]] = [[] for _ in lengths]
        for window, features in zip(windows, heard, strict=True):
            own = features[window.start - window.low : window.end - window.low]
            parts[window.item].append(own if not parts[window.item] else self._joined(parts[window.item], own))
        return pad_sequence([torch.cat(of) for of in parts], batch_first=True)

    def alone(self, wave: torch.Tensor, poll: Callable[[], None]) -> torch.Tensor:
        """Of one sentence, 1-D: (frames, channels)."""
        return self(wave[None], [len(wave)], poll)[0]

    def _windows(self, item: int, frames: int) -> Iterator[_Window]:
        """Of one sentence: one where it is short enough, else as many of like length as it takes."""
        if frames <= self._frames_a_window:
            yield _Window(item, 0, frames, 0, frames)
            return
        most = self._frames_a_window - 2 * self._context - self._fade
        count = -(-frames // most)
        edges = [frames * number // count for number in range(count + 1)]
        for number, (start, end) in enumerate(pairwise(edges)):
            begin = start - (self._fade if number else 0)
            yield _Window(item, begin, end, max(0, begin - self._context), min(frames, end + self._context))

    def _joined(self, before: list[torch.Tensor], own: torch.Tensor) -> torch.Tensor:
        """A window's own frames; its first ones fade in over the last ones of the window before, which are taken from there."""
        fade = self._fade
        rise = ((torch.arange(fade, device=own.device, dtype=own.dtype) + 0.5) / fade)[:, None]
        shared = torch.lerp(before[-1][-fade:], own[:fade], rise)
        before[-1] = before[-1][:-fade]
        return torch.cat([shared, own[fade:]])

    def _heard(self, source: torch.Tensor, group: Sequence[_Window], poll: Callable[[], None]) -> list[torch.Tensor]:
        """Features (frames, channels) of each window."""
        frames = [w.high - w.low for w in group]
        longest = max(frames)
        cuts = [source[w.item, w.low * self.hop : w.low * self.hop + self.samples(w.high - w.low)] for w in group]
        x: torch.Tensor = pad_sequence(cuts, batch_first=True)[:, None]
        for block in self._network.feature_extractor.conv_layers:
            poll()
            x = block(x)
        x = self._network.layer_norm(x.transpose(1, 2))
        if self._network.post_extract_proj is not None:
            x = self._network.post_extract_proj(x)
        mask = None if min(frames) == longest else mask_of(frames, longest, x)
        if mask is not None:
            x = x * mask[:, :, None]
        x = x + self._network.encoder.pos_conv(x.transpose(1, 2)).transpose(1, 2)
        closed = None if mask is None else torch.where(mask[:, None, None] > 0, 0.0, float("-inf")).to(x.dtype)
        middle = (self._bias.shape[1] - 1) // 2
        bias = self._bias[:, middle - longest + 1 : middle + longest].unfold(1, longest, 1).flip(1)[None]
        for layer in self._layers:
            poll()
            x = x + _attended(layer.self_attn, layer.self_attn_layer_norm(x), bias, closed)
            x = x + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(x))))
        if self._last_norm is not None:
            x = self._last_norm(x)
        return [one[:count] for one, count in zip(x, frames, strict=True)]


def _attended(attention: Any, x: torch.Tensor, bias: torch.Tensor, closed: torch.Tensor | None) -> torch.Tensor:
    """Attention over x (batch, frames, channels), its bias by relative position (1, heads, frames, frames) gated by each frame.

    closed: (batch, 1, 1, frames), minus infinity where nobody is to look.
    """
    batch, frames, channels = x.shape
    heads = attention.num_heads

    def parted(y: torch.Tensor) -> torch.Tensor:
        return y.view(batch, frames, heads, channels // heads).transpose(1, 2)

    first, second = torch.sigmoid(attention.grep_linear(parted(x)).view(batch, heads, frames, 2, 4).sum(-1)).chunk(2, dim=-1)
    gate = first * (second * attention.grep_a - 1.0) + 2.0
    weights = gate * bias if closed is None else torch.addcmul(closed, gate, bias)
    query, key, value = (parted(project(x)) for project in (attention.q_proj, attention.k_proj, attention.v_proj))
    made = F.scaled_dot_product_attention(query, key, value, attn_mask=weights)
    result: torch.Tensor = attention.out_proj(made.transpose(1, 2).reshape(batch, frames, channels))
    return result


def _bias_table(attention: Any, frames: int) -> torch.Tensor:
    """(heads, 2 * frames - 1): what a frame adds for one that lies so far behind or before it, from the farthest before on.

    The buckets are computed on the host, as coqui does it: a logarithm of a device's may fall on a bucket's other side.
    """
    distances = torch.arange(1 - frames, frames)
    buckets = attention._relative_positions_bucket(distances, bidirectional=True)
    table: torch.Tensor = attention.relative_attention_bias.weight.detach()
    return table.index_select(0, buckets.to(table.device)).T.contiguous()


def _grouped(windows: Sequence[_Window], at_once: int) -> Iterator[list[_Window]]:
    """Windows to be computed together, in order: at most `at_once` frames, padding counted, but one at least."""
    group: list[_Window] = []
    longest = 0
    for window in windows:
        longest = max(longest, window.high - window.low)
        if group and (len(group) + 1) * longest > at_once:
            yield group
            group, longest = [], window.high - window.low
        group.append(window)
    if group:
        yield group

"""The HiFi-GAN decoder of a VITS over one row of sentences (see `rows`), for devices that compute many frames at once.

The layers are those of coqui's `HifiganGenerator` and its two kinds of residual blocks (TTS/vocoder/models/
hifigan_generator.py, 0.28.0), their sums in the same order, with less memory to write: in place where nothing is needed
any more. Before each convolution the gaps between sentences are set to zero, a few of each hundred frames, so a sentence
sounds as it does alone.

In half precision weights and what flows between layers are float16, summed by the device in float32, in the order of
memory (channels last) that tensor cores read. A processor's oneDNN reads that order too: it computes in blocks of channels,
and else brings the input of each convolution into their order and its output back (measured: 1.4 times as long).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.nn import functional as F

_SLOPE: Final = 0.1
_LAST_SLOPE: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution's weights in two dimensions, the first of them one high, and how far apart it looks."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    stride: int
    padding: int
    dilation: int

    @classmethod
    def of(cls, module: Any, dtype: torch.dtype, channels_last: bool) -> _Layer:
        weight = module.weight.detach()[:, :, None].to(dtype)
        if channels_last:
            weight = weight.contiguous(memory_format=torch.channels_last)
        bias = None if module.bias is None else module.bias.detach().to(dtype)
        return cls(weight, bias, module.stride[0], module.padding[0], module.dilation[0])

    def convolved(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.weight, self.bias, padding=(0, self.padding), dilation=(1, self.dilation))

    def upsampled(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose2d(x, self.weight, self.bias, stride=(1, self.stride), padding=(0, self.padding))


@dataclass(frozen=True, slots=True)
class _Stage:
    """Upsampling, then residual blocks side by side: each a chain of steps of one or two convolutions."""

    up: _Layer
    blocks: tuple[tuple[tuple[_Layer, ...], ...], ...]


class RowDecoder:
    """A voice's `waveform_decoder` (weight norm removed, on its device). May be captured in a CUDA graph."""

    def __init__(self, network: Any, dtype: torch.dtype = torch.float32, channels_last: bool = False) -> None:
        """channels_last: the order of memory; then weights are copied. Half precision always has it."""
        self._channels_last = channels_last or dtype != torch.float32

        def layer(module: Any) -> _Layer:
            return _Layer.of(module, dtype, self._channels_last)

        self._dtype = dtype
        self._condition = getattr(network, "cond_layer", None) or getattr(network, "cond", None)  # a VITS's, a converter's
        self._pre, self._post = layer(network.conv_pre), layer(network.conv_post)
        kernels = network.num_kernels
        self._stages = [
            _Stage(layer(up), tuple(_steps(block, layer) for block in network.resblocks[number * kernels : (number + 1) * kernels]))
            for number, up in enumerate(network.ups)
        ]

    def __call__(self, z: torch.Tensor, gaps: torch.Tensor, speaker: torch.Tensor | None, poll: Callable[[], None]) -> torch.Tensor:
        """Samples (frames * hop length,), float32, of latents (1, channels, frames), which are zero where nothing stands.

        gaps: frames between sentences, whole numbers (count,). Whatever `poll`, asked between layers, raises goes through.
        """
        gaps = gaps.long()
        x = z[:, :, None].to(self._dtype)
        if self._channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        x = self._pre.convolved(x)
        if self._condition is not None:
            x.add_(self._condition(speaker)[:, :, None].to(self._dtype))
        for stage in self._stages:
            x = stage.up.upsampled(_zeroed(F.leaky_relu_(x, _SLOPE), gaps))
            gaps = _finer(gaps, stage.up.stride)
            entered = _zeroed(F.leaky_relu(x, _SLOPE), gaps)  # the same for each block
            total: torch.Tensor | None = None
            for block in stage.blocks:
                poll()
                made = _through(block, x, entered, gaps)
                total = made if total is None else total.add_(made)
            assert total is not None, "a decoder without residual blocks"
            x = total.div_(len(stage.blocks))
        x = self._post.convolved(_zeroed(F.leaky_relu_(x, _LAST_SLOPE), gaps))
        return torch.tanh(x.float()).reshape(-1)


def _steps(block: Any, layer: Callable[[Any], _Layer]) -> tuple[tuple[_Layer, ...], ...]:
    """Of coqui's ResBlock1 (pairs of convolutions) or ResBlock2 (single ones)."""
    if hasattr(block, "convs2"):
        return tuple((layer(first), layer(second)) for first, second in zip(block.convs1, block.convs2, strict=True))
    return tuple((layer(only),) for only in block.convs)


def _through(block: tuple[tuple[_Layer, ...], ...], x: torch.Tensor, entered: torch.Tensor, gaps: torch.Tensor) -> torch.Tensor:
    """A residual block. entered: `x` as its first convolution takes it."""
    for number, (first, *more) in enumerate(block):
        step = first.convolved(_zeroed(F.leaky_relu(x, _SLOPE), gaps) if number else entered)
        for layer in more:
            step = layer.convolved(_zeroed(F.leaky_relu_(step, _SLOPE), gaps))
        x = step.add_(x)
    return x


def _zeroed(x: torch.Tensor, gaps: torch.Tensor) -> torch.Tensor:
    return x.index_fill_(3, gaps, 0.0)


def _finer(gaps: torch.Tensor, factor: int) -> torch.Tensor:
    """The same places where each has become `factor` of them."""
    return (gaps[:, None] * factor + torch.arange(factor, device=gaps.device)).reshape(-1)

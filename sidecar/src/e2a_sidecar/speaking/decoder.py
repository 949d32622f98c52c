"""The HiFi-GAN decoder of a VITS in windows and in padded batches, exactly (for many sentences in rows: `row_decoder`).

- Windows: what is decoded at once is bounded whatever a sentence's length. A window takes as many neighbouring frames
  as the decoder can see (its receptive field, computed from its layers), none at a sentence's true ends.
- Batches: the biases of the convolutions fill the padding and leak back into a shorter item's last 49 ms (by up to
  4 %). Masking the input of every convolution to each item's length makes it exact (measured: 7e-7).
- Before each convolution the caller is asked whether it wants to stop, so that a slow voice on a slow machine stops
  within one layer's time.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from e2a_sidecar.errors import SidecarError


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [start, end) of sentence `item`, decoded with the frames [low, high) around them."""

    item: int
    start: int
    end: int
    low: int
    high: int


class _Call(threading.local):
    """What the hooks need to know of the call under way in this thread."""

    lengths: torch.Tensor | None = None
    poll: Callable[[], None] | None = None

    def __init__(self) -> None:
        self.masks: dict[int, torch.Tensor] = {}


class Decoder:
    """A voice's `waveform_decoder` (weight norm removed). `hop_length` samples a frame, `context` frames seen on each side."""

    def __init__(self, network: Any) -> None:
        """SidecarError `voice_unsupported` as `span`."""
        self._network = network
        self._call = _Call()
        self.hop_length, self.context = span(network)
        rate, kernels = 1, network.num_kernels
        network.conv_pre.register_forward_pre_hook(self._before(rate))
        for stage, up in enumerate(network.ups):
            up.register_forward_pre_hook(self._before(rate))
            rate *= up.stride[0]
            for block in network.resblocks[stage * kernels : (stage + 1) * kernels]:
                for convolution in _convolutions(block):
                    convolution.register_forward_pre_hook(self._before(rate))
        network.conv_post.register_forward_pre_hook(self._before(rate))

    def windows(self, frames: Sequence[int], size: int) -> Iterator[Window]:
        """The windows of all sentences, in order; frames: of each."""
        for item, count in enumerate(frames):
            for start in range(0, count, size):
                end = min(start + size, count)
                yield Window(item, start, end, max(0, start - self.context), min(count, end + self.context))

    def __call__(self, z: torch.Tensor, lengths: torch.Tensor | None, speaker: torch.Tensor | None, poll: Callable[[], None]) -> torch.Tensor:
        """Waveforms (batch, samples), float, of latents (batch, channels, frames).

        lengths: each item's true frames, on the device; None where nothing is padded. Whatever `poll` raises goes through.
        """
        call = self._call
        call.lengths, call.poll = lengths, poll
        try:
            waves: torch.Tensor = self._network(z, g=speaker)
        finally:
            call.lengths, call.poll, call.masks = None, None, {}
        return waves[:, 0]

    def _before(self, rate: int) -> Callable[[Any, tuple[Any, ...]], tuple[torch.Tensor, ...] | None]:
        """A hook that masks a convolution's input, which has `rate` steps a frame."""

        def mask_input(module: Any, inputs: tuple[Any, ...]) -> tuple[torch.Tensor, ...] | None:
            call = self._call
            if call.poll is not None:
                call.poll()
            if call.lengths is None:
                return None
            x = inputs[0]
            if rate not in call.masks:
                steps = torch.arange(x.shape[-1], device=x.device)
                call.masks[rate] = (steps[None, None] < (call.lengths * rate)[:, None, None]).to(x.dtype)
            return (x * call.masks[rate],)

        return mask_input


def span(network: Any, voice: str = "") -> tuple[int, int]:
    """(samples a frame, frames seen on each side) of a `waveform_decoder`, by its layers. voice: for the error.

    SidecarError `voice_unsupported` where its upsampling does not give whole frames.
    """
    rate, reach, kernels = 1, float(_reach(network.conv_pre)), network.num_kernels
    for stage, up in enumerate(network.ups):
        kernel, stride = up.kernel_size[0], up.stride[0]
        if (kernel - stride) % 2 or up.padding[0] != (kernel - stride) // 2:
            raise SidecarError("voice_unsupported", "upsampling", voice=voice, reason="its decoder's upsampling does not give whole frames")
        reach += math.ceil(kernel / stride) / rate
        rate *= stride
        blocks = network.resblocks[stage * kernels : (stage + 1) * kernels]
        reach += max(sum(_reach(c) for c in _convolutions(block)) for block in blocks) / rate
    return rate, math.ceil(reach + _reach(network.conv_post) / rate) + 1


def farthest(network: Any) -> int:
    """Frames that the farthest of the layers of a `waveform_decoder` sees to a side: so many zeros are an end for each of them."""
    rate, kernels, steps = 1, network.num_kernels, [_reach(network.conv_pre)]
    for stage, up in enumerate(network.ups):
        steps.append(math.ceil(up.kernel_size[0] / up.stride[0] / rate))
        rate *= up.stride[0]
        steps += [math.ceil(_reach(c) / rate) for block in network.resblocks[stage * kernels : (stage + 1) * kernels] for c in _convolutions(block)]
    return max(*steps, math.ceil(_reach(network.conv_post) / rate))


def _convolutions(block: Any) -> list[Any]:
    return [module for module in block.modules() if isinstance(module, torch.nn.Conv1d)]


def _reach(convolution: Any) -> int:
    """Steps that a convolution sees on each side."""
    reach: int = (convolution.kernel_size[0] - 1) // 2 * convolution.dilation[0]
    return reach

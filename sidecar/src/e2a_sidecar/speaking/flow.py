"""The normalising flow of a VITS backwards (prior to decoder input) and forwards, over the layers of coqui's `ResidualCouplingBlocks`.

The converters' flows (TTS/vc/models/freevc.py, `ResidualCouplingBlock`) have modules between the couplings that turn the
channels round, which is done here either way. coqui's own forward reads a channel count out of a tensor in every layer
(TTS/tts/layers/generic/wavenet.py:8, 0.28.0: two scalar reads a layer, 32 a sentence), adds zeros where there is no
speaker, and multiplies by exp(0). Same sums.
"""

from __future__ import annotations

from typing import Any

import torch


def reverse_flow(blocks: Any, x: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor | None) -> torch.Tensor:
    """x: (batch, channels, frames), mask (batch, 1, frames), speaker (batch, channels, 1) or None."""
    for coupling in reversed(_couplings(blocks)):
        kept, moved = torch.split(torch.flip(x, [1]), coupling.half_channels, dim=1)
        hidden = wavenet(coupling.enc, coupling.pre(kept) * mask, mask, speaker)
        x = torch.cat([kept, (moved - coupling.post(hidden) * mask) * mask], dim=1)
    return x


def forward_flow(blocks: Any, x: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor | None) -> torch.Tensor:
    """What `reverse_flow` undoes."""
    for coupling in _couplings(blocks):
        kept, moved = torch.split(x, coupling.half_channels, dim=1)
        hidden = wavenet(coupling.enc, coupling.pre(kept) * mask, mask, speaker)
        x = torch.flip(torch.cat([kept, (moved + coupling.post(hidden)) * mask], dim=1), [1])
    return x


def _couplings(blocks: Any) -> list[Any]:
    return [layer for layer in blocks.flows if hasattr(layer, "enc")]


def wavenet(network: Any, x: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor | None) -> torch.Tensor:
    """Gated dilated convolutions, each giving to the next and to the sum; the last one to the sum alone. Also FreeVC's and OpenVoice's."""
    channels = network.hidden_channels
    conditions = None if speaker is None else torch.split(network.cond_layer(speaker), 2 * channels, dim=1)
    total = torch.zeros_like(x)
    for layer, (into, out) in enumerate(zip(network.in_layers, network.res_skip_layers, strict=True)):
        gates = into(x) if conditions is None else into(x) + conditions[layer]
        given = out(torch.tanh(gates[:, :channels]) * torch.sigmoid(gates[:, channels:]))
        if layer < len(network.in_layers) - 1:
            x = (x + given[:, :channels]) * mask
            given = given[:, channels:]
        total = total + given
    return total * mask


def reach(blocks: Any) -> tuple[int, int]:
    """(Frames that the whole flow sees to each side, and that the farthest of its convolutions does)."""
    steps = [(layer.kernel_size[0] - 1) // 2 * layer.dilation[0] for coupling in _couplings(blocks) for layer in coupling.enc.in_layers]
    return sum(steps), max(steps)

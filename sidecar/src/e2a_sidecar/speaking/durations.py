"""How long each phoneme lasts: coqui's duration predictors run with our noise and without waiting for the device.

coqui's own call draws its noise itself and picks values by a boolean mask (TTS/tts/layers/vits/transforms.py:84-98,
0.28.0), which makes a GPU wait nine times a sentence. Here the predictor's own layers are called, and the spline is
evaluated everywhere and chosen by `torch.where`. The spline: Durkan et al., Neural Spline Flows (arXiv 1906.04032).
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch.nn import functional as F

_LEAST: Final = 1e-3  # smallest width, height and slope of a bin, as the voices were trained
_LINEAR_SLOPE: Final = math.log(math.exp(1 - _LEAST) - 1)  # gives slope 1 at the outer knots, where the tails begin


def log_durations(
    predictor: Any, x: torch.Tensor, mask: torch.Tensor, noise: torch.Tensor, speaker: torch.Tensor | None, language: torch.Tensor | None
) -> torch.Tensor:
    """Natural log of each phoneme's frames, (batch, 1, phonemes).

    predictor: coqui's StochasticDurationPredictor, or its DurationPredictor, which takes no noise. x: hidden states
    (batch, channels, phonemes); mask (batch, 1, phonemes); noise (batch, 2, phonemes), already scaled.
    """
    if not hasattr(predictor, "flows"):
        plain: torch.Tensor = predictor(x, mask, g=speaker, lang_emb=language)
        return plain
    hidden = predictor.pre(x)
    if speaker is not None:
        hidden = hidden + predictor.cond(speaker)
    if language is not None:
        hidden = hidden + predictor.cond_lang(language)
    hidden = predictor.proj(predictor.convs(hidden, mask)) * mask
    flows = list(reversed(predictor.flows))
    z = noise
    for flow in [*flows[:-2], flows[-1]]:  # the first spline flow is used in training alone
        z = torch.flip(z, [1])
        z = _spline_flow(flow, z, mask, hidden) if hasattr(flow, "num_bins") else flow(z, mask, reverse=True)
    return z[:, :1]


def _spline_flow(flow: Any, z: torch.Tensor, mask: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """One ConvFlow backwards: half of z is kept and says by which spline the other half is bent."""
    kept, bent = torch.split(z, [flow.half_channels] * 2, 1)
    shape = flow.proj(flow.convs(flow.pre(kept), mask, g=hidden)) * mask
    batch, channels, length = kept.shape
    shape = shape.reshape(batch, channels, -1, length).permute(0, 1, 3, 2)
    scale = math.sqrt(flow.hidden_channels)
    bins = flow.num_bins
    bent = inverse_spline(bent, shape[..., :bins] / scale, shape[..., bins : 2 * bins] / scale, shape[..., 2 * bins :], flow.tail_bound)
    return torch.cat([kept, bent], 1) * mask


def inverse_spline(y: torch.Tensor, widths: torch.Tensor, heights: torch.Tensor, slopes: torch.Tensor, bound: float) -> torch.Tensor:
    """x of a monotone rational-quadratic spline for its values y; the identity beyond +-bound.

    y: any shape; widths, heights: that shape and one number a bin; slopes: one fewer; all before their softmax or softplus.
    """
    x_knots, y_knots = _knots(widths, bound), _knots(heights, bound)
    slope = _LEAST + F.softplus(F.pad(slopes, (1, 1), value=_LINEAR_SLOPE))
    inside = y.clamp(-bound, bound)
    in_bin = ((inside[..., None] >= y_knots[..., :-1]).sum(-1) - 1).clamp_min(0)[..., None]

    def of_bin(values: torch.Tensor) -> torch.Tensor:
        return values.gather(-1, in_bin)[..., 0]

    widths, heights = x_knots[..., 1:] - x_knots[..., :-1], y_knots[..., 1:] - y_knots[..., :-1]
    width, height = of_bin(widths), of_bin(heights)
    left, right = of_bin(slope[..., :-1]), of_bin(slope[..., 1:])
    mean = of_bin(heights / widths)
    rise = inside - of_bin(y_knots[..., :-1])
    bend = rise * (left + right - 2 * mean)
    a = bend + height * (mean - left)
    b = height * left - bend
    c = -mean * rise
    root = (2 * c) / (-b - torch.sqrt((b.pow(2) - 4 * a * c).clamp_min(0)))
    return torch.where((y >= -bound) & (y <= bound), root * width + of_bin(x_knots[..., :-1]), y)


def _knots(raw: torch.Tensor, bound: float) -> torch.Tensor:
    """Edges of the bins from -bound to bound, one more than there are bins."""
    sizes = _LEAST + (1 - _LEAST * raw.shape[-1]) * F.softmax(raw, dim=-1)
    inner = 2 * bound * torch.cumsum(sizes, dim=-1)[..., :-1] - bound
    return F.pad(F.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)

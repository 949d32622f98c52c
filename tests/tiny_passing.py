"""Converters that are as loud as their source: what trained ones learn, so that it can be seen whether a converter's times are its source's.

    MAKERS[converter](folder)      files by role, as `tiny_converters` and `tiny_converters_more` have them

Of FreeVC and kNN-VC the ears keep random weights: WavLM's convolutions give features, its transformer passes them on, and how
loud a frame is, is read from them by least squares. OpenVoice's posterior adds up the magnitudes of a frame. Then one channel
carries that to the decoder, which makes a tone of it. All layers run as they are in coqui's classes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import tiny_converters
import tiny_converters_more
import torch
from numpy.typing import NDArray
from tiny_converters import TINY, WAVLM, voice_like

_LISTENER: Final = {
    **WAVLM,
    "encoder_layers": 1,
    "encoder_embed_dim": 48,
    "conv_feature_layers": "[(48,10,5)] + [(48,3,2)] * 4 + [(48,2,2)] * 2",
    "conv_bias": True,
}
_MAGNITUDE: Final = 50.0
"""Of a frame with half of the sound in it, its bins added up."""


def freevc(folder: Path, heard: NDArray[np.float32] | None = None) -> dict[str, Path]:
    """heard: speech at 16 kHz over which loudness is learnt."""
    files = tiny_converters.freevc(folder, listener=_LISTENER, own_wavlm=False)
    read = _ears(files["wavlm"], None, heard)
    stored = torch.load(files["model"], weights_only=True)
    weights = stored["model"]
    _silent(weights, ("enc_p.", "flow."))
    _posterior(weights, "enc_p.", read[:-1], read[-1])
    _decoder(weights, "dec.", TINY.upsample_rates, TINY.upsample_kernel_sizes)
    torch.save(stored, files["model"])
    return files


def knnvc(folder: Path) -> dict[str, Path]:
    """Loud steps find loud ones in the sample, and silent ones its pauses."""
    from e2a_sidecar.speaking.clone.knnvc import LAYER

    shapes = tiny_converters_more.VOCODER | {"pre_linear": _LISTENER["encoder_embed_dim"], "conv_pre_weight_norm": False, "conv_post_weight_norm": False}
    files = tiny_converters_more.knnvc(folder, shapes, {**_LISTENER, "encoder_layers": LAYER})
    read = _ears(files["wavlm"], LAYER, None)
    stored = torch.load(files["vocoder"], weights_only=True)
    weights = stored["model"]
    weights["lin_pre.weight"].zero_()[0], weights["lin_pre.bias"].zero_()[0] = read[:-1], read[-1]
    _decoder(weights, "", shapes["upsample_factors"], shapes["upsample_kernel_sizes"])
    torch.save(stored, files["vocoder"])
    return files


def openvoice(folder: Path) -> dict[str, Path]:
    """A colour is heard and changes nothing."""
    files = tiny_converters_more.openvoice(folder)
    shapes = tiny_converters_more.OPENVOICE["model"]
    stored = torch.load(files["model"], weights_only=True)
    weights = stored["model"]
    _silent(weights, ("enc_q.", "flow."))
    ones = torch.ones(weights["enc_q.pre.weight"].shape[1])
    _posterior(weights, "enc_q.", ones / _MAGNITUDE, torch.tensor(-1.0))
    _decoder(weights, "dec.", shapes["upsample_rates"], shapes["upsample_kernel_sizes"])
    torch.save(stored, files["model"])
    return files


MAKERS: Final[dict[str, Callable[[Path], dict[str, Path]]]] = {"freevc24": freevc, "knnvc": knnvc, "openvoice_v2": openvoice}


def _ears(path: Path, layer: int | None, heard: NDArray[np.float32] | None) -> torch.Tensor:
    """A stored WavLM made to pass on what its convolutions give; returns (channels + 1): from features of that layer to loudness, -1 to 1."""
    from e2a_sidecar.speaking.clone.wavlm import Features
    from e2a_sidecar.voices.clone.wavlm import open_wavlm

    loaded = torch.load(path, weights_only=True)
    for name, value in loaded["model"].items():
        if ".self_attn.out_proj" in name or ".fc2" in name or "pos_conv.0.bias" in name or "pos_conv.0.parametrizations.weight.original0" in name:
            value.zero_()
        elif "conv_layers.0.0." in name:  # what is louder than some -55 dB is brought to one size by the normalisation behind it, what is quieter is not
            value.mul_(2 if name.endswith("weight") else 0)
        elif "conv_layers.0.2.1.bias" in name:
            value.fill_(0.5)  # so that silence has features of its own
    torch.save(loaded, path)
    if heard is None:
        quiet = np.random.default_rng(0).standard_normal(320_000).astype(np.float32) * 1e-4
        heard = np.concatenate([*(voice_like(20, 16_000, pitch_hz=hz, seed=round(hz)) for hz in (90, 120, 180, 240)), quiet])
    hear, wave = Features(open_wavlm(path, ""), layer), torch.from_numpy(heard)
    parts = [part for part in torch.split(wave, 160_000) if len(part) > 400]
    with torch.inference_mode():
        features = torch.cat([hear.alone(part, lambda: None) for part in parts]).clone()
    counts = [hear.frames(len(part)) for part in parts]
    level_db = torch.cat([20 * torch.log10(part[: 320 * n].view(n, 320).pow(2).mean(1).sqrt() + 1e-6) for part, n in zip(parts, counts, strict=True)])
    middle_db = (torch.quantile(level_db, 0.05) + torch.quantile(level_db, 0.95)) / 2
    known = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    return torch.linalg.lstsq(known, ((level_db - middle_db) / 6).clamp(-1, 1)[:, None]).solution[:, 0]


def _silent(weights: dict[str, torch.Tensor], parts: tuple[str, ...]) -> None:
    for name, value in weights.items():
        if name.startswith(parts):
            value.zero_()


def _posterior(weights: dict[str, torch.Tensor], name: str, row: torch.Tensor, bias: torch.Tensor) -> None:
    """A silent encoder's first channel: what `row` and `bias` make of a frame, without noise. The tanh of tenths is about linear; the gate takes half."""
    weights[f"{name}pre.weight"][0, :, 0], weights[f"{name}pre.bias"][0] = row * 0.1, bias * 0.1
    _one(weights, f"{name}enc.in_layers.0.", (0, 0, 2), 1.0)
    skip = f"{name}enc.res_skip_layers.0."
    _one(weights, skip, (weights[f"{skip}bias"].shape[0] // 2, 0, 0), 20.0)
    weights[f"{name}proj.weight"][0, 0, 0] = 1.0
    weights[f"{name}proj.bias"][len(weights[f"{name}proj.bias"]) // 2 :] = -20.0


def _one(weights: dict[str, torch.Tensor], layer: str, at: tuple[int, int, int], value: float) -> None:
    """Of a layer with weight norm, a single number."""
    weights[f"{layer}parametrizations.weight.original1"][at], weights[f"{layer}parametrizations.weight.original0"][at[0]] = 1.0, value


def _decoder(weights: dict[str, Any], name: str, rates: Any, kernels: Any) -> None:
    """A HiFi-GAN whose first channel becomes a tone."""
    of_it = (f"{name}conv_pre", f"{name}ups", f"{name}resblocks", f"{name}conv_post", f"{name}cond")
    _silent(weights, of_it)
    weights[f"{name}conv_pre.weight"][0, 0, 3] = 1.0
    for stage, (stride, kernel) in enumerate(zip(rates, kernels, strict=True)):
        up, start = weights[f"{name}ups.{stage}.parametrizations.weight.original1"], (kernel - stride) // 2
        up[0, 0, start : start + stride] = torch.tensor([1.0, -0.9]).repeat(stride // 2) if stage == len(rates) - 1 else 1.0
        weights[f"{name}ups.{stage}.parametrizations.weight.original0"][0] = up[0].norm()
    weights[f"{name}conv_post.weight"][0, 0, 3] = 0.5
    for key, value in weights.items():  # a direction of nothing has no length to be divided by
        if key.endswith("original1"):
            empty = value.flatten(1).norm(dim=1) == 0
            value[empty], weights[key[:-1] + "0"][empty] = 1.0, 0.0

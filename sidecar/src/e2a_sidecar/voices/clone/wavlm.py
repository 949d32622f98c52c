"""WavLM-Large's checkpoint as coqui's own class (TTS/vc/layers/freevc/wavlm, 0.28.0), for FreeVC and kNN-VC.

coqui's `get_wavlm` fetches it from the web inside the constructors of both, without a hash, and hands a text of the
checkpoint's to Python's `eval`: so the checkpoint is opened here, its shapes read as numbers and checked first. Only
WavLM-Large's kind is taken (whatever its size): others normalise over a whole sentence, and no converter was trained on them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from e2a_sidecar.voices.clone.safety import MOST_LAYERS, blank, broken, checkpoint, filled, instead, unsupported, whole

_KIND: Final = {
    "extractor_mode": "layer_norm",
    "layer_norm_first": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "activation_fn": "gelu",
}
_MOST: Final = {
    "encoder_layers": MOST_LAYERS,
    "encoder_embed_dim": 4096,
    "encoder_ffn_embed_dim": 16384,
    "encoder_attention_heads": 64,
    "conv_pos": 512,
    "conv_pos_groups": 64,
    "num_buckets": 4096,
    "max_distance": 65536,
}
_LEAST: Final = {"num_buckets": 8, "max_distance": 8}
_HOP, _MOST_HOPS_A_FIELD = (80, 1280), 4
"""Samples from one frame to the next, and how many such steps a frame may be made of: WavLM's are 320 and 1.25."""
_MOST_CHANNELS, _LONGEST_KERNEL, _MOST_CONVOLUTIONS = 2048, 64, 16


def open_wavlm(path: Path, voice: str) -> Any:
    """coqui's `WavLM` with a checkpoint's weights, on the CPU, stripped; SidecarError `voice_broken`, `voice_unsupported`. voice: the clone's id."""
    return wavlm_of(checkpoint(path, voice), path.name, voice)


def wavlm_of(loaded: Mapping[str, Any], name: str, voice: str) -> Any:
    """The same of a checkpoint that was read. name: of its file."""
    from TTS.vc.layers.freevc.wavlm import wavlm  # type: ignore[import-untyped]

    shapes = loaded.get("cfg")
    if not isinstance(shapes, dict) or "model" not in loaded:
        raise broken(voice, f"{name} is no WavLM")
    config = wavlm.WavLMConfig(_checked(shapes, name, voice))

    with instead(wavlm, "init_bert_params", lambda module: None):  # it draws numbers, by way of the host, which the checkpoint's replace
        network = blank(lambda: wavlm.WavLM(config), voice)
    return filled(network, loaded["model"], voice)


def _checked(shapes: Mapping[str, Any], name: str, voice: str) -> dict[str, Any]:
    """Those that make the network; what is for training alone is left out."""
    kind = {"activation_fn": "gelu", **shapes}
    if any(type(kind.get(key)) is not type(value) or kind[key] != value for key, value in _KIND.items()):  # a tensor is equal to nothing and to all
        raise unsupported(voice, f"{name} is a WavLM of another kind than WavLM-Large")
    defaults = {"conv_pos": 128, "conv_pos_groups": 16, "num_buckets": 320, "max_distance": 1280}
    found = {key: whole(shapes.get(key, defaults.get(key)), key, voice, _LEAST.get(key, 1), most) for key, most in _MOST.items()}
    if found["encoder_embed_dim"] % found["encoder_attention_heads"] or found["encoder_embed_dim"] % found["conv_pos_groups"]:
        raise broken(voice, f"{name} has channels that cannot be parted as it says")
    convolutions = _convolutions(shapes.get("conv_feature_layers"))
    if convolutions is None:
        raise broken(voice, f"{name} has convolutions that are none")
    return {**_KIND, **found, "conv_feature_layers": repr(convolutions), "conv_bias": shapes.get("conv_bias") is True}


def _convolutions(text: Any) -> list[tuple[int, int, int]] | None:
    """(channels, kernel, stride) of each, of a text such as "[(512,10,5)] + [(512,3,2)] * 4", which coqui would evaluate; None for another text."""
    if not isinstance(text, str) or len(text) > 1000:
        return None
    try:
        found = _value(ast.parse(text, mode="eval").body)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    whole_numbers = all(len(one) == 3 and all(type(n) is int and n > 0 for n in one) for one in found)
    fits = whole_numbers and all(one[0] <= _MOST_CHANNELS and one[1] <= _LONGEST_KERNEL and one[2] <= one[1] for one in found)
    return found if found and fits and _steps_are_usual(found) else None


def _steps_are_usual(convolutions: list[tuple[int, int, int]]) -> bool:
    """Else a second of speech would be millions of frames, or a frame be made of minutes."""
    hop, field = 1, 1
    for _, kernel, stride in convolutions:
        field += (kernel - 1) * hop
        hop *= stride
    return _HOP[0] <= hop <= _HOP[1] and field <= _MOST_HOPS_A_FIELD * hop


def _value(node: ast.expr) -> list[tuple[int, int, int]]:
    """Lists of tuples, added and multiplied; ValueError for anything else."""
    match node:
        case ast.List() | ast.Tuple():
            made = ast.literal_eval(node)
            if isinstance(made, list) and all(isinstance(one, tuple) for one in made):
                return _short(made)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _short(_value(left) + _value(right))
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.Constant(value=int(times))) if 0 < times <= _MOST_CONVOLUTIONS:
            return _short(_value(left) * times)
    raise ValueError


def _short(layers: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    if len(layers) > _MOST_CONVOLUTIONS:
        raise ValueError
    return layers

"""Small voice converters of coqui's own classes, with random weights, loaded by its own loaders; and where its code stands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_accelerator import Counts

WAVLM = {
    "encoder_layers": 1,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 16,
    "encoder_attention_heads": 2,
    "conv_feature_layers": "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2",
    "conv_pos": 16,
    "conv_pos_groups": 2,
    "extractor_mode": "layer_norm",
    "layer_norm_first": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "num_buckets": 32,
    "max_distance": 80,
}
"""WavLM-Large's kind with one layer of 16 channels."""


def save_wavlm(home: Path) -> None:
    """Where coqui looks for WavLM-Large (below $TTS_HOME) before it would fetch it."""
    from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig  # type: ignore[import-untyped]

    path = home / "tts" / "wavlm" / "WavLM-Large.pt"
    path.parent.mkdir(parents=True)
    torch.save({"cfg": WAVLM, "model": WavLM(WavLMConfig(WAVLM)).state_dict()}, path)


def freevc(folder: Path) -> Any:
    """coqui's Synthesizer with a FreeVC that it loaded from a checkpoint."""
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]
    from TTS.vc.configs.freevc_config import FreeVCConfig  # type: ignore[import-untyped]
    from TTS.vc.models.freevc import FreeVC  # type: ignore[import-untyped]

    config = FreeVCConfig()
    _narrow(config.model_args)
    config.model_args.ssl_dim, config.model_args.upsample_rates = 16, [10, 6, 4, 2]
    torch.save({"model": FreeVC(config).state_dict()}, folder / "freevc.pth")
    config.save_json(folder / "freevc.json")
    return Synthesizer(vc_checkpoint=str(folder / "freevc.pth"), vc_config=str(folder / "freevc.json"))


def openvoice() -> Any:
    from TTS.vc.configs.openvoice_config import OpenVoiceConfig  # type: ignore[import-untyped]
    from TTS.vc.models.openvoice import OpenVoice  # type: ignore[import-untyped]

    config = OpenVoiceConfig()
    _narrow(config.model_args)
    return OpenVoice(config).eval()


def knnvc() -> Any:
    from TTS.vc.configs.knnvc_config import KNNVCConfig  # type: ignore[import-untyped]
    from TTS.vc.models.knnvc import KNNVC  # type: ignore[import-untyped]

    config = KNNVCConfig()
    config.wavlm_layer = 1
    return KNNVC(config).eval()


def failed_in(caught: pytest.ExceptionInfo[BaseException]) -> tuple[str, str]:
    """(file below TTS, function) of upstream's innermost frame of an error."""
    entry = [entry for entry in caught.traceback if "/TTS/" in entry.path.as_posix()][-1]
    return entry.path.as_posix().rsplit("/TTS/", 1)[1], entry.name


def counted_in(counts: Counts, kind: str, *functions: Callable[..., Any]) -> list[int]:
    """How many crossings of a kind were made by the lines of each function."""
    found = []
    for function in map(inspect.unwrap, functions):
        source, first = inspect.getsourcelines(function)
        path = "TTS/" + Path(inspect.getfile(function)).as_posix().rsplit("/TTS/", 1)[1]
        lines = {f"{path}:{number}" for number in range(first, first + len(source))}
        found.append(sum(n for (what, where), n in counts.where.items() if what == kind and where in lines))
    return found


def _narrow(args: Any) -> None:
    args.inter_channels = args.hidden_channels = args.upsample_initial_channel = args.gin_channels = 16
    args.resblock_kernel_sizes, args.resblock_dilation_sizes = [3], [[1, 3, 5]]

"""The decoder written anew, for every shape that is published and from every exporter: made, and the plain one's sound."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_voices
from e2a_sidecar.speaking.onnx_network import OnnxNetwork
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.open_onnx import open_voice
from e2a_sidecar.voices.voice import Voice
from tiny_voices import MEDIUM, STOCK, TINY, TINY_HIGH, Export

SETTINGS = SpeechSettings()
FRAMES = 240  # two windows

MADE_HERE = platform.machine().lower() in ("x86_64", "amd64")

pytestmark = pytest.mark.skipif(not MADE_HERE, reason="only made on x86-64")

VOICES: dict[str, Callable[[Path], Voice]] = {
    "x_low": lambda path: tiny_voices.piper_voice(path, replace(MEDIUM, hidden=96, ffn=384, layers=1)),
    "medium, 3 speakers": lambda path: tiny_voices.piper_voice(path, replace(MEDIUM, layers=1, speakers=3)),
    "high, half as wide": lambda path: tiny_voices.piper_voice(path, replace(STOCK, layers=1, decoder=256)),
    "weight norm kept, nothing folded": lambda path: tiny_voices.piper_voice(path, TINY, export=Export(folding=False, keep_weight_norm=True)),
    "one of 3 speakers fixed": lambda path: tiny_voices.piper_voice(path, replace(TINY, speakers=3), export=Export(only=1, folding=False)),
    "one of 3 speakers fixed and folded": lambda path: tiny_voices.piper_voice(path, replace(TINY, speakers=3), export=Export(only=1)),
    "taps that are no multiple of the step": lambda path: tiny_voices.piper_voice(path, replace(TINY, ups=(20, 16, 6))),
    "coqui, 2 speakers": lambda path: tiny_voices.coqui_voice(path, replace(TINY_HIGH, speakers=2)),
    "coqui, d-vectors": lambda path: tiny_voices.coqui_voice(path, replace(TINY, speakers=2), d_vectors=True),
}

@pytest.mark.parametrize("name", VOICES)
def test_every_shape_gets_one_that_sounds_like_the_plain_one(name: str, tmp_path: Path) -> None:
    voice = VOICES[name](tmp_path)
    channels = 96 if name == "x_low" else 192 if name.startswith(("medium", "high")) else 32
    assert_like_plain(replace(voice, speaker="p1") if "speakers" in name and "one of" not in name else voice, channels, tmp_path)


def assert_like_plain(voice: Voice, channels: int, cache: Path) -> None:
    """That the voice gets a decoder written anew, which sounds like its own."""
    opened = open_voice(voice, "en", SETTINGS, cache)
    assert opened.cut.blocked is not None
    random = np.random.default_rng(0)
    latents = [random.standard_normal((channels, FRAMES), dtype=np.float32) for _ in range(3)]
    plain = replace(opened, cut=replace(opened.cut, blocked=None))
    ours, theirs = (np.concatenate(list(OnnxNetwork(one, "test").decode(*latents))) for one in (opened, plain))
    assert np.abs(theirs).max() > 0.01
    np.testing.assert_allclose(ours, theirs, atol=3e-6)

"""The decoder written anew: made, and the plain one's sound. More shapes and exporters: test_piper_shapes."""

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
from tiny_voices import MEDIUM, TINY, Export, Shape

SETTINGS = SpeechSettings()
FRAMES = 240  # two windows

MADE_HERE = platform.machine().lower() in ("x86_64", "amd64")

PIPER: dict[str, tuple[Shape, Export]] = {
    "medium, half as wide, 3 speakers": (replace(MEDIUM, hidden=96, ffn=96, layers=1, decoder=128, speakers=3), Export()),
    "one of 3 speakers fixed and folded": (replace(TINY, speakers=3), Export(only=1)),
    "taps that are no multiple of the step": (replace(TINY, ups=(20, 16, 6)), Export()),
}


@pytest.mark.parametrize("name", PIPER)
def test_every_shape_gets_one_that_sounds_like_the_plain_one(name: str, tmp_path: Path) -> None:
    shape, export = PIPER[name]
    voice = tiny_voices.piper_voice(tmp_path, shape, export=export)
    assert_like_plain(replace(voice, speaker="p1") if shape.speakers > 1 and export.only is None else voice, shape.hidden, tmp_path)


@pytest.mark.parametrize("name", ["coqui, 2 speakers", "coqui, d-vectors", "coqui, d-vectors, 2 languages"])
def test_an_exported_voice_gets_one_too(name: str, voices: Callable[[str], Voice], cache: Path) -> None:
    assert_like_plain(replace(voices(name), speaker="p1"), TINY.hidden, cache)


def assert_like_plain(voice: Voice, channels: int, cache: Path) -> None:
    """That the voice gets a decoder written anew where one is made, which sounds like its own."""
    opened = open_voice(voice, "en", SETTINGS, cache)
    assert (opened.cut.blocked is not None) == MADE_HERE
    random = np.random.default_rng(0)
    latents = [random.standard_normal((channels, FRAMES), dtype=np.float32) for _ in range(3)]
    plain = replace(opened, cut=replace(opened.cut, blocked=None))
    ours, theirs = (np.concatenate(list(OnnxNetwork(one, "test").decode(*latents))) for one in (opened, plain))
    assert np.abs(theirs).max() > 0.01
    np.testing.assert_allclose(ours, theirs, atol=3e-6)

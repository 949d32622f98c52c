"""What the tests of the neural layer share: small voices made once, and lines to speak. Needs torch and coqui-tts."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import tiny_voices
import torch
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import load_voice
from e2a_sidecar.voices import piper_torch
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE
from filelock import FileLock
from made_once import cache, shared  # noqa: F401  (fixtures)
from real_voice import joe  # noqa: F401  (a fixture)

TEXTS = (
    "The first sentence is spoken on the device.",
    "Mr. Bennet made no answer.",
    "A considerably longer sentence, with several clauses in it; it goes on, and on, until at last it comes to an end.",
    "Short.",
)
MAKERS: dict[str, Callable[[Path], Voice]] = {
    "piper": tiny_voices.piper_voice,
    "piper, high, 3 speakers": lambda path: tiny_voices.piper_voice(path, replace(tiny_voices.TINY_HIGH, speakers=3)),
    "coqui": tiny_voices.coqui_voice,
    "coqui, 2 speakers": lambda path: tiny_voices.coqui_voice(path, replace(tiny_voices.TINY, speakers=2)),
    "coqui, d-vectors": lambda path: tiny_voices.coqui_voice(path, replace(tiny_voices.TINY, speakers=2), d_vectors=True),
    "coqui, 2 languages": lambda path: tiny_voices.coqui_voice(path, languages=("en-us", "fr-fr")),
    "coqui, d-vectors, 2 languages": lambda path: tiny_voices.coqui_voice(  # YourTTS's kind
        path, replace(tiny_voices.TINY_HIGH, speakers=2), d_vectors=True, languages=("en-us", "fr-fr"), speaker_encoder="lstm"
    ),
    "coqui, letters, no sdp": lambda path: tiny_voices.coqui_voice(path, sdp=False, phonemes=False),
}
NO_CARD = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA or ROCm device here that torch can use")
WHERE = ("fake", pytest.param("cuda", marks=NO_CARD))
"""Devices beside the CPU. What cannot be had is skipped before anything is spoken."""


@contextmanager
def device(where: str) -> Iterator[tuple[torch.device, FakeAccelerator | None]]:
    """`fake`, `cuda` (see WHERE) or `cpu`; with the fake one what counts its copies."""
    if where == "fake":
        with FakeAccelerator() as fake:
            yield DEVICE, fake
    else:
        yield torch.device("cuda:0" if where == "cuda" else "cpu"), None


@pytest.fixture(scope="session")
def voices(shared: Path) -> Callable[[str], Voice]:  # noqa: F811
    """A voice of MAKERS by its name, made once for all processes of this run."""
    found: dict[str, Voice] = {}

    def voice(name: str) -> Voice:
        if name not in found:
            folder = shared / name
            with FileLock(f"{folder}.lock"):
                if not (folder / "voice").exists():
                    made = MAKERS[name](folder)
                    (folder / "voice").write_bytes(pickle.dumps(made))
            found[name] = pickle.loads((folder / "voice").read_bytes())
        return found[name]

    return voice


@pytest.fixture(params=MAKERS)
def voice(request: pytest.FixtureRequest, voices: Callable[[str], Voice]) -> Voice:
    """Each voice of MAKERS in turn."""
    return voices(request.param)


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """Each Piper file's layers are found once: most of the time that it takes to load a small voice, and tests load one again and again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(piper_torch, "_layers", lru_cache(maxsize=6)(piper_torch._layers))
        yield


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Two OpenMP threads on busy cores are many times slower than one."""
    torch.set_num_threads(1)


def loaded(voice: Voice, language: str = "en-us", settings: SpeechSettings | None = None) -> LoadedVits:
    """With a network of its own: a voice is read once and then copied, in a quarter of the time."""
    kept = _read(voice, language, settings or SpeechSettings())
    return replace(kept, network=deepcopy(kept.network))


_read = lru_cache(maxsize=16)(load_voice)


def lines(texts: Iterable[str] = TEXTS) -> list[Line]:
    return [Line(number, text, f"key{number}") for number, text in enumerate(texts)]


def spoken(engine: Engine, what: Iterable[Line]) -> dict[int, Take]:
    """All takes by index."""
    return {take.index: take for batch in engine.speak(what, lambda: False) for take in batch}

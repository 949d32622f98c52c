"""The voice Heart, where the package that she comes with is installed, and what hibari-tts itself would say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from e2a_sidecar.voices.voice import STUDENT, Voice
from numpy.typing import NDArray

WIRE: dict[str, Any] = {"id": "heart", "kind": STUDENT, "name": "Heart", "language": "en-US", "speaker": "", "files": {}, "sha256": {}}


def needs_her_package() -> None:
    """A test without hibari-tts fails, and is skipped only where `E2A_WITHOUT_HEART` says that it cannot be had: else nobody would see that it is missing."""
    if find_spec("hibari") is not None:
        return
    if os.environ.get("E2A_WITHOUT_HEART"):
        pytest.skip("hibari-tts is not installed (E2A_WITHOUT_HEART)", allow_module_level=True)
    pytest.fail("hibari-tts is not installed; where it cannot be had, set E2A_WITHOUT_HEART=1", pytrace=False)


@pytest.fixture(scope="session")
def heart() -> Voice:
    """Verified."""
    needs_her_package()
    return Voice.from_dict(WIRE).verified()


class GivenNoise:
    """In place of the package's own generator: noise (frames, bins), complex."""

    def __init__(self, noise: NDArray[np.complex64]) -> None:
        self._noise = noise

    def standard_normal(self, shape: tuple[int, ...], dtype: Any) -> NDArray[np.float32]:
        found = np.ascontiguousarray(self._noise.T).view(np.float32)
        assert found.shape == shape and dtype is np.float32
        return found


def by_the_package(voice: Voice, ids: Sequence[int], noise_for: Any, speed: float = 1.0) -> NDArray[np.float32]:
    """Its own way, whole, with noise of ours. noise_for: of a number of frames."""
    from hibari import Hibari, dsp  # type: ignore[import-untyped]

    session = Hibari(model=str(voice.file("model"))).sess
    found = [each[0] for each in session.run(None, {"ids": np.array([ids], dtype=np.int64), "speed": np.array([speed], dtype=np.float32)})]
    made: NDArray[np.float32] = dsp.synth(*found, GivenNoise(noise_for(found[-1].shape[0])))
    return made

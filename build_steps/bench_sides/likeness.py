"""A side: whose voice recordings are in, by Resemblyzer, and how wide their sound is.

A likeness is the cosine between two of its vectors, which are of 256 numbers above zero: 0 to 1. Its own preparation of a
recording also cuts pauses out, by a package that has to be compiled; here only level and rate are brought to what it expects.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import librosa
import numpy as np
import soundfile  # type: ignore[import-untyped]
from e2a_sidecar.sampling.measure import measure
from numpy.typing import NDArray

from build_steps.bench_sides.serving import Process

Wave = NDArray[np.float32]
_RATE_HZ = 16_000
_LEVEL_DB = -30.0


def main() -> None:
    process = Process()
    sys.path.append(process.given["resemblyzer"])
    sys.modules["webrtcvad"] = types.ModuleType("webrtcvad")  # imported by it, and not used here
    from resemblyzer import VoiceEncoder  # type: ignore[import-not-found]

    encoder = VoiceEncoder("cpu", verbose=False)

    def compare(sample: str, groups: Mapping[str, Sequence[str]]) -> Mapping[str, Any]:
        """likeness: of each group to the sample, of the sample's `halves`, and between `strangers`. bandwidth_hz: of each group and of the sample."""
        heard = {name: _joined(paths) for name, paths in {"sample": [sample], **groups}.items()}
        vectors = {name: encoder.embed_utterance(_ready(*wave)) for name, wave in heard.items()}
        whole, rate_hz = heard["sample"]
        first, second = (encoder.embed_utterance(_ready(half, rate_hz)) for half in np.array_split(whole, 2))
        likeness = {"halves": first @ second, **{name: vectors["sample"] @ vectors[name] for name in groups}}
        others = [vectors[name] for name in ("base", "espeak") if name in groups]
        if len(others) > 1:
            likeness["strangers"] = np.mean([one @ other for one, other in combinations(others, 2)])
        return {
            "likeness": {name: round(float(value), 3) for name, value in likeness.items()},
            "bandwidth_hz": {name: round(measure(*wave).bandwidth_hz) for name, wave in heard.items()},
        }

    process.serve({"compare": compare})


def _joined(paths: Sequence[str]) -> tuple[Wave, int]:
    """Recordings of one rate behind one another, mono."""
    read = [soundfile.read(path, dtype="float32", always_2d=True) for path in paths]
    return np.concatenate([samples.mean(axis=1) for samples, _ in read]), int(read[0][1])


def _ready(wave: Wave, rate_hz: int) -> Wave:
    heard = librosa.resample(wave, orig_sr=rate_hz, target_sr=_RATE_HZ)
    level_db = 20 * np.log10(np.sqrt(np.mean(heard**2)) + 1e-9)
    return np.asarray(heard * 10 ** (max(0.0, _LEVEL_DB - level_db) / 20), dtype=np.float32)


if __name__ == "__main__":
    main()

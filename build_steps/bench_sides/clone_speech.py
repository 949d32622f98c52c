"""A side: the same lines as WAV files, by a clone, by its base voice alone and by espeak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import soundfile  # type: ignore[import-untyped]
import tiny_converters  # type: ignore[import-not-found]
from e2a_sidecar.model import Line
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice

from build_steps.bench_sides.clone_prepare import SAMPLE_S, files
from build_steps.bench_sides.lines import chosen
from build_steps.bench_sides.serving import Process


def main() -> None:
    process = Process()
    asked = process.given
    folder, base = Path(asked["folder"]), Voice.from_dict(asked["voice"]).verified()
    trained = {role: Path(path) for role, path in (asked["files"] or {}).items()}
    sample = _sample(Path(asked["sample"]), folder / "sample.flac")
    clone = tiny_converters.clone_of(sample, asked["converter"], trained or files(folder, asked["converter"], asked["full"]))
    lines = chosen([sentence.spoken for sentence in read_book(Path(asked["bundle"])).sentences], asked["sentences"])
    voices = {"clone": replace(base, clone=clone), "base": base, "espeak": Voice("espeak", "espeak", "eSpeak NG", "")}

    def speak() -> Mapping[str, Any]:
        numbered = [Line(number, text, sha256(text.encode()).hexdigest()) for number, text in enumerate(lines)]
        groups = {}
        for name, voice in voices.items():
            engine = make_engine(voice, asked["device"], asked["language"], SpeechSettings(), Path(asked["cache_dir"]))
            groups[name] = [str(folder / f"{name}-{number}.wav") for number in range(len(lines))]
            for batch in engine.speak(numbered, lambda: False):
                for take in batch:
                    soundfile.write(groups[name][take.index], take.samples, engine.rate_hz)
            engine.close()
        return {"groups": groups, "sample": str(sample)}

    process.serve({"speak": speak})


def _sample(recording: Path, out: Path) -> Path:
    """The beginning of a recording that is clean already: as long as one should be, mono."""
    with soundfile.SoundFile(recording) as f:
        soundfile.write(out, f.read(round(SAMPLE_S * f.samplerate), dtype="float32", always_2d=True).mean(axis=1), f.samplerate, subtype="PCM_16")
    return out


if __name__ == "__main__":
    main()

"""A side: the same lines as WAV files, by the clones of one recording, by their base voice alone and by espeak."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

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

_FIRST: Final = "Yes."
"""What is done once, for the recording and by a device, is done with it."""


def main() -> None:
    process = Process()
    asked = process.given
    folder, base = Path(asked["folder"]), Voice.from_dict(asked["voice"]).verified()
    sample = _sample(Path(asked["sample"]), folder / "sample.flac")
    lines = chosen([sentence.spoken for sentence in read_book(Path(asked["bundle"])).sentences], asked["sentences"])
    voices = {"base": base, "espeak": Voice("espeak", "espeak", "eSpeak NG", "")}
    for converter, trained in asked["converters"].items():
        by_role = {role: Path(path) for role, path in trained.items()} if trained else files(folder, converter, full=False)
        voices[converter] = replace(base, clone=tiny_converters.clone_of(sample, converter, by_role))

    def speak() -> Mapping[str, Any]:
        """groups: of each voice a WAV file a line. xrt: its speed, once through, after a line that nobody hears."""
        groups, xrt = {}, {}
        for name, voice in voices.items():
            engine = make_engine(voice, asked["device"], asked["language"], SpeechSettings(), Path(asked["cache_dir"]))
            list(engine.speak(_numbered([_FIRST]), lambda: False))
            began = time.perf_counter()
            takes = [take for batch in engine.speak(_numbered(lines), lambda: False) for take in batch]
            took_s = time.perf_counter() - began
            groups[name] = [str(folder / f"{name}-{number}.wav") for number in range(len(lines))]
            for take in takes:
                soundfile.write(groups[name][take.index], take.samples, engine.rate_hz)
            xrt[name] = round(sum(len(take.samples) for take in takes) / engine.rate_hz / took_s, 3)
            engine.close()
        return {"groups": groups, "xrt": xrt, "lines": lines, "sample": str(sample)}

    process.serve({"speak": speak})


def _numbered(lines: Sequence[str]) -> list[Line]:
    return [Line(number, text, sha256(text.encode()).hexdigest()) for number, text in enumerate(lines)]


def _sample(recording: Path, out: Path) -> Path:
    """The beginning of a recording that is clean already: as long as one should be, mono."""
    with soundfile.SoundFile(recording) as f:
        soundfile.write(out, f.read(round(SAMPLE_S * f.samplerate), dtype="float32", always_2d=True).mean(axis=1), f.samplerate, subtype="PCM_16")
    return out


if __name__ == "__main__":
    main()

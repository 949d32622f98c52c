"""A side: `hibari-tts` as it comes, one sentence after the other. It also says which lines of a bundle are spoken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from e2a_sidecar.reading.book import read_book
from e2a_sidecar.speaking.processor import processor_name
from e2a_sidecar.voices.voice import Voice
from hibari import Hibari  # type: ignore[import-untyped]
from hibari.g2p import G2P  # type: ignore[import-untyped]

from build_steps.bench_sides.lines import chosen
from build_steps.bench_sides.serving import Process


def main() -> None:
    process = Process()
    asked = process.given
    voice = Voice.from_dict(asked["voice"]).verified()
    package = Hibari(model=str(voice.file("model")), g2p=G2P(british=voice.language == "en-GB"))  # a model's path, so that nothing is fetched
    lines = chosen([sentence.spoken for sentence in read_book(Path(asked["bundle"])).sentences], asked["sentences"])

    def speak(lines: Sequence[str]) -> Mapping[str, float]:
        return {"audio_s": sum(len(package(line)) for line in lines) / package.sample_rate}

    versions = {name: version(name) for name in ("onnxruntime", "hibari-tts", "numpy")}
    process.serve({"speak": speak}, {"lines": lines, "processor": processor_name(), "versions": versions})


if __name__ == "__main__":
    main()

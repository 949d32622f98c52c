"""A chapter by the real voice and the real sidecar, and how far its words' times lie from the sound in the finished file.

The sound is judged here by another rule than the product's: windows of 10 ms, silence below the middle (in dB) between
the noise floor of a sentence and what is loud in it. Needs E2A_JOE_DIR; whoever asks has the layer that the device needs.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sqlite3
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from made_once import of_its_own
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parent / "sidecar"))
from session_driver import Driver, conversion, write_bundle  # after its folder is on the path

Sound = NDArray[np.float32]

PARAGRAPHS = [
    "My brother is also a physician, and also of high standing, and he says the same thing.",
    "There comes John, and I must put this away; he hates to have me write a word.",
    "It is repeated, of course, by the breadths, but not otherwise.",
    "Mr. Darcy came on the 3rd of May, 1843, but his friend, Dr. Jones, had left at half past ten.",
    "“You must have been very slow about it,” he observed, “but what is that to you?”",
    "I asked him, was it right? He was not sure, he said, but he thought not.",
    "It was dark at last; but the old clock, which no one had wound, struck eight, and then it stopped.",
    "Wait… what was that? Nothing, perhaps: a rat, or the wind in the loft.",
    "She took the lamp, the book, a bit of bread, half an apple, and went up.",
    "He was a good, quiet, patient man — though poor — but he had, I think, too few friends.",
]


@dataclass(frozen=True)
class Edge:
    """A word beside a pause: seconds from the sound's edge to the time in the report, and the word."""

    late_s: float
    word: str


@dataclass(frozen=True)
class RealBook:
    """What the listener gets: decoded samples (mono), their rate, the report's sentences, and the clips that were kept."""

    samples: Sound
    rate_hz: int
    sentences: list[dict[str, Any]]
    clips: list[Sound]

    def of(self, sentence: dict[str, Any]) -> Sound:
        """A sentence's samples in the file."""
        return self.samples[round(sentence["start_s"] * self.rate_hz) : round(sentence["end_s"] * self.rate_hz)]


def real_book(folder: Path, device: str, made: Path, clone: dict[str, Any] | None = None) -> RealBook:
    """Convert PARAGRAPHS with the interpreter that runs this. made: a cache folder whose graphs are used. clone: as the wire names it."""
    model = Path(os.environ.get("E2A_JOE_DIR", "")) / "en_US-joe-medium.onnx"
    if not model.is_file():
        pytest.skip("the real voice is not here (E2A_JOE_DIR)")
    files = {"model": str(model), "config": f"{model}.json"}
    voice = {"id": "en_US-joe-medium", "kind": "piper", "name": "Joe", "language": "en-US", "files": files, "sha256": {}, "clone": clone}
    book, report, cache = folder / "x.m4b", folder / "report.json", of_its_own(folder / "cache", made)
    with Driver() as driver:
        driver.send(**conversion(write_bundle(folder / "b", {"One": PARAGRAPHS}), book, cache, voice=voice, device=device, report=str(report)))
        ended = driver.end()
        assert ended["type"] == "done", ended
    with av.open(str(book)) as container:
        frames = list(container.decode(audio=0))
    with contextlib.closing(sqlite3.connect(cache / "clips.sqlite")) as db:
        clips = [soundfile.read(io.BytesIO(flac), dtype="float32")[0] for (flac,) in db.execute("SELECT flac FROM clips")]
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    return RealBook(samples, frames[0].sample_rate, json.loads(report.read_text("utf-8"))["sentences"], clips)


def edges(book: RealBook) -> tuple[list[Edge], list[Edge]]:
    """(where words begin, where words end) beside every pause and at both ends of every sentence."""
    begins: list[Edge] = []
    ends: list[Edge] = []
    for sentence in book.sentences:
        text, length_s = sentence["text"], sentence["end_s"] - sentence["start_s"]
        words = [(start_s - sentence["start_s"], end_s - sentence["start_s"], a, b) for start_s, end_s, a, b in sentence["words"]]
        silences = _silences(book.of(sentence), book.rate_hz)
        pauses = [s for s in silences if s[1] - s[0] >= 0.08 and s[0] > 0 and s[1] < length_s - 0.01]
        sound_starts_s = silences[0][1] if silences[0][0] == 0 else 0.0
        sound_ends_s = silences[-1][0] if silences[-1][1] >= length_s - 0.01 else length_s
        begins.append(Edge(words[0][0] - sound_starts_s, text[words[0][2] : words[0][3]]))
        ends.append(Edge(words[-1][1] - sound_ends_s, text[words[-1][2] : words[-1][3]]))
        for (_, before_s, a, b), (after_s, _, c, d) in pairwise(words):
            near = [s for s in pauses if s[0] < after_s + 0.15 and s[1] > before_s - 0.15]
            if near and re.search(r"[^\w\s]", text[b:c]):
                pause = max(near, key=lambda s: s[1] - s[0])
                ends.append(Edge(before_s - pause[0], text[a:b]))
                begins.append(Edge(after_s - pause[1], text[c:d]))
    return begins, ends


def offsets(book: RealBook) -> list[int]:
    """For each sentence the samples from where the report says that its clip begins to where it is found in the file."""
    found: list[int] = []
    for sentence in book.sentences:
        start, margin = round(sentence["start_s"] * book.rate_hz), 2000
        heard = book.samples[start - margin : start + book.of(sentence).size + margin]
        as_long = [clip for clip in book.clips if abs(clip.size - book.of(sentence).size) < 100]
        alike, at = max(_found_in(heard, clip, 2 * margin) for clip in as_long)
        assert alike > 0.8, sentence["text"]
        found.append(at - margin)
    return found


def _found_in(heard: Sound, clip: Sound, latest: int) -> tuple[float, int]:
    """(likeness, 1 for the same; at which sample of `heard`) of the place where a clip is most likely."""
    size = 1 << (heard.size + clip.size).bit_length()
    alike = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(clip, size)))[: latest + 1]
    at = int(np.argmax(alike))
    same = heard[at : at + clip.size]
    return float(alike[at] / np.sqrt(np.sum(np.square(clip[: same.size])) * np.sum(np.square(same)))), at


def _silences(samples: Sound, rate_hz: int) -> list[tuple[float, float]]:
    hop = round(0.005 * rate_hz)
    sums = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    starts = np.arange(0, samples.size - 2 * hop, hop)
    level_db = 10 * np.log10((sums[starts + 2 * hop] - sums[starts]) / (2 * hop) + 1e-10)
    silent = level_db < np.mean(np.percentile(level_db, (2, 95)))
    turns = np.flatnonzero(np.diff(np.concatenate(([0], silent.astype(int), [0])))).reshape(-1, 2)
    times = np.concatenate((starts / rate_hz + hop / rate_hz / 2, [samples.size / rate_hz]))
    return [(float(times[a]) if a else 0.0, float(times[b])) for a, b in turns]

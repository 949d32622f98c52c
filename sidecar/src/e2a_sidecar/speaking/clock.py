"""The model's own clock (design rule 13): durations of phonemes become the words' times. Pure arithmetic.

The clock says which words lie beside which pause, but not to the millisecond where the sound stops there: a voice learns
its durations by laying text on recordings, and a silence fits any phoneme that is silent itself. Joe's gives half of a
pause to the b or h behind it and the whole closure of a last t to the t: three quarters of the edges beside pauses lie
within 30 ms of the sound's, and however the pads are shared, at most four fifths. So there, and only there, the words'
edges are laid on the sound itself (99 %).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.model import Samples, Word
from e2a_sidecar.speaking.phonemes import WordSpan

JOINED_S: Final = 0.1
"""A space this short is no pause: one word runs into the next there."""
PAUSE_S: Final = 0.08
"""Silence this long between two words is a pause; the closure of a stop is shorter."""
NEAR_S: Final = 0.02
"""How far the space between two words may lie from a pause that is theirs, and what each word keeps at least of its time."""
_FRAME_S: Final = 0.005
_LOUD, _FLOOR = 95, 2
"""Percentiles of a clip's frames by energy: what is loud in it, and what it has between its words."""
_SHALLOWEST_DB, _DEEPEST_DB = 30.0, 40.0


def words_at(
    durations_frames: NDArray[np.float32] | NDArray[np.int64] | Sequence[float], words: tuple[WordSpan, ...], hop_length: int, rate_hz: int
) -> tuple[Word, ...]:
    """The words of one take, in seconds from its first sample.

    durations_frames: one number for each phoneme id, in frames of `hop_length` samples. A word lasts from the start of
    its first id to the end of its last (the pad behind its last phoneme belongs to it). The space between two words is
    sound too where it is no pause (measured: a tenth of the energy of joe's sentences), so half of it belongs to either.
    """
    ends = np.concatenate(([0.0], np.cumsum(np.asarray(durations_frames, dtype=np.float64)))) * (hop_length / rate_hz)
    found = [Word(start_s=float(ends[w.first_id]), end_s=float(ends[w.last_id]), start=w.start, end=w.end) for w in words]
    for number, (before, after) in enumerate(pairwise(found)):
        if 0 < after.start_s - before.end_s <= JOINED_S:
            middle_s = (before.end_s + after.start_s) / 2
            found[number] = replace(found[number], end_s=middle_s)
            found[number + 1] = replace(after, start_s=middle_s)
    return tuple(found)


def on_the_sound(words: tuple[Word, ...] | None, samples: Samples, rate_hz: int) -> tuple[Word, ...] | None:
    """The words of one take with the edges beside its pauses, and at both its ends, where the sound ends and begins.

    A pause is the longest silence of at least PAUSE_S that touches the space between two words. Edges beside it stand in
    steps of 5 ms; words keep their order. Nothing moves in a take without silence, and None (no clock) stays None.
    """
    silences = _silences(samples, rate_hz)
    if not words or not silences:
        return words
    found = list(words)
    (_, sound_starts_s), (sound_ends_s, _) = silences[0], silences[-1]
    if sound_starts_s <= found[0].end_s - NEAR_S:
        found[0] = replace(found[0], start_s=sound_starts_s)
    if sound_ends_s >= found[-1].start_s + NEAR_S:
        found[-1] = replace(found[-1], end_s=sound_ends_s)
    pauses = [(end_s - start_s, start_s, end_s) for start_s, end_s in silences[1:-1] if end_s - start_s > PAUSE_S - _FRAME_S / 2]
    for number, (before, after) in enumerate(pairwise(words)):
        near = [pause for pause in pauses if pause[1] <= after.start_s + NEAR_S and pause[2] >= before.end_s - NEAR_S]
        if near:
            _, ends_s, starts_s = max(near)
        elif any(start_s < after.start_s and end_s > before.end_s for start_s, end_s in silences):
            continue
        else:
            ends_s = starts_s = (before.end_s + after.start_s) / 2
        if ends_s >= found[number].start_s + NEAR_S and starts_s <= found[number + 1].end_s - NEAR_S:
            found[number] = replace(found[number], end_s=ends_s)
            found[number + 1] = replace(found[number + 1], start_s=starts_s)
    return tuple(found)


def _silences(samples: Samples, rate_hz: int) -> list[tuple[float, float]]:
    """[start, end) in seconds of all silences in order; the first begins with the take and the last ends with it, both maybe empty.

    Silent is a frame halfway (in dB) between what is loud in the take and its noise floor, but at least 30 dB below what
    is loud (a whisper is no silence) and at most 40 (nobody hears that beside speech). None where the floor is not silent.
    """
    size = round(_FRAME_S * rate_hz)
    count = samples.size // size
    if not count:
        return []
    frames = samples[: count * size].astype(np.float64).reshape(count, size)
    level_db = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-3)
    loud_db, floor_db = np.percentile(level_db, (_LOUD, _FLOOR))
    silent_db = loud_db - np.clip((loud_db - floor_db) / 2, _SHALLOWEST_DB, _DEEPEST_DB)
    if floor_db >= silent_db:
        return []
    sounding = np.flatnonzero(level_db >= silent_db)
    starts = np.concatenate(([0], sounding + 1)) * (size / rate_hz)
    ends = np.concatenate((sounding, [count])) * (size / rate_hz)
    ends[-1] = samples.size / rate_hz
    kept = ends > starts
    kept[[0, -1]] = True
    return [(float(start_s), float(end_s)) for start_s, end_s in zip(starts[kept], ends[kept], strict=True)]

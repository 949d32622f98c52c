"""The whole recording, looked over: how loud it is from place to place, and which stretches are worth a closer look.

A short one is decoded from end to end; a long one is looked into at PIECES places, so that three hours take a few seconds. The
looking ends in any case when LOOK_S are over, with what was heard until then: pieces come in an order in which each halves the gaps
between those before it.

What it knows of the sound are energies of 20 ms, less what lies under the voice: hum and rumble would hide the pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.sampling.source import TIME_S, Block, Recording, Sound

PEAKS: Final = 600
STRETCH_S: Final = 30.0
"""Of a stretch that is proposed."""
WHOLE_S: Final = 600.0
"""What is not longer is decoded from end to end."""
LOOK_S: Final = 11.0
RESERVED_S: Final = TIME_S - LOOK_S
"""For reading the stretch itself."""
STEP_S: Final = 0.02
_CANDIDATES: Final = 3
_PARTS: Final = 6
"""Of a stretch, each judged for itself: music just before speech, or silence, would else make the whole look lively."""
PIECES: Final = 256
_PIECE_S: Final = 1.0
_AROUND_S: Final = 60.0
"""Of a long one, what is decoded in a row around the best pieces."""
_ENVELOPE_HZ: Final = 8_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scan:
    """duration_s: of the recording, as far as it can be known. peak: its greatest sample. power: of each channel, mean square; empty where their
    number changes. mixed: of their mean. peaks: PEAKS numbers 0..100, of the loudest. stretches: (start_s, end_s), best first. in_a_row: it
    was decoded from its beginning, so places are counted in its samples; else they are what the file says."""

    duration_s: float
    peak: float
    power: tuple[float, ...]
    mixed: float
    peaks: tuple[int, ...]
    stretches: tuple[tuple[float, float], ...]
    in_a_row: bool


class _Steps:
    """Energies and peaks of 20 ms each, with their places."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._factor = max(1, rate_hz // _ENVELOPE_HZ)
        self._step = max(1, round(rate_hz * STEP_S / self._factor)) * self._factor
        self.places: list[Floats] = []
        self.energies: list[Floats] = []
        self.tops: list[Floats] = []
        self.power: dict[int, Floats] = {}
        self.mixed = 0.0
        self.heard = 0
        self._rest: Block | None = None

    def add(self, block: Block) -> None:
        """Blocks that follow each other are one sound: what is left of one for less than a step begins the next."""
        channels, size = block.sound.shape
        self.heard += size
        self.power[channels] = self.power.get(channels, np.zeros(channels)) + np.einsum("ij,ij->i", block.sound, block.sound).astype(np.float64)
        mix = block.sound.mean(axis=0)
        self.mixed += float(np.dot(mix, mix))
        start_s, sound = self._with_rest(block)
        steps = sound.shape[1] // self._step
        self._rest = Block(start_s + steps * self._step / self._rate_hz, sound[:, steps * self._step :].copy())
        if not steps:
            return
        whole = sound[:, : steps * self._step]
        few = np.add.reduce([whole[:, n :: self._factor] for n in range(self._factor)]) / self._factor
        rising = np.diff(few, axis=1, prepend=few[:, :1]).reshape(channels * steps, -1)
        self.energies.append(np.einsum("ij,ij->i", rising, rising).reshape(channels, steps).mean(axis=0, dtype=np.float64) / rising.shape[1])
        rows = whole.reshape(channels, steps, -1)
        self.tops.append(np.maximum(rows.max(axis=(0, 2)), -rows.min(axis=(0, 2))).astype(np.float64))
        self.places.append(start_s + np.arange(steps) * self._step / self._rate_hz)

    def _with_rest(self, block: Block) -> tuple[float, Sound]:
        rest = self._rest
        if rest is None or rest.sound.shape[0] != block.sound.shape[0]:
            return block.start_s, block.sound
        if abs(rest.start_s + rest.sound.shape[1] / self._rate_hz - block.start_s) > STEP_S / 2:
            return block.start_s, block.sound
        return rest.start_s, np.concatenate([rest.sound, block.sound], axis=1)

    def joined(self) -> tuple[Floats, Floats, Floats]:
        """(places, energies, peaks) in the order of the recording."""
        if not self.places:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        places = np.concatenate(self.places)
        order = np.argsort(places, kind="stable")
        return places[order], np.concatenate(self.energies)[order], np.concatenate(self.tops)[order]


def scan(open_it: Callable[[], Recording]) -> Scan:
    """Look it over. SidecarError `sample_unusable` as Recording's; Stopped."""
    with open_it() as recording:
        said_s = recording.said_s
        if said_s is None or said_s <= WHOLE_S:
            return _whole(recording, said_s)
        spread = _spread(recording, said_s)
    if spread is not None:
        return spread
    with open_it() as recording:  # anew: nobody knows where it stands
        return _whole(recording, None)


def _whole(recording: Recording, said_s: float | None) -> Scan:
    steps, ended = _Steps(recording.rate_hz), True
    for block in recording.blocks():
        steps.add(block)
        if block.start_s > WHOLE_S or recording.left_s < RESERVED_S:
            ended = False
            break
    heard_s = steps.heard / recording.rate_hz
    duration_s = heard_s if ended else max(heard_s, said_s or 0.0)
    places, energies, tops = steps.joined()
    return _scan(steps, duration_s, tops, places, _best(places, energies, min(heard_s, duration_s)), in_a_row=True)


def _spread(recording: Recording, said_s: float) -> Scan | None:
    """Of a long one; None where its length is a lie or nobody can jump in it."""
    steps, reached = _Steps(recording.rate_hz), 0
    tried = 0
    for number in _halving(PIECES):
        before = steps.heard
        start_s = (number + 0.5) / PIECES * said_s - _PIECE_S / 2
        for block in _first(recording.at(start_s, _PIECE_S), _PIECE_S, recording.rate_hz):
            steps.add(block)
        tried += 1
        reached += steps.heard > before
        if recording.left_s < RESERVED_S or (tried == 16 and reached < 12):
            break
    places, energies, tops = steps.joined()
    if reached < 0.75 * tried or not places.size:  # each jump may have led to less than a step
        return None
    stretches = list[tuple[float, float]]()
    for place_s in _promising(places, energies):
        if not stretches or recording.left_s > RESERVED_S:
            stretches += _near(recording, place_s, said_s)
    return _scan(steps, said_s, tops, places, tuple(stretches), in_a_row=False)


def _promising(places: Floats, energies: Floats) -> list[float]:
    """Where the best pieces are, best first: pieces that have good ones beside them."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(places) > 2 * STEP_S]))
    scores = np.array([_score(piece) for piece in np.split(energies, starts[1:])])
    scores = np.convolve(np.pad(scores, 1, mode="edge"), (0.25, 0.5, 0.25), "valid")
    found: list[int] = []
    for number in np.argsort(-scores, kind="stable").tolist():
        if all(abs(number - other) > 2 for other in found):
            found.append(number)
    return [float(places[starts[number]]) for number in found[:_CANDIDATES]]


def _near(recording: Recording, middle_s: float, duration_s: float) -> list[tuple[float, float]]:
    """The best stretch around a place of a long recording, of what can be read there in time; less than half a stretch says nothing."""
    start_s = max(0.0, min(middle_s, duration_s - _AROUND_S / 2) - _AROUND_S / 2)
    steps = _Steps(recording.rate_hz)
    for block in _first(recording.at(start_s, _AROUND_S), _AROUND_S, recording.rate_hz):
        steps.add(block)
        if recording.left_s < RESERVED_S:
            break
    places, energies, _ = steps.joined()
    if energies.size * STEP_S < STRETCH_S / 2:
        return [(max(0.0, middle_s - STRETCH_S / 2), min(duration_s, middle_s + STRETCH_S / 2))]
    return [*_best(places, energies, float(places[-1]) + STEP_S)[:1]]


def _first(blocks: Iterator[Block], length_s: float, rate_hz: int) -> Iterator[Block]:
    """What is no longer than that of them, with the number of channels that the first has."""
    channels, left = 0, round(length_s * rate_hz)
    for block in blocks:
        channels = channels or block.sound.shape[0]
        if block.sound.shape[0] != channels:
            return
        yield Block(block.start_s, block.sound[:, :left])
        left -= block.sound.shape[1]
        if left <= 0:
            return


def _halving(count: int) -> list[int]:
    """0..count-1 (a power of 2), each between those before it."""
    bits = count.bit_length() - 1
    return [int(f"{number:0{bits}b}"[::-1], 2) for number in range(count)]


def _scan(steps: _Steps, duration_s: float, tops: Floats, places: Floats, stretches: tuple[tuple[float, float], ...], in_a_row: bool) -> Scan:
    peak = float(tops.max(initial=0.0))
    power = next(iter(steps.power.values())) / max(1, steps.heard) if len(steps.power) == 1 else np.zeros(0)
    return Scan(
        duration_s, peak, tuple(float(p) for p in power), steps.mixed / max(1, steps.heard), _peaks(tops, places, duration_s, peak), stretches, in_a_row
    )


def _peaks(tops: Floats, places: Floats, duration_s: float, peak: float) -> tuple[int, ...]:
    """Of each PEAKS-th the greatest; where nothing was heard, as the place before it."""
    found = np.full(PEAKS, -1.0)
    if peak and duration_s:
        at = np.minimum((places / duration_s * PEAKS).astype(int), PEAKS - 1)
        np.maximum.at(found, at, tops / peak * 100)
    known = np.flatnonzero(found >= 0)
    if not known.size:
        return (0,) * PEAKS
    nearest = known[np.clip(np.searchsorted(known, np.arange(PEAKS), side="right") - 1, 0, known.size - 1)]
    return tuple(round(value) for value in found[nearest])


def _best(places: Floats, energies: Floats, end_s: float) -> tuple[tuple[float, float], ...]:
    """Some stretches of sound in a row that do not overlap, best first; the whole where it is not much longer than one. end_s: where it ends."""
    first_s = float(places[0]) if places.size else 0.0
    if end_s - first_s <= 1.25 * STRETCH_S:
        return ((first_s, end_s),)
    window, hop, part = (round(seconds / STEP_S) for seconds in (STRETCH_S, 1.0, STRETCH_S / _PARTS))
    last = max(0, energies.size - window)
    parts = {start: _score(energies[start : start + part]) for start in range(0, last + window - part + 1, hop)}
    scores = [(sum(parts[start + n * part] for n in range(_PARTS)), start) for start in range(0, last + 1, hop)]
    found: list[int] = []
    for _, start in sorted(scores, key=lambda entry: (-entry[0], entry[1])):
        if all(abs(start - other) >= window for other in found):
            found.append(start)
        if len(found) == _CANDIDATES:
            break
    return tuple((float(places[start]), min(end_s, float(places[start]) + STRETCH_S)) for start in found)


def _score(energies: Floats) -> float:
    """How good a stretch may be: seconds of speech in it, less where it is noisy or the sound does not move as speech does."""
    level_db = 10 * np.log10(energies + 1e-14)
    noise_db, top_db = np.percentile(level_db, (5, 95))
    range_db = top_db - noise_db
    if top_db < -110:
        return 0.0
    spoken = float(np.mean(level_db > max(noise_db + range_db / 3, top_db - 35)))
    moving = min(1.0, moves(np.sqrt(energies), 1 / STEP_S) / 0.6)
    return spoken * min(1.0, float(range_db) / 45) * moving


def moves(envelope: Floats, rate_hz: float) -> float:
    """How much an envelope (amplitudes) moves 2.5 to 8 times a second, as syllables do: RMS of that, over its mean. 0.5 and more in speech."""
    mean = float(envelope.mean())
    if envelope.size < 8 or mean <= 0:
        return 0.0
    spectrum = np.abs(np.fft.rfft(envelope - mean)) ** 2
    frequencies = np.fft.rfftfreq(envelope.size, 1 / rate_hz)
    band = float(spectrum[(frequencies >= 2.5) & (frequencies <= 8.0)].sum())
    return float(np.sqrt(2 * band) / envelope.size / mean)

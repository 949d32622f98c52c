"""Recordings for the tests of samples: speech (espeak's, so that nothing has to be fetched), music, noise; and files of any kind of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import soundfile
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.espeak import Espeak
from e2a_sidecar.speaking.settings import SpeechSettings
from numpy.typing import NDArray

Sound = NDArray[np.float64]
RATE_HZ = 22050
TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness.",
    "It was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of darkness.",
    "We had everything before us, we had nothing before us, we were all going direct to heaven.",
    "In short, the period was so far like the present period, that some of its noisiest authorities insisted on its being received.",
    "There were a king with a large jaw and a queen with a plain face, on the throne of England.",
    "In both countries it was clearer than crystal to the lords of the state that things in general were settled for ever.",
)


@cache
def _spoken(language: str) -> Sound:
    engine = Espeak(language, SpeechSettings())
    lines = [Line(n, text, f"{n:064x}") for n, text in enumerate(TEXT)]
    clips = [take.samples / 32768 for batch in engine.speak(lines, lambda: False) for take in batch]
    engine.close()
    pause = np.zeros(round(0.4 * RATE_HZ))
    return np.concatenate([part for clip in clips for part in (clip, pause)])


def speech(seconds: float = 30.0, language: str = "en") -> Sound:
    """Somebody speaks; said again from its beginning where it is longer."""
    return np.resize(_spoken(language), round(seconds * RATE_HZ))


def noise(seconds: float, seed: int = 1) -> Sound:
    """White, RMS 0.1."""
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))


def hum(seconds: float, base_hz: float = 100.0) -> Sound:
    """Of the mains, with some overtones, RMS 0.1."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    found = sum(np.sin(2 * np.pi * base_hz * k * t + k) / k for k in range(1, 5))
    return 0.1 * found / np.sqrt(np.mean(np.square(found)))


def at_snr(voice: Sound, other: Sound, snr_db: float) -> Sound:
    """Both, the voice (where there is any) so much above the other."""
    loud = np.square(voice[np.abs(voice) > 0])
    gain = np.sqrt(float(loud.mean()) / float(np.square(other).mean()) / 10 ** (snr_db / 10))
    return voice + gain * other


def reverberant(voice: Sound, decay_s: float) -> Sound:
    """As in a room whose sound dies by 60 dB in so long."""
    size = round(decay_s * RATE_HZ)
    room = 0.1 * np.random.default_rng(2).standard_normal(size) * 10 ** (-3 * np.arange(size) / size)
    room[0] = 1.0
    long = voice.size + size
    found = np.fft.irfft(np.fft.rfft(voice, long) * np.fft.rfft(room, long), long)[: voice.size]
    return 0.5 * found / np.abs(found).max()


def _plucked(f_hz: float, seconds: float) -> Sound:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.minimum(1, t / 0.005) * sum(np.sin(2 * np.pi * f_hz * k * t) * np.exp(-t * k / 1.2) / k for k in range(1, 9))


def _blown(f_hz: float, seconds: float) -> Sound:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    edges = np.minimum(1, t / 0.03) * np.minimum(1, (seconds - t) / 0.05)
    return edges * sum(np.sin(2 * np.pi * f_hz * k * t) / k for k in (1, 2, 3, 4, 6, 8))


def _bowed(f_hz: float, seconds: float) -> Sound:
    """With vibrato."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(f_hz * (1 + 0.006 * np.sin(2 * np.pi * 5.5 * t))) / RATE_HZ
    return np.minimum(1, t / 0.08) * np.minimum(1, (seconds - t) / 0.08) * sum(np.sin(phase * k) / k for k in range(1, 12))


def _drum(number: int) -> Sound:
    random, t = np.random.default_rng(number), np.arange(round(0.2 * RATE_HZ)) / RATE_HZ
    if number % 2 == 0:
        return np.sin(2 * np.pi * (50 + 80 * np.exp(-30 * t)) * t) * np.exp(-15 * t)
    return 0.5 * random.standard_normal(t.size) * np.exp(-25 * t)


def music(kind: str, seconds: float = 30.0) -> Sound:
    """Chords (plucked, blown), a melody (bowed), drums, or a band of all of them."""
    if kind == "band":
        return 0.3 * (music("plucked", seconds) + music("bowed", seconds) + music("drums", seconds))
    instruments: dict[str, tuple[Callable[[float, float], Sound], float]] = {"plucked": (_plucked, 1.0), "blown": (_blown, 1.0), "bowed": (_bowed, 0.5)}
    out = np.zeros(round((seconds + 2) * RATE_HZ))
    random = np.random.default_rng(3)
    if kind == "drums":
        notes = [(n * 0.25, _drum(n)) for n in range(round(seconds * 4))]
    else:
        play, each_s = instruments[kind]
        chords = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (55, 59, 62))
        played = [(n, chord if kind != "bowed" else (int(random.choice((60, 62, 64, 65, 67, 69, 71))),)) for n, chord in enumerate(chords * round(seconds))]
        notes = [(n * each_s, play(440 * 2 ** ((key - 69) / 12), each_s)) for n, keys in played if n * each_s < seconds for key in keys]
    for start_s, note in notes:
        start = round(start_s * RATE_HZ)
        out[start : start + note.size] += note
    out = out[: round(seconds * RATE_HZ)]
    return 0.5 * out / np.abs(out).max()


def write(path: Path, sound: Sound, rate_hz: int = RATE_HZ, subtype: str = "PCM_16") -> Path:
    """A WAV file (or what its name says) by libsndfile; sound: (samples,) or (samples, channels)."""
    soundfile.write(path, sound, rate_hz, subtype=subtype)
    return path


def at_rate(sound: Sound, rate_hz: int) -> Sound:
    """The same at another rate, by its spectrum."""
    size = round(sound.size * rate_hz / RATE_HZ)
    return np.fft.irfft(np.fft.rfft(sound)[: size // 2 + 1], size) * size / sound.size


def encode(
    path: Path, sounds: list[Sound], codec: str, form: str | None = None, picture: str = "", rate_hz: int = RATE_HZ, layout: str = "mono"
) -> Path:
    """A file by ffmpeg with one sound track for each, (samples,) or (samples, channels) in a `layout` of its; picture: `film` or `cover` beside them."""
    with av.open(str(path), "w", format=form) as out:
        film = None
        if picture:
            film = out.add_stream("mpeg4" if picture == "film" else "mjpeg", rate=25)
            film.width, film.height, film.pix_fmt = 320, 240, "yuv420p" if picture == "film" else "yuvj420p"
            if picture == "cover":
                film.disposition = av.stream.Disposition.attached_pic
        tracks = [out.add_stream(codec, rate=rate_hz, layout=layout) for _ in sounds]
        if film is not None:
            for number in range(round(sounds[0].size / rate_hz * 25) if picture == "film" else 1):
                image = av.VideoFrame.from_ndarray(np.full((240, 320, 3), number % 256, np.uint8), format="rgb24")
                image.pts = number
                out.mux(film.encode(image))
            out.mux(film.encode(None))
        for track, sound in zip(tracks, sounds, strict=True):
            resampler = av.AudioResampler(track.codec_context.format, layout, rate_hz, frame_size=track.codec_context.frame_size or 1024)
            frame = av.AudioFrame.from_ndarray(sound.astype(np.float32).reshape(1, -1), format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            for piece in (*resampler.resample(frame), *resampler.resample(None)):
                out.mux(track.encode(piece))
            out.mux(track.encode(None))
    return path

"""A book encoded in segments by several threads is the book that one encoder makes, and nothing is left of what is stopped."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from e2a_sidecar import assembly as assembly_module
from e2a_sidecar.assembly import Assembled, Assembly, ClipGone, Ready
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.mastering.master import Master, VoiceGain, limit_db
from e2a_sidecar.mastering.pauses import TimeLine
from e2a_sidecar.mastering.segments import Segment, Segments
from e2a_sidecar.mastering.workers import Work, in_order
from e2a_sidecar.model import Book, Break, Chapter, Clip, Metadata, Samples, Sentence, Source, Speaker, Word
from e2a_sidecar.writing.aac import AacEncoder, Packet, Resampler, encoder_rate_hz
from e2a_sidecar.writing.m4b import M4bWriter, marks_in_file

BITRATE = 64000
GAIN_DB = 9.0
"""Loud enough that the limiter works all the time."""


def speech(seconds: float, rate_hz: int, seed: int) -> Samples:
    """Pulses through a resonance, in syllables, with hisses between them: as uneven as speech."""
    rng, n = np.random.default_rng(seed), round(seconds * rate_hz)
    pulses = np.zeros(n)
    pulses[:: rate_hz // 110] = 1.0
    t = np.arange(600) / rate_hz
    voiced = np.convolve(pulses, np.exp(-t * 250) * np.sin(2 * np.pi * 700 * t))[:n]
    syllables = np.repeat(rng.uniform(0.0, 1.0, n // 2000 + 1), 2000)[:n]
    sound = voiced * syllables + rng.normal(0, 0.05, n) * (1 - syllables)
    return np.clip(sound * 0.3 * 32767, -32768, 32767).astype(np.int16)


class Shelf:
    """A book of kept clips: about a minute at `rate_hz`, in segments of at least three seconds."""

    def __init__(self, folder: Path, rate_hz: int, count: int = 26) -> None:
        self.rate_hz, self.folder = rate_hz, folder
        self.store = ClipStore(folder / "clips")
        self.keys = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(count)]
        self.clips = [speech(0.8 + n * 0.7 % 3, rate_hz, n) for n in range(count)]
        who, words = Speaker("tone", "cpu", ()), (Word(0.0, 0.5, 0, 3),)
        self.store.put([Clip(key, rate_hz, samples, words, 0, (), who) for key, samples in zip(self.keys, self.clips, strict=True)])
        self.store.put_gain("voice", VoiceGain(GAIN_DB, -27.0, 60.0))
        breaks = [Break.SENTENCE, Break.SENTENCE, Break.PARAGRAPH, Break.LINE]
        sentences = [Sentence(n, 0, Source("a", 0, 1), "One two.", "One two.", breaks[n % 4]) for n in range(count)]
        self.book = Book(Metadata("The Book"), (Chapter("One", 1, 0), Chapter("Two", 1, count // 2)), tuple(sentences), ())
        self.peak_db = limit_db(BITRATE, encoder_rate_hz(rate_hz))

    def assembly(self, out: Path, threads: int = 2, **fields: Any) -> Assembly:
        fields = {"ready": Ready(set(self.keys), lambda: False), "writer": lambda: M4bWriter(out, self.rate_hz, BITRATE), **fields}
        return Assembly(self.book, self.keys, self.store, rate_hz=self.rate_hz, voice_key="voice", peak_db=self.peak_db, threads=threads, **fields)

    def assembled(self, out: Path, threads: int = 2, **fields: Any) -> Assembled:
        assembly = self.assembly(out, threads, **fields)
        assembly.start()
        assembly.join()
        if assembly.error is not None:
            raise assembly.error
        assert assembly.result is not None
        return assembly.result

    def mastered(self) -> tuple[Samples, float]:
        """The whole stream as one thread makes it, and its loudness."""
        master, line, out = Master(self.rate_hz, GAIN_DB, self.peak_db), TimeLine(self.rate_hz, self.book.chapters), []
        for sentence, clip in zip(self.book.sentences, self.clips, strict=True):
            silence, _ = line.place(sentence, clip.size, None)
            out += [master.silence(silence), master.clip(clip)]
        out += [master.silence(line.finish()), master.flush()]
        return np.concatenate(out), master.lufs()

    def segments(self) -> list[Segment]:
        segments, line = assembly_module.Segments(self.rate_hz, encoder_rate_hz(self.rate_hz), 1024), TimeLine(self.rate_hz, self.book.chapters)
        found = [segments.add(n, line.place(s, c.size, None)[0], c.size) for n, (s, c) in enumerate(zip(self.book.sentences, self.clips, strict=True))]
        return [segment for segment in (*found, segments.finish(line.finish())) if segment is not None]


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(assembly_module, "Segments", partial(Segments, least_s=3.0))
    before = threading.active_count()
    yield
    assert threading.active_count() <= before, "no thread is left"


def heard(path: Path) -> Samples:
    """As ffmpeg decodes it, in the file's rate."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) * 32768


def packets(path: Path) -> list[tuple[int | None, int | None]]:
    with av.open(str(path)) as container:
        return [(packet.pts, packet.duration) for packet in container.demux(audio=0) if packet.size]


def snr_db(found: Samples, wanted: Samples, start: int, end: int) -> float:
    noise = found[start:end].astype(float) - wanted[start:end]
    return float(10 * np.log10(np.square(wanted[start:end], dtype=float).sum() / np.square(noise).sum()))


@pytest.mark.parametrize("rate_hz", [16000, 20000, 22050])
def test_the_file_is_as_good_as_one_encoders_at_the_seams_and_elsewhere(tmp_path: Path, rate_hz: int) -> None:
    shelf = Shelf(tmp_path, rate_hz)
    result = shelf.assembled(tmp_path / "segments.m4b")
    sound, lufs = shelf.mastered()
    writer = M4bWriter(tmp_path / "whole.m4b", rate_hz, BITRATE)
    writer.write(sound)
    writer.finish(marks_in_file(result.marks, "The Book"))
    assert result.duration_s == sound.size / rate_hz and result.lufs == pytest.approx(lufs, abs=1e-6)
    assert packets(tmp_path / "segments.m4b") == packets(tmp_path / "whole.m4b")
    assert (tmp_path / "segments.m4b").stat().st_size == pytest.approx((tmp_path / "whole.m4b").stat().st_size, rel=0.02)
    seconds = encoder_rate_hz(rate_hz)
    resampler = Resampler(rate_hz, seconds)
    wanted = np.concatenate([resampler.add(sound), resampler.finish()])
    found, whole = heard(tmp_path / "segments.m4b"), heard(tmp_path / "whole.m4b")
    assert found.size == whole.size
    assert snr_db(found, wanted, 0, wanted.size) == pytest.approx(snr_db(whole, wanted, 0, wanted.size), abs=0.3)
    seams = [segment.end_frame * 1024 for segment in shelf.segments() if segment.end_frame is not None]
    assert len(seams) > 8
    around = [(seam - seconds, seam + 2 * seconds) for seam in seams]
    assert np.mean([snr_db(found, wanted, *where) - snr_db(whole, wanted, *where) for where in around]) > -0.3
    assert min(snr_db(found, wanted, *where) - snr_db(whole, wanted, *where) for where in around) > -2.0
    for seam in seams:
        assert not found[seam - 512 : seam + 512].any(), "nothing is heard where two encoders meet"
        here = slice(seam, seam + 2 * seconds)
        product = np.fft.irfft(np.fft.rfft(found[here], 1 << 17) * np.conj(np.fft.rfft(wanted[here].astype(float), 1 << 17)))
        assert np.argmax(product) == 0, "no sample moves"


@pytest.mark.parametrize("rate_hz", [20000, 22050])
def test_the_bytes_are_the_same_however_many_threads_there_are(tmp_path: Path, rate_hz: int) -> None:
    shelf = Shelf(tmp_path, rate_hz)
    files = []
    for threads in (1, 2, 4):
        shelf.assembled(tmp_path / "book.m4b", threads)
        files.append((tmp_path / "book.m4b").read_bytes())
    assert files[0] == files[1] == files[2]


def test_each_segment_is_mastered_sample_by_sample_as_the_whole(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 22050)
    given: dict[int, list[Samples]] = {}

    class Listening(AacEncoder):
        def __init__(self, start: int) -> None:
            super().__init__(22050, BITRATE, start)
            self.heard = given.setdefault(start, [])

        def add(self, samples: Samples) -> list[Any]:
            self.heard.append(samples)
            return super().add(samples)

    class Writer(M4bWriter):
        def encoder(self, start: int = 0) -> AacEncoder:
            return Listening(start)

    shelf.assembled(tmp_path / "book.m4b", writer=lambda: Writer(tmp_path / "book.m4b", 22050, BITRATE))
    whole, _ = shelf.mastered()
    for segment in shelf.segments():
        out = np.concatenate(given[segment.lead])
        assert np.array_equal(out[segment.start - segment.lead :], np.pad(whole[segment.start : segment.end], (0, segment.trail)))


@pytest.mark.parametrize(("rate_hz", "new_rate_hz"), [(20000, 22050), (22000, 22050), (47000, 48000), (192000, 96000)])
def test_a_resampler_that_begins_within_the_book_gives_the_same_samples(rate_hz: int, new_rate_hz: int) -> None:
    sound = speech(4, rate_hz, 1)
    whole = Resampler(rate_hz, new_rate_hz)
    wanted = np.concatenate([whole.add(sound), whole.finish()])
    for start in (0, 1, 33333, 3 * rate_hz // 2):
        part = Resampler(rate_hz, new_rate_hz, start)
        found = np.concatenate([part.add(piece) for piece in np.array_split(sound[start:], 5)] + [part.finish()])
        assert np.array_equal(found[64:], wanted[part.place + 64 :])


@pytest.mark.parametrize("rate_hz", [8000, 20000, 22050, 48000])
def test_a_book_is_cut_in_the_midst_of_its_silences_and_nothing_of_it_is_lost(tmp_path: Path, rate_hz: int) -> None:
    shelf = Shelf(tmp_path, rate_hz)
    segments, (sound, _) = shelf.segments(), shelf.mastered()
    assert len(segments) > 3
    assert [s.start for s in segments] == [0, *(s.end for s in segments[:-1])] and segments[-1].end == sound.size
    assert [s.first_frame for s in segments] == [0, *(s.end_frame for s in segments[:-1])] and segments[-1].end_frame is None
    own = [piece.sentence for s in segments for piece in s.pieces if piece.start >= s.start]
    assert own == list(range(len(shelf.keys)))
    for segment in segments[:-1]:
        assert segment.end_frame is not None and segment.end == segment.end_frame * 1024 * rate_hz // encoder_rate_hz(rate_hz)
        reach = 1024 * rate_hz // encoder_rate_hz(rate_hz) + 32
        assert not sound[segment.end - reach : segment.end + reach].any() and segment.end - segment.start >= 3 * rate_hz


def test_a_book_without_a_pause_that_is_long_enough_is_one_segment() -> None:
    segments = Segments(8000, 8000, 1024, least_s=3.0)
    assert [segments.add(n, 2000, 8000) for n in range(20)] == [None] * 20
    assert len(segments.finish(0).pieces) == 20


def test_stopping_leaves_neither_a_file_nor_a_thread(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 22050)
    stop = threading.Event()
    assembly = shelf.assembly(tmp_path / "book.m4b", ready=Ready(set(shelf.keys), stop.is_set))
    segment_done = threading.Event()
    encoded = Assembly._encoded

    def and_told(*of: Any) -> Any:
        segment_done.set()
        return encoded(*of)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Assembly, "_encoded", and_told)
        assembly.start()
        assert segment_done.wait(60)
        stop.set()
        assembly.join(60)
    assert isinstance(assembly.error, Stopped) and not assembly.alive()
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


def test_a_disk_that_becomes_full_stops_all_threads_and_is_told(tmp_path: Path) -> None:
    class Filling(M4bWriter):
        def add(self, packets: Sequence[Packet]) -> None:
            super().add(packets)
            if (tmp_path / "book.m4b").stat().st_size > 100_000:
                raise SidecarError("disk_full", path="", need_mb=1, have_mb=0)

    shelf = Shelf(tmp_path, 22050)
    with pytest.raises(SidecarError) as caught:
        shelf.assembled(tmp_path / "book.m4b", 4, writer=lambda: Filling(tmp_path / "book.m4b", 22050, BITRATE))
    assert caught.value.code == "disk_full" and not (tmp_path / "book.m4b").exists()


@pytest.mark.parametrize("how", ["rotted", "spoken anew, at another length"])
def test_a_clip_that_is_another_by_the_time_it_is_encoded_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    shelf = Shelf(tmp_path, 22050)
    get = shelf.store.get

    def changed(key: str) -> Clip | None:
        clip = get(key)
        if key != shelf.keys[9] or clip is None:
            return clip
        return None if how == "rotted" else replace(clip, samples=clip.samples[:-1])

    monkeypatch.setattr(shelf.store, "get", changed)
    with pytest.raises(ClipGone):
        shelf.assembled(tmp_path / "book.m4b")
    assert not (tmp_path / "book.m4b").exists()


def test_what_is_ahead_is_bounded_and_one_thread_works_while_cores_are_shared() -> None:
    given, working, most, waits = list[int](), set[int](), list[int](), list[int]()
    at_once, gate, lock = [3], threading.Event(), threading.Lock()

    def numbers() -> Iterator[int]:
        for number in range(40):
            given.append(number)
            yield number

    def work(number: int) -> int:
        with lock:
            working.add(number)
            most.append(len(working))
        if number == 0:
            assert gate.wait(60)
        with lock:
            working.remove(number)
        return number

    def go_on() -> None:
        """The first is awaited and nothing else can begin: let it go on."""
        waits.append(len(given))
        if len(waits) == 5:
            gate.set()

    with ThreadPoolExecutor(8) as pool:
        results = in_order(pool, numbers(), work, lambda: at_once[0], go_on)
        found = [next(results)]
        assert max(waits) == 2 * 3 + 1 and max(most) <= 3
        at_once[0] = 1
        found += [next(results) for _ in range(8)]
        most.clear()
        found += results
    assert found == list(range(40)) and max(most) == 1


def test_the_share_that_is_done_counts_each_sentence_once(tmp_path: Path) -> None:
    assembly = Shelf(tmp_path, 22050).assembly(tmp_path / "book.m4b")
    assembly.start()
    assembly.join()
    assert assembly.so_far().share == 1.0 and assembly.so_far().worked_s > 0
    assert Work().so_far() == (0.0, 0.0)

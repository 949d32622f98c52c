"""Whatever file a user chooses: what can be heard is a sample, what cannot is told, and nothing but this file is ever read."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import threading
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import recordings
import soundfile
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.request import Sample
from e2a_sidecar.sample import Sampling
from e2a_sidecar.sampling import source
from recordings import RATE_HZ, at_rate, encode, noise, speech, write
from sampling_child import in_a_child
from session_driver import Driver


def never() -> bool:
    return False


def asked(path: Path, **fields: Any) -> dict[str, Any]:
    return Sampling().answer(Sample(1, path, **fields), never)


def refused(path: Path, **fields: Any) -> dict[str, Any]:
    with pytest.raises(SidecarError) as caught:
        asked(path, **fields)
    assert caught.value.code == "sample_unusable"
    return dict(caught.value.params)


def jpeg(path: Path) -> Path:
    with av.open(str(path), "w", format="mjpeg") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        out.mux(stream.encode(av.VideoFrame(640, 480, "yuvj420p")))
        out.mux(stream.encode(None))
    return path


def with_nothing(path: Path, value: float) -> Path:
    sound = speech(20)
    sound[::50] = value
    return write(path, sound, subtype="FLOAT")


def all_nan(path: Path) -> Path:
    return write(path, np.full(20 * RATE_HZ, np.nan), subtype="FLOAT")


def truncated(path: Path, codec: str, share: float) -> Path:
    encode(path, [speech(20)], codec)
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * share)])
    return path


def said_length(path: Path, data_bytes: int) -> Path:
    """A WAV file whose header lies about its length."""
    write(path, speech(20))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = struct.pack("<I", data_bytes)
    path.write_bytes(raw)
    return path


def of_tiny_packets(path: Path) -> Path:
    """It says that each packet lasts 257 samples, which is one: where one jumps to in it, there is next to nothing."""
    raw = bytearray(encode(path, [speech(3)], "pcm_s16le").read_bytes())
    at = raw.index(b"desc") + 4 + 8 + 20  # behind its size: rate, kind, flags, bytes of a packet
    assert struct.unpack(">I", raw[at : at + 4]) == (1,)
    raw[at : at + 4] = struct.pack(">I", 257)
    path.write_bytes(raw)
    return path


def locked(path: Path) -> Path:
    encode(path, [speech(20)], "aac")
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"drms"))
    return path


def soundless(path: Path) -> Path:
    encode(path, [np.zeros(2 * RATE_HZ)], "aac", picture="film")
    with av.open(str(path)) as film, av.open(str(path.with_name("film.mp4")), "w") as out:
        stream = out.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(film.streams.video[0]):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return path.with_name("film.mp4")


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def holding(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "gone": (lambda p: p / "a.wav", "missing"),
    "folder": (lambda p: folder(p / "a.wav"), "not_a_file"),
    "fifo": (lambda p: fifo(p / "a.wav"), "not_a_file"),
    "device": (lambda p: Path("/dev/zero"), "not_a_file"),
    "empty": (lambda p: holding(p / "a.wav", b""), "not_readable"),
    "two bytes": (lambda p: holding(p / "a.wav", b"RI"), "not_readable"),
    "text": (lambda p: holding(p / "a.mp3", b"This is no sound. " * 1000), "not_readable"),
    "jpeg": (lambda p: jpeg(p / "a.wav"), "not_readable"),
    "random": (lambda p: holding(p / "a.wav", np.random.default_rng(1).bytes(1 << 20)), "not_readable"),
    "header alone": (lambda p: holding(p / "a.wav", write(p / "b.wav", speech(8)).read_bytes()[:44]), "silence"),
    "half an MP4": (lambda p: truncated(p / "a.m4a", "aac", 0.5), "not_readable"),
    "film without sound": (lambda p: soundless(p / "a.mp4"), "no_audio"),
    "locked": (lambda p: locked(p / "a.m4a"), "protected"),
    "silence": (lambda p: write(p / "a.wav", np.zeros(20 * RATE_HZ)), "silence"),
    "no numbers": (lambda p: all_nan(p / "a.wav"), "silence"),
    "noise": (lambda p: write(p / "a.wav", noise(20)), "no_speech"),
    "music": (lambda p: encode(p / "a.mp3", [recordings.music("band", 60)], "libmp3lame"), "music"),
    "short": (lambda p: write(p / "a.wav", speech(4)), "too_short"),
    "short, of tiny packets": (lambda p: of_tiny_packets(p / "a.caf"), "too_short"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_sample_is_told(tmp_path: Path, kind: str) -> None:
    make, reason = REFUSED[kind]
    found = in_a_child(make(tmp_path))
    assert (found["error"], found["reason"]) == ("sample_unusable", reason)


def channels(count: int, speaking: tuple[int, ...], others: float = 0.02) -> recordings.Sound:
    sound = np.stack([others * noise(20, seed) for seed in range(count)], axis=1)
    for channel in speaking:
        sound[:, channel] = speech(20)
    return sound


def against_itself() -> recordings.Sound:
    return np.stack([speech(20), -speech(20)], axis=1)


def joined_layouts(path: Path) -> Path:
    """One channel, then two, in one stream of AAC."""
    encode(path, [speech(12)], "aac", "adts")
    first = path.read_bytes()
    with av.open(str(path), "w", format="adts") as out:
        stream = out.add_stream("aac", rate=RATE_HZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(np.stack([speech(12)] * 2).astype(np.float32)), format="fltp", layout="stereo")
        frame.sample_rate = RATE_HZ
        for piece in av.AudioResampler("fltp", "stereo", RATE_HZ, frame_size=1024).resample(frame):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    path.write_bytes(first + path.read_bytes())
    return path


def empty_packets(path: Path) -> Path:
    """Every tenth packet holds nothing."""
    encode(path.with_name("whole.mka"), [speech(20)], "pcm_s16le")
    with av.open(str(path.with_name("whole.mka"))) as whole, av.open(str(path), "w", format="nut") as out:
        stream = out.add_stream_from_template(whole.streams.audio[0])
        for number, packet in enumerate(whole.demux(whole.streams.audio[0])):
            if packet.size:
                pts, time_base = packet.pts, packet.time_base
                packet.stream = stream
                out.mux(packet)
                if number % 10 == 5:
                    nothing = av.Packet(0)
                    nothing.stream, nothing.pts, nothing.dts, nothing.time_base = stream, pts + 1, pts + 1, time_base
                    out.mux(nothing)
    return path


TAKEN: dict[str, tuple[Callable[[Path], Path], float]] = {
    "8 kHz": (lambda p: write(p / "a.wav", at_rate(speech(20), 8000), 8000), 20),
    "192 kHz": (lambda p: write(p / "a.wav", at_rate(speech(20), 192_000), 192_000, "PCM_24"), 20),
    "8 bit": (lambda p: write(p / "a.wav", speech(20), subtype="PCM_U8"), 20),
    "32 bit": (lambda p: write(p / "a.wav", speech(20), subtype="PCM_32"), 20),
    "64-bit floats": (lambda p: write(p / "a.wav", speech(20), subtype="DOUBLE"), 20),
    "floats of a thousand": (lambda p: write(p / "a.wav", speech(20) * 1000, subtype="FLOAT"), 20),
    "NaN in it": (lambda p: with_nothing(p / "a.wav", float("nan")), 20),
    "infinity in it": (lambda p: with_nothing(p / "a.wav", float("inf")), 20),
    "7.1": (lambda p: write(p / "a.wav", channels(8, (0, 1, 2))), 20),
    "7.1, the middle speaks": (lambda p: write(p / "a.flac", channels(8, (2,), 1.0)), 20),
    "7.1 in AAC": (lambda p: encode(p / "a.m4a", [channels(8, (0, 1, 2))], "aac", layout="7.1"), 20),
    "16 channels": (lambda p: encode(p / "a.wv", [channels(16, (2,))], "wavpack", layout="hexadecagonal"), 20),
    "one side": (lambda p: write(p / "a.wav", channels(2, (1,), 0.0)), 20),
    "against itself": (lambda p: write(p / "a.wav", against_itself()), 20),
    "MP3": (lambda p: encode(p / "a.mp3", [speech(20)], "libmp3lame"), 20),
    "half an MP3": (lambda p: truncated(p / "a.mp3", "libmp3lame", 0.5), 10),
    "Opus": (lambda p: encode(p / "a.opus", [at_rate(speech(20), 48_000)], "libopus", "ogg", rate_hz=48_000), 20),
    "FLAC called mp3": (lambda p: write(p / "a.flac", speech(20)).rename(p / "a.mp3"), 20),
    "audiobook with a cover": (lambda p: encode(p / "a.m4b", [speech(40)], "aac", "mp4", "cover"), 40),
    "film": (lambda p: encode(p / "a.mp4", [speech(20)], "aac", picture="film"), 20),
    "film, Matroska": (lambda p: encode(p / "a.mkv", [speech(20)], "flac", picture="film"), 20),
    "two tracks": (lambda p: encode(p / "a.mka", [speech(20), speech(20)], "flac"), 20),
    "says it is endless": (lambda p: said_length(p / "a.wav", 0xFFFFFFFF), 20),
    "says it is three hours": (lambda p: said_length(p / "a.wav", 3 * 3600 * RATE_HZ * 2), 20),
    "channels that change": (lambda p: joined_layouts(p / "a.aac"), 24),
    "empty packets": (lambda p: empty_packets(p / "a.nut"), 20),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_what_can_be_heard_is_taken(tmp_path: Path, kind: str) -> None:
    make, seconds = TAKEN[kind]
    found = in_a_child(make(tmp_path))
    assert found.get("error") is None, found
    assert found["duration_s"] == pytest.approx(seconds, abs=0.3)
    assert found["verdict"] == "good" or kind in ("8 kHz", "half an MP3", "NaN in it", "infinity in it", "7.1, the middle speaks"), found
    assert len(found["peaks"]) == 600 and max(found["peaks"]) == 100 and min(found["peaks"]) >= 0


def test_eight_kilohertz_are_narrow(tmp_path: Path) -> None:
    found = asked(write(tmp_path / "a.wav", at_rate(speech(20), 8000), 8000))
    assert (found["verdict"], found["remarks"], found["rate_hz"]) == ("poor", ["narrow"], 8000)


@pytest.mark.parametrize(("louder", "remarks"), [(1e10, []), (1e30, ["clipped"])])
def test_a_float_file_far_beyond_full_scale_is_heard(louder: float, remarks: list[str], tmp_path: Path) -> None:
    assert asked(write(tmp_path / "a.wav", speech(20) * louder, subtype="FLOAT"))["remarks"] == remarks


def three_hours(path: Path) -> Path:
    """Noise, and from 1:40 h on two minutes of speech, which is the only one there."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        minute = np.rint(noise(60) * 300).astype("<i2").tobytes()
        words = np.rint(speech(60) * 30000).astype("<i2").tobytes()
        for number in range(180):
            out.writeframes(words if 100 <= number < 104 else minute)
    return path


def test_three_hours_are_looked_into_and_the_speech_in_them_is_found(tmp_path: Path) -> None:
    found = in_a_child(three_hours(tmp_path / "a.wav"))
    assert found["duration_s"] == pytest.approx(3 * 3600) and 6000 <= found["start_s"] <= found["end_s"] <= 6240
    peaks = found["peaks"]
    assert min(peaks[336:344]) > 50 and max(peaks[:330] + peaks[350:]) < 10


def test_a_stretch_of_three_hours_is_that_stretch(tmp_path: Path) -> None:
    path = three_hours(tmp_path / "a.wav")
    asked(path, start_s=6010.0, end_s=6040.0, before=tmp_path / "before.wav")
    before, rate_hz = soundfile.read(tmp_path / "before.wav")
    wanted = speech(60)[10 * rate_hz : 40 * rate_hz]
    assert np.corrcoef(before[: wanted.size], wanted[: before.size])[0, 1] > 0.999


def test_the_proposed_stretch_is_where_somebody_speaks(tmp_path: Path) -> None:
    parts = [noise(60) * 0.1, recordings.music("band", 60), speech(40), np.zeros(60 * RATE_HZ)]
    found = asked(encode(tmp_path / "a.mp3", [np.concatenate(parts)], "libmp3lame"))
    assert found["start_s"] >= 118 and found["end_s"] <= 162 and found["verdict"] == "good"
    assert found["end_s"] - found["start_s"] == pytest.approx(30, abs=0.1)


def test_who_pauses_long_is_listened_to_longer(tmp_path: Path) -> None:
    piece = np.concatenate([speech(2), np.zeros(13 * RATE_HZ)])
    found = asked(write(tmp_path / "a.wav", np.tile(piece, 12)))
    assert found["speech_s"] >= 6 and found["end_s"] - found["start_s"] > 30 and found["silent"] > 0.5


def test_a_stretch_is_taken_as_it_was_chosen_and_written_in_three_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.concatenate([noise(5) * 0.01, speech(30)]))
    files = {name: tmp_path / name for name in ("out", "before", "after")}
    found = asked(path, start_s=5.0, end_s=17.5, **files)
    assert (found["start_s"], found["end_s"], found["verdict"], found["remarks"]) == (5.0, 17.5, "fair", ["short"])
    before, rate_hz = soundfile.read(files["before"])
    assert rate_hz == RATE_HZ and np.abs(before - soundfile.read(path)[0][5 * RATE_HZ : 5 * RATE_HZ + before.size]).max() < 2e-4
    out, after = soundfile.read(files["out"], dtype="int16")[0], soundfile.read(files["after"], dtype="int16")[0]
    assert np.array_equal(out, after) and soundfile.info(files["out"]).format == "FLAC"
    assert out.size / RATE_HZ == pytest.approx(found["speech_s"], abs=0.01)
    assert found["sha256"] == hashlib.sha256(files["out"].read_bytes()).hexdigest()
    assert asked(path, start_s=5.0, end_s=17.5, out=tmp_path / "again")["sha256"] == found["sha256"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", "after", "again", "before", "out"]


def test_a_stretch_behind_the_end_is_told_and_one_over_the_end_ends_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", speech(20))
    assert refused(path, start_s=21.0, end_s=30.0)["reason"] == "past_end"
    assert asked(path, start_s=8.0, end_s=500.0)["end_s"] == pytest.approx(20, abs=0.01)


def test_cut_off_peaks_are_counted(tmp_path: Path) -> None:
    loud = speech(20) / np.abs(speech(20)).max()
    found = asked(write(tmp_path / "a.wav", np.clip(loud * 4, -0.98, 0.98)))
    truth = float(np.mean(np.abs(loud * 4) >= 0.98))
    assert found["clipped"] == pytest.approx(truth, rel=0.3) and "clipped" in found["remarks"]
    assert asked(write(tmp_path / "b.wav", loud))["clipped"] == 0


PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\n{target}\n#EXT-X-ENDLIST\n",
    "m3u": "#EXTM3U\n#EXTINF:20,speech\n{target}\n",
    "ffconcat": "ffconcat version 1.0\nfile '{target}'\n",
    "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT20S">'
    '<Period><AdaptationSet mimeType="audio/mp4">'
    '<Representation id="1" bandwidth="64000"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\na=control:{target}\n",
    "lavfi": "amovie={target}",
}


@pytest.mark.parametrize("suffix", ["own", ".wav", ".m4a"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_leads_nowhere(tmp_path: Path, kind: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to a file beside it, however good, nor to an address."""
    good = write(tmp_path / "good.wav", speech(20))
    opened: list[str] = []
    monkeypatch.setattr(source, "_refuse", lambda url, flags, options: opened.append(url) or 1 / 0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls: list[object] = []
        server.settimeout(0.3)

        def listen() -> None:
            try:
                calls.append(server.accept())
            except OSError:
                return

        listener = threading.Thread(target=listen)
        listener.start()
        for target in (str(good), good.as_uri(), f"http://127.0.0.1:{server.getsockname()[1]}/a.wav"):
            path = tmp_path / f"list{'.' + kind if suffix == 'own' else suffix}"
            path.write_text(PLAYLISTS[kind].format(target=target))
            assert refused(path)["reason"] == "not_readable"
        listener.join()
    assert not calls and not opened


def test_even_a_format_that_would_open_other_files_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second and the third lock, without the first."""
    good = write(tmp_path / "good.wav", speech(20))
    path = tmp_path / "list.ffconcat"
    path.write_text(PLAYLISTS["ffconcat"].format(target="good.wav"))
    monkeypatch.setattr(source, "FORMATS", (*source.FORMATS, "concat", "hls"))
    assert refused(path)["reason"] == "not_readable"
    with av.open(str(path), options={"safe": "0"}) as followed:  # without any lock ffmpeg does follow it
        assert next(followed.decode(audio=0)).samples and good.exists()


@pytest.mark.parametrize(("codec", "name"), [("aac", "a.m4a"), ("libmp3lame", "a.mp3"), ("flac", "a.mka"), ("flac", "a.ogg"), ("pcm_s16le", "a.wav")])
def test_damaged_bytes_give_a_word_or_a_sample_and_never_a_fault(tmp_path: Path, codec: str, name: str) -> None:
    whole = encode(tmp_path / name, [speech(10)], codec).read_bytes()
    random, endings = np.random.default_rng(7), []
    for number in range(12):
        damaged = bytearray(whole)
        for at in random.integers(0, len(whole), 1 + 5 * number):
            damaged[at] = int(random.integers(256))
        (tmp_path / name).write_bytes(damaged)
        try:
            endings.append(asked(tmp_path / name)["verdict"])
        except SidecarError as error:
            assert error.code == "sample_unusable"
            endings.append(str(error.params["reason"]))
    assert len(endings) == 12 and set(endings) & {"good", "fair", "poor"}


def test_places_that_a_damaged_file_has_not_fill_no_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = encode(tmp_path / "a.caf", [speech(10)], "alac").read_bytes()
    at = whole.index(b"data") + 4
    for size in (b"\x7f" + b"\xff" * 7, b"\xff" * 7 + b"\0", b"\x80" + bytes(7)):
        (tmp_path / "a.caf").write_bytes(whole[:at] + size + whole[at + 8 :])
        with suppress(SidecarError):
            asked(tmp_path / "a.caf")
    assert "Traceback" not in capfd.readouterr().err


def test_it_stops_at_once_while_a_long_file_is_read(tmp_path: Path) -> None:
    path = three_hours(tmp_path / "a.wav")
    asked_for = 0

    def stopped() -> bool:
        nonlocal asked_for
        asked_for += 1
        return asked_for > 20

    with pytest.raises(Stopped):
        Sampling().answer(Sample(1, path, out=tmp_path / "out.flac"), stopped)
    assert asked_for == 21 and not (tmp_path / "out.flac").exists()


def test_a_cancel_is_answered_and_the_process_lives_on(tmp_path: Path) -> None:
    path = three_hours(tmp_path / "a.wav")
    with Driver() as driver:
        driver.send(type="sample", id=1, path=str(path))
        driver.send(type="cancel", id=1)
        assert driver.end() == {"type": "cancelled", "id": 1}
        driver.send(type="sample", id=2, path=str(write(tmp_path / "b.wav", speech(20))))
        assert driver.until("sampled")["verdict"] == "good"
        assert driver.end() == {"type": "done", "id": 2, "outcome": "sampled"}


def test_what_takes_for_ever_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2a_sidecar.sample.TIME_S", -1.0)
    assert refused(write(tmp_path / "a.wav", speech(20)))["reason"] == "not_readable"


def test_a_recording_is_looked_over_once_for_all_its_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", speech(40))
    sampling = Sampling()
    first = sampling.answer(Sample(1, path), never)
    monkeypatch.setattr("e2a_sidecar.sample.scan", lambda open_it: pytest.fail("looked over again"))
    assert sampling.answer(Sample(2, path, 1.0, 30.0), never)["peaks"] == first["peaks"]


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", speech(20))
    with pytest.raises(SidecarError) as caught:
        asked(path, out=tmp_path / "nowhere" / "a.flac")
    assert caught.value.code == "output_unwritable"

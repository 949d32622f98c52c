"""A voice is tried with a few sentences: what is heard is what a book would sound like, and the voice stays for it."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2a_sidecar import say as say_module
from e2a_sidecar import serve
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore, gain_key
from e2a_sidecar.mastering.loudness import LoudnessMeter, TruePeakMeter
from e2a_sidecar.mastering.master import PEAK_DB, TARGET_LUFS, VoiceGain
from e2a_sidecar.model import Line, Samples, Take
from e2a_sidecar.protocol import Wire, parse
from e2a_sidecar.request import Convert, Say, Served
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.tone import Tone
from e2a_sidecar.voices.voice import Voice
from session_driver import TONE, Driver, conversion, write_bundle

TEXT = "It was a bright cold day in April. The clocks were striking thirteen, and Mr. Smith slipped in."


def message(folder: Path, **fields: Any) -> dict[str, Any]:
    asked = {"type": "say", "id": 1, "text": TEXT, "out": str(folder / "said.wav"), "device": "cpu", "auto": False, "voice": TONE}
    return {**asked, "language": "en", "cache_dir": str(folder / "cache"), "settings": {"speed": 1.0}, **fields}


def request(folder: Path, **fields: Any) -> Say:
    found = parse(json.dumps(message(folder, **fields)).encode())
    assert isinstance(found, Say)
    return found


def heard(folder: Path) -> tuple[Samples, int]:
    """The file's samples and rate; nothing else lies beside it."""
    assert [p.name for p in folder.iterdir() if p.is_file()] == ["said.wav"]
    with wave.open(str(folder / "said.wav")) as f:
        assert (f.getnchannels(), f.getsampwidth()) == (1, 2)
        return np.frombuffer(f.readframes(f.getnframes()), dtype="<i2"), f.getframerate()


def served(service: serve.Service, asked: Served) -> dict[str, Any]:
    return service.handle(asked, lambda: False)


def said(folder: Path, **fields: Any) -> tuple[Samples, int]:
    served(serve.Service(Wire(io.BytesIO())), request(folder, **fields))
    return heard(folder)


def test_a_text_becomes_a_sound_with_who_spoke_it(tmp_path: Path) -> None:
    with Driver() as driver:
        driver.send(**message(tmp_path))
        first = driver.next()
        end = driver.end()
    samples, rate_hz = heard(tmp_path)
    assert (first["type"], first["stage"], end["outcome"]) == ("progress", "voice", "said")
    report = end["report"]
    assert report["duration_s"] == pytest.approx(samples.size / rate_hz, abs=1e-3) and 1.0 < report["duration_s"] < 6.0
    assert (report["device"], report["engine"], report["voice"], report["voice_name"]) == ("cpu", "tone", "tone", "Tone") and report["xrt_speech"] > 1


def test_it_is_cleaned_as_a_books_text_is(tmp_path: Path) -> None:
    clean, _ = said(tmp_path, text="Mister Darcy, no.")
    raw, _ = said(tmp_path, text="  Mr. Darcy\u00ad—\n no. ")
    assert np.array_equal(clean, raw)


def test_pauses_are_the_users(tmp_path: Path) -> None:
    usual, long, fast = (said(tmp_path, settings=settings)[0].size for settings in ({"pauses": 1.0}, {"pauses": 2.0}, {"pauses": 2.0, "speed": 2.0}))
    assert long > usual > 0 and fast < long, "who speaks faster pauses shorter"


def test_speed_is_the_users(tmp_path: Path) -> None:
    usual, fast = (said(tmp_path, text="A sentence of some length.", settings={"speed": speed})[0].size for speed in (1.0, 2.0))
    assert fast < 0.7 * usual


def test_of_a_long_text_whole_sentences_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(say_module, "MOST_CHARACTERS", 40)
    some, _ = said(tmp_path, text="One two three. Four five six. Seven eight nine. Ten.")
    assert np.array_equal(some, said(tmp_path, text="One two three. Four five six.")[0])
    assert said(tmp_path, text="One sentence that is longer than all that may be said, but alone.")[0].size


@pytest.mark.parametrize("text", ["", "  \n ", "— … !"])
def test_nothing_to_say_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SidecarError) as caught:
        said(tmp_path, text=text)
    assert caught.value.code == "no_text" and not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        said(tmp_path, out=str(tmp_path / "nowhere" / "said.wav"))
    assert caught.value.code == "output_unwritable"


def test_a_voices_known_gain_is_used_and_an_unknown_one_is_found_without_clipping(tmp_path: Path) -> None:
    found, rate_hz = said(tmp_path)
    peak, loudness = TruePeakMeter(), LoudnessMeter(rate_hz)
    peak.add(found)
    loudness.add(found)
    assert peak.peak_db() <= PEAK_DB + 0.2 and loudness.lufs() == pytest.approx(TARGET_LUFS, abs=1.0)
    store = ClipStore(tmp_path / "cache")
    store.put_gain(gain_key(Tone(SpeechSettings()).identity, PEAK_DB), VoiceGain(-20.0, -18.0, 60.0))
    store.close()
    quiet, _ = said(tmp_path)
    assert int(np.abs(quiet).max()) == pytest.approx(0.25 * 32767 / 10, rel=0.05)


def test_the_real_voice_is_as_loud_as_in_a_book(tmp_path: Path, joe: Voice) -> None:
    voice = {"id": joe.id, "kind": joe.kind, "name": joe.name, "files": {role: str(path) for role, path in joe.files}}
    samples, rate_hz = said(tmp_path, voice=voice)
    peak, loudness = TruePeakMeter(), LoudnessMeter(rate_hz)
    peak.add(samples)
    loudness.add(samples)
    assert rate_hz == 22050 and 4.0 < samples.size / rate_hz < 12.0
    assert peak.peak_db() <= PEAK_DB + 0.2 and loudness.lufs() == pytest.approx(TARGET_LUFS, abs=2.0)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(device, language) of each engine that is made."""
    made: list[tuple[str, str]] = []

    def make(_voice: Voice, device: str, language: str, settings: SpeechSettings, _cache: Path) -> Tone:
        made.append((device, language))
        return Tone(settings)

    monkeypatch.setattr(serve, "make_engine", make)
    return made


def test_the_voice_stays_loaded_for_the_next_text_and_for_the_book(tmp_path: Path, made: list[tuple[str, str]]) -> None:
    service = serve.Service(Wire(io.BytesIO()))
    for _ in range(2):
        served(service, request(tmp_path))
    asked = parse(json.dumps(conversion(write_bundle(tmp_path / "b", {"One": ["Words."]}), tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(asked, Convert) and served(service, asked)["outcome"] == "written"
    assert [device for device, _language in made] == ["cpu"]


def test_a_language_by_a_code_of_three_letters_is_spoken_by_its_own_rules(tmp_path: Path, made: list[tuple[str, str]]) -> None:
    for language in ("ekk-EE", "no language at all"):
        served(serve.Service(Wire(io.BytesIO())), request(tmp_path, language=language))
    assert [language for _device, language in made] == ["et-EE", "no language at all"]


class Endless(Tone):
    """Speaks until it is stopped, and asks whether it is as an engine does."""

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        while not stopped():
            pass
        raise Stopped


def test_it_is_stopped_at_once_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "make_engine", lambda *_: Endless(SpeechSettings()))
    wire = io.BytesIO()
    with pytest.raises(Stopped):
        serve.Service(Wire(wire)).handle(request(tmp_path), lambda: b'"speak"' in wire.getvalue())
    assert not list(tmp_path.glob("*.wav*"))


def test_a_device_that_cannot_speak_leaves_it_to_the_next_unless_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(_voice: Voice, device: str, _language: str, settings: SpeechSettings, _cache: Path) -> Tone:
        if device == "cuda:0":
            raise SidecarError("device_unusable", device=device, reason="it is gone")
        return Tone(settings)

    monkeypatch.setattr(serve, "make_engine", make)
    monkeypatch.setattr(say_module, "rungs", lambda _voice, _device: ("cuda:0", "cpu"))
    wire = io.BytesIO()
    done = served(serve.Service(Wire(wire)), request(tmp_path, device="cuda:0", auto=True))
    warnings = [m for m in map(json.loads, wire.getvalue().splitlines()) if m["type"] == "warning"]
    assert done["report"]["device"] == "cpu" and [w["code"] for w in warnings] == ["device_left"]
    with pytest.raises(SidecarError) as caught:
        served(serve.Service(Wire(io.BytesIO())), request(tmp_path, device="cuda:0"))
    assert caught.value.code == "device_unusable"


def test_a_voice_that_gives_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(Tone):
        def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
            for line in lines:
                yield [Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, ("unpronounceable",))]

    monkeypatch.setattr(serve, "make_engine", lambda *_: Mute(SpeechSettings()))
    with pytest.raises(SidecarError) as caught:
        said(tmp_path)
    assert caught.value.code == "speech_failed" and not list(tmp_path.glob("*.wav*"))

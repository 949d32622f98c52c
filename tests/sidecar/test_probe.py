"""Probing is speaking: how fast a device is found to be, what is wrong with it in a user's words, and that it can be stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking import probe
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.providers import Accelerator
from e2a_sidecar.speaking.speed import NUMBERS, Text, differs, listen, texts_for
from e2a_sidecar.voices.voice import Voice
from session_driver import Driver

RATE = 1000


@dataclass
class Scripted:
    """An engine on a clock of its own: a line is a second of sound and takes `seconds`; `batch` lines are spoken at once."""

    seconds: float
    batch: int = 1
    device: str = "cuda:0"
    flags: tuple[str, ...] = ()
    loud: int = 900
    knows: Text = NUMBERS
    now: float = 0.0
    asked: list[str] = field(default_factory=list)
    name = "scripted"
    rate_hz = RATE
    identity: dict[str, str | int | float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        waiting = list(lines)
        while waiting:
            now, waiting = waiting[: self.batch], waiting[self.batch :]
            for line in now:
                self.asked.append(line.text)
                self.now += self.seconds
                if stopped():
                    raise Stopped
            known = all(line.text in self.knows for line in now)
            samples = np.full(RATE if known else 0, self.loud, dtype=np.int16)
            yield [Take(line.index, samples, None, 0, self.flags if known else ("unpronounceable",)) for line in now]

    def transfers(self) -> Transfers:
        return Transfers()

    def close(self) -> None: ...


def heard(engine: Scripted, *texts: Text) -> tuple[float, str]:
    found = listen(engine, texts or (NUMBERS,), lambda: False, limit_s=4.0, clock=lambda: engine.now)
    return round(found.speed, 2), found.fault


@pytest.mark.parametrize(
    ("engine", "speed", "most_seconds"),
    [
        (Scripted(0.01, batch=24), 100.0, 1.0),
        (Scripted(0.5), 2.0, 5.5),  # cut short: what was finished counts
        (Scripted(0.5, batch=24), 2.0, 5.5),  # the batch never is: the first line alone tells
        (Scripted(30.0), 0.0, 30.0),  # not even one line in time
    ],
)
def test_a_slow_device_is_cut_short_and_still_has_a_number(engine: Scripted, speed: float, most_seconds: float) -> None:
    assert heard(engine) == (speed, "") and engine.now <= most_seconds


@pytest.mark.parametrize(
    ("flags", "loud", "words"),
    [
        (("nan",), 900, "no number"),
        (("halved", "no_memory"), 0, "memory"),
        (("failed",), 0, "could not speak"),
        (("too_long",), 0, "absurd"),
        ((), 0, "silence"),
    ],
)
def test_what_is_no_speech_has_a_reason(flags: tuple[str, ...], loud: int, words: str) -> None:
    assert words in heard(Scripted(0.01, flags=flags, loud=loud))[1]


def test_a_voice_without_digits_is_tried_with_its_own_letters(tmp_path: Path) -> None:
    config = tmp_path / "voice.onnx.json"
    letters_config = json.dumps({"phoneme_id_map": {"_": [0], "^": [1], "$": [2], " ": [3], "ა": [4], "ბ": [5], "გ": [6], "დ": [7]}})
    config.write_text(letters_config, encoding="utf-8")
    voice = Voice("georgian", "piper", files=(("config", config),))
    letters = Text("აბგ დ", "აბგ დ")
    assert texts_for(voice) == (NUMBERS, letters)
    config.write_text('{"phoneme_id_map": 5}', encoding="utf-8")
    assert texts_for(voice) == (NUMBERS,)
    config.write_text(letters_config, encoding="utf-8")
    assert texts_for(None) == texts_for(Voice("gone", "coqui", files=(("config", tmp_path / "no"),))) == (NUMBERS,)
    assert heard(Scripted(0.1, knows=letters, batch=24), *texts_for(voice)) == (10.0, "")
    assert "pronounce nothing" in heard(Scripted(0.1, knows=Text("?", "?")), *texts_for(voice))[1]


def test_stopping_ends_it() -> None:
    engine = Scripted(0.01)
    with pytest.raises(Stopped):
        listen(engine, (NUMBERS,), lambda: len(engine.asked) > 3, clock=lambda: engine.now)
    assert len(engine.asked) == 4


@pytest.mark.parametrize(("factor", "more", "wrong"), [(1.0, 0, False), (1.005, 0, False), (1.1, 0, True), (1.1, 5, False), (1.0, 50, True)])
def test_a_take_is_compared_with_the_cpus(factor: float, more: int, wrong: bool) -> None:
    """Rounding is none, and a duration on a rounding edge moves what is behind it; a tenth louder or a twentieth longer is a fault."""
    samples = (10_000 * np.sin(np.arange(1000))).astype(np.int16)
    other = np.pad((samples * factor).astype(np.int16), (0, more))
    assert differs(Take(0, samples, None), Take(0, other, None)) == wrong


def test_an_accelerator_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "accelerators", lambda: [Accelerator("coreml", "Apple GPU", "CoreMLExecutionProvider", (), "")])
    cpu, coreml = probe.probe_devices(None, "", None, lambda: False)[:2]
    assert (cpu.device, cpu.usable, cpu.speed) == ("cpu", True, None)
    assert (coreml.device, coreml.usable) == ("coreml", False) and coreml.reason


def test_espeak_is_heard_on_the_processor_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(probe, "accelerators", lambda: [Accelerator("coreml", "Apple GPU", "CoreMLExecutionProvider", (), "")])
    (cpu,) = probe.probe_devices(Voice("espeak", "espeak"), "en", tmp_path, lambda: False)
    assert (cpu.device, cpu.usable, cpu.reason) == ("cpu", True, "") and cpu.speed is not None and cpu.speed > 1.0


def test_a_voice_that_only_one_device_can_speak_is_unfit_for_the_others_alone(monkeypatch: pytest.MonkeyPatch, joe: Voice, tmp_path: Path) -> None:
    """`voice_unsupported` is said of the device, and everything that is the voice's own fault ends the probe."""

    def make(voice: Voice, device: str, *rest: object) -> Scripted:
        if device == "coreml":
            raise SidecarError("voice_unsupported", voice=voice.id, reason="it has another shape")
        return Scripted(0.25, device=device)

    monkeypatch.setattr(probe, "make_engine", make)
    monkeypatch.setattr(probe, "accelerators", lambda: [Accelerator("coreml", "Apple GPU", "CoreMLExecutionProvider", (), "")])
    monkeypatch.setattr(probe, "_calculated", lambda accelerator: "")
    cpu, coreml = probe.probe_devices(joe, "en", tmp_path, lambda: False)[:2]
    assert cpu.usable and cpu.speed is not None
    assert (coreml.usable, coreml.reason, coreml.speed) == (False, "it has another shape", None)

    def broken(*rest: object) -> Scripted:
        raise SidecarError("voice_broken", voice="joe", reason="its files do not belong together")

    monkeypatch.setattr(probe, "make_engine", broken)
    with pytest.raises(SidecarError) as caught:
        probe.probe_devices(joe, "en", tmp_path, lambda: False)
    assert caught.value.code == "voice_broken"


def test_over_the_wire_the_real_voice_has_a_speed_and_a_cancel_is_answered(joe: Voice, tmp_path: Path) -> None:
    voice = {"id": joe.id, "kind": "piper", "files": {role: str(path) for role, path in joe.files}}
    asked = {"type": "probe", "voice": voice, "language": "en", "cache_dir": str(tmp_path)}
    with Driver() as driver:
        driver.send(type="probe", id=0)
        assert driver.end()["outcome"] == "probed"  # all is imported now, so the next one begins at once
        driver.send(**asked, id=1)
        driver.send(type="cancel", id=1)
        assert driver.end()["type"] == "cancelled"
        driver.send(**asked, id=2)
        cpu = driver.until("devices")["devices"][0]
        assert (cpu["device"], cpu["usable"], cpu["reason"]) == ("cpu", True, "") and cpu["speed"] > 0.5
        assert driver.end()["outcome"] == "probed"
        voice["sha256"] = {"model": "0" * 64}
        driver.send(**asked, id=3)
        assert driver.end()["code"] == "voice_broken"
        driver.send(type="probe", id=4, voice=voice)
        assert driver.end()["code"] == "bad_request"

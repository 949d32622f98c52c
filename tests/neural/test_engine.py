"""The engine from its caller's side: order, stopping, odd sentences, faults of the device, words' times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line
from e2a_sidecar.speaking import ahead, device, vits_torch
from e2a_sidecar.speaking.budget import GPU_BUDGET
from e2a_sidecar.speaking.host import HostBoundary, Staged
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

from .conftest import TEXTS, lines, loaded, spoken

CPU = torch.device("cpu")


@pytest.fixture
def on_cpu(voices: Callable[[str], Voice], cache: Path) -> VitsTorch:
    return VitsTorch(voices("piper"), "cpu-torch", "en-US", SpeechSettings(), cache)


def test_words_are_in_order_inside_their_clip_and_name_the_text(on_cpu: VitsTorch) -> None:
    for index, take in spoken(on_cpu, lines()).items():
        assert take.words
        length_s = len(take.samples) / on_cpu.rate_hz
        times = [t for word in take.words for t in (word.start_s, word.end_s)]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= length_s + 1e-6
        assert [TEXTS[index][w.start : w.end] for w in take.words] == [w.strip(".,;") if w != "Mr." else "Mr" for w in TEXTS[index].split()]


def test_twelve_phonemes_make_a_second(voice: Voice) -> None:
    take = spoken(VitsTorch.speaking_with(loaded(voice), "cpu-torch", HostBoundary(CPU)), lines())[2]
    phonemes = len(loaded(voice).front_end.encode(TEXTS[2]).ids) / 2
    assert 9 < phonemes / (len(take.samples) / 22050) < 15


def test_speed_shortens_and_another_take_differs(voices: Callable[[str], Voice], cache: Path, on_cpu: VitsTorch) -> None:
    usual = spoken(on_cpu, lines())[2]
    fast = spoken(VitsTorch(voices("piper"), "cpu-torch", "en-US", SpeechSettings(speed=1.5), cache), lines())[2]
    other = spoken(on_cpu, [Line(2, TEXTS[2], "key2", take=1)])[2]
    assert len(fast.samples) < 0.8 * len(usual.samples)
    assert other.take == 1 and not np.array_equal(other.samples[:2000], usual.samples[:2000])


@pytest.mark.parametrize("where", ["cpu", "device"])
def test_what_cannot_be_pronounced_is_said_so_and_the_rest_is_spoken(where: str, voices: Callable[[str], Voice]) -> None:
    what = lines((*TEXTS, "...", "-- * --", ""))
    with FakeAccelerator():
        takes = spoken(VitsTorch.speaking_with(loaded(voices("piper")), "x", HostBoundary(DEVICE if where == "device" else CPU)), what)
    assert sorted(takes) == list(range(7))
    assert [index for index, take in takes.items() if "unpronounceable" in take.flags and not len(take.samples)] and len(takes[3].samples)
    assert all("unpronounceable" in takes[i].flags for i in (4, 5, 6))


@pytest.mark.parametrize("where", ["cpu", "device"])
def test_words_that_its_front_end_has_no_sound_for_are_told_once_a_line(where: str, voices: Callable[[str], Voice], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = loaded(voices("piper"))
    monkeypatch.setattr(vits_torch, "LONGEST_IDS", 300)
    monkeypatch.setattr(opened.front_end, "lost", lambda text: ((3, 7),) if "1914" in text else ())
    with FakeAccelerator():
        engine = VitsTorch.speaking_with(opened, "x", HostBoundary(DEVICE if where == "device" else CPU))
        takes = spoken(engine, lines(("In 1914 it began.", "It began.", "In 1914 it began, " * 16)))
    told = ["words_unspoken", "unspoken:3-7"]
    assert [[flag for flag in takes[index].flags if "unspoken" in flag] for index in range(3)] == [told, [], told]


@pytest.mark.parametrize("where", ["cpu", "device"])
def test_a_line_that_its_front_end_fails_at_is_told_and_the_others_are_spoken(
    where: str, voices: Callable[[str], Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = loaded(voices("piper"))
    encode = voice.front_end.encode

    def failing(text: str) -> Encoded:
        if text == TEXTS[1]:
            raise TypeError("ord() expected a character")
        return encode(text)

    monkeypatch.setattr(voice.front_end, "encode", failing)
    with FakeAccelerator():
        takes = spoken(VitsTorch.speaking_with(voice, "x", HostBoundary(DEVICE if where == "device" else CPU)), lines())
    assert takes[1].flags == ("failed",) and not len(takes[1].samples)
    assert all(len(takes[i].samples) for i in takes if i != 1)


@pytest.mark.parametrize("where", ["cpu", "device"])
def test_stopping_ends_in_the_middle_of_a_sentence(where: str, voices: Callable[[str], Voice]) -> None:
    """The decoder asks before each layer: no more than one layer's time passes."""
    asked = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 12

    with FakeAccelerator():
        engine = VitsTorch.speaking_with(loaded(voices("piper")), "x", HostBoundary(DEVICE if where == "device" else CPU))
        with pytest.raises(Stopped):
            list(engine.speak(lines(TEXTS * 50), stopped))
        assert len(asked) < 40
        assert spoken(engine, lines())  # and the voice can be used again
        engine.close()


def test_lines_are_read_lazily(on_cpu: VitsTorch) -> None:
    read = []

    def source() -> Iterator[Line]:
        for line in lines(TEXTS * 100):
            read.append(line.index)
            yield line

    batches = on_cpu.speak(source(), lambda: False)
    next(batches)
    assert len(read) <= 20
    batches.close()  # type: ignore[attr-defined]


def failing_times(n: int, error: Callable[[], Exception]) -> Callable[..., None]:
    left = [n]

    def hook(module: Any, given: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise error()

    return hook


def test_a_batch_that_the_devices_memory_cannot_hold_is_halved(voices: Callable[[str], Voice]) -> None:
    with FakeAccelerator():
        voice = loaded(voices("piper"))
        engine = VitsTorch.speaking_with(voice, "cuda:0", HostBoundary(DEVICE))
        voice.network.text_encoder.register_forward_pre_hook(failing_times(2, lambda: torch.OutOfMemoryError("CUDA out of memory.")))
        takes = spoken(engine, lines())
    assert sorted(takes) == [0, 1, 2, 3] and all("halved" in take.flags for take in takes.values())


@pytest.mark.parametrize("where", ["cpu", "device"])
def test_values_that_are_no_numbers_are_flagged_and_the_others_kept(where: str, voices: Callable[[str], Voice]) -> None:
    part = 20_000

    def poison(*given: Any) -> torch.Tensor:
        made: torch.Tensor = decode(*given)
        made[:part] = float("nan")
        return made

    with FakeAccelerator():
        engine = VitsTorch.speaking_with(loaded(voices("piper")), "x", HostBoundary(DEVICE if where == "device" else CPU), GPU_BUDGET)
        engine._workers = 0
        decode = engine._network._row_decoder  # type: ignore[union-attr]
        vars(engine._network)["_row_decoder"] = poison
        takes = spoken(engine, lines())
    assert [index for index, take in takes.items() if "nan" in take.flags] == [2]  # the longest stands first in its row
    assert not takes[2].samples[:part].any() and takes[2].samples[part:].any() and takes[0].samples.any()


def test_durations_that_are_no_numbers_do_not_stop_the_book(voices: Callable[[str], Voice]) -> None:
    voice = loaded(voices("coqui, letters, no sdp"))
    engine = VitsTorch.speaking_with(voice, "cpu-torch", HostBoundary(CPU))
    calls = []

    def poison(module: Any, given: Any, made: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return made * float("nan") if len(calls) == 1 else made + 20 if len(calls) == 2 else made

    voice.network.duration_predictor.register_forward_hook(poison)
    engine._workers = 1
    takes = spoken(engine, lines())
    found = {flag for take in takes.values() for flag in take.flags} - {"edge"}  # a voice of chance may have one
    assert found == {"nan", "too_long"}
    assert sum(len(take.samples) > 0 for take in takes.values()) == 2


def test_what_is_logged_of_a_line_that_failed_holds_nothing_of_its_text(on_cpu: VitsTorch, caplog: pytest.LogCaptureFixture) -> None:
    on_cpu._voice.network.text_encoder.register_forward_pre_hook(failing_times(1, lambda: RuntimeError("mat1 and mat2 shapes")))
    takes = spoken(on_cpu, lines())
    assert [take.flags for take in takes.values()].count(("failed",)) == 1
    assert "mat1 and mat2" in caplog.text and not any(text[:10] in caplog.text for text in TEXTS)


@pytest.mark.parametrize("name", ["cuda:99", "cuda", "gpu", "mps:0", ""])
def test_a_device_that_is_not_there_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(SidecarError) as caught:
        device.usable_device(name)
    assert caught.value.code == "device_unusable" and caught.value.params["reason"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "memory is taken"),
        ("CUDA error: no kernel image is available for execution on the device", "no code for a graphics card of its kind"),
        ("The NVIDIA driver on your system is too old (found version 11040)", "driver is too old"),
        ("Torch not compiled with CUDA enabled", "build for the CPU"),
        ("CUDA error: invalid device ordinal", "no such graphics card"),
    ],
)
def test_torchs_messages_become_a_users_words(message: str, said: str) -> None:
    assert said in device.in_plain_words(message)


def test_a_line_of_absurd_length_takes_no_memory_for_the_others_of_its_batch(voices: Callable[[str], Voice], monkeypatch: pytest.MonkeyPatch) -> None:
    """And makes no batch smaller after it."""
    voice = loaded(voices("coqui, letters, no sdp"))
    engine = VitsTorch.speaking_with(voice, "cpu-torch", HostBoundary(CPU), GPU_BUDGET)
    engine._workers = 0
    several = [f"{text} {number}" for number in ("one", "two", "three") for text in TEXTS]
    book = lines((*several, " ".join(TEXTS)))
    usual = spoken(engine, book)
    longest = book[-1]
    width = len(voice.front_end.encode(longest.text).ids)
    largest: list[int] = []
    upload = HostBoundary.upload

    def slow(module: Any, given: Any, made: torch.Tensor) -> torch.Tensor:
        made = made.clone()
        if made.shape[-1] == width:  # its batch; it stands last there
            made[-1] = math.log(6000 / width)
        return made

    def seen(boundary: HostBoundary, packed: Any) -> torch.Tensor:
        largest.append((packed.values if isinstance(packed, Staged) else packed).size)
        return upload(boundary, packed)

    monkeypatch.setattr(ahead, "MOST_FRAMES", 15_000)
    monkeypatch.setattr(HostBoundary, "upload", seen)
    voice.network.duration_predictor.register_forward_hook(slow)
    takes = spoken(engine, book)
    assert len(takes[longest.index].samples) > 3 * len(usual[longest.index].samples)
    assert max(largest) < 15_100 * voice.channels and engine._budget == GPU_BUDGET
    assert all(len(takes[i].samples) == len(usual[i].samples) and not takes[i].flags for i in usual if i != longest.index and "edge" not in takes[i].flags)


def test_a_closed_engine_keeps_nothing_of_its_voice(voices: Callable[[str], Voice], cache: Path) -> None:
    import gc
    import weakref

    gc.disable()  # it must not be left to chance when a card's memory is free again
    try:
        engine = VitsTorch(voices("piper"), "cpu-torch", "en-US", SpeechSettings(), cache)
        decoder = weakref.ref(engine._voice.network.waveform_decoder)
        spoken(engine, lines())
        engine.close()
        assert decoder() is None
        engine.close()
    finally:
        gc.enable()

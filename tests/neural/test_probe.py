"""Which devices of torch's can be used, and why not: torch faked at its functions, by table; and a whole pass on the fake accelerator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.speaking import device, probe, speed
from e2a_sidecar.speaking.device import Present
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator.device import FakeAccelerator

GIB = 2**30
NO_KERNEL = "CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors might be asynchronously reported"
TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by downloading and installing a new version."
NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"
CUDA_13 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]


@dataclass(frozen=True)
class Torch:
    """What torch says of itself and its devices. convolved: what a convolution gives, or raises. init: what starting CUDA raises."""

    cuda: str | None = "13.0"
    hip: str | None = None
    xpu: str | None = None
    cards: tuple[str, ...] = ()
    intel: tuple[str, ...] = ()
    mps: bool = False
    card: str = ""
    init: str = ""
    convolved: float | Exception = 6.0
    capability: tuple[int, int] = (8, 6)
    gcn: str = "gfx1030"
    codes: list[str] = field(default_factory=lambda: CUDA_13)
    free: int = 8 * GIB

    def put_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In place of the real one."""

        def init() -> None:
            if self.init:
                raise RuntimeError(self.init)

        def conv1d(*given: Any) -> torch.Tensor:
            if isinstance(self.convolved, Exception):
                raise self.convolved
            return torch.full((1, 2, 6), self.convolved)

        monkeypatch.setattr(device, "_card", lambda: self.card)
        monkeypatch.setattr(device, "torch_device", lambda name: torch.device("cpu"))
        monkeypatch.setattr(torch.nn.functional, "conv1d", conv1d)
        for name, value in (("cuda", self.cuda), ("hip", self.hip), ("xpu", self.xpu)):
            monkeypatch.setattr(torch.version, name, value)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: self.mps)
        for kind, names in ((torch.cuda, self.cards), (torch.xpu, self.intel)):
            monkeypatch.setattr(kind, "is_available", lambda names=names: bool(names))
            monkeypatch.setattr(kind, "device_count", lambda names=names: len(names))
            monkeypatch.setattr(kind, "get_device_name", lambda number, names=names: names[number])
            monkeypatch.setattr(kind, "mem_get_info", lambda number: (self.free, 8 * GIB))
        monkeypatch.setattr(torch.cuda, "init", init)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: self.codes)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: self.capability)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(gcnArchName=f"{self.gcn}:sramecc+:xnack-"))


T4 = ("Tesla T4",)
RADEON = ("AMD Radeon RX 7900 XTX",)
CASES = [
    # torch -> device, name, words of the reason (empty: usable)
    (Torch(cards=T4), "cuda:0", "Tesla T4", ""),
    (Torch(cards=(*T4, "NVIDIA L4")), "cuda:1", "NVIDIA L4", ""),
    (Torch(cuda=None, hip="7.2", cards=RADEON), "cuda:0", RADEON[0], ""),
    (Torch(cuda=None, xpu="2025.3", intel=("Intel(R) Arc(TM) A770",)), "xpu:0", "Intel(R) Arc(TM) A770", ""),
    (Torch(cuda=None, mps=True), "mps", "(Metal)", ""),
    (Torch(cuda=None), "cuda:0", "", "no graphics card that torch could use"),
    (Torch(cuda=None, card="Tesla T4"), "cuda:0", "Tesla T4", "the installed torch is the build for the CPU alone"),
    (Torch(cuda=None, xpu="2025.3", card="Tesla T4"), "cuda:0", "Tesla T4", "the installed torch is the build for Intel's cards"),
    (Torch(card="Tesla T4", init=TOO_OLD), "cuda:0", "Tesla T4", "its driver is too old"),
    (Torch(card="Tesla T4", init=NO_DRIVER), "cuda:0", "Tesla T4", "cannot reach it through its driver"),
    (Torch(init=NO_DRIVER), "cuda:0", "", "no graphics card or no driver"),
    (Torch(cards=("GTX 1080",), capability=(6, 1), convolved=RuntimeError(NO_KERNEL)), "cuda:0", "GTX 1080", "capability 6.1; it has code for 7.5 to 12.0)"),
    (Torch(cards=("new",), capability=(13, 0), convolved=RuntimeError("x"), codes=["sm_90"]), "cuda:0", "new", "capability 13.0; it has code for 9.0 to 9.0)"),
    (Torch(cards=T4, capability=(13, 0), convolved=RuntimeError("broken")), "cuda:0", "Tesla T4", "torch could not use it: broken"),  # compute_120 runs there
    (Torch(cards=T4, convolved=RuntimeError(NO_KERNEL), codes=[]), "cuda:0", "Tesla T4", "no code for a graphics card of its kind"),
    (Torch(cuda=None, hip="7.2", cards=RADEON, codes=["gfx1100"], convolved=RuntimeError("hipErrorNoBinaryForGpu")), "cuda:0", RADEON[0], "kind (gfx1030)"),
    (Torch(cards=T4, free=200 * 10**6), "cuda:0", "Tesla T4", "taken by other programs (200 MB are free, about 300 MB"),
    (Torch(cuda=None, intel=("Arc",), free=0), "xpu:0", "Arc", "taken by other programs (0 MB"),
    (Torch(cards=T4, convolved=torch.OutOfMemoryError("CUDA out of memory.")), "cuda:0", "Tesla T4", "its memory is taken by other programs"),
    (Torch(cards=T4, convolved=5.0), "cuda:0", "Tesla T4", "wrong result"),
    (Torch(cards=T4, convolved=float("nan")), "cuda:0", "Tesla T4", "no number"),
]


@pytest.mark.parametrize(("fake", "name", "title", "words"), CASES)
def test_what_stands_in_the_way_of_a_device_is_said(monkeypatch: pytest.MonkeyPatch, fake: Torch, name: str, title: str, words: str) -> None:
    fake.put_into(monkeypatch)
    found = next(one for one in device.present() if one.device == name)
    assert title in found.name and bool(title) == bool(found.name)
    reason = found.reason or device.obstacle(name, 300)
    assert words in reason and bool(words) == bool(reason)


@pytest.mark.parametrize(("name", "words"), [("cuda:2", "no such graphics card"), ("xpu:0", "build for NVIDIA's cards"), ("cuda", "no device of this name")])
def test_a_device_that_is_not_there_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    Torch(cards=(*T4, *T4)).put_into(monkeypatch)
    assert device.like("cuda:1") == ["cuda:0"] and device.like("mps") == []
    with pytest.raises(SidecarError) as caught:
        device.usable_device(name)
    assert caught.value.code == "device_unusable" and words in caught.value.params["reason"]


def test_a_card_whose_driver_fails_at_its_name_is_refused_by_what_it_says_when_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(number: int) -> str:
        raise RuntimeError("CUDA error: device lost")

    Torch(cards=(*T4, *T4), convolved=RuntimeError("CUDA error: device lost")).put_into(monkeypatch)
    monkeypatch.setattr(torch.cuda, "get_device_name", refusing)
    assert device.like("cuda:1") == ["cuda:0"] and [one.device for one in device.present()] == ["cpu-torch", "cuda:0", "cuda:1"]
    with pytest.raises(SidecarError) as caught:
        device.usable_device("cuda:0")
    assert caught.value.code == "device_unusable" and "does not answer" in caught.value.params["reason"]


def test_a_card_of_this_computer_is_known_by_what_its_driver_writes(tmp_path: Path) -> None:
    assert device._card(tmp_path) == ""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "kfd").touch()
    assert device._card(tmp_path) == "AMD"
    information = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 72\n")
    assert device._card(tmp_path) == "NVIDIA GeForce RTX 3060"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAccelerator:
    """The fake as this computer's one card; and little time for each device."""
    monkeypatch.setattr(device, "accelerators", lambda: [Present("cuda:0", "a fake")])
    monkeypatch.setattr(speed, "_LINES_AT_ONCE", 2)
    monkeypatch.setattr(speed, "_LINES_A_WORKER", 1)
    return FakeAccelerator()


def reports(voice: Voice | None, cache: Path) -> dict[str, probe.DeviceReport]:
    return {report.device: report for report in probe.probe_devices(voice, "en", cache, lambda: False)}


def test_without_a_voice_a_small_network_speaks_on_each(fake: FakeAccelerator, tmp_path: Path) -> None:
    with fake:
        found = reports(None, tmp_path)
    assert list(found) == ["cpu", "cpu-torch", "cuda:0"]
    assert {(report.usable, report.reason, report.speed) for report in found.values()} == {(True, "", None)}
    assert found["cuda:0"].name == "a fake" and fake.counts.uploads > 0


def test_with_a_voice_each_device_has_its_speed(fake: FakeAccelerator, voices: Callable[[str], Voice], cache: Path) -> None:
    with fake:
        found = reports(voices("piper"), cache)
    assert list(found) == ["cpu", "cpu-torch", "cuda:0"]
    assert all(report.usable and not report.reason and report.speed is not None and report.speed > 0 for report in found.values())


def test_a_device_that_says_something_else_than_the_cpu_or_dies_is_found_out(fake: FakeAccelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = VitsTorch._start

    def spoiled(how: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., None]:
        def started(self: VitsTorch, voice: Any, name: str, *rest: Any) -> None:
            start(self, voice, name, *rest)
            if name == "cuda:0":
                decode = self._network._row_decoder  # type: ignore[union-attr]
                vars(self._network)["_row_decoder"] = lambda *given: how(decode(*given))

        return started

    def dead(made: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("CUDA error: unspecified launch failure")

    for how, words in ((lambda made: -made, "differs"), (lambda made: made * float("nan"), "no number"), (dead, "could not")):
        with monkeypatch.context() as patched, fake:
            patched.setattr(VitsTorch, "_start", spoiled(how))
            found = reports(None, tmp_path)
        assert found["cpu"].usable and found["cpu-torch"].usable
        assert not found["cuda:0"].usable and words in found["cuda:0"].reason


def test_stopping_ends_a_probe(voices: Callable[[str], Voice], cache: Path) -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Stopped):
        probe.probe_devices(voices("piper"), "en", cache, stopped)

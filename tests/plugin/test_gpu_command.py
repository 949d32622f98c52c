"""`build.py gpu` takes the card that can be used, and says in the probe's words why there is none."""

from __future__ import annotations

import pytest

from build_steps.gpu import choose
from plugin.converting.events import Device

CPU = (Device("cpu", "AMD (onnxruntime)", True, ""), Device("cpu-torch", "AMD", True, ""))
OLD = Device("cuda:0", "GTX 1080", False, "its driver is too old for this build of torch")
GOOD = Device("cuda:1", "NVIDIA L4", True, "")
ABSENT = Device("cuda:0", "", False, "no graphics card that torch could use was found")
DIRECTML = Device("dml:0", "Intel UHD", True, "")


@pytest.mark.parametrize(
    ("wanted", "found", "chosen", "words"),
    [
        ("", (*CPU, OLD, GOOD), "cuda:1", ""),
        ("cpu-torch", (*CPU, GOOD), "cpu-torch", ""),
        ("cuda:1", (*CPU, OLD, GOOD), "cuda:1", ""),
        ("cuda:0", (*CPU, OLD, GOOD), None, "cuda:0 cannot be used: its driver is too old"),
        ("cuda:3", (*CPU, GOOD), None, "cuda:3 cannot be used: there is no such device"),
        ("cuda:3", (*CPU, ABSENT), None, "cuda:3 cannot be used: no graphics card that torch could use"),
        ("cpu", CPU, None, "cpu cannot be used"),
        ("", (*CPU, OLD), None, "cuda:0 (GTX 1080): its driver is too old"),
        ("", (*CPU, DIRECTML), None, "There is no graphics card here that torch can use. None was found."),
        ("", (), None, "None was found"),
    ],
)
def test_the_card_that_can_be_used_is_taken_else_the_reason_is_said(wanted: str, found: tuple[Device, ...], chosen: str | None, words: str) -> None:
    device, why = choose(wanted, found)
    assert (device and device.device) == chosen
    assert words in why and bool(why) == (chosen is None)

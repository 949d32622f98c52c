"""Which devices torch can speak on, found by doing: a real operation on each, and a reason in plain words where it fails.

Names are torch's own (`cuda:0`, which on ROCm is an AMD card too), and `cpu-torch` for the CPU. It also sets what makes
a take repeatable: float32 without TF32, and convolutions that give the same sums each time (design rule 9).
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Final

import torch

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.probe import DeviceReport

CPU: Final = "cpu-torch"
_NAME: Final = re.compile(r"cuda:\d{1,2}")


def probe() -> list[DeviceReport]:
    """Every device of this machine that torch could speak on, each tried by a convolution. `cuda:0` is always told."""
    found = [_tried(f"cuda:{i}", torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if not found:
        found = [DeviceReport("cuda:0", _driver_name(), False, _why_no_cuda())]
    return [*found, _tried(CPU, platform.processor() or platform.machine())]


def usable_device(name: str) -> torch.device:
    """torch's device for a name of ours, tried; SidecarError `device_unusable` with the reason."""
    if name != CPU and not _NAME.fullmatch(name):
        raise SidecarError("device_unusable", name, device=name, reason="there is no device of this name")
    if name != CPU and not torch.cuda.is_available():
        raise SidecarError("device_unusable", name, device=name, reason=_why_no_cuda())
    report = _tried(name, name)
    if not report.usable:
        raise SidecarError("device_unusable", name, device=name, reason=report.reason)
    return _torch_device(name)


def repeatable() -> None:
    """Switch off, for this process, what makes float32 speech differ between runs and devices."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _torch_device(name: str) -> torch.device:
    return torch.device("cpu" if name == CPU else name)


def _tried(name: str, title: str) -> DeviceReport:
    """A convolution, the operation that speech is made of, compared with what it must give."""
    try:
        device = _torch_device(name)
        ones = torch.ones(1, 2, 8, device=device)
        result = torch.nn.functional.conv1d(ones, torch.ones(2, 2, 3, device=device)).sum()
        right = bool(result.to("cpu") == 72.0)
    except (RuntimeError, AssertionError) as error:  # torch raises either for a device that it cannot use
        return DeviceReport(name, title, False, in_plain_words(str(error)))
    return DeviceReport(name, title, right, "" if right else "it gave a wrong result in a test calculation")


def in_plain_words(error: str) -> str:
    """A user's sentence for torch's message about a device."""
    text = error.lower()
    if "out of memory" in text:
        return "its memory is taken by other programs"
    if "no kernel image" in text:
        return "this build of torch has no code for a graphics card of its kind"
    if "driver" in text and ("old" in text or "insufficient" in text):
        return "its driver is too old for this build of torch"
    if "invalid device ordinal" in text:
        return "there is no such graphics card in this machine"
    if "not compiled with cuda" in text or "not linked with support for cuda" in text:
        return "the installed torch is the build for the CPU alone"
    return "torch could not use it: " + error.strip().splitlines()[0][:200] if error.strip() else "torch could not use it"


def _why_no_cuda() -> str:
    built = torch.version.cuda or torch.version.hip
    card = bool(_driver_name())
    if not built:
        return "there is a graphics card, but the installed torch is the build for the CPU alone" if card else "no graphics card that torch could use was found"
    return "a graphics card is there, but torch cannot reach it through its driver" if card else "no graphics card or no driver for one was found"


def _driver_name() -> str:
    """The first NVIDIA card as its Linux driver names it; empty where there is none (other systems: not looked at)."""
    for information in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            text = information.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        model = re.search(r"^Model:\s*(.+)$", text, re.MULTILINE)
        return model[1].strip() if model else "NVIDIA"
    return ""

"""Which devices torch has, and what stands in the way of each, found by doing: a real operation, its result compared.

Names are torch's own (`cuda:0`, which on ROCm is an AMD card too, `mps`, `xpu:0`), and `cpu-torch` for the CPU. It also
sets what makes a take repeatable: float32 without TF32, and convolutions that give the same sums each time (rule 9).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.device_errors import in_plain_words, is_out_of_memory
from e2a_sidecar.speaking.host import to_host
from e2a_sidecar.speaking.processor import processor_name

CPU: Final = "cpu-torch"
_NAME: Final = re.compile(r"mps|(cuda|xpu):\d{1,3}")
_ARCHITECTURE: Final = re.compile(r"(?P<kind>sm|compute)_(?P<major>\d+)(?P<minor>\d)[a-z]?")
_NO_CARD: Final = ("no nvidia driver", "no cuda gpus", "no hip gpus", "no cuda-capable device")
_NO_CODE: Final = "this build of torch has no code for a graphics card of its kind"


@dataclass(frozen=True, slots=True)
class Present:
    """A device by our name and its maker's. reason: why it need not even be tried; empty where it can be."""

    device: str
    name: str
    reason: str = ""


def present() -> list[Present]:
    """The CPU and every accelerator; where there is none, one that is not there, with the reason."""
    return [Present(CPU, processor_name()), *(accelerators() or [_absent("mps" if sys.platform == "darwin" else "cuda:0")])]


def accelerators() -> list[Present]:
    """Those that torch says it can reach, of any maker."""
    found: list[Present] = []
    if torch.cuda.is_available():
        found += [_named(f"cuda:{i}", torch.cuda.get_device_name, i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append(Present("mps", f"{processor_name()} (Metal)"))
    if torch.xpu.is_available():
        found += [_named(f"xpu:{i}", torch.xpu.get_device_name, i) for i in range(torch.xpu.device_count())]
    return found


def _named(device: str, name: Callable[[int], str], index: int) -> Present:
    """By its maker's name, or by ours where its driver fails already at that: what is wrong is said when it is tried."""
    try:
        return Present(device, name(index))
    except (RuntimeError, AssertionError):
        return Present(device, device)


def like(name: str) -> list[str]:
    """The other accelerators of the same kind: where a voice can go on when this one has died."""
    kind = name.partition(":")[0]
    return [found.device for found in accelerators() if found.device != name and found.device.partition(":")[0] == kind]


def usable_device(name: str) -> torch.device:
    """torch's device for a name of ours, tried; SidecarError `device_unusable` with the reason."""
    reason = _known_obstacle(name) or obstacle(name)
    if reason:
        raise SidecarError("device_unusable", name, device=name, reason=reason)
    return torch_device(name)


def torch_device(name: str) -> torch.device:
    """torch's device for a name of ours, not tried."""
    return torch.device("cpu" if name == CPU else name)


def alive(device: torch.device) -> bool:
    """Does it still calculate? After a reset of its driver, or unplugged, a card fails at everything."""
    try:
        return bool((to_host(torch.ones(2, device=device) + 1) == 2.0).all())
    except RuntimeError as error:
        return is_out_of_memory(error)


def repeatable() -> None:
    """Switch off, for this process, what makes float32 speech differ between runs and devices."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def memory_left(device: torch.device) -> int | None:
    """Bytes that this process may still use on a card: what is free, and what torch keeps for itself, within its share of the whole. None
    where nobody can say."""
    if device.type != "cuda":
        return None
    try:
        free, whole = torch.cuda.mem_get_info(device)
        used, kept = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
        return min(free + kept, int(torch.cuda.get_per_process_memory_fraction(device) * whole)) - used
    except (RuntimeError, AssertionError):
        return None


def obstacle(name: str, need_mb: int = 0) -> str:
    """Why a device that torch reaches cannot speak, in a user's words; empty where a convolution came out right.

    A convolution is what speech is made of. need_mb: of free memory, without which a voice need not be tried.
    """
    try:
        device = torch_device(name)
        ones = torch.ones(1, 2, 8, device=device)
        result = to_host(torch.nn.functional.conv1d(ones, torch.ones(2, 2, 3, device=device)))
    except (RuntimeError, AssertionError) as error:  # torch raises either for a device that it cannot use
        return ("" if is_out_of_memory(error) else _no_code_for(name)) or in_plain_words(str(error))
    if not np.isfinite(result).all():
        return "it gave something that is no number in a test calculation"
    if not np.array_equal(result, np.full(12, 6.0)):
        return "it gave a wrong result in a test calculation"
    free_mb = _free_mb(name)
    if free_mb is not None and free_mb < need_mb:
        return f"its memory is taken by other programs ({free_mb} MB are free, about {need_mb} MB are needed)"
    return ""


def _known_obstacle(name: str) -> str:
    """What can be said of a name without trying it."""
    if name == CPU:
        return ""
    if not _NAME.fullmatch(name):
        return "there is no device of this name"
    found = accelerators()
    if any(one.device == name for one in found):
        return ""
    kind = name.partition(":")[0]
    if any(one.device.partition(":")[0] == kind for one in found):
        return "there is no such graphics card in this machine"
    return _absent(name).reason


def _absent(name: str) -> Present:
    """A device that torch does not reach: which card it would be, as far as that is known, and why not."""
    if name == "mps":
        without = "the installed torch is a build without Apple's Metal"
        return Present(name, "", "this computer has no Metal that torch could use" if torch.backends.mps.is_built() else without)
    card = _card()
    if name.startswith("xpu"):
        built = bool(torch.version.xpu)
        return Present(name, "", "no Intel graphics card that torch could use was found" if built else f"the installed torch is the build for {_built_for()}")
    return Present(name, card, _why_no_cuda(card))


def _built_for() -> str:
    version = torch.version
    return "NVIDIA's cards" if version.cuda else "AMD's cards" if version.hip else "Intel's cards" if version.xpu else "the CPU alone"


def _why_no_cuda(card: str) -> str:
    if not torch.version.cuda and not torch.version.hip:
        built = f"there is a graphics card, but the installed torch is the build for {_built_for()}"
        return built if card else "no graphics card that torch could use was found"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # it says what `is_available` keeps to itself
    except (RuntimeError, AssertionError) as error:
        if not any(sign in str(error).lower() for sign in _NO_CARD):
            return in_plain_words(str(error))
    return "a graphics card is there, but torch cannot reach it through its driver" if card else "no graphics card or no driver for one was found"


def _card(root: Path = Path("/")) -> str:
    """A card that torch might use, as its driver names it or by its maker; empty where there is none."""
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        try:
            text = information.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        model = re.search(r"^Model:\s*(.+)$", text, re.MULTILINE)
        return model[1].strip() if model else "NVIDIA"
    if (root / "dev/kfd").exists():
        return "AMD"
    if (root / "dev/dxg").exists():
        return "a graphics card of Windows"
    if sys.platform == "win32" and (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").is_file():
        return "NVIDIA"
    return ""


def _free_mb(name: str) -> int | None:
    """Free memory of a card; None where nobody can say (the CPU, Apple's shared memory)."""
    kind, _, index = name.partition(":")
    try:
        if kind == "cuda":
            return int(torch.cuda.mem_get_info(int(index))[0]) // 10**6
        if kind == "xpu":
            return int(torch.xpu.mem_get_info(int(index))[0]) // 10**6
    except (RuntimeError, AssertionError):
        return None
    return None


def _no_code_for(name: str) -> str:
    """The reason, where torch's list of what it was built for lacks this card; empty where it does not, or is not known."""
    kind, _, index = name.partition(":")
    if kind != "cuda":
        return ""
    try:
        built_for = torch.cuda.get_arch_list()
        if torch.version.hip:
            own = str(torch.cuda.get_device_properties(int(index)).gcnArchName).partition(":")[0]
            missing = bool(built_for) and own not in [architecture.partition(":")[0] for architecture in built_for]
            return f"{_NO_CODE} ({own})" if missing else ""
        major, minor = torch.cuda.get_device_capability(int(index))
    except (RuntimeError, AssertionError):
        return ""
    known = [match for match in map(_ARCHITECTURE.fullmatch, built_for) if match]
    if not known or any(_runs(match, major, minor) for match in known):
        return ""
    lowest, highest = (end((int(match["major"]), int(match["minor"])) for match in known) for end in (min, max))
    return f"{_NO_CODE} (compute capability {major}.{minor}; it has code for {lowest[0]}.{lowest[1]} to {highest[0]}.{highest[1]})"


def _runs(code: re.Match[str], major: int, minor: int) -> bool:
    """Compiled code runs on cards of its own generation from its number on; `compute` code is compiled anew for any later one."""
    own = (int(code["major"]), int(code["minor"]))
    return own <= (major, minor) and (code["kind"] == "compute" or own[0] == major)

"""The graphics cards of this computer by name and maker, without torch: for a machine that has the core layer alone, or none.

Looked up where the system itself keeps them (files on Linux, the registry on Windows, sysctl on macOS), by a program
only where there is nothing to read. Never raises, and ends a program that has not answered after `PATIENCE_S`. What a card can really do
is found out by using it, in the sidecar; here it is only told, and decides which build of torch to fetch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..commands import run

PATIENCE_S: Final = 3.0
MAKERS: Final[Mapping[str, str]] = {"10de": "NVIDIA", "1002": "AMD", "8086": "Intel"}
"""PCI vendor -> maker; others (virtual machines, servers' consoles) make nothing that torch could use."""
_PCI_IDS: Final = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "usr/share/pci.ids")
_WINDOWS_CLASS: Final = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
_WINDOWS_MOST: Final = 64
_XPU: Final = re.compile(r"\bArc\b|Data Center GPU|\bFlex\b")
"""Of Intel's, those that torch's build for them is made for; most processors' own graphics are not."""
_ROCM: Final = frozenset((90000, 90006, 90008, 90010, 90402, 90500, 100300, 110000, 110001, 110002, 110003, 110500, 110501, 120000, 120001))
"""Of AMD's, the kinds that torch's builds for them have code for (90010 is gfx90a, 110001 is gfx1101); most processors' own graphics are not."""


@dataclass(frozen=True)
class Gpu:
    """torch_build: of torch that could use it with the driver that is there: `cuda`, `rocm`, `xpu`, `mps`; empty where none could.

    driver: its version, or its name on Linux; empty where that was not looked up.
    """

    name: str
    maker: str
    torch_build: str
    driver: str = ""


def found(env: Mapping[str, str] | None = None, platform: str = sys.platform, root: Path = Path("/")) -> tuple[Gpu, ...]:
    """The cards, the one that speaks fastest by experience first (NVIDIA's, AMD's, Intel's)."""
    env = os.environ if env is None else env
    try:
        if platform == "win32":
            cards = of_windows(_registry(), (Path(env.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").is_file())
        elif platform == "darwin":
            cards = _mac(env)
        else:
            cards = _linux(env, root)
    except (OSError, ValueError):
        return ()
    makers = [*MAKERS.values(), "Apple"]
    return tuple(sorted(cards, key=lambda gpu: (not gpu.torch_build, makers.index(gpu.maker) if gpu.maker in makers else len(makers))))


def _linux(env: Mapping[str, str], root: Path) -> list[Gpu]:
    driver = nvidia_driver(_text(root / "proc/driver/nvidia/version"))
    models = [nvidia_model(_text(path)) for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information"))]
    cards = [Gpu(model, "NVIDIA", "cuda", driver) for model in models if model]
    windows = (root / "dev/dxg").exists()
    smi = shutil.which("nvidia-smi", path=env.get("PATH")) or ("/usr/lib/wsl/lib/nvidia-smi" if windows else None)
    if not cards and smi:
        cards = of_nvidia_smi(_output([smi, "--query-gpu=name,driver_version", "--format=csv,noheader"], env))
    kinds = {gpu.maker for gpu in cards}
    rocm = _rocm(root)
    ids = next((path for path in (root / name for name in _PCI_IDS) if path.is_file()), None)
    for folder in sorted((root / "sys/class/drm").glob("card*/device")):
        if re.fullmatch(r"card\d+", folder.parent.name):
            gpu = of_pci(_text(folder / "vendor"), _text(folder / "device"), _text(folder / "uevent"), _text(ids) if ids else "", rocm)
            if gpu is not None and gpu.maker not in kinds:
                cards.append(gpu)
    if windows and not cards:
        cards.append(Gpu("a graphics card of Windows", "", ""))
    return cards


def _rocm(root: Path) -> bool:
    """Is AMD's driver for computing loaded, and has it a card that torch's build could use? Where it does not say which it has: yes.

    It is a part of ordinary kernels, so it is there for every processor with graphics of AMD's, too."""
    if not (root / "dev/kfd").exists():
        return False
    nodes = [_text(path) for path in (root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties")]
    kinds = {int(kind) for text in nodes for kind in re.findall(r"^gfx_target_version (\d{1,9})$", text, re.MULTILINE)} - {0}
    return not kinds or not kinds.isdisjoint(_ROCM)


def nvidia_model(information: str) -> str:
    """The name in /proc/driver/nvidia/gpus/*/information; empty where there is none."""
    model = re.search(r"^Model:\s*(\S.*)$", information, re.MULTILINE)
    return model[1].strip() if model else ""


def nvidia_driver(version: str) -> str:
    """`570.86.15` of /proc/driver/nvidia/version; empty where there is none."""
    number = re.search(r"^NVRM version:.*?\b(\d{3}\.\d+(?:\.\d+)?)\b", version, re.MULTILINE)
    return number[1] if number else ""


def of_nvidia_smi(csv: str) -> list[Gpu]:
    """Of `--query-gpu=name,driver_version --format=csv,noheader`; what it says where it fails is no card."""
    rows = [line.rsplit(",", 1) for line in csv.splitlines() if "," in line]
    return [Gpu(name.strip(), "NVIDIA", "cuda", driver.strip()) for name, driver in rows if re.fullmatch(r"\s*\d+\.[\d.]+\s*", driver)]


def of_pci(vendor: str, device: str, uevent: str, pci_ids: str, rocm: bool) -> Gpu | None:
    """A card of /sys/class/drm; None for a maker whose cards torch has no build for. rocm: torch's build for AMD's could use one."""
    vendor, device = vendor.strip().lower().removeprefix("0x"), device.strip().lower().removeprefix("0x")
    maker = MAKERS.get(vendor)
    if maker is None:
        return None
    loaded = re.search(r"^DRIVER=(\S+)$", uevent, re.MULTILINE)
    driver = loaded[1] if loaded else ""
    name = pci_name(pci_ids, vendor, device)
    build = ""
    if maker == "NVIDIA" and driver == "nvidia":
        build = "cuda"
    elif maker == "AMD" and rocm:
        build = "rocm"
    elif maker == "Intel" and (driver == "xe" or _XPU.search(name)):
        build = "xpu"
    return Gpu(f"{maker} {name}" if name else f"{maker} ({vendor}:{device})", maker, build, driver)


def pci_name(pci_ids: str, vendor: str, device: str) -> str:
    """The device's name in the system's list of PCI devices; empty where it does not know it."""
    section = re.search(rf"^{re.escape(vendor)}  .*\n((?:[\t#].*\n?|\n)*)", pci_ids, re.MULTILINE)
    found = re.search(rf"^\t{re.escape(device)}  (.+)$", section[1], re.MULTILINE) if section else None
    return found[1].strip() if found else ""


def of_windows(drivers: Iterable[Mapping[str, str]], nvcuda: bool) -> list[Gpu]:
    """Of the registry's display drivers; cards that were taken out may be among them. nvcuda: NVIDIA's library for computing is there."""
    cards: dict[str, Gpu] = {}
    for values in drivers:
        vendor = re.search(r"VEN_([0-9A-F]{4})", values.get("MatchingDeviceId", ""), re.IGNORECASE)
        maker = MAKERS.get(vendor[1].lower(), "") if vendor else _maker_named(values.get("ProviderName", ""))
        name = values.get("DriverDesc", "").strip()
        if maker and name:
            build = "cuda" if maker == "NVIDIA" and nvcuda else "xpu" if maker == "Intel" and _XPU.search(name) else ""
            cards[name] = Gpu(name, maker, build, values.get("DriverVersion", ""))
    if nvcuda and not any(gpu.maker == "NVIDIA" for gpu in cards.values()):
        cards["NVIDIA"] = Gpu("NVIDIA", "NVIDIA", "cuda")
    return list(cards.values())


def _maker_named(provider: str) -> str:
    lower = provider.lower()
    return "NVIDIA" if "nvidia" in lower else "AMD" if "advanced micro" in lower else "Intel" if "intel" in lower else ""


def _registry() -> Iterator[Mapping[str, str]]:
    """The display drivers, each with its values that are texts."""
    if sys.platform != "win32":
        return
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _WINDOWS_CLASS) as drivers:
        for number in range(_WINDOWS_MOST):
            values: dict[str, str] = {}
            try:
                with winreg.OpenKey(drivers, f"{number:04d}") as key:
                    for name in ("DriverDesc", "ProviderName", "MatchingDeviceId", "DriverVersion"):
                        value = _value(winreg, key, name)
                        if value:
                            values[name] = value
            except OSError:  # the numbers have gaps, and some keys are the system's alone
                continue
            yield values


def _value(winreg: object, key: object, name: str) -> str:
    try:
        value, _ = winreg.QueryValueEx(key, name)  # type: ignore[attr-defined]
    except OSError:
        return ""
    return value if isinstance(value, str) else ""


def _mac(env: Mapping[str, str]) -> list[Gpu]:
    brand = _output(["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], env, 1.0).strip()
    if _output(["/usr/sbin/sysctl", "-n", "hw.optional.arm64"], env, 0.5).strip() == "1":
        return [Gpu(brand if brand.startswith("Apple") else "Apple", "Apple", "mps")]
    return of_system_profiler(_output(["/usr/sbin/system_profiler", "-json", "SPDisplaysDataType"], env, 1.5))


def of_system_profiler(text: str) -> list[Gpu]:
    """Of an Intel Mac's `system_profiler -json SPDisplaysDataType`: torch has no build for those any more."""
    try:
        rows = json.loads(text)["SPDisplaysDataType"]
        names = [str(row["sppci_model"]) for row in rows if row.get("sppci_model")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return [Gpu(name, _maker_of(name), "") for name in names]


def _maker_of(name: str) -> str:
    return next((maker for maker in MAKERS.values() if maker.lower() in name.lower()), "AMD" if "radeon" in name.lower() else "")


def _output(command: list[str], env: Mapping[str, str], timeout_s: float = PATIENCE_S) -> str:
    finished = run(command, env, timeout_s=timeout_s)
    return finished.tail if finished.code == 0 else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

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
from . import nvidia

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


KINDS: Final[Mapping[str, str]] = {nvidia.CUDA_12: "cuda", "rocm": "cuda"}
"""How torch names a build's devices, where not by the build."""


@dataclass(frozen=True)
class Gpu:
    """torch_build: the best of torch's that could use it with the driver that is there: `cuda`, `cuda126`, `rocm`, `xpu`, `mps`; empty where none could.

    driver: its version, or its name on Linux; empty where that was not looked up. also: other builds that could. driver_needed: of NVIDIA's, the version
    from which on a build could use it, where none can now; 0 where it has no driver yet, or none helps. too_old: no build has code for it.
    """

    name: str
    maker: str
    torch_build: str
    driver: str = ""
    also: tuple[str, ...] = ()
    driver_needed: int = 0
    too_old: bool = False

    @property
    def kind(self) -> str:
        """As torch names such devices: `cuda`, `xpu`, `mps`; empty where it has none."""
        return KINDS.get(self.torch_build, self.torch_build)

    def fits(self, build: str) -> bool:
        """Could that build of torch use it? Metal is in every build for Apple's processors."""
        return self.torch_build == "mps" or build in (self.torch_build, *self.also)


def found(env: Mapping[str, str] | None = None, platform: str = sys.platform, root: Path = Path("/")) -> tuple[Gpu, ...]:
    """The cards, the one that speaks fastest by experience first (NVIDIA's, AMD's, Intel's)."""
    env = os.environ if env is None else env
    try:
        if platform == "win32":
            system = Path(env.get("SYSTEMROOT", r"C:\Windows")) / "System32"
            nvcuda, smi = ((system / name).is_file() for name in ("nvcuda.dll", "nvidia-smi.exe"))
            told = _asked(str(system / "nvidia-smi.exe"), env) if nvcuda and smi else []
            cards = of_windows(_registry(), nvcuda, {name: capability for name, _driver, capability in told})
        elif platform == "darwin":
            cards = _mac(env)
        else:
            cards = _linux(env, root)
    except (OSError, ValueError):
        return ()
    makers = [*MAKERS.values(), "Apple"]
    return tuple(sorted(cards, key=lambda gpu: (not gpu.torch_build, makers.index(gpu.maker) if gpu.maker in makers else len(makers))))


def _linux(env: Mapping[str, str], root: Path) -> list[Gpu]:
    driver = nvidia.driver(_text(root / "proc/driver/nvidia/version"))
    models = [nvidia.model(_text(path)) for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information"))]
    windows = (root / "dev/dxg").exists()
    smi = shutil.which("nvidia-smi", path=env.get("PATH")) or ("/usr/lib/wsl/lib/nvidia-smi" if windows else "")
    told = _asked(smi, env)
    generations = {name: capability for name, _driver, capability in told}
    cards = [of_nvidia(model, driver, generations.get(model, 0.0)) for model in models if model]
    cards = cards or [of_nvidia(*card) for card in told]
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


def of_nvidia(name: str, driver: str, capability: float = 0.0) -> Gpu:
    """One whose driver is there: with the builds of torch that can use it (`nvidia.fit`)."""
    fit = nvidia.fit(name, driver, capability)
    if not fit.builds:
        return Gpu(name, "NVIDIA", "", driver, driver_needed=fit.driver_needed, too_old=not fit.driver_needed)
    return Gpu(name, "NVIDIA", fit.builds[0], driver, fit.builds[1:])


def _asked(smi: str, env: Mapping[str, str]) -> list[tuple[str, str, float]]:
    """What nvidia-smi says of the cards; asked once, since it may have to wake them. Empty where it is not there, or fails."""
    if not smi:
        return []
    try:
        known = smi, Path(smi).stat().st_mtime_ns
    except OSError:
        return []
    if known not in _SAID:
        fields = ("name,driver_version,compute_cap", "name,driver_version")
        found = (nvidia.of_smi(_output([smi, f"--query-gpu={field}", "--format=csv,noheader"], env)) for field in fields)
        _SAID[known] = next((cards for cards in found if cards), [])
    return _SAID[known]


_SAID: Final[dict[tuple[str, int], list[tuple[str, str, float]]]] = {}


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
        return of_nvidia(f"NVIDIA {name}" if name else f"NVIDIA ({vendor}:{device})", driver)
    if maker == "AMD" and rocm:
        build = "rocm"
    elif maker == "Intel" and (driver == "xe" or _XPU.search(name)):
        build = "xpu"
    return Gpu(f"{maker} {name}" if name else f"{maker} ({vendor}:{device})", maker, build, driver)


def pci_name(pci_ids: str, vendor: str, device: str) -> str:
    """The device's name in the system's list of PCI devices; empty where it does not know it."""
    section = re.search(rf"^{re.escape(vendor)}  .*\n((?:[\t#].*\n?|\n)*)", pci_ids, re.MULTILINE)
    found = re.search(rf"^\t{re.escape(device)}  (.+)$", section[1], re.MULTILINE) if section else None
    return found[1].strip() if found else ""


def of_windows(drivers: Iterable[Mapping[str, str]], nvcuda: bool, generations: Mapping[str, float] = {}) -> list[Gpu]:
    """Of the registry's display drivers; cards that were taken out may be among them. nvcuda: NVIDIA's library for computing is there.

    generations: of its cards by their names, as nvidia-smi says them.
    """
    cards: dict[str, Gpu] = {}
    for values in drivers:
        vendor = re.search(r"VEN_([0-9A-F]{4})", values.get("MatchingDeviceId", ""), re.IGNORECASE)
        maker = MAKERS.get(vendor[1].lower(), "") if vendor else _maker_named(values.get("ProviderName", ""))
        name = values.get("DriverDesc", "").strip()
        if maker and name:
            version = values.get("DriverVersion", "")
            if maker == "NVIDIA" and nvcuda:
                cards[name] = of_nvidia(name, nvidia.of_windows(version), generations.get(name, 0.0))
            else:
                cards[name] = Gpu(name, maker, "xpu" if maker == "Intel" and _XPU.search(name) else "", version)
    if nvcuda and not any(gpu.maker == "NVIDIA" for gpu in cards.values()):
        cards["NVIDIA"] = of_nvidia("NVIDIA", "")
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

"""Where torch, torchaudio and torchcodec come from: one table of platform and device, in `sources.json`.

They are pinned by version without a local suffix and stand in no lock, since a wheel for a GPU and one for none are
two files of the same version (design rule 14). Order: what pip's own find-links offer; torch's index of the table; the
ordinary index, with a word on what that will bring.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..resources import Resources
from ..wording import N_, translate
from . import gpus

_ON_DISK: Final = 2
"""Torch takes about so many times on the disk what is fetched."""
DEVICES: Final = ("cpu", "cuda", "cuda126", "rocm", "xpu")
"""Builds of torch: for the CPU (Apple's holds Metal), NVIDIA's (today's, and older ones or older drivers), AMD's and Intel's cards."""
_BUILDS: Final[Mapping[str, tuple[str, ...]]] = {"linux": ("cuda", "cuda126", "rocm", "xpu"), "win32": ("cuda", "cuda126", "xpu")}
"""Those besides the CPU's that `sources.json` has for a platform, the one that speaks fastest by experience first."""

ORDINARY: Final = (
    N_("several GB for NVIDIA's cards, though this computer has none that can be used"),
    N_("several GB for NVIDIA's cards"),
    N_("several GB for NVIDIA's newer cards and drivers, which this one is none of"),
    N_("several GB for NVIDIA's cards; AMD's cannot be used with it"),
    N_("several GB for NVIDIA's cards; Intel's cannot be used with it"),
    N_("for the CPU"),
    N_("for the CPU alone, so NVIDIA's cards cannot be used"),
    N_("for the CPU alone, so Intel's cards cannot be used"),
    N_("for Apple's processors"),
)
"""What the ordinary index brings, as `sources.json` says it; here to be translated."""


@dataclass(frozen=True)
class TorchSource:
    """index: torch's own for this platform and device, None where the ordinary one has the right build.

    versions: ((package, version), ...), torch first. fetch_mb, ordinary_mb: about how much each source brings.
    ordinary: what the ordinary index brings, in words.
    """

    platform: str
    device: str
    index: str | None
    versions: tuple[tuple[str, str], ...]
    fetch_mb: int
    ordinary_mb: int
    ordinary: str

    @property
    def torch(self) -> str:
        """`torch==2.13.0`"""
        return "==".join(self.versions[0])

    @property
    def others(self) -> tuple[str, ...]:
        """torchaudio and torchcodec, which are installed without what they ask for."""
        return tuple("==".join(pair) for pair in self.versions[1:])


def torch_source(resources: Resources, device: str, platform: str = sys.platform) -> TorchSource:
    """The table's row; where a platform has no such build, its row for the CPU."""
    raw = json.loads(resources("plugin/sources.json"))["torch"]
    name = "linux" if platform.startswith("linux") else platform
    rows = [row for row in raw["sources"] if row["platform"] == name]
    row = next((row for row in rows if row["device"] == device), rows[0] if rows else None)
    versions = tuple((str(k), str(v)) for k, v in raw["versions"].items())
    if row is None:
        return TorchSource(name, "cpu", None, versions, 300, 300, N_("whatever there is for this system"))
    return TorchSource(name, row["device"], row["index"], versions, int(row["fetch_mb"]), int(row["ordinary_mb"]), row["ordinary"])


def layer_mb(resources: Resources, name: str, build: str = "cpu", platform: str = sys.platform) -> tuple[int, int]:
    """About how much a layer is to download, and takes on the disk then; `neural` with that build of torch."""
    sizes = json.loads(resources("plugin/sources.json"))["layers"][name]
    torch_mb = torch_source(resources, build, platform).fetch_mb if name == "neural" else 0
    return int(sizes["fetch_mb"]) + torch_mb, int(sizes["disk_mb"]) + _ON_DISK * torch_mb


def build_name(build: str) -> str:
    """A build of torch in a reader's words, for a sentence."""
    names = {"cuda": "NVIDIA (CUDA)", "cuda126": "NVIDIA (CUDA 12)", "rocm": "AMD (ROCm)", "xpu": "Intel (XPU)", "mps": "Apple (Metal)"}
    return names.get(build) or translate(N_("the CPU"))


def wanted_device(env: Mapping[str, str], platform: str = sys.platform) -> str:
    """The build for the best card that has its driver, else `cpu`. `E2A_TORCH` (one of DEVICES) decides where it is set.

    Only chooses a build to fetch; whether the card can be used is found out by using it.
    """
    given = env.get("E2A_TORCH", "")
    if given in DEVICES:
        return given
    builds = {gpu.torch_build for gpu in gpus.found(env, platform)}
    return next((build for build in _BUILDS.get("linux" if platform.startswith("linux") else platform, ()) if build in builds), "cpu")

"""Cards by name and maker from what systems write, on Linux, Windows and macOS; nothing that is written wrongly raises."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from plugin.engine import gpus, nvidia
from plugin.engine.gpus import Gpu

INFORMATION = "Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 154\nGPU UUID: \t GPU-0\nVideo BIOS: \t 94.06.14.00.2e\nBus Type: \t PCIe\n"
VERSION = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version:  gcc version 12.3.0\n"
OPEN_VERSION = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U16)\nGCC version:  12.2.0\n"
PCI_IDS = (
    "# PCI ID's\n#\n1002  Advanced Micro Devices, Inc.\n\t73bf  Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]\n\t\t1002 0e3a  Radeon RX 6900 XT\n"
    "10de  NVIDIA Corporation\n\t2504  GA106 [GeForce RTX 3060 Lite Hash Rate]\n# odd\n\t2684  AD102 [GeForce RTX 4090]\n"
    "8086  Intel Corporation\n\t3e92  CoffeeLake-S GT2 [UHD Graphics 630]\n\t56a0  DG2 [Arc A770]\n"
)


@pytest.mark.parametrize(("text", "number"), [(VERSION, "535.183.01"), (OPEN_VERSION, "570.86.15"), ("", ""), ("NVRM version: ?\n", "")])
def test_the_version_of_nvidias_driver(text: str, number: str) -> None:
    assert nvidia.driver(text) == number


@pytest.mark.parametrize(("text", "name"), [(INFORMATION, "NVIDIA GeForce RTX 3060"), ("Model: \n", ""), ("", ""), ("\0\xff", "")])
def test_the_name_in_nvidias_information(text: str, name: str) -> None:
    assert nvidia.model(text) == name


@pytest.mark.parametrize(
    ("csv", "cards"),
    [
        ("NVIDIA GeForce RTX 3060, 550.54.14\nNVIDIA T4, 550.54.14\n", [("NVIDIA GeForce RTX 3060", "550.54.14", 0.0), ("NVIDIA T4", "550.54.14", 0.0)]),
        ("NVIDIA GeForce RTX 5090, 580.95.05, 12.0\n", [("NVIDIA GeForce RTX 5090", "580.95.05", 12.0)]),
        ("A card, of two words, 580.95, [N/A]\n", [("A card, of two words", "580.95", 0.0)]),
        ('Field "compute_cap" is not a valid field to query.\n', []),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", []),
        ("No devices were found\n", []),
        ("Failed to initialize NVML: Driver/library version mismatch, sorry\n", []),
    ],
)
def test_what_nvidia_smi_says(csv: str, cards: list[tuple[str, str, float]]) -> None:
    assert nvidia.of_smi(csv) == cards


@pytest.mark.parametrize(
    ("name", "driver", "capability", "builds", "driver_needed"),
    [
        ("NVIDIA GeForce RTX 4090", "580.95.05", 8.9, ("cuda", "cuda126"), 0),
        ("NVIDIA GeForce RTX 4090", "570.86.15", 8.9, ("cuda126",), 0),
        ("NVIDIA GeForce RTX 4090", "", 0.0, ("cuda", "cuda126"), 0),
        ("NVIDIA GeForce RTX 2060", "470.256.02", 7.5, (), 525),
        ("NVIDIA GeForce GTX 1080", "535.183.01", 6.1, ("cuda126",), 0),
        ("NVIDIA GeForce GTX 1080", "580.95.05", 0.0, ("cuda126",), 0),
        ("NVIDIA GeForce GTX 1080 Ti", "580.95.05", 0.0, ("cuda126",), 0),
        ("NVIDIA GP104 [GeForce GTX 1080]", "", 0.0, ("cuda126",), 0),
        ("NVIDIA GeForce GTX 1660 SUPER", "580.95.05", 0.0, ("cuda", "cuda126"), 0),
        ("NVIDIA GeForce GTX 970", "580.95.05", 5.2, ("cuda126",), 0),
        ("NVIDIA GeForce GT 710", "390.157", 0.0, (), 0),
        ("NVIDIA GeForce GTX 680", "470.256.02", 3.0, (), 0),
        ("NVIDIA GeForce MX150", "550.54.14", 0.0, ("cuda126",), 0),
        ("NVIDIA GeForce MX450", "580.65.06", 0.0, ("cuda", "cuda126"), 0),
        ("Tesla V100-SXM2-16GB", "580.65.06", 0.0, ("cuda126",), 0),
        ("NVIDIA TITAN RTX", "580.65.06", 0.0, ("cuda", "cuda126"), 0),
        ("Quadro P2000", "550.54.14", 0.0, ("cuda126",), 0),
        ("NVIDIA H200", "580.65.06", 9.0, ("cuda", "cuda126"), 0),
        ("NVIDIA GeForce RTX 5090", "570.86.15", 12.0, (), 580),
        ("NVIDIA GeForce RTX 5070 Ti", "570.86.15", 0.0, (), 580),
        ("NVIDIA GeForce RTX 5090", "580.95.05", 12.0, ("cuda",), 0),
        ("NVIDIA", "nonsense", 0.0, ("cuda", "cuda126"), 0),
        ("Quadro RTX 5000", "550.54.14", 0.0, ("cuda126",), 0),
        ("NVIDIA RTX 5000 Ada Generation", "570.86.15", 0.0, ("cuda126",), 0),
        ("GeForce 820M", "390.157", 0.0, (), 0),
        ("NVIDIA GeForce 840M", "580.95.05", 0.0, ("cuda126",), 0),
        ("NVIDIA GeForce 840M", "472.12", 0.0, (), 525),
    ],
)
def test_the_builds_that_a_card_and_its_driver_can_use(name: str, driver: str, capability: float, builds: tuple[str, ...], driver_needed: int) -> None:
    assert nvidia.fit(name, driver, capability) == nvidia.Fit(builds, driver_needed)
    gpu = gpus.of_nvidia(name, driver, capability)
    assert gpu.torch_build == next(iter(builds), "") and all(gpu.fits(build) for build in builds) and gpu.too_old == (not builds and not driver_needed)
    assert gpu.kind == ("cuda" if builds else "") and not gpu.fits("rocm") and not gpu.fits("cpu")


ONLY_CUDA, ONLY_CUDA_12, BOTH, NONE = ("cuda",), ("cuda126",), ("cuda", "cuda126"), ()


@pytest.mark.parametrize(
    ("builds", "names"),
    [
        (ONLY_CUDA, "GeForce RTX 5090|GeForce RTX 5050 Laptop GPU|GeForce RTX 5090 D|RTX PRO 6000 Blackwell Workstation Edition|B200|GB200|GB300|GB10|Thor"),
        (BOTH, "Quadro RTX 5000 with Max-Q Design|RTX 5000 Ada Generation Laptop GPU|RTX 5880 Ada Generation|Quadro RTX 8000|RTX A5000|RTX A2000 12GB"),
        (BOTH, "T400 4GB|T500|T1000|Tesla T4|Quadro T2000|GeForce MX550|GeForce MX570 A|CMP 50HX|GeForce GTX 1650|GeForce RTX 2050|GeForce RTX 3050 6GB"),
        (BOTH, "H100 PCIe|H200 NVL|GH200 480GB|H20|A100-SXM4-80GB|A800 40GB Active|L4|L40S|A2|A16|Orin (nvgpu)|TITAN RTX|Graphics Device"),
        (ONLY_CUDA_12, "TITAN V|Quadro GV100|Tesla V100S-PCIE-32GB|GeForce GT 1030|GeForce GT 1010|GeForce MX350|GeForce GTX 1060 6GB|P106-100|Quadro GP100"),
        (ONLY_CUDA_12, "Tesla P100-PCIE-16GB|Quadro P620|TITAN Xp|TITAN X (Pascal)|GeForce GTX TITAN X|GeForce GTX 965M|GeForce GTX 980 Ti|GeForce MX130"),
        (ONLY_CUDA_12, "GeForce GTX 750 Ti|GeForce GTX 745|GeForce GTX 850M|GeForce 830M|GeForce 845M|GeForce 920MX|GeForce 930M|GeForce 940MX|GeForce 945A"),
        (ONLY_CUDA_12, "Quadro K620|Quadro K1200|Quadro K2200M|Quadro M2000|Tesla M60|GRID M10-8Q|NVS 810|CMP 100-210"),
        (NONE, "GeForce GTX 760|GeForce GT 750M|GeForce GTX 880M|GeForce 825M|GeForce 910M|GeForce 920M|GeForce 710M|GeForce GT 640|GeForce GTX TITAN|TITAN Z"),
        (NONE, "GeForce 210|GeForce 310M|GeForce GTX 280|GeForce 8400 GS|GeForce 9800 GT|Quadro 4000|Quadro 5000M|Quadro FX 3800|Quadro K4200|Quadro 410"),
        (NONE, "Tesla K80|Tesla M2090|Tesla C2050|GRID K520|NVS 510|NVS 4200M"),
        (ONLY_CUDA, "GB202 [GeForce RTX 5090]|GB20B [GB10]|GB202GL [RTX 6000D]|GB203M / GN22-X9 [GeForce RTX 5080 Max-Q / Mobile]"),
        (BOTH, "TU104GL [Quadro RTX 5000]|AD102GL [RTX 5000 Ada Generation]|GA107M [GeForce MX570]|GH100 [H100 SXM5 80GB]"),
        (ONLY_CUDA_12, "GM107M [GeForce GTX 860M]|GM108M [GeForce 840M]|GP108M [GeForce MX150]|GV100GL [Tesla PG500-216]"),
        (NONE, "GK104M [GeForce GTX 860M]|GK106 [GeForce GTX 750 Ti]|GF117M [GeForce 610M/710M/810M/820M / GT 620M/625M/630M/720M]|GK208BM [GeForce 920M]"),
    ],
)
def test_a_cards_name_is_not_taken_for_its_neighbours(builds: tuple[str, ...], names: str) -> None:
    """As the driver, Windows and pci.ids write them."""
    wrong = {name: fit.builds for name in names.split("|") if (fit := nvidia.fit(f"NVIDIA {name}", "580.95.05")).builds != builds or fit.driver_needed}
    assert not wrong


@pytest.mark.parametrize(
    ("version", "number"), [("32.0.15.6094", "560.94"), ("31.0.15.3623", "536.23"), ("27.21.14.5671", "456.71"), ("570.86", ""), ("", "")]
)
def test_nvidias_number_of_a_driver_of_windows(version: str, number: str) -> None:
    assert nvidia.of_windows(version) == number


@pytest.mark.parametrize(
    ("vendor", "device", "uevent", "rocm", "gpu"),
    [
        ("0x10de\n", "0x2684\n", "DRIVER=nvidia\n", False, Gpu("NVIDIA AD102 [GeForce RTX 4090]", "NVIDIA", "cuda", "nvidia", ("cuda126",))),
        ("0x10de\n", "0x2504\n", "DRIVER=nouveau\nPCI_ID=10DE:2504\n", False, Gpu("NVIDIA GA106 [GeForce RTX 3060 Lite Hash Rate]", "NVIDIA", "", "nouveau")),
        ("0x1002\n", "0x73bf\n", "DRIVER=amdgpu\n", True, Gpu("AMD Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]", "AMD", "rocm", "amdgpu")),
        ("0x1002\n", "0x73bf\n", "DRIVER=amdgpu\n", False, Gpu("AMD Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]", "AMD", "", "amdgpu")),
        ("0x8086\n", "0x56a0\n", "DRIVER=i915\n", False, Gpu("Intel DG2 [Arc A770]", "Intel", "xpu", "i915")),
        ("0x8086\n", "0x3e92\n", "DRIVER=i915\n", False, Gpu("Intel CoffeeLake-S GT2 [UHD Graphics 630]", "Intel", "", "i915")),
        ("0x8086\n", "0xe20b\n", "DRIVER=xe\n", False, Gpu("Intel (8086:e20b)", "Intel", "xpu", "xe")),
        ("0x1af4\n", "0x1050\n", "DRIVER=virtio-pci\n", False, None),
        ("", "", "", True, None),
    ],
)
def test_a_card_on_the_bus(vendor: str, device: str, uevent: str, rocm: bool, gpu: Gpu | None) -> None:
    assert gpus.of_pci(vendor, device, uevent, PCI_IDS, rocm) == gpu


WINDOWS_NVIDIA = {
    "DriverDesc": "NVIDIA GeForce RTX 3060",
    "ProviderName": "NVIDIA",
    "MatchingDeviceId": r"PCI\VEN_10DE&DEV_2504&SUBSYS_397D1462",
    "DriverVersion": "32.0.15.6094",
}
WINDOWS_AMD = {"DriverDesc": "AMD Radeon(TM) Graphics", "ProviderName": "Advanced Micro Devices, Inc.", "MatchingDeviceId": r"pci\ven_1002&dev_1638"}
WINDOWS_ARC = {"DriverDesc": "Intel(R) Arc(TM) A770 Graphics", "ProviderName": "Intel Corporation", "DriverVersion": "31.0.101.5590"}
WINDOWS_BASIC = {"DriverDesc": "Microsoft Remote Display Adapter", "ProviderName": "Microsoft", "MatchingDeviceId": "root\\rdpidd"}


@pytest.mark.parametrize(
    ("drivers", "nvcuda", "builds"),
    [
        ([WINDOWS_NVIDIA, WINDOWS_BASIC], True, {"NVIDIA GeForce RTX 3060": "cuda126"}),
        ([{**WINDOWS_NVIDIA, "DriverVersion": "32.0.15.8088"}], True, {"NVIDIA GeForce RTX 3060": "cuda"}),
        ([{**WINDOWS_NVIDIA, "DriverVersion": ""}], True, {"NVIDIA GeForce RTX 3060": "cuda"}),
        ([WINDOWS_NVIDIA], False, {"NVIDIA GeForce RTX 3060": ""}),
        ([WINDOWS_AMD, WINDOWS_ARC, WINDOWS_ARC], False, {"AMD Radeon(TM) Graphics": "", "Intel(R) Arc(TM) A770 Graphics": "xpu"}),
        ([WINDOWS_BASIC, {}], False, {}),
        ([], True, {"NVIDIA": "cuda"}),
    ],
)
def test_cards_of_windows(drivers: list[dict[str, str]], nvcuda: bool, builds: dict[str, str]) -> None:
    assert {gpu.name: gpu.torch_build for gpu in gpus.of_windows(drivers, nvcuda)} == builds


@pytest.mark.parametrize(
    ("rows", "cards"),
    [
        ({"SPDisplaysDataType": [{"sppci_model": "AMD Radeon Pro 5500M"}, {"sppci_model": "Intel UHD Graphics 630"}]}, {"AMD": "", "Intel": ""}),
        ({"SPDisplaysDataType": [{}]}, {}),
        ({"SPDisplaysDataType": 5}, {}),
        ([], {}),
    ],
)
def test_cards_of_an_intel_mac(rows: object, cards: dict[str, str]) -> None:
    assert {gpu.maker: gpu.torch_build for gpu in gpus.of_system_profiler(json.dumps(rows))} == cards


def card(root: Path, number: int, vendor: str, device: str, driver: str) -> None:
    folder = root / f"sys/class/drm/card{number}/device"
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(f"0x{vendor}\n")
    (folder / "device").write_text(f"0x{device}\n")
    (folder / "uevent").write_text(f"DRIVER={driver}\n")
    (root / f"sys/class/drm/card{number}-DP-1").mkdir()


def test_a_linux_computer_with_three_cards(tmp_path: Path) -> None:
    card(tmp_path, 0, "8086", "3e92", "i915")
    card(tmp_path, 1, "10de", "2504", "nvidia")
    card(tmp_path, 2, "1002", "73bf", "amdgpu")
    for name, text in (("proc/driver/nvidia/version", VERSION), ("proc/driver/nvidia/gpus/0000:01:00.0/information", INFORMATION), ("dev/kfd", "")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "usr/share/misc").mkdir(parents=True)
    (tmp_path / "usr/share/misc/pci.ids").write_text(PCI_IDS)
    found = gpus.found({"PATH": ""}, "linux", tmp_path)
    told = [(gpu.maker, gpu.torch_build, gpu.driver) for gpu in found]
    assert told == [("NVIDIA", "cuda126", "535.183.01"), ("AMD", "rocm", "amdgpu"), ("Intel", "", "i915")]
    assert found[0].name == "NVIDIA GeForce RTX 3060"


@pytest.mark.parametrize(
    ("kinds", "build"), [([0, 100306], ""), ([0, 90012], ""), ([0, 100306, 110000], "rocm"), ([90010], "rocm"), ([], "rocm"), ([0], "rocm")]
)
def test_a_processors_graphics_of_amds_are_no_reason_to_fetch_the_build_for_its_cards(tmp_path: Path, kinds: list[int], build: str) -> None:
    """The driver for computing is loaded on each such computer; the list of what it found tells them apart, where there is one."""
    card(tmp_path, 0, "1002", "73bf", "amdgpu")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    for number, kind in enumerate(kinds):
        node = tmp_path / f"sys/class/kfd/kfd/topology/nodes/{number}"
        node.mkdir(parents=True)
        (node / "properties").write_text(f"cpu_cores_count 8\nsimd_count 4\ngfx_target_version {kind}\nvendor_id 4098\n")
    assert [gpu.torch_build for gpu in gpus.found({"PATH": ""}, "linux", tmp_path)] == [build]


@pytest.mark.skipif(sys.platform == "win32", reason="a script as nvidia-smi")
def test_inside_windows_and_a_container_nvidia_smi_is_asked(tmp_path: Path) -> None:
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "dxg").touch()
    assert gpus.found({"PATH": ""}, "linux", tmp_path) == (Gpu("a graphics card of Windows", "", ""),)
    smi.write_text("#!/bin/sh\necho 'NVIDIA T4, 550.54.14'\n")
    smi.chmod(0o755)
    env = {"PATH": f"{smi.parent}{os.pathsep}{os.environ['PATH']}"}
    assert gpus.found(env, "linux", tmp_path) == (Gpu("NVIDIA T4", "NVIDIA", "cuda126", "550.54.14"),)
    smi.write_text("#!/bin/sh\ncase $1 in *compute_cap*) exit 2;; esac\necho 'NVIDIA T4, 580.65.06'\n")
    os.utime(smi, ns=(1, 1))
    known = Gpu("NVIDIA T4", "NVIDIA", "cuda", "580.65.06", ("cuda126",))
    assert gpus.found(env, "linux", tmp_path) == (known,), "an old nvidia-smi does not know the last field"
    smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed, 9'\nexit 9\n")
    os.utime(smi, ns=(2, 2))
    assert gpus.found(env, "linux", tmp_path) == (Gpu("a graphics card of Windows", "", ""),)


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin", "freebsd14"])
def test_an_empty_computer_has_none_and_nothing_raises(platform: str, tmp_path: Path) -> None:
    if platform == sys.platform != "linux":
        pytest.skip("this computer is not empty")
    assert gpus.found({"PATH": "", "SYSTEMROOT": str(tmp_path)}, platform, tmp_path) == ()

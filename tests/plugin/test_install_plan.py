"""What the first run says before anything is fetched: sizes, hosts, builds of torch by system and card."""

from __future__ import annotations

from pathlib import Path

import pytest
from layers import put_layer

from plugin import paths
from plugin.engine import install_plan, runtime
from plugin.engine.gpus import Gpu, of_nvidia
from plugin.engine.install_plan import Plan, best_offer, offer, plan
from plugin.resources import from_folder
from plugin.speaking import voices

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = from_folder(ROOT)
JOE = "en_US-joe-medium"


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: None)
    monkeypatch.setattr(paths, "free_bytes", lambda folder: 10**12)  # other programs write to the same disk


def of(layers: tuple[str, ...], speakers: tuple[str, ...] = (), build: str = "cpu", env: dict[str, str] | None = None) -> Plan:
    return plan(RESOURCES, layers, speakers, build, {"PATH": "", "HOME": "/none"} if env is None else env, "linux")


CARDS = [
    ("linux", of_nvidia("NVIDIA GeForce RTX 4090", "580.95.05", 8.9), "cuda", "download.pytorch.org", 3000),
    ("linux", of_nvidia("NVIDIA GeForce RTX 4090", "570.86.15", 8.9), "cuda126", "download.pytorch.org", 3000),
    ("linux", of_nvidia("NVIDIA GeForce GTX 1080", "535.183.01"), "cuda126", "download.pytorch.org", 3000),
    ("win32", of_nvidia("NVIDIA GeForce GTX 1080", "560.94"), "cuda126", "download.pytorch.org", 2600),
    ("linux", of_nvidia("NVIDIA GeForce RTX 5090", "570.86.15", 12.0), "", "driver 580 or newer", 0),
    ("linux", of_nvidia("NVIDIA GeForce GT 710", "390.157"), "", "cards of its age", 0),
    ("linux", Gpu("AMD Radeon RX 7900 XTX", "AMD", "rocm", "amdgpu"), "rocm", "download.pytorch.org", 5500),
    ("linux", Gpu("Intel Arc A770", "Intel", "xpu", "xe"), "xpu", "download.pytorch.org", 3000),
    ("win32", Gpu("NVIDIA GeForce RTX 4090", "NVIDIA", "cuda"), "cuda", "download.pytorch.org", 2600),
    ("win32", Gpu("Intel(R) Arc(TM) A770", "Intel", "xpu"), "xpu", "download.pytorch.org", 2500),
    ("darwin", Gpu("Apple M2", "Apple", "mps"), "mps", "package index", 240),
    ("linux", Gpu("NVIDIA GM107", "NVIDIA", "", "nouveau"), "", "NVIDIA's own driver", 0),
    ("linux", Gpu("AMD Cezanne", "AMD", "", "amdgpu"), "", "ROCm", 0),
    ("linux", Gpu("Intel UHD Graphics 620", "Intel", "", "i915"), "", "PyTorch does not support it", 0),
    ("win32", Gpu("AMD Radeon RX 7800 XT", "AMD", ""), "", "PyTorch does not support it", 0),
    ("win32", Gpu("NVIDIA GeForce GT 710", "NVIDIA", ""), "", "NVIDIA's own driver", 0),
    ("darwin", Gpu("Radeon Pro 560", "AMD", ""), "", "CoreML", 0),
    ("darwin", Gpu("NVIDIA GeForce GT 750M", "NVIDIA", ""), "", "PyTorch cannot use", 0),
    # a build that this system has no row for is none, whatever the card says of itself
    ("win32", Gpu("AMD Radeon RX 7800 XT", "AMD", "rocm"), "", "PyTorch does not support it", 0),
]


@pytest.mark.parametrize(("system", "card", "build", "words", "least_mb"), CARDS)
def test_each_card_gets_its_systems_build_or_a_sentence(system: str, card: Gpu, build: str, words: str, least_mb: int) -> None:
    found = offer(RESOURCES, card, {}, system)
    assert found.build == build and card.name in found.sentence
    if build:
        assert found.item is not None and words in found.item.source and install_plan.build_name(build) in found.item.what
        assert found.item.fetch_mb >= least_mb and found.item.disk_mb > found.item.fetch_mb
    else:
        assert found.item is None and words in found.sentence


def test_the_card_that_can_be_used_is_offered_before_one_that_cannot() -> None:
    cards = (Gpu("Intel UHD Graphics 620", "Intel", "", "i915"), CARDS[0][1])
    found = best_offer(RESOURCES, cards, {}, "linux")
    assert found is not None and found.card == cards[1]
    assert best_offer(RESOURCES, (), {}, "linux") is None


def test_the_first_run_names_size_source_check_and_folder(tmp_path: Path) -> None:
    found = of(("core",), (JOE,))
    assert (found.layers, found.voices) == (("core",), (JOE,))
    assert 215 < found.fetch_mb < 275 and found.disk_mb > 400 and found.folder == tmp_path / "engine" and found.free_mb > 0
    assert any("huggingface.co" in item.source and "package index" in item.source for item in found.items)
    assert all("checksums" in item.checked for item in found.items) and "CC0" in found.items[-1].note
    slow, quick = found.seconds
    assert 80 < slow < 200 and 20 < quick < 60


def test_heart_comes_with_the_basic_part_and_joe_is_63_mb_more() -> None:
    alone, with_joe = of(("core",), ("heart",)), of(("core",), ("heart", JOE))
    assert alone == of(("core",)) and "the voice Heart" in alone.items[-1].what and "Apache 2.0" in alone.items[-1].note
    assert with_joe.fetch_mb - alone.fetch_mb == 63 and with_joe.voices == (JOE,)


def test_where_the_engine_stands_without_her_heart_is_fetched_like_a_voice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_layer(tmp_path / "engine", RESOURCES, heart=False)
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: runtime.standing(resources)[0])
    (heart,) = of(("core",), ("heart",)).items
    assert (heart.fetch_mb, "package index" in heart.source, heart.checked) == (14, True, "by checksums in this plugin") and "Heart" in heart.what
    assert [item.fetch_mb for item in of((), ("emma",)).items] == [14, 8]


def test_a_voice_of_the_collection_is_checked_otherwise_and_fetched_once_for_all_its_speakers() -> None:
    found = of((), ("de_DE-thorsten-medium", "en_US-libritts-high#p3922", "en_US-libritts-high"))
    german, many = (item for item in found.items)
    assert "Thorsten" in german.what and "huggingface.co" in german.source and "in this plugin" not in german.checked
    assert many.fetch_mb > 100 and len(found.voices) == 3


def test_what_is_here_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    everything = of(("core",), (JOE,))
    tool = tmp_path / "engine" / "tools" / "uv-1" / "bin" / "uv"
    tool.parent.mkdir(parents=True)
    tool.touch()
    assert len(of(("core",), (JOE,)).items) == len(everything.items) - 1
    tool.rename(tool.with_name("no"))
    usual = tmp_path / "home" / ".local" / "bin" / "uv"
    usual.parent.mkdir(parents=True)
    usual.touch()
    assert len(of(("core",), env={"PATH": "", "HOME": str(tmp_path / "home")}).items) == 1, "where its own installer puts it"
    monkeypatch.setattr(voices, "is_here", lambda id, resources: True)
    assert of(("core",), (JOE,)).voices == ()
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: runtime.Layer(name, tmp_path, tmp_path) if name == "core" else None)
    nothing = of(("core",), (JOE,))
    assert (nothing.items, nothing.fetch_mb, nothing.seconds) == ((), 0, (0, 0))
    assert of(("core", "neural")).layers == ("neural",)


@pytest.mark.parametrize(
    ("address", "named"),
    [("https://me:secret@mirror.example/simple", True), ("me:secret@mirror.example/simple", True), ("https://me:secret@[mirror.example/simple", False)],
)
def test_an_index_of_the_users_own_is_named_without_its_password(address: str, named: bool) -> None:
    source = of(("core",), env={"PATH": "", "PIP_INDEX_URL": address}).items[0].source
    assert ("mirror.example" in source) is named and "secret" not in source and "me" not in source.split(" ")[0].split(".") and "package index" in source

"""The architecture's arrows, read from the imports: who may know whom (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIDECAR = ROOT / "sidecar" / "src" / "e2a_sidecar"
PLUGIN = ROOT / "plugin"
STAGES = ("reading", "voices", "speaking", "mastering", "writing", "sampling")
MAY_KNOW = {
    "reading": set(),
    "voices": {"speaking"},  # identity, settings and front ends: records and protocols, no engine
    "speaking": {"voices"},
    "mastering": set(),
    "writing": set(),
    "sampling": {"mastering"},  # the meter and the limiter
}
ROOT_LEAVES = {"model", "errors", "memory"}  # which know nothing of the sidecar
NETWORK = {"socket", "ssl", "http", "urllib.request", "urllib.robotparser", "ftplib", "smtplib", "asyncio", "requests", "httpx", "aiohttp", "huggingface_hub"}
CALIBRE_FREE = (
    *("commands", "environ", "errors", "fetch", "file_lock", "languages", "log", "paths", "queue_words", "resources", "room", "wording"),
    *("converting/client", "converting/events", "converting/progress", "converting/protocol", "converting/report", "converting/report_words"),
    *("converting/report_rows", "converting/requests", "converting/sidecars"),
    *(f"{room}/{path.stem}" for room in ("engine", "sentences", "speaking") for path in sorted((PLUGIN / room).glob("*.py"))),
)
ASKS_CALIBRE = {
    "log": {"calibre.constants"},  # its version
    "wording": {"calibre.utils.localization"},  # its language
    "speaking/calibre_kokoro": {"calibre.constants", "calibre.utils.resources"},  # which of Kokoro's voices it has, and where
}
"""What is asked of Calibre where there is one, and goes without where there is none."""
ROOMS = ("book", "engine", "speaking", "converting")
TORCH_ROOMS = ("speaking", "voices")
CLONE_FILES = {path.relative_to(SIDECAR).as_posix() for path in (SIDECAR / "voices" / "clone").glob("*.py")}
TTS_FILES = {"voices/coqui.py", "voices/coqui_text.py", "speaking/vits_torch.py", *CLONE_FILES}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, at any depth of it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            found |= {f"{prefix}.{alias.name}" if prefix.strip(".") else prefix + alias.name for alias in node.names} | {prefix}
    return found


def by_name(path: Path) -> set[str]:
    """What a file imports while it runs, by a name that stands in it."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call) and node.args]
    dynamic = [node.args[0] for node in calls if ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__")]
    return {str(what.value) for what in dynamic if isinstance(what, ast.Constant)}


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(SIDECAR).as_posix()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_only_the_records_and_the_stages_it_may(stage: str) -> None:
    wrong = []
    for path in files(SIDECAR / stage):
        for imported in imports(path):
            parts = imported.split(".")
            if parts[0] == "e2a_sidecar" and len(parts) > 1 and parts[1] not in {stage, *MAY_KNOW[stage], *ROOT_LEAVES}:
                wrong.append(f"{name(path)} imports {imported}")
    assert not wrong


def test_the_leaves_know_at_most_one_another() -> None:
    known = {i.split(".")[1] for leaf in ROOT_LEAVES for i in imports(SIDECAR / f"{leaf}.py") if i.startswith("e2a_sidecar.")}
    assert known <= ROOT_LEAVES


def test_only_speaking_and_voices_import_torch() -> None:
    users = {name(p).split("/")[0] for p in files(SIDECAR) if any(i.split(".")[0] == "torch" for i in imports(p))}
    assert users and users <= set(TORCH_ROOMS)


def test_only_the_coqui_loader_and_the_torch_engine_import_coqui() -> None:
    users = {name(p) for p in files(SIDECAR) if any(i.split(".")[0] == "TTS" for i in imports(p))}
    assert users and users <= TTS_FILES


def test_the_sidecar_has_no_network_code_and_never_sees_calibre_or_the_plugin() -> None:
    banned = NETWORK | {"calibre", "calibre_plugins", "plugin", "qt", "PyQt6"}
    wrong = [f"{name(p)} imports {i}" for p in files(SIDECAR) for i in imports(p) if i.split(".")[0] in banned or ".".join(i.split(".")[:2]) in banned]
    assert not wrong


def test_the_plugin_never_imports_the_sidecar() -> None:
    wrong = [f"{p.name} imports {i}" for p in files(PLUGIN) for i in imports(p) if "e2a_sidecar" in i]
    assert files(PLUGIN) and not wrong


@pytest.mark.parametrize("module", CALIBRE_FREE)
def test_what_build_py_uses_needs_no_calibre(module: str) -> None:
    path = PLUGIN / f"{module}.py"
    wrong = [i for i in imports(path) if i.split(".")[0] in ("calibre", "calibre_plugins", "qt", "PyQt6")]
    assert not wrong
    assert by_name(path) == ASKS_CALIBRE.get(module, set())


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_plugin_knows_no_window(room: str) -> None:
    wrong = [f"{p.name} imports {i}" for p in files(PLUGIN / room) for i in imports(p) if "gui" in i.split(".") and "calibre" not in i.split(".")]
    assert files(PLUGIN / room) and not wrong


def test_only_action_and_gui_touch_qt() -> None:
    users = {p.relative_to(PLUGIN).as_posix() for p in files(PLUGIN) if any(i.split(".")[0] in ("qt", "PyQt6") for i in imports(p))}
    assert all(u == "action.py" or u.startswith("gui/") for u in users), users


def test_only_known_places_print() -> None:
    wrong = []
    for path in files(SIDECAR):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
                wrong.append(f"{name(path)}:{node.lineno}")
    assert not wrong

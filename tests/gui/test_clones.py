"""A cloned voice from the dialog to the audiobook: real mouse, real Calibre, real engine, coqui's own loaders, a small converter.

One that is not the dialog's own choice. That each of them makes books is shown without a window (tests/neural/test_clone_book, test_clone_others), and which
files each is given in tests/plugin/test_clones_converters.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import VOICE, Book, Desk

from plugin.resources import from_folder
from plugin.speaking.converters import catalogue

ROOT = Path(__file__).resolve().parents[2]
CONVERTER = "knnvc"
MAKING = """
import json, sys
from pathlib import Path
import tiny_converters, tiny_converters_more
folder = Path(sys.argv[1])
folder.mkdir(parents=True)
files = {role: str(path) for role, path in tiny_converters_more.MAKERS[sys.argv[2]](folder).items()}
print(json.dumps({"recording": str(tiny_converters.sample(folder / "recording.flac", seconds=12.0)), "files": files}))
"""


@pytest.fixture
def cloning(first_desk: Desk, tmp_path: Path, shelf: dict[str, Path]) -> tuple[Desk, str]:
    """(a Calibre with a book, the engine, the standard voice and a small converter; a recording)."""
    joe, neural, engine = (os.environ.get(name, "") for name in ("E2A_JOE_DIR", "E2A_NEURAL_PYTHON", "E2A_ENGINE_DIR"))
    if not (joe and neural and engine):
        pytest.skip("E2A_JOE_DIR, E2A_NEURAL_PYTHON or E2A_ENGINE_DIR does not name what speaks")
    if os.environ.get("E2A_CALIBRE_ROOT"):
        pytest.skip("the engine's Python is not in the other Calibre's root")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests", ROOT / "sidecar" / "src")))}
    ran = subprocess.run([neural, "-c", MAKING, str(tmp_path / "made"), CONVERTER], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout.splitlines()[-1])
    desk = first_desk.copy(tmp_path / "desk")
    desk.fill([Book("Cloned", {"EPUB": shelf["good"]})])
    own = Path(desk.env["E2A_ENGINE_DIR"])
    (own / "layers").symlink_to(Path(engine) / "layers")
    shutil.copytree(joe, own / "voices" / VOICE)
    for part in catalogue(from_folder(ROOT))[CONVERTER].parts:
        keep(own / "voices" / part.id, {role: Path(made["files"][role]) for role in part.roles})
    return desk, made["recording"]


def keep(folder: Path, files: dict[str, Path]) -> None:
    """As it lies there when it was fetched."""
    folder.mkdir(exist_ok=True)
    record: dict[str, Any] = {}
    for role, path in files.items():
        shutil.copy(path, folder / path.name)
        record[role] = {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (folder / "voice.json").write_text(json.dumps({"schema": 1, "files": record}), "utf-8")


def test_a_recording_becomes_a_voice_that_reads_books(cloning: tuple[Desk, str]) -> None:
    desk, recording = cloning
    result = desk.play("clones", timeout_s=600, wait_s=240, E2A_RECORDING=recording, E2A_CONVERTER=CONVERTER).fine()
    assert "All that it needs" in result["needs"], result["needs"]
    told = result["report"]
    assert (told["clone"]["name"], told["clone"]["converter"], told["device"], told["voice"]) == ("Anna", CONVERTER, "cpu-torch", VOICE), told
    probed = subprocess.run(["ffprobe", "-v", "error", "-show_chapters", result["m4b"]], capture_output=True, text=True, check=True).stdout
    assert [title for title in ("One", "Two", "Three") if f"title={title}\n" in probed] == ["One", "Two", "Three"]

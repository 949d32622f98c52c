"""A cloned voice from the dialog to the audiobook: real mouse, real Calibre, real engine, coqui's own loaders, small converters."""

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
CONVERTERS = ("freevc24", "knnvc", "openvoice_v2")
MAKING = """
import json, sys
from functools import partial
from pathlib import Path
import tiny_converters, tiny_converters_more
folder = Path(sys.argv[1])
makers = {**tiny_converters_more.MAKERS, "freevc24": partial(tiny_converters.freevc, published=True)}
made = {}
for name in sys.argv[2:]:
    (folder / name).mkdir(parents=True)
    made[name] = {role: str(path) for role, path in makers[name](folder / name).items()}
recordings = [str(tiny_converters.sample(folder / f"{name}.flac", seconds=12.0, seed=n)) for n, name in enumerate(made)]
print(json.dumps({"recordings": recordings, "converters": made}))
"""


@pytest.fixture
def cloning(first_desk: Desk, tmp_path: Path, shelf: dict[str, Path]) -> tuple[Desk, list[str]]:
    """(a Calibre with a book for each converter, the engine, the standard voice and small converters; a recording for each)."""
    joe, neural, engine = (os.environ.get(name, "") for name in ("E2A_JOE_DIR", "E2A_NEURAL_PYTHON", "E2A_ENGINE_DIR"))
    if not (joe and neural and engine):
        pytest.skip("E2A_JOE_DIR, E2A_NEURAL_PYTHON or E2A_ENGINE_DIR does not name what speaks")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests", ROOT / "sidecar" / "src")))}
    ran = subprocess.run([neural, "-c", MAKING, str(tmp_path / "made"), *CONVERTERS], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout.splitlines()[-1])
    desk = first_desk.copy(tmp_path / "desk")
    desk.fill([Book(name, {"EPUB": shelf["good"]}) for name in CONVERTERS])
    own = Path(desk.env["E2A_ENGINE_DIR"])
    (own / "layers").symlink_to(Path(engine) / "layers")
    shutil.copytree(joe, own / "voices" / VOICE)
    for name, files in made["converters"].items():
        for part in catalogue(from_folder(ROOT))[name].parts:
            keep(own / "voices" / part.id, {role: Path(files[role]) for role in part.roles})
    return desk, made["recordings"]


def keep(folder: Path, files: dict[str, Path]) -> None:
    """As it lies there when it was fetched."""
    folder.mkdir(exist_ok=True)
    record: dict[str, Any] = {}
    for role, path in files.items():
        shutil.copy(path, folder / path.name)
        record[role] = {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (folder / "voice.json").write_text(json.dumps({"schema": 1, "files": record}), "utf-8")


def test_a_recording_becomes_a_voice_that_reads_books(cloning: tuple[Desk, list[str]]) -> None:
    desk, recordings = cloning
    env = {"E2A_RECORDINGS": os.pathsep.join(recordings), "E2A_CONVERTERS": " ".join(CONVERTERS)}
    result = desk.play("clones", timeout_s=600, wait_s=240, **env).fine()
    assert all("All that it needs" in told for told in result["needs"]), result["needs"]
    for converter in CONVERTERS:
        told = result["reports"][converter]
        assert (told["clone"]["name"], told["clone"]["converter"], told["device"], told["voice"]) == (converter, converter, "cpu-torch", VOICE), told
    for path in result["m4b"]:
        probed = subprocess.run(["ffprobe", "-v", "error", "-show_chapters", path], capture_output=True, text=True, check=True).stdout
        assert [title for title in ("One", "Two", "Three") if f"title={title}\n" in probed] == ["One", "Two", "Three"]

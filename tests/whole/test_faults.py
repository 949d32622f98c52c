"""A book on a device that fails in every way, converted by real Calibre: it is finished, complete, and its report tells each."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from calibre_profile import NAME, Profile

from .faulty_device import faulty_engine

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("memory", "failure", "nan", "silence", "length", "", "lost")  # room before the last: what is still under way is lost with the device
EVERY = 20
COUNT = EVERY * len(KINDS) + 20
ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MAKE = """
import json, sys
from dataclasses import replace
from pathlib import Path
import tiny_voices
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.voices.piper import PiperConfig
small = replace(tiny_voices.TINY, layers=1, kernels=(3,), dilations=((1, 2),), rates=(16, 16), ups=(32, 32))
voice = tiny_voices.piper_voice(Path(sys.argv[1]), small)
front_end = PhonemeFrontEnd(PiperConfig.load(voice.file("config")))
print(json.dumps({"model": str(voice.file("model")), "ids": {kind: front_end.encode(text).ids for kind, text in json.loads(sys.argv[2]).items()}}))
"""


def sentence(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [*([ONES[hundreds], "hundred"] if hundreds else []), *(ONES[int(digit)] or "zero" for digit in f"{rest:02}")]
    return f"Line {' '.join(words)}."


@pytest.fixture(scope="module")
def finished(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of the book, and what was said on the way."""
    python = os.environ.get("E2A_NEURAL_PYTHON", "")
    if not python:
        pytest.skip("E2A_NEURAL_PYTHON does not name the neural layer's Python")
    folder = tmp_path_factory.mktemp("faults")
    wrong = {kind: sentence(EVERY * (number + 1)) for number, kind in enumerate(KINDS) if kind}
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "sidecar" / "src"), str(ROOT / "tests")])}
    made = subprocess.run([python, "-c", MAKE, str(folder / "voice"), json.dumps(wrong)], env=env, capture_output=True, text=True, check=True)
    found = json.loads(made.stdout)
    (folder / "faults.json").write_text(json.dumps(found["ids"]), encoding="utf-8")
    engine = faulty_engine(folder / "engine", Path(profile.env["E2A_ENGINE_DIR"]), folder / "faults.json")
    pages = "".join(f"<h1>Chapter {n // 100 + 1}</h1>" * (n % 100 == 0) + f"<p>{sentence(n)}</p>" for n in range(COUNT))
    book = folder / "log.html"
    book.write_text(f"<html lang='en'><head><title>The Log</title></head><body>{pages}</body></html>", encoding="utf-8")
    report = folder / "report.json"
    ran = profile.run(
        *("calibre-debug", "-r", NAME, "--"),
        *(str(book), "-o", str(folder / "log.m4b"), "--voice", found["model"], "--device", "cuda:0", "--report", str(report)),
        timeout=400,  # the fake accelerator takes its time
        E2A_ENGINE_DIR=str(engine),
        E2A_CACHE_DIR=str(folder / "clips"),
    )
    assert ran.returncode == 0, ran.stderr
    return {**json.loads(report.read_text("utf-8")), "said": ran.stderr}


def flags(report: dict[str, Any]) -> dict[str, list[str]]:
    """Of the sentence of each kind."""
    by_text = {s["text"]: s["flags"] for s in report["sentences"]}
    return {kind: by_text[sentence(EVERY * (number + 1))] for number, kind in enumerate(KINDS) if kind}


def test_every_sentence_is_in_the_book_in_order_and_sounds(finished: dict[str, Any]) -> None:
    said = [s["text"] for s in finished["sentences"] if not s["text"].startswith("Chapter")]
    assert said == [sentence(n) for n in range(COUNT)]
    assert all(s["end_s"] - s["start_s"] > 0.5 and s["words"] for s in finished["sentences"])
    assert finished["flagged"] == 0 and not finished["skipped"]


def test_the_report_tells_what_happened_to_each(finished: dict[str, Any]) -> None:
    got = flags(finished)
    for kind in ("memory", "failure", "nan"):
        assert {"again", "cpu"} <= set(got[kind]), (kind, got)
    for kind in ("silence", "length"):
        assert "again" in got[kind] and "cpu" not in got[kind], (kind, got)
    warned = {w["code"]: w for w in finished["warnings"]}
    assert warned["device_lost"]["params"]["device"] == "cuda:0" and warned["device_lost"]["params"]["next"] == "cpu"
    assert warned["sentences_on_cpu"]["params"]["count"] == 3
    assert {"sentences_again", "memory_halved"} <= warned.keys() and all(w["text"] for w in finished["warnings"])
    assert warned["device_lost"]["text"] in finished["said"]


def test_the_device_spoke_until_it_was_lost_and_the_cpu_the_rest(finished: dict[str, Any]) -> None:
    spoke = {s["device"]: s["sentences"] for s in finished["speakers"]}
    assert spoke.keys() == {"cuda:0", "cpu"} and spoke["cuda:0"] > COUNT / 2
    assert finished["transfers"] == {"host_copies_per_batch": 2, "uploads_per_batch": 2, "hidden_syncs": 0}

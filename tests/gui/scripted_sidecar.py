"""A sidecar for the windows' tests in plain Python: it speaks the wire at a pace that tests choose, and speaks no word.

A conversion goes sentence by sentence, keeps how far it came in the clips' folder and goes on from there. The audiobook
is a copy of E2A_SCRIPT_M4B with its maker's mark, else the mark alone. Pace: E2A_SCRIPT_SENTENCES sentences of
E2A_SCRIPT_STEP_S seconds each; a book whose title begins with "Slow" takes half a second for each. What is stopped leaves after E2A_SCRIPT_LEAVES_S.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
import threading
import time
import wave
from pathlib import Path
from queue import Queue
from typing import Any

WIRE = sys.stdout.buffer
SENTENCES = int(os.environ.get("E2A_SCRIPT_SENTENCES", "20"))
STEP_S = float(os.environ.get("E2A_SCRIPT_STEP_S", "0.02"))
LEAVES_S = float(os.environ.get("E2A_SCRIPT_LEAVES_S", "0"))
SLOW_S = 0.5
MARK = struct.pack(">I4s", 12, b"free") + b"ours"
"""An atom that players skip."""
RATE_HZ = 22050
CHAPTERS = ("One", "Two")
CHARACTERS = 90
"""Of a sentence."""


def send(**message: Any) -> None:
    WIRE.write(json.dumps(message).encode() + b"\n")
    WIRE.flush()


class Session:
    """One request at a time; a second thread reads, so that a stop is heard meanwhile."""

    def __init__(self) -> None:
        self.requests: Queue[dict[str, Any] | None] = Queue()
        self.cancelled: set[int] = set()
        self.told = threading.Event()

    def read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if message["type"] == "cancel":
                self.cancelled.add(message["id"])
                self.told.set()
            elif message["type"] == "shutdown":
                break
            else:
                self.requests.put(message)
        os._exit(0)

    def serve(self) -> None:
        send(type="hello", protocol=1, version="0.1.0", layer="core", pid=os.getpid())
        threading.Thread(target=self.read, daemon=True).start()
        while (request := self.requests.get()) is not None:
            getattr(self, request["type"])(request)

    def stopped(self, request: dict[str, Any], seconds: float) -> bool:
        if request["id"] not in self.cancelled:
            self.told.wait(seconds)
            self.told.clear()
        if request["id"] not in self.cancelled:
            return False
        time.sleep(LEAVES_S)
        send(type="cancelled", id=request["id"])
        return True

    def look(self, request: dict[str, Any]) -> None:
        about = bundle(request)["metadata"]
        chapters = [{"title": title, "level": 1, "characters": 900} for title in CHAPTERS]
        existing = "none" if request["existing"] is None else "ours" if is_ours(request["existing"]) else "foreign"
        send(
            type="looked", id=request["id"], title=about["title"], language=about["language"], chapters=chapters, sentences=SENTENCES,
            characters=SENTENCES * CHARACTERS, sample="The lamp is lit.", skipped=1,
            left_out=[{"reason": "cover", "count": 1, "texts": ["The Lamp"]}], existing=existing,
        )  # fmt: skip
        send(type="done", id=request["id"], outcome="looked", report={})

    def say(self, request: dict[str, Any]) -> None:
        log(request, "says")
        sound(Path(request["out"]), 0.4)
        told = {"device": request["device"], "voice": request["voice"]["id"], "duration_s": 0.4, "xrt": 20.0}
        send(type="done", id=request["id"], outcome="said", report=told)

    def excerpt(self, request: dict[str, Any]) -> None:
        sound(Path(request["out"]), 0.4)
        send(type="done", id=request["id"], outcome="cut", report={})

    def probe(self, request: dict[str, Any]) -> None:
        devices = [
            {"device": "cpu", "name": "Test CPU", "usable": True, "reason": "", "speed": 21.0 if "voice" in request else None},
            {"device": "cuda:0", "name": "Test Card", "usable": False, "reason": "its driver is too old"},
        ]
        send(type="devices", id=request["id"], devices=devices)
        send(type="done", id=request["id"], outcome="probed")

    def convert(self, request: dict[str, Any]) -> None:
        title = bundle(request)["metadata"]["title"]
        existing, ours = request["existing"], request["existing"] is not None and is_ours(request["existing"])
        if existing is not None and not ours and not request["replace"]:
            send(type="error", id=request["id"], code="exists_foreign", params={"path": existing}, detail="")
            return
        log(request, "begins")
        kept = Path(request["cache_dir"]) / f"scripted-{hashlib.sha256(title.encode()).hexdigest()[:12]}"
        began = int(kept.read_text()) if kept.exists() else 0
        known = {"id": request["id"], "of": SENTENCES, "kept": began * CHARACTERS, "characters": SENTENCES * CHARACTERS, "chapters": len(CHAPTERS)}
        if began:
            done = 0.1 + 0.8 * began / SENTENCES
            send(type="progress", stage="voice", done=done, left_s=None, sentences=began, spoken=began * CHARACTERS, audio_s=0.0, **known)
        for n in range(began, SENTENCES):
            if self.stopped(request, SLOW_S if title.startswith("Slow") else STEP_S):
                return
            kept.write_text(str(n + 1))
            spoken = n + 1
            send(
                type="progress", stage="speak", done=0.1 + 0.8 * spoken / SENTENCES, left_s=(SENTENCES - spoken) * STEP_S, sentences=spoken,
                audio_s=3.0 * (spoken - began), device=request["device"], chapter=1 + spoken * len(CHAPTERS) // (SENTENCES + 1),
                spoken=spoken * CHARACTERS, **known,
            )  # fmt: skip
        outcome = "unchanged" if ours and began == SENTENCES and not request["replace"] else "written"
        if outcome == "written":
            sample = os.environ.get("E2A_SCRIPT_M4B")
            Path(request["out"]).write_bytes((Path(sample).read_bytes() if sample else b"") + MARK)
        told = report(title, request, outcome, SENTENCES - began)
        if request["report"]:
            Path(request["report"]).write_text(json.dumps({**told, "sentences": sentences(), "skipped": [], "warnings": request["warnings"]}))
        log(request, "ends")
        send(type="done", id=request["id"], outcome=outcome, report=told)


def log(request: dict[str, Any], word: str) -> None:
    """For the tests: who spoke when."""
    folder = Path(request["cache_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "log.txt", "a", encoding="utf-8") as f:
        f.write(f"{word} {os.getpid()}\n")


def bundle(request: dict[str, Any]) -> dict[str, Any]:
    return json.loads((Path(request["bundle"]) / "bundle.json").read_text("utf-8"))


def is_ours(path: str) -> bool:
    return Path(path).read_bytes().endswith(b"ours")


def report(title: str, request: dict[str, Any], outcome: str, spoken: int) -> dict[str, Any]:
    chapters = [{"title": name, "level": 1, "start_s": 30.0 * n, "end_s": 30.0 * (n + 1)} for n, name in enumerate(CHAPTERS)]
    voice = request["voice"]
    return {
        "schema": 1, "book": {"title": title, "authors": ["An Author"], "language": "en"}, "voice": voice["id"], "voice_name": voice["name"],
        "engine": "scripted", "device": request["device"], "outcome": outcome, "duration_s": 60.0, "wall_s": 3.0, "xrt": 20.0, "xrt_speech": 22.0,
        "chapters": chapters, "spoken_now": {"sentences": spoken}, "path": request["out"], "format": "M4B",
    }  # fmt: skip


def sentences() -> list[dict[str, Any]]:
    return [
        {"chapter": n * len(CHAPTERS) // SENTENCES, "source": ["one.xhtml", 0, 10], "text": f"Sentence {n}.", "spoken": f"Sentence {n}.", "start_s": 3.0 * n,
         "end_s": 3.0 * n + 2.5, "words": [], "flags": ["too_short"] if n == 3 else []}
        for n in range(SENTENCES)
    ]  # fmt: skip


def sound(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE_HZ)
        f.writeframes(b"\0\0" * int(RATE_HZ * seconds))


if __name__ == "__main__":
    Session().serve()

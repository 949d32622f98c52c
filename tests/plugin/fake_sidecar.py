"""A scripted sidecar in plain Python: `fake_sidecar.py SCRIPT [ARGUMENT]`. Speaks the wire, speaks no word.

Scripts are named by what they do; see the functions. `convert` writes a few bytes to `out`, as a real one would an M4B;
`gui` answers every request as a user would see it, and its sounds are WAV files that can be played.
"""

from __future__ import annotations

import json
import math
import os
import queue
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path
from typing import Any

WIRE = sys.stdout.buffer


def send(**message: Any) -> None:
    WIRE.write(json.dumps(message).encode() + b"\n")
    WIRE.flush()


def hello(protocol: int = 1) -> None:
    send(type="hello", protocol=protocol, version="0.1.0", layer="core", pid=os.getpid(), something_new=True)


def read() -> dict[str, Any] | None:
    line = sys.stdin.buffer.readline()
    return json.loads(line) if line else None


def again() -> None:
    """As `convert`, but of a book that has changed since its audiobook was made."""
    convert(changed=True)


def unreported() -> None:
    """As `again`, but its report cannot be written."""
    convert(changed=True, reports=False)


def convert(changed: bool = False, reports: bool = True) -> None:
    """Serves everything; a conversion has three steps of progress and one warning."""
    hello()
    while (request := read()) is not None and request["type"] != "shutdown":
        if request["type"] == "probe":
            devices = [
                {"device": "cpu", "name": "this", "usable": True, "reason": "", "speed": 21.04 if "voice" in request else None},
                {"device": "cuda:0", "name": "", "usable": False, "reason": "no driver"},
            ]
            send(type="devices", id=request["id"], devices=devices)
            send(type="done", id=request["id"], outcome="probed")
        elif request["type"] == "sample":
            sample(request)
        elif request["type"] == "convert":
            for n in range(3):
                told = {"left_s": 2.0 - n, "sentences": n, "of": 2, "audio_s": 1.5 * n, "characters": 40, "spoken": 20 * n}
                send(type="progress", id=request["id"], stage="speak", done=n / 2, **told)
            send(type="warning", id=request["id"], code="cover_unreadable", params={})
            exists = request["existing"] is not None and not request["replace"]
            if exists and not Path(request["existing"]).read_bytes().startswith(b"ours"):
                send(type="error", id=request["id"], code="exists_foreign", params={"path": request["existing"]}, detail="")
                continue
            outcome = "unchanged" if exists and not changed else "written"
            if outcome == "written":
                Path(request["out"]).write_bytes(b"ours " + request["bundle"].encode())
            report = {
                "duration_s": 3.0,
                "chapters": [{}, {}],
                "voice": "tone",
                "voice_name": "Tone",
                "engine": "tone",
                "device": request["device"],
                "xrt": 9.5,
                "path": request["out"],
            }
            if request["voice"].get("clone"):
                report |= {"clone": {name: request["voice"]["clone"][name] for name in ("id", "name", "converter")}, "voice_name": "Joe", "engine": "vits"}
            if not reports:
                send(type="warning", id=request["id"], code="report_unwritable", params={"path": request["report"], "reason": "No space left on device"})
            elif request["report"]:
                lists = {"skipped": [{"chapter": None, "text": "12", "reason": "pagebreak"}], "warnings": request["warnings"]}
                Path(request["report"]).write_text(json.dumps({"request": request, **lists, **report}))
            send(type="done", id=request["id"], outcome=outcome, report=report)


def sample(request: dict[str, Any]) -> None:
    """A recording is clean already; one that is called `music` is none."""
    if "music" in request["path"]:
        send(type="error", id=request["id"], code="sample_unusable", params={"reason": "music"}, detail="")
        return
    if "out" in request:
        shutil.copyfile(request["path"], request["out"])
    found = {"duration_s": 40.0, "start_s": 2.0, "end_s": 32.0, "peaks": [0, 50, 100], "rate_hz": 44100, "channels": 2, "bandwidth_hz": 11000}
    heard = {"level_lufs": -23.0, "noise_db": -60.0, "snr_db": 38.0, "clipped": 0.0, "silent": 0.2, "speech_s": 27.0}
    verdict = "poor" if "poor" in request["path"] else "good"
    send(type="sampled", id=request["id"], **found, **heard, verdict=verdict, remarks=["noisy"] if verdict == "poor" else [])
    send(type="done", id=request["id"], outcome="sampled")


def polite() -> None:
    """Speaks without end until it is told to stop, says so, and goes on serving."""
    hello()
    while (request := read()) is not None and request["type"] != "shutdown":
        if request["type"] == "cancel":
            send(type="cancelled", id=request["id"])
        else:
            send(type="progress", id=request["id"], stage="speak", done=0.2, sentences=1, of=5, characters=100, spoken=20)


def deaf() -> None:
    """Answers no cancel, no end of stdin, no SIGTERM; has a child that does not either. Only a kill ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(60)  # should a test fail to end it
    hello()
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.alarm(60); signal.pause()"])
    request = read()
    send(type="progress", id=(request or {}).get("id", 1), stage="speak", done=0.2, sentences=child.pid)
    threading.Event().wait()


def stands() -> None:
    """Its file stands; it ends at the first word that it hears then, else it is done."""
    hello()
    request = _shown()
    spoke = threading.Event()
    threading.Thread(target=lambda: (read(), spoke.set()), daemon=True).start()
    if spoke.wait(1.0):
        os._exit(3)
    send(type="done", id=request["id"], outcome="written", report={"duration_s": 3.0})
    spoke.wait()


def tidies() -> None:
    """Writes its file, and has something to do for a second when it is asked to leave."""
    hello()
    request = _shown()
    send(type="done", id=request["id"], outcome="written", report={})
    read()
    time.sleep(1.0)
    Path(request["out"]).with_suffix(".tidied").touch()


def stands_and_dies() -> None:
    """Its file stands, and it dies over the report."""
    hello()
    _shown()
    os._exit(3)


def stands_and_fails() -> None:
    """Its file stands, and it fails over the report."""
    hello()
    send(type="error", id=_shown()["id"], code="internal", params={}, detail="")
    read()


def _shown() -> dict[str, Any]:
    request = read() or {}
    Path(request["out"]).write_bytes(b"ours")
    send(type="progress", id=request["id"], stage="shown", done=0.99)
    return request


def silent() -> None:
    """Lives, reads and says nothing; ends with its stdin."""
    hello()
    while read() is not None:
        pass


def leaves() -> None:
    """Serves one probe and then, like one that has been idle for long, ends by itself as soon as it is asked again."""
    hello()
    request = read() or {}
    if request.get("type") == "probe" and not Path(sys.argv[2]).exists():
        Path(sys.argv[2]).touch()
        send(type="devices", id=request["id"], devices=[])
        send(type="done", id=request["id"], outcome="probed")
        read()
        return
    send(type="done", id=request["id"], outcome="unchanged", report={})
    read()


def serves_one_probe() -> None:
    """Ends by itself as soon as it is asked again."""
    hello()
    request = read() or {}
    send(type="devices", id=request["id"], devices=[{"device": "cpu", "name": "this", "usable": True, "reason": ""}])
    send(type="done", id=request["id"], outcome="probed")
    read()


def garbage() -> None:
    """A library prints into the wire."""
    hello()
    read()
    WIRE.write(b"UserWarning: something is deprecated\n")
    WIRE.flush()
    threading.Event().wait()


def endless_line() -> None:
    """Never ends its line."""
    hello()
    read()
    WIRE.write(b'{"type": "progress", "padding": "' + b"x" * ((1 << 20) + 10))
    WIRE.flush()
    threading.Event().wait()


def dies() -> None:
    """Complains at length and dies in the middle."""
    hello()
    read()
    sys.stderr.write("first words\n" + "x" * 200_000 + "\nout of memory, äöü\n")
    sys.stderr.flush()
    os._exit(3)


def stillborn() -> None:
    """Dies before its hello."""
    sys.stderr.write("ModuleNotFoundError: no such thing\n")
    sys.exit(1)


def mute() -> None:
    """Never says hello."""
    threading.Event().wait()


def other_protocol() -> None:
    """Is of another version."""
    hello(protocol=99)
    threading.Event().wait()


def refuses() -> None:
    """Every request ends with an error of the closed list."""
    hello()
    while (request := read()) is not None and request["type"] != "shutdown":
        send(type="error", id=request["id"], code="disk_full", params={"path": "/x", "need_mb": 90, "have_mb": 3}, detail="statvfs")


def environment() -> None:
    """Dies, its environment as its last words."""
    sys.stderr.write(json.dumps(sorted(os.environ)))
    sys.exit(1)


def gui() -> None:
    """Everything that windows ask for, as from a small English book of two chapters, and slow where E2A_FAKE_STEP_S says so.

    E2A_FAKE_M4B: the file that a conversion gives. E2A_FAKE_STEPS (10), E2A_FAKE_STEP_S (0): its steps of progress, and seconds
    for each; a `say` takes one step. E2A_FAKE_GPU: the name of a card at `cuda:0`. E2A_FAKE_FAIL: the code that every
    conversion ends with. E2A_FAKE_LOG: a file that gets each request as a line.
    """
    hello()
    _Gui().serve()


class _Cancelled(Exception):
    """Somebody asked for the end of what runs."""


class _Refused(Exception):
    """Code and params of the error that ends the request."""


class _Gui:
    """The `gui` script: a thread reads, so that a cancel is heard in the midst of a step."""

    MARK = b"org.convert-to-audiobook"
    SENTENCE = "It was a bright cold day, and the whole town had come to see the ships."

    def __init__(self) -> None:
        self._asked: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: set[int] = set()
        self._changed = threading.Event()
        self._step_s = float(os.environ.get("E2A_FAKE_STEP_S", "0"))

    def serve(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while (request := self._asked.get()) is not None:
            try:
                self._rest(request, 0)
                send(type="done", id=request["id"], **getattr(self, "_" + request["type"])(request))
            except _Cancelled:
                send(type="cancelled", id=request["id"])
            except _Refused as refused:
                code, params = refused.args
                send(type="error", id=request["id"], code=code, params=params, detail="")

    def _read(self) -> None:
        while (request := read()) is not None and request["type"] != "shutdown":
            if log := os.environ.get("E2A_FAKE_LOG"):
                with open(log, "a", encoding="utf-8") as out:
                    out.write(json.dumps(request) + "\n")
            if request["type"] == "cancel":
                self._cancelled.add(request["id"])
                self._changed.set()
            else:
                self._asked.put(request)
        os._exit(0)

    def _rest(self, request: dict[str, Any], seconds: float) -> None:
        until = time.monotonic() + seconds
        while request["id"] not in self._cancelled:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)
            self._changed.clear()
        raise _Cancelled

    def _owner(self, path: str | None) -> str:
        if path is None or not Path(path).exists():
            return "none"
        return "ours" if self.MARK in Path(path).read_bytes() else "foreign"

    def _look(self, request: dict[str, Any]) -> dict[str, Any]:
        bundle = json.loads((Path(request["bundle"]) / "bundle.json").read_text("utf-8"))
        titles = [entry["title"] for entry in bundle["toc"]] or ["Chapter 1", "Chapter 2"]
        send(
            type="looked",
            id=request["id"],
            title=bundle["metadata"]["title"],
            language=bundle["metadata"]["language"],
            chapters=[{"title": title, "level": 1, "characters": 12000} for title in titles],
            chapter_count=len(titles),
            sentences=150 * len(titles),
            characters=12000 * len(titles),
            sample=self.SENTENCE,
            skipped=1,
            left_out=[{"reason": "pagebreak", "count": 1, "texts": ["12"]}],
            existing=self._owner(request["existing"]),
        )
        return {"outcome": "looked"}

    def _say(self, request: dict[str, Any]) -> dict[str, Any]:
        self._told(request, "voice", 0.0)
        self._rest(request, self._step_s)
        self._tone(request["out"])
        likeness = {"likeness": 0.7, "likeness_of_halves": 0.8} if request.get("likeness") else {}
        return {"outcome": "said", "report": {"duration_s": 0.4, "xrt_speech": 20.5, "engine": "vits_onnx", **self._who(request), **likeness}}

    def _excerpt(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._owner(request["path"]) != "ours":
            raise _Refused("audio_unreadable", {"reason": "it is not there any more"})
        self._tone(request["out"])
        return {"outcome": "cut", "report": {"duration_s": 0.4}}

    def _probe(self, request: dict[str, Any]) -> dict[str, Any]:
        self._rest(request, self._step_s)
        speeds = {"cpu": 20.5, "cuda:0": 410.0} if "voice" in request else {}
        found = [("cpu", "A processor (onnxruntime)")]
        if card := os.environ.get("E2A_FAKE_GPU"):
            found.append(("cuda:0", card))
        devices = [{"device": device, "name": name, "usable": True, "reason": "", "speed": speeds.get(device)} for device, name in found]
        send(type="devices", id=request["id"], devices=devices)
        return {"outcome": "probed"}

    def _convert(self, request: dict[str, Any]) -> dict[str, Any]:
        existing = self._owner(request["existing"])
        if existing == "foreign" and not request["replace"]:
            raise _Refused("exists_foreign", {"path": request["existing"]})
        for stage in ("read", "check", "voice"):
            self._told(request, stage, 0.0)
        steps = int(os.environ.get("E2A_FAKE_STEPS", "10"))
        for step in range(steps):
            at = (step + 1) / steps
            self._rest(request, self._step_s)
            if code := os.environ.get("E2A_FAKE_FAIL"):
                raise _Refused(code, {"reason": "it was told to fail", "voice": request["voice"]["name"], "device": request["device"]})
            left_s = round((steps - step - 1) * self._step_s, 1)
            spoken = {"sentences": int(300 * at), "of": 300, "characters": 24000, "spoken": int(24000 * at)}
            self._told(request, "speak", 0.98 * at, left_s=left_s, chapter=1 + int(1.9 * at), **spoken)
        self._told(request, "verify", 0.99, of=300, sentences=300, characters=24000, spoken=24000, chapter=2)
        outcome = "unchanged" if existing == "ours" else "written"
        if outcome == "written":
            shutil.copyfile(os.environ["E2A_FAKE_M4B"], request["out"])
        summary = self._report(request, outcome)
        return {"outcome": outcome, "report": summary}

    def _report(self, request: dict[str, Any], outcome: str) -> dict[str, Any]:
        """Of three sentences, one of which sounds odd, and a place that was left out; the whole goes where the request says."""
        metadata = json.loads((Path(request["bundle"]) / "bundle.json").read_text("utf-8"))["metadata"]
        chapters = [{"title": f"Chapter {n + 1}", "level": 1, "start_s": 2.0 * n, "end_s": 2.0 * (n + 1)} for n in range(2)]
        texts = [("The first.", []), (self.SENTENCE, ["too_long"]), ("The last.", [])]
        sentences = [
            {"chapter": n // 2, "source": ["c.xhtml", n, n + 1], "text": text, "spoken": text, "start_s": n, "end_s": n + 0.9, "words": None, "flags": flags}
            for n, (text, flags) in enumerate(texts)
        ]
        warnings = [*request["warnings"], {"code": "sentences_flagged", "params": {"count": 1}}]
        send(type="warning", id=request["id"], **warnings[-1])
        head = {
            "schema": 1,
            "book": {"title": metadata["title"], "authors": metadata["authors"], "language": metadata["language"]},
            **self._who(request),
            "engine": "vits_onnx",
            "format": "M4B",
            "path": request["out"],
            "outcome": outcome,
            "duration_s": 4.0,
            "wall_s": 0.5,
            "xrt": 8.0,
            "xrt_speech": 20.5,
            "chapters": chapters,
            "flagged": 1,
        }
        if request["report"]:
            skipped = [{"chapter": 0, "source": ["c.xhtml", 9, 11], "text": "12", "reason": "pagebreak"}]
            whole = {**head, "sentences": sentences, "skipped": skipped, "warnings": warnings}
            Path(request["report"]).write_text(json.dumps(whole, ensure_ascii=False, indent=1), "utf-8")
        return {**head, "sentences": len(sentences), "skipped": 1, "warnings": warnings}

    @staticmethod
    def _who(request: dict[str, Any]) -> dict[str, str]:
        return {"voice": request["voice"]["id"], "voice_name": request["voice"]["name"], "device": request["device"]}

    @staticmethod
    def _told(request: dict[str, Any], stage: str, done: float, **more: Any) -> None:
        device = "" if stage in ("read", "check", "voice") else request["device"]
        whole = {"left_s": None, "sentences": 0, "of": 0, "audio_s": 0.0, "chapter": 0, "chapters": 2, **more}
        send(type="progress", id=request["id"], stage=stage, done=done, device=device, **whole)

    @staticmethod
    def _tone(out: str) -> None:
        rate_hz = 22050
        samples = (int(3000 * math.sin(2 * math.pi * 330 * n / rate_hz)) for n in range(int(0.4 * rate_hz)))
        with wave.open(out, "wb") as f:
            f.setparams((1, 2, rate_hz, 0, "NONE", ""))
            f.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


if __name__ == "__main__":
    globals()[sys.argv[1]]()

"""A scripted sidecar in plain Python: `fake_sidecar.py SCRIPT [ARGUMENT]`. Speaks the wire, speaks no word.

Scripts are named by what they do; see the functions. `convert` writes a few bytes to `out`, as a real one would an M4B.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
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


def convert(changed: bool = False) -> None:
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
        elif request["type"] == "convert":
            for n in range(3):
                send(type="progress", id=request["id"], stage="speak", done=n / 2, left_s=2.0 - n, sentences=n, of=2, audio_s=1.5 * n)
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
            }
            if request["report"]:
                Path(request["report"]).write_text(json.dumps({"request": request, "warnings": request["warnings"], **report}))
            send(type="done", id=request["id"], outcome=outcome, report=report)


def polite() -> None:
    """Speaks without end until it is told to stop, says so, and goes on serving."""
    hello()
    while (request := read()) is not None and request["type"] != "shutdown":
        if request["type"] == "cancel":
            send(type="cancelled", id=request["id"])
        else:
            send(type="progress", id=request["id"], stage="speak", done=0.1)


def deaf() -> None:
    """Answers no cancel, no end of stdin, no SIGTERM; has a child that does not either. Only a kill ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(60)  # should a test fail to end it
    hello()
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.alarm(60); signal.pause()"])
    request = read()
    send(type="progress", id=(request or {}).get("id", 1), stage="speak", done=0.1, sentences=child.pid)
    threading.Event().wait()


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


if __name__ == "__main__":
    globals()[sys.argv[1]]()

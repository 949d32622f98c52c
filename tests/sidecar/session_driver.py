"""Drives a real sidecar process over the wire, and makes small bundles for it. Used by the tests of the whole sidecar."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from reading_bundles import entry, make_bundle, page

SOURCES = Path(__file__).resolve().parents[2] / "sidecar" / "src"
WAIT_S = 60.0
TONE = {"id": "tone", "kind": "tone", "name": "Tone"}


def write_bundle(folder: Path, chapters: dict[str, list[str]], title: str = "A Book", language: str = "en", **metadata: Any) -> Path:
    """A bundle with one document a chapter: its title as heading, then its paragraphs."""
    documents = {f"c{n}.xhtml": page(f"<h1>{name}</h1>" + "".join(f"<p>{p}</p>" for p in paragraphs)) for n, (name, paragraphs) in enumerate(chapters.items())}
    toc = [entry(name, document) for name, document in zip(chapters, documents, strict=True)]
    return make_bundle(folder, documents, toc, metadata={"title": title, "authors": ["An Author"], "language": language, **metadata})


class Driver:
    """One sidecar process; messages are read by a thread, so that a test can wait with a limit."""

    def __init__(self, python: str = sys.executable) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        code = f"import sys; sys.path.insert(0, {str(SOURCES)!r}); from e2a_sidecar.__main__ import main; sys.exit(main(['session']))"
        command = [python, "-u", "-X", "utf8", "-c", code]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True)
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.errors: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._drain, daemon=True).start()

    def __enter__(self) -> Driver:
        hello = self.next()
        assert hello["type"] == "hello", hello
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)

    def _drain(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError):  # closed meanwhile
            self.errors.extend(line.decode("utf-8", "replace") for line in self.process.stderr)

    def send(self, **message: Any) -> None:
        """Write one message."""
        self.raw(json.dumps(message).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def next(self) -> dict[str, Any]:
        """The next message; AssertionError at the end of the pipe."""
        message = self._messages.get(timeout=WAIT_S)
        assert message is not None, "".join(self.errors)
        return message

    def until(self, *types: str) -> dict[str, Any]:
        """The next message of one of these types; others are dropped."""
        while (message := self.next())["type"] not in types:
            pass
        return message

    def end(self) -> dict[str, Any]:
        """The message that ends a request."""
        return self.until("done", "error", "cancelled")


def conversion(bundle: Path, out: Path, cache: Path, **fields: Any) -> dict[str, Any]:
    """A convert message with the tone engine, unless `fields` say otherwise."""
    message = {"type": "convert", "id": 1, "bundle": str(bundle), "out": str(out), "existing": None, "replace": False, "report": None}
    return {**message, "cache_dir": str(cache), "device": "cpu", "voice": TONE, "settings": {}, "warnings": [], **fields}

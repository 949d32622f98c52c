"""How long the GUI's thread was not free: a beat in its event loop, and a thread that looks what it does while the beat is late.

A block counts as the plugin's where the plugin's code was on the thread's stack; then the loop of one of its dialogs may
have been below, so it says too much rather than too little. What the driver itself does is not counted. `cpu_ms` is
what the GUI's thread computed in that time: on a loaded machine the rest is waiting for its turn.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager

from qt.core import QTimer  # type: ignore[import-not-found]

BEAT_MS = 5
LATE_S = 0.03
KEPT = 8
NONE = {"ms": 0, "cpu_ms": 0, "ours": True, "in": []}
OURS = "calibre_plugins.e2a."


class Blocks:
    """start() and stop() in the GUI's thread; told() then."""

    def __init__(self, parent):
        self.timer = QTimer(parent)
        self.timer.timeout.connect(self.beat)
        self.thread = threading.get_ident()
        self.last, self.cpu = time.monotonic(), 0.0
        self.seen = None
        self.longest, self.heaviest = [], NONE
        self.paused = 0
        self.running = False

    def start(self):
        self.running = True
        self.last, self.cpu = time.monotonic(), time.thread_time()
        self.timer.start(BEAT_MS)
        threading.Thread(target=self.watch, name="blocks", daemon=True).start()

    def stop(self):
        self.running = False
        self.timer.stop()

    def beat(self):
        self.note()
        self.last, self.cpu, self.seen = time.monotonic(), time.thread_time(), None

    def note(self):
        gap = time.monotonic() - self.last - BEAT_MS / 1000
        if gap > LATE_S and not self.paused:
            frames = self.seen or []
            cpu = time.thread_time() - self.cpu
            block = {"ms": round(gap * 1000), "cpu_ms": round(cpu * 1000), "ours": any(OURS in f for f in frames), "in": frames}
            if block["ours"]:
                self.heaviest = max(self.heaviest, block, key=lambda b: b["cpu_ms"])
            self.longest.append(block)
            self.longest = sorted(self.longest, key=lambda b: (b["ours"], b["ms"]), reverse=True)[:KEPT]

    @contextmanager
    def not_counted(self):
        self.note()
        self.paused += 1
        try:
            yield
        finally:
            self.paused -= 1
            self.last, self.cpu, self.seen = time.monotonic(), time.thread_time(), None

    def watch(self):
        while self.running:
            time.sleep(0.01)
            if self.seen is None and not self.paused and time.monotonic() - self.last > LATE_S:
                frame = sys._current_frames().get(self.thread)
                found = []
                while frame is not None and len(found) < 12:
                    found.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}:{frame.f_lineno}")
                    frame = frame.f_back
                self.seen = found

    def told(self):
        """The longest, the plugin's first; and that in which the GUI's thread computed most with the plugin's code on its stack."""
        ours = max((b["ms"] for b in self.longest if b["ours"]), default=0)
        return {"longest_ms": max((b["ms"] for b in self.longest), default=0), "ours_ms": ours, "heaviest": self.heaviest, "longest": self.longest}

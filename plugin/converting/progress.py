"""How far a conversion is, as the user sees it: stages by name, percentage, time left; on a terminal or in a job list.

The sidecar says how much of its own request is done; export comes before it and adding to the library after it, so the
whole is mapped here once. Knows nothing of Calibre or Qt.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TextIO

from ..wording import N_, device_name, translate
from .events import Progress

STAGES: Final[Mapping[str, str]] = {
    "fetch": N_("Downloading"),
    "install": N_("Installing the speech engine"),
    "export": N_("Taking the text out of the book"),
    "start": N_("Starting the speech engine"),
    "read": N_("Reading the book"),
    "check": N_("Checking"),
    "voice": N_("Loading the voice"),
    "speak": N_("Speaking"),
    "both": N_("Speaking and writing"),
    "write": N_("Writing the audiobook"),
    "verify": N_("Checking the audiobook"),
    "shown": N_("Writing the report"),
    "add": N_("Adding to the library"),
}
SIDECAR_FROM: Final = 0.02
SIDECAR_TO: Final = 0.99
AHEAD: Final = 0.1
"""So much more of the book is spoken than is done where speaking is ahead of writing, as with a graphics card or eSpeak."""
EXACT_S: Final = 300.0
"""A time left is told to the second below, to the minute above."""


@dataclass(frozen=True)
class Step:
    """done: 0..1 of the whole (of itself for `fetch` and `install`), None where nobody can say. text: what besides the stage is worth saying."""

    stage: str
    done: float | None = None
    left_s: float | None = None
    text: str = ""

    @property
    def whole(self) -> float:
        """For a bar over the whole conversion, which never goes back: what is fetched comes before its beginning."""
        return 0.0 if self.done is None or self.stage in ("fetch", "install") else self.done

    def line(self) -> str:
        """`Speaking 42 %, 1 min 1 s left (chapter 3, on CPU)`: all, for a terminal or a log."""
        percent = "" if self.done is None else f" {int(100 * self.done)} %"
        left = "" if self.left_s is None else f", {time_left(self.left_s)}"
        return f"{self.name}{percent}{left}" + (f" ({self.text})" if self.text else "")

    def status(self) -> str:
        """`1 min 1 s left, chapter 3, on CPU`: for a narrow place beside a bar, what matters first."""
        first = self.name if self.left_s is None else time_left(self.left_s)
        return translate(N_("{first}, {more}")).format(first=first, more=self.text) if self.text else first

    @property
    def name(self) -> str:
        """The stage, to the user."""
        return translate(STAGES.get(self.stage, self.stage))


Show = Callable[[Step], None]


def of_sidecar(event: Progress) -> Step:
    """The sidecar's own progress as a part of the whole."""
    ahead = event.stage == "speak" and event.of > 0 and event.sentences / event.of > event.done + AHEAD
    stage = "both" if ahead else event.stage
    return Step(stage, SIDECAR_FROM + (SIDECAR_TO - SIDECAR_FROM) * event.done, event.left_s, _where(stage, event))


def _where(stage: str, event: Progress) -> str:
    """`chapter 3, on CPU`, as much of it as is known; until this run has spoken also what earlier ones have.

    Neither sentences nor the chapter of how many: a second share beside the percentage would contradict it, since chapters
    and sentences differ in length, and what is spoken may not be in the file yet.
    """
    parts = []
    if stage in ("speak", "both") and event.left_s is None and not event.audio_s and (percent := 100 * event.sentences // max(1, event.of)):
        parts.append(translate(N_("goes on; {percent} % was spoken before")).format(percent=percent))
    if stage == "speak" and event.chapter and event.chapters > 1:
        parts.append(translate(N_("chapter {number}")).format(number=event.chapter))
    if stage in ("speak", "both") and event.device:
        parts.append(translate(N_("on {device}")).format(device=device_name(event.device)))
    return ", ".join(parts)


def time_left(seconds: float) -> str:
    """`4 min 11 s left`, `35 min left`, `1 h 5 min left`: a colon could stand between hours and minutes as well."""
    if seconds < EXACT_S:
        return translate(N_("{time} left")).format(time=duration(seconds))
    hours, minutes = divmod(round(seconds / 60), 60)
    words = N_("{hours} h {minutes} min left") if hours else N_("{minutes} min left")
    return translate(words).format(hours=hours, minutes=minutes)


def fetching(stage: str, done: float | None, text: str) -> Step:
    """Progress of installing or fetching; its `voice` is a file on its way, not the sidecar's loading."""
    return Step("fetch" if stage == "voice" else stage, done, None, text)


def clock(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes}:{second:02}" if minutes < 60 else place(seconds)


def duration(seconds: float) -> str:
    """In words, for windows: `52 s`, `31 min 52 s`, `3 h 0 min`."""
    minutes, second = divmod(round(seconds), 60)
    if minutes >= 60:
        hours, minutes = divmod(round(seconds / 60), 60)
        return translate(N_("{hours} h {minutes} min")).format(hours=hours, minutes=minutes)
    words = N_("{minutes} min {seconds} s") if minutes else N_("{seconds} s")
    return translate(words).format(minutes=minutes, seconds=second)


def place(seconds: float) -> str:
    """A moment of an audiobook: `0:12:30`, `1:02:03`."""
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


class Terminal:
    """Progress on a stream: one line rewritten if it is a terminal, else a line at each stage and every few percent."""

    EVERY: Final = 0.05
    REDRAW_S: Final = 0.1

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._tty = stream.isatty()
        self._stage = ""
        self._done = -1.0
        self._drawn_at = float("-inf")
        self._open = False

    def show(self, step: Step) -> None:
        """Say it, if it is news enough."""
        new_stage = step.stage != self._stage
        if self._tty:
            if new_stage or self._now() - self._drawn_at >= self.REDRAW_S:
                self._rewrite(step)
        else:
            done = -1.0 if step.done is None else step.done
            if not new_stage and done - self._done < self.EVERY:
                return
            self._done = done
            self._put(step.line() + "\n")
        self._stage = step.stage

    def end(self) -> None:
        """Leave the line, so that what comes next begins its own."""
        if self._open:
            self._put("\n")
            self._open = False

    def say(self, text: str) -> None:
        """A line of its own."""
        self.end()
        self._put(text + "\n")

    def _rewrite(self, step: Step) -> None:
        self._drawn_at = self._now()
        width = shutil.get_terminal_size().columns - 1
        self._put("\r" + step.line()[:width].ljust(width))
        self._open = True

    def _put(self, text: str) -> None:
        with suppress(OSError):  # the terminal was closed: no reason to stop the work
            self._stream.write(text)
            self._stream.flush()

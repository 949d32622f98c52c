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

from ..speaking.estimates import length
from ..wording import N_, device_name, percents, translate
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
SPEAKS: Final = ("speak", "both")
"""Stages in which a chapter is being spoken, and by which device."""
LEFT: Final[Mapping[str, str]] = {"both": N_("{left}, including writing the file"), "write": N_("{left} to write the file")}
"""What a time left is for, where it does not agree with the bar: that is mostly speaking."""
SIDECAR_FROM: Final = 0.02
SIDECAR_TO: Final = 0.99
AHEAD: Final = 0.1
"""So much more of the book is spoken than is done where speaking is ahead of writing, as with a graphics card or eSpeak."""
NEARLY_ALL: Final = 0.9
"""So much of the bar is speaking; where all of a book was spoken before, it begins here: it is still to be encoded and read back."""
EXACT_S: Final = 300.0
"""A time left is told to the second below, to the minute above."""


@dataclass(frozen=True)
class Step:
    """done: 0..1 of the whole (of itself for `fetch` and `install`), None where nobody can say. text: what besides the stage is worth saying.
    guessed: is left_s from before this run has shown it? spoken: the share of the book that is spoken, by whichever run.
    final: from now on nothing stops it."""

    stage: str
    done: float | None = None
    left_s: float | None = None
    text: str = ""
    guessed: bool = False
    spoken: float = 0.0
    final: bool = False

    @property
    def whole(self) -> float:
        """For a bar over the whole conversion, which never goes back: what is fetched comes before its beginning."""
        return 0.0 if self.done is None or self.stage in ("fetch", "install") else self.done

    def line(self) -> str:
        """`Speaking 42 %, 1 min 1 s left (chapter 3, on CPU)`: all, for a terminal or a log."""
        percent = "" if self.done is None else f" {percents(self.done)} %"
        left = self._left()
        return f"{self.name}{percent}{', ' if left else ''}{left}" + (f" ({self.text})" if self.text else "")

    def status(self) -> str:
        """`1 min 1 s left, including writing the file, chapter 3, on CPU`: for a narrow place beside a bar, what matters first."""
        left = self._left()
        first = translate(LEFT.get(self.stage, "{left}")).format(left=left) if left else self.name
        return translate(N_("{first}, {more}")).format(first=first, more=self.text) if self.text else first

    def _left(self) -> str:
        """Empty where it is not known, or no second any more."""
        if self.left_s is None or round(self.left_s) < 1:
            return ""
        return translate(N_("about {time} left")).format(time=length(self.left_s)) if self.guessed else time_left(self.left_s)

    @property
    def name(self) -> str:
        """The stage, to the user."""
        return translate(STAGES.get(self.stage, self.stage))


Show = Callable[[Step], None]
Guess = Callable[[int, int, int], float | None]


class Told:
    """What a sidecar says of one conversion, as a part of the whole. guess: seconds that the rest takes, of the characters and sentences of the book and
    the characters that are spoken, as a window reckons; None where nobody knows."""

    def __init__(self, guess: Guess = lambda characters, sentences, spoken: None, of_book: bool = True) -> None:
        """of_book: a part of it earlier runs may have spoken; else the bar is the sidecar's own."""
        self._guess, self._of_book = guess, of_book
        self._kept = 0.0
        """The share of the book's characters that earlier runs have spoken."""
        self._began = 0.0
        """How much was done when this run began to speak."""
        self._nearly: float | None = None
        """How much was done when the bar came to NEARLY_ALL."""
        self._ahead = False
        """Was speaking ahead of writing? Then both are named to the end: a name that comes and goes tells nobody anything."""
        self._bar = 0.0
        self._shown = False
        """Has this run shown how long it takes?"""

    def step(self, event: Progress) -> Step:
        """The bar is the share that is spoken, for that is what a reader sees of a book that is stopped; of the last tenth it is what is left of the work."""
        known = event.characters > 0
        kept, spoken = (min(1.0, count / event.characters) if known else 0.0 for count in (event.kept, event.spoken))
        if self._of_book and kept > self._kept:
            self._kept, self._began = kept, event.done
        self._bar = max(self._bar, self._of_bar(spoken, event.done) if self._of_book and known else event.done)
        left_s = event.left_s
        self._shown = self._shown or left_s is not None
        guessed = not self._shown and known
        if guessed:
            left_s = self._guess(event.characters, event.of, round(spoken * event.characters))
        stage = self._stage(event, spoken)
        whole = min(SIDECAR_TO, max(SIDECAR_FROM, self._bar))
        return Step(stage, whole, left_s, _where(stage, event, self._kept), guessed and left_s is not None, spoken)

    def _of_bar(self, spoken: float, done: float) -> float:
        if spoken < NEARLY_ALL:
            return spoken
        self._nearly = done if self._nearly is None else self._nearly
        return NEARLY_ALL + (1.0 - NEARLY_ALL) * max(0.0, done - self._nearly) / max(1.0 - self._nearly, 0.01)

    def _stage(self, event: Progress, spoken: float) -> str:
        if event.stage != "speak" or not self._of_book:
            return event.stage
        if 0 < event.of <= event.sentences:  # all of it is spoken, and only the file is still to be made
            return "write"
        by_this_run = (spoken - self._kept) / max(1.0 - self._kept, 0.01)
        self._ahead = self._ahead or by_this_run > (event.done - self._began) / max(1.0 - self._began, 0.01) + AHEAD
        return "both" if self._ahead else "speak"


def of_sidecar(event: Progress) -> Step:
    """What a sidecar says of a request that is no conversion."""
    return Told(of_book=False).step(event)


def _where(stage: str, event: Progress, kept: float) -> str:
    """`chapter 3, on CPU; 24 % was spoken before`, as much of it as is known.

    Neither sentences nor the chapter of how many: a second share beside the percentage would contradict it, since chapters
    and sentences differ in length, and what is spoken may not be in the file yet.
    """
    parts = []
    if stage in SPEAKS and event.chapter and event.chapters > 1:
        parts.append(translate(N_("chapter {number}")).format(number=event.chapter))
    if stage in SPEAKS and event.device:
        parts.append(translate(N_("on {device}")).format(device=device_name(event.device)))
    if kept == 1.0:
        parts.append(translate(N_("all of it was spoken before")))
    elif kept >= 0.01 and stage in ("voice", *SPEAKS):
        parts.append(translate(N_("goes on: {percent} % was spoken before")).format(percent=percents(kept)))
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

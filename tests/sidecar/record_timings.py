"""What the stages of a real conversion tell the tracker, and when: recorded for test_progress.py, which plays it again.

    record_timings.py OUT.json BOOK.epub [--device cpu] [--heart | --espeak] [--sentences N] [--known SHARE] [--fall-after BATCHES]

The voice is the one in E2A_JOE_DIR; or Heart; or espeak, which speaks faster than the encoder works, as a graphics card does. known: of
the sentences are spoken before, as by a run that was stopped. fall-after: the device dies then, and the next rung goes on.
Close events of a kind become one, so that a long book's file stays small. No word of the book is in it. What other programs had of
the cores meanwhile no tracker can foresee: it is taken out of the time, and `others` says how much it was; much of it makes a
recording worthless.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "sidecar" / "src")]

from e2a_sidecar import convert, serve  # noqa: E402
from e2a_sidecar.errors import SidecarError, Stopped  # noqa: E402
from e2a_sidecar.mastering import workers  # noqa: E402
from e2a_sidecar.model import Book, Line, Take  # noqa: E402
from e2a_sidecar.progress import Encoded, Progress, Tracker  # noqa: E402
from e2a_sidecar.reading.book import read_book  # noqa: E402
from e2a_sidecar.request import Convert  # noqa: E402
from e2a_sidecar.speaking.engine import Engine  # noqa: E402
from e2a_sidecar.speaking.make import make_engine  # noqa: E402
from e2a_sidecar.voices.voice import Voice  # noqa: E402
from heart import WIRE as HEART  # noqa: E402
from reading_bundles import epub_bundle  # noqa: E402

CLOSE_S = 0.5
STEPS = 400
"""Events at most, about: what is closer than the whole through this is close too."""


class Recorder(Tracker):
    """A tracker that notes all that it is told: [seconds, method, arguments...]."""

    def __init__(self, send: Callable[[Progress], None]) -> None:
        super().__init__(send)
        self._from = own_s()
        self._from_s = time.monotonic()
        self.events: list[list[Any]] = []

    def _note(self, name: str, *arguments: object) -> None:
        self.events.append([round(self.now_s(), 3), name, *arguments])

    def now_s(self) -> float:
        """Since it was made, less what other programs took of the cores."""
        return own_s() - self._from

    def others(self) -> float:
        """The share of the cores that others had."""
        return 1.0 - self.now_s() / (time.monotonic() - self._from_s)

    def book(self, characters: int, sentences: int, chapters: int, fast: bool, one_thread: bool = False) -> None:
        self._note("book", characters, sentences, chapters, fast, one_thread)
        super().book(characters, sentences, chapters, fast, one_thread)

    def kept(self, characters: int, sentences: int, chapter: int, looked: tuple[int, int] = (0, 0)) -> None:
        self._note("kept", characters, sentences, chapter)
        super().kept(characters, sentences, chapter, looked)

    def stage(self, name: str) -> None:
        self._note("stage", name)
        super().stage(name)

    def speaking(self, device: str) -> None:
        self._note("speaking", device)
        super().speaking(device)

    def spoken(self, characters: int, sentences: int, *, audio_s: float, chapter: int, device: str, encoded: Encoded) -> None:
        self._note("spoken", characters, sentences, round(audio_s, 2), chapter, device, round(encoded.share, 5), round(encoded.worked_s, 3))
        super().spoken(characters, sentences, audio_s=audio_s, chapter=chapter, device=device, encoded=encoded)

    def written(self, encoded: Encoded) -> None:
        self._note("written", round(encoded.share, 5), round(encoded.worked_s, 3))
        super().written(encoded)


class OwnTime:
    """In the place of the module `time`, where it is seen how long encoders work."""

    @staticmethod
    def monotonic() -> float:
        return own_s()


def own_s() -> float:
    """A clock that stands still for as much as other programs have of the cores."""
    return time.monotonic() - others_s() / (os.cpu_count() or 1)


def others_s() -> float:
    """Seconds that all cores worked for other processes, since the machine was started."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _idle, _wait, irq, soft_irq, *_ = (int(ticks) for ticks in f.readline().split()[1:])
    own = os.times()
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK") - sum(own[:4])


def replay(events: list[list[Any]], tracker: Tracker, set_clock: Callable[[float], None]) -> None:
    """Tell a tracker all that was noted, at its time."""
    for at_s, name, *told in events:
        set_clock(at_s)
        if name == "spoken":
            characters, sentences, audio_s, chapter, device, share, worked_s = told
            tracker.spoken(characters, sentences, audio_s=audio_s, chapter=chapter, device=device, encoded=Encoded(share, worked_s))
        elif name == "written":
            tracker.written(Encoded(*told))
        else:
            getattr(tracker, name)(*told)


def thinned(events: list[list[Any]], close_s: float) -> list[list[Any]]:
    """Of close `spoken` and `written` events the last, with the sum of what was spoken."""
    out: list[list[Any]] = []
    since = 0.0
    for event in events:
        close = bool(out) and event[1] == out[-1][1] and event[0] - since < close_s
        if close and (event[1] == "written" or (event[1] == "spoken" and event[6] == out[-1][6])):
            if event[1] == "spoken":
                event = [event[0], "spoken", event[2] + out[-1][2], event[3] + out[-1][3], *event[4:]]
            out[-1] = event
        else:
            since = event[0]
            out.append(event)
    return out


class Dying:
    """An engine whose device dies after some batches."""

    def __init__(self, engine: Engine, batches: int) -> None:
        self._engine, self._batches = engine, batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        for number, batch in enumerate(self._engine.speak(lines, stopped)):
            if number == self._batches:
                raise SidecarError("device_unusable", device=self._engine.device, reason="it was to die here")
            yield batch


def joe() -> Voice:
    folder = Path(os.environ["E2A_JOE_DIR"])
    files = (("config", folder / "en_US-joe-medium.onnx.json"), ("model", folder / "en_US-joe-medium.onnx"))
    return Voice("en_US-joe-medium", "piper", "Joe", "en-US", files=files)


def record(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    voice = Voice.from_dict(HEART).verified() if options.heart else Voice("espeak", "espeak") if options.espeak else joe()
    bundle = epub_bundle(options.book, folder / "bundle", "en")
    request = Convert(1, bundle, folder / "book.m4b", folder / "cache", options.device, voice, report=folder / "report.json")

    def first(path: Path, go_on: Callable[[], None]) -> Book:
        book = read_book(path, go_on)
        return replace(book, sentences=book.sentences[: options.sentences or None])

    def engine(voice: Voice, device: str, *rest: Any) -> Any:
        made = make_engine(voice, device, *rest)
        return Dying(made, options.fall_after) if options.fall_after and device == options.device else made

    with mock.patch.object(convert, "read_book", first), mock.patch.object(serve, "make_engine", engine):
        if options.known:
            stop_at(request, options.known)
        with mock.patch.object(workers, "time", OwnTime):
            tracker = Recorder(lambda progress: None)
            done = convert.Conversion(request, serve.KeptVoice(), tracker, lambda warning: None, lambda: False).run()
    duration_s, others = tracker.now_s(), tracker.others()
    what = {"book": options.book.stem, "voice": voice.id, "device": options.device, "known": options.known, "fall_after": options.fall_after}
    figures = {"sentences": done.summary["sentences"], "audio_s": round(done.summary["duration_s"], 1), "duration_s": round(duration_s, 3)}
    events = thinned(tracker.events, max(CLOSE_S, duration_s / STEPS))
    return {"what": what, "cores": os.cpu_count(), "others": round(others, 3), **figures, "events": events}


def stop_at(request: Convert, share: float) -> None:
    """Run until so much of the book is spoken."""
    at = [0.0]

    def told(progress: Progress) -> None:
        at[0] = progress.sentences / progress.of if progress.of else 0.0

    try:
        convert.Conversion(request, serve.KeptVoice(), Tracker(told), lambda warning: None, lambda: at[0] >= share).run()
    except Stopped:
        return
    request.out.unlink()  # it was finished before it could be stopped: every sentence is known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("book", type=Path)
    parser.add_argument("--device", default="cpu")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--heart", action="store_true")
    who.add_argument("--espeak", action="store_true")
    parser.add_argument("--sentences", type=int, default=0, help="of the book, the first ones only")
    parser.add_argument("--known", type=float, default=0.0)
    parser.add_argument("--fall-after", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = record(options, Path(folder))
    events = found.pop("events")
    head = json.dumps(found)[:-1]
    options.out.write_text(head + ', "events": [\n' + ",\n".join(json.dumps(event) for event in events) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

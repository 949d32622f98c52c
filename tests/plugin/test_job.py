"""A conversion from the command line to the audiobook, with scripted sidecars in place of the engine and of Calibre's export."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin import cli
from plugin.book.export import Exported
from plugin.converting import job, report
from plugin.converting.requests import Probe, Warn
from plugin.converting.sidecars import Sidecars
from plugin.engine import gpus, runtime
from plugin.errors import PluginError
from plugin.resources import Resources, from_folder
from plugin.speaking import speeds

FAKE = Path(__file__).with_name("fake_sidecar.py")
RESOURCES = from_folder(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class FakeLayer:
    name: str
    folder: Path
    script: str
    argument: str = ""

    def command(self) -> list[str]:
        return [sys.executable, str(FAKE), self.script, self.argument]

    def stamp(self) -> dict[str, str]:
        return {}


class Desk:
    """Runs the command line in a folder of its own; `script` is what the sidecar does, None where no layer is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script: str | None = "convert"
        self.warnings: tuple[Warn, ...] = ()
        self.language = "en"
        self.book = folder / "book.epub"
        self.book.write_bytes(b"PK")
        self.out = folder / "out.m4b"
        self.bundles: list[Path] = []
        self.stdout, self.stderr = io.StringIO(), io.StringIO()

    def export(self, book: Path, folder: Path, *rest: object, **named: object) -> Exported:
        self.bundles.append(folder)
        assert (folder.stat().st_mode & 0o077) == 0 or sys.platform == "win32"
        return Exported(folder, "Title", self.language, "book", self.warnings)

    def find_layer(self, name: str, resources: Resources) -> FakeLayer | None:
        return FakeLayer(name, self.folder, self.script) if self.script and name == "core" else None

    def run(self, *more: str, book: Path | None = None, out: Path | None = None) -> int:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        arguments = [str(book or self.book), "-o", str(out or self.out), *more]
        return cli.main(arguments, RESOURCES, self.stdout, self.stderr)

    @property
    def said(self) -> str:
        return self.stderr.getvalue()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    for name in ("E2A_ENGINE_DIR", "E2A_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr(job, "export_book", desk.export)
    monkeypatch.setattr(runtime, "find_layer", desk.find_layer)
    return desk


def test_the_audiobook_stands_at_out_and_the_summary_says_so(desk: Desk) -> None:
    assert desk.run("--voice", "tone") == 0
    assert desk.out.read_bytes().startswith(b"ours")
    shown = desk.stdout.getvalue()
    for part in (str(desk.out), "0:03", "Tone (tone)", "cpu", "9.5", "written and checked"):
        assert part in shown
    assert "Speaking 50 %, 1 s left" in desk.said


def test_speed_and_pauses_are_the_users_within_bounds(desk: Desk) -> None:
    report = desk.folder / "report.json"
    assert desk.run("--voice", "tone", "--speed", "1.5", "--pauses", "0.5", "--report", str(report)) == 0
    settings = json.loads(report.read_text("utf-8"))["request"]["settings"]
    assert (settings["speed"], settings["pauses"]) == (1.5, 0.5)
    for wrong in ("0.4", "2.1", "nan", "fast"):
        assert desk.run("--speed", wrong) == 2
        assert f"{wrong} is no number from 0.5 to 2.0" in desk.said


def test_the_bundle_is_gone_afterwards_whatever_happened(desk: Desk) -> None:
    for script, code in (("convert", 0), ("dies", 11), ("refuses", 9)):
        desk.script = script
        desk.out.unlink(missing_ok=True)
        assert desk.run("--voice", "tone") == code
    assert len(desk.bundles) == 3 and not any(bundle.parent.exists() for bundle in desk.bundles)


def test_however_a_run_ends_how_fast_it_was_is_taken_down(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(speeds.Pace, "end", lambda pace: ended.append(True))
    for script in ("convert", "dies"):
        desk.script = script
        desk.run("--voice", "tone")
    assert len(ended) == 2


def test_a_second_run_does_nothing_and_says_so(desk: Desk) -> None:
    desk.run("--voice", "tone")
    before = desk.out.read_bytes()
    assert desk.run("--voice", "tone") == 0
    assert desk.out.read_bytes() == before and "nothing was done" in desk.stdout.getvalue()


def test_what_we_did_not_make_is_left_alone_without_replace(desk: Desk) -> None:
    desk.out.write_bytes(b"bought")
    assert desk.run("--voice", "tone") == 10
    assert desk.out.read_bytes() == b"bought" and str(desk.out) in desk.said and "--replace" in desk.said
    assert desk.run("--voice", "tone", "--replace") == 0
    assert desk.out.read_bytes().startswith(b"ours")


def test_the_report_is_kept_and_handed_out_with_sentences(desk: Desk) -> None:
    wanted = desk.folder / "r.json"
    desk.warnings = (Warn("toc_empty"),)
    assert desk.run("--voice", "tone", "--report", str(wanted)) == 0
    report = json.loads(wanted.read_text("utf-8"))
    assert report["request"]["warnings"] == [{"code": "toc_empty", "params": {}}]
    assert [w["text"] for w in report["warnings"]] == ["The book has no table of contents; its headings are used as chapters."]
    assert len(list((desk.folder / "home" / "convert-to-audiobook" / "reports").iterdir())) == 1
    assert "Note: The book has no table of contents" in desk.said


def test_a_report_that_could_not_be_written_leaves_none_of_the_former_audiobook(desk: Desk) -> None:
    desk.run("--voice", "tone")
    kept = report.latest_for(str(desk.out))
    assert kept is not None
    desk.script = "unreported"
    assert desk.run("--voice", "tone") == 0 and "written and checked" in desk.stdout.getvalue()
    assert desk.said.count("report could not be written") == 1 and "No space left on device" in desk.said
    assert not kept.exists(), "it would say of the new one who spoke the former"
    kept.mkdir()
    assert desk.run("--voice", "tone") == 0 and desk.said.count("report could not be written") == 1


def test_where_a_voice_fits_but_is_not_here_nobody_else_reads_unless_asked_to(desk: Desk) -> None:
    desk.language = "it"
    assert desk.run() == 6
    assert "it_IT" in desk.said and "--setup" in desk.said and "--voice espeak" in desk.said and not desk.out.exists()
    assert desk.run("--voice", "espeak") == 0 and desk.out.exists() and "mechanical" not in desk.said


def test_a_language_without_any_voice_is_read_by_espeak_and_it_is_said(desk: Desk) -> None:
    desk.language = "af"
    assert desk.run() == 0
    assert "eSpeak reads the book" in desk.said


def test_a_language_that_nobody_reads_is_refused_unless_a_voice_was_named(desk: Desk) -> None:
    desk.language = "br"
    assert desk.run() == 6
    assert "No voice here reads br" in desk.said and "--voice espeak" in desk.said and not desk.out.exists()
    assert desk.run("--voice", "espeak") == 0 and desk.out.exists() and "by the rules of English" in desk.said


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--voice", "nobody"], 6, "nobody"),
        (["--device", "toaster"], 7, "toaster"),
        (["--speed"], 2, "--speed"),
        (["--voice", "tone", "--report", "/no/such/folder/r.json"], 8, "r.json"),
        (["--library", "x"], 2, "--library"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(desk: Desk, arguments: list[str], code: int, says: str) -> None:
    assert desk.run(*arguments) == code
    assert says in desk.said and "Traceback" not in desk.said and not desk.out.exists()


def test_a_device_of_the_other_layer_asks_for_that_layer(desk: Desk) -> None:
    for name in ("own.onnx", "own.onnx.json"):
        (desk.folder / name).write_text("{}")
    assert desk.run("--voice", str(desk.folder / "own.onnx"), "--device", "cpu-torch") == 11
    assert "neural" in desk.said and "--setup" in desk.said


def test_a_voice_that_is_not_fetched_is_asked_for(desk: Desk) -> None:
    assert desk.run("--voice", "en_US-joe-medium") == 6
    assert "en_US-joe-medium" in desk.said and "--setup" in desk.said


def test_without_an_engine_the_way_to_get_it_is_named(desk: Desk) -> None:
    desk.script = None
    assert desk.run("--voice", "tone") == 11
    assert "--setup" in desk.said


@pytest.mark.parametrize("name", ["out.mp3", "book.epub", "none/out.m4b", "."])
def test_an_impossible_target_is_refused(desk: Desk, name: str) -> None:
    assert desk.run("--voice", "tone", out=desk.folder / name) in (2, 8)
    assert desk.book.read_bytes() == b"PK" and not desk.bundles


@pytest.mark.parametrize("wanted", ["book.epub", "out.m4b", "link.json"])
def test_a_report_never_takes_the_place_of_the_book_or_the_audiobook(desk: Desk, wanted: str) -> None:
    (desk.folder / "link.json").symlink_to(desk.book)
    assert desk.run("--voice", "tone", "--report", str(desk.folder / wanted)) == 2
    assert desk.book.read_bytes() == b"PK" and not desk.out.exists() and "same file" in desk.said


ODD_NAMES = [
    ("o" * 300 + ".m4b", 8),
    ("odd \udcff.m4b", 8),
    ("loop.m4b", 8),
    ("pipe.m4b", 8),
]


@pytest.mark.skipif(sys.platform == "win32", reason="names and files of POSIX")
@pytest.mark.parametrize(("name", "code"), ODD_NAMES)
def test_an_odd_target_is_refused_with_a_sentence(desk: Desk, name: str, code: int) -> None:
    (desk.folder / "loop.m4b").symlink_to("loop.m4b")
    os.mkfifo(desk.folder / "pipe.m4b")
    assert desk.run("--voice", "tone", out=desk.folder / name) == code
    assert "cannot be written" in desk.said and desk.said.isascii() and not desk.bundles


def test_the_home_of_nobody_is_a_name_like_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    (desk.folder / "~nobody-at-all").mkdir()
    assert desk.run("--voice", "tone", out=Path("~nobody-at-all/out.m4b")) == 0
    assert (desk.folder / "~nobody-at-all" / "out.m4b").exists()


def test_a_voice_of_an_impossible_name_is_unknown(desk: Desk) -> None:
    assert desk.run("--voice", "v" * 300) == 6
    assert desk.run("--voice", "v/" + "v" * 300) == 6


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_summary_that_nobody_takes_is_no_failure_of_the_audiobook(desk: Desk) -> None:
    assert cli.main([str(desk.book), "-o", str(desk.out), "--voice", "tone"], RESOURCES, Full(), io.StringIO()) == 0
    assert desk.out.exists()


def test_technical_details_go_to_a_log_file_that_is_named(desk: Desk) -> None:
    desk.script = "dies"
    assert desk.run("--voice", "tone") == 11
    log = Path(desk.said.split("Details: ")[1].strip())
    assert "out of memory" in log.read_text("utf-8") and "out of memory" not in desk.said


def test_a_fault_of_ours_is_one_sentence_and_a_log(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **named: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(job, "export_book", broken)
    assert desk.run("--voice", "tone") == 1
    assert "Traceback" not in desk.said and "ZeroDivisionError" in Path(desk.said.split("Details: ")[1].strip()).read_text("utf-8")


class Interrupting(io.StringIO):
    """A terminal at which the user presses Ctrl-C as soon as something is spoken."""

    def write(self, text: str) -> int:
        if "Speaking" in text:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@pytest.mark.parametrize("script", ["polite", "deaf"])
def test_ctrl_c_stops_and_says_that_it_can_go_on(desk: Desk, script: str) -> None:
    desk.script = script
    err = Interrupting()
    before = signal.getsignal(signal.SIGINT)
    assert cli.main([str(desk.book), "-o", str(desk.out), "--voice", "tone"], RESOURCES, io.StringIO(), err) == 130
    assert "go on from there" in err.getvalue() and not desk.out.exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_sigint_stops_also_a_job_in_the_background_of_a_script(desk: Desk) -> None:
    """There a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        desk.script = "polite"
        assert cli.main([str(desk.book), "-o", str(desk.out), "--voice", "tone"], RESOURCES, io.StringIO(), Interrupting()) == 130
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_leaves_at_once_and_nothing_behind(desk: Desk) -> None:
    class Impatient(Interrupting):
        def write(self, text: str) -> int:
            super().write(text)
            return super().write(text)

    desk.script = "deaf"
    assert cli.main([str(desk.book), "-o", str(desk.out), "--voice", "tone"], RESOURCES, io.StringIO(), Impatient()) == 130
    assert len(desk.bundles) == 1 and not desk.bundles[0].parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_a_closed_window_stops_but_what_nohup_ignores_stays_ignored(desk: Desk) -> None:
    class Hanging(io.StringIO):
        def write(self, text: str) -> int:
            if "Speaking" in text:
                signal.raise_signal(signal.SIGHUP)
            return super().write(text)

    arguments = [str(desk.book), "-o", str(desk.out), "--voice", "tone"]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        desk.script = "polite"
        assert cli.main(arguments, RESOURCES, io.StringIO(), Hanging()) == 130
        desk.script = "convert"
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert cli.main(arguments, RESOURCES, io.StringIO(), Hanging()) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_kept_sidecar_that_leaves_just_then_is_started_anew(desk: Desk) -> None:
    sidecars = Sidecars()
    layer = FakeLayer("core", desk.folder, "leaves", str(desk.folder / "left"))
    try:
        sidecars.request(layer, Probe(), lambda event: None, lambda: False)  # type: ignore[arg-type]
        first = sidecars.borrow(layer, lambda: False)  # type: ignore[arg-type]
        assert sidecars.request(layer, Probe(), lambda event: None, lambda: False).outcome == "unchanged"  # type: ignore[arg-type]
        assert not first.alive
    finally:
        sidecars.close()


def test_a_kept_sidecar_that_leaves_just_then_is_not_taken_for_a_driver_that_fails(desk: Desk) -> None:
    sidecars = Sidecars()
    layer = FakeLayer("core", desk.folder, "serves_one_probe")
    try:
        for _ in range(2):
            found = sidecars.probe(layer, Probe(), lambda: False)  # type: ignore[arg-type]
            assert [device.device for device in found.devices] == ["cpu"]
    finally:
        sidecars.close()
    with pytest.raises(PluginError) as caught:
        Sidecars().probe(FakeLayer("core", desk.folder, "dies"), Probe(), lambda: False)  # type: ignore[arg-type]
    assert caught.value.code == "engine_died"


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe without a reader")
def test_probe_with_nobody_reading_is_no_fault_of_ours(desk: Desk) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as out:
        assert cli.main(["--probe"], RESOURCES, out, io.StringIO()) == 0


def test_a_queue_of_books_is_served_by_one_process(desk: Desk) -> None:
    sidecars = Sidecars()
    try:
        for n in range(2):
            work = job.Job(job.Options(voice="tone"), RESOURCES, sidecars, lambda step: None)
            work.run(job.FromFile(desk.book, desk.folder / f"{n}.m4b"))
        layer = desk.find_layer("core", RESOURCES)
        assert layer is not None
        sidecar = sidecars.borrow(layer, lambda: False)  # type: ignore[arg-type]
        assert sidecar.alive and sidecar.request(Probe(), lambda event: None).id == 3
    finally:
        sidecars.close()
    assert not sidecar.alive


def test_probe_lists_devices_with_reasons(desk: Desk) -> None:
    out = io.StringIO()
    assert cli.main(["--probe"], RESOURCES, out, io.StringIO()) == 0
    assert out.getvalue() == "cpu  this  usable\ncuda:0  –  not usable: no driver\n"


def test_probe_with_a_voice_says_how_fast_and_a_card_that_no_layer_reaches_is_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "found", lambda: (gpus.Gpu("RTX", "NVIDIA", "cuda"),))
    own = desk.folder / "own.onnx"
    own.touch()
    own.with_name("own.onnx.json").write_text("{}")
    out = io.StringIO()
    assert cli.main(["--probe", "--voice", str(own)], RESOURCES, out, io.StringIO()) == 0
    assert "cpu  this  usable, 21.0 times real time\n" in out.getvalue()
    assert "cuda  RTX  not usable: the extra part of the speech engine (neural), which can use it" in out.getvalue()
    assert cli.main(["--probe", "--voice", "en_US-joe-medium"], RESOURCES, out, io.StringIO()) == 6
    desk.script, out = None, io.StringIO()
    assert cli.main(["--probe"], RESOURCES, out, io.StringIO()) == 11
    assert out.getvalue().startswith("cuda  RTX  not usable")


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"], RESOURCES) == 0
    assert "--device" in capsys.readouterr().out

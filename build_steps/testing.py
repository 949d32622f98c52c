"""`build.py test`: every check and every test, each where it belongs, with all set-up before it.

    checks    ruff, mypy                                     mypy by the neural layer's Python, which has torch's types
    core      tests/plugin, tests/contract, tests/sidecar    by the core layer's Python, no Calibre, no torch
    neural    tests/neural                                   by the neural layer's Python: real coqui
    calibre   tests/calibre                                  by the core layer's Python, which starts real Calibre
    gui       tests/gui                                      the same, its windows on a screen of their own
    whole     tests/whole                                    the same, with the engine

Each of the last three runs beside all others, and so do the checks: what one waits for, another has. A user has one Calibre at a time, whose programs find
one another by a socket; so calibre and whole run in networks of their own (gui's tests make theirs), and where those cannot be had, all three one after the
other. OpenMP's threads sleep while they wait for one another (OMP_WAIT_POLICY): what else runs needs the cores on which they would spin.

Tests find what they need by variables: E2A_TEST_ZIP (the plugin's zip), E2A_CORE_PYTHON, E2A_NEURAL_PYTHON, E2A_JOE_DIR
(folder of the default voice), E2A_ENGINE_DIR; and the collection of real books as tests/collection.py says. Without the package
hibari-tts in a layer the tests of Heart fail; where it cannot be had, E2A_WITHOUT_HEART=1 lets them be skipped.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from build_steps import engine, machine, newest, packaging
from build_steps.console import Console, result, table
from build_steps.places import ROOT, ZIP
from plugin import environ, paths
from plugin.commands import never, run
from plugin.converting.progress import clock
from plugin.engine.installer import What, choose
from plugin.engine.pythons import find_python
from plugin.engine.runtime import Layer
from plugin.resources import from_folder

NO_TESTS: Final = 5
"""pytest's exit code where it found none."""
MOST_PROCESSES: Final = 4
"""Of one group: each of the neural layer's holds torch and voices, a gigabyte."""


@dataclass(frozen=True)
class Group:
    """Tests that run by one interpreter.

    folders: below the checkout. processes: pytest shares the tests among that many. lane: groups of one run one after the other.
    """

    name: str
    folders: tuple[str, ...]
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    processes: int = 1
    lane: str = "engine"

    def wanted(self, named: list[str]) -> list[str]:
        """What of it runs: all of its folders, or what of the named files and tests is its."""
        return [a for a in named if a.startswith(self.folders)] if named else [f for f in self.folders if (ROOT / f).is_dir()]


@dataclass(frozen=True)
class Check:
    """What reads the sources without running them."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a group or a check ended."""

    name: str
    ok: bool
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    wall_s: float = 0.0


def test(arguments: list[str]) -> int:
    """1 if anything failed. arguments: pytest's; where they name files, only those run, and no checks.

    `--calibre all`: what needs Calibre runs a second time, in the newest that can be had (`newest`).
    """
    console = Console()
    everywhere, arguments = _everywhere(arguments)
    engine.check_space(("core", "neural"))
    machine.need((*machine.CALIBRE, *machine.SCREEN, *machine.ESPEAK, "ffprobe"), console)
    console.title("Building the plugin")
    packaging.build()
    layers = engine.layers(("core", "neural"), console)
    voice = engine.voice_folder(console, required=False)
    console.title("The tools for the tests")
    tools = dev_tools(layers["core"], console)
    named = [a for a in arguments if a.startswith("tests") or (ROOT / a.split("::")[0]).exists()]
    others = [a for a in arguments if a not in named]
    sources = [] if named else checks(layers["neural"], tools)
    with tempfile.TemporaryDirectory(prefix="e2a-test-") as scratch, ThreadPoolExecutor(1) as beside:
        read = beside.submit(lambda: [_check(console, check, tools) for check in sources])
        outcomes = _in_lanes(console, groups(layers, tools, voice), named, others, Path(scratch))
        outcomes = read.result() + outcomes
        if everywhere:
            outcomes += _in_the_newest(console, groups(layers, tools, voice), named, others, Path(scratch))
    return _closing(outcomes)


def _everywhere(arguments: list[str]) -> tuple[bool, list[str]]:
    """(is every Calibre wanted, the other arguments)."""
    if "--calibre" not in arguments:
        return False, arguments
    at = arguments.index("--calibre")
    if arguments[at + 1 : at + 2] not in (["all"], ["installed"]):
        raise SystemExit("--calibre takes `all` or `installed`")
    return arguments[at + 1] == "all", arguments[:at] + arguments[at + 2 :]


def _in_lanes(console: Console, known: list[Group], named: list[str], others: list[str], scratch: Path) -> list[Outcome]:
    """Lanes beside each other. What a group prints comes when it has ended, but where there is one lane: then as it runs."""
    lanes: dict[str, list[Group]] = {}
    for group in known:
        if group.wanted(named):
            lanes.setdefault(group.lane, []).append(group)

    def one(lane: list[Group]) -> list[Outcome]:
        return [_run(console, group, group.wanted(named), others, scratch, at_once=len(lanes) == 1) for group in lane]

    with ThreadPoolExecutor(len(lanes) or 1) as side_by_side:
        return [outcome for lane in side_by_side.map(one, lanes.values()) for outcome in lane]


def _in_the_newest(console: Console, known: list[Group], named: list[str], others: list[str], scratch: Path) -> list[Outcome]:
    with newest.newest_calibre(console) as root:
        if root is None:
            return []
        env = {"E2A_CALIBRE_ROOT": str(root)}
        again = [replace(g, name=f"{g.name}, newest", env={**g.env, **env}) for g in known if g.name in ("calibre", "gui")]
        return _in_lanes(console, again, named, others, scratch)


def dev_tools(core: Layer, console: Console) -> Path:
    """The folder of pytest, mypy and ruff, installed by the lock into the engine folder."""
    lock = ROOT / "plugin" / "locks" / "dev.txt"
    tag = hashlib.sha256(lock.read_bytes() + str(core.stamp().get("python")).encode()).hexdigest()[:12]
    folder = paths.engine_dir() / f"dev-{tag}"
    done = folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        env = environ.for_children()
        tool = choose(find_python(env), from_folder(ROOT), env, paths.tools_dir(), paths.downloads_dir() / "uv", never)
        finished = run(tool.install(core.folder, What(lock=lock, target=folder)), tool.env, cwd=paths.engine_dir())
        if finished.code != 0:
            raise SystemExit(f"The tools for the tests could not be installed:\n{finished.tail}")
        done.touch()
        console.say(str(folder))
    return folder


def checks(neural: Layer, tools: Path) -> list[Check]:
    """What reads the sources."""
    plugin = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "plugin").rglob("*.py")) if calibre_free(p)]
    ruff = next(path for path in (tools / "bin" / "ruff", tools / "bin" / "ruff.exe") if path.exists())
    return [
        Check("ruff", (str(ruff), "check", ".")),
        Check("mypy", (str(neural.python), "-m", "mypy", "sidecar/src/e2a_sidecar", *plugin, "build.py", "build_steps")),
        Check("mypy, tests' tools", (str(neural.python), "-m", "mypy", "-p", "fake_accelerator", "-m", "tiny_voices"), {"MYPYPATH": "tests"}),
    ]


def calibre_free(path: Path) -> bool:
    """Does a module of the plugin import nothing of Calibre, not even by another of ours?"""
    return not _reaches_calibre(path, set())


def _reaches_calibre(path: Path, seen: set[Path]) -> bool:
    seen.add(path)
    text = path.read_text(encoding="utf-8")
    if re.search(r"^\s*(from|import) (calibre|qt|polyglot)\b", text, re.MULTILINE):
        return True
    others: list[Path] = []
    for dots, module, names in re.findall(r"^from (\.+)([\w.]*) import (.+)$", text, re.MULTILINE):
        base = path.parents[len(dots) - 1].joinpath(*module.split(".")) if module else path.parents[len(dots) - 1]
        others += [base.with_suffix(".py"), *(base / f"{name.split(' as ')[0].strip()}.py" for name in names.split(","))]
    return any(_reaches_calibre(other, seen) for other in others if other.is_file() and other not in seen)


def groups(layers: dict[str, Layer], tools: Path, voice: Path | None) -> list[Group]:
    """What runs where."""
    source, tests = str(ROOT / "sidecar" / "src"), str(ROOT / "tests")
    shared = {
        "E2A_TEST_ZIP": str(ZIP),
        "E2A_CORE_PYTHON": str(layers["core"].python),
        "E2A_NEURAL_PYTHON": str(layers["neural"].python),
        "E2A_ENGINE_DIR": str(paths.engine_dir()),
        "OMP_WAIT_POLICY": "PASSIVE",
        **({"E2A_JOE_DIR": str(voice)} if voice else {}),
    }

    def python(layer: str, *more: str) -> tuple[tuple[str, ...], dict[str, str]]:
        search = os.pathsep.join([str(tools), source, *more])
        return (str(layers[layer].python), "-m", "pytest"), {**environ.for_children(), **shared, "PYTHONPATH": search, "PYTHONUTF8": "1"}

    core, core_env = python("core", tests)
    neural, neural_env = python("neural", tests)
    each_core = min(machine.cores(), MOST_PROCESSES)
    apart = machine.can_be_alone()
    alone = ("unshare", "-n", str(layers["core"].python), str(ROOT / "tests" / "alone.py")) if apart else ()
    return [
        Group("core", ("tests/plugin", "tests/contract", "tests/sidecar"), core, core_env, each_core),
        Group("neural", ("tests/neural",), neural, neural_env, each_core),
        *(
            Group(name, (f"tests/{name}",), core if name == "gui" else (*alone, *core), core_env, lane=name if apart else "calibre")
            for name in ("calibre", "gui", "whole")
        ),
    ]


def _check(console: Console, check: Check, tools: Path) -> Outcome:
    began = time.monotonic()
    env = {**environ.for_children(), "PYTHONPATH": str(tools), **check.env}
    done = subprocess.run(check.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    console.title(f"{check.name}, ended")
    result(done.stdout.decode("utf-8", "replace").rstrip())
    return Outcome(check.name, done.returncode == 0, wall_s=time.monotonic() - began)


def _run(console: Console, group: Group, targets: list[str], arguments: list[str], scratch: Path, *, at_once: bool) -> Outcome:
    title = f"Tests: {group.name} ({', '.join(targets)})"
    console.title(title if at_once else f"{title}, beside others")
    began = time.monotonic()
    results = scratch / f"{group.name}.xml"
    shared = ["-n", str(group.processes), "--dist", "worksteal"] if group.processes > 1 else []
    command = [*group.command, "-q", *shared, "--durations=3", f"--junitxml={results}", *arguments, *targets]
    out, err = (None, None) if at_once else (subprocess.PIPE, subprocess.STDOUT)
    done = subprocess.run(command, cwd=ROOT, env=group.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False)
    if not at_once:
        console.title(f"Tests: {group.name}, ended")
        result(done.stdout.decode("utf-8", "replace"))
    passed, failed, skipped = counted(results)
    code = done.returncode
    ok = code == 0 or (code == NO_TESTS and not failed)
    return Outcome(group.name, ok, passed, max(failed, 0 if ok else 1), skipped, time.monotonic() - began)


def counted(results: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped) of pytest's own results file."""
    if not results.exists():
        return 0, 0, 0
    suites = ET.parse(results).getroot().iter("testsuite")
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def _closing(outcomes: list[Outcome]) -> int:
    rows = [["", "passed", "failed", "skipped", "time", ""]]
    rows += [[o.name, str(o.passed), str(o.failed), str(o.skipped), clock(o.wall_s), "ok" if o.ok else "FAILED"] for o in outcomes]
    result("\n" + table(rows))
    wrong = sum(o.failed for o in outcomes) + sum(1 for o in outcomes if not o.ok and not o.failed)
    result(f"\n{sum(o.passed for o in outcomes)} passed, {wrong} failed, {sum(o.skipped for o in outcomes)} skipped")
    return 1 if any(not o.ok for o in outcomes) else 0

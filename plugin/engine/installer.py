"""Two ways to make a Python environment and to put packages into it, behind one small interface: uv, or venv + pip.

An `Installer` only says which command is to be run, in which environment variables; `runtime` runs them. So a table can
test what each would do. pip's own settings (index, find-links, proxy, certificates) are the user's word on where
packages come from. They are asked for once (`PipSettings`), and both pip and uv are told them, by variables, since an
address can hold a password and arguments can be read by other users. Nothing else that pip is set to reaches it: what is
installed, and where to, is ours.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from .. import paths
from ..commands import Stop, in_path, run
from ..resources import Resources
from ..wording import N_, translate
from .install_faults import failed
from .pythons import Python, ask, find_python

UV_MINIMUM: Final = (0, 5, 0)
"""The first uv with today's names of its settings for indexes."""


@dataclass(frozen=True)
class What:
    """What to install. requirements: names with versions, or a wheel's path. lock: a file whose hashes are asked for.

    index: in place of the user's own index (find-links stay). local_only: only from find-links, no index. dry: only ask.
    target: a plain folder in place of the environment's own (for tools).
    """

    requirements: tuple[str, ...] = ()
    lock: Path | None = None
    deps: bool = False
    index: str | None = None
    local_only: bool = False
    reinstall: bool = False
    dry: bool = False
    target: Path | None = None


class Installer(Protocol):
    """name: `uv` or `pip`. env: the variables to run its commands in."""

    name: str
    env: Mapping[str, str]

    def create(self, python: Python, folder: Path) -> list[str]:
        """The command that makes an empty environment at `folder`, which must not exist."""
        ...

    def install(self, folder: Path, what: What) -> list[str]:
        """The command that installs into the environment at `folder`."""
        ...


def env_python(folder: Path, platform: str = sys.platform) -> Path:
    """The interpreter of the environment at `folder`."""
    return folder / "Scripts" / "python.exe" if platform == "win32" else folder / "bin" / "python"


@dataclass(frozen=True)
class PipSettings:
    """What pip is set to, by its files and by PIP_* variables. Empty where it is not set."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False
    timeout_s: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    """Options of pip's by name: what else it needs to reach an index (`REACHING`)."""

    @classmethod
    def parse(cls, text: str) -> PipSettings:
        """From the output of `pip config list`: lines like `global.find-links='/a /b'`.

        A later line's section is not stronger than an earlier one's as such; pip's order is: global, the command's own,
        variables.
        """
        found: dict[str, tuple[int, str]] = {}
        for line in text.splitlines():
            match = re.fullmatch(r"(:env:|[a-z-]+)\.([a-z-]+)=(.+)", line.strip())
            if match is None:
                continue
            section, name, quoted = match.groups()
            rank = {"global": 0, "install": 1, ":env:": 2}.get(section, -1)
            try:
                value = str(ast.literal_eval(quoted))
            except (ValueError, SyntaxError):
                value = quoted
            if rank >= 0 and value.strip() and rank >= found.get(name, (-1, ""))[0]:
                found[name] = (rank, value)
        text_of = {name: value for name, (_, value) in found.items()}
        return cls(
            index_url=text_of.get("index-url", "").strip(),
            extra_index_urls=tuple(text_of.get("extra-index-url", "").split()),
            find_links=tuple(text_of.get("find-links", "").split()),
            cert=text_of.get("cert", "").strip(),
            proxy=text_of.get("proxy", "").strip(),
            trusted_hosts=tuple(text_of.get("trusted-host", "").split()),
            no_index=text_of.get("no-index", "").strip().lower() in ("1", "true", "yes", "on"),
            timeout_s=text_of.get("default-timeout", text_of.get("timeout", "")).strip(),
            others={name: value for name, value in text_of.items() if name in REACHING},
        )

    def for_pip(self) -> dict[str, str]:
        """As variables, for a pip that reads no file."""
        env = {
            "PIP_INDEX_URL": self.index_url,
            "PIP_EXTRA_INDEX_URL": " ".join(self.extra_index_urls),
            "PIP_FIND_LINKS": " ".join(self.find_links),
            "PIP_CERT": self.cert,
            "PIP_PROXY": self.proxy,
            "PIP_TRUSTED_HOST": " ".join(self.trusted_hosts),
            "PIP_NO_INDEX": "1" if self.no_index else "",
            "PIP_DEFAULT_TIMEOUT": self.timeout_s,
            **{f"PIP_{name.upper().replace('-', '_')}": value for name, value in self.others.items()},
        }
        return {name: value for name, value in env.items() if value}

    def for_uv(self) -> dict[str, str]:
        """The same as uv's variables."""
        env: dict[str, str] = {}
        if self.index_url:
            env["UV_DEFAULT_INDEX"] = self.index_url
        if self.extra_index_urls:
            env["UV_INDEX"] = " ".join(self.extra_index_urls)
        if self.find_links:
            env["UV_FIND_LINKS"] = ",".join(self.find_links)
        if self.cert:
            env["SSL_CERT_FILE"] = self.cert
        if self.proxy:
            env["HTTP_PROXY"] = env["HTTPS_PROXY"] = self.proxy
        if self.trusted_hosts:
            env["UV_INSECURE_HOST"] = " ".join(self.trusted_hosts)
        if self.timeout_s.isdecimal():
            env["UV_HTTP_TIMEOUT"] = self.timeout_s
        return env


_BUNDLED_PIP: Final = (
    "import ensurepip,pathlib,runpy,sys,sysconfig;"
    "places=filter(None,(sysconfig.get_config_var('WHEEL_PKG_DIR'),pathlib.Path(ensurepip.__file__).parent/'_bundled'));"
    "sys.path.insert(0,str(next(w for place in places for w in pathlib.Path(place).glob('pip-*.whl'))));"
    "runpy.run_module('pip',run_name='__main__',alter_sys=True)"
)
"""A program of Python's: pip out of the wheel from which `ensurepip` installs it."""


_ALL_OF_IT: Final = {f"PIP_{name}": "0" for name in ("QUIET", "USER", "GLOBAL", "SITE")}
"""Else a user's `user = true`, which was meant for installing, would have only one of the files told, and `quiet` none."""


def pip_settings(python: Python, env: Mapping[str, str], stopped: Stop) -> PipSettings:
    """Ask that Python's pip, or the one that it would put into an environment; without a pip, the variables alone."""
    if python.pip or python.ensurepip:
        pip = ["-P", "-m", "pip"] if python.pip else ["-I", "-c", _BUNDLED_PIP]
        finished = run([python.path, *pip, "config", "list"], {**env, **_ALL_OF_IT}, stopped, timeout_s=30)
        if finished.code == 0:
            return PipSettings.parse(finished.tail)
    lines = [f":env:.{name[4:].lower().replace('_', '-')}={value!r}" for name, value in sorted(env.items()) if name.startswith("PIP_")]
    return PipSettings.parse("\n".join(lines))


class Uv:
    """uv: seconds where pip takes minutes, and layers share their files by hard links to its cache."""

    name = "uv"

    def __init__(self, program: Path, env: Mapping[str, str], settings: PipSettings, cache: Path) -> None:
        self._program = program
        self._no_index = settings.no_index
        # uv looks only into the first index that knows a name; pip takes the best version of all, and so must we.
        # The lock's hashes keep that safe.
        own = {"UV_CACHE_DIR": str(cache), "UV_INDEX_STRATEGY": "unsafe-best-match", "UV_NO_PROGRESS": "1"}
        self.env: Mapping[str, str] = {**uv_env(env), **settings.for_uv(), **own}

    def create(self, python: Python, folder: Path) -> list[str]:
        return [str(self._program), "venv", "--no-project", "--python", str(python.path), str(folder)]

    def install(self, folder: Path, what: What) -> list[str]:
        command = [str(self._program), "pip", "install", "--python", str(env_python(folder))]
        # A local index or find-links would win by version where a local build has a longer one: that is wanted.
        command += ["--no-index"] if what.local_only or self._no_index else []
        command += ["--default-index", what.index] if what.index else []
        command += [] if what.lock else ["--no-require-hashes"]  # a file of uv's own may ask for them
        return command + _common(what, "--reinstall")


class VenvPip:
    """venv + pip, where there is no uv. A Debian without python3-venv has venv, but no pip for it: pip of the base then serves."""

    name = "pip"

    def __init__(self, python: Python, env: Mapping[str, str], settings: PipSettings) -> None:
        self._python = python
        self.env: Mapping[str, str] = {**pip_env(env, settings), "PIP_PROGRESS_BAR": "off"}

    def create(self, python: Python, folder: Path) -> list[str]:
        return [str(python.path), "-P", "-m", "venv", *([] if python.ensurepip else ["--without-pip"]), str(folder)]

    def install(self, folder: Path, what: What) -> list[str]:
        target = str(env_python(folder))
        pip = [target, "-P", "-m", "pip"] if self._python.ensurepip else [str(self._python.path), "-P", "-m", "pip", "--python", target]
        command = [*pip, "install"]
        command += ["--no-index"] if what.local_only else []
        command += ["--index-url", what.index] if what.index else []
        return command + _common(what, "--force-reinstall")


@contextmanager
def temporaries(folder: Path) -> Iterator[dict[str, str]]:
    """Variables by which a program puts into that folder what it needs for a while; it goes afterwards. Ended midway a program removes nothing itself, and
    the system's own folder may be memory, in which torch has no room. For one program at a time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


REACHING: Final = frozenset({"client-cert", "keyring-provider", "retries", "resume-retries", "use-feature", "use-deprecated", "cache-dir", "no-cache-dir"})
"""Of pip's options, besides those of `PipSettings`: how it reaches an index (use-feature: by the system's certificates), and where it keeps what came."""
_UV_REACHING: Final = re.compile(
    "UV_(DEFAULT_INDEX|EXTRA_INDEX_URL|INDEX(_.*)?|NO_INDEX|FIND_LINKS|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|OFFLINE|KEYRING_PROVIDER|CREDENTIALS_DIR"
    "|HTTP_.*|REQUEST_TIMEOUT|CONCURRENT_.*|LINK_MODE|CONFIG_FILE|NO_CONFIG|PYTHON_(INSTALL_)?(MIRROR|DOWNLOADS.*)|GITHUB_TOKEN)"
)
"""Of uv's variables, those likewise."""


def pip_env(env: Mapping[str, str], settings: PipSettings) -> dict[str, str]:
    """For pip: where packages come from is the user's word. All else that they have set was meant for other work: it would move our packages elsewhere,
    install nothing, or forbid a pin that the lock has decided."""
    kept = {name: value for name, value in env.items() if not name.upper().startswith("PIP_")}
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    return {**kept, **settings.for_pip(), **ours}


def uv_env(env: Mapping[str, str]) -> dict[str, str]:
    """For uv, likewise."""
    return {name: value for name, value in env.items() if not name.upper().startswith("UV_") or _UV_REACHING.fullmatch(name.upper())}


def _common(what: What, reinstall: str) -> list[str]:
    command = [] if what.deps else ["--no-deps"]
    command += ["--dry-run"] if what.dry else []
    command += [reinstall] if what.reinstall else []
    command += ["--target", str(what.target)] if what.target else []
    # Nothing is ever compiled on a user's machine.
    command += ["--only-binary", ":all:"]
    command += ["--require-hashes", "-r", str(what.lock)] if what.lock else []
    return [*command, *what.requirements]


def uv_version(program: Path, env: Mapping[str, str], stopped: Stop) -> tuple[int, ...] | None:
    """None where it does not run."""
    finished = run([program, "--version"], env, stopped, timeout_s=20)
    match = re.search(r"\buv (\d+)\.(\d+)\.(\d+)", finished.tail)
    return tuple(int(part) for part in match.groups()) if finished.code == 0 and match else None


def uv_program() -> str:
    """The name of its file on this system."""
    return "uv.exe" if sys.platform == "win32" else "uv"


def uv_places(env: Mapping[str, str], tools: Path) -> list[Path]:
    """Where a uv stands already: in the PATH, in the usual place of its own installer, or fetched by us. Runs nothing."""
    name = uv_program()
    home = Path(env.get("HOME") or env.get("USERPROFILE") or "/")
    places = [in_path(name, env), home / ".local" / "bin" / name, home / ".cargo" / "bin" / name]
    places += reversed(paths.named(tools, f"uv-*/*/{name}"))
    return [Path(place) for place in places if place is not None and paths.is_file(Path(place))]


def find_uv(env: Mapping[str, str], tools: Path, stopped: Stop) -> Path | None:
    """The first uv that runs and is new enough."""
    for place in uv_places(env, tools):
        version = uv_version(place, env, stopped)
        if version is not None and version >= UV_MINIMUM:
            return place
    return None


def fetch_uv(python: Python, resources: Resources, env: Mapping[str, str], settings: PipSettings, tools: Path, stopped: Stop) -> Path | None:
    """uv by its wheel, pinned by hash, into a folder of its own (Debian's pip allows that too). None where it cannot be had."""
    lock = resources("plugin/locks/tools.txt").decode()
    match = re.search(r"^uv==([0-9.]+)", lock, re.MULTILINE)
    if match is None or not python.pip:
        return None
    target = tools / f"uv-{match.group(1)}"
    shutil.rmtree(target, ignore_errors=True)
    tools.mkdir(parents=True, exist_ok=True)
    lock_file = tools / "tools.txt"
    lock_file.write_text(lock, encoding="utf-8")
    command: list[str | Path] = [
        python.path,
        "-P",
        "-m",
        "pip",
        "install",
        "--target",
        target,
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "-r",
        lock_file,
    ]
    with temporaries(tools / "temporary") as places:
        finished = run(command, {**pip_env(env, settings), **places}, stopped)
    if finished.code != 0:
        shutil.rmtree(target, ignore_errors=True)
        return None
    return find_uv({"PATH": "", "HOME": os.devnull, **{k: v for k, v in env.items() if k not in ("PATH", "HOME", "USERPROFILE")}}, tools, stopped)


def choose(python: Python, resources: Resources, env: Mapping[str, str], tools: Path, cache: Path, stopped: Stop) -> Installer:
    """uv where found, or by its wheel, else venv + pip. `E2A_INSTALLER` (uv, pip) decides where it is set.

    A user who gives pip several indexes means pip's way with them, so pip installs: where two indexes hold different
    files of one version, pip takes the best file of all, uv looks at the first index alone (seen: a soundfile without
    its library before the one with it).
    """
    wanted = env.get("E2A_INSTALLER", "")
    settings = pip_settings(python, env, stopped)
    # by variables too: for what the plugin itself asks of an index (`fetch.opener_from`)
    env = {**env, **{name: value for name, value in (("PIP_PROXY", settings.proxy), ("PIP_CERT", settings.cert)) if value}}
    if wanted == "uv" or (wanted != "pip" and not settings.extra_index_urls):
        program = find_uv(env, tools, stopped) or fetch_uv(python, resources, env, settings, tools, stopped)
        if program is not None:
            return Uv(program, env, settings, cache)
    if not (python.pip or python.ensurepip):
        reason = translate(N_("the Python at {path} has no pip: install that, too (on Debian and Ubuntu the package python3-pip)"))
        raise failed("installer", reason.format(path=python.path))
    return VenvPip(python, env, settings)


def local_tool(python: Path, env: Mapping[str, str], tools: Path, cache: Path, stopped: Stop) -> Installer:
    """For a file that is here already, into the environment of `python`: what is on this machine serves, nothing is fetched."""
    program = None if env.get("E2A_INSTALLER") == "pip" else find_uv(env, tools, stopped)
    if program is not None:
        return Uv(program, env, PipSettings(), cache)
    own = ask(python, env, stopped)
    if own is not None and own.pip:
        return VenvPip(replace(own, ensurepip=True), env, pip_settings(own, env, stopped))
    base = find_python(env, stopped=stopped, needs_pip=True)
    return VenvPip(replace(base, ensurepip=False), env, pip_settings(base, env, stopped))

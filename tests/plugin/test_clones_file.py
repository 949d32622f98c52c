"""A clone as one file: it comes back as it was, and a stranger's is refused with a reason, with nothing left behind."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloning import flac

from plugin.errors import PluginError
from plugin.speaking import clone_file, clones
from plugin.speaking.clones import Clone, Measures

HEARD = Measures(27.0, 40.0, -20.0, 11_000.0, 0.0, "good")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "kept"))
    for name in ("XDG_CACHE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "kept"


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Clone, Path]:
    sample = tmp_path / "sample.flac"
    sample.write_bytes(flac())
    clone = clones.add(sample, "Anna 🎙", "knnvc", "en")
    target = tmp_path / clone_file.file_name(clone)
    clone = clones.change(clone.id, likeness=0.5, likeness_of_halves=0.6)
    clone_file.export(clone.id, target)
    return clone, target


def heard(path: Path) -> Measures:
    assert path.read_bytes()[:4] == b"fLaC"
    return HEARD


def deaf(path: Path) -> Measures:
    raise PluginError("sample_unusable", reason="no_speech")


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_it_comes_back_as_it_was(exported: tuple[Clone, Path], home: Path) -> None:
    clone, file = exported
    assert file.name == "Anna _.e2aclone"
    clones.remove(clone.id)
    back = clone_file.take_in(file, heard)
    assert (back.id, back.name, back.converter, back.language, back.created) == (clone.id, "Anna 🎙", "knnvc", "en", clone.created)
    assert back.measures == HEARD and clones.all_of_them() == [back] and (back.likeness, back.likeness_of_halves) == (None, None), "not heard here"
    again = file.with_name("again.e2aclone")
    clone_file.export(back.id, again)
    assert zipfile.ZipFile(again).read("sample.flac") == zipfile.ZipFile(file).read("sample.flac")


def test_one_that_is_here_stays_as_it_is_and_a_name_that_is_taken_gets_a_number(exported: tuple[Clone, Path], tmp_path: Path) -> None:
    clone, file = exported
    clones.change(clone.id, name="Mine")
    assert clone_file.take_in(file, heard).name == "Mine"
    clones.remove(clone.id)
    other = tmp_path / "other.flac"
    other.write_bytes(flac(1))
    clones.add(other, "Anna 🎙")
    assert clone_file.take_in(file, heard).name == "Anna 🎙 (2)"


def test_a_recording_in_which_nobody_speaks_is_not_believed(exported: tuple[Clone, Path], home: Path) -> None:
    clone, file = exported
    clones.remove(clone.id)
    with pytest.raises(PluginError) as caught:
        clone_file.take_in(file, deaf)
    assert caught.value.params["reason"] == "no_speech" and not list(home.iterdir())


def described(**changes: Any) -> bytes:
    base = {
        "schema": 1,
        "name": "Anna",
        "converter": "freevc24",
        "sha256": _SHA256,
        "created": "2026-01-02T03:04:05Z",
        "language": "en",
        "measures": {},
        "likeness": None,
    }
    return json.dumps({name: value for name, value in (base | changes).items() if value is not ...}).encode()


_FLAC = flac()
_SHA256 = sha256_of(_FLAC)


def packed(path: Path, members: list[tuple[zipfile.ZipInfo | str, bytes]], how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as z:
        for name, data in members:
            z.writestr(name, data)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def two(record: bytes, sample: bytes = _FLAC) -> Callable[[Path], Path]:
    return lambda path: packed(path, [("clone.json", record), ("sample.flac", sample)])


def lying(path: Path) -> Path:
    """Says that its recording is a few bytes long, and is fifty megabytes."""
    data = bytearray(packed(path, [("clone.json", described()), ("sample.flac", bytes(5 * 10**7))], zipfile.ZIP_DEFLATED).read_bytes())
    for at in range(len(data) - 30):
        if data[at : at + 4] in (b"PK\x01\x02", b"PK\x03\x04") and b"sample" in data[at : at + 60]:
            field = at + (24 if data[at + 2] == 1 else 22)
            data[field : field + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    return path


def renamed(path: Path) -> Path:
    """Python's zipfile does not like to write what a stranger may."""
    path.write_bytes(path.read_bytes().replace(b"sample.flax", b"sample.flac"))
    return path


def flipped(path: Path) -> Path:
    data = bytearray(two(described())(path).read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path


def written(data: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(data)
        return path

    return make


def folder(path: Path) -> Path:
    path.mkdir()
    return path


DEEP = b'{"schema": 1, "measures": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"
HOSTILE: dict[str, Callable[[Path], Path]] = {
    "nothing": written(b""),
    "two bytes": written(b"PK"),
    "a picture": written(b"\xff\xd8\xff\xe0" + bytes(1000)),
    "a folder": folder,
    "larger than any": lambda path: packed(path, [("clone.json", described()), ("sample.flac", bytes(40 * 10**6))]),
    "zip slip": lambda path: packed(path, [("clone.json", described()), ("../sample.flac", _FLAC)]),
    "an absolute name": lambda path: packed(path, [("clone.json", described()), ("/tmp/sample.flac", _FLAC)]),
    "a drive's name": lambda path: packed(path, [("clone.json", described()), ("C:\\sample.flac", _FLAC)]),
    "one more": lambda path: packed(path, [("clone.json", described()), ("sample.flac", _FLAC), ("evil.py", b"print(1)")]),
    "twice the same": lambda path: renamed(packed(path, [("clone.json", described()), ("sample.flac", _FLAC), ("sample.flax", _FLAC)])),
    "one less": lambda path: packed(path, [("clone.json", described())]),
    "a link": lambda path: packed(path, [("clone.json", described()), (link("sample.flac"), b"/etc/passwd")]),
    "a linked description": lambda path: packed(path, [(link("clone.json"), b"/etc/passwd"), ("sample.flac", _FLAC)]),
    "another packing": lambda path: packed(path, [("clone.json", described()), ("sample.flac", _FLAC)], zipfile.ZIP_LZMA),
    "a bomb": lambda path: packed(path, [("clone.json", described()), ("sample.flac", bytes(5 * 10**7))], zipfile.ZIP_DEFLATED),
    "a bomb that lies": lying,
    "a flipped bit": flipped,
    "a huge description": two(described() + b" " * 10**6),
    "a deep description": two(DEEP),
    "no JSON": two(b"\xff\xfe{}"),
    "a list": two(b"[]"),
    "a later schema": two(described(schema=2)),
    "a schema that is true": two(described(schema=True)),
    "no name": two(described(name=...)),
    "a name that is a number": two(described(name=7)),
    "a name that steers": two(described(name="a\x1b[2Jb")),
    "a name that turns": two(described(name="evil\u202egnp.exe")),
    "a long name": two(described(name="a" * 300)),
    "a name of surrogates": two(described(name="a").replace(b'"a"', b'"\\ud800"')),
    "the name of a path": two(described(name="clone-0123456789ab")),
    "another hash": two(described(sha256="0" * 64)),
    "a hash that is a path": two(described(sha256="../" * 21 + "x")),
    "another converter": two(described(converter="../../evil")),
    "not a number": two(described(likeness=float("nan"))),
    "a likeness that is none": two(described(likeness=0.5, likeness_of_halves=1.5)),
    "an endless number": two(described(likeness=0).replace(b'"likeness": 0', b'"likeness": 1e999')),
    "a number of thousand digits": two(described(likeness=0).replace(b'"likeness": 0', b'"likeness": 1' + b"0" * 5000)),
    "measures that are words": two(described(measures={"speech_s": "long"})),
    "remarks that are words": two(described(measures={"remarks": ["<b>rm -rf</b>"]})),
    "a language that is a path": two(described(language="../..")),
    "no FLAC": two(described(sha256=sha256_of(b"RIFF" * 100)), b"RIFF" * 100),
}
for _name, _kind in {
    "two channels": {"channels": 2},
    "24 bit": {"subtype": "PCM_24"},
    "an hour": {"seconds": 70.0},
    "96 kHz": {"rate_hz": 96_000, "seconds": 1.0},
}.items():
    _data = flac(**_kind)  # type: ignore[arg-type]
    HOSTILE[_name] = two(described(sha256=sha256_of(_data)), _data)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_strangers_file_is_refused_with_a_reason_and_nothing_is_left(kind: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    file = HOSTILE[kind](tmp_path / "stranger.e2aclone")
    before = set(tmp_path.rglob("*"))
    with pytest.raises(PluginError) as caught:
        clone_file.take_in(file, heard)
    assert caught.value.code == "clone_not_imported" and len(str(caught.value.params["reason"])) > 10
    assert "\x1b" not in caught.value.sentence() and "\u202e" not in caught.value.sentence()
    assert set(tmp_path.rglob("*")) == before and not home.exists()


def test_a_good_one_of_the_same_making_is_taken_in(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    assert clone_file.take_in(two(described())(tmp_path / "good.e2aclone"), heard).name == "Anna"
    deflated = packed(tmp_path / "deflated.e2aclone", [("clone.json", described(name="ما")), ("sample.flac", _FLAC)], zipfile.ZIP_DEFLATED)
    clones.remove(clones.id_of(_SHA256))
    assert clone_file.take_in(deflated, heard).name == "ما"


def test_an_export_that_cannot_be_written_leaves_nothing(exported: tuple[Clone, Path], tmp_path: Path) -> None:
    clone, _file = exported
    with pytest.raises(PluginError) as caught:
        clone_file.export(clone.id, tmp_path / "nowhere" / "x.e2aclone")
    assert caught.value.code == "clone_not_kept"
    with pytest.raises(PluginError) as caught:
        clone_file.export("clone-000000000000", tmp_path / "x.e2aclone")
    assert caught.value.code == "voice_unknown" and not (tmp_path / "x.e2aclone").exists()

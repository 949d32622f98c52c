"""`build.py voices [INDEX.json]`: the collection's voices in plugin/sources.json, renewed from the collection's own index (its voices.json).

What the index does not know is kept from before: licence, who is heard, and, as long as the files are the same, sha256 and the wheel.
A new voice gets the licence `card` until somebody has read its card.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from build_steps.console import result
from build_steps.places import ROOT
from plugin import environ
from plugin.fetch import FetchError, opener_from, plain

SOURCES: Final = ROOT / "plugin" / "sources.json"
INDEX: Final = "voices.json"
_LARGEST_INDEX: Final = 32 * 1024 * 1024
_LARGEST_VOICE: Final = 1 << 30
_ID: Final = re.compile(r"[a-z]{2,3}_[A-Z]{2}-\w+-(x_low|low|medium|high)")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_BLOCK: Final = re.compile(r'("voices": \[\n).*?(\n  \])', re.DOTALL)


def voices(index: Path | None, sources: Path = SOURCES) -> int:
    """Renew; exit code (SystemExit with a sentence where it fails, then nothing is changed). Without a file, the index is fetched."""
    text = sources.read_text(encoding="utf-8")
    before = json.loads(text)
    try:
        raw = index.read_bytes() if index is not None else _fetched(before["collection"]["address"] + INDEX)
        entries = renewed(json.loads(raw), before["voices"])
    except (OSError, ValueError, RecursionError, FetchError) as error:
        raise SystemExit(f"The voices were not renewed: {error}") from None
    lines = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    sources.write_text(_BLOCK.sub(lambda block: block[1] + lines + block[2], text), encoding="utf-8")
    result("\n".join([f"{len(entries)} voices", *_changes(before["voices"], entries)]))
    return 0


def renewed(index: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The index's voices as entries of sources.json, by id. ValueError where it says something that no voice is."""
    if not isinstance(index, dict) or not index:
        raise ValueError("that is no index of voices")
    known = {entry["id"]: entry for entry in before}
    return [_entry(id, voice, known.get(id, {})) for id, voice in sorted(index.items())]


def _entry(id: str, voice: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    try:
        files = {PurePosixPath(path): facts for path, facts in voice["files"].items()}
        model = next(path for path in files if path.name == f"{id}.onnx")
        found = [files[model], files[model.with_name(f"{id}.onnx.json")]]
        entry = {
            "id": id,
            "path": str(model.parent),
            "speakers": int(voice["num_speakers"]),
            "bytes": [int(facts["size_bytes"]) for facts in found],
            "md5": [str(facts["md5_digest"]) for facts in found],
            "licence": known.get("licence", "card"),
        }
    except (KeyError, TypeError, AttributeError, OverflowError, StopIteration) as error:
        raise ValueError(f"{id}: {error!r}") from None
    good = {
        "name": _ID.fullmatch(id),
        "path": not model.is_absolute() and ".." not in model.parts,
        "speakers": 1 <= entry["speakers"] <= 10_000,
        "sizes": all(0 < size <= _LARGEST_VOICE for size in entry["bytes"]),
        "md5": all(map(_MD5.fullmatch, entry["md5"])),
    }
    if wrong := [what for what, right in good.items() if not right]:
        raise ValueError(f"{id}: {', '.join(wrong)}")
    kept = ("person", "sha256", "wheel") if known.get("md5") == entry["md5"] else ("person",)
    return entry | {name: known[name] for name in kept if name in known}


def _fetched(address: str) -> bytes:
    try:
        with opener_from(environ.for_children()).open(address) as response:
            return response.read(_LARGEST_INDEX)
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"{address}: {plain(error)}") from None


def _changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[str]:
    old, new = ({entry["id"]: entry for entry in entries} for entries in (before, after))
    changed = [id for id in new if id in old and new[id] != old[id]]
    rows = {"new": sorted(new.keys() - old.keys()), "changed": changed, "gone": sorted(old.keys() - new.keys())}
    return [f"{what}: {', '.join(ids)}" for what, ids in rows.items() if ids]

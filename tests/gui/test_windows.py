"""Every window in every state: nothing cut, over another part, scrolled sideways, untranslatable, nameless, grey without a reason or
out of the keyboard's reach."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness import Desk, shelf_of_states

LANGUAGES = ("", "long", "rtl")
ROOMS = ("plugin.gui", "plugin.engine", "plugin.converting", "plugin.speaking", "plugin.book")


def test_at_calibres_start_no_process_runs_and_none_of_the_rooms_is_loaded(desk: Any) -> None:
    result = desk("One").play("starts", screen=False).fine()
    for seen in (result["at_once"], result.get("shown", result["at_once"])):
        assert "plugin.action" in seen["modules"]
        assert not [name for name in seen["modules"] if name.startswith(ROOMS)]
        assert not [command for command in seen["processes"] if "--pipe-worker" not in command], "but Calibre's own, which counts pages from 9 on"


def test_the_judge_sees_each_fault_and_no_other(desk: Any) -> None:
    said = desk("One").play("flawed", screen=False).fine()
    del said["error"], said["blocks"]
    assert said.pop("sound") == []
    words = {"unnamed": "no name", "unreachable": "keyboard", "grey": "does not say why"}
    for name, word in (*((name, name) for name in ("overlap", "outside", "sideways")), *words.items()):
        assert any(word in flaw for flaw in said.pop(name)), name
    for name in ("untranslated", "half translated"):
        assert any("not translated" in flaw for flaw in said.pop(name)), name
    assert any("column" in flaw for flaw in said["table"]) and any("cell" in flaw for flaw in said.pop("table"))
    assert said and all(any("cut" in flaw for flaw in flaws) for flaws in said.values()), said


def test_no_window_has_a_flaw_in_any_variant(first_desk: Desk, tmp_path: Path, shelf: dict[str, Path]) -> None:
    found: dict[str, list[str]] = {}
    with ExitStack() as stack:
        playing = []
        for language in LANGUAGES:
            one = first_desk.copy(tmp_path / f"desk-{language}")
            one.fill(shelf_of_states(shelf["good"]))
            one.give_voice()
            playing.append(stack.enter_context(one.start("shots", screen=False, timeout_s=240, E2A_PSEUDO=language)))
        for each in playing:
            result = each.end().fine()
            found |= result["flaws"]
    assert not found, "\n" + "\n".join(f"{name}: {flaw}" for name, flaws in sorted(found.items()) for flaw in flaws)

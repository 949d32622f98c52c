"""A student of Kokoro's ONNX graph with its clock and its bounds (design rule 13): made once, kept by the model's hash.

    ids (1, phonemes), speed (1,)
            -> what the published graph gives: five spectra (1, BINS, frames), f0 (1, frames); then, added,
               UNITS: how long each phoneme lasts (phonemes,), in units of FRAMES_A_UNIT frames
               UNROUNDED: what was rounded for that: durations, or at another speed than the voice's own the phonemes' ends

Durations are found by structure, not by name: the only Round rounds them, the only Clip behind it makes each at least one.
A graph without these is refused rather than spoken without a clock: it is not of this family, and it is by its durations
that frames are bounded. Those beyond all bounds become one unit each where they are spread over frames, so that they take no
memory before anyone has looked at them; UNITS tells them as they are. What was made is tried before it is kept: its
durations are whole and their sum is the number of frames, at two speeds and for every phoneme of the alphabet, and what it
gives beside them is the published graph's.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.kept import keep
from e2a_sidecar.voices.piper_graph import Unrecognised, Wires, read_graph
from e2a_sidecar.voices.sound_check import Unsound

UNITS: Final = "e2a/units"
UNROUNDED: Final = "e2a/unrounded"
FRAMES_A_UNIT: Final = 2
BINS: Final = 601
SYMBOLS: Final = 178
"""Phonemes of the alphabet, the pad 0 among them."""
LONGEST_IDS: Final = 400
"""Of what it was made to speak at once."""
LONGEST_UNITS: Final = 4000
"""Of as much: 100 seconds, four times what is usual. A voice that predicts more has lost its way, and memory is not infinite."""
_REVISION: Final = 2  # raised when the kept graph changes
_LARGEST_MODEL: Final = 64 << 20  # a published one has 8 MB
_LIKE: Final = "a student of Kokoro"
_REASON: Final = f"its graph is not built like {_LIKE}'s"
_SPECTRA: Final = 5
_HELLO: Final = (0, 50, 83, 54, 156, 31, 16, 81, 156, 86, 123, 4, 0)  # "həlˈO ðˈɛɹ."
_ALPHABET: Final = (0, *range(1, SYMBOLS), 0)
_WITHIN: Final = 1e-4
_log = logging.getLogger(__name__)


def student_graph(model: Path, sha256: str, cache_dir: Path, voice: str) -> Path:
    """The graph of a model file, from the cache or made now (a second, 8 MB of disk).

    sha256: the model's, hex. Raises SidecarError `voice_broken` for a file that is no model, `voice_unsupported` for a
    graph that is not recognised or does not give what it should, `disk_full` or `output_unwritable` where the cache cannot
    be written.
    """
    folder = cache_dir / "students" / f"{sha256}-{_REVISION}"
    if _whole(folder):
        return _graph(folder)
    try:
        if model.stat().st_size > _LARGEST_MODEL:
            raise SidecarError("voice_broken", "too large", voice=voice, reason=f"{model.name} is too large to be a voice")
    except OSError as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{model.name}: {error.strerror}") from None
    published = read_graph(model, sha256, voice, _LIKE)
    whole = published.SerializeToString()
    try:
        _add_clock(published.graph)
    except (Unrecognised, IndexError) as error:  # IndexError: a node without what its kind takes
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason=_REASON) from None

    def make(beside: Path) -> None:
        onnx.save(published, str(_graph(beside)))
        _check(_graph(beside), whole)

    try:
        keep(folder, model, _whole, make)
    except Unsound as error:
        raise SidecarError("voice_unsupported", str(error), voice=voice, reason=error.reason) from None
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # of onnx and NumPy, for tensors of other shapes
        raise SidecarError("voice_unsupported", repr(error)[:500], voice=voice, reason=_REASON) from None
    _log.info("made the clock of %s in %s", model.name, folder.name)
    return _graph(folder)


def forget(graph: Path) -> None:
    """Remove a kept graph that the runtime could not open, so that it is made again."""
    shutil.rmtree(graph.parent, ignore_errors=True)


def _graph(folder: Path) -> Path:
    return folder / "student.onnx"


def _whole(folder: Path) -> bool:
    return _graph(folder).is_file()


def _add_clock(graph: onnx.GraphProto) -> None:
    """Unrecognised where the graph is another."""
    wires = Wires(graph)
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {given.name for given in graph.input} - weights
    if inputs != {"ids", "speed"} or len(graph.output) != _SPECTRA + 1:
        raise Unrecognised("other inputs or outputs than a student has")
    add_clock(graph, wires, LONGEST_UNITS)
    _keep_speed(graph)


def add_clock(graph: onnx.GraphProto, wires: Wires, most: int) -> None:
    """Durations as outputs UNITS and UNROUNDED, and bounded to `most` units where they are spread. Unrecognised where there are none."""
    rounds = [node for node in graph.node if node.op_type == "Round"]
    clips = [node for node in wires.takers[rounds[0].output[0]] if node.op_type == "Clip"] if len(rounds) == 1 else []
    if len(clips) != 1 or len(wires.takers[rounds[0].output[0]]) != 1:
        raise Unrecognised(f"{len(rounds)} times Round, {len(clips)} times Clip behind it: no clock")
    units = clips[0].output[0]
    if not {given.name for given in graph.output} <= wires.below(units):
        raise Unrecognised("sound that does not depend on the durations")
    _bound(graph, clips[0], units, most)
    for name, source in ((UNITS, units), (UNROUNDED, rounds[0].input[0])):
        graph.node.append(helper.make_node("Identity", [source], [name]))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))


def _keep_speed(graph: onnx.GraphProto) -> None:
    """At any speed but the voice's own let the ends of phonemes be rounded, and not each duration by itself.

    Most durations are one to three units: each by itself, hardly any changes at 1.1 times the speed (heard: 1.04) and too
    many do at 1.5 (1.56).
    """
    rounding = next(node for node in graph.node if node.op_type == "Round")
    told = next(node for node in graph.node if node.output[:1] == [UNROUNDED])
    clip = next(node for node in graph.node if node.op_type == "Clip" and node.input[0] == rounding.output[0])
    numbers = {"e2a/axis": [0], "e2a/from": [0], "e2a/to": [-1]}
    graph.initializer.extend(helper.make_tensor(name, TensorProto.INT64, [1], value) for name, value in numbers.items())
    graph.initializer.extend(helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in (("e2a/zero", 0.0), ("e2a/own", 1.0)))
    plain = told.input[0]
    added = (
        helper.make_node("CumSum", [plain, "e2a/axis"], ["e2a/ends"]),
        helper.make_node("Round", ["e2a/ends"], ["e2a/whole"]),
        helper.make_node("Slice", ["e2a/whole", "e2a/from", "e2a/to"], ["e2a/before"]),
        helper.make_node("Concat", ["e2a/zero", "e2a/before"], ["e2a/starts"], axis=0),
        helper.make_node("Sub", ["e2a/whole", "e2a/starts"], ["e2a/between"]),
        helper.make_node("Equal", ["speed", "e2a/own"], ["e2a/as it is"]),
        helper.make_node("Where", ["e2a/as it is", rounding.output[0], "e2a/between"], ["e2a/rounded"]),
        helper.make_node("Where", ["e2a/as it is", plain, "e2a/ends"], ["e2a/to round"]),
    )
    told.input[0], clip.input[0] = "e2a/to round", "e2a/rounded"
    place = next(place for place, node in enumerate(graph.node) if node.output[:1] == clip.output[:1])
    for number, node in enumerate(added):
        graph.node.insert(place + number, node)


def _bound(graph: onnx.GraphProto, clip: onnx.NodeProto, units: str, longest: int) -> None:
    """Let durations beyond `longest` in all be one each, where they are spread over frames."""
    total, few, one, most, bounded = (f"e2a/{name}" for name in ("total", "few", "one", "most", "bounded"))
    for node in graph.node:
        node.input[:] = [bounded if name == units else name for name in node.input]
    graph.initializer.append(helper.make_tensor(one, TensorProto.FLOAT, [], [1.0]))
    graph.initializer.append(helper.make_tensor(most, TensorProto.FLOAT, [], [longest + 0.5]))
    added = (
        helper.make_node("ReduceL1", [units], [total], keepdims=0),
        helper.make_node("Less", [total, most], [few]),
        helper.make_node("Where", [few, units, one], [bounded]),
    )
    place = next(place for place, node in enumerate(graph.node) if node is clip or node.output[:1] == [units])
    for number, node in enumerate(added, start=place + 1):
        graph.node.insert(number, node)


def _check(made: Path, published: bytes) -> None:
    """Unsound where what was made is not what it should be."""
    session = _session(str(made))
    found = [_run(session, ids, speed) for ids, speed in ((_HELLO, 1.0), (_HELLO, 0.5), (_ALPHABET, 1.0))]
    if not 1.5 * found[0][-2].sum() < found[1][-2].sum() < 2.5 * found[0][-2].sum():
        raise Unsound("its speed cannot be set", f"{found[0][-2].sum():g} units, at half the speed {found[1][-2].sum():g}")
    theirs = _session(published).run(None, _feed(_HELLO, 1.0))  # only now: its durations are no absurd ones
    if len(theirs) != _SPECTRA + 1 or any(
        ours.shape != other.shape or np.abs(ours - other).max() > _WITHIN for ours, other in zip(found[0], theirs, strict=False)
    ):
        raise Unsound("it does not sound the same with its clock", "other spectra than the published graph's")


def _run(session: Any, ids: Sequence[int], speed: float) -> list[NDArray[np.float32]]:
    """All outputs, of the right shapes and with durations that fit them; Unsound where they are not."""
    try:
        found = session.run(None, _feed(ids, speed))
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common class
        raise Unsound("onnxruntime does not speak it", str(error)) from None
    *spectra, f0, units, unrounded = found
    if any(each.dtype != np.float32 or not np.isfinite(each).all() for each in found):
        raise Unsound("it gives what is no number", f"of {len(ids)} phonemes")
    total = float(units.sum())
    if units.shape != (len(ids),) or unrounded.shape != units.shape or units.min() < 1 or not np.array_equal(units, np.rint(units)):
        raise Unsound("its phonemes have no durations", f"{units.shape} of {len(ids)}")
    if total > LONGEST_UNITS:
        raise Unsound("its phonemes last absurdly long", f"{total:g} units for {len(ids)} phonemes")
    frames = int(total) * FRAMES_A_UNIT
    if f0.shape != (1, frames) or any(each.shape != (1, BINS, frames) for each in spectra):
        raise Unsound("its durations are not those of its sound", f"{frames} frames, {[each.shape for each in (*spectra, f0)]}"[:200])
    return list(found)


def _feed(ids: Sequence[int], speed: float) -> dict[str, NDArray[Any]]:
    return {"ids": np.array([ids], dtype=np.int64), "speed": np.array([speed], dtype=np.float32)}


def _session(model: str | bytes) -> Any:
    from e2a_sidecar.speaking.cpu_session import cpu_session

    try:
        return cpu_session(model)
    except Exception as error:  # noqa: BLE001
        raise Unsound("onnxruntime does not open it", str(error)) from None

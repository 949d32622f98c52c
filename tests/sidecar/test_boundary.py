"""One host boundary, held by the syntax: only speaking/host.py turns a tensor into what Python or NumPy knows (design rule 1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boundary import crossings

SIDECAR = Path(__file__).resolve().parents[2] / "sidecar" / "src" / "e2a_sidecar"
HOST = "speaking/host.py"
ALLOWED = {
    "speaking/clone/conversion.py:prepared": "sizes, and memory for noise that is to be uploaded",
    "speaking/clone/reference.py:_read": "what is kept on disk, on the CPU: is it whole?",
    "speaking/clone/reference.py:recording": "a recording that was read from its file",
    "speaking/clone/wavlm.py:__call__": "whether a list is empty",
    "speaking/device.py:obstacle": "what to_host gave, compared with what is right",
    "speaking/transfers.py:__torch_function__": "names a read to count it, and makes none",
    "voices/clone/safety.py:_is_weight": "how much memory a weight has, in a file that is being read",
    "voices/coqui.py:blank": "numbers of a shape",
    "voices/coqui_export.py:export": "vectors that have been read",
    "voices/coqui_export.py:_compare": "durations that have been read",
    "voices/coqui_export.py:_by_onnxruntime": "arrays of onnxruntime",
    "voices/coqui_export.py:_some_ids": "numbers drawn for a trial",
    "voices/coqui.py:_network": "the state of a generator, which is the host's",
    "voices/piper_torch.py:_apart": "a voice that is being loaded, on the CPU: it has no device yet",
    "voices/piper_torch.py:_unlike_its_file": "the number that _apart gave",
}
"""file:function -> what it turns into NumPy or a number that is no tensor of speech."""

READS = {
    "cpu": "def f(x):\n    return x.detach().cpu()",
    "cpu, handed on": "def f(xs):\n    return list(map(torch.Tensor.cpu, xs))",
    "numpy": "def f(x):\n    return x.numpy()",
    "tolist": "def f(x):\n    return x.tolist()",
    "item": "def f(x):\n    return x.item()",
    "by name": "def f(x):\n    return getattr(x, 'numpy')()",
    "to the host": "def f(x):\n    return x.to('cpu')",
    "to the host by keyword": "def f(x):\n    return x.to(device=torch.device('cpu'))",
    "to a host called so": "def f(x):\n    return x.to(CPU)",
    "type of the host": "def f(x):\n    return x.type('torch.FloatTensor')",
    "asarray": "def f(x):\n    return np.asarray(x)",
    "array": "def f(x):\n    return np.array([x, x])",
    "frombuffer": "def f(x):\n    return np.frombuffer(x, np.int16)",
    "a function of NumPy's": "def f(x):\n    return np.abs(x).max()",
    "buried": "def f(x):\n    return g(1 + np.fft.rfft(x)[0])",
    "float": "def f(x: torch.Tensor):\n    return float(x.sum())",
    "int of what was made": "def f(n):\n    y = torch.ones(n) + 1\n    z = y * 2\n    return int(z[0])",
    "bool": "def f(x: torch.Tensor | None):\n    return bool((x > 0).any())",
    "if": "def f(x: torch.Tensor):\n    if x.max() > 1:\n        return x / 2",
    "if among others": "def f(x: torch.Tensor, n):\n    return 1 if n and not torch.isfinite(x).all() else 2",
    "while": "def f(x: torch.Tensor):\n    while (x < 0).any():\n        x = x + 1",
    "assert": "def f(x: torch.Tensor):\n    assert (x > 0).all()",
    "loop": "def f(xs: list[torch.Tensor]):\n    for x in xs:\n        print(x)",
    "method": "class A:\n    def f(self, x: torch.Tensor):\n        return max(x)",
}
NO_READS = {
    "shapes": "def f(x: torch.Tensor):\n    n = len(x)\n    return int(x.shape[0]) if n and x.dim() > 1 else float(x.numel())",
    "absence": "def f(x: torch.Tensor | None):\n    return 1 if x is None else 2",
    "what was read": "def f(x: torch.Tensor):\n    y = to_host(x)\n    return float(y.max()) if y.any() else 0.0",
    "another type": "def f(x: torch.Tensor):\n    return x.to(torch.int16).to(x.device)",
    "an item": "def f(w):\n    return w.item",
    "room": "def f(n):\n    return np.zeros(n, dtype=np.int32)",
    "chosen on the device": "def f(x: torch.Tensor):\n    return torch.where(x > 0, x, 0.0)",
    "the machine": "def f():\n    return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0",
}


def files() -> list[Path]:
    return [path for path in sorted(SIDECAR.rglob("*.py")) if path.relative_to(SIDECAR).as_posix() != HOST]


def test_only_host_turns_a_tensor_into_numpy_or_a_number() -> None:
    wrong = []
    for path in files():
        name = path.relative_to(SIDECAR).as_posix()
        places = crossings(path.read_text(encoding="utf-8"))
        wrong += [f"{name}:{line} {function}: {code}" for function, line, code in places if f"{name}:{function}" not in ALLOWED]
    assert not wrong


def test_host_itself_is_seen_to_do_it() -> None:
    places = crossings((SIDECAR / HOST).read_text(encoding="utf-8"))
    assert {"result", "_begin_read", "_packed", "_joined"} & {function for function, _, _ in places}


@pytest.mark.parametrize("what", READS)
def test_each_way_to_read_a_tensor_would_be_found(what: str) -> None:
    for first in ("import torch\nimport numpy as np\n", "from torch import nn\nimport numpy as np\nimport torch\n"):
        assert [line for _, line, _ in crossings(first + READS[what])], READS[what]


@pytest.mark.parametrize("what", NO_READS)
def test_what_reads_none_is_left_alone(what: str) -> None:
    assert not crossings("import torch\nimport numpy as np\n" + NO_READS[what])


def test_a_module_without_torch_may_use_numpy_but_nothing_that_only_tensors_have() -> None:
    assert not crossings("import numpy as np\ndef f(x):\n    return np.asarray(x).tolist()")
    assert crossings("def f(x):\n    return x.cpu()")

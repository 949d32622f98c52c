"""Reads a module's syntax for what would take a tensor to the host: see `crossings`.

It follows tensors by name inside a function: parameters annotated so, what torch's functions give, and whatever is made
of these, until `to_host`, `result` or a shape makes ordinary values of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

READS = frozenset(("cpu", "numpy", "tolist", "item", "__array__", "__dlpack__", "data_ptr", "untyped_storage"))
"""Of a tensor: each takes it, or a value of it, to the host. Called or handed on; `item` called alone, since things have items."""
ONLY_TENSORS = frozenset(("cpu", "numpy"))
"""Nothing but a tensor (or a module) has these, so no module at all may use them."""
BY_SHAPE = frozenset(("zeros", "ones", "empty", "full", "arange", "dtype", "errstate", "float32", "int16", "int32", "int64"))
"""NumPy's functions that take no values of others."""
NO_TENSOR = frozenset(("shape", "device", "dtype", "ndim", "result", "dim", "size", "numel", "is_floating_point", "begin_read"))
NO_TENSOR_CALLS = frozenset(("len", "isinstance", "hasattr", "to_host", "float", "int", "bool", "range", "str", "repr", "type"))
NOT_MAKING = frozenset(
    ("device", "Size", "no_grad", "inference_mode", "set_num_threads", "Tag", "cuda", "xpu", "mps", "accelerator", "version", "backends", "save", "is_tensor")
)
"""Of torch's names those that make no tensor."""


def crossings(source: str) -> list[tuple[str, int, str]]:
    """(function, line, code) of each place in a module where a tensor could be read by the host."""
    tree = ast.parse(source)
    knows_tensors = any("torch" in name for name in _imported(tree))
    found: list[tuple[str, int, str]] = []
    for function, body in _functions(tree):
        tensors = _tensors(body)
        for node in _own_nodes(body):
            if _crosses(node, tensors) if knows_tensors else isinstance(node, ast.Attribute) and node.attr in ONLY_TENSORS:
                found.append((function, getattr(node, "lineno", 0), ast.unparse(node).splitlines()[0][:100]))
    return sorted(found, key=lambda place: place[1])


def _crosses(node: ast.AST, tensors: set[str]) -> bool:
    if isinstance(node, ast.Attribute) and node.attr in READS - {"item"}:
        return True
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        return _decides(node.test, tensors)
    if not isinstance(node, ast.Call):
        return False
    name, root = _called(node)
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    if name == "item" and isinstance(node.func, ast.Attribute):
        return True
    if name in ("to", "type", "copy_", "_to_copy"):
        return any(_is_host(x) for x in given)
    if name == "getattr":
        return any(isinstance(x, ast.Constant) and x.value in READS for x in given)
    if root in ("np", "numpy"):
        return name not in BY_SHAPE and not all(isinstance(x, ast.Constant) for x in given)
    if name in ("float", "int", "bool", "max", "min", "print", "str", "round") and isinstance(node.func, ast.Name):
        return any(_is_tensor(x, tensors) for x in given)
    return False


def _decides(test: ast.expr, tensors: set[str]) -> bool:
    """Must Python know a tensor's value to go on?"""
    if isinstance(test, ast.BoolOp):
        return any(_decides(value, tensors) for value in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _decides(test.operand, tensors)
    if isinstance(test, ast.Compare) and all(isinstance(op, ast.Is | ast.IsNot) for op in test.ops):
        return False
    return _is_tensor(test, tensors)


def _is_tensor(x: ast.AST, tensors: set[str]) -> bool:
    if isinstance(x, ast.Name):
        return x.id in tensors
    if isinstance(x, ast.Attribute):
        return x.attr not in NO_TENSOR and _is_tensor(x.value, tensors)
    if isinstance(x, ast.Call):
        name, root = _called(x)
        if name in NO_TENSOR or (isinstance(x.func, ast.Name) and name in NO_TENSOR_CALLS) or root in ("np", "numpy"):
            return False
        if root == "torch" or root == "F":
            return not (NOT_MAKING & set(ast.unparse(x.func).split(".")))
        return any(_is_tensor(part, tensors) for part in (x.func, *x.args, *(keyword.value for keyword in x.keywords)))
    if isinstance(x, ast.Lambda | ast.Constant | ast.Dict | ast.DictComp):
        return False
    if isinstance(x, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        return _is_tensor(x.elt, tensors)
    if isinstance(x, ast.Compare) and all(isinstance(op, ast.Is | ast.IsNot) for op in x.ops):
        return False
    return any(_is_tensor(child, tensors) for child in ast.iter_child_nodes(x))


def _is_host(x: ast.expr) -> bool:
    text = ast.unparse(x).lower().strip("'\"")
    return text in ("cpu", "host") or text in ("torch.device('cpu')",) or text.startswith(("torch.floattensor", "torch.shorttensor"))


def _called(node: ast.Call) -> tuple[str, str]:
    """Name of what is called, and the first name of its path (`np.fft.rfft`: `rfft`, `np`)."""
    parts = ast.unparse(node.func).split(".")
    name = node.func.attr if isinstance(node.func, ast.Attribute) else parts[-1]
    return name, parts[0] if isinstance(node.func, ast.Attribute) else ""


def _tensors(body: ast.AST) -> set[str]:
    """Names that hold tensors in a function."""
    found: set[str] = set()
    if isinstance(body, ast.FunctionDef):
        parameters = [*body.args.posonlyargs, *body.args.args, *body.args.kwonlyargs]
        found = {p.arg for p in parameters if p.annotation is not None and _says_tensor(p.annotation)}
    before = -1
    while len(found) != before:
        before = len(found)
        for node in _own_nodes(body):
            targets: list[ast.expr]
            source: ast.expr | None
            if isinstance(node, ast.Assign):
                targets, source = node.targets, node.value
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
                targets, source = [node.target], node.value
            elif isinstance(node, ast.For | ast.comprehension):
                targets, source = [node.target], node.iter
            else:
                continue
            declared = isinstance(node, ast.AnnAssign) and _says_tensor(node.annotation)
            if declared or (source is not None and _is_tensor(source, found)):
                found |= {name for target in targets for name in _names(target)}
    return found


def _says_tensor(annotation: ast.expr) -> bool:
    """A tensor or a sequence of them (of a mapping the keys are none)."""
    text = ast.unparse(annotation)
    return "Tensor" in text and not text.startswith(("Mapping", "dict", "Callable"))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    yield "", tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def _own_nodes(body: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of functions inside."""
    for child in ast.iter_child_nodes(body):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own_nodes(child)


def _names(target: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]

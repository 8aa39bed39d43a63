"""Count the lines of code of adapters, and tell glue and framework apart.

python -m examples.adapters.lines            the four adapters of ours
python -m examples.adapters.lines FILE...    others, each file or directory a row

A line of code holds a token that is not a comment or a docstring. Each counts once, as

- imports,
- parameters: the class `Parameters`,
- glue: a line that names `callbacks`, `logger`, or something imported from `evalhub` or from the
  standard library (typing apart): running a process, files, credentials, time, reports, results,
- framework: the others.

The rule is the same for every adapter. It knows names, not what they are for: it is good for a
comparison, not for a single line.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
KINDS = ("imports", "parameters", "glue", "framework")
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_FOR_TYPES = {"__future__", "abc", "collections", "dataclasses", "enum", "typing"}


def count(source: str) -> Counter[str]:
    """Return the lines of code of a module, by kind."""
    tree = ast.parse(source)
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    code: set[int] = set()
    for token in tokens:
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    code -= _lines_of(
        # A text that stands alone is a docstring, of a field as well.
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    ours = {"callbacks", "logger"}.union(*map(_names, imports))
    found = {
        "imports": code & _lines_of(imports),
        "parameters": code
        & _lines_of(
            node
            for node in tree.body
            if isinstance(node, ast.ClassDef) and node.name == "Parameters"
        ),
    }
    rest = code - found["imports"] - found["parameters"]
    found["glue"] = rest & {
        token.start[0] for token in tokens if token.type == tokenize.NAME and token.string in ours
    }
    found["framework"] = rest - found["glue"]
    return Counter({kind: len(lines) for kind, lines in found.items()})


def _names(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return what an import of the SDK or of the standard library binds."""
    if isinstance(node, ast.ImportFrom):
        modules = [node.module or ""] if node.level == 0 else []
    else:
        modules = [alias.name for alias in node.names]
    roots = {module.partition(".")[0] for module in modules} - _FOR_TYPES
    if not roots <= {"evalhub", *sys.stdlib_module_names}:
        return set()
    return {(alias.asname or alias.name).partition(".")[0] for alias in node.names if roots}


def _lines_of(nodes: Iterable[ast.stmt]) -> set[int]:
    return {
        line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def adapters() -> dict[str, Counter[str]]:
    """Return the counts of the adapters here."""
    return {
        file.parent.name: count(file.read_text(encoding="utf-8"))
        for file in sorted(HERE.glob("*/adapter.py"))
    }


def _of(path: Path) -> Counter[str]:
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return sum((count(file.read_text(encoding="utf-8")) for file in files), Counter[str]())


def main() -> None:
    """Print a row for each adapter, and their sum."""
    rows = {one: _of(Path(one)) for one in sys.argv[1:]} or adapters()
    rows["together"] = sum(rows.values(), Counter[str]())
    width = max(map(len, rows))
    print(" " * width, *(f"{kind:>10}" for kind in (*KINDS, "all")))
    for name, kinds in rows.items():
        numbers = [*(kinds[kind] for kind in KINDS), kinds.total()]
        print(f"{name:{width}}", *(f"{number:10}" for number in numbers))


if __name__ == "__main__":
    main()

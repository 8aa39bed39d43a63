"""Count the code of the four adapters: no blank lines, comments or docstrings.

python -m examples.adapters.lines [FILE...]
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def count(source: str) -> Counter[str]:
    """Return the lines of code of a module: imports, parameters, and the rest."""
    tree = ast.parse(source)
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        # A text that stands alone is a docstring, of a field as well.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            code -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    kinds: Counter[str] = Counter()
    for node in tree.body:
        lines = code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        match node:
            case ast.Import() | ast.ImportFrom():
                kinds["imports"] += len(lines)
            case ast.ClassDef(name="Parameters"):
                kinds["parameters"] += len(lines)
            case _:
                kinds["evaluation"] += len(lines)
    return kinds


def main() -> None:
    files = [Path(one) for one in sys.argv[1:]] or sorted(HERE.glob("*/adapter.py"))
    total: Counter[str] = Counter()
    for file in files:
        kinds = count(file.read_text(encoding="utf-8"))
        total += kinds
        print(f"{file.parent.name:12}", *(f"{k} {v:4}" for k, v in sorted(kinds.items())), end=" ")
        print(f"all {kinds.total():4}")
    print(f"{'together':12}", *(f"{k} {v:4}" for k, v in sorted(total.items())), end=" ")
    print(f"all {total.total():4}")


if __name__ == "__main__":
    main()

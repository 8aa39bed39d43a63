"""Show the signatures that callers see: a griffe extension.

The client's methods are written as flows, and `@endpoint` and `@stream` publish their results. The
fields of models carry validators in `Annotated`, which say nothing to a reader.
"""

from __future__ import annotations

from typing import Any

import griffe


class Published(griffe.Extension):
    """Replace `Flow[T]` by `T`, `Flow` streams by `Iterator[T]`, `Annotated[T, ...]` by `T`."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Unwrap what a published method returns."""
        decorators = {str(decorator.value) for decorator in func.decorators}
        if isinstance(func.returns, griffe.ExprSubscript):
            if "endpoint" in decorators:
                func.returns = func.returns.slice
            elif "stream" in decorators:
                func.returns.left = griffe.ExprName("Iterator")

    def on_attribute(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Unwrap the type of a field."""
        annotation = attr.annotation
        if isinstance(annotation, griffe.ExprSubscript):
            if str(annotation.left) == "Annotated" and isinstance(
                annotation.slice, griffe.ExprTuple
            ):
                attr.annotation = annotation.slice.elements[0]
            elif str(annotation.slice) == "D":  # jobs: Jobs[D]
                attr.annotation = annotation.left

"""Resolve a package's public names on first use (PEP 562)."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["forwarded", "lazy"]


def lazy(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package.

    A process imports only the modules whose names it uses: an adapter's container starts once
    for each benchmark. Public submodules resolve as well, without an import statement. A package
    whose every name is lazy gets its `__all__` from here, and a stub file for type checkers.

    Args:
        package: `__name__` of the package.
        homes: The names that each module defines, by module.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: N807 - the name PEP 562 gives it
        if name in home_of:
            value = getattr(import_module(home_of[name]), name)
        elif name == "__all__":
            value = sorted(home_of)
        elif not name.startswith("_") and find_spec(f"{package}.{name}"):
            value = _submodule(package, name)
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807
        from pkgutil import iter_modules

        module = sys.modules[package]
        modules = (found.name for found in iter_modules(module.__path__))
        return sorted({*module.__all__, *(name for name in modules if not name.startswith("_"))})

    return __getattr__, __dir__


def forwarded(module: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return `__getattr__` for a module from which names are imported that live elsewhere.

    Args:
        module: `__name__` of the module.
        homes: The names that each of the other modules defines, by module.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: N807 - the name PEP 562 gives it
        if name not in home_of:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    return __getattr__


def _submodule(package: str, name: str) -> Any:
    try:
        return import_module(f"{package}.{name}")
    except ImportError as error:
        # `hasattr` and completion ask for every name, those of extras that are missing included.
        raise AttributeError(f"module {package!r} has no attribute {name!r}: {error}") from error

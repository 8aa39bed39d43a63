from __future__ import annotations

from typing import Protocol

import pytest
from pydantic import AliasChoices

from evalhub.settings import AdapterSettings, ClientSettings


class SetEnvironment(Protocol):
    def __call__(self, **variables: str) -> None: ...


def _names() -> set[str]:
    names: set[str] = set()
    for settings in (AdapterSettings, ClientSettings):
        for field in settings.model_fields.values():
            match field.validation_alias:
                case AliasChoices(choices=choices):
                    names.update(str(choice) for choice in choices)
                case alias:
                    names.add(str(alias))
    return names


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    """Remove every variable the package reads; call it to set some."""
    for name in _names():
        monkeypatch.delenv(name, raising=False)

    def set_environment(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_environment

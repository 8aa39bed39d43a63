from __future__ import annotations

from typing import Protocol

import pytest

from evalhub.settings import AdapterSettings, ClientSettings, CliSettings, MachineSettings


class SetEnvironment(Protocol):
    def __call__(self, **variables: str) -> None: ...


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    """Remove every variable the package reads; call it to set some."""
    for settings in (AdapterSettings, ClientSettings, CliSettings, MachineSettings):
        for names in settings.variables().values():
            for name in names:
                monkeypatch.delenv(name, raising=False)

    def set_environment(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_environment

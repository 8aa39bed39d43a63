"""`evalhub config`: read and change the profiles of the configuration file."""

from __future__ import annotations

import shlex
import sys
from typing import Any, cast

import click

from evalhub.cli._profile import KEYS, ConfigFile, check_name, masked
from evalhub.errors import ConfigurationError

__all__ = ["config"]

_profile_option = click.option("--profile", metavar="NAME", help="Profile, in place of the active.")


@click.group()
def config() -> None:
    """Read and change profiles: the address of a service and how to authenticate.

    Profiles are stored in ~/.config/evalhub/config.yaml, or the file that EVALHUB_CONFIG names.
    """


@config.command("set")
@click.argument("key")
@click.argument("value", required=False)
@_profile_option
def set_value(key: str, value: str | None, profile: str | None) -> None:
    """Set a key of a profile; without a value it is read from stdin, as befits a token.

    \b
    Examples:
      evalhub config set base_url https://evalhub.example.com
      evalhub config set token < token.txt
      evalhub config set token_command "oc whoami -t"
    """
    file = ConfigFile.read()
    if key not in KEYS:
        click.echo(f"warning: unknown key {key!r}; known are {', '.join(KEYS)}", err=True)
    if value is None:
        if sys.stdin.isatty():
            value = str(click.prompt(key, hide_input=key == "token", err=True))
        else:
            value = sys.stdin.read().strip()
    name = check_name(profile or file.active)
    stored = shlex.split(str(value)) if key == "token_command" else value
    file.profiles.setdefault(name, {})[key] = stored
    file.write()
    click.echo(f"{key} set in profile {name}.")


@config.command("unset")
@click.argument("key")
@_profile_option
def unset(key: str, profile: str | None) -> None:
    """Remove a key of a profile."""
    file = ConfigFile.read()
    name, values = _existing(file, profile)
    if key not in values:
        raise ConfigurationError(f"profile {name!r} has no {key!r}")
    del values[key]
    file.write()
    click.echo(f"{key} removed from profile {name}.")


@config.command("get")
@click.argument("key")
@click.option("--unmask", is_flag=True, help="Print a token whole.")
@_profile_option
def get(key: str, profile: str | None, *, unmask: bool) -> None:
    """Print a key of a profile."""
    name, values = _existing(ConfigFile.read(), profile)
    if key not in values:
        raise ConfigurationError(f"profile {name!r} has no {key!r}")
    click.echo(_shown(key, values[key], unmask=unmask))


@config.command("list")
@click.option("--all", "every", is_flag=True, help="All profiles.")
@_profile_option
def list_command(profile: str | None, *, every: bool) -> None:
    """Print a profile, or all."""
    file = ConfigFile.read()
    names = list(file.profiles) if every else [profile or file.active]
    if every and not names:
        click.echo("there are no profiles; evalhub config set base_url URL makes one", err=True)
    for name in names:
        values = file.profiles.get(name, {})
        click.echo(f"Profile: {name}{' *' if every and name == file.active else ''}")
        for key, value in values.items():
            click.echo(f"  {key}: {_shown(key, value)}")
        if "base_url" not in values:
            click.echo("  base_url is not set", err=True)
    if not every and len(file.profiles) > 1:
        click.echo(f"{len(file.profiles)} profiles in all: evalhub config list --all", err=True)


@config.command("create")
@click.argument("name")
@click.option("--activate", is_flag=True, help="Use it from now on.")
def create(name: str, *, activate: bool) -> None:
    """Create an empty profile."""
    file = ConfigFile.read()
    if check_name(name) in file.profiles:
        raise ConfigurationError(f"there is a profile {name!r} already")
    file.profiles[name] = {}
    if activate:
        file.active = name
    file.write()
    click.echo(f"Profile {name} created.")


@config.command("use")
@click.argument("name")
def use(name: str) -> None:
    """Use a profile from now on."""
    file = ConfigFile.read()
    _existing(file, name)
    file.active = name
    file.write()
    click.echo(f"Profile {name} is in use.")


@config.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a profile that is not in use."""
    file = ConfigFile.read()
    _existing(file, name)
    if name == file.active:
        raise ConfigurationError(
            f"profile {name!r} is in use; evalhub config use another one first"
        )
    del file.profiles[name]
    file.write()
    click.echo(f"Profile {name} deleted.")


def _existing(file: ConfigFile, name: str | None) -> tuple[str, dict[str, object]]:
    wanted = name or file.active
    if wanted not in file.profiles:
        names = ", ".join(file.profiles) or "none"
        raise ConfigurationError(f"there is no profile {wanted!r} (there are: {names})")
    return wanted, file.profiles[wanted]


def _shown(key: str, value: Any, *, unmask: bool = False) -> str:
    if isinstance(value, list):
        return shlex.join(map(str, cast("Any", value)))
    return masked(str(value)) if key == "token" and not unmask else str(value)

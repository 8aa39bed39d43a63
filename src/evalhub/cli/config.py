"""`evalhub config`: profiles of addresses, tokens and tenants."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.complete import profile_names
from evalhub.cli.documents import read_mapping, to_yaml
from evalhub.cli.errors import say
from evalhub.cli.options import examples, options_of
from evalhub.cli.output import clean, write
from evalhub.cli.profile import (
    KEYS,
    ConfigFile,
    checked_name,
    flag,
    folder,
    masked,
    positive,
    write_private,
)
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["config"]

_FILES = ("mcp_config_file", "server_config_file")
_CHECKS: dict[str, Callable[[str, object], object]] = {"insecure": flag, "timeout": positive}
_REQUIRED = ("base_url", "token", "tenant")


@click.group("config")
def config() -> None:
    """Profiles: addresses, tokens, tenants."""


def _keys(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    return [key for key in KEYS if key.startswith(incomplete)]


def _chosen(ctx: click.Context, file: ConfigFile) -> str:
    from evalhub.settings import CliSettings

    return options_of(ctx).profile or CliSettings.from_env().profile or file.active


def _existing(ctx: click.Context, file: ConfigFile) -> dict[str, Any]:
    name = _chosen(ctx, file)
    return file.profile(None if name == file.active else name)


@config.command("set")
@click.argument("key", shell_complete=_keys)
@click.argument("value")
@click.pass_context
@examples(
    "evalhub config set base_url http://localhost:8080",
    "evalhub config set token -",
    'evalhub config set token_command "oc whoami -t"',
)
def set_(ctx: click.Context, key: str, value: str) -> None:
    """Set KEY to VALUE; `-` reads the value from stdin, which keeps it out of the history."""
    if key not in KEYS:
        say(f"warning: {key!r} is not a key that is read; there are {', '.join(KEYS)}")
    value = sys.stdin.readline().rstrip("\n") if value == "-" else value
    if key in _CHECKS and value:
        _CHECKS[key](key, value)
    with ConfigFile.changing() as file:
        name = checked_name(_chosen(ctx, file))
        if key in _FILES:
            value = str(_copied(key, name, value))
        file.profiles.setdefault(name, {})[key] = value
    shown = masked(value) if key == "token" else clean(value)
    write(f"{key} = {shown} (profile {name})\n")


def _copied(key: str, profile: str, source: str) -> Path:
    content = read_mapping(source)
    target = folder() / key.partition("_")[0] / profile / "config.yaml"
    write_private(target, to_yaml(content))
    return target


@config.command("unset")
@click.argument("key", shell_complete=_keys)
@click.pass_context
def unset(ctx: click.Context, key: str) -> None:
    """Remove KEY from the profile."""
    with ConfigFile.changing() as file:
        profile = _existing(ctx, file)
        if key not in profile:
            raise ConfigurationError(f"the profile has no {key!r}: evalhub config list")
        value = profile.pop(key)
        if key in _FILES:
            Path(str(value)).unlink(missing_ok=True)
    write(f"{key} removed\n")


@config.command("get")
@click.argument("key", shell_complete=_keys)
@click.option("--unmask", is_flag=True, help="Show the token itself.")
@click.option("--unfold", is_flag=True, help="Show the file that the key names.")
@click.pass_context
def get(ctx: click.Context, key: str, *, unmask: bool, unfold: bool) -> None:
    """Print the value of KEY."""
    profile = _existing(ctx, ConfigFile())
    if key not in profile:
        raise ConfigurationError(f"the profile has no {key!r}: evalhub config set {key} VALUE")
    if unfold and key in _FILES:
        content = read_mapping(str(profile[key]))
        if "token" in content and not unmask:
            content["token"] = masked(content["token"])
        write(to_yaml(content))
        return
    value = profile[key]
    write(f"{masked(value) if key == 'token' and not unmask else clean(value)}\n")


@config.command("list")
@click.option("--all", "all_", is_flag=True, help="All profiles.")
@click.pass_context
@examples(
    "evalhub config list --all",
)
def list_(ctx: click.Context, *, all_: bool) -> None:
    """Show the profile, secrets masked."""
    file = ConfigFile()
    chosen = _chosen(ctx, file)
    for name in file.profiles if all_ and file.profiles else [chosen]:
        values = file.profiles.get(name, {})
        write(f"Profile: {name}{' *' if all_ and name == file.active else ''}\n")
        for key, value in values.items():
            write(f"  {key}: {masked(value) if key == 'token' else clean(value)}\n")
        missing = [key for key in _REQUIRED if key not in values]
        if missing:
            write(f"  Missing: {', '.join(missing)}\n")
    others = len(file.profiles) - 1
    if not all_ and others > 0:
        say(f"{others} more: evalhub config list --all")
    if file.readable_by_others():
        say(f"warning: others can read {file.path}: chmod 600 {file.path}")


@config.command("create")
@click.argument("name")
@click.option("--activate", is_flag=True, help="Use it from now on.")
def create(name: str, *, activate: bool) -> None:
    """Create a profile."""
    with ConfigFile.changing() as file:
        if checked_name(name) in file.profiles:
            raise ConfigurationError(f"there is a profile {name!r}: evalhub config use {name}")
        file.profiles[name] = {}
        if activate:
            file.content["active_profile"] = name
    write(f"Profile created: {name}\n")


@config.command("use")
@click.argument("name", shell_complete=profile_names)
def use(name: str) -> None:
    """Use a profile from now on."""
    with ConfigFile.changing() as file:
        file.profile(name)
        file.content["active_profile"] = name
    write(f"Active profile: {name}\n")


@config.command("delete")
@click.argument("name", shell_complete=profile_names)
def delete(name: str) -> None:
    """Delete a profile that is not the active one."""
    with ConfigFile.changing() as file:
        file.profile(name)
        if name == file.active:
            raise ConfigurationError(f"{name!r} is the active profile: evalhub config use OTHER")
        del file.profiles[name]
    write(f"Profile deleted: {name}\n")

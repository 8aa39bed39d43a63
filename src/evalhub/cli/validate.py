"""`evalhub validate`: check a file without a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._files import read_mapping
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["validate"]

KINDS = ("job", "provider", "collection", "policy")


@click.command("validate")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--kind", type=click.Choice(KINDS), help="What the files are; else guessed.")
def validate(files: tuple[str, ...], kind: str | None) -> None:
    """Check jobs, providers, collections and gate policies, offline.

    \b
    Examples:
      evalhub validate job.yaml
      evalhub validate provider.yaml --kind provider
    """
    failed: list[ConfigurationError] = []
    for file in files:
        try:
            content = read_mapping(file)
            found = kind or kind_of(content)
            check(found, content)
        except ConfigurationError as error:
            failed.append(error)
            click.echo(f"{file}: {error}", err=True)
        else:
            click.echo(f"{file}: a valid {found}")
    if failed:
        raise ConfigurationError(f"{len(failed)} of {len(files)} files are invalid")


def kind_of(content: Mapping[str, Any]) -> str:
    """Return what a mapping describes, judged by its keys."""
    keys = content.keys()
    if "model" in keys:
        return "job"
    if "runtime" in keys:
        return "provider"
    if not keys.isdisjoint({"require", "watch", "defaults"}):
        return "policy"
    benchmarks: Any = content.get("benchmarks") or ()
    if any(isinstance(one, dict) and "provider_id" in one for one in benchmarks):
        return "collection"
    return "provider" if "benchmarks" in keys else "job"


def check(kind: str, content: Mapping[str, Any]) -> None:
    """Validate a mapping.

    Raises:
        ConfigurationError: It is invalid; all problems are named.
    """
    from evalhub import models
    from evalhub.models._problems import validated

    match kind:
        case "job":
            validated(models.JobSubmissionRequest, content, kind)
        case "provider":
            model = models.ProviderFile if "id" in content else models.ProviderCreateRequest
            validated(model, content, kind)
        case "collection":
            other = models.CollectionFile if "id" in content else models.CollectionCreateRequest
            validated(other, content, kind)
        case _:
            from evalhub.analysis import Policy

            Policy.read(dict(content))

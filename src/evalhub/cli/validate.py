"""`evalhub validate`: check a file without a service, and say in which line it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalhub.cli.documents import Document, check_mapping, read_document
from evalhub.cli.options import examples
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from evalhub.models._base import Model

__all__ = ["build", "validate"]

M = TypeVar("M", bound="Model")


def build(model: type[M], value: Any, document: Document | None = None) -> M:
    """Return a model made of what a person wrote.

    Raises:
        ConfigurationError: It is wrong; each problem is named with its line.
    """
    try:
        return model.model_validate(value)
    except ValueError as error:
        problems = _problems(error, document)
        where = document.name if document else "the job"
        raise ConfigurationError(f"{where} is wrong", details=problems) from error


def _problems(error: ValueError, document: Document | None) -> list[str]:
    cause: Any = error if hasattr(error, "errors") else error.__cause__
    if cause is None or not hasattr(cause, "errors"):
        return [str(error)]
    lines: list[str] = []
    for problem in cause.errors(include_url=False, include_input=False):
        path = tuple(part for part in problem["loc"] if part != "[key]")
        line = document.line(path) if document else None
        place = f"line {line}: " if line else ""
        name = ".".join(str(part) for part in path)
        text = str(problem["msg"]).removeprefix("Value error, ")
        lines.append(f"{place}{name}: {text}" if name else f"{place}{text}")
    return lines


@click.command("validate")
@click.argument("file")
@click.option(
    "--kind",
    type=click.Choice(["job", "provider", "collection", "policy"]),
    help="What the file is; found out from its keys unless given.",
)
@examples(
    "evalhub validate job.yaml",
    "evalhub validate gate.yaml",
)
def validate(file: str, kind: str | None) -> None:
    """Check a job, provider, collection or gate policy FILE offline. `-` reads stdin."""
    from evalhub import models
    from evalhub.analysis import Policy

    document = read_document(file)
    check_mapping(document)
    found = kind or _kind(document.value)
    model: type[Model] = {
        "job": models.JobSubmissionRequest,
        "provider": models.ProviderFile if "id" in document.value else models.ProviderCreateRequest,
        "collection": models.CollectionFile
        if "id" in document.value
        else models.CollectionCreateRequest,
        "policy": Policy,
    }[found]
    build(model, document.value, document)
    click.echo(f"{file}: a {found}, and well-formed")


def _kind(value: dict[str, Any]) -> str:
    if not value.keys().isdisjoint({"require", "watch", "defaults"}):
        return "policy"
    if "runtime" in value or (
        "benchmarks" in value and "category" not in value and "model" not in value
    ):
        return "provider"
    return "collection" if "category" in value and "model" not in value else "job"

"""The page's files, the registry it calls ghcr.io, and its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.registry import docker_registry

from evalhub.oci import verify

if TYPE_CHECKING:
    from docs.context import Context


class Bucket:
    """As much of S3 as the page uses."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, **request: Any) -> None:
        self.objects[f"{request['Bucket']}/{request['Key']}"] = request["Body"]


def setup(ctx: Context) -> None:
    registry = ctx.enter(docker_registry(ctx.directory / "registry", auth="basic"))
    ctx.replace["ghcr.io"] = registry.host
    ctx.namespace["s3"] = Bucket()
    (ctx.directory / "results").mkdir()
    for name in ("results.json", "metrics.csv", "results/samples.jsonl"):
        (ctx.directory / name).write_text("{}")
    ctx.namespace["registry"] = registry


def check(ctx: Context) -> None:
    host = ctx.namespace["registry"].host
    credentials: dict[str, Any] = {"username": "user", "password": "token"}

    assert [
        file.path for file in verify(f"{host}/my-org/results:nightly", **credentials).files
    ] == ["samples.jsonl"]
    assert ctx.namespace["s3"].objects == {"results/job-123/results.json": b"{}"}
    assert ctx.namespace["result"].reference == "s3://results/job-123"

"""A real registry (Debian's docker-registry) on a free loopback port.

with docker_registry(tmp_path, tls=True, auth="basic") as registry:
    push_to(registry.host, registry.username, registry.password, registry.ca)
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from support.process import find, free_port, listening
from support.tls import issue
from support.tokens import ISSUER, SERVICE, TokenServer, token_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERNAME = "pusher"
PASSWORD = "s3cret-push"
_HTPASSWD = f"""\
{USERNAME}:$2b$05$evalhubTestRegistrySaezrVwHCz9KSyi3IVcXi2pVv.gDELa2OS
user:$2b$05$evalhubDocumentedPageOGsi2bWKEydkgqBStDlOPBkPG7Bxywpu
"""
"""The account above, and the one of the documentation (`user`, `token`), under bcrypt."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry."""

    host: str
    """Host and port."""

    scheme: str
    storage: Path
    """Where it keeps blobs and manifests."""

    username: str | None = None
    password: str | None = None
    ca: Path | None = None
    """The authority that signed its certificate, PEM."""

    tokens: TokenServer | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def write_auth_file(self, path: Path, *, password: str | None = None) -> Path:
        """Write a Docker credentials file for this registry."""
        entry = {"username": self.username, "password": password or self.password}
        path.write_text(json.dumps({"auths": {self.host: entry}}))
        return path


@contextmanager
def docker_registry(
    directory: Path,
    *,
    tls: bool = False,
    auth: Literal["basic", "token"] | None = None,
    token_lifetime: float = 300.0,
) -> Iterator[Registry]:
    """Run a registry while the block runs.

    Args:
        directory: Where it keeps everything; one directory for each registry.
        tls: Serve HTTPS with a certificate of an authority made for it.
        auth: `basic` asks for USERNAME and PASSWORD; `token` sends clients to a token server
            that asks for the same.
        token_lifetime: How long a token is accepted, in seconds.
    """
    program = find("docker-registry")
    port = free_port()
    storage = directory / "storage"
    storage.mkdir(parents=True)
    http: dict[str, Any] = {"addr": f"127.0.0.1:{port}", "secret": "one-registry-alone"}
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": http,
    }
    certificate = issue(directory / "tls") if tls or auth == "token" else None
    tokens = None
    with ExitStack() as stack:
        if tls and certificate is not None:
            http["tls"] = {
                "certificate": str(certificate.certificate),
                "key": str(certificate.key),
            }
        if auth == "basic":
            htpasswd = directory / "htpasswd"
            htpasswd.write_text(_HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(htpasswd)}}
        elif auth == "token" and certificate is not None:
            tokens = stack.enter_context(
                token_server(TokenServer(USERNAME, PASSWORD, certificate, token_lifetime))
            )
            config["auth"] = {
                "token": {
                    "realm": tokens.url,
                    "service": SERVICE,
                    "issuer": ISSUER,
                    "rootcertbundle": str(certificate.authority),
                }
            }
        path = directory / "config.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        stack.enter_context(listening([program, "serve", str(path)], port))
        yield Registry(
            host=f"127.0.0.1:{port}",
            scheme="https" if tls else "http",
            storage=storage,
            username=USERNAME if auth else None,
            password=PASSWORD if auth else None,
            ca=certificate.authority if tls and certificate is not None else None,
            tokens=tokens,
        )

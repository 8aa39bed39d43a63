"""The token server of a registry: signs short-lived RS256 tokens, as hosted registries do."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from support.server import QuietHandler, serving
from support.tls import Certificate, openssl

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "test-registry"
ISSUER = "test-issuer"
REGISTRY_LEEWAY_SECONDS = 60
"""The registry takes tokens this long past their end."""


@dataclass(slots=True)
class TokenServer:
    """What the token server is told, and what it has been asked."""

    username: str
    password: str
    certificate: Certificate
    lifetime: float
    """How long the registry accepts a token, in seconds."""

    scopes: list[str] = field(default_factory=list[str])
    """Scope of each token given out, in order."""

    refused: int = 0
    """Requests with no or wrong credentials."""

    url: str = ""

    def allows(self, authorization: str) -> bool:
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return authorization == f"Basic {pair}"

    def sign(self, scope: str) -> str:
        """Return a token for a scope such as `repository:team/results:pull,push`."""
        now = time.time()
        header = {"typ": "JWT", "alg": "RS256", "x5c": [_der(self.certificate)]}
        claims = {
            "iss": ISSUER,
            "sub": self.username,
            "aud": SERVICE,
            "nbf": int(now) - REGISTRY_LEEWAY_SECONDS - 1,
            "iat": int(now),
            "exp": int(now + self.lifetime) - REGISTRY_LEEWAY_SECONDS,
            "jti": str(len(self.scopes)),
            "access": [_access(part) for part in scope.split()],
        }
        signed = b".".join(_url64(json.dumps(part).encode()) for part in (header, claims))
        key = str(self.certificate.key)
        signature = openssl("dgst", "-sha256", "-sign", key, data=signed)
        return (signed + b"." + _url64(signature)).decode()


@contextmanager
def token_server(server: TokenServer) -> Iterator[TokenServer]:
    """Run a token server while the block runs."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name the base calls
            if not server.allows(self.headers.get("Authorization", "")):
                server.refused += 1
                self.reply(401, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
                return
            scope = " ".join(parse_qs(urlsplit(self.path).query).get("scope", []))
            token = server.sign(scope)
            server.scopes.append(scope)
            self.reply(
                200, json.dumps({"token": token, "expires_in": int(server.lifetime)}).encode()
            )

    with serving(Handler) as url:
        server.url = f"{url}/token"
        yield server


def _access(scope: str) -> dict[str, Any]:
    kind, name, actions = scope.split(":", 2)
    # Who may push may pull: the sidecar asks for push alone, and a push looks before it sends.
    granted = set(actions.split(",")) | ({"pull"} if "push" in actions else set())
    return {"type": kind, "name": name, "actions": sorted(granted)}


def _der(certificate: Certificate) -> str:
    pem = certificate.certificate.read_text()
    return "".join(line for line in pem.splitlines() if not line.startswith("-"))


def _url64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")

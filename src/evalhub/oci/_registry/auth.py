# oras has no types.
# pyright: reportMissingTypeStubs=false
"""Answer authentication challenges, and renew tokens before they expire."""

from __future__ import annotations

import time
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oras.auth import TokenAuth
from oras.auth.utils import parse_auth_header

from evalhub.errors import ArtifactError
from evalhub.oci._registry.errors import error_detail, raise_if_transient

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import Response

    from evalhub.oci._registry.credentials import Credentials

__all__ = ["Auth"]

_DEFAULT_LIFETIME = 60.0
"""Seconds a token is valid if the token server gives none (distribution token specification)."""

_RENEWAL_SHARE = 0.75
_CLIENT = "eval-hub-sdk"


class Auth(TokenAuth):  # type: ignore[misc] # oras has no types
    """Basic and bearer authentication for one registry; safe for threads.

    Args:
        credentials: User, token or neither.
        secure: Whether credentials may be sent over HTTPS only.
        request: Sends a request to a token server.
        clock: Monotonic seconds.

    Raises:
        ArtifactError: The token contains characters that a header cannot.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        secure: bool,
        request: Callable[..., Response],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._credentials = credentials
        self._secure = secure
        self._request = request
        self._clock = clock
        self._lock = Lock()
        self._scopes: dict[str, set[str]] = {}
        self._challenge: Any = None
        self._renew_at = float("inf")
        self._header = _bearer(credentials)

    def get_auth_header(self) -> dict[str, str]:
        """Return the header to send; a token close to its expiry is renewed first."""
        with self._lock:
            if self._clock() >= self._renew_at:
                self._fetch_token()
            return {"Authorization": self._header} if self._header else {}

    def authenticate_request(  # pyright: ignore[reportIncompatibleMethodOverride] # inferred there
        self, original: Response, headers: dict[str, Any], refresh: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Answer a challenge; return the headers, and whether the request should be repeated."""
        del refresh
        with self._lock:
            sent = original.request.headers.get("Authorization")
            # Another thread may have answered the challenge meanwhile.
            changed = self._header != sent or self._answer(original, sent)
            return {**headers, **({"Authorization": self._header} if self._header else {})}, changed

    def _answer(self, original: Response, sent: str | bytes | None) -> bool:
        challenge = original.headers.get("WWW-Authenticate", "")
        if "bearer" in challenge.lower() and not self._credentials.bearer:
            self._challenge = parse_auth_header(challenge)
            for scope in (self._challenge.scope or "").split():
                resource, _, actions = scope.rpartition(":")
                self._scopes.setdefault(resource, set()).update(actions.split(","))
            self._fetch_token()
            return True
        basic = self._credentials.basic
        if "basic" in challenge.lower() and basic and sent != basic:
            self._header = basic
            return True
        return False

    def _fetch_token(self) -> None:
        realm = self._challenge.realm or ""
        if self._secure and self._credentials and urlsplit(realm).scheme != "https":
            raise ArtifactError(
                f"the credentials would be sent to {_host(realm)} without encryption; "
                "allow it with insecure"
            )
        asked_at = self._clock()
        response = raise_if_transient(self._request_token(realm), "cannot get a token")
        if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            refused = self._credentials.refused_by(_host(realm))
            raise ArtifactError(f"{refused} ({response.status_code}{error_detail(response)})")
        try:
            answer = response.json()
            token = str(answer.get("token") or answer["access_token"])
            lifetime = float(answer.get("expires_in") or _DEFAULT_LIFETIME)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ArtifactError(f"the response of {_host(realm)} contains no token") from None
        self._header = f"Bearer {token}"
        self._renew_at = asked_at + lifetime * _RENEWAL_SHARE

    def _request_token(self, realm: str) -> Response:
        scopes = [
            f"{name}:{','.join(sorted(actions))}" for name, actions in sorted(self._scopes.items())
        ]
        service = {"service": self._challenge.service} if self._challenge.service else {}
        identity = self._credentials.identity_token
        if identity is None:
            basic = self._credentials.basic
            return self._request(
                "GET",
                realm,
                params=[*service.items(), *(("scope", scope) for scope in scopes)],
                headers={"Authorization": basic} if basic else {},
            )
        form = {
            "grant_type": "refresh_token",
            "client_id": _CLIENT,
            "refresh_token": identity.get_secret_value(),
            "scope": " ".join(scopes),
        }
        return self._request("POST", realm, data={**service, **form})


def _bearer(credentials: Credentials) -> str | None:
    if credentials.bearer is None:
        return None
    token = credentials.bearer.get_secret_value()
    if not (token.isascii() and token.isprintable()):
        raise ArtifactError(
            f"the token from {credentials.source} contains a line break or another character "
            "that a header cannot contain"
        )
    return f"Bearer {token}"


def _host(realm: str) -> str:
    return urlsplit(realm).netloc.rpartition("@")[2] or "the token server"

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr
from requests import PreparedRequest, Response

from evalhub.errors import ArtifactError
from evalhub.oci._registry.auth import Auth
from evalhub.oci._registry.credentials import Credentials
from evalhub.oci._registry.errors import TransientError

BASIC = "Basic " + base64.b64encode(b"me:s3cret").decode()
USER = Credentials(source="test", username="me", password=SecretStr("s3cret"))
NOBODY = Credentials(source="test")


def _challenge(header: str, *, sent: str | None = None) -> Response:
    response = Response()
    response.status_code = 401
    response.headers["WWW-Authenticate"] = header
    response.request = PreparedRequest()
    response.request.prepare("GET", "https://registry/", {"Authorization": sent} if sent else {})
    return response


def _bearer(scope: str = "repository:a:pull", *, sent: str | None = None) -> Response:
    realm = "https://tokens.example/token"
    return _challenge(f'Bearer realm="{realm}",service="registry",scope="{scope}"', sent=sent)


class _Tokens:
    """A token server, and a clock."""

    def __init__(self, status: int = 200, **answer: Any) -> None:
        self.status = status
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []
        self.now = 0.0

    def __call__(self, method: str, url: str, **options: Any) -> Response:
        self.asked.append((method, url, options))
        response = Response()
        response.status_code = self.status
        answer = self.answer or {"token": f"t{len(self.asked)}", "expires_in": 100}
        response._content = json.dumps(answer).encode()
        return response

    def auth(self, credentials: Credentials = USER, *, secure: bool = True) -> Auth:
        return Auth(credentials, secure=secure, request=self, clock=lambda: self.now)


def test_nothing_is_sent_before_it_is_asked_for() -> None:
    assert _Tokens().auth().get_auth_header() == {}


def test_basic() -> None:
    auth = _Tokens().auth()

    assert auth.authenticate_request(_challenge('Basic realm="r"'), {"A": "b"}) == (
        {"A": "b", "Authorization": BASIC},
        True,
    )
    assert auth.get_auth_header() == {"Authorization": BASIC}
    refused = _challenge('Basic realm="r"', sent=BASIC)
    assert auth.authenticate_request(refused, {})[1] is False


@pytest.mark.parametrize("token", ["s3cret\n", "s3cret\N{EM DASH}"])
def test_a_token_that_cannot_be_sent(token: str) -> None:
    given = Credentials(source="the arguments", bearer=SecretStr(token))

    with pytest.raises(ArtifactError, match="the token from the arguments contains") as caught:
        _Tokens().auth(given)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("header", ["", "Negotiate", 'Basic realm="r"'])
def test_a_challenge_nobody_can_answer(header: str) -> None:
    assert _Tokens().auth(NOBODY).authenticate_request(_challenge(header), {}) == ({}, False)


def test_a_token_for_what_is_asked() -> None:
    tokens = _Tokens()

    headers, changed = tokens.auth().authenticate_request(_bearer(), {})

    assert (headers, changed) == ({"Authorization": "Bearer t1"}, True)
    assert tokens.asked == [
        (
            "GET",
            "https://tokens.example/token",
            {
                "params": [("service", "registry"), ("scope", "repository:a:pull")],
                "headers": {"Authorization": BASIC},
            },
        )
    ]


def test_scopes_add_up() -> None:
    tokens = _Tokens()
    auth = tokens.auth()

    auth.authenticate_request(_bearer(), {})
    more = _bearer("repository:a:push repository:b:pull", sent="Bearer t1")
    auth.authenticate_request(more, {})

    assert [value for name, value in tokens.asked[1][2]["params"] if name == "scope"] == [
        "repository:a:pull,push",
        "repository:b:pull",
    ]


def test_another_thread_s_token_is_used() -> None:
    tokens = _Tokens()
    auth = tokens.auth()
    auth.authenticate_request(_bearer(), {})

    headers, changed = auth.authenticate_request(_bearer(), {})

    assert (headers["Authorization"], changed) == ("Bearer t1", True)
    assert len(tokens.asked) == 1


def test_a_token_is_renewed_before_it_ends() -> None:
    tokens = _Tokens()
    auth = tokens.auth()
    auth.authenticate_request(_bearer(), {})

    tokens.now = 74.0
    assert auth.get_auth_header() == {"Authorization": "Bearer t1"}
    tokens.now = 75.0
    assert auth.get_auth_header() == {"Authorization": "Bearer t2"}


def test_anonymous_tokens() -> None:
    tokens = _Tokens(access_token="anonymous")

    headers, _ = tokens.auth(NOBODY).authenticate_request(_bearer(""), {})

    assert headers == {"Authorization": "Bearer anonymous"}
    assert tokens.asked[0][2] == {"params": [("service", "registry")], "headers": {}}


def test_an_identity_token_is_traded() -> None:
    tokens = _Tokens()
    identity = Credentials(source="test", identity_token=SecretStr("identity"))

    tokens.auth(identity).authenticate_request(_bearer(), {})

    assert tokens.asked == [
        (
            "POST",
            "https://tokens.example/token",
            {
                "data": {
                    "service": "registry",
                    "grant_type": "refresh_token",
                    "client_id": "eval-hub-sdk",
                    "refresh_token": "identity",
                    "scope": "repository:a:pull",
                }
            },
        )
    ]


def test_a_token_that_was_given_is_all_there_is() -> None:
    tokens = _Tokens()
    auth = tokens.auth(Credentials(source="test", bearer=SecretStr("given")))

    assert auth.get_auth_header() == {"Authorization": "Bearer given"}
    assert auth.authenticate_request(_bearer(sent="Bearer given"), {})[1] is False
    assert tokens.asked == []


def test_credentials_do_not_leave_without_encryption() -> None:
    plain = _challenge('Bearer realm="http://tokens.example/token"')

    with pytest.raises(ArtifactError, match=r"sent to tokens\.example without encryption"):
        _Tokens().auth().authenticate_request(plain, {})
    assert _Tokens().auth(secure=False).authenticate_request(plain, {})[1]
    assert _Tokens().auth(NOBODY).authenticate_request(plain, {})[1]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_server_that_does_not_know_us(status: int) -> None:
    auth = _Tokens(status, errors=[{"code": "UNAUTHORIZED"}]).auth()

    with pytest.raises(ArtifactError) as caught:
        auth.authenticate_request(_bearer(), {})

    assert str(caught.value) == (
        f"tokens.example refused the credentials of user 'me' from test ({status}: UNAUTHORIZED)"
    )


def test_a_token_server_that_is_busy() -> None:
    with pytest.raises(TransientError, match="cannot get a token: the registry answered 503"):
        _Tokens(503, busy=True).auth().authenticate_request(_bearer(), {})


@pytest.mark.parametrize("answer", [{"no": "token"}, {"token": "t", "expires_in": "soon"}])
def test_an_answer_without_a_token(answer: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError, match=r"the response of tokens\.example contains no token"):
        _Tokens(**answer).auth().authenticate_request(_bearer(), {})


def test_a_challenge_without_a_realm() -> None:
    with pytest.raises(ArtifactError, match="sent to the token server without"):
        _Tokens().auth().authenticate_request(_challenge("Bearer"), {})

from __future__ import annotations

import os
import ssl

import pytest
from support.tls import issue

from evalhub.errors import ConfigurationError
from evalhub.wire.identity import Identity, Token, namespace


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        (" https://hub.example.com/evalhub/ ", "https://hub.example.com/evalhub"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_base_url(url, kept):
    assert Identity(url).base_url == kept


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("localhost:8080", "needs a scheme and a host"),
        ("hub.example.com", "needs a scheme and a host"),
        ("", "needs a scheme and a host"),
        ("ftp://hub", "needs a scheme and a host"),
        ("http://", "needs a scheme and a host"),
        ("http://user:secret@hub", "must not contain credentials"),
        ("http://user:secret@hub:http", "must not contain credentials"),
        ("http://user:secret/secret@hub", "must not contain credentials"),
        ("ftp://user:secret@hub", "must not contain credentials"),
        ("ftp://hub?x=secret", "must not have a query"),
        (None, "base URL 'None' needs a scheme and a host"),
        ("http://hub?x=secret", "must not have a query"),
        ("http://hub#x", "must not have a query"),
        ("http://hub/api/v1/", "must not include /api/v1"),
        ("http://hub:http", "is not a URL"),
    ],
)
def test_base_url_that_is_not_one(url, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Identity(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://127.3.2.1", True),
        ("http://[::1]", True),
        ("http://10.0.0.1", False),
        ("http://hub.example.com", False),
    ],
)
def test_loopback(url, loopback):
    assert Identity(url).is_loopback is loopback


def test_headers_are_those_there_are():
    assert Identity("http://hub").headers() == {}
    assert Identity("http://hub", token=Token("t"), tenant="team").headers() == {
        "Authorization": "Bearer t",
        "X-Tenant": "team",
    }


def test_a_call_may_name_its_tenant_or_none():
    identity = Identity("http://hub", tenant="team")

    assert identity.headers("other") == {"X-Tenant": "other"}
    assert identity.headers("") == {}


@pytest.mark.parametrize("token", ["two\nlines", "ünsafe"])
def test_token_that_no_header_can_hold_is_refused_unseen(token):
    with pytest.raises(ConfigurationError, match=r"^Authorization contains characters") as caught:
        Identity("http://hub", token=Token(token)).headers()
    assert token not in str(caught.value)


def test_token_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "token"
    path.write_text("first\n")
    token = Token(path=path)
    assert token.value() == "first"

    path.write_text("second, longer")

    assert token.value() == "second, longer"


def test_token_file_is_not_read_again_while_it_is_the_same(tmp_path):
    path = tmp_path / "token"
    path.write_text("first")
    token = Token(path=path)
    token.value()
    stat = path.stat()
    path.write_text("other")  # as long, at the same time, in the same file
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert token.value() == "first"
    assert token.renew() is True
    assert token.value() == "other"
    assert token.renew() is False


def test_token_outlives_its_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("first")
    token = Token(path=path)
    token.value()

    path.unlink()

    assert token.value() == "first"


def test_token_file_that_was_never_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot read the token file .*No such file"):
        Token(path=tmp_path / "token").value()


def test_empty_token_file_is_no_token(tmp_path):
    (tmp_path / "token").write_text("\n")

    assert Token(path=tmp_path / "token").value() is None


def test_fixed_token_wins_and_cannot_be_renewed(tmp_path):
    token = Token("fixed", path=tmp_path / "none")

    assert token.value() == "fixed"
    assert token.renew() is False


def test_no_repr_shows_a_token(tmp_path):
    assert repr(Token("secret")) == "Token(fixed)"
    assert repr(Token()) == "Token(none)"
    assert repr(Token(path=tmp_path)) == f"Token({tmp_path})"
    assert "secret" not in repr(Identity("http://hub", token=Token("secret")))


def test_namespace(tmp_path):
    (tmp_path / "namespace").write_text("team-a\n")

    assert namespace(tmp_path / "namespace") == "team-a"
    assert namespace(tmp_path / "nothing") is None


def test_plain_http_and_insecure_need_no_certificates():
    assert Identity("http://hub").verification() is False
    assert Identity("https://hub", insecure=True).verification() is False


def test_given_bundle_is_trusted_alone(tmp_path):
    certificate = issue(tmp_path)

    context = Identity("https://hub", ca_bundle=certificate.authority).verification()

    assert isinstance(context, ssl.SSLContext)
    assert len(context.get_ca_certs()) == 1


def test_bundle_without_certificates(tmp_path):
    (tmp_path / "ca.pem").write_text("not one")

    with pytest.raises(ConfigurationError, match="contains no certificates in PEM format"):
        Identity("https://hub", ca_bundle=tmp_path / "ca.pem").verification()


def test_bundle_that_does_not_exist(tmp_path):
    with pytest.raises(ConfigurationError, match=r"ca.pem does not exist"):
        Identity("https://hub", ca_bundle=tmp_path / "ca.pem")


def test_system_and_cluster_authorities_are_trusted(tmp_path, monkeypatch):
    system, cluster = issue(tmp_path / "system"), issue(tmp_path / "cluster")
    monkeypatch.setenv("SSL_CERT_FILE", str(system.authority))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    identity = Identity("https://hub")

    context = identity.verification((tmp_path / "missing", cluster.authority))

    assert isinstance(context, ssl.SSLContext)
    assert len(context.get_ca_certs()) == 2


def test_an_empty_token_file_means_the_last_token_until_it_is_written(tmp_path):
    file = tmp_path / "token"
    file.write_text("first")
    token = Token(path=file)
    assert token.value() == "first"
    file.write_text("")
    assert token.value() == "first"
    assert token.renew() is False
    file.write_text("second")
    assert token.value() == "second"


@pytest.mark.parametrize("given", ["t0ken\n", " t0ken \r\n"])
def test_white_space_around_a_token_is_not_part_of_it(given):
    assert Token(given).value() == "t0ken"


def test_a_token_with_a_newline_inside_is_refused():
    identity = Identity("http://hub", token=Token("t0\nken"))
    with pytest.raises(ConfigurationError, match="characters that are not allowed"):
        identity.headers()


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: No such file"), ("no PEM", "contains no certificates in PEM format")],
)
@pytest.mark.parametrize("name", ["the CA bundle", "SSL_CERT_FILE"])
def test_a_file_of_certificates_that_has_none_is_named(name, content, problem, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("")
    option = {"ca_bundle" if name == "the CA bundle" else "system_cas": file}
    identity = Identity("https://hub", **option)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        identity.verification()
    assert str(caught.value).startswith(f"{name} {file} {problem}")

"""How registries are reached: schemes, certificates, other hosts, and who gets credentials."""

from __future__ import annotations

import logging
import socket
import ssl
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from requests import ConnectionError as ConnectionFailedError
from requests import ReadTimeout
from requests.exceptions import InvalidURL, SSLError
from support.registry import docker_registry
from support.tls import openssl
from urllib3.exceptions import ProtocolError

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import OCIArtifactPersister, verify
from evalhub.oci._reference import Reference
from evalhub.oci._registry.access import Access
from evalhub.oci._registry.errors import TransientError, request_error
from evalhub.oci._registry.transport import Transport
from evalhub.testing.faults import Answer, Faults

if TYPE_CHECKING:
    from pathlib import Path

    from support.registry import Registry

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def _transport(host: str, scheme: str | None = None, **access: object) -> Transport:
    return Transport(
        Reference(host=host, repository="a/b", scheme=scheme),
        Access(**access),  # type: ignore[arg-type] # a table of fields
    )


def test_the_scheme_is_what_the_registry_speaks(
    registry: Registry, private_registry: Registry
) -> None:
    assert _transport(registry.host).prefix == "http"
    assert _transport(private_registry.host).prefix == "https"
    assert _transport(private_registry.host, insecure=True).prefix == "https"
    assert _transport(registry.host, "https").prefix == "https"
    assert _transport("registry.example").prefix == "https"
    assert _transport("registry.example", "http").prefix == "http"
    assert _transport("registry.example", proxy_host="127.0.0.1:1").origin == "http://127.0.0.1:1"


def test_tls_asked_of_a_registry_without_it(registry: Registry, results: Path) -> None:
    persister = OCIArtifactPersister(f"https://{registry.host}")

    with pytest.raises(ArtifactError, match=f"{registry.host} does not speak TLS; allow plain"):
        persister.persist(OCIArtifactSpec(files_path=results))


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_certificates_that_cannot_be_used(
    private_registry: Registry, results: Path, tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    persister = OCIArtifactPersister(private_registry.host, ca_bundle_path=bundle)

    with pytest.raises(ArtifactError, match=f"cannot load the certificates in {bundle}"):
        persister.persist(OCIArtifactSpec(files_path=results))


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_certificates_of_the_environment_that_cannot_be_used(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    with pytest.raises(ArtifactError, match=f"cannot load the certificates in {bundle}"):
        OCIArtifactPersister("registry.invalid").persist(OCIArtifactSpec(files_path=results))


def test_a_directory_of_certificates(private_registry: Registry, results: Path) -> None:
    assert private_registry.ca is not None
    directory = private_registry.ca.parent / "hashed"
    directory.mkdir()
    name = openssl("x509", "-noout", "-hash", "-in", str(private_registry.ca)).decode().strip()
    (directory / f"{name}.0").write_bytes(private_registry.ca.read_bytes())
    persister = OCIArtifactPersister(
        private_registry.host,
        username=private_registry.username,
        password=f"{private_registry.password}\n",
        ca_bundle_path=directory,
    )

    assert persister.persist(OCIArtifactSpec(files_path=results)).digest


def test_a_socks_proxy_without_its_package(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")

    with pytest.raises(
        ArtifactError, match=r"a SOCKS proxy needs: pip install 'requests\[socks\]'"
    ):
        OCIArtifactPersister("registry.invalid").persist(OCIArtifactSpec(files_path=results))


def test_other_certificates_stay_trusted(private_registry: Registry) -> None:
    transport = _transport("registry.example", ca_bundle_path=private_registry.ca)

    adapter = transport.session.get_adapter("https://registry.example")
    context = adapter.poolmanager.connection_pool_kw["ssl_context"]

    assert context.cert_store_stats()["x509_ca"] > 1
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_one_warning_for_a_registry_without_encryption(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="evalhub")

    for _ in range(2):
        _transport("plain.example", "http")
        _transport("unchecked.example", "https", insecure=True)

    assert caplog.messages == [
        "the registry plain.example is accessed without encryption",
        "the registry unchecked.example is accessed without verifying its certificate",
    ]


def test_docker_hub_s_registry_has_another_name() -> None:
    assert _transport("docker.io").origin == "https://registry-1.docker.io"


def test_a_repository_is_never_taken_for_a_host() -> None:
    place = Reference(host="registry", repository="my.org/results")

    transport = Transport(place, Access())

    assert transport.manifest_url("t") == "https://registry/v2/my.org/results/manifests/t"


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("/v2/x?_state=s", "https://registry.example:5000/v2/x?_state=s"),
        ("http://registry.example/v2/x", "https://registry.example:5000/v2/x"),
        ("https://storage.example/x?sig=s", "https://storage.example/x?sig=s"),
    ],
)
def test_where_uploads_go(registry: Registry, location: str, address: str) -> None:
    with Faults(registry.url) as proxy:
        proxy.always(Answer(202, headers={"Location": location}))
        answer = _transport(proxy.url.removeprefix("http://"), "http").do_request(
            f"{proxy.url}/v2/", "POST"
        )
    answer.request.url = "https://registry.example:5000/v2/a/b/blobs/uploads/"

    assert _transport("registry.example:5000").location(answer) == address


def test_an_upload_without_an_address(registry: Registry, results: Path) -> None:
    with Faults(registry.url) as proxy:
        proxy.always(Answer(202), method="POST")
        with pytest.raises(ArtifactError, match="gave no Location for the upload"):
            OCIArtifactPersister(proxy.url).persist(OCIArtifactSpec(files_path=results))


def test_another_host_gets_no_credentials(registry: Registry) -> None:
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(1 << 16))
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    thread = Thread(target=answer)
    thread.start()
    access = Access(token="s3cret")
    transport = Transport(Reference(host=registry.host, repository="a", scheme="http"), access)
    with listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/upload"
        assert transport.do_request(url, "PUT", data=b"x").status_code == 201
        thread.join()

    assert transport.auth.get_auth_header() == {"Authorization": "Bearer s3cret"}
    assert b"authorization" not in asked[0].lower()


def test_credentials_of_one_registry_are_not_for_another(
    private_registry: Registry, results: Path
) -> None:
    persister = OCIArtifactPersister(
        "registry.example",
        username=private_registry.username,
        password=private_registry.password,
        ca_bundle_path=private_registry.ca,
    )
    coordinates = OCICoordinates(oci_host=private_registry.host, oci_repository="a/b")

    with pytest.raises(ArtifactError, match="requires credentials, and there are none"):
        persister.persist(OCIArtifactSpec(files_path=results, coordinates=coordinates))


def test_a_user_who_may_not_push(tmp_path: Path, results: Path) -> None:
    with (
        docker_registry(tmp_path / "registry", auth="basic") as registry,
        Faults(registry.url) as proxy,
    ):
        proxy.always(Answer(403, b'{"errors":[{"code":"DENIED"}]}'), method="POST")
        persister = OCIArtifactPersister(
            proxy.url, username=registry.username, password=registry.password
        )

        with pytest.raises(
            ArtifactError,
            match=r"user 'pusher' lacks permission in eval-results \(403: DENIED\)",
        ):
            persister.persist(OCIArtifactSpec(files_path=results))


def test_a_token_that_is_for_something_else(tmp_path: Path, results: Path) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="x",error="insufficient_scope"'}
    with docker_registry(tmp_path / "r") as registry, Faults(registry.url) as proxy:
        proxy.always(Answer(401, headers=challenge), method="POST")

        with pytest.raises(ArtifactError, match="the token lacks permission in eval-re"):
            OCIArtifactPersister(proxy.url, token="given").persist(
                OCIArtifactSpec(files_path=results)
            )


def test_an_unknown_host() -> None:
    with pytest.raises(ArtifactError, match=r"cannot verify nowhere\.invalid/a:t: no answer from"):
        verify("nowhere.invalid/a:t")


@pytest.mark.parametrize(
    ("error", "kind", "expected"),
    [
        (ReadTimeout("url?token=s3cret"), TransientError, "host did not answer in time"),
        (ConnectionFailedError("s3cret"), TransientError, "no answer from host: the connection"),
        (
            ConnectionFailedError(
                ProtocolError("aborted", ConnectionResetError(104, "reset by peer"))
            ),
            TransientError,
            "no answer from host: reset by peer",
        ),
        (SSLError("EOF s3cret"), TransientError, "no answer from host: the connection was lost"),
        (InvalidURL("s3cret"), ArtifactError, "host is not the address of a registry"),
    ],
)
def test_every_failure_has_a_name(error: OSError, kind: type[ArtifactError], expected: str) -> None:
    named = request_error(error, "host")  # type: ignore[arg-type] # all are RequestException

    assert type(named) is kind
    assert str(named).startswith(expected)
    assert "s3cret" not in str(named)

"""`OCIRegistry` answers as Debian's docker-registry does, and by the distribution specification."""

from __future__ import annotations

import hashlib
import json
import re
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from support.registry import docker_registry

from evalhub.testing import OCIRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

pytestmark = pytest.mark.e2e

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = b"{}"
LAYER = b"hello" * 1000
COMPARED = (
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Docker-Content-Digest",
    "Docker-Distribution-Api-Version",
    "Link",
    "Location",
    "Range",
)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def manifest(**more: Any) -> bytes:
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(EMPTY, "application/vnd.oci.empty.v1+json"),
        "layers": [descriptor(LAYER, "application/octet-stream")],
        **more,
    }
    return json.dumps(value).encode()


class Client:
    """Sends requests to one registry and keeps what was asked and answered."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.exchanges: list[tuple[str, Any]] = []

    def __call__(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection(self._host, timeout=30)
        connection.request(method, path, body, named)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        kept = {name: self._masked(reply.headers[name] or "") for name in COMPARED}
        if reply.status >= 400:
            is_json = content.startswith(b"{")
            codes = [error["code"] for error in json.loads(content)["errors"]] if is_json else []
            # How an error is worded, and so how long it is, is the registry's own affair.
            answer: Any = (reply.status, kept["Docker-Distribution-Api-Version"], codes)
        else:
            answer = (reply.status, kept, content)
        self.exchanges.append((self._masked(f"{method} {path}"), answer))
        return {name.lower(): value for name, value in reply.headers.items()}

    def _masked(self, text: str) -> str:
        text = text.replace(self._host, "<host>")
        text = re.sub(r"_state=[\w%=-]+", "", text)
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\??", "<id>", text)

    def push(self, name: str, content: bytes) -> None:
        where = self("POST", f"/v2/{name}/blobs/uploads/")["location"]
        self("PUT", with_digest(where, digest(content)), content, Content_Type=OCTETS)


OCTETS = "application/octet-stream"


def with_digest(location: str, value: str) -> str:
    parts = urlsplit(location)
    query = f"{parts.query}&digest={value}" if parts.query else f"digest={value}"
    return f"{parts.path}?{query}"


def target(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def routes(ask: Client) -> None:
    ask("GET", "/v2/")
    ask("GET", "/v2/a/b/tags/list")
    ask("GET", "/v2/_catalog")
    ask("POST", "/v2/a/b/tags/list")


def blobs(ask: Client) -> None:
    path = f"/v2/a/blobs/{digest(LAYER)}"
    ask("HEAD", path)
    ask("GET", path)
    ask.push("a", LAYER)
    ask("HEAD", path)
    ask("GET", path)
    ask("GET", path, Range="bytes=5-9")
    ask("GET", path, Range="bytes=4990-")
    ask("HEAD", f"/v2/other/blobs/{digest(LAYER)}")
    where = ask("POST", "/v2/a/blobs/uploads/")["location"]
    ask("PUT", with_digest(where, digest(b"another")), LAYER, Content_Type=OCTETS)
    ask("HEAD", f"/v2/a/blobs/{digest(b'another')}")


def chunks(ask: Client) -> None:
    where = ask("POST", "/v2/a/blobs/uploads/")["location"]
    ask("GET", target(where))
    half = len(LAYER) // 2
    where = ask("PATCH", target(where), LAYER[:half], Content_Type=OCTETS)["location"]
    ask("GET", target(where))
    where = ask(
        "PATCH",
        target(where),
        LAYER[half:],
        Content_Type=OCTETS,
        Content_Range=f"{half}-{len(LAYER) - 1}",
    )["location"]
    ask("PUT", with_digest(where, digest(LAYER)))
    ask("GET", f"/v2/a/blobs/{digest(LAYER)}")
    where = ask("POST", "/v2/a/blobs/uploads/")["location"]
    ask("DELETE", target(where))
    ask("GET", target(where))
    ask("PATCH", target(where), b"x", Content_Type=OCTETS)


def mounts(ask: Client) -> None:
    ask.push("a", LAYER)
    ask("POST", f"/v2/b/blobs/uploads/?mount={digest(LAYER)}&from=a")
    ask("HEAD", f"/v2/b/blobs/{digest(LAYER)}")
    ask("POST", f"/v2/b/blobs/uploads/?mount={digest(b'none')}&from=a")


def manifests(ask: Client) -> None:
    content = manifest()
    path = "/v2/a/manifests/v1"
    ask("GET", path, Accept=MANIFEST)
    ask("PUT", path, content, Content_Type=MANIFEST)
    for blob in (EMPTY, LAYER):
        ask.push("a", blob)
    ask("PUT", path, b"{", Content_Type=MANIFEST)
    ask("PUT", path, content, Content_Type=MANIFEST)
    for reference in ("v1", digest(content)):
        ask("GET", f"/v2/a/manifests/{reference}", Accept=MANIFEST)
        ask("HEAD", f"/v2/a/manifests/{reference}", Accept=MANIFEST)
    ask("PUT", f"/v2/a/manifests/{digest(b'other')}", content, Content_Type=MANIFEST)
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [descriptor(content, MANIFEST)],
    }
    ask("PUT", "/v2/a/manifests/all", json.dumps(index).encode(), Content_Type=INDEX)
    ask("GET", "/v2/a/manifests/all", Accept=INDEX)
    ask("DELETE", f"/v2/a/manifests/{digest(content)}")
    ask("GET", f"/v2/a/manifests/{digest(content)}", Accept=MANIFEST)


def tags(ask: Client) -> None:
    for blob in (EMPTY, LAYER):
        ask.push("a", blob)
    for tag in ("v2", "v1", "latest"):
        ask("PUT", f"/v2/a/manifests/{tag}", manifest(), Content_Type=MANIFEST)
    ask("GET", "/v2/a/tags/list")
    ask("GET", "/v2/_catalog")


SUBJECTS = [routes, blobs, chunks, mounts, manifests, tags]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.__name__)
def test_the_double_answers_like_a_real_registry(
    subject: Callable[[Client], None],
    tmp_path: Any,
    record_property: Callable[[str, object], None],
) -> None:
    with docker_registry(tmp_path) as real, OCIRegistry() as fake:
        clients = [Client(real.url), Client(fake.url)]
        for client in clients:
            subject(client)
    theirs, ours = clients[0].exchanges, clients[1].exchanges
    record_property("requests", len(theirs))
    differences = [
        f"{asked}\n  real: {answer}\n  fake: {given}"
        for (asked, answer), (_, given) in zip(theirs, ours, strict=True)
        if answer != given
    ]
    assert not differences, "\n".join([f"{len(differences)} of {len(theirs)}", *differences])


@pytest.fixture
def registry() -> Generator[OCIRegistry]:
    with OCIRegistry() as started:
        yield started


def test_referrers_by_subject_and_type(registry: OCIRegistry) -> None:
    ask = Client(registry.url)
    for blob in (EMPTY, LAYER):
        ask.push("a", blob)
    subject = manifest()
    ask("PUT", "/v2/a/manifests/v1", subject, Content_Type=MANIFEST)
    about = manifest(
        subject=descriptor(subject, MANIFEST), artifactType="text/x", annotations={"k": "v"}
    )
    put = ask("PUT", f"/v2/a/manifests/{digest(about)}", about, Content_Type=MANIFEST)
    assert put["oci-subject"] == digest(subject)
    for query, found in (("", 1), ("?artifactType=text/x", 1), ("?artifactType=other", 0)):
        headers = ask("GET", f"/v2/a/referrers/{digest(subject)}{query}")
        status, _, content = ask.exchanges[-1][1]
        assert (status, headers["content-type"]) == (200, INDEX)
        assert headers.get("oci-filters-applied") == ("artifactType" if query else None)
        listed = json.loads(content)["manifests"]
        assert len(listed) == found
        if listed:
            assert listed[0] == {
                **descriptor(about, MANIFEST),
                "artifactType": "text/x",
                "annotations": {"k": "v"},
            }
    ask("GET", f"/v2/unknown/referrers/{digest(subject)}")
    assert json.loads(ask.exchanges[-1][1][2])["manifests"] == []


def test_tags_come_in_pages(registry: OCIRegistry) -> None:
    ask = Client(registry.url)
    for blob in (EMPTY, LAYER):
        ask.push("a", blob)
    for tag in ("c", "a", "b"):
        ask("PUT", f"/v2/a/manifests/{tag}", manifest(), Content_Type=MANIFEST)
    headers = ask("GET", "/v2/a/tags/list?n=2")
    assert headers["link"] == '</v2/a/tags/list?last=b&n=2>; rel="next"'
    assert json.loads(ask.exchanges[-1][1][2])["tags"] == ["a", "b"]
    ask("GET", "/v2/a/tags/list?last=b&n=2")
    assert json.loads(ask.exchanges[-1][1][2])["tags"] == ["c"]


def test_a_chunk_out_of_order_is_refused(registry: OCIRegistry) -> None:
    ask = Client(registry.url)
    where = ask("POST", "/v2/a/blobs/uploads/")["location"]
    ask("PATCH", target(where), b"x", Content_Type=OCTETS, Content_Range="5-5")
    assert ask.exchanges[-1][1][0] == 416


def test_a_blob_in_one_request(registry: OCIRegistry) -> None:
    ask = Client(registry.url)
    ask("POST", f"/v2/a/blobs/uploads/?digest={digest(LAYER)}", LAYER, Content_Type=OCTETS)
    assert ask.exchanges[-1][1][0] == 201
    assert registry.blob("a", digest(LAYER)) == LAYER


def test_a_login_is_demanded_where_one_is_set() -> None:
    with OCIRegistry(username="u", password="p") as registry:
        ask = Client(registry.url)
        challenge = ask("GET", "/v2/")
        assert ask.exchanges[-1][1][0] == 401
        assert challenge["www-authenticate"].startswith("Basic ")
        ask("GET", "/v2/", Authorization="Basic dTpw")
        assert ask.exchanges[-1][1][0] == 200

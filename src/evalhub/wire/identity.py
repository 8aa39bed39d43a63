"""Connection settings: base URL, token, tenant, trusted certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

__all__ = [
    "CLUSTER_CAS",
    "NAMESPACE_FILE",
    "TOKEN_FILE",
    "Identity",
    "Token",
    "is_loopback",
    "namespace",
]

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

NAMESPACE_FILE = _SERVICE_ACCOUNT / "namespace"
"""The only service account file in an adapter's container (wire contract 4.2)."""

TOKEN_FILE = _SERVICE_ACCOUNT / "token"
"""The token of other pods, which the command line uses where it is given none."""

CLUSTER_CAS = (
    Path("/etc/pki/ca-trust/source/anchors/service-ca.crt"),
    _SERVICE_ACCOUNT / "service-ca.crt",
    _SERVICE_ACCOUNT / "ca.crt",
)
"""Paths at which a cluster mounts its own CA certificates."""


def namespace(path: Path = NAMESPACE_FILE) -> str | None:
    """Return the namespace of the pod, which is its tenant; `None` outside a cluster."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def is_loopback(hostname: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    try:
        return ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


class Token:
    """A bearer token: a value, or a file that is replaced when the token expires.

    Args:
        fixed: The token; takes precedence over a file.
        path: File that holds the token; read when first needed and whenever it changes.
    """

    def __init__(self, fixed: str | None = None, *, path: Path | None = None) -> None:
        self._path = None if fixed else path
        self._value = fixed.strip() if fixed else None
        self._seen: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        source = str(self._path) if self._path else "fixed" if self._value else "none"
        return f"Token({source})"

    def value(self) -> str | None:
        """Return the current token.

        Raises:
            ConfigurationError: The file cannot be read, and no token was read before.
        """
        if self._path is None:
            return self._value
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                content = self._path.read_text(encoding="utf-8").strip()
                # An empty file is about to be written: until then the last token is good.
                self._value = content or self._value
                self._seen = seen if content else None
        except OSError as error:
            if self._value is None:
                raise ConfigurationError(
                    f"cannot read the token file {self._path}: {error.strerror}"
                ) from error
        return self._value

    def renew(self) -> bool:
        """Read the file again even if it looks unchanged; return whether the token changed."""
        before, self._seen = self._value, None
        return self.value() != before


@dataclass(frozen=True, slots=True)
class Identity:
    """Where requests go, and how they authenticate.

    Args:
        base_url: Scheme, host and port, with a path only if a gateway adds one.
        token: Bearer token.
        tenant: Value of `X-Tenant`; `None` sends none.
        ca_bundle: Certificates to trust in place of the system's and the cluster's.
        insecure: Whether to skip the verification of certificates.
        system_cas: File of the system's certificates, if it is not where OpenSSL looks.

    Raises:
        ConfigurationError: The base URL is invalid, or the bundle does not exist.
    """

    base_url: str
    token: Token = field(default_factory=Token)
    tenant: str | None = None
    ca_bundle: Path | None = None
    insecure: bool = False
    system_cas: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked_base_url(self.base_url))
        if self.ca_bundle is not None and not self.ca_bundle.is_file():
            raise ConfigurationError(f"the CA bundle {self.ca_bundle} does not exist")

    @property
    def is_loopback(self) -> bool:
        """Whether the service is on this machine, so that no proxy is used."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    def headers(self, tenant: str | None = None) -> dict[str, str]:
        """Return the headers of a request: authorization and tenant.

        Args:
            tenant: In place of the identity's own.

        Raises:
            ConfigurationError: The token cannot be read, or a value is not valid in a header.
        """
        headers: dict[str, str] = {}
        if token := self.token.value():
            headers["Authorization"] = f"Bearer {token}"
        if tenant := self.tenant if tenant is None else tenant:
            headers["X-Tenant"] = tenant
        for name, value in headers.items():
            # Without the value: it may be a secret.
            if not (value.isascii() and value.isprintable()):
                raise ConfigurationError(
                    f"{name} contains characters that are not allowed in a header"
                )
        return headers

    def verification(self, cluster_cas: Sequence[Path] = CLUSTER_CAS) -> ssl.SSLContext | bool:
        """Return the `verify` argument for httpx: a context, or `False` if none is needed.

        A CA bundle replaces all other certificates. Without one, the system's (or those named
        by `SSL_CERT_FILE` and `SSL_CERT_DIR`) and the cluster's are trusted.

        Args:
            cluster_cas: Paths of the cluster's CA certificates; those that exist are used.

        Raises:
            ConfigurationError: A file of certificates is missing, or contains none.
        """
        if self.insecure or self.base_url.startswith("http:"):
            return False
        import ssl  # slow to load, and not needed on loopback

        if self.ca_bundle is not None:
            return _trusting(self.ca_bundle, "the CA bundle")
        if self.system_cas is not None:
            _trusting(self.system_cas, "SSL_CERT_FILE")  # OpenSSL would ignore it without a word
        context = ssl.create_default_context()
        for path in cluster_cas:
            if path.is_file():
                context.load_verify_locations(path)
        return context


def _trusting(file: Path, name: str) -> ssl.SSLContext:
    import ssl

    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{name} {file} contains no certificates in PEM format") from error
    except OSError as error:
        raise ConfigurationError(f"{name} {file} cannot be read: {error.strerror}") from error


def _checked_base_url(url: str) -> str:
    url = str(url).strip()
    # First, because the errors below show the URL.
    if "@" in url:
        raise ConfigurationError("base URL must not contain credentials; pass auth_token")
    if "?" in url or "#" in url:
        raise ConfigurationError("base URL must not have a query or a fragment")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"base URL {url!r} is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"base URL {url!r} needs a scheme and a host, as in http://HOST:PORT"
        )
    path = parts.path.rstrip("/")
    if path.endswith("/api/v1"):
        raise ConfigurationError(
            f"base URL {url!r} must not include /api/v1, which is added to every request"
        )
    return f"{parts.scheme}://{parts.netloc}{path}"

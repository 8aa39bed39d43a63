"""A certificate authority of our own, and certificates for loopback, by the openssl program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.process import find

if TYPE_CHECKING:
    from pathlib import Path

DAYS = "2"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of a certificate, its key, and the authority that signed it (all PEM)."""

    authority: Path
    certificate: Path
    key: Path


def openssl(*arguments: str, data: bytes | None = None) -> bytes:
    """Run openssl and return what it prints."""
    command = [find("openssl"), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def issue(directory: Path) -> Certificate:
    """Make an authority and a certificate for localhost, 127.0.0.1 and ::1."""
    directory.mkdir(parents=True, exist_ok=True)
    made = Certificate(*(directory / name for name in ("ca.pem", "server.pem", "server.key")))
    ca_key, request, extensions = (directory / n for n in ("ca.key", "server.csr", "server.ext"))
    _authority(made.authority, ca_key)
    openssl(
        *("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
        *("-keyout", str(made.key), "-out", str(request)),
    )
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n")
    openssl(
        *("x509", "-req", "-in", str(request), "-out", str(made.certificate), "-days", DAYS),
        *("-CA", str(made.authority), "-CAkey", str(ca_key), "-CAcreateserial"),
        *("-extfile", str(extensions)),
    )
    return made


def _authority(certificate: Path, key: Path) -> None:
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS),
        *("-subj", "/CN=test authority", "-keyout", str(key), "-out", str(certificate)),
        # Python 3.13 refuses an authority that does not say it may sign.
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )

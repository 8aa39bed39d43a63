"""The real runtime sidecar of the service: what stands between an adapter and the rest of a pod.

with runtime_sidecar(tmp_path, eval_hub=service.url, job_spec=spec) as sidecar:
    run_adapter(callback_url=sidecar.url)
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.process import find, free_port, listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar."""

    url: str
    port: int


@contextmanager
def runtime_sidecar(
    directory: Path,
    *,
    eval_hub: str,
    job_spec: Mapping[str, Any] | None = None,
    local_mode: bool = False,
    model_url: str | None = None,
    model_secrets: Path | None = None,
    oci_auth: Path | None = None,
    oci_ca: Path | None = None,
    config: Mapping[str, Any] | None = None,
) -> Iterator[Sidecar]:
    """Run `eval-runtime-sidecar` while the block runs (wire contract 5).

    Args:
        directory: Where its configuration and the job file go.
        eval_hub: Base URL that events are passed on to.
        job_spec: What job.json says; it names the repository that pushes may go to.
        local_mode: Run as beside a local service instead of in a pod.
        model_url: Base URL that everything else is passed on to.
        model_secrets: Directory of the model's secret, one file for each key.
        oci_auth: Docker credentials file; needed where the job exports to a registry.
        oci_ca: Certificate authority of the registry.
        config: Further keys of the configuration.
    """
    program = find("eval-runtime-sidecar")
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings: dict[str, Any] = {
        "base_url": url,
        "local_mode": local_mode,
        "eval_hub": {"base_url": eval_hub},
    }
    if model_url is not None:
        settings["model"] = {"url": model_url}
        if model_secrets is not None:
            settings["model"]["auth_secret_mount_path"] = str(model_secrets)
    if oci_ca is not None:
        settings["oci"] = {"ca_cert_path": str(oci_ca)}
    settings_path = directory / "sidecar_config.json"
    settings_path.write_text(json.dumps({**settings, **(config or {})}))
    spec_path = directory / "job.json"
    spec_path.write_text(json.dumps(job_spec or {}))
    env = {"JOB_SPEC_PATH": str(spec_path)}
    if oci_auth is not None:
        env["OCI_AUTH_CONFIG_PATH"] = str(oci_auth)
    with listening([program, "-sidecarconfig", str(settings_path)], port, env=env):
        yield Sidecar(url, port)

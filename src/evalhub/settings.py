"""Every environment variable the package knows, read here and nowhere else."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AliasChoices,
    AliasPath,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AdapterSettings",
    "CliSettings",
    "ClientSettings",
    "EvalHubMode",
    "MachineSettings",
    "MlflowBackend",
    "MlflowSettings",
]

CLUSTER_JOB_SPEC_PATH = Path("/meta/job.json")
"""Where the service mounts the job file; it sets no variable for it (wire contract 4.2)."""

LOCAL_JOB_SPEC_PATH = Path("meta/job.json")


class EvalHubMode(StrEnum):
    """Where an adapter runs."""

    LOCAL = "local"
    K8S = "k8s"


class MlflowBackend(StrEnum):
    """Which client writes runs: this package's own, or that of the `mlflow` package."""

    ODH = "odh"
    UPSTREAM = "upstream"


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class _Environment(BaseSettings):
    """Fields are read from the variables that their aliases name; an argument wins."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        dotenv_filtering="only_existing",
        env_ignore_empty=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
        protected_namespaces=(),
        defer_build=True,  # a process reads one of them
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read variables by their own names alone; `mode` or `tenant` may be anyone's."""
        del settings_cls, file_secret_settings
        for source in (env_settings, dotenv_settings):
            source.config = SettingsConfigDict(**source.config)
            source.config["populate_by_name"] = False
        return init_settings, env_settings, dotenv_settings

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Name the fields that were set; the others are the defaults."""
        return [(name, getattr(self, name)) for name in sorted(self.model_fields_set)]

    @classmethod
    def variables(cls) -> dict[str, tuple[str, ...]]:
        """Return the environment variables of each field; the first one set wins."""
        return {name: _names(field.validation_alias) for name, field in cls.model_fields.items()}

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigurationError: A variable has an invalid value; all are named at once, their
                values are not shown.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            names = [str(problem["loc"][0]) for problem in problems]
            raise ConfigurationError(
                f"invalid environment variable{'s' if len(names) > 1 else ''}: {', '.join(names)}",
                details=[f"{problem['loc'][0]}: {problem['msg']}" for problem in problems],
            ) from None

    @classmethod
    def usable(cls) -> Self:
        """Read the environment as if its invalid variables were not set."""
        try:
            return cls()
        except ValidationError as error:
            invalid = {problem["loc"][0] for problem in error.errors()}
        variables = cls.variables()
        return cls(
            **{
                name: field.default
                for name, field in cls.model_fields.items()
                if not invalid.isdisjoint(variables[name])
            }
        )


class AdapterSettings(_Environment):
    """The environment variables of an adapter's process."""

    mode: Annotated[EvalHubMode, BeforeValidator(_lower)] = Field(
        default=EvalHubMode.LOCAL, validation_alias="EVALHUB_MODE"
    )
    job_spec_path: Path | None = Field(default=None, validation_alias="EVALHUB_JOB_SPEC_PATH")
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL")

    registry_url: str | None = Field(default=None, validation_alias="REGISTRY_URL")
    """Registry host, or `oci:PATH` for an image layout on disk."""

    registry_username: str | None = Field(default=None, validation_alias="REGISTRY_USERNAME")
    registry_password: SecretStr | None = Field(default=None, validation_alias="REGISTRY_PASSWORD")
    registry_insecure: bool = Field(default=False, validation_alias="REGISTRY_INSECURE")
    oci_auth_config_path: Path | None = Field(default=None, validation_alias="OCI_AUTH_CONFIG_PATH")
    oci_insecure: bool = Field(default=False, validation_alias="OCI_INSECURE")
    docker_config_dir: Path | None = Field(default=None, validation_alias="DOCKER_CONFIG")
    artifacts_dir: Path | None = Field(default=None, validation_alias="EVALHUB_ARTIFACTS_DIR")

    auth_token_path: Path | None = Field(default=None, validation_alias="EVALHUB_AUTH_TOKEN_PATH")
    ca_bundle_path: Path | None = Field(default=None, validation_alias="EVALHUB_CA_BUNDLE_PATH")
    evalhub_insecure: bool = Field(default=False, validation_alias="EVALHUB_INSECURE")
    ssl_cert_file: Path | None = Field(default=None, validation_alias="SSL_CERT_FILE")
    """The system's certificates, if they are not where OpenSSL looks."""

    report_timeout: float = Field(default=600.0, ge=0, validation_alias="EVALHUB_REPORT_TIMEOUT")
    """How long a final report is tried, in seconds."""

    termination_grace: float = Field(
        default=20.0, ge=0, validation_alias="EVALHUB_TERMINATION_GRACE"
    )
    """How long a terminated adapter may take to clean up and report, in seconds."""

    spool_dir: Path | None = Field(default=None, validation_alias="EVALHUB_SPOOL_DIR")
    """Where reports that did not reach the service are kept."""

    mlflow_backend: Annotated[MlflowBackend, BeforeValidator(_lower)] = Field(
        default=MlflowBackend.ODH, validation_alias="EVALHUB_MLFLOW_BACKEND"
    )
    mlflow_tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    mlflow_workspace: str | None = Field(default=None, validation_alias="MLFLOW_WORKSPACE")
    otel_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    otel_service_name: str | None = Field(default=None, validation_alias="OTEL_SERVICE_NAME")
    otel_protocol: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_PROTOCOL")
    """`grpc`, the default, or `http/protobuf`."""

    otel_disabled: bool = Field(default=False, validation_alias="OTEL_SDK_DISABLED")
    otel_traces_exporter: str | None = Field(default=None, validation_alias="OTEL_TRACES_EXPORTER")
    """`none` sends no spans; likewise the next two for log records and metrics."""

    otel_logs_exporter: str | None = Field(default=None, validation_alias="OTEL_LOGS_EXPORTER")
    otel_metrics_exporter: str | None = Field(
        default=None, validation_alias="OTEL_METRICS_EXPORTER"
    )
    traceparent: str | None = Field(default=None, validation_alias="TRACEPARENT")
    tracestate: str | None = Field(default=None, validation_alias="TRACESTATE")

    @property
    def resolved_job_spec_path(self) -> Path:
        """The job file: the one named, else where the mode puts it."""
        if self.job_spec_path is not None:
            return self.job_spec_path
        if self.mode is EvalHubMode.LOCAL and LOCAL_JOB_SPEC_PATH.exists():
            return LOCAL_JOB_SPEC_PATH
        return CLUSTER_JOB_SPEC_PATH

    @property
    def job_folder(self) -> Path | None:
        """The job's own folder in local mode; `None` without a job file, and in a cluster."""
        path = self.resolved_job_spec_path
        if self.mode is not EvalHubMode.LOCAL or not path.is_file():
            return None
        folder = path.absolute().parent
        folder = folder.parent if folder.name == "meta" else folder
        # A container started by hand has its job in `/meta`; its root belongs to no job.
        return None if folder == folder.parent else folder

    @property
    def resolved_auth_token_path(self) -> Path | None:
        """The file that holds the token for the service; in a cluster the sidecar adds its own."""
        return self.auth_token_path

    @property
    def resolved_ca_bundle_path(self) -> Path | None:
        """The certificates to trust besides the system's, where there are any."""
        from evalhub.wire.identity import CLUSTER_CAS

        return self.ca_bundle_path or next((path for path in CLUSTER_CAS if path.is_file()), None)

    @property
    def docker_config_path(self) -> Path | None:
        """Docker's configuration file, which may hold credentials for registries."""
        if self.docker_config_dir is not None:
            return self.docker_config_dir / "config.json"
        try:
            return Path.home() / ".docker" / "config.json"
        except RuntimeError:  # a container's user need not have a home
            return None

    def validate_runtime(self) -> None:
        """Check that every file that the settings name exists and can be read.

        Raises:
            ConfigurationError: One or more are not; all are named at once.
        """
        files = {
            "EVALHUB_JOB_SPEC_PATH": self.resolved_job_spec_path,
            "OCI_AUTH_CONFIG_PATH": self.oci_auth_config_path,
            "EVALHUB_AUTH_TOKEN_PATH": self.auth_token_path,
            "EVALHUB_CA_BUNDLE_PATH": self.ca_bundle_path,
        }
        problems = [
            f"{name}: {path} {problem}"
            for name, path in files.items()
            if path is not None and (problem := _unreadable(path))
        ]
        if problems:
            raise ConfigurationError(
                f"{len(problems)} of the files the adapter needs cannot be read", details=problems
            )


class ClientSettings(_Environment):
    """The environment variables of a script that uses the client."""

    base_url: str = Field(
        default="http://localhost:8080",
        validation_alias=AliasChoices("EVALHUB_BASE_URL", "EVALHUB_URL"),
    )
    auth_token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("EVALHUB_TOKEN", "EVALHUB_AUTH_TOKEN")
    )
    auth_token_path: Path | None = Field(default=None, validation_alias="EVALHUB_AUTH_TOKEN_PATH")
    ca_bundle_path: Path | None = Field(default=None, validation_alias="EVALHUB_CA_BUNDLE_PATH")
    insecure: bool = Field(default=False, validation_alias="EVALHUB_INSECURE")
    tenant: str | None = Field(default=None, validation_alias="EVALHUB_TENANT")
    ssl_cert_file: Path | None = Field(default=None, validation_alias="SSL_CERT_FILE")
    """The system's certificates, if they are not where OpenSSL looks."""


class CliSettings(_Environment):
    """The environment variables of the command line, beside those of the client."""

    config: Path | None = Field(default=None, validation_alias="EVALHUB_CONFIG")
    profile: str | None = Field(default=None, validation_alias="EVALHUB_PROFILE")
    verbose: bool = Field(default=False, validation_alias="EVALHUB_VERBOSE")
    cache_dir: Path | None = Field(default=None, validation_alias="XDG_CACHE_HOME")
    clicolor_force: str | None = Field(default=None, validation_alias="CLICOLOR_FORCE")
    no_color: str | None = Field(default=None, validation_alias="NO_COLOR")
    server_bin: Path | None = Field(default=None, validation_alias="EVALHUB_SERVER_BIN")
    step_summary: Path | None = Field(default=None, validation_alias="GITHUB_STEP_SUMMARY")
    """File to which a step of a GitHub workflow appends its summary."""


class MachineSettings(_Environment):
    """What a pod's manifest tells of the machine, for the card of the environment."""

    container_image: str | None = Field(default=None, validation_alias="EVALHUB_CONTAINER_IMAGE")
    cpu_limit: str | None = Field(default=None, validation_alias="MY_CPU_LIMIT")
    """Limits of the adapter's container, which a manifest passes on with `resourceFieldRef`."""

    memory_limit: str | None = Field(default=None, validation_alias="MY_MEM_LIMIT")
    gpu_limit: str | None = Field(default=None, validation_alias="MY_GPU_LIMIT")


class MlflowSettings(_Environment):
    """The environment variables of the MLflow client."""

    tracking_uri: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_URI")
    token: SecretStr | None = Field(default=None, validation_alias="MLFLOW_TRACKING_TOKEN")
    token_path: Path | None = Field(default=None, validation_alias="MLFLOW_TRACKING_TOKEN_PATH")
    workspace: str | None = Field(default=None, validation_alias="MLFLOW_WORKSPACE")
    ca_bundle: Path | None = Field(
        default=None, validation_alias="MLFLOW_TRACKING_SERVER_CERT_PATH"
    )
    insecure: bool = Field(
        default=False,
        validation_alias=AliasChoices(
            "MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_INSECURE_SKIP_TLS_VERIFY"
        ),
    )
    username: str | None = Field(default=None, validation_alias="MLFLOW_TRACKING_USERNAME")
    password: SecretStr | None = Field(default=None, validation_alias="MLFLOW_TRACKING_PASSWORD")

    @property
    def token_value(self) -> str | None:
        """The token, unveiled."""
        return self.token.get_secret_value() if self.token else None

    @property
    def login(self) -> str | None:
        """User and password for basic authentication, with a colon between."""
        if self.username is None:
            return None
        return f"{self.username}:{self.password.get_secret_value() if self.password else ''}"


def _names(alias: str | AliasPath | AliasChoices | None) -> tuple[str, ...]:
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return tuple(choice for choice in choices if isinstance(choice, str))


def _unreadable(path: Path) -> str:
    if not path.exists():
        return "does not exist"
    if not path.is_file():
        return "is not a file"
    return "" if os.access(path, os.R_OK) else "is not readable"

"""Every setting of the server, read once: a name, a unit and a bound each.

``MULTITAP_PORT=9000`` in the environment is `port`; values of the command line go before it.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from multitap_registry.postgresql import parse_database_url

from .errors import ConfigError

PREFIX: Final = "MULTITAP_"
# Settings of the client and the command, which may share an environment with a server.
CLIENT_KEYS: Final = frozenset({"MULTITAP_URL", "MULTITAP_KEY"})
# Settings whose values no message shows.
SECRETS: Final = frozenset({"database"})

Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=1, le=2**32)]
# A name, an IPv4 address, or an IPv6 address in brackets; never a pattern, never a port.
HostName = Annotated[
    str,
    Field(max_length=253, pattern=r"^([a-z0-9]([a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$"),
]


def _split(value: object) -> object:
    """Return the parts of a list with commas, as an environment has to write one."""
    return [part.strip().lower() for part in value.split(",")] if isinstance(value, str) else value


def _registry_folder() -> Path:
    return Path.home() / ".multitap" / "registry"


def _require_database_url(secret: SecretStr) -> SecretStr:
    parse_database_url(secret.get_secret_value())
    return secret


class ServerConfig(BaseModel):
    """The settings of one server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1", min_length=1, max_length=253, description="address to listen on"
    )
    port: int = Field(default=8000, ge=0, le=65_535, description="port; 0 takes a free one")
    allow_unauthenticated: bool = Field(
        default=False, description="listen beyond loopback although there are no keys"
    )
    allowed_hosts: Annotated[tuple[HostName, ...], BeforeValidator(_split)] = Field(
        default=(),
        max_length=64,
        description="names in Host besides loopback's, with commas between them",
    )
    registry: Path = Field(
        default_factory=_registry_folder, description="folder of tasks and adapters"
    )
    database: Annotated[SecretStr, AfterValidator(_require_database_url)] | None = Field(
        default=None,
        description="URL of a PostgreSQL database that servers share; none: SQLite in the folder",
    )
    blobs: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_024,
        description="`s3://bucket/prefix` for adapter files, or nothing: the registry's folder",
    )
    backbone: str = Field(
        default="embedded",
        min_length=1,
        max_length=4_096,
        description="`embedded`, a local folder, or a hub id",
    )
    starter: bool = Field(default=True, description="fill an empty registry with the starter tasks")

    threads: int = Field(default=0, ge=0, le=1_024, description="torch threads; 0: every core")
    batch_tokens: int = Field(
        default=4_096, ge=1, le=1_048_576, description="tokens of one forward pass"
    )
    queued_tokens: int = Field(
        default=262_144, ge=1, le=2**30, description="tokens that may wait for the engine"
    )
    adapter_bytes: int = Field(
        default=2 * 2**30, ge=1, le=2**40, description="adapters kept in memory, bytes"
    )

    json_bytes: Bytes = Field(default=8 * 2**20, description="size of a JSON body, bytes")
    upload_bytes: Bytes = Field(default=256 * 2**20, description="size of an adapter file, bytes")
    body_idle_s: Seconds = Field(default=15, description="wait for the next part of a body, s")
    json_body_s: Seconds = Field(default=30, description="wait for a whole JSON body, s")
    upload_body_s: Seconds = Field(default=900, description="wait for a whole upload, s")
    upload_sessions: int = Field(
        default=64, ge=1, le=4_096, description="uploads in parts that may be open"
    )
    upload_session_bytes: int = Field(
        default=4 * 2**30, ge=1, le=2**44, description="size of all open uploads in parts, bytes"
    )
    upload_grace_s: float = Field(
        default=86_400,
        gt=0,
        le=30 * 86_400,
        allow_inf_nan=False,
        description="life of an upload in parts without more bytes, s",
    )

    rows_per_call: int = Field(
        default=1_024,
        ge=1,
        le=100_000,
        description="rows of one call: inputs times tasks, windows",
    )
    characters_per_row: int = Field(
        default=100_000, ge=1, le=10_000_000, description="characters of one row"
    )
    scores_per_call: int = Field(
        default=200_000, ge=1, le=10_000_000, description="scores, entities or values of one answer"
    )
    json_depth: int = Field(default=16, ge=4, le=200, description="nesting of a JSON body")
    predict_timeout_s: Seconds = Field(
        default=60, description="deadline of a call without `timeout_ms`, s"
    )

    encode_threads: int = Field(default=2, ge=1, le=64, description="threads that tokenize")
    storage_threads: int = Field(default=4, ge=1, le=64, description="threads that read storage")
    waiting_calls: int = Field(
        default=512, ge=1, le=100_000, description="calls that may wait for a thread of a kind"
    )
    event_waiters: int = Field(
        default=256, ge=1, le=65_536, description="calls that may wait for the next event"
    )
    uploads: int = Field(default=4, ge=1, le=64, description="uploads at the same time")

    keep_alive_s: Seconds = Field(default=75, description="life of an idle connection, s")
    drain_s: Seconds = Field(default=30, description="time for running calls at the end, s")

    @property
    def database_url(self) -> str | None:
        """The database's URL, with its password."""
        return None if self.database is None else self.database.get_secret_value()

    @property
    def beyond_loopback(self) -> bool:
        """Whether others than this machine may reach the address."""
        try:
            return self.host != "localhost" and not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True

    @property
    def host_names(self) -> tuple[str, ...]:
        """What Host may name besides loopback: what was allowed, and an address beyond loopback."""
        if not self.beyond_loopback:
            return self.allowed_hosts
        return (*self.allowed_hosts, f"[{self.host}]" if ":" in self.host else self.host.lower())

    @classmethod
    def read(
        cls, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None
    ) -> Self:
        """Read the settings from an environment; `overrides` that are not None go before it.

        Raises:
            ConfigError: a key or value that is not as it should be, by name.
        """
        names = {f"{PREFIX}{name.upper()}": name for name in cls.model_fields}
        values: dict[str, object] = {}
        for key, text in environ.items():
            if key in names:
                values[names[key]] = text
            elif key.startswith(PREFIX) and key not in CLIENT_KEYS:
                expected = ", ".join(names)
                message = f"unknown setting {key!r}, expected one of {expected}"
                raise ConfigError(message)
        values |= {name: value for name, value in (overrides or {}).items() if value is not None}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(_describe(error)) from error


def _describe(error: ValidationError) -> str:
    parts: list[str] = []
    for fault in error.errors(include_url=False):
        names = [str(part) for part in fault["loc"]]
        value = "not shown" if SECRETS.intersection(names) else repr(fault["input"])
        told = f"{fault['msg'][:1].lower()}{fault['msg'][1:]}"
        parts.append(f"setting {'.'.join(names)!r} is {value}: {told}")
    return "; ".join(parts)

"""Process settings: the environment (``MLC_``) over ``ml-connector.toml`` over defaults. The only reader of either.

The sections ``sync``, ``customers``, ``contacts``, ``products``, ``orders``, ``order_status``, ``matching`` and
``events`` are handed on as they stand; the rooms that own them validate them.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ml_connector.errors import ConfigurationError

CONFIG_FILE = "ml-connector.toml"


class Settings(BaseSettings):
    """What one process is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="MLC_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("ml-connector", appauthor=False)),
        description="Holds ml-connector.toml, mappings/, the database and the key file.",
    )
    database_url: str = Field(
        default="", description="sqlite:///PATH or postgresql://…; empty: a file in home."
    )
    connection: str = Field(default="default", description="Name of the connection commands work on.")
    master_key: SecretStr | None = Field(
        default=None, description="Base64 of 32 bytes; overrides the key file."
    )
    master_key_file: Path | None = Field(default=None, description="Another place for the key file.")
    allow_local: bool = Field(
        default=False,
        description="Permits http, loopback hosts and values under their safe floor (twins, tests).",
    )
    public_url: str = Field(default="", description="Where the service is reached from outside.")
    trusted_proxies: str = Field(
        default="",
        description="Addresses of the proxies in front of the service, with commas between; what any other caller "
        "says about forwarding is ignored.",
    )
    host: str = Field(default="127.0.0.1", description="The address serve listens on.")
    port: int = Field(
        default=8090, ge=0, le=65_535, description="The port serve listens on; 0: any free one."
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="Who has it may read /metrics; empty: only from this machine.",
    )
    sync: dict[str, Any] = Field(default_factory=dict)
    customers: dict[str, Any] = Field(default_factory=dict)
    contacts: dict[str, Any] = Field(default_factory=dict)
    products: dict[str, Any] = Field(default_factory=dict)
    orders: dict[str, Any] = Field(default_factory=dict)
    matching: dict[str, Any] = Field(default_factory=dict)
    order_status: dict[str, Any] = Field(default_factory=dict)
    events: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature; no .env files are read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same for secret directories
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag, environment, file, default."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _config_path())

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'ml-connector.db'}"

    @property
    def key_file(self) -> Path:
        """Where the master key lies."""
        return self.master_key_file or self.home / "master.key"

    @property
    def mappings(self) -> Path:
        """The folder of mapping files."""
        return self.home / "mappings"


class DynamicsEnvironment(BaseSettings):
    """What ``connect dynamics --from-env`` reads."""

    model_config = SettingsConfigDict(env_prefix="MLC_DYNAMICS_", extra="ignore", frozen=True)

    url: str = ""
    tenant: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    authority: str = "https://login.microsoftonline.com"
    legal_entities: str = ""


class HubSpotEnvironment(BaseSettings):
    """What ``connect hubspot --from-env`` reads."""

    model_config = SettingsConfigDict(env_prefix="MLC_HUBSPOT_", extra="ignore", frozen=True)

    token: SecretStr = SecretStr("")
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")  # of an OAuth app; and what HubSpot signs webhooks with
    refresh_token: SecretStr = SecretStr("")
    url: str = "https://api.hubapi.com"
    api_version: str = "2026-03"


def _config_path() -> Path | None:
    """The configuration file in force: MLC_CONFIG, else ml-connector.toml in the home."""
    named = os.environ.get("MLC_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigurationError(
                f"MLC_CONFIG names {named}, and there is no such file.", code="configuration.file"
            )
        return Path(named)
    home = os.environ.get("MLC_HOME") or platformdirs.user_data_dir("ml-connector", appauthor=False)
    path = Path(home) / CONFIG_FILE
    return path if path.is_file() else None


def where_set(section: str, name: str) -> tuple[str, int]:
    """Where a setting of a section is given: the configuration file and its line, else the variable for it."""
    variable = f"MLC_{section}__{name}".upper()
    path = None if variable in os.environ else _config_path()
    lines = path.read_text(encoding="utf-8").splitlines() if path is not None else []
    start = next((at for at, line in enumerate(lines) if line.strip() == f"[{section}]"), len(lines))
    for at in range(start, len(lines)):
        if lines[at].partition("=")[0].strip() == name:
            return CONFIG_FILE, at + 1
    return variable, 1


def load_settings(**flags: Any) -> Settings:
    """Build the settings once, at the start of a command.

    Raises:
        ConfigurationError: a value is wrong or a name unknown; the sentence names it and the nearest valid name.
    """
    try:
        return Settings(**flags)
    except ValidationError as exc:
        raise ConfigurationError(_sentence(exc), code="configuration.setting") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(
            f"{_config_path()} is not valid TOML: {exc}.", code="configuration.file"
        ) from exc


def section(model: type[BaseModel], values: dict[str, Any], name: str) -> Any:
    """One section of the settings as the model of the room that owns it."""
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        raise ConfigurationError(
            _sentence(exc, prefix=name, names=list(model.model_fields)), code="configuration.setting"
        ) from exc


def _sentence(exc: ValidationError, *, prefix: str = "", names: list[str] | None = None) -> str:
    """The first fault as one sentence with its name in both spellings."""
    fault = exc.errors()[0]
    path = [str(part) for part in fault["loc"]]
    full = [prefix, *path] if prefix else path
    label = f"{'.'.join(full)} (MLC_{'__'.join(full).upper()})"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], names or list(Settings.model_fields), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"There is no setting {label}.{hint}"
    return f"The setting {label} is wrong: {fault['msg']}."

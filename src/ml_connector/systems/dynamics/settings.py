"""What a person enters to connect a Dynamics environment. The client secret is kept apart, in the vault."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ml_connector.errors import ConfigurationError
from ml_connector.transport.address import check_base_url

HOSTS = (
    ".operations.dynamics.com",
    ".operations.eu.dynamics.com",
    ".cloudax.dynamics.com",
    ".axcloud.dynamics.com",
    ".dynamics.us",
    ".dynamics.cn",
)
_REGIONAL = re.compile(r"(?:https://)?[a-z0-9.-]+(\.operations\.[a-z]{2,6}\.dynamics\.com)/?", re.IGNORECASE)
AUTHORITIES = (
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
)


class DynamicsSettings(BaseModel):
    """One F&O environment and the app that may use it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        description="Address of the environment.", examples=["https://contoso.operations.dynamics.com"]
    )
    tenant: str = Field(description="Tenant id or domain.", examples=["contoso.onmicrosoft.com"])
    client_id: str = Field(description="Application (client) id of the app in Entra ID.")
    authority: str = Field(
        default="https://login.microsoftonline.com", description="Sign-in service, without the tenant."
    )
    legal_entities: tuple[str, ...] = Field(
        default=(), description="Companies to synchronise; empty: all the app can see.", examples=[["usmf"]]
    )
    allow_local: bool = Field(default=False, description="Permit http and loopback hosts (twins, tests).")

    @model_validator(mode="after")
    def _addresses(self) -> DynamicsSettings:
        regional = _REGIONAL.fullmatch(self.url.strip())
        hosts = (*HOSTS, regional[1].lower()) if regional else HOSTS
        url = check_base_url(self.url, allowed_suffixes=hosts, allow_local=self.allow_local)
        authority = check_base_url(self.authority, allowed_suffixes=AUTHORITIES, allow_local=self.allow_local)
        # a frozen model is completed here, before anybody else sees it
        object.__setattr__(self, "url", url)
        object.__setattr__(self, "authority", authority)
        return self

    @field_validator("tenant", "client_id", mode="after")
    @classmethod
    def _plain(cls, value: str) -> str:
        value = value.strip()
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,253}", value):
            raise ConfigurationError(
                f"{value!r} is neither an id nor a domain name.",
                code="configuration.dynamics",
                hint="Copy tenant and client id from the app's overview page in Entra ID.",
            )
        return value

    @field_validator("legal_entities", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        listed = value.split(",") if isinstance(value, str) else value
        return tuple(str(entry).strip().lower() for entry in listed if str(entry).strip())

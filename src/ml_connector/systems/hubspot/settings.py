"""What a person enters to connect a HubSpot portal. Tokens and secrets are kept apart, in the vault."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml_connector.transport.address import check_base_url

ApiVersion = Literal["2026-03", "2026-09", "v3"]


class HubSpotSettings(BaseModel):
    """One portal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(default="https://api.hubapi.com", description="Address of the API.")
    api_version: ApiVersion = Field(default="2026-03", description="Version of the API that is called.")
    client_id: str = Field(default="", description="Of the OAuth app; empty with a static access token.")
    allow_local: bool = Field(default=False, description="Permit http and loopback hosts (twins, tests).")

    @property
    def token_url(self) -> str:
        """Where an OAuth app fetches its access tokens."""
        return f"{self.url}/oauth/{self.api_version}/token"

    @model_validator(mode="after")
    def _address(self) -> HubSpotSettings:
        url = check_base_url(
            self.url, allowed_suffixes=("api.hubapi.com", ".hubapi.com"), allow_local=self.allow_local
        )
        object.__setattr__(self, "url", url)  # a frozen model is completed before anybody else sees it
        return self

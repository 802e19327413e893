"""What a person may decide about products."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ProductSettings(BaseModel):
    """Section ``products`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price_legal_entity: str = Field(
        default="", description="The legal entity whose list price is shown; empty: the first chosen one."
    )

"""What a person may decide about the status of orders."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OrderStatusSettings(BaseModel):
    """Section ``order_status`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    final_days: float = Field(
        default=30,
        ge=0,
        le=36_500,
        description="An invoiced or cancelled order is read for so many days after its deal last changed.",
    )

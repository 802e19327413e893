"""Section ``sync`` of the settings: how flows run, and how much of HubSpot's calls they take."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class BreakerSettings(BaseModel):
    """Section ``sync.breaker``: what a crawl may change by itself. Beyond it, it stops and waits for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gone_share: Decimal = Field(
        default=Decimal("0.02"), ge=0, le=1, description="Share of known records that may be marked as gone."
    )
    gone_least: int = Field(default=25, ge=1, description="So many gone records stop no run.")
    changed_share: Decimal = Field(
        default=Decimal("0.20"), ge=0, le=1, description="Share of known customers that may change."
    )
    changed_least: int = Field(default=25, ge=1, description="Fewer changed records than this stop no run.")
    blanked_share: Decimal = Field(
        default=Decimal("0.01"), ge=0, le=1, description="Share of names that may become empty."
    )
    moved_share: Decimal = Field(
        default=Decimal("0.10"), ge=0, le=1, description="Share of prices that may move far at once."
    )
    moved_least: int = Field(default=25, ge=1, description="Fewer moved prices than this stop no run.")
    moved_by: Decimal = Field(
        default=Decimal("0.5"),
        ge=0,
        description="A price has moved far when it moved by more than this share.",
    )


class SyncSettings(BaseModel):
    """Section ``sync`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lanes: int = Field(default=16, ge=1, le=64, description="Batches under way at once in one flow.")
    overlap_s: float = Field(
        default=300,
        ge=0,
        description="How far a search, or a read of changes, goes back behind its watermark.",
    )
    full_crawl_hours: float = Field(
        default=24,
        ge=0,
        description="Where passes read changes alone: after so many hours everything is read once more.",
    )
    most_changes: int = Field(
        default=500, ge=1, description="Where more has changed than this, a pass reads everything instead."
    )
    daily_reserve: Decimal = Field(
        default=Decimal("0.2"),
        ge=0,
        lt=1,
        description="Share of HubSpot's calls of a day that is left to orders and to the portal's other programs.",
    )
    breaker: BreakerSettings = BreakerSettings()

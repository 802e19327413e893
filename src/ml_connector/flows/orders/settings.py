"""What a person may decide about orders: section ``orders`` of the settings."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SETTLE_FLOOR_S = 300.0


class OrderSettings(BaseModel):
    """How won deals become orders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: Literal["approve", "automatic"] = Field(
        default="approve",
        description="approve: every complete draft waits for a person. automatic: it is placed.",
    )
    quiet_minutes: float = Field(
        default=10, ge=0, description="A won deal is left alone until it has not changed for this long."
    )
    settle_s: float = Field(
        default=900, gt=0, description="How long a write without an answer may still land in Dynamics."
    )
    pipelines: tuple[str, ...] = Field(default=(), description="Ids of deal pipelines; empty: all.")
    default_legal_entity: str = Field(
        default="", description="Used when neither the deal nor its company names one."
    )
    header_entity: str = Field(default="SalesOrderHeadersV2", description="Data entity of the order header.")
    line_entity: str = Field(default="SalesOrderLinesV3", description="Data entity of the order lines.")
    reference_field: str = Field(
        default="CustomersOrderReference", description="Header field that carries our reference."
    )
    charges: Literal["dynamics", "none"] = Field(
        default="dynamics", description="dynamics: automatic charges as F&O finds them. none: skipped."
    )
    invoice_hold: Literal["note", "park"] = Field(
        default="note", description="What a customer on hold for invoicing does to an order."
    )
    pool: str = Field(default="", description="SalesOrderPoolId of new orders.")
    origin: str = Field(default="", description="SalesOrderOriginCode of new orders.")
    list_up_to: int = Field(
        default=1000,
        ge=0,
        description="Portals with up to this many deals are listed whole, which sees a change at once; larger ones "
        "are searched by last change.",
    )

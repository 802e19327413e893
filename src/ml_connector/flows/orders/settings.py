"""What a person may decide about orders: section ``orders`` of the settings."""

from __future__ import annotations

from decimal import Decimal
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
    change_sets: Literal["auto", "never"] = Field(
        default="auto",
        description="auto: the lines of an order, and its header where the number is ours, go in one call. never: "
        "each by itself.",
    )
    order_number: str = Field(
        default="HS{deal}{revision}",
        description="The number of an order where people choose the numbers in Dynamics; {deal} is the deal's id, "
        "{revision} empty or R2, R3.",
    )
    charges: Literal["dynamics", "none"] = Field(
        default="dynamics", description="dynamics: automatic charges as F&O finds them. none: skipped."
    )
    invoice_hold: Literal["note", "park"] = Field(
        default="note", description="What a customer on hold for invoicing does to an order."
    )
    pool: str = Field(default="", description="SalesOrderPoolId of new orders.")
    origin: str = Field(default="", description="SalesOrderOriginCode of new orders.")
    deals_at_once: int = Field(
        default=8, ge=1, le=32, description="So many deals are read, drafted and written back at once."
    )
    orders_at_once: int = Field(
        default=1,
        ge=1,
        le=16,
        description="So many orders are written at once in one legal entity of Dynamics, which numbers them in turn.",
    )
    most_in_an_hour: int = Field(
        default=0,
        ge=0,
        description="So many orders are placed in an hour before the rest waits for a person; 0: three times the "
        "busiest hour known, at least 25.",
    )
    most_amount: Decimal = Field(
        default=Decimal(0),
        ge=0,
        description="An order above this amount, in its own currency, waits for a person; 0: none does.",
    )
    price_policy: Literal["deal", "dynamics"] = Field(
        default="deal",
        description="deal: the deal's price and discount are sent. dynamics: Dynamics prices the lines, and a "
        "difference beyond price_tolerance parks the order.",
    )
    price_tolerance: Decimal = Field(
        default=Decimal("0.01"),
        ge=0,
        description="Share by which Dynamics' price may differ from the deal's.",
    )
    currencies: tuple[str, ...] = Field(default=(), description="Currencies of orders; empty: any.")
    new_customers: Literal["ask", "create", "never"] = Field(
        default="ask",
        description="A company without an account. ask: a person sees the filled form and approves. create: it is "
        "created. never: the deal waits.",
    )
    customer_reference_field: str = Field(
        default="",
        description="A field of CustomersV3 that carries our reference of a new customer; empty: it is found again "
        "by its name and address.",
    )
    update_customer: tuple[str, ...] = Field(
        default=(),
        description="Fields of CustomersV3 that the deal's company updates when its order is placed; empty: none.",
    )
    requested_date: Literal["shipping", "receipt"] = Field(
        default="shipping", description="Which date of the order the deal's requested date becomes."
    )
    past_dates: Literal["park", "today"] = Field(
        default="park", description="What a requested date before today does to an order."
    )
    readiness: bool = Field(
        default=False, description="Keep d365_order_readiness up to date on open deals, before they are won."
    )
    readiness_stages: tuple[str, ...] = Field(
        default=(), description="Ids of the deal stages that readiness is kept in; empty: every open stage."
    )
    readiness_hours: float = Field(
        default=4,
        gt=0,
        description="An open deal that does not change is looked at again after so many hours, since Dynamics may have "
        "changed; each look takes about eight calls.",
    )
    list_up_to: int = Field(
        default=1000,
        ge=0,
        description="Portals with up to this many deals are listed whole, which sees a change at once; larger ones "
        "are searched by last change.",
    )

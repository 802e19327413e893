"""What a person may decide about products: section ``products`` of the settings (``MLC_PRODUCTS__…``)."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Listed = tuple[str, ...]


class ProductSettings(BaseModel):
    """Which products are shown, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: Literal["shared", "per_legal_entity"] = Field(
        default="shared",
        description="shared: one product for all legal entities, known by its product number. per_legal_entity: one "
        "for each, known as usmf:D0001, with that entity's price. Changed after the first load, it makes new products.",
    )
    price_legal_entity: str = Field(
        default="", description="The legal entity whose list price is shown; empty: the first chosen one."
    )
    currencies: dict[str, str] = Field(
        default_factory=dict,
        description="Currency of a legal entity's list prices where Dynamics does not tell it: usmf=USD,demf=EUR.",
    )
    language: str = Field(
        default="",
        pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$",
        description="Language of name and description, as Dynamics writes it (de, en-US); empty: that of AllProducts.",
    )
    cost: bool = Field(default=False, description="Show what a unit costs (hs_cost_of_goods_sold).")
    variants: bool = Field(
        default=False,
        description="Send the released variants of product masters; a master itself is never sent.",
    )
    sales_stop: Literal["product", "site", "off"] = Field(
        default="product",
        description="product: a sales stop of an item's default order settings counts. site: one at any site too, for "
        "environments whose default settings do not show it. off: sales stops are not read.",
    )
    end_of_life_states: Listed = Field(
        default=(), description="Lifecycle states that mean end of life, in your own words; empty: none does."
    )
    groups: Listed = Field(default=(), description="Product groups to send; empty: all.")
    types: tuple[Literal["Item", "Service"], ...] = Field(
        default=(), description="Product types to send (Item, Service); empty: both."
    )
    lifecycle_states: Listed = Field(default=(), description="Lifecycle states to send; empty: all.")
    changes_from: str = Field(
        default="off",
        pattern=r"^\w*$",
        description="What tells the products that changed since the last pass: the name of a field with the time of "
        "change that your tenant has added to ReleasedProductsV2; bi for the tables of items and their prices, which "
        "do not see changed names, groups and sales stops; off: every pass reads all rows. A full crawl finds the "
        "rest once a day.",
    )

    @field_validator("end_of_life_states", "groups", "types", "lifecycle_states", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A list, or the text of an environment variable with commas."""
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("currencies", mode="before")
    @classmethod
    def _by_legal_entity(cls, value: Any) -> Any:
        """A table, or ``usmf=USD,demf=EUR``; legal entities in lower case, currencies as ISO 4217 writes them."""
        pairs = value.items() if isinstance(value, dict) else _pairs(str(value))
        return {str(entity).strip().lower(): _currency(str(code).strip()) for entity, code in pairs}

    @cached_property
    def end_of_life(self) -> frozenset[str]:
        """The end of life states, without case."""
        return _without_case(self.end_of_life_states)

    @cached_property
    def scopes(self) -> tuple[tuple[str, str, frozenset[str]], ...]:
        """The filters that are set: each one's name, its field, and the values it lets through, without case."""
        filters = (
            ("product group", "ProductGroupId", self.groups),
            ("product type", "ProductType", self.types),
            ("lifecycle state", "ProductLifecycleStateId", self.lifecycle_states),
        )
        return tuple((name, field, _without_case(wanted)) for name, field, wanted in filters if wanted)


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(entity, code) for entity, _, code in (part.partition("=") for part in text.split(",")) if entity]


def _currency(code: str) -> str:
    if not (len(code) == len("EUR") and code.isascii() and code.isalpha()):
        raise ValueError(f"'{code}' is no currency code; write it as usmf=USD")
    return code.upper()


def _without_case(values: tuple[str, ...]) -> frozenset[str]:
    return frozenset(value.casefold() for value in values)

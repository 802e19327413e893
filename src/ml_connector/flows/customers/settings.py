"""What a person may decide about customers and contacts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PER_CUSTOMER, PER_PARTY = "per_customer", "per_party"
IDENTITY = "customer_identity"  # the fact, kept with the connection, what makes a company
PEOPLE_FROM = "people_from"  # the fact, kept with the connection, which data entity people were found in
KEPT = (IDENTITY, PEOPLE_FROM)


class CustomerSettings(BaseModel):
    """Section ``customers`` of the settings: which customers are in scope, and what persons become."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, ...] = Field(
        default=(), description="Only customers of these customer groups; empty: of all."
    )
    intercompany_groups: tuple[str, ...] = Field(
        default=(), description="Customer groups of affiliated companies, which are left out."
    )
    one_time: bool = Field(default=False, description="Whether one-time customers are moved, too.")
    address_books: tuple[str, ...] = Field(
        default=(), description="Only customers in one of these address books; empty: all."
    )
    identity: Literal["per_customer", "per_party"] = Field(
        default="per_customer",
        description="Whether each customer account is a company, or all accounts of one party share one. Kept once "
        "companies stand: changing it later is a planned migration.",
    )
    companies_for_persons: bool = Field(
        default=False, description="Whether a customer who is a person becomes a company beside its contact."
    )
    changes_from: str = Field(
        default="off",
        pattern=r"^\w*$",
        description="What tells the customers that changed since the last pass: the name of a field with the time of "
        "change that your tenant has added to CustomersV3; bi for CustTableBiEntities, which does not see changed "
        "names and addresses; off: every pass reads all rows. A full crawl finds the rest once a day.",
    )


class ContactSettings(BaseModel):
    """Section ``contacts`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people_from: Literal["", "CDSContactPersonsV2", "ContactPersons"] = Field(
        default="",
        description="The data entity people are read from; empty: the one found when contacts were first read. "
        "It decides the keys of contacts, so changing it makes new contacts of everybody without an e-mail.",
    )


class MatchingSettings(BaseModel):
    """Section ``matching`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tax_id_property: str = Field(
        default="",
        description="The company property that holds the tax number, where the mapping of customers fills one.",
    )

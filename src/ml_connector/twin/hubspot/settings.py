"""What is not proven about HubSpot: each open question a switch with both behaviours."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.twin.hubspot.webhook_switches import WEBHOOK_SWITCHES
from ml_connector.twin.switches import Switch

if TYPE_CHECKING:
    from collections.abc import Mapping

SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "list_over_limit", ("error", "clamp"), "error", "Whether limit over 100 on a list errors.", "I"
        ),
        Switch(
            "upsert_archived_key",
            ("create", "restore", "conflict"),
            "create",
            "What an upsert does with a key that only an archived record holds is undocumented.",
            "I",
        ),
        Switch(
            "search_lag_s", int, "2", "Search trails writes; HubSpot says seconds, reports say up to 30.", "D"
        ),
        Switch(
            "search_rate", int, "5", "Searches a second, the account's own documented limit; 0 is none.", "D"
        ),
        Switch(
            "search_counts_rolling",
            ("yes", "no"),
            "yes",
            "Whether searches also count in the ten-second window is not documented.",
            "I",
        ),
        Switch(
            "search_neq_matches_empty",
            ("yes", "no"),
            "no",
            "Whether NEQ and NOT_IN find records without a value is not documented.",
            "I",
        ),
        Switch(
            "search_groups", ("5", "6"), "5", "The guide says 5 filter groups, the specification text 6.", "D"
        ),
        Switch(
            "products_unique",
            ("yes", "no"),
            "yes",
            "A live probe stored a unique property on products; a secondary source says they are excluded.",
            "O",
        ),
        Switch(
            "unique_case",
            ("sensitive", "insensitive"),
            "sensitive",
            "Whether custom unique values that differ in case only are the same value.",
            "I",
        ),
        Switch("missing_scopes", str, "", "Comma list of scopes that the token lacks.", "D"),
        Switch(
            "hubspot_retry_after",
            str,
            "none",
            "Retry-After on a 429 is undocumented: none, or its seconds.",
            "D",
        ),
        Switch("daily_limit", int, "1000000", "Calls a day of the account; 0 is none.", "D"),
        Switch("association_burst", int, "150", "Association calls in ten seconds; 0 is none.", "D"),
        Switch("association_daily", int, "500000", "Association calls a day; 0 is none.", "D"),
        Switch(
            "empty_properties",
            ("null", "omit"),
            "null",
            "Requested properties without a value: captures show null, the generic guide says omitted.",
            "O",
        ),
        Switch(
            "batch_missing",
            ("207", "omit"),
            "207",
            "How a batch read reports ids that do not exist is inferred.",
            "I",
        ),
        Switch(
            "associations_missing",
            ("207", "omit"),
            "207",
            "How an associations batch read reports records without associations is inferred.",
            "I",
        ),
        Switch(
            "product_minimum",
            ("name", "documented"),
            "name",
            "The table asks for name, price, hs_sku, description, hs_folder; examples leave hs_folder out.",
            "D",
        ),
        Switch(
            "line_copies_custom",
            ("yes", "no"),
            "yes",
            "Whether a new line also takes the portal's own properties that product and line both have.",
            "I",
        ),
        Switch(
            "archive_missing", ("204", "404"), "204", "That DELETE of a gone record is 204 is inferred.", "I"
        ),
        Switch(
            "touch_unchanged",
            ("yes", "no"),
            "yes",
            "Whether a write that changes nothing moves the time of the last change.",
            "I",
        ),
        Switch(
            "touch_associated",
            ("no", "yes"),
            "no",
            "Whether changing associations moves a record's time of the last change.",
            "I",
        ),
        Switch(
            "first_company_primary",
            ("no", "yes"),
            "no",
            "Whether the first company associated becomes the primary one by itself.",
            "I",
        ),
        Switch(
            "line_items_key",
            ("line items", "line_items"),
            "line items",
            "The key of line items inside a record's associations.",
            "I",
        ),
        Switch(
            "merge_id", ("new", "primary"), "new", "Primary ID Preservation is a beta accounts may join.", "D"
        ),
        Switch(
            "merge_unique",
            ("primary", "merged"),
            "primary",
            "Which record's unique values survive a merge is not specified.",
            "I",
        ),
        Switch(
            "properties_in_use",
            str,
            "",
            "Comma list of type.property that lists or workflows use and that cannot be deleted.",
            "O",
        ),
        Switch(
            "create_required",
            str,
            "",
            "Comma list of type.property that the create form demands; enforced from 2026-09 on.",
            "D",
        ),
        Switch(
            "conditional_required",
            str,
            "",
            "Comma list of type.property=value:required that an admin's rule demands from 2026-09 on.",
            "D",
        ),
        Switch(
            "time_zone", str, "US/Eastern", "The account's time zone; its midnight ends the day's quota.", "D"
        ),
    )
}
SWITCHES |= WEBHOOK_SWITCHES


@dataclass(frozen=True, slots=True)
class Settings:
    """The switches of one portal, read once."""

    values: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse a value that a switch of this twin does not know; other twins' switches pass by."""
        for name, value in self.values.items():
            switch = SWITCHES.get(name)
            if switch is not None:
                switch.check(value)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, SWITCHES[name].default)

    def yes(self, name: str) -> bool:
        """Whether a yes/no switch is on."""
        return self[name] == "yes"

    def number(self, name: str) -> Decimal:
        """A switch that holds a number."""
        return Decimal(self[name])

    def listed(self, name: str) -> list[str]:
        """A switch that holds a comma list."""
        return [word.strip() for word in self[name].split(",") if word.strip()]

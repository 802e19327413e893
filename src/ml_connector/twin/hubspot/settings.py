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
            "list_over_limit",
            ("error", "clamp"),
            "error",
            "No source says whether a list with a limit over 100 is refused or answered with 100 records.",
            "I",
        ),
        Switch(
            "upsert_archived_key",
            ("create", "restore", "conflict"),
            "create",
            "It is undocumented what an upsert does with a key that only an archived record holds.",
            "I",
        ),
        Switch(
            "search_lag_s",
            int,
            "2",
            "Search trails writes: HubSpot says by seconds, reports say by up to 30.",
            "D",
        ),
        Switch(
            "search_rate",
            int,
            "5",
            "An account may search 5 times a second, shared by all apps; 0 is no limit.",
            "D",
        ),
        Switch(
            "search_counts_rolling",
            ("yes", "no"),
            "yes",
            "It is not documented whether searches also count in the ten-second window.",
            "I",
        ),
        Switch(
            "search_policy",
            ("SECONDLY", "TEN_SECONDLY_ROLLING"),
            "SECONDLY",
            "The policyName of a search's 429 is inferred from its message.",
            "I",
        ),
        Switch(
            "rate_limit_body",
            ("errorType", "category"),
            "errorType",
            "Most captures of a 429 name an errorType, some a category RATE_LIMITS instead.",
            "D",
        ),
        Switch(
            "search_neq_matches_empty",
            ("yes", "no"),
            "no",
            "It is not documented whether NEQ and NOT_IN find records without a value.",
            "I",
        ),
        Switch(
            "search_groups",
            ("5", "6"),
            "5",
            "The guide allows 5 filter groups, the text of the specification 6.",
            "D",
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
            "No source says whether custom unique values that differ in case only are the same value.",
            "I",
        ),
        Switch(
            "missing_scopes",
            str,
            "",
            "A token may lack scopes: a comma list of those the portal's static token does not hold.",
            "D",
        ),
        Switch(
            "hubspot_retry_after",
            str,
            "none",
            "Retry-After on a 429 is undocumented: none sends no header, a number its seconds.",
            "D",
        ),
        Switch(
            "daily_limit",
            int,
            "1000000",
            "An account has a number of calls a day, by its tier; 0 is no limit.",
            "D",
        ),
        Switch(
            "association_burst",
            int,
            "150",
            "Association calls have their own limit in ten seconds, by tier; 0 is no limit.",
            "D",
        ),
        Switch(
            "association_daily",
            int,
            "500000",
            "Association calls have their own limit a day, by tier; 0 is no limit.",
            "D",
        ),
        Switch(
            "empty_properties",
            ("null", "omit"),
            "null",
            "Captures show requested properties without a value as null, the generic guide says they are omitted.",
            "O",
        ),
        Switch(
            "batch_missing",
            ("207", "omit"),
            "207",
            "How a batch read reports ids that do not exist is inferred from the specification's 207.",
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
            "The table of required properties names five for products, but the guide's examples leave hs_folder out.",
            "D",
        ),
        Switch(
            "line_copies_custom",
            ("yes", "no"),
            "yes",
            "No source says whether a new line also takes the portal's own properties that product and line both have.",
            "I",
        ),
        Switch(
            "archive_missing",
            ("204", "404"),
            "204",
            "It is inferred that deleting a record that is gone is answered with 204.",
            "I",
        ),
        Switch(
            "touch_unchanged",
            ("yes", "no"),
            "yes",
            "No source says whether a write that changes nothing moves the time of the last change.",
            "I",
        ),
        Switch(
            "touch_associated",
            ("no", "yes"),
            "no",
            "No source says whether changing associations moves a record's time of the last change.",
            "I",
        ),
        Switch(
            "first_company_primary",
            ("no", "yes"),
            "no",
            "No source says whether the first company associated becomes the primary one by itself.",
            "I",
        ),
        Switch(
            "line_items_key",
            ("line items", "line_items"),
            "line items",
            "The key of line items inside a record's associations is inferred.",
            "I",
        ),
        Switch(
            "merge_id",
            ("new", "primary"),
            "new",
            "A merge makes a new id unless the account has joined the beta that keeps the primary's.",
            "D",
        ),
        Switch(
            "merge_unique",
            ("primary", "merged"),
            "primary",
            "It is not specified which record's unique values survive a merge.",
            "I",
        ),
        Switch(
            "read_further_emails",
            ("yes", "no"),
            "yes",
            "It is not documented whether a read by e-mail finds a contact by its further addresses, too.",
            "I",
        ),
        Switch(
            "properties_in_use",
            str,
            "",
            "Properties that lists or workflows use cannot be deleted: a comma list of type.property.",
            "O",
        ),
        Switch(
            "create_required",
            str,
            "",
            "A portal's create form may demand properties, enforced from 2026-09 on: a comma list of type.property.",
            "D",
        ),
        Switch(
            "create_required_associations",
            str,
            "",
            "A portal's create form may demand associations, enforced from 2026-09 on: a comma list of type>type.",
            "D",
        ),
        Switch(
            "conditional_required",
            str,
            "",
            "An admin's rule may demand a property, from 2026-09 on: a comma list of type.property=value:required.",
            "D",
        ),
        Switch(
            "lenient_dates",
            ("warn", "silent"),
            "warn",
            "From 2026-09 on a write that had a date put right may carry a warning; it is not said when it does.",
            "D",
        ),
        Switch(
            "property_rules",
            str,
            "",
            "A portal may validate values, on every version: a comma list of type.property=RULE:argument.",
            "D",
        ),
        Switch(
            "rule_code",
            ("INVALID_CUSTOM_PROPERTY_VALIDATION", "FAILED_VALIDATION"),
            "INVALID_CUSTOM_PROPERTY_VALIDATION",
            "The error code of a value that a validation rule refuses is inferred from the codes of imports.",
            "I",
        ),
        Switch(
            "oauth_token_seconds",
            int,
            "1800",
            "An OAuth access token is said to live half an hour; the figure is in no source read.",
            "I",
        ),
        Switch(
            "oauth_rate",
            int,
            "110",
            "An OAuth app may make 110 calls in ten seconds for each account; 0 is no limit.",
            "D",
        ),
        Switch(
            "oauth_missing_scopes",
            str,
            "",
            "An OAuth app may have been granted less: a comma list of scopes its tokens do not hold.",
            "D",
        ),
        Switch(
            "oauth_refresh_rotates",
            ("no", "yes"),
            "no",
            "It is inferred that a refresh leaves the refresh token as it was.",
            "I",
        ),
        Switch(
            "oauth_errors",
            ("status", "rfc6749"),
            "status",
            "Captures of the token endpoint show a status word of HubSpot's own, others the error words of RFC 6749.",
            "O",
        ),
        Switch(
            "oauth_revoke_status",
            ("200", "204"),
            "200",
            "The specification names no status for a revoked token; RFC 7009 says 200.",
            "I",
        ),
        Switch(
            "oauth_associations",
            ("allowed", "refused"),
            "allowed",
            "An app that acts for a user may lack that user's Edit Associations permission, which 2026-09 enforces.",
            "D",
        ),
        Switch(
            "expired_token",
            ("EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION"),
            "EXPIRED_AUTHENTICATION",
            "The category of the 401 for an expired OAuth token is inferred.",
            "I",
        ),
        Switch(
            "wrong_method",
            ("405", "404"),
            "405",
            "No source says how a known path answers a method it does not have.",
            "I",
        ),
        Switch(
            "exchange_rates",
            str,
            "",
            "A portal with several currencies keeps rates into its own: a comma list of CODE=rate.",
            "I",
        ),
        Switch(
            "import_seconds", int, "2", "Imports run in the background for a time that no source names.", "I"
        ),
        Switch(
            "export_seconds", int, "2", "Exports run in the background for a time that no source names.", "I"
        ),
        Switch(
            "pipelines_v1",
            ("until_shutdown", "open"),
            "until_shutdown",
            "The pipelines API v1 is shut off on 4 December 2026; a twin may keep it open for older clients.",
            "D",
        ),
        Switch(
            "time_zone",
            str,
            "US/Eastern",
            "Every account has a time zone, and its midnight ends the day's quota.",
            "D",
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

"""The F&O twin's switches: every behaviour our sources do not settle, with both ways to behave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.event_switches import EVENT_SWITCHES
from ml_connector.twin.switches import Switch

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = (
    Switch(
        "nextlink", ("skip", "skiptoken"), "skip", "public clients disagree on how nextLink continues", "CODE"
    ),
    Switch(
        "maxpagesize",
        ("ignored", "honoured"),
        "ignored",
        "odata.maxpagesize is not documented for F&O",
        "INF",
    ),
    Switch(
        "contains",
        ("refused", "supported"),
        "refused",
        "contains() and startswith() are not documented for /data",
        "INF",
    ),
    Switch(
        "string_compare",
        ("insensitive", "sensitive"),
        "insensitive",
        "follows from SQL collation, not documented",
        "INF",
    ),
    Switch(
        "unknown_options",
        ("refused", "ignored"),
        "refused",
        "unknown query options without $ may be ignored",
        "INF",
    ),
    Switch(
        "etag_without_metadata",
        ("dropped", "kept"),
        "dropped",
        "odata.metadata=none presumably drops row tags",
        "INF",
    ),
    Switch(
        "key_in_other_company",
        ("refused", "found"),
        "refused",
        "a key read outside the default company is expected to be 404",
        "INF",
    ),
    Switch("not_found_body", ("envelope", "empty"), "envelope", "the body of a 404 is not confirmed", "INF"),
    Switch("stale_etag", ("refused", "ignored"), "refused", "412 on a stale If-Match is untested", "INF"),
    Switch("post_status", ("201", "200"), "201", "sources disagree on the status of a created record", "REC"),
    Switch(
        "write_refusal_status",
        ("400", "500"),
        "400",
        "a refused write appears as 400 or 500 by release",
        "CODE",
    ),
    Switch("extra_properties", ("off", "on"), "off", "installations and releases add properties", "REC"),
    Switch(
        "cds_sets", ("offered", "missing"), "offered", "not every tenant offers the CDS entity sets", "INF"
    ),
    Switch(
        "batch_changesets",
        ("atomic", "separate"),
        "atomic",
        "atomic change sets must be probed, not assumed",
        "MS",
    ),
    Switch(
        "throttle", ("off", "user"), "off", "user-based limits are retired but still quoted and found", "MS"
    ),
    Switch("throttle_requests", int, "6000", "requests allowed in 300 seconds when throttle is user", "MS"),
    Switch("retry_after", ("sent", "absent"), "sent", "a 429 may come without Retry-After", "MS"),
    Switch(
        "app_registered",
        ("yes", "no"),
        "yes",
        "a valid token is not enough: the app must be listed in F&O",
        "MS",
    ),
    Switch(
        "customer_numbers", ("auto", "manual"), "auto", "a number sequence may be automatic or manual", "META"
    ),
    Switch(
        "order_numbers", ("auto", "manual"), "auto", "a number sequence may be automatic or manual", "META"
    ),
    Switch(
        "supplied_number",
        ("replaced", "refused"),
        "replaced",
        "a number sent to an automatic sequence: replaced or an error",
        "INF",
    ),
    Switch(
        "party_reuse",
        ("on", "off"),
        "on",
        "whether a PartyNumber sent on create joins the known party",
        "INF",
    ),
    Switch("field_lengths", ("checked", "unchecked"), "checked", "field lengths are not in $metadata", "INF"),
    Switch(
        "past_dates",
        ("kept", "today"),
        "kept",
        "delivery date control may move requested dates before today",
        "INF",
    ),
    Switch(
        "requisition",
        ("optional", "demanded"),
        "optional",
        "set-up may demand the customer's requisition number",
        "INF",
    ),
    Switch(
        "sales_stop",
        ("shown", "hidden"),
        "shown",
        "whether ProductDefaultOrderSettings shows a sales stop that the order line enforces",
        "INF",
    ),
    Switch(
        "trade_agreement_percent", int, "0", "a line sent without a discount may get an agreed one", "INF"
    ),
    Switch(
        "dimension_format",
        ("active", "none"),
        "active",
        "without an active format display values are empty",
        "CODE",
    ),
    Switch(
        "dimension_format_text",
        ("delimited", "comma"),
        "delimited",
        "how FinancialDimensionFormat lists its names",
        "INF",
    ),
    Switch(
        "dimension_post",
        ("merge", "replace"),
        "merge",
        "whether empty segments of a new order take the default",
        "INF",
    ),
    Switch(
        "dimension_patch",
        ("replace", "merge"),
        "replace",
        "whether an empty segment of a PATCH clears",
        "INF",
    ),
    Switch(
        "dimension_escape",
        ("backslash", "refused"),
        "backslash",
        "the escape of a delimiter in a value is not documented",
        "CODE",
    ),
)
SWITCHES: dict[str, Switch] = {switch.name: switch for switch in _ALL} | EVENT_SWITCHES


def settings(given: Mapping[str, str]) -> dict[str, str]:
    """Every switch of this twin with its value; names of the other twin are passed over."""
    return {name: given.get(name, switch.default) for name, switch in SWITCHES.items()}

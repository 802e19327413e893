"""The F&O twin's switches: every behaviour our sources do not settle, with both ways to behave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.event_switches import EVENT_SWITCHES
from ml_connector.twin.switches import Switch

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = (
    Switch(
        "nextlink",
        ("skip", "skiptoken"),
        "skip",
        "Public clients disagree on how nextLink continues.",
        "CODE",
    ),
    Switch(
        "maxpagesize",
        ("ignored", "honoured"),
        "ignored",
        "The preference odata.maxpagesize is not documented for F&O.",
        "INF",
    ),
    Switch(
        "contains",
        ("refused", "supported"),
        "refused",
        "The functions contains() and startswith() are not documented for /data.",
        "INF",
    ),
    Switch(
        "string_compare",
        ("insensitive", "sensitive"),
        "insensitive",
        "Text is compared as the SQL collation does, which is not documented.",
        "INF",
    ),
    Switch(
        "unknown_options",
        ("refused", "ignored"),
        "refused",
        "Unknown query options without $ may be ignored.",
        "INF",
    ),
    Switch(
        "etag_without_metadata",
        ("dropped", "kept"),
        "dropped",
        "Row tags presumably go when odata.metadata=none is asked for.",
        "INF",
    ),
    Switch(
        "key_in_other_company",
        ("refused", "found"),
        "refused",
        "A key read outside the default company is expected to be 404.",
        "INF",
    ),
    Switch("not_found_body", ("envelope", "empty"), "envelope", "The body of a 404 is not confirmed.", "INF"),
    Switch(
        "stale_etag",
        ("refused", "ignored", "conflict"),
        "refused",
        "A stale If-Match may answer 412, be ignored, or end in the text of an update conflict.",
        "INF",
    ),
    Switch(
        "post_status", ("201", "200"), "201", "Sources disagree on the status of a created record.", "REC"
    ),
    Switch(
        "write_refusal_status",
        ("400", "500"),
        "400",
        "A refused write appears as 400 or 500 by release.",
        "CODE",
    ),
    Switch("extra_properties", ("off", "on"), "off", "Installations and releases add properties.", "REC"),
    Switch(
        "modified_property",
        ("absent", "own_table", "whole_record"),
        "absent",
        "A tenant may have added ModifiedDateTime to CustomersV3 and ReleasedProductsV2: of the set's own table, "
        "or of everything the record shows.",
        "INF",
    ),
    Switch(
        "cds_sets", ("offered", "missing"), "offered", "Not every tenant offers the CDS entity sets.", "INF"
    ),
    Switch(
        "batch_changesets",
        ("atomic", "separate"),
        "atomic",
        "Atomic change sets must be probed, not assumed.",
        "MS",
    ),
    Switch(
        "throttle",
        ("off", "user", "resource"),
        "off",
        "User-based limits are retired but still found; resource-based ones come with load.",
        "MS",
    ),
    Switch(
        "throttle_requests",
        int,
        "6000",
        "This many requests are allowed in 300 seconds when throttle is user.",
        "MS",
    ),
    Switch("retry_after", ("sent", "absent"), "sent", "A 429 may come without Retry-After.", "MS"),
    Switch(
        "app_registered",
        ("yes", "no"),
        "yes",
        "A valid token is not enough: the app must be listed in F&O.",
        "MS",
    ),
    Switch(
        "customer_numbers",
        ("auto", "manual"),
        "auto",
        "A number sequence may be automatic or manual.",
        "META",
    ),
    Switch(
        "order_numbers", ("auto", "manual"), "auto", "A number sequence may be automatic or manual.", "META"
    ),
    Switch(
        "supplied_number",
        ("replaced", "refused"),
        "replaced",
        "A number sent to an automatic sequence is replaced or refused.",
        "INF",
    ),
    Switch(
        "party_reuse",
        ("on", "off"),
        "on",
        "It is not known whether a PartyNumber sent on create joins the known party.",
        "INF",
    ),
    Switch(
        "field_lengths", ("checked", "unchecked"), "checked", "Field lengths are not in $metadata.", "INF"
    ),
    Switch(
        "past_dates",
        ("kept", "today"),
        "kept",
        "Delivery date control may move requested dates before today.",
        "INF",
    ),
    Switch(
        "sales_stop",
        ("shown", "hidden"),
        "shown",
        "It is not known whether ProductDefaultOrderSettings shows the sales stop that an order line runs into.",
        "INF",
    ),
    Switch(
        "trade_agreement_percent", int, "0", "A line sent without a discount may get an agreed one.", "INF"
    ),
    Switch(
        "dimension_format",
        ("active", "none"),
        "active",
        "Without an active format display values are empty.",
        "CODE",
    ),
    Switch(
        "dimension_format_text",
        ("delimited", "comma"),
        "delimited",
        "It is not known how FinancialDimensionFormat lists its names.",
        "INF",
    ),
    Switch(
        "dimension_post",
        ("merge", "replace"),
        "merge",
        "It is not known whether empty segments of a new order take the default.",
        "INF",
    ),
    Switch(
        "dimension_patch",
        ("replace", "merge"),
        "replace",
        "It is not known whether an empty segment of a PATCH clears its dimension.",
        "INF",
    ),
    Switch(
        "dimension_escape",
        ("backslash", "refused"),
        "backslash",
        "The escape of a delimiter in a value is not documented.",
        "CODE",
    ),
    Switch(
        "requisition",
        ("customer", "always", "never"),
        "customer",
        "The customer's set-up or F&O's may demand the customer's requisition number.",
        "INF",
    ),
    Switch(
        "requisition_duplicates",
        ("allowed", "refused"),
        "allowed",
        "F&O may check that a customer's requisition number is not used twice.",
        "INF",
    ),
    Switch(
        "order_holds",
        ("all", "all_and_requisition"),
        "all",
        "It is not known whether a hold for requisitions stops new orders as the hold for all does.",
        "INF",
    ),
    Switch(
        "auto_charges",
        ("none", "set_up"),
        "none",
        "A legal entity may have charges set up that each new order gets unless it skips them.",
        "INF",
    ),
    Switch(
        "order_totals",
        ("not_computed", "computed"),
        "not_computed",
        "Recorded orders show totals of 0 and AreTotalsCalculated No; a release may compute them.",
        "REC",
    ),
    Switch(
        "agreement_when_sent",
        ("kept", "overrides"),
        "kept",
        "It is not known whether a trade agreement overrides a price and discount that were sent.",
        "INF",
    ),
    Switch(
        "quantity_rules",
        ("refused", "ignored"),
        "refused",
        "Minimum, maximum and multiple of an item may be enforced or only warned about.",
        "INF",
    ),
    Switch(
        "unit_decimals",
        ("kept", "rounded", "refused"),
        "kept",
        "It is not known what becomes of a quantity with more decimals than its unit has.",
        "INF",
    ),
    Switch(
        "item_dimensions",
        ("merged", "ignored"),
        "merged",
        "An item's default dimensions may fill the segments that line and header leave empty.",
        "INF",
    ),
    Switch(
        "party_twice",
        ("allowed", "refused"),
        "allowed",
        "It is not known whether a party may have two accounts in one legal entity.",
        "INF",
    ),
    Switch(
        "restricted_delete",
        ("refused", "allowed"),
        "refused",
        "Delete actions may keep a customer that has orders.",
        "MS",
    ),
    Switch(
        "update_conflicts",
        int,
        "0",
        "Each change of this number meets another user's change; 0 means that none does.",
        "CODE",
    ),
    Switch(
        "unauthorized_header",
        ("sent", "absent"),
        "sent",
        "The WWW-Authenticate header of a 401 is not confirmed.",
        "INF",
    ),
    Switch("throttle_body", ("envelope", "text"), "envelope", "The body of a 429 is not documented.", "INF"),
    Switch(
        "throttle_every",
        int,
        "10",
        "Each request of this number is refused when throttle is resource.",
        "INF",
    ),
    Switch(
        "throttle_batch",
        ("outer", "parts"),
        "outer",
        "A 429 may meet a whole batch or stand inside one of its parts.",
        "CODE",
    ),
    Switch(
        "content_id_references",
        ("refused", "supported"),
        "refused",
        "Nothing shows that $1 in an address means what the part with Content-ID 1 created.",
        "INF",
    ),
    Switch(
        "contact_last_edit",
        ("kept_up", "never"),
        "kept_up",
        "It is not known whether LastEditDateTime of a contact moves with each change.",
        "INF",
    ),
    Switch(
        "dimension_value_list",
        ("offered", "missing"),
        "offered",
        "A tenant may not let an integration list the values of dimensions.",
        "INF",
    ),
    Switch(
        "dimension_delimiter",
        (
            "as_built",
            "Hyphen",
            "Period",
            "Underscore",
            "Bar",
            "Tilde",
            "DoubleHyphen",
            "DoublePeriod",
            "DoubleUnderscore",
            "DoubleBar",
            "DoubleTilde",
        ),
        "as_built",
        "The delimiter is one setting of the environment; as_built is the world's own.",
        "META",
    ),
)
SWITCHES: dict[str, Switch] = {switch.name: switch for switch in _ALL} | EVENT_SWITCHES


def settings(given: Mapping[str, str]) -> dict[str, str]:
    """Every switch of this twin with its value; names of the other twin are passed over."""
    return {name: given.get(name, switch.default) for name, switch in SWITCHES.items()}

"""Value conventions and row tags (reference: dynamics.md 2.3, 2.4)."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

CUSTOMER = "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')"


def pairs(tag: str) -> list[str]:
    match = re.fullmatch(r'W/"(.+)"', tag)
    assert match
    text = b64decode(match[1]).decode()
    assert text[0] == text[-1] == "'"
    return text[1:-1].split(";")


def test_a_record_shows_every_property_and_empty_values_as_f_and_o_does(fo: Caller) -> None:
    """[REC] Empty text "", first member, 0, noon 1900 for dates, midnight 1900 for times, null time zone."""
    row = fo.get(CUSTOMER)
    assert len([name for name in row if not name.startswith("@")]) == 305
    assert row["CreditRating"] == ""
    assert row["OnHoldStatus"] == "No"
    assert row["CreditLimit"] == 0
    assert row["CredManCustomerSince"] == "1900-01-01T12:00:00Z"
    assert row["AddressValidFrom"] == "1900-01-01T00:00:00Z"
    assert row["AddressTimeZone"] is None
    assert row["PrimaryContactFaxRecordId"] == 0


def test_an_empty_guid_is_zeros(fo: Caller, order: dict[str, Any]) -> None:
    """[REC] Zero guid when empty."""
    assert order["TransportationDocumentLineId"] == "00000000-0000-0000-0000-000000000000"
    assert fo


def test_decimals_are_numbers_with_their_digits(fo: Caller) -> None:
    """[REC] JSON numbers, never text or exponents."""
    body = fo.send("GET", "/data/ReleasedProductsV2?$select=SalesPrice&cross-company=true").body
    assert re.findall(rb'"SalesPrice":([^}]+)', body) == [b"412.35", b"1500.50", b"90", b"350"]


def test_a_person_shows_first_and_last_name(fo: Caller) -> None:
    """[META] No Name property: a person's parts by PartyType."""
    row = fo.get(CUSTOMER.replace("US-001", "US-005"))
    assert (row["PartyType"], row["PersonFirstName"], row["PersonLastName"]) == ("Person", "Ada", "Weber")
    assert row["OrganizationName"] == ""


def test_the_search_name_is_the_name_cut_to_twenty(fo: Caller) -> None:
    """[REC] NameAlias = name cut to 20 characters."""
    created = fo.create(
        "CustomersV3",
        {
            "OrganizationName": "A company with a rather long name",
            "CustomerGroupId": "10",
            "SalesCurrencyCode": "USD",
        },
    )
    assert created["NameAlias"] == "A company with a rat"


def test_tags_hold_a_pair_of_version_and_record_id_per_data_source(fo: Caller) -> None:
    """[REC] 'recVersion,recId;...' in base64, 1 on insert; a customer's fifth pair is its party."""
    found = pairs(fo.get(CUSTOMER)["@odata.etag"])
    assert len(found) == 11
    assert found[0].split(",")[0] == found[4].split(",")[0] == "1"
    assert int(found[0].split(",")[1]) >= 5637144576
    assert {found[place] for place in (1, 2, 3, 5, 6, 7, 8, 9, 10)} == {"0,0"}


def test_a_tag_changes_with_the_row_or_its_party_and_only_then(fo: Caller) -> None:
    """[REC] CustomersV3 changes when the party row changes too."""
    first = pairs(fo.get(CUSTOMER)["@odata.etag"])
    assert pairs(fo.get(CUSTOMER)["@odata.etag"]) == first
    fo.send("PATCH", CUSTOMER, {"CreditRating": "B"})
    second = pairs(fo.get(CUSTOMER)["@odata.etag"])
    assert (second[0] != first[0], second[4] == first[4]) == (True, True)
    fo.send("PATCH", CUSTOMER, {"OrganizationName": "New name"})
    third = pairs(fo.get(CUSTOMER)["@odata.etag"])
    assert (third[0] == second[0], third[4] != second[4]) == (True, True)


def test_a_stale_if_match_is_refused_and_the_newest_accepted(fo: Caller) -> None:
    """[INF, untested] 412; without If-Match a PATCH succeeds [REC]."""
    tag = fo.get(CUSTOMER)["@odata.etag"]
    assert fo.send("PATCH", CUSTOMER, {"CreditRating": "A"}, if_match=tag).status == 204
    assert fo.refusal("PATCH", CUSTOMER, {"CreditRating": "C"}, if_match=tag)[0] == 412
    assert fo.send("PATCH", CUSTOMER, {"CreditRating": "D"}, if_match="*").status == 204
    assert fo.get(CUSTOMER)["CreditRating"] == "D"


def test_a_stale_if_match_may_be_ignored(starting: Callable[..., Caller]) -> None:
    """[INF] The other behaviour."""
    fo = starting(stale_etag="ignored")
    assert fo.send("PATCH", CUSTOMER, {"CreditRating": "C"}, if_match='W/"old"').status == 204


def test_dates_are_stored_at_noon_whatever_the_hour_sent(fo: Caller) -> None:
    """[REC, INF] 2026-07-23 and any hour of it become noon."""
    for text in ("2026-07-23", "2026-07-23T12:00:00Z", "2026-07-23T05:00:00+00:00"):
        body = {"OrderingCustomerAccountNumber": "US-001", "RequestedShippingDate": text}
        assert fo.create("SalesOrderHeadersV2", body)["RequestedShippingDate"] == "2026-07-23T12:00:00Z"


def test_wrong_kinds_of_value_are_refused(fo: Caller) -> None:
    """[INF] 400 before any rule runs; nothing changes."""
    for body in (
        {"CreditLimit": "12"},
        {"CreditLimit": True},
        {"OnHoldStatus": "Yes"},
        {"CreditRating": 5},
        {"ConsolidationDay": 2**40},
        {"CredManCustomerSince": "soon"},
        {"OnHoldStatus": ["All"]},
    ):
        assert fo.refusal("PATCH", CUSTOMER, body)[0] == 400
    assert fo.refusal("PATCH", CUSTOMER, b"{")[0] == 400
    assert fo.refusal("PATCH", CUSTOMER, [])[0] == 400


def test_extension_fields_can_be_shown_read_filtered_and_written(starting: Callable[..., Caller]) -> None:
    """[REC] Newer releases and extensions add properties; off by default."""
    assert "ContosoCrmId" not in starting().get(CUSTOMER)
    fo = starting(extra_properties="on")
    assert fo.get(CUSTOMER)["ContosoCrmId"] == ""
    fo.send("PATCH", CUSTOMER, {"ContosoCrmId": "77"})
    assert len(fo.rows("CustomersV3", filter="ContosoCrmId eq '77'")) == 1


def test_a_null_clears_text(fo: Caller) -> None:
    """[REC] Text is never null on read."""
    fo.send("PATCH", CUSTOMER, {"PrimaryContactEmail": None})
    assert json.loads(fo.send("GET", CUSTOMER).body)["PrimaryContactEmail"] == ""

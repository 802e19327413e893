"""$filter (reference: dynamics.md 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

HOLD = "Microsoft.Dynamics.DataEntities.CustVendorBlocked"


def found(fo: Caller, text: str) -> list[str]:
    return [row["CustomerAccount"] for row in fo.rows("CustomersV3", filter=text, cross_company="true")]


def items(fo: Caller, text: str) -> list[str]:
    rows = fo.rows("ReleasedProductsV2", filter=text, cross_company="true", select="dataAreaId,ItemNumber")
    return [f"{row['dataAreaId']}:{row['ItemNumber']}" for row in rows]


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        ("CustomerAccount eq 'US-002'", ["US-002"]),
        ("CustomerAccount gt 'US-003' and dataAreaId eq 'usmf'", ["US-004", "US-005"]),
        ("CustomerAccount le 'de-002'", ["DE-001", "DE-002"]),
        ("not (dataAreaId eq 'usmf')", ["DE-001", "DE-002"]),
        ("CustomerAccount eq 'US-001' or CustomerAccount eq 'DE-001'", ["US-001", "DE-001"]),
        ("(CustomerAccount eq 'US-001' or CustomerAccount eq 'DE-001') and dataAreaId ne 'usmf'", ["DE-001"]),
        ("OrganizationName eq 'O''Neill Pumps'", ["US-001", "DE-002"]),
        ("OrganizationName eq ''", ["US-005"]),
        ("'US-001' eq CustomerAccount", ["US-001"]),
    ],
)
def test_comparisons_and_logic(fo: Caller, text: str, accounts: list[str]) -> None:
    """[MS 1] eq ne gt ge lt le and or not, parentheses; eq '' matches empty text."""
    assert found(fo, text) == accounts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SalesPrice eq 412.35", ["usmf:D0001"]),
        ("SalesPrice eq 412.350", ["usmf:D0001"]),
        ("SalesPrice divby SalesPriceQuantity lt 20", ["usmf: OIL-5"]),
        ("SalesPrice add 10 eq 100", ["usmf:S0001"]),
        ("SalesPrice sub 10 mul 2 eq 70", ["usmf:S0001"]),
        ("SalesPrice mod 100 eq 50", ["demf:D0001"]),
        ("SalesPrice div 2 eq 45", ["usmf:S0001"]),
        ("-SalesPrice lt -1000", ["usmf: OIL-5"]),
        ("WarrantyDurationTime add 7 div 2 eq 3", ["usmf:D0001", "usmf: OIL-5", "usmf:S0001", "demf:D0001"]),
    ],
)
def test_arithmetic_is_decimal(fo: Caller, text: str, names: list[str]) -> None:
    """[MS 1] add sub mul div divby mod; decimals compare by their digits."""
    assert items(fo, text) == names


def test_dividing_by_zero_is_refused(fo: Caller) -> None:
    """[INF] The database raises an error."""
    assert (
        fo.refusal("GET", "/data/ReleasedProductsV2?$filter=SalesPrice%20divby%20NetProductWeight%20gt%201")[
            0
        ]
        == 400
    )


def test_enumerations_compare_with_their_own_literal(fo: Caller) -> None:
    """[MS 1] Type'Member', only eq and ne."""
    assert found(fo, f"OnHoldStatus eq {HOLD}'All'") == ["US-002"]
    assert len(found(fo, f"OnHoldStatus ne {HOLD}'All'")) == 6


@pytest.mark.parametrize(
    "text",
    [
        f"OnHoldStatus gt {HOLD}'No'",
        "OnHoldStatus eq 'All'",
        f"OnHoldStatus eq {HOLD}'Everything'",
        "OnHoldStatus eq Microsoft.Dynamics.DataEntities.NoYes'Yes'",
        "OnHoldStatus has Microsoft.Dynamics.DataEntities.CustVendorBlocked'All'",
        "CustomerAccount in ('US-001','US-002')",
        "contains(CustomerAccount,'US')",
        "startswith(CustomerAccount,'US')",
        "tolower(CustomerAccount) eq 'us-001'",
        "CustomerAccount eq 1",
        "CreditLimit eq '1'",
        "CustomerAccount",
        "CustomerAccount eq",
        "",
        "CustomerAccount eq 'US-001' und true",
        "EveryProduct/ProductName eq 'x'",
        "CredManCustomerSince ge '2026-01-01'",
    ],
)
def test_what_f_and_o_does_not_know_is_refused(fo: Caller, text: str) -> None:
    """[MS 1] no in, no has; enumerations only eq and ne; [2.2] functions undocumented; types must agree."""
    answer = fo.send("GET", f"/data/CustomersV3?$filter={text.replace(' ', '%20')}")
    assert answer.status == 400


def test_functions_can_be_switched_on(starting: Callable[..., Caller]) -> None:
    """[open question 1] contains() and startswith() are not documented for /data."""
    fo = starting(contains="supported")
    assert found(fo, "contains(OrganizationName,'WARE')") == ["US-003", "US-004"]
    assert found(fo, "startswith(CustomerAccount,'DE')") == ["DE-001", "DE-002"]


def test_a_star_inside_eq_is_a_wildcard(fo: Caller) -> None:
    """[MS 1] The documented form of contains."""
    assert found(fo, "OrganizationName eq '*ware*'") == ["US-003", "US-004"]
    assert found(fo, "CustomerAccount eq 'DE*'") == ["DE-001", "DE-002"]
    assert "US-003" not in found(fo, "OrganizationName ne '*ware*'")


def test_text_compares_without_case_unless_switched(fo: Caller, starting: Callable[..., Caller]) -> None:
    """[INF] SQL collation; the switch makes it exact."""
    assert found(fo, "CustomerAccount eq 'us-001'") == ["US-001"]
    assert found(starting(string_compare="sensitive"), "CustomerAccount eq 'us-001'") == []


def test_names_that_begin_like_a_keyword_are_names(fo: Caller) -> None:
    """[META] AllowOnAccount begins with the keyword all."""
    assert len(found(fo, "AllowOnAccount eq Microsoft.Dynamics.DataEntities.NoYes'No'")) == 7


def test_times_are_unquoted_literals(fo: Caller, order: dict[str, str]) -> None:
    """[META] Every date is an Edm.DateTimeOffset."""
    for text, count in (
        ("RequestedShippingDate ge 2026-03-02T00:00:00Z", 1),
        ("RequestedShippingDate gt 2026-03-02T12:00:00Z", 0),
        ("OrderCreationDateTime eq 2026-03-02T10:30:15%2B01:00", 1),
        ("OrderCreationDateTime lt 2026-03-02T09:30:15.500Z", 0),
    ):
        rows = fo.get(f"/data/SalesOrderHeadersV2?$filter={text.replace(' ', '%20')}")["value"]
        assert len(rows) == count, text
    assert order


def test_an_unset_enumeration_without_zero_is_null(fo: Caller) -> None:
    """[REC] An unset time zone is null; text never is."""
    assert len(found(fo, "AddressTimeZone eq null")) == 7
    assert found(fo, "OrganizationName eq null") == []


def test_long_chains_of_or_work_and_use_the_key(fo: Caller) -> None:
    """[2.2] in is not supported, so clients build or chains."""
    chain = " or ".join(f"CustomerAccount eq 'DE-{number:03}'" for number in range(60))
    assert found(fo, f"dataAreaId eq 'demf' and ({chain})") == ["DE-001", "DE-002"]

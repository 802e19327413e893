"""Query options, paging and metadata levels (reference: dynamics.md 2.2)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

BASE = "http://127.0.0.1:8101"  # of the fixture
PATH = "/data/CustomersV3?cross-company=true&$select=CustomerAccount"


def accounts(fo: Caller, path: str) -> tuple[list[list[str]], list[str]]:
    """The pages of a crawl and the links that led through it."""
    pages, links = [], []
    while path:
        body = fo.get(path)
        pages.append([row["CustomerAccount"] for row in body["value"]])
        link = body.get("@odata.nextLink", "")
        links.append(link)
        path = link.removeprefix(BASE)
    return pages, links


def test_select_leaves_only_the_named_properties_and_the_tag(fo: Caller) -> None:
    """[REC] Each row carries its tag and what was selected."""
    row = fo.rows("CustomersV3", select="CustomerAccount,PartyNumber", top="1")[0]
    assert set(row) == {"@odata.etag", "CustomerAccount", "PartyNumber"}


def test_orderby_sorts_by_several_properties_in_both_directions(fo: Caller) -> None:
    """[MS 1] $orderby takes several properties, asc or desc."""
    rows = fo.rows("CustomersV3", orderby="dataAreaId desc, CustomerAccount asc", cross_company="true")
    keys = [(row["dataAreaId"], row["CustomerAccount"]) for row in rows]
    assert keys == sorted(keys, key=lambda key: (-ord(key[0][0]), key[1]))


def test_enumerations_sort_by_their_number(fo: Caller) -> None:
    """[INF] The database stores the number: No 0, All 2."""
    rows = fo.rows("CustomersV3", orderby="OnHoldStatus desc")
    assert rows[0]["OnHoldStatus"] == "All"


def test_top_and_skip_cut_the_list_without_a_next_link(fo: Caller) -> None:
    """[INF] A client that pages by itself gets no nextLink."""
    body = fo.get("/data/CustomersV3?$top=2&$skip=1")
    assert [row["CustomerAccount"] for row in body["value"]] == ["US-002", "US-003"]
    assert "@odata.nextLink" not in body


def test_count_is_of_all_matches(fo: Caller) -> None:
    """[REC] $count=true adds @odata.count, before $top."""
    body = fo.get(
        "/data/CustomersV3?$count=true&$top=1&$filter=OnHoldStatus%20eq%20Microsoft.Dynamics.DataEntities.CustVendorBlocked'No'"
    )
    assert (body["@odata.count"], len(body["value"])) == (4, 1)


def test_the_count_segment_answers_a_number_as_text(fo: Caller) -> None:
    """[INF] /Set/$count is plain text."""
    answer = fo.send("GET", "/data/CustomersV3/$count?cross-company=true")
    assert (answer.body, answer.headers["Content-Type"]) == (b"7", "text/plain")


@pytest.mark.parametrize("form", ["skip", "skiptoken"])
def test_a_crawl_along_next_links_sees_every_row_once(starting: Callable[..., Caller], form: str) -> None:
    """[MS 1] Pages of the server end in an absolute nextLink; [open question 1] its form is a switch."""
    fo = starting(page_size=3, nextlink=form)
    pages, links = accounts(fo, PATH)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [account for page in pages for account in page] == [
        "US-001",
        "US-002",
        "US-003",
        "US-004",
        "US-005",
        "DE-001",
        "DE-002",
    ]
    assert all(link.startswith(f"{BASE}/data/CustomersV3?") and f"${form}=" in link for link in links[:-1])
    assert links[-1] == ""


def test_next_links_keep_filter_and_order(starting: Callable[..., Caller]) -> None:
    """[MS 1] The link continues the same query."""
    for form in ("skip", "skiptoken"):
        fo = starting(page_size=2, nextlink=form)
        pages, _ = accounts(
            fo, f"{PATH}&$filter=CustomerAccount%20ne%20'US-003'&$orderby=CustomerAccount%20desc"
        )
        assert [account for page in pages for account in page] == [
            "US-005",
            "US-004",
            "US-002",
            "US-001",
            "DE-002",
            "DE-001",
        ]


def test_offset_pages_shift_when_a_row_vanishes_and_tokens_do_not(starting: Callable[..., Caller]) -> None:
    """[2.2 own paging] Offsets shift during a crawl; a token on the record does not."""
    seen = {}
    for form in ("skip", "skiptoken"):
        fo = starting(page_size=3, nextlink=form)
        link = fo.get(PATH)["@odata.nextLink"]
        fo.send("DELETE", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')")
        seen[form] = fo.get(link.removeprefix(BASE))["value"][0]["CustomerAccount"]
    assert seen == {"skip": "US-005", "skiptoken": "US-004"}


def test_a_top_beyond_the_page_is_continued_for_the_rest(starting: Callable[..., Caller]) -> None:
    """[INF] The server page still limits; the link carries what is left of $top."""
    pages, _ = accounts(starting(page_size=3), f"{PATH}&$top=5")
    assert [len(page) for page in pages] == [3, 2]


def test_the_largest_page_is_the_servers(starting: Callable[..., Caller]) -> None:
    """[MS 1] 10,000 rows a page; odata.maxpagesize is unverified, so ignored unless switched."""
    for value, size in (("ignored", 25), ("honoured", 4)):
        fo = starting(extra_customers=20, maxpagesize=value)
        body = fo.get("/data/CustomersV3", prefer="odata.maxpagesize=4")
        assert len(body["value"]) == size


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            "$select=Nope",
            "Could not find a property named 'Nope' on type 'Microsoft.Dynamics.DataEntities.CustomerV3'.",
        ),
        (
            "$orderby=Nope",
            "Could not find a property named 'Nope' on type 'Microsoft.Dynamics.DataEntities.CustomerV3'.",
        ),
        (
            "$filter=Nope%20eq%201",
            "Could not find a property named 'Nope' on type 'Microsoft.Dynamics.DataEntities.CustomerV3'.",
        ),
    ],
)
def test_unknown_properties_are_refused_with_the_known_sentence(fo: Caller, options: str, text: str) -> None:
    """[CODE] The sentence stands in the outer message."""
    answer = fo.send("GET", f"/data/CustomersV3?{options}")
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (400, text)


@pytest.mark.parametrize(
    "options",
    [
        "$search=x",
        "$top=-1",
        "$skip=x",
        "$count=maybe",
        "$top=1&$top=2",
        "$orderby=PartyNumber%20up",
        "nonsense=1",
        "$skiptoken=x",
    ],
)
def test_unknown_or_malformed_options_are_refused(fo: Caller, options: str) -> None:
    """[MS 1] Only the listed query options are supported."""
    assert fo.refusal("GET", f"/data/CustomersV3?{options}")[0] == 400


def test_options_without_a_dollar_may_be_ignored(starting: Callable[..., Caller]) -> None:
    """[INF] Custom options are a switch; misspelled system options stay refused."""
    fo = starting(unknown_options="ignored")
    assert fo.rows("CustomersV3") == fo.get("/data/CustomersV3?nonsense=1")["value"]
    assert fo.send("GET", "/data/CustomersV3?$nonsense=1").status == 400


def test_expand_joins_the_product_that_holds_the_display_name(fo: Caller) -> None:
    """[META] ReleasedProductsV2 has no display name; EveryProduct leads to AllProducts."""
    row = fo.get(
        "/data/ReleasedProductsV2?$select=ItemNumber&$expand=EveryProduct($select=ProductName)&$top=1"
    )["value"][0]
    assert row["EveryProduct"]["ProductName"] == "Pump 40"
    assert "ProductName" not in row


def test_expand_shows_the_lines_of_an_order(fo: Caller, order: dict[str, Any]) -> None:
    """[CODE C9] $expand=SalesOrderLines with a nested $select on V2."""
    number = order["SalesOrderNumber"]
    fo.create("SalesOrderLinesV3", {"dataAreaId": "usmf", "SalesOrderNumber": number, "ItemNumber": "D0001"})
    path = f"/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='{number}')"
    lines = fo.get(f"{path}?$expand=SalesOrderLines($select=InventoryLotId,ItemNumber)")["SalesOrderLines"]
    assert [set(line) for line in lines] == [{"@odata.etag", "InventoryLotId", "ItemNumber"}]


def test_a_second_level_of_expand_is_refused(fo: Caller) -> None:
    """[MS 1] Only first-level $expand."""
    for option in ("$expand=SalesOrderLines", "$filter=LineNumber eq 1"):
        path = f"/data/SalesOrderHeadersV2?$expand=SalesOrderLines($select=LineNumber;{option.replace(' ', '%20')})"
        status, text = fo.refusal("GET", path)
        assert (status, "first level only" in text) == (400, True)


def test_metadata_levels_add_or_drop_annotations(fo: Caller) -> None:
    """[CODE C9] full adds type, id and links; [INF] none drops context and tags."""
    accept = "application/json;odata.metadata="
    plain = fo.get("/data/Currencies?$top=1", accept=f"{accept}minimal")
    none = fo.get("/data/Currencies?$top=1", accept=f"{accept}none")
    full = fo.get("/data/Currencies?$top=1", accept=f"{accept}full")["value"][0]
    assert plain["@odata.context"] == f"{BASE}/data/$metadata#Currencies"
    assert "@odata.context" not in none
    assert "@odata.etag" not in none["value"][0]
    assert full["@odata.type"] == "#Microsoft.Dynamics.DataEntities.Currency"
    assert full["@odata.id"] == f"{BASE}/data/Currencies(CurrencyCode='CAD')"


def test_tags_may_stay_without_metadata(starting: Callable[..., Caller]) -> None:
    """[INF] The other behaviour."""
    body = starting(etag_without_metadata="kept").get(
        "/data/Currencies", accept="application/json;odata.metadata=none"
    )
    assert "@odata.etag" in body["value"][0]


def test_contexts_name_set_and_entity(fo: Caller) -> None:
    """[REC] #Set for lists, #Set/$entity for single records."""
    row = fo.get("/data/Currencies(CurrencyCode='USD')")
    assert row["@odata.context"] == f"{BASE}/data/$metadata#Currencies/$entity"

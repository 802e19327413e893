"""python-odata, a client of any OData v4 service: it builds its classes from $metadata and works with them.

New facts: it sends ``OData-Version: 4.0`` and ``@odata.type`` with every write, and reads a key by ``$filter``
(https://github.com/eblis/python-odata, ``odata/connection.py``, ``state.py`` and ``query.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from odata import ODataService
from odata.exceptions import ODataError
from odata.flags import ODataServerFlags

if TYPE_CHECKING:
    from tests.peers.conftest import Told

PAGE_SIZE = 10


@pytest.fixture
def service(twins: Told, trusting: Any) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_id": twins.client_id,
        "client_secret": twins.client_secret,
        "resource": twins.dynamics_url,
    }
    granted = trusting.post(f"{twins.authority}/{twins.tenant}/oauth2/token", data=form).json()
    trusting.headers["Authorization"] = f"Bearer {granted['access_token']}"
    return ODataService(
        f"{twins.dynamics_url}/data/",
        session=trusting,
        reflect_entities=True,
        quiet_progress=True,
        server_flags=ODataServerFlags(skip_null_properties=True),
    )


def test_it_reads_the_types_of_the_metadata(service: Any) -> None:
    customers = service.entities["CustomersV3"]
    keys = {prop.name for _, prop in customers.__new__(customers).__odata__.primary_key_properties}
    assert keys == {"dataAreaId", "CustomerAccount"}
    assert service.types["Microsoft.Dynamics.DataEntities.NoYes"]["Yes"].value == 1


def test_it_filters_selects_and_orders(service: Any) -> None:
    customers = service.entities["CustomersV3"]
    query = service.query(customers).filter(customers.dataAreaId == "usmf")
    rows = query.select(customers.CustomerAccount, customers.SalesCurrencyCode).all()
    assert rows
    for row in rows:
        assert {name for name in row if not name.startswith("@")} == {"CustomerAccount", "SalesCurrencyCode"}
    accounts = [row.CustomerAccount for row in query.order_by(customers.CustomerAccount.desc()).all()]
    assert accounts == sorted(accounts, reverse=True)
    first = query.filter(customers.CustomerAccount == accounts[0]).first()
    assert first.CustomerAccount == accounts[0]


def test_it_follows_the_pages_to_the_end(service: Any) -> None:
    rates = service.entities["ReleasedProductsV2"]
    found = [row.ItemNumber for row in service.query(rates)]
    number = int(service.query(rates).count())
    assert len(found) == number
    customers = service.entities["CustomersV3"]
    accounts = [row.CustomerAccount for row in service.query(customers)]
    assert len(accounts) == len(set(accounts)) == service.query(customers).count() > PAGE_SIZE


def test_it_creates_an_order_with_a_line_and_expands_it(service: Any) -> None:
    customers = service.entities["CustomersV3"]
    products = service.entities["ReleasedProductsV2"]
    headers, lines = service.entities["SalesOrderHeadersV2"], service.entities["SalesOrderLines"]
    customer = service.query(customers).first()
    product = service.query(products).first()
    header = headers()
    header.dataAreaId = "usmf"
    header.OrderingCustomerAccountNumber = customer.CustomerAccount
    header.CurrencyCode = customer.SalesCurrencyCode
    service.save(header)
    assert header.SalesOrderNumber
    line = lines()
    line.dataAreaId = "usmf"
    line.SalesOrderNumber = header.SalesOrderNumber
    line.ItemNumber = product.ItemNumber
    line.OrderedSalesQuantity = 2
    service.save(line)
    query = service.query(headers).filter(headers.SalesOrderNumber == header.SalesOrderNumber)
    found = query.expand(headers.SalesOrderLines).all()
    assert [line.ItemNumber for line in found[0].SalesOrderLines] == [product.ItemNumber]


def test_it_changes_a_customer(service: Any) -> None:
    customers = service.entities["CustomersV3"]
    customer = service.query(customers).first()
    customer.OrganizationName = "Renamed by a peer"
    service.save(customer, force_refresh=False)
    query = service.query(customers).filter(customers.CustomerAccount == customer.CustomerAccount)
    assert query.first().OrganizationName == "Renamed by a peer"


def test_it_shows_the_inner_message_of_a_refusal(service: Any) -> None:
    customers = service.entities["CustomersV3"]
    with pytest.raises(ODataError, match="Nonsense"):
        service.query(customers).raw({"$filter": "Nonsense eq 'x'"})

"""hubspot-api-client, HubSpot's official client for Python of many years (v3 and v4 paths)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hubspot
import pytest
from hubspot.crm import associations, companies, contacts, properties

if TYPE_CHECKING:
    from tests.peers.conftest import Told


@pytest.fixture
def client(twins: Told) -> Any:
    return hubspot.Client.create(
        access_token=twins.hubspot_token, host=twins.hubspot_url, ssl_ca_cert=twins.ca_file
    )


@pytest.fixture
def unique(client: Any) -> str:
    """A unique property of companies to upsert by."""
    name = "peer_account"
    known = {one.name for one in client.crm.properties.core_api.get_all("companies").results}
    if name not in known:
        made = properties.PropertyCreate(
            name=name,
            label="Account",
            type="string",
            field_type="text",
            group_name="companyinformation",
            has_unique_value=True,
        )
        assert client.crm.properties.core_api.create("companies", made).has_unique_value
    return name


def upsert(client: Any, unique: str, accounts: list[str]) -> Any:
    inputs = [
        companies.SimplePublicObjectBatchInputUpsert(
            id=account, id_property=unique, properties={"name": f"Company {account}"}
        )
        for account in accounts
    ]
    batch = companies.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
    return client.crm.companies.batch_api.upsert(batch)


def test_a_batch_upsert_creates_then_updates(client: Any, unique: str) -> None:
    first = upsert(client, unique, ["P-1", "P-2"])
    assert (first.status, [one.new for one in first.results]) == ("COMPLETE", [True, True])
    second = upsert(client, unique, ["P-1", "P-2"])
    assert [one.new for one in second.results] == [False, False]
    assert {one.id for one in first.results} == {one.id for one in second.results}


def test_a_batch_read_finds_by_the_unique_property(client: Any, unique: str) -> None:
    upsert(client, unique, ["P-3"])
    wanted = companies.BatchReadInputSimplePublicObjectId(
        inputs=[companies.SimplePublicObjectId(id="P-3")],
        id_property=unique,
        properties=["name", unique],
        properties_with_history=[],
    )
    found = client.crm.companies.batch_api.read(wanted)
    assert [one.properties["name"] for one in found.results] == ["Company P-3"]
    assert found.results[0].created_at.tzinfo is not None


def test_search_and_paging(client: Any, unique: str) -> None:
    upsert(client, unique, [f"P-4{number}" for number in range(5)])
    asked = companies.PublicObjectSearchRequest(
        filter_groups=[
            companies.FilterGroup(
                filters=[companies.Filter(property_name="name", operator="CONTAINS_TOKEN", value="Company")]
            )
        ],
        properties=["name"],
        limit=2,
    )
    found = client.crm.companies.search_api.do_search(asked)
    assert found.total >= 5
    assert (len(found.results), found.paging.next.after) == (2, "2")
    everything = client.crm.companies.get_all(properties=["name"])
    assert len(everything) >= 5


def test_associations_of_version_4(client: Any, unique: str) -> None:
    company = upsert(client, unique, ["P-5"]).results[0].id
    person = contacts.SimplePublicObjectInputForCreate(properties={"email": "peer@example.com"})
    contact = client.crm.contacts.basic_api.create(person).id
    made = client.crm.associations.v4.basic_api.create_default("companies", company, "contacts", contact)
    assert made.results
    found = client.crm.associations.v4.basic_api.get_page("companies", company, "contacts")
    assert [str(one.to_object_id) for one in found.results] == [contact]
    asked = associations.v4.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[associations.v4.PublicFetchAssociationsBatchRequest(id=company)]
    )
    batch = client.crm.associations.v4.batch_api.get_page("companies", "contacts", asked)
    assert [str(to.to_object_id) for to in batch.results[0].to] == [contact]


def test_properties_pipelines_and_owners(client: Any) -> None:
    names = {one.name for one in client.crm.properties.core_api.get_all("deals").results}
    assert {"dealname", "dealstage", "pipeline", "amount"} <= names
    pipelines = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert all(pipeline.stages for pipeline in pipelines)
    assert client.crm.owners.owners_api.get_page().results


def test_an_error_is_an_exception_with_status_and_body(client: Any) -> None:
    with pytest.raises(companies.ApiException) as caught:
        client.crm.companies.basic_api.get_by_id("999999999999")
    assert caught.value.status == 404
    assert "resource not found" in caught.value.body


def test_a_wrong_token_is_refused(twins: Told) -> None:
    stranger = hubspot.Client.create(
        access_token="pat-na1-none", host=twins.hubspot_url, ssl_ca_cert=twins.ca_file
    )
    with pytest.raises(companies.ApiException) as caught:
        stranger.crm.companies.basic_api.get_page()
    assert caught.value.status == 401


def test_it_trades_a_refresh_token_for_an_access_token_that_is_let_in(twins: Told) -> None:
    """An installed OAuth app goes by tokens that run out; this client asks for them on the v1 path."""
    stranger = hubspot.Client.create(host=twins.hubspot_url, ssl_ca_cert=twins.ca_file)
    granted = stranger.oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=twins.hubspot_client_id,
        client_secret=twins.hubspot_client_secret,
        refresh_token=twins.hubspot_refresh_token,
    )
    assert granted.token_type == "bearer"
    assert granted.refresh_token == twins.hubspot_refresh_token
    app = hubspot.Client.create(
        access_token=granted.access_token, host=twins.hubspot_url, ssl_ca_cert=twins.ca_file
    )
    assert app.crm.companies.basic_api.get_page(limit=1) is not None
    told = stranger.oauth.access_tokens_api.get(granted.access_token)
    assert told.hub_id == twins.portal_id

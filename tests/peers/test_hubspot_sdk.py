"""hubspot-sdk, HubSpot's new official client (prerelease; paths of 2026-03).

New fact from its source (https://github.com/HubSpot/hubspot-sdk-python): its types call every property value a
string, which an unset property, answered as null, is not; so its strict response validation cannot be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hubspot_sdk
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.peers.conftest import Told

UNIQUE = "sdk_account"


@pytest.fixture
def client(twins: Told) -> Iterator[Any]:
    import ssl

    trust = ssl.create_default_context(cafile=twins.ca_file)
    http = hubspot_sdk.DefaultHttpxClient(verify=trust)
    with hubspot_sdk.HubSpot(
        access_token=twins.hubspot_token,
        base_url=twins.hubspot_url,
        http_client=http,
        max_retries=0,
    ) as opened:
        known = {one.name for one in opened.crm.properties.list("companies").results}
        if UNIQUE not in known:
            opened.crm.properties.create(
                "companies",
                name=UNIQUE,
                label="Account",
                type="string",
                field_type="text",
                group_name="companyinformation",
                has_unique_value=True,
            )
        yield opened


def upsert(client: Any, *accounts: str) -> Any:
    inputs = [
        {"id": account, "id_property": UNIQUE, "properties": {"name": f"Firm {account}"}}
        for account in accounts
    ]
    return client.crm.objects.companies.batch.upsert(inputs=inputs)


def test_a_batch_upsert_and_read(client: Any) -> None:
    made = upsert(client, "S-1", "S-2")
    assert made.status == "COMPLETE"
    assert [one.new for one in upsert(client, "S-1", "S-2").results] == [False, False]
    found = client.crm.objects.companies.batch.get(
        inputs=[{"id": "S-1"}], id_property=UNIQUE, properties=["name"], properties_with_history=[]
    )
    assert [one.properties["name"] for one in found.results] == ["Firm S-1"]


def test_listing_follows_the_pages(client: Any) -> None:
    upsert(client, *(f"S-3{number}" for number in range(5)))
    found = [one.id for one in client.crm.objects.companies.list(limit=2)]
    assert len(found) == len(set(found)) >= 5


def test_search(client: Any) -> None:
    upsert(client, "S-4")
    wanted = {"filters": [{"property_name": UNIQUE, "operator": "EQ", "value": "S-4"}]}
    found = client.crm.objects.companies.search(
        filter_groups=[wanted], properties=["name"], limit=10, after="0", sorts=[]
    )
    assert (found.total, found.results[0].properties["name"]) == (1, "Firm S-4")


def test_associations(client: Any) -> None:
    company = upsert(client, "S-5").results[0].id
    contact = client.crm.objects.contacts.create(properties={"email": "sdk@example.com"}, associations=[]).id
    client.crm.associations.create(
        contact, from_object_type="companies", from_object_id=company, to_object_type="contacts"
    )
    found = client.crm.associations.list("contacts", object_type="companies", object_id=company)
    assert [str(one.to_object_id) for one in found] == [contact]


def test_pipelines_owners_and_one_property(client: Any) -> None:
    assert client.crm.pipelines.list("deals").results[0].stages
    assert list(client.crm.owners.list())
    assert client.crm.properties.get("dealname", object_type="deals").type == "string"


def test_errors_are_told_by_their_class(client: Any, twins: Told) -> None:
    with pytest.raises(hubspot_sdk.NotFoundError):
        client.crm.objects.companies.get("999999999999")
    with pytest.raises(hubspot_sdk.AuthenticationError):
        client.with_options(access_token="pat-na1-none").crm.objects.companies.list()

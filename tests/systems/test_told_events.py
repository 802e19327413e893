"""What the rooms of both sides read out of a request, and whether they believe that HubSpot sent it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.events import UnreadableEventError
from ml_connector.systems.dynamics import events as dynamics
from ml_connector.systems.hubspot import events as hubspot
from ml_connector.systems.hubspot.events import Signed, distrust, records_of, signature_v3
from ml_connector.twin.hubspot import signatures as twins

if TYPE_CHECKING:
    from ml_connector.domain.events import Told

FACTS = json.loads(
    (Path(__file__).parents[1] / "contract" / "facts" / "hubspot_signatures.json").read_text(encoding="utf-8")
)
V3 = [vector for vector in FACTS["vectors"] if vector["version"] == "v3"]
V1 = [vector for vector in FACTS["vectors"] if vector["version"] == "v1"]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp() * 1000))
URI = "https://connector.example/hooks/hubspot/default"
FO = "https://contoso.operations.dynamics.com"


def signed(body: bytes, **headers: str) -> Signed:
    named = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return Signed("POST", URI, body, named)


@pytest.mark.parametrize("vector", V3, ids=lambda vector: vector["expected"][:6])
def test_the_published_third_signature_is_ours(vector: dict[str, Any]) -> None:
    found = signature_v3(
        FACTS["secret"], vector["method"], vector["uri"], vector["body"].encode(), vector["timestamp"]
    )
    assert found == vector["expected"]


@pytest.mark.parametrize("vector", V3, ids=lambda vector: vector["expected"][:6])
def test_a_published_request_is_believed_at_its_time(vector: dict[str, Any]) -> None:
    headers = {
        "x-hubspot-signature-v3": (vector["expected"],),
        "x-hubspot-request-timestamp": (vector["timestamp"],),
    }
    request = Signed(vector["method"], vector["uri"], vector["body"].encode(), headers)
    then = datetime.fromtimestamp(int(vector["timestamp"]) / 1000, UTC)
    assert distrust(request, [FACTS["secret"]], then, accept_v1=False) == ""
    assert distrust(request, ["old", FACTS["secret"]], then, accept_v1=False) == ""
    assert distrust(request, [], then, accept_v1=False) == "signature"
    assert distrust(request, [FACTS["secret"]], then + timedelta(minutes=6), accept_v1=False) == "timestamp"


@pytest.mark.parametrize("vector", V1, ids=lambda vector: vector["expected"][:6])
def test_the_published_first_signature_is_believed_only_when_allowed(vector: dict[str, Any]) -> None:
    request = signed(vector["body"].encode(), x_hubspot_signature=vector["expected"])
    assert distrust(request, [FACTS["secret"]], NOW, accept_v1=True) == ""
    assert distrust(request, [FACTS["secret"]], NOW, accept_v1=False) == "algorithm"


@given(secret=st.text(min_size=1), path=st.text("ab/%3AfF2c*&?=", max_size=20), body=st.binary(max_size=40))
def test_what_the_twin_signs_is_what_we_expect(secret: str, path: str, body: bytes) -> None:
    """Escapes among them: both decode the same ones."""
    uri = URI + path
    assert signature_v3(secret, "POST", uri, body, STAMP) == twins.sign_v3(secret, "POST", uri, body, STAMP)


@given(body=st.binary(min_size=1, max_size=60), at=st.integers(0), bit=st.integers(0, 7))
def test_a_single_bit_of_the_body_makes_a_request_unbelievable(body: bytes, at: int, bit: int) -> None:
    signature = twins.sign_v3("secret", "POST", URI, body, STAMP)
    other = bytearray(body)
    other[at % len(body)] ^= 1 << bit
    headers = {"x_hubspot_signature_v3": signature, "x_hubspot_request_timestamp": STAMP}
    assert distrust(signed(bytes(other), **headers), ["secret"], NOW, accept_v1=True) == "signature"
    assert distrust(signed(body, **headers), ["secret"], NOW, accept_v1=False) == ""


def read(event: Any, environment: str = FO) -> Told:
    [told] = dynamics.read_events(json.dumps(event).encode(), environment)
    return told


EVENT = {"BusinessEventId": "Changed", "BusinessEventLegalEntity": "USMF", "ControlNumber": 7, "Account": "A"}


def test_a_control_number_means_nothing_in_another_environment_entity_or_event() -> None:
    same = read(EVENT).identity
    assert read({**EVENT, "Account": "B"}).identity == same
    for other in ({"BusinessEventLegalEntity": "USSI"}, {"BusinessEventId": "Other"}, {"ControlNumber": 8}):
        assert read({**EVENT, **other}).identity != same
    assert read(EVENT, "https://other.operations.dynamics.com").identity != same


def test_the_order_of_fields_and_the_form_of_the_number_make_no_other_event() -> None:
    shuffled = dict(reversed(EVENT.items()))
    assert read(shuffled).content == read(EVENT).content
    assert read({**EVENT, "ControlNumber": "7"}).identity == read(EVENT).identity


def test_standard_contracts_tell_the_legal_entity_a_second_time() -> None:
    plain = {name: value for name, value in EVENT.items() if name != "BusinessEventLegalEntity"}
    assert read({**plain, "LegalEntity": "USMF"}).legal_entity == "usmf"
    assert read(plain).legal_entity == ""


def test_a_fields_name_is_the_same_in_every_form() -> None:
    pairs = [{"key": "mserp_account", "value": "A"}]
    data = {
        "PrimaryEntityName": "mserp_x", "MessageName": "Create",
        "InputParameters": [{"key": "Target", "value": {"Attributes": pairs}}],
    }  # fmt: skip
    assert read(EVENT).fields["account"] == read(data).fields["account"] == "A"


def webhook(**fields: Any) -> Told:
    event = {"subscriptionType": "deal.creation", "portalId": 1, "eventId": 1, "objectId": 5, **fields}
    [told] = hubspot.read_events(json.dumps([event]).encode())
    return told


def test_both_names_of_the_type_are_read_and_generic_types_become_plain_ones() -> None:
    assert webhook(subscriptionType=None, eventType="deal.deletion").type == "deal.deletion"
    assert webhook(subscriptionType="object.merge", objectTypeId="0-2").type == "company.merge"
    assert webhook(subscriptionType="object.merge", objectTypeId="2-99").type == "object.merge"


@pytest.mark.parametrize(
    ("fields", "of", "ids"),
    [
        ({}, "deal", ("5",)),
        ({}, "contact", None),
        (
            {
                "subscriptionType": "deal.merge",
                "primaryObjectId": 1,
                "mergedObjectIds": [2, 3],
                "newObjectId": 4,
            },
            "deal",
            ("4", "1", "5", "2", "3"),
        ),
        ({"subscriptionType": "deal.merge", "mergedObjectIds": "x", "objectId": 5}, "deal", ("5",)),
        (
            {
                "subscriptionType": "line_item.associationChange",
                "associationType": "LINE_ITEM_TO_DEAL",
                "fromObjectId": 8,
                "toObjectId": 9,
            },
            "deal",
            ("9",),
        ),
        ({"subscriptionType": "deal.associationChange", "associationType": 7}, "deal", None),
        ({"objectId": "not-a-number"}, "deal", None),
    ],
)
def test_the_records_an_event_is_about(fields: dict[str, Any], of: str, ids: tuple[str, ...] | None) -> None:
    assert records_of(webhook(**fields), of) == ids


def test_a_body_is_never_quoted_in_what_is_said_about_it() -> None:
    for text in (
        b'{"BusinessEventId": "canary',
        b'{"canary": 1}',
        b'["canary"]',
        b'{"BusinessEventId": ["canary"]}',
    ):
        with pytest.raises(UnreadableEventError) as refused:
            dynamics.read_events(text, FO)
        assert "canary" not in str(refused.value)

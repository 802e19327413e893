"""The HubSpot twin beside our own tables of facts: endpoints, answers, association types, limits.

Sources: https://developers.hubspot.com/docs/api-reference/error-handling,
https://developers.hubspot.com/docs/guides/crm/using-object-apis,
https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

import itertools
import json
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from ml_connector.twin.hubspot import AppAccess, HubSpotMachine, OAuthApp, Settings
from ml_connector.twin.hubspot.associations import TYPES
from ml_connector.twin.wire import Answer, Request
from ml_connector.twin.world.build import build

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = Path(__file__).parent / "facts"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "pat-na1-facts"


def table(name: str) -> Any:
    return json.loads((FACTS / f"hubspot_{name}.json").read_text(encoding="utf-8"))


@dataclass
class Portal:
    machine: HubSpotMachine

    def send(self, method: str, target: str, body: Any = None, token: str = TOKEN) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = Request(method, target, {"authorization": f"Bearer {token}"}, content)
        return self.machine.admit(request, NOW) or self.machine.handle(request, NOW)

    def create(self, kind: str, version: str = "2026-03", **properties: str) -> Answer:
        return self.send("POST", f"/crm/objects/{version}/{kind}", {"properties": properties})

    def key(self) -> None:
        """Give companies a unique property."""
        self.send("POST", "/crm/properties/2026-03/companies", KEY)


KEY = {
    "name": "d365_customer_key",
    "label": "Key",
    "type": "string",
    "fieldType": "text",
    "groupName": "companyinformation",
    "hasUniqueValue": True,
}


def open_portal(*, limit: tuple[int, float] = (0, 0), **switches: str) -> Portal:
    numbers = itertools.count(1)

    def new_id() -> str:
        return f"00000000-0000-4000-8000-{next(numbers):012}"

    return Portal(
        HubSpotMachine(
            build(1, customers=2, products=2, contacts_per_customer=1, deals=2, legal_entities=("usmf",)),
            rng=random.Random(3),  # noqa: S311 - a story is told, no secret is made
            new_id=new_id,
            switches=switches,
            limit=limit,
            token=TOKEN,
            portal_id=1,
            now=NOW,
            app=OAuthApp(AppAccess("a", "b", "c"), new_id=new_id, settings=Settings(switches)),
        )
    )


@pytest.mark.parametrize("fact", table("endpoints"), ids=lambda fact: f"{fact['method']} {fact['path']}")
def test_every_endpoint_of_the_table_is_there(fact: dict[str, Any]) -> None:
    """The twin knows method and path, and what it lists under them says what it does."""
    listed = {
        (one.method, re.sub(r"\{(?!v\})\w+\}", "{}", one.path)): one
        for one in open_portal().machine.endpoints()
    }
    path = re.sub(r"\{(?!v\})\w+\}", "{}", fact["path"])
    assert listed[fact["method"], path].does


EMPTY_IS_FINE = {"/crm/objects/{v}/{type}/search"}  # every member of a search may be left out


@pytest.mark.parametrize(
    "fact",
    [one for one in table("endpoints") if one["required"] and one["path"] not in EMPTY_IS_FINE],
    ids=lambda fact: f"{fact['method']} {fact['path']}",
)
def test_a_body_without_its_required_members_is_refused(fact: dict[str, Any]) -> None:
    """An empty body is refused wherever the table names required members."""
    portal = open_portal()
    deal = next(iter(portal.machine.world_deals))
    portal.key()
    kind = "deals" if "pipelines" in fact["path"] else "companies"
    args = {"v": "2026-03", "type": kind, "from": "companies", "to": "contacts", "name": "city"}
    args |= {"id": str(deal), "to_id": "2", "pipeline": "default", "stage": "closedwon", "rule": "MAX_LENGTH"}
    target = fact["path"].format(**args)
    answer = portal.send(fact["method"], target, {})
    assert answer.status in {400, 404}
    assert answer.written is None or not answer.written.committed


def unknown_property() -> Answer:
    return open_portal().create("companies", name="A", x="1")


def non_unique() -> Answer:
    one = {"id": "a", "idProperty": "domain", "properties": {}}
    return open_portal().send("POST", "/crm/objects/2026-03/companies/batch/upsert", {"inputs": [one]})


def duplicate() -> Answer:
    portal = open_portal()
    portal.key()
    one = {"id": "K1", "idProperty": "d365_customer_key", "properties": {}}
    return portal.send("POST", "/crm/objects/2026-03/companies/batch/upsert", {"inputs": [one, one]})


def conditional() -> Answer:
    portal = open_portal(conditional_required="companies.country=Germany:my_property")
    portal.send("POST", "/crm/properties/2026-03/companies", KEY | {"name": "my_property"})
    return portal.create("companies", "2026-09", name="A", country="Germany")


def create_form() -> Answer:
    return open_portal(create_required="contacts.firstname").create("contacts", "2026-09", lastname="B")


def edit_associations() -> Answer:
    portal = open_portal(oauth_associations="refused")
    form = b"grant_type=refresh_token&client_id=a&client_secret=b&refresh_token=c"
    token = orjson.loads(portal.send("POST", "/oauth/2026-09/token", form).body)["access_token"]
    return portal.send("PUT", "/crm/objects/2026-09/deals/1/associations/default/companies/2", token=token)


def contact_exists() -> Answer:
    portal = open_portal()
    portal.create("contacts", email="a@example.com")
    return portal.create("contacts", email="A@example.com")


def property_exists() -> Answer:
    portal = open_portal()
    portal.key()
    return portal.send("POST", "/crm/properties/2026-03/companies", KEY)


def throttled(kind: str, **switches: str) -> Answer:
    portal = open_portal(limit=(1, 10.0) if kind == "rolling" else (0, 0), **switches)
    method, target = ("POST", f"{LIST}/search") if kind == "search" else ("GET", LIST)
    portal.send(method, target)
    return portal.send(method, target)


def upsert() -> Answer:
    portal = open_portal()
    portal.key()
    good = {"id": "usmf:C-1", "idProperty": "d365_customer_key", "properties": {"name": "A"}}
    inputs = [good | {"objectWriteTraceId": "t1"}]
    bad = good | {"id": "usmf:C-2", "properties": {"x": "1"}, "objectWriteTraceId": "t2"}
    body = {"inputs": [*inputs, bad]}
    return portal.send("POST", "/crm/objects/2026-03/companies/batch/upsert", body)


def warning() -> Answer:
    portal = open_portal()
    birth = KEY | {"name": "date_of_birth", "type": "date", "fieldType": "date", "hasUniqueValue": False}
    portal.send("POST", "/crm/properties/2026-03/companies", birth)
    key = orjson.loads(portal.create("companies", name="A").body)["id"]
    body = {"properties": {"date_of_birth": "1990-01-01T00:00:00Z"}}
    return portal.send("PATCH", f"/crm/objects/2026-09/companies/{key}", body)


LIST = "/crm/objects/2026-03/companies"
MADE: dict[str, Callable[[], Answer]] = {
    "400_unknown_property": unknown_property,
    "400_non_unique_id_property": non_unique,
    "400_duplicate_ids": duplicate,
    "400_conditional_required_2026_09": conditional,
    "400_create_form_required_2026_09": create_form,
    "400_edit_associations_2026_09": edit_associations,
    "401": lambda: open_portal().send("GET", LIST, token="wrong"),
    "403_missing_scopes": lambda: open_portal(missing_scopes="crm.objects.deals.read").send(
        "GET", "/crm/objects/2026-03/deals"
    ),
    "404_numeric_id": lambda: open_portal().send("GET", f"{LIST}/12"),
    "404_non_numeric_id": lambda: open_portal().send("GET", f"{LIST}/abc"),
    "409_contact_exists": contact_exists,
    "409_property_exists": property_exists,
    "429_daily": lambda: throttled("daily", daily_limit="1"),
    "429_ten_secondly": lambda: throttled("rolling"),
    "429_search": lambda: throttled("search", search_rate="1"),
    "207_upsert": upsert,
    "200_write_warning_2026_09": warning,
    "token_info": lambda: open_portal().send(
        "POST", "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": TOKEN}
    ),
}


@pytest.mark.parametrize("name", table("answers"))
def test_every_answer_of_the_table_is_given_to_some_request(name: str) -> None:
    """Status, fields and texts are those seen; ids, moments and lists of the portal's own differ."""
    sample = table("answers")[name]
    answer = MADE[name]()
    got = orjson.loads(answer.body)
    assert answer.status == sample["status"]
    assert not missing(sample.get("body") or sample["fragment"], got)


OWN = {
    "correlationId",
    "requestId",
    "id",
    "hs_object_id",
    "startedAt",
    "completedAt",
    "createdAt",
    "updatedAt",
}
OWN |= {"userId", "hubId", "appId", "scopes"}


def missing(wanted: Any, got: Any, name: str = "") -> list[str]:
    """What a sample has and an answer has not, or has with another text."""
    if isinstance(wanted, dict):
        absent = [f"{name}.{key}" for key in wanted if key not in got]
        inside = [missing(value, got[key], f"{name}.{key}") for key, value in wanted.items() if key in got]
        return absent + [word for words in inside for word in words]
    if name.rpartition(".")[2] in OWN:
        return [] if type(wanted) is type(got) else [f"{name} is {got!r}"]
    if isinstance(wanted, list):
        if len(wanted) != len(got):
            return [f"{name} has {len(got)} entries"]
        return [word for w, g in zip(wanted, got, strict=True) for word in missing(w, g, name)]
    if isinstance(wanted, str):
        pattern = re.escape(wanted).replace(r"\.\.\.", ".*").replace("123", r"\d+")
        return [] if isinstance(got, str) and re.fullmatch(pattern, got) else [f"{name} is {got!r}"]
    return [] if wanted == got else [f"{name} is {got!r}"]


@pytest.mark.parametrize("fact", table("association_types"), ids=lambda fact: str(fact[2]))
def test_every_association_type_of_the_table_is_there(fact: list[Any]) -> None:
    """Type ids, their direction, their inverse and whether they are the primary one."""
    source, target, type_id, primary, inverse = fact
    kind = TYPES[type_id]
    assert (kind.source, kind.target, kind.primary, kind.inverse) == (source, target, primary, inverse)


LIMITS = [
    ("GET", "/crm/objects/2026-03/companies?limit={n}", 100),
    ("POST", "/crm/objects/2026-03/companies/search", 200),
    ("POST", "/crm/objects/2026-03/companies/batch/read", 100),
    ("POST", "/crm/associations/2026-03/deals/companies/batch/read", 1_000),
    ("POST", "/crm/associations/2026-03/deals/companies/batch/associate/default", 2_000),
]


@pytest.mark.parametrize(("method", "path", "most"), LIMITS)
def test_limits(method: str, path: str, most: int) -> None:
    """Lists 100, searches 200, batches 100, associations 1,000 read and 2,000 written."""
    one = {"id": "1", "from": {"id": "1"}, "to": {"id": "2"}}
    for number, refused in ((most, False), (most + 1, True)):
        body = {"limit": number} if path.endswith("search") else {"inputs": [one] * number}
        answer = open_portal().send(method, path.format(n=number), None if method == "GET" else body)
        assert (answer.status == 400) == refused

"""Which events hint at which flow: the settings for Dynamics, looked through before the first event comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.event_rules import event_settings
from ml_connector.errors import ConfigurationError
from ml_connector.settings import load_settings
from ml_connector.store import operations, processes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.console.door import EVENTS, ORDERED, Door, business, opened

    from ml_connector.domain.clock import Surroundings
else:
    from door import EVENTS, ORDERED, Door, business, opened  # pytest puts this folder on the path

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = {"flow": "customers", "entity_set": "CustomersV3", "key": "Account"}


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ({"dynamics": {"X": {**GOOD, "flow": "custmers"}}}, "Did you mean 'customers'?"),
        (
            {"dynamics": {"X": {**GOOD, "flow": "orders"}}},
            "events.dynamics.X.flow is 'orders'; events of Dynamics",
        ),
        (
            {"dynamics": {"X": {**GOOD, "entity_set": "CustomerV3"}}},
            "'CustomerV3'; for customers it can be CustomersV3. Did you mean 'CustomersV3'?",
        ),
        ({"dynamics": {"X": {**GOOD, "key": "the account"}}}, "which is no name of a field"),
        ({"dynamics": {"X": {"flow": "customers"}}}, "events.dynamics.X.entity_set"),
        ({"dynamics": {"X": {**GOOD, "keys": "A"}}}, "There is no setting events.dynamics.X.keys"),
        ({"acept_v1": True}, "Did you mean 'accept_v1'?"),
        ({"most_open": 0}, "events.most_open"),
    ],
)
def test_a_wrong_table_is_refused_with_a_sentence(events: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        event_settings(load_settings(events=events))
    assert sentence in refused.value.message


def test_the_table_can_stand_in_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        '[events.dynamics.Own]\nflow = "products"\nentity_set = "ReleasedProductsV2"\nkey = "ProductNumber"\n'
    )
    (tmp_path / "ml-connector.toml").write_text(text, "utf-8")
    monkeypatch.setenv("MLC_HOME", str(tmp_path))
    assert event_settings(load_settings()).dynamics["Own"].key == "ProductNumber"


async def test_the_table_can_stand_in_the_environment_which_knows_no_case(
    tmp_path: Path, store_url: str, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GOOD.items():
        variable = f"MLC_EVENTS__DYNAMICS__{business()['BusinessEventId']}__{name}".upper()
        monkeypatch.setenv(variable, value)
    async with opened(tmp_path, store_url, around, events={}) as door:
        await door.dynamics(business())
        assert await door.hints() == {"customers": {"usmf:US-001"}}


@pytest.mark.parametrize(
    ("rule", "settings", "key"),
    [
        (GOOD, {}, "usmf:US-001"),
        ({**GOOD, "flow": "contacts"}, {}, "usmf:c-US-001"),
        ({**GOOD, "flow": "contacts", "entity_set": "CDSContactPersonsV2"}, {}, "usmf:p-US-001"),
        ({**GOOD, "flow": "contacts", "entity_set": "ContactPersons"}, {}, "usmf:US-001"),
        ({**GOOD, "flow": "products", "entity_set": "ReleasedProductsV2"}, {}, "US-001"),
        (
            {**GOOD, "flow": "products", "entity_set": "ReleasedProductsV2"},
            {"products": {"identity": "per_legal_entity"}},
            "usmf:US-001",
        ),
        ({**GOOD, "key": ""}, {}, ""),
        ({**GOOD, "key": "NotInIt"}, {}, ""),
        ({**GOOD, "key": "mserp_ACCOUNT"}, {}, "usmf:US-001"),
    ],
)
async def test_an_events_field_becomes_the_key_of_its_flow(
    tmp_path: Path,
    store_url: str,
    around: Surroundings,
    *,
    rule: dict[str, str],
    settings: dict[str, Any],
    key: str,
) -> None:
    """Without such a field, the flow looks for itself: its key is empty."""
    events = {"dynamics": {business()["BusinessEventId"]: rule}}
    async with opened(tmp_path, store_url, around, events=events, **settings) as door:
        assert (await door.dynamics(business())).status == 200
        assert await door.hints() == {rule["flow"]: {key}}


async def test_a_field_that_is_no_name_hints_at_nothing(door: Door) -> None:
    await door.dynamics(business(1, {"a": 1}))  # type: ignore[arg-type]  # what a wrong contract sends
    [row] = await door.rows()
    assert (row.outcome, row.note) == ("out_of_scope", "nothing of customers")


async def test_an_orders_event_hints_at_the_deal_it_came_from(door: Door) -> None:
    """In its own legal entity; an order that people made in Dynamics has no deal."""
    process = processes.Process("p1", "orders", "777", 1, "done", "write_back", "none", NOON, NOON)
    header = operations.Operation(
        "o1", "p1", "header", "HS", "usmf", 1, b"", b"", "done", 1, NOON, external_id="SO-1"
    )
    line = operations.Operation(
        "o2", "p1", "line", "HS", "usmf", 1, b"", b"", "done", 1, NOON, external_id="SO-2"
    )
    async with door.place.store.write() as tx:
        await processes.put(tx, door.cid, process, door.place.vault)
        for one in (header, line):
            await operations.put(tx, door.cid, one, door.place.vault)
    for number, order, entity in ((1, "SO-1", "USSI"), (2, "SO-2", "USMF"), (3, "SO-1", "USMF")):
        await door.dynamics(
            business(number, BusinessEventId=ORDERED, BusinessEventLegalEntity=entity, SalesOrderNumber=order)
        )
    assert await door.outcomes() == ["out_of_scope", "out_of_scope", "accepted"]
    assert await door.hints() == {"order_status": {"777"}}
    assert EVENTS["dynamics"][ORDERED]["flow"] == "order_status"

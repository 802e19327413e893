"""Events as tests tell them, and the engine of one connection whose flows are on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.events import Told
from ml_connector.engine.context import Engine
from ml_connector.engine.inbox import Policy, Rule
from ml_connector.store import connections, flows

if TYPE_CHECKING:
    from ml_connector.domain.clock import Surroundings
    from ml_connector.store.database import Store

FLOWS = ("customers", "products", "order_status")


async def engine_of(store: Store, around: Surroundings, name: str = "default") -> Engine:
    """The engine of a connection whose flows are on."""
    assert store.vault is not None
    async with store.write() as tx:
        cid = (await connections.get_or_create(tx, name)).connection_id
        for flow in FLOWS:
            await flows.put(tx, cid, flows.FlowRow(flow, "on"))
    return Engine(store, store.vault, cid, around)


def told(number: int, key: str = "A", *, says: str = "", type: str = "Changed", **more: Any) -> Told:  # noqa: A002 - as in Told
    """An event with this number about this record."""
    identity = f"{type}/{number}".encode()
    content = identity + f"/{key}/{says}".encode()
    return Told("dynamics", type, "usmf", "", str(number), identity, content, {"key": key}, **more)


def policy(**changes: Any) -> Policy:
    """Events ``Changed`` name a customer, ``Priced`` nothing of the products."""
    rules = {
        "changed": Rule("customers", lambda event: (event.fields["key"],) if event.fields["key"] else ()),
        "priced": Rule("products", lambda _event: ()),
    }
    values: dict[str, Any] = {
        "rules": rules, "left_out": lambda _event: "", "most_open": 1000, "digest_key": b"salt", "keep_left_out": True,
    }  # fmt: skip
    return Policy(**{**values, **changes})

"""Making a customer known: its key on the company in HubSpot, and the link by which flow customers adopts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from ml_connector.domain.records import FINGERPRINT_VERSION
from ml_connector.engine.calls import recorded, report_run
from ml_connector.engine.match import UNTOUCHED
from ml_connector.errors import RejectedError
from ml_connector.flows.orders.customer.buyer import COMPANIES, CUSTOMERS
from ml_connector.flows.orders.deal.snapshot import value
from ml_connector.store import audit, links
from ml_connector.store.audit import Entry
from ml_connector.store.links import Link

if TYPE_CHECKING:
    from ml_connector.engine.context import Engine
    from ml_connector.store.processes import Process
    from ml_connector.systems.hubspot.client import HubSpotClient

OWN_KEY, FURTHER_KEYS = "d365_customer_key", "d365_customer_accounts"


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Tells the company and the link table of a customer. Safe to repeat."""

    hubspot: HubSpotClient
    engine: Engine

    async def make(self, process: Process, company_id: str, key: str) -> tuple[str, ...]:
        """Stamp the company with the key and link the two.

        Returns:
            Notes on what a person should mend; the order does not wait for it.

        Raises:
            RetryableError: HubSpot could not take it now.
        """
        linked = await self._linked(key)
        if linked is not None:
            if linked.target_id == company_id:
                return ()
            return (
                f"Customer {key} belongs to company {linked.target_id} in HubSpot; merge the two companies.",
            )
        record = await self.hubspot.get(COMPANIES, company_id, properties=[OWN_KEY, FURTHER_KEYS])
        if record is None:
            return (f"Company {company_id} is not in HubSpot any more: customer {key} is not linked to it.",)
        properties = record["properties"]
        own, further = value(properties, OWN_KEY), value(properties, FURTHER_KEYS)
        stamp = _stamp(key, own, further)
        try:
            if stamp:
                await self._write(process, company_id, stamp)
        except RejectedError as refused:
            return (f"HubSpot did not take customer {key} on company {company_id}: {refused.message}",)
        await self._link(process, company_id, key, stamp, is_first=own in ("", key))
        return ()

    async def _linked(self, key: str) -> Link | None:
        async with self.engine.store.read() as tx:
            return (await links.many(tx, self.engine.connection_id, CUSTOMERS, [key])).get(key)

    async def _write(self, process: Process, company_id: str, stamp: dict[str, str]) -> None:
        await recorded(
            self.engine,
            side="hubspot",
            resource=f"{COMPANIES}.update",
            keys=[company_id],
            payload=stamp,
            run_id=report_run(process.flow, process.subject),
            send=lambda call_id: self.hubspot.update(COMPANIES, company_id, stamp, call_id=call_id),
        )

    async def _link(
        self, process: Process, company_id: str, key: str, stamp: dict[str, str], *, is_first: bool
    ) -> None:
        """The link as matching makes one: the next run of customers takes it from there."""
        cid = self.engine.connection_id
        link = Link(
            flow=CUSTOMERS,
            key=key,
            object_type=COMPANIES,
            target_id=company_id,
            fingerprint=UNTOUCHED,
            source_digest=b"",
            fingerprint_version=FINGERPRINT_VERSION,
            mapping_version=0,
            written=orjson.dumps({OWN_KEY: key} if is_first else {}),
            role="adopted" if is_first else "follower",
        )
        entry = Entry(
            kind="linked",
            flow=CUSTOMERS,
            key=key,
            run_id=None,
            payload={
                "target_id": company_id,
                "changed": {name: [None, text] for name, text in stamp.items()},
                "reason": f"the customer of deals/{process.subject}",
                "by": self.engine.started_by,
            },
        )
        async with self.engine.store.write() as tx:
            await links.put(tx, cid, [link])
            await audit.append(tx, cid, [entry])


def _stamp(key: str, own: str, further: str) -> dict[str, str]:
    """What the company must carry in addition: the first customer is its key, others are listed."""
    if not own:
        return {OWN_KEY: key}
    listed = {one for one in further.split(";") if one.strip()}
    if own == key or key in listed:
        return {}
    return {FURTHER_KEYS: ";".join(sorted({*listed, key}))}

"""Won deals of HubSpot become sales orders in F&O: the steps gather to write back, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.engine.calls import recorded, report_run
from ml_connector.engine.process import Prepared
from ml_connector.errors import ConnectorError
from ml_connector.flows.orders.amounts import line_amounts
from ml_connector.flows.orders.draft import OrderDraft, check_lines, draft_order
from ml_connector.flows.orders.gather import gather
from ml_connector.flows.orders.place import OrderWriter
from ml_connector.flows.orders.resolve import (
    resolve_company,
    resolve_customer,
    resolve_items,
    resolve_legal_entity,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.engine.once import NotYet, Patience
    from ml_connector.engine.process import Placed, TriggerPage
    from ml_connector.flows.orders.discover import WonDeals
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.flows.orders.snapshot import DealSnapshot
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "orders"


@dataclass(frozen=True, slots=True)
class OrderFlow:
    """Deal to order, for one connection."""

    dynamics: DynamicsClient
    hubspot: HubSpotClient
    engine: Engine
    mapping: CompiledOrderMapping
    settings: OrderSettings
    patience: Patience
    won_deals: WonDeals
    portal_id: int
    company_currency: str
    legal_entities: Sequence[str]
    name: str = NAME
    noun: str = "deals"

    @property
    def release(self) -> str:
        """Who releases a complete draft."""
        return self.settings.release

    @property
    def quiet_s(self) -> float:
        """How long a won deal must have been left alone."""
        return self.settings.quiet_minutes * 60

    def triggers(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Won deals."""
        return self.won_deals.pages(watermark)

    async def prepare(self, subject: str) -> Prepared:
        """Gather, resolve and draft one deal; nothing is written anywhere."""
        snapshot, lines_changed_at = await self.gather(subject)
        draft = await self.draft(snapshot)
        return Prepared(draft.to_bytes(), snapshot.to_bytes(), snapshot.hash(), lines_changed_at)

    async def gather(self, subject: str) -> tuple[DealSnapshot, datetime | None]:
        """The deal as it is now, and when a line of it last changed."""
        return await gather(self.hubspot, subject, company_currency=self.company_currency)

    async def draft(self, snapshot: DealSnapshot) -> OrderDraft:
        """The order a deal would become; reads F&O, writes nothing."""
        check_lines(snapshot)
        company = resolve_company(snapshot)
        legal_entity = resolve_legal_entity(snapshot, company, self.settings, self.legal_entities)
        customer = await resolve_customer(self.dynamics, snapshot, company, legal_entity.value, self.settings)
        items = await resolve_items(self.dynamics, snapshot, legal_entity.value)
        return draft_order(
            snapshot,
            reference=f"HS-{self.portal_id}-{snapshot.deal_id}",
            legal_entity=legal_entity,
            customer=customer,
            items=items,
            amounts={line.id: line_amounts(snapshot, line) for line in snapshot.lines},
            mapping=self.mapping,
            settings=self.settings,
        )

    async def place(self, process: Process, lease: Lease) -> Placed | NotYet:
        """Write the stored draft."""
        if process.draft is None:
            raise ConnectorError(f"deals/{process.subject} has no draft to place.", code="order.no_draft")
        writer = OrderWriter(
            dynamics=self.dynamics,
            engine=self.engine,
            settings=self.settings,
            patience=self.patience,
            process=process,
            lease=lease,
            draft=OrderDraft.from_bytes(process.draft),
        )
        return await writer.place()

    async def report(self, subject: str, *, status: str, message: str, number: str = "") -> None:
        """Write status, message and number to the deal's own properties."""
        properties = {"d365_order_status": status, "d365_order_message": message}
        if number:
            properties["d365_sales_order_number"] = number
        await recorded(
            self.engine,
            side="hubspot",
            resource="deals.update",
            keys=[subject],
            payload=properties,
            run_id=report_run(self.name, subject),
            send=lambda call_id: self.hubspot.update("deals", subject, properties, call_id=call_id),
        )

"""Won deals of HubSpot become sales orders in F&O: the steps gather to write back, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.engine.calls import recorded, report_run
from ml_connector.engine.once import NotYet
from ml_connector.engine.process import Prepared
from ml_connector.errors import ConnectorError
from ml_connector.flows.orders.amounts import line_amounts
from ml_connector.flows.orders.choices import Choices, choices_of
from ml_connector.flows.orders.customer_update import CustomerUpdate
from ml_connector.flows.orders.draft import check_lines, draft_order
from ml_connector.flows.orders.facts import deal_facts, wanted_by
from ml_connector.flows.orders.gather import gather
from ml_connector.flows.orders.legal_entity import resolve_legal_entity
from ml_connector.flows.orders.order_draft import OrderDraft
from ml_connector.flows.orders.place import OrderWriter
from ml_connector.flows.orders.products import resolve_items
from ml_connector.flows.orders.resolved import (
    AMOUNTS,
    CUSTOMER,
    DRAFT,
    GATHER,
    LEGAL_ENTITY,
    PRODUCTS,
    ResolvedDeal,
    ResolvedLine,
    at_step,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.engine.once import Patience
    from ml_connector.engine.process import Placed, TriggerPage
    from ml_connector.flows.orders.customer import CustomerStep
    from ml_connector.flows.orders.discover import WonDeals
    from ml_connector.flows.orders.gather import Portal
    from ml_connector.flows.orders.opening import CustomerDesk
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.flows.orders.snapshot import DealSnapshot
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.mapping.rules import DimensionRules
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "orders"
NOTHING_CHOSEN = Choices()


@dataclass(frozen=True, slots=True)
class OrderFlow:
    """Deal to order, for one connection."""

    dynamics: DynamicsClient
    hubspot: HubSpotClient
    portal: Portal
    engine: Engine
    mapping: CompiledOrderMapping
    dimensions: DimensionRules
    settings: OrderSettings
    patience: Patience
    won_deals: WonDeals
    portal_id: int
    company_currency: str
    legal_entities: Sequence[str]
    customers: CustomerStep
    desk: CustomerDesk
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

    async def prepare(self, process: Process) -> Prepared:
        """Gather, resolve and draft one deal; nothing is written anywhere."""
        with at_step(GATHER):
            snapshot, lines_changed_at = await self.gather(process.subject)
        draft = await self.draft(snapshot, choices_of(process.result))
        return Prepared(
            draft.to_bytes(), snapshot.to_bytes(), snapshot.hash(), lines_changed_at, asks=self._asks(draft)
        )

    def _asks(self, draft: OrderDraft) -> str:
        """Why a draft waits for a person however orders are released."""
        if draft.customer_form is None or self.settings.new_customers != "ask":
            return ""
        return f"Waiting for approval: {draft.customer_name} becomes a customer of {draft.legal_entity}."

    async def gather(self, subject: str) -> tuple[DealSnapshot, datetime | None]:
        """The deal as it is now, and when a line of it last changed."""
        rules = (*self.mapping.document.every_rule, *self.dimensions.every_rule)
        wanted = wanted_by(rules, self.customers.wanted)
        return await gather(self.portal, subject, company_currency=self.company_currency, wanted=wanted)

    async def draft(self, snapshot: DealSnapshot, choices: Choices = NOTHING_CHOSEN) -> OrderDraft:
        """The order a deal would become; reads F&O, writes nothing.

        Raises:
            RecordError: the deal parks; its context names the step.
        """
        deal = await self.resolve(snapshot, choices)
        with at_step(DRAFT):
            return draft_order(
                deal,
                reference=f"HS-{self.portal_id}-{snapshot.deal_id}",
                mapping=self.mapping,
                settings=self.settings,
            )

    async def resolve(self, snapshot: DealSnapshot, choices: Choices) -> ResolvedDeal:
        """Steps legal entity to dimensions: what F&O knows of the deal."""
        with at_step(GATHER):
            check_lines(snapshot)
            buyer = await self.customers.buyer(snapshot)
            company = None if buyer.is_person else buyer.company
        with at_step(LEGAL_ENTITY):
            legal_entity = resolve_legal_entity(
                snapshot,
                buyer.company,
                legal_entities=self.legal_entities,
                rules=self.mapping.rules,
                facts=deal_facts(snapshot, company),
                choices=choices,
                settings=self.settings,
            )
        with at_step(CUSTOMER):
            customer = await self.customers.resolve(snapshot, buyer, legal_entity.value, choices)
        with at_step(PRODUCTS):
            items = await resolve_items(self.dynamics, snapshot, legal_entity.value)
        with at_step(AMOUNTS):
            lines = tuple(
                ResolvedLine(line, items[line.id], line_amounts(snapshot, line)) for line in snapshot.lines
            )
        return ResolvedDeal(
            snapshot=snapshot,
            company=company,
            legal_entity=legal_entity,
            customer=customer,
            lines=lines,
            facts=deal_facts(
                snapshot,
                company,
                legal_entity=legal_entity.value,
                customer={name: str(each) for name, each in customer.row.items()},
            ),
        )

    async def place(self, process: Process, lease: Lease) -> Placed | NotYet:
        """Write the stored draft: its customer where it is new, then the order, then what the company changes."""
        if process.draft is None:
            raise ConnectorError(f"deals/{process.subject} has no draft to place.", code="order.no_draft")
        standing = await self.desk.stands(process, OrderDraft.from_bytes(process.draft))
        if isinstance(standing, NotYet):
            return standing
        draft = standing.draft
        writer = OrderWriter(
            dynamics=self.dynamics,
            engine=self.engine,
            settings=self.settings,
            patience=self.patience,
            process=process,
            lease=lease,
            draft=draft,
        )
        placed = await writer.place()
        if isinstance(placed, NotYet):
            return placed
        notes = [*standing.notes, *await self._update_customer(process, draft)]
        kept = {"customer": draft.customer_account, "customer_notes": notes}
        return replace(placed, detail={**placed.detail, **kept})

    async def _update_customer(self, process: Process, draft: OrderDraft) -> list[str]:
        """What the deal's company changes of an existing customer, in words."""
        if not draft.customer_update:
            return []
        update = CustomerUpdate(self.dynamics, self.engine, self.name, process.subject)
        key = {"dataAreaId": draft.legal_entity, "CustomerAccount": draft.customer_account}
        said = await update.apply(key, draft.customer_update)
        return [said] if said else []

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

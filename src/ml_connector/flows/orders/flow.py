"""Won deals of HubSpot become sales orders in F&O: the steps gather to write back, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.engine.calls import recorded, report_run
from ml_connector.engine.process import Prepared
from ml_connector.errors import ConnectorError
from ml_connector.flows.orders.amounts import line_amounts
from ml_connector.flows.orders.choices import Choices, choices_of
from ml_connector.flows.orders.customer import resolve_customer
from ml_connector.flows.orders.draft import check_lines, draft_order
from ml_connector.flows.orders.facts import deal_facts, wanted_by
from ml_connector.flows.orders.gather import gather
from ml_connector.flows.orders.legal_entity import resolve_company, resolve_legal_entity
from ml_connector.flows.orders.order_draft import OrderDraft
from ml_connector.flows.orders.place import OrderWriter
from ml_connector.flows.orders.products import resolve_items
from ml_connector.flows.orders.release import asks_for_a_person
from ml_connector.flows.orders.resolved import (
    AMOUNTS,
    CUSTOMER,
    DRAFT,
    GATHER,
    LEGAL_ENTITY,
    PLACE,
    PRODUCTS,
    ResolvedDeal,
    ResolvedLine,
    at_step,
)
from ml_connector.flows.orders.revisions import look_again, reference_of
from ml_connector.flows.orders.steps import told_steps

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from ml_connector.engine.context import Engine
    from ml_connector.engine.once import NotYet, Patience
    from ml_connector.engine.process import Later, Placed, Trigger, TriggerPage
    from ml_connector.flows.orders.discover import WonDeals
    from ml_connector.flows.orders.gather import Portal
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
    name: str = NAME
    noun: str = "deals"

    @property
    def release(self) -> str:
        """Who releases a complete draft."""
        return self.settings.release

    @property
    def most_in_an_hour(self) -> int:
        """So many orders are released in an hour before the rest waits for a person."""
        return self.settings.most_in_an_hour

    @property
    def quiet_s(self) -> float:
        """How long a won deal must have been left alone."""
        return self.settings.quiet_minutes * 60

    def triggers(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Won deals."""
        return self.won_deals.pages(watermark)

    async def trigger(self, subject: str) -> Trigger:
        """One won deal that a person names."""
        return await self.won_deals.one(subject)

    async def fingerprint(self, subject: str) -> bytes:
        """The hash of a deal with its companies, contacts, lines and quotes."""
        snapshot, _ = await self.gather(subject)
        return snapshot.hash()

    async def prepare(self, process: Process) -> Prepared:
        """Gather, resolve and draft one deal; nothing is written anywhere."""
        with at_step(GATHER):
            snapshot, lines_changed_at = await self.gather(process.subject)
        deal = await self.resolve(snapshot, choices_of(process.result))
        draft = self.drafted(deal, revision=process.revision)
        asks = await asks_for_a_person(self.hubspot, draft, settings=self.settings, revision=process.revision)
        return Prepared(
            draft.to_bytes(),
            snapshot.to_bytes(),
            snapshot.hash(),
            lines_changed_at,
            asks,
            told_steps(deal, draft),
        )

    async def gather(self, subject: str, *, won: bool = True) -> tuple[DealSnapshot, datetime | None]:
        """The deal as it is now, and when a line of it last changed."""
        rules = (*self.mapping.document.every_rule, *self.dimensions.every_rule)
        wanted = wanted_by(rules)
        return await gather(
            self.portal, subject, company_currency=self.company_currency, wanted=wanted, won=won
        )

    async def draft(self, snapshot: DealSnapshot, choices: Choices = NOTHING_CHOSEN) -> OrderDraft:
        """The order a deal would become; reads F&O, writes nothing.

        Raises:
            RecordError: the deal parks; its context names the step.
        """
        return self.drafted(await self.resolve(snapshot, choices))

    def drafted(self, deal: ResolvedDeal, *, revision: int = 1) -> OrderDraft:
        """The order of a resolved deal."""
        with at_step(DRAFT):
            return draft_order(
                deal,
                reference=reference_of(self.portal_id, deal.snapshot.deal_id, revision),
                mapping=self.mapping,
                settings=self.settings,
            )

    async def resolve(self, snapshot: DealSnapshot, choices: Choices) -> ResolvedDeal:
        """Steps legal entity to dimensions: what F&O knows of the deal."""
        with at_step(GATHER):
            check_lines(snapshot)
            company = resolve_company(snapshot)
        with at_step(LEGAL_ENTITY):
            legal_entity = resolve_legal_entity(
                snapshot,
                company,
                legal_entities=self.legal_entities,
                rules=self.mapping.rules,
                facts=deal_facts(snapshot, company),
                choices=choices,
                settings=self.settings,
            )
        with at_step(CUSTOMER):
            customer = await resolve_customer(
                self.dynamics,
                snapshot,
                company,
                legal_entity.value,
                settings=self.settings,
                choices=choices,
            )
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
        with at_step(PLACE):
            return await writer.place()

    async def look_again(self, process: Process) -> Later | None:
        """What has become of a deal since its order was placed."""
        return await look_again(process, self.gather)

    async def report(self, subject: str, *, status: str | None, message: str, number: str = "") -> None:
        """Write status, message and number to the deal's own properties; a status of None stays as it is."""
        properties = {"d365_order_message": message}
        if status is not None:
            properties["d365_order_status"] = status
        if number:
            properties["d365_sales_order_number"] = number
        if self.settings.readiness:
            properties["d365_order_readiness"] = ""  # it was of use until the deal was won
        await recorded(
            self.engine,
            side="hubspot",
            resource="deals.update",
            keys=[subject],
            payload=properties,
            run_id=report_run(self.name, subject),
            send=lambda call_id: self.hubspot.update("deals", subject, properties, call_id=call_id),
        )

"""Won deals of HubSpot become sales orders in F&O: the steps gather to write back, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.engine.calls import recorded, report_run
from ml_connector.engine.once import NotYet
from ml_connector.engine.process import Prepared
from ml_connector.errors import ConnectorError
from ml_connector.flows.orders.customer.legal_entity import resolve_legal_entity
from ml_connector.flows.orders.customer.update import CustomerUpdate
from ml_connector.flows.orders.deal.facts import deal_facts, wanted_by
from ml_connector.flows.orders.deal.gather import gather
from ml_connector.flows.orders.deal.line_checks import check_lines
from ml_connector.flows.orders.draft.choices import Choices, choices_of
from ml_connector.flows.orders.draft.order_draft import OrderDraft
from ml_connector.flows.orders.draft.release import asks_for_a_person
from ml_connector.flows.orders.draft.resolved import (
    AMOUNTS,
    CUSTOMER,
    DIMENSIONS,
    DRAFT,
    GATHER,
    LEGAL_ENTITY,
    PLACE,
    PRODUCTS,
    ResolvedDeal,
    ResolvedLine,
    at_step,
)
from ml_connector.flows.orders.draft.writing import draft_order, further_sources
from ml_connector.flows.orders.lines.amounts import resolve_amounts
from ml_connector.flows.orders.lines.products import Counter, resolve_items
from ml_connector.flows.orders.placing.place import HEADERS, OrderWriter, sent_number
from ml_connector.flows.orders.placing.read_back import DIMENSIONS as DIMENSIONS_FIELD
from ml_connector.flows.orders.placing.refusals import CUSTOMER as NEW_CUSTOMER
from ml_connector.flows.orders.placing.refusals import RefusalBook, told_part
from ml_connector.flows.orders.placing.revisions import look_again, reference_of
from ml_connector.flows.orders.steps import told_steps
from ml_connector.flows.orders.terms.dimensions import NOTHING_SENT, DimensionStep
from ml_connector.flows.orders.terms.known_values import KnownValues, require_known
from ml_connector.flows.orders.terms.step import resolve_terms, today_in
from ml_connector.store import operations
from ml_connector.systems.dynamics.numbers import ORDERS as ORDER_NUMBERS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from ml_connector.engine.at_once import Turns
    from ml_connector.engine.context import Engine
    from ml_connector.engine.once import Patience
    from ml_connector.engine.process import Later, Placed, Trigger, TriggerPage
    from ml_connector.flows.orders.customer.opening import CustomerDesk
    from ml_connector.flows.orders.customer.step import CustomerStep
    from ml_connector.flows.orders.deal.discover import WonDeals
    from ml_connector.flows.orders.deal.gather import Portal
    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
    from ml_connector.flows.orders.lines.products import ProductWords
    from ml_connector.flows.orders.set_up import SetUp
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.mapping.rules import DimensionRules
    from ml_connector.store.leases import Lease
    from ml_connector.store.processes import Process
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.dynamics.numbers import Numbering
    from ml_connector.systems.dynamics.offered_dimensions import OfferedDimensions
    from ml_connector.systems.hubspot.client import HubSpotClient

NAME = "orders"
NOTHING_CHOSEN = Choices()


@dataclass(frozen=True, slots=True)
class OrderFlow:
    """Deal to order, for one connection."""

    dynamics: DynamicsClient
    hubspot: HubSpotClient
    portal: Portal
    numbering: Numbering
    engine: Engine
    mapping: CompiledOrderMapping
    dimensions: DimensionRules
    offered_dimensions: OfferedDimensions
    settings: OrderSettings
    patience: Patience
    won_deals: WonDeals
    portal_id: int
    company_currency: str
    legal_entities: Sequence[str]
    set_up: SetUp
    known_values: KnownValues
    product_words: ProductWords
    currencies: Mapping[str, str]  # of legal entities, their accounting currency
    time_zones: Mapping[str, str]  # of legal entities, as IANA writes them; empty where F&O does not tell
    customers: CustomerStep
    desk: CustomerDesk
    turns: Turns  # at placing orders, by legal entity
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
    def at_once(self) -> int:
        """So many deals are worked on at once."""
        return self.settings.deals_at_once

    @property
    def quiet_s(self) -> float:
        """How long a won deal must have been left alone."""
        return self.settings.quiet_minutes * 60

    @property
    def refusals(self) -> RefusalBook:
        """What F&O has refused by rules of its own."""
        rows = (*self.mapping.document.header, *self.mapping.document.line)
        return RefusalBook(self.engine, self.name, tuple(dict.fromkeys(row.target for row in rows)))

    def triggers(self, watermark: str | None) -> AsyncGenerator[TriggerPage, None]:
        """Won deals."""
        return self.won_deals.pages(watermark)

    async def trigger(self, subject: str) -> Trigger:
        """One won deal that a person names."""
        return await self.won_deals.one(subject)

    async def told(self, subjects: Sequence[str]) -> TriggerPage:
        """Deals that an event named; those that a pass would see, too."""
        return await self.won_deals.told(subjects)

    async def fingerprint(self, subject: str) -> bytes:
        """The hash of a deal with its companies, contacts, lines and quotes."""
        snapshot, _ = await self.gather(subject)
        return snapshot.hash()

    async def prepare(self, process: Process) -> Prepared:
        """Gather, resolve and draft one deal; nothing is written anywhere."""
        with at_step(GATHER):
            snapshot, lines_changed_at = await self.gather(process.subject)
        deal = await self.resolve(snapshot, choices_of(process.result))
        draft = await self.drafted(deal, revision=process.revision)
        asks = await self.asks(draft, revision=process.revision)
        return Prepared(
            draft.to_bytes(),
            snapshot.to_bytes(),
            snapshot.hash(),
            lines_changed_at,
            asks,
            told_steps(deal, draft),
        )

    async def asks(self, draft: OrderDraft, *, revision: int) -> str:
        """Why a draft waits for a person however orders are released; nothing when nobody need look."""
        if draft.customer_form is not None and self.settings.new_customers == "ask":
            return f"{draft.customer_name} becomes a customer of {draft.legal_entity}."
        return await asks_for_a_person(self.hubspot, draft, settings=self.settings, revision=revision)

    async def gather(self, subject: str, *, won: bool = True) -> tuple[DealSnapshot, datetime | None]:
        """The deal as it is now, and when a line of it last changed."""
        rules = (*self.mapping.document.every_rule, *self.dimensions.every_rule)
        wanted = wanted_by(rules, (*self.customers.wanted, *further_sources(self.mapping.document)))
        return await gather(
            self.portal, subject, company_currency=self.company_currency, wanted=wanted, won=won
        )

    async def draft(self, snapshot: DealSnapshot, choices: Choices = NOTHING_CHOSEN) -> OrderDraft:
        """The order a deal would become; reads F&O, writes nothing.

        Raises:
            RecordError: the deal parks; its context names the step.
        """
        return await self.drafted(await self.resolve(snapshot, choices))

    async def drafted(self, deal: ResolvedDeal, *, revision: int = 1) -> OrderDraft:
        """The order of a resolved deal, its values known to F&O."""
        with at_step(DRAFT):
            draft = draft_order(
                deal,
                reference=reference_of(self.portal_id, deal.snapshot.deal_id, revision),
                mapping=self.mapping,
                settings=self.settings,
            )
            await require_known(self.known_values, draft)
            return draft

    async def resolve(self, snapshot: DealSnapshot, choices: Choices) -> ResolvedDeal:
        """Steps legal entity to dimensions: what F&O knows of the deal."""
        with at_step(GATHER):
            check_lines(snapshot, self.settings)
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
        facts = deal_facts(
            snapshot,
            company,
            legal_entity=legal_entity.value,
            customer={name: str(each) for name, each in customer.row.items()},
        )
        counter = Counter(
            dynamics=self.dynamics,
            set_up=self.set_up,
            legal_entity=legal_entity.value,
            rules=self.mapping.rules,
            facts=facts,
            choices=choices,
            words=self.product_words,
            header=customer.row,
        )
        with at_step(PRODUCTS):
            items = await resolve_items(counter, snapshot)
        with at_step(AMOUNTS):
            amounts = resolve_amounts(snapshot, items, self.settings)
        deal = ResolvedDeal(
            snapshot=snapshot,
            company=company,
            legal_entity=legal_entity,
            customer=customer,
            lines=tuple(ResolvedLine(line, items[line.id], amounts[line.id]) for line in snapshot.lines),
            facts=facts,
        )
        with at_step(DIMENSIONS):
            deal = await self.with_dimensions(deal, choices)
        with at_step(DRAFT):
            terms = await resolve_terms(
                counter,
                snapshot,
                customer,
                settings=self.settings,
                time_zone=self.time_zones.get(legal_entity.value, ""),
                now=self.engine.around.clock.now(),
            )
        return replace(deal, terms=terms)

    async def with_dimensions(self, deal: ResolvedDeal, choices: Choices) -> ResolvedDeal:
        """The deal with the dimensions of its order and lines."""
        found = await DimensionStep(
            offered=self.offered_dimensions,
            rules=self.dimensions,
            subject=deal.snapshot.subject,
            legal_entity=deal.legal_entity.value,
            customer=deal.customer,
            lines=deal.lines,
            facts=deal.facts,
            choices=choices,
            today=today_in(
                self.time_zones.get(deal.legal_entity.value, ""),
                deal.legal_entity.value,
                self.engine.around.clock.now(),
            ).day,
        ).resolve()
        lines = (replace(line, dimensions=found.lines.get(line.line.id, NOTHING_SENT)) for line in deal.lines)
        return replace(deal, lines=tuple(lines), dimensions=found.header, notes=(*deal.notes, *found.notes))

    async def place(self, process: Process, lease: Lease) -> Placed | NotYet:
        """Write the stored draft: its customer where it is new, then the order, then what the company changes."""
        if process.draft is None:
            raise ConnectorError(f"deals/{process.subject} has no draft to place.", code="order.no_draft")
        with told_part(NEW_CUSTOMER):
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
            number=await self._number(process, draft),
            delimiter=await self._delimiter(draft),
        )
        with at_step(PLACE):
            placed = await writer.place(self.turns.at(draft.legal_entity))
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

    async def _delimiter(self, draft: OrderDraft) -> str:
        """Between the values of the dimension strings of a draft; empty when it sends none."""
        fields = (*draft.header, *(field for line in draft.lines for field in line.fields))
        if not any(field.name == DIMENSIONS_FIELD and field.value for field in fields):
            return ""
        form = await self.offered_dimensions.format()
        return form.delimiter if form is not None else ""

    async def _number(self, process: Process, draft: OrderDraft) -> str:
        """The order's number where it is ours to choose: as it was sent before, else by the set-up of F&O."""
        async with self.engine.store.read() as tx:
            cid = self.engine.connection_id
            writes = await operations.of_process(tx, cid, process.process_id, self.engine.vault)
        sent = [write for write in writes if write.kind in HEADERS]
        if sent:
            return sent_number(sent[0].payload)
        if not await self.numbering.is_manual(draft.legal_entity, ORDER_NUMBERS):
            return ""
        revision = f"R{process.revision}" if process.revision > 1 else ""
        return self.settings.order_number.format(deal=draft.deal_id, revision=revision)

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

"""The circle on offline twins, told while it happens: customers and products out, a won deal back as an order."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ml_connector.app.connect import connect_dynamics, connect_hubspot
from ml_connector.app.deals import approve_deal, list_deals, show_deal
from ml_connector.app.flow_switch import enable
from ml_connector.app.home import init
from ml_connector.app.look import show_record
from ml_connector.app.properties import hubspot_properties
from ml_connector.app.sync import sync
from ml_connector.app.system import surroundings
from ml_connector.app.workplace import open_workplace
from ml_connector.domain.causes import cause_of
from ml_connector.domain.keys import RecordName
from ml_connector.errors import ConnectorError
from ml_connector.settings import DynamicsEnvironment, HubSpotEnvironment, Settings
from ml_connector.twin.launch import TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.clock import Surroundings
    from ml_connector.engine.runs import RunReport
    from ml_connector.twin.launch import RunningTwins

DEALS_TRIED = 10  # the world has a few deals that must wait for a person; one of these goes through
SHOWN_FIELDS = 6


async def run_demo(say: Callable[[str], None], *, customers: int = 240, products: int = 600) -> int:
    """Tell the whole story; 0 when every part of it came true."""
    around = surroundings()
    options = TwinOptions(customers=customers, products=products, rep=False)
    with tempfile.TemporaryDirectory(prefix="ml-connector-demo-") as folder:
        async with running_twins(
            options, clock=around.clock.now, rng=around.rng, new_id=around.new_id
        ) as twins:
            settings = Settings(
                home=Path(folder),
                database_url=f"sqlite:///{Path(folder) / 'demo.db'}",
                connection="default",
                allow_local=True,
                orders={"quiet_minutes": 0},
            )
            return await _Demo(say, twins, settings, around).tell()


@dataclass(slots=True)
class _Demo:
    """One telling."""

    say: Callable[[str], None]
    twins: RunningTwins
    settings: Settings
    around: Surroundings

    async def tell(self) -> int:
        world = self.twins.pair.world
        entities = ", ".join(f"{entity.id} ({entity.currency})" for entity in world.legal_entities)
        self.say("Both systems run simulated on this machine; nothing leaves it. No account is needed.")
        self.say(
            f"  Dynamics  {len(world.customers)} customers, {len(world.products)} products in {entities}"
        )
        self.say(f"  HubSpot   no companies, no products, {len(world.deals)} open deals in two pipelines")
        await init(self.settings, self.around)
        async with open_workplace(self.settings, self.around, started_by="demo") as place:
            await self.connect(place)
            await self.first_load(place)
            deal_id = await self.win_a_deal(place)
            await self.place_the_order(place, deal_id)
            await self.story_of_one_record(place)
            quiet = await self.second_run(place)
        self.say("")
        self.say(
            "Next: ml-connector twin serve (the same twins, kept open), or init and connect with your own systems."
        )
        return 0 if quiet else 1

    async def connect(self, place: Workplace) -> None:
        """Credentials, ping, properties, flows on."""
        told = self.twins.announcement()
        dynamics = DynamicsEnvironment(
            url=told["dynamics_url"],
            authority=told["authority"],
            tenant=told["tenant"],
            client_id=told["client_id"],
            client_secret=SecretStr(told["client_secret"]),
            legal_entities=",".join(entity.id for entity in self.twins.pair.world.legal_entities),
        )
        (await connect_dynamics(place, dynamics)).require()
        hubspot = HubSpotEnvironment(
            url=told["hubspot_url"], token=SecretStr(told["hubspot_token"]), api_version="2026-03"
        )
        (await connect_hubspot(place, hubspot)).require()
        report = await hubspot_properties(place, create=True)
        await enable(place, [])
        self.say("")
        self.say(f"Connected. Both pings are green; {len(report.created)} properties were made in HubSpot.")

    async def first_load(self, place: Workplace) -> None:
        """Customers and products out."""
        for report in await sync(place, ["customers", "products"]):
            _require(report)
            to = {"customers": "companies", "products": "products"}[report.flow]
            figures = report.counters
            self.say(
                f"  {report.flow:<9} -> {to:<9} {figures.created:>4} created, {figures.parked} parked, "
                f"{figures.skipped} skipped; calls: {figures.requests['dynamics']} to Dynamics, "
                f"{figures.requests['hubspot']} to HubSpot, {figures.seconds:.1f} s"
            )

    async def win_a_deal(self, place: Workplace) -> str:
        """The rep links, quotes and wins; the connector drafts the order."""
        self.say("")
        records, _ = self.twins.pair.records("deals", after=None, limit=DEALS_TRIED)
        for record in records:
            try:
                did = self.twins.pair.quote(record["id"])
            except LookupError:
                continue
            self.twins.pair.set_deal_stage(record["id"], "won")
            _require((await sync(place, ["orders"]))[0])
            deal = next(deal for deal in await list_deals(place) if deal["deal"] == record["id"])
            if deal["step"] == "release":
                for sentence in did:
                    self.say(sentence)
                self.say(
                    f"The rep wins deal {deal['deal']}, {deal['name']}. Its order is drafted and waits for approval."
                )
                return str(record["id"])
            turn = cause_of(deal["cause"]).turn.value
            self.say(f"A deal that has to wait for {turn}: {deal['message']}")
        raise ConnectorError("None of the demo's deals could be drafted.", code="demo.no_deal")

    async def place_the_order(self, place: Workplace, deal_id: str) -> None:
        """Approve, place, show what stands in F&O and on the deal."""
        draft = (await show_deal(place, deal_id))["draft"]
        placed = await approve_deal(place, deal_id, by="demo")
        if placed["state"] != "done":
            raise ConnectorError(f"The order was not placed: {placed['message']}", code="demo.not_placed")
        self.say(
            "The demo sets its quiet period to 0 and approves its own order; a person does that in real life."
        )
        self.say("")
        self.say(
            f"Sales order {placed['number']} in {draft['legal_entity']} for {draft['customer_name']}, "
            f"{draft['total']} {draft['currency']}"
        )
        for field in draft["header"][:SHOWN_FIELDS]:
            self.say(f"  {field['name']:<29} {field['value']!s:<18} {field['rule']}")
        for line in draft["lines"]:
            self.show_line(line)
        deal = next(row for row in self.records("deals") if row["id"] == deal_id)["properties"]
        self.say(f"On the deal: order {deal['d365_sales_order_number']}, status {deal['d365_order_status']}.")

    def show_line(self, line: Mapping[str, Any]) -> None:
        """One order line, its values and the rules behind item and price."""
        fields = {field["name"]: field for field in line["fields"]}
        item, price = fields["ItemNumber"], fields["SalesPrice"]
        off = Decimal(fields["LineDiscountPercentage"]["value"] or 0)
        discount = f" less {off.normalize():f} %" if off else ""
        self.say(
            f"  {line['position']}. {item['value']!s:<10} {fields['OrderedSalesQuantity']['value']:f} x "
            f"{price['value']:f}{discount} = {line['total']}   item: {item['rule']}; price: {price['rule']}"
        )

    async def story_of_one_record(self, place: Workplace) -> None:
        """A customer changes in F&O; the audit tells what became of it."""
        company = next(row for row in self.records("companies") if row["properties"].get("phone"))
        key = company["properties"]["d365_customer_key"]
        self.twins.pair.edit("CustomersV3", key, {"PrimaryContactPhone": "+1 425 555 0142"})
        _require((await sync(place, ["customers"]))[0])
        self.say("")
        self.say(f"A clerk changes the telephone number of {key} in Dynamics. The audit of customers/{key}:")
        record = await show_record(place, RecordName("customers", key))
        for event in record["timeline"]:
            self.say(f"  {event['at']:%H:%M:%S}  {event['kind']:<8} {_changes(event)}")

    async def second_run(self, place: Workplace) -> bool:
        """Once more, nothing has changed: nothing may be written."""
        before = len(self.twins.pair.log.rows)
        reports = await sync(place, ["customers", "products", "orders"])
        for report in reports:
            _require(report)
        writes = len(self.twins.pair.log.rows) - before
        unchanged = sum(report.counters.unchanged for report in reports)
        self.say("")
        self.say(f"A second run of everything: {unchanged} records compared, {writes} writes.")
        return writes == 0

    def records(self, of: str) -> Sequence[dict[str, Any]]:
        """Ground truth of a twin."""
        rows, _ = self.twins.pair.records(of, after=None, limit=1000)
        return rows


def _changes(event: Mapping[str, Any]) -> str:
    """The fields an entry of the audit names: a few of them, before and after."""
    changed = event["changed"]
    shown = [
        f"{item['property']}: {item['after']}"
        if item["before"] is None
        else f"{item['property']}: {item['before']} -> {item['after']}"
        for item in changed
        if item["property"] in ("name", "phone", "city")
    ]
    more = len(changed) - len(shown)
    return ", ".join(shown) + (f" and {more} more fields" if more > 0 else "")


def _require(report: RunReport) -> None:
    if report.error is not None:
        raise report.error

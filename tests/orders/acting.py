"""What happens to a row's deal: a clerk prepares, a rep wins it, it is drafted, approved, compared."""

from __future__ import annotations

import asyncio
import traceback
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.orders.row import DealMaker
from tests.orders.shop import DYNAMICS_HOST
from tests.orders.standing import HEADER, LINE, Expected, order_differences, orders_of

from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.sync import sync
from ml_connector.domain.causes import cause_of
from ml_connector.flows.orders.draft.resolved import PLACE
from ml_connector.store import parked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tests.orders.row import Row
    from tests.orders.shop import Shop

    from ml_connector.app.workplace import Workplace
    from ml_connector.twin.wire import Request

WAITS = {"sales": "Waiting for sales", "finance": "Waiting for finance", "it": "Waiting for IT"}
NAMED_FIELDS = HEADER | {f"line {name}": field for name, field in LINE.items()}
NAMED_FIELDS |= {
    "item": "ItemNumber",
    "unit": "SalesUnitSymbol",
    "price": "SalesPrice",
    "ships from": "ShippingWarehouseId",
}
ON_ITS_WAY = ("/data/SalesOrderHeadersV2", "/data/$batch")
WHY = "as agreed on the telephone"


class Acting:
    """One row on its way, in a child of its own."""

    def __init__(self, shop: Shop, row: Row) -> None:
        self.shop, self.row = shop, row
        self.maker = DealMaker(shop, row)
        self.deal = ""

    async def outcome(self, place: Workplace) -> list[str]:
        """What came out otherwise than the table says, after the pass; nothing when all is well."""
        parks = self.row.get("first") or self.row.get("parks")
        found = list(await self._park(place, parks)) if parks else []
        if not found and self.row.get("release"):
            found = await self._asks(place)
        if not found and self.row.get("chosen"):
            await self._choose(place)
        if not found and not self.row.get("parks"):
            found = await self._placed(place)
        return found

    def situation(self) -> None:
        """What was changed in the two systems, then the deal, won."""
        shop = self.shop
        for name, value in (self.row.get("Dynamics behaves") or {}).items():
            shop.dynamics.environment.switches[name] = str(value)  # type: ignore[index]  # a plain dict
        self._clerk("in Dynamics")
        for change in self.row.get("in HubSpot") or []:
            for what, fields in change.items():
                kind, _, name = what.partition(" ")
                of, key = {"company": ("companies", "name"), "product": ("products", "hs_sku")}[kind]
                record = shop.of_hubspot(of, key, name)
                assert record, what
                shop.hubspot.edit(of, record["id"], fields, shop.now())
        self.deal = self.maker.make()
        quote = (self.row.get("deal") or {}).get("quote")
        if quote:
            made = shop.hubspot.make_quote(
                self.deal, shop.now(), status="APPROVAL_NOT_NEEDED", accepted=quote.get("accepted", True)
            )
            assert made
            for place, fields in quote.get("then", {}).items():
                shop.hubspot.edit("line_items", self.maker.lines[int(place) - 1], fields, shop.now())
        shop.hubspot.set_deal_stage(self.deal, "won", shop.now())

    def _clerk(self, when: str) -> None:
        """What a clerk changes in Dynamics."""
        for change in self.row.get(when) or []:
            for what, fields in change.items():
                self.shop.clerk_does(what, {name: self._value(value) for name, value in fields.items()})

    def _meanwhile(self) -> None:
        """What a clerk changes while the order is on its way to Dynamics."""
        if not self.row.get("meanwhile"):
            return

        def arrives(_side: str, request: Request, _at: datetime) -> None:
            if request.method == "POST" and request.path in ON_ITS_WAY:
                self.shop.shells[DYNAMICS_HOST].on_request.remove(arrives)
                self._clerk("meanwhile")

        self.shop.shells[DYNAMICS_HOST].on_request.append(arrives)

    def _value(self, value: Any) -> Any:
        """What a clerk enters: days as dates, numbers exact."""
        if isinstance(value, float):
            return Decimal(str(value))
        return self.maker.day(value) if isinstance(value, str) else value

    async def _choose(self, place: Workplace) -> None:
        """A person decides what the connector would not."""
        chosen = {
            f"item.{self.maker.lines[int(name.removeprefix('line ')) - 1]}"
            if name.startswith("line ")
            else name: str(value)
            for name, value in self.row.get("chosen").items()
        }
        await approve_deal(place, self.deal, by="Kim", chosen=chosen, because=WHY)

    async def _asks(self, place: Workplace) -> list[str]:
        """The deal waits for a person, and says why."""
        shown = await show_deal(place, self.deal)
        words = self.row.get("release")
        if (shown["step"], shown["release"]) != ("release", "asked") or words not in shown["message"]:
            return [
                f"the deal is at {shown['step']}, {shown['release']}, {shown['message']}; the table says {words}"
            ]
        return []

    async def _placed(self, place: Workplace) -> list[str]:
        """Approved where that is asked, the order stands as the table says."""
        shown = await show_deal(place, self.deal)
        self._clerk("after the draft")
        if shown["step"] == "release" and shown["release"] == "asked":
            self._meanwhile()
            shown = await approve_deal(place, self.deal, by="Kim")
            if self.row.get("after the draft") and shown["release"] == "asked":
                await approve_deal(place, self.deal, by="Kim")
            shown = await show_deal(place, self.deal)
        if shown["state"] != "done":
            return [
                f"no order was placed: {shown['state']} at {shown['step']}: {shown['cause']} {shown['message']}"
            ]
        expected = Expected(self.row, self.shop, self.deal, next(iter(self.maker.companies()), ""))
        found = list(order_differences(expected))
        return [*found, *self._on_the_deal(shown), *self._notes(shown), *self._why(shown), *self._records()]

    def _on_the_deal(self, shown: dict[str, Any]) -> Iterator[str]:
        deal = self._properties("deals", self.deal)
        told = [
            deal.get(f"d365_{name}") or "" for name in ("order_status", "sales_order_number", "order_message")
        ]
        if told != ["Open", shown["number"], ""]:
            yield f"the deal shows {told}"

    def _notes(self, shown: dict[str, Any]) -> Iterator[str]:
        """What people are told beside the order: what the table says, and nothing else."""
        process_notes = [note for step in shown["story"] for note in step.get("notes", [])]
        told = list(dict.fromkeys([*shown["draft"]["notes"], *shown["notes"], *process_notes]))
        usual = self.row.tenant.told.get("notes", []) if self.row.get("usual notes", True) else []
        wanted = [*(self.row.get("notes") or []), *usual]
        yield from (
            f"no note says '{words}': {told}" for words in wanted if not any(words in note for note in told)
        )
        yield from (
            f"a note that the table does not have: {note}"
            for note in told
            if not any(words in note for words in wanted)
        )

    def _why(self, shown: dict[str, Any]) -> Iterator[str]:
        """The rule behind a value, as the draft gives it."""
        draft = shown["draft"]
        rules: dict[str, list[str]] = {}
        for field in [*draft["header"], *(field for line in draft["lines"] for field in line["fields"])]:
            rules.setdefault(field["name"], []).append(field["rule"])
        for name, words in (self.row.get("why") or {}).items():
            field = NAMED_FIELDS[name]
            if not any(words in rule for rule in rules.get(field, [])):
                yield f"the rule behind {name} is {rules.get(field)}; the table says {words}"

    def _records(self) -> Iterator[str]:
        """The customer in F&O and the company in HubSpot, as far as the table says something of them."""
        wanted = self.row.get("customer has") or {}
        if wanted:
            account = orders_of(self.shop, self.deal)[0]["OrderingCustomerAccountNumber"]
            row = next(row for row in self.shop.rows("CustomersV3") if row["CustomerAccount"] == account)
            yield from _differences("the customer's ", wanted, row)
        wanted = self.row.get("company has") or {}
        if wanted:
            [company] = self.maker.companies()
            account = orders_of(self.shop, self.deal)[0]["OrderingCustomerAccountNumber"]
            wanted = {name: str(text).replace("<account>", account) for name, text in wanted.items()}
            yield from _differences(
                "the company's ", wanted, self._properties("companies", self.maker.company_id(company))
            )

    async def _park(self, place: Workplace, wanted: dict[str, Any]) -> Iterator[str]:
        """Cause, turn, step and sentence; the same on the deal; and in F&O nothing, unless the order stands already."""
        shown = await show_deal(place, self.deal)
        if self._step(wanted) == PLACE and shown["release"] == "asked":
            shown = await approve_deal(place, self.deal, by="Kim")
        async with place.store.read() as tx:
            rows = await parked.list(tx, place.connection.connection_id, flow="orders")
        stuck = next((row for row in rows if row.key == self.deal), None)
        if stuck is None:
            return iter([f"nothing is parked: {shown['state']} at {shown['step']}, {shown['message']}"])
        return self._park_differences(stuck, wanted)

    def _step(self, wanted: dict[str, Any]) -> str:
        """Where the deal waits: the step of the file, unless the row names another."""
        return str(wanted.get("step", self.row.file.partition("_")[2].replace("_", " ")))

    def _park_differences(self, stuck: Any, wanted: dict[str, Any]) -> Iterator[str]:
        known, cause = cause_of(stuck.cause), wanted["cause"]
        turn = wanted.get("turn", known.turn.value)
        yield from _differences(
            "",
            {"cause": cause if "." in cause else f"order.{cause}", "turn": turn},
            {"cause": stuck.cause, "turn": stuck.turn},
        )
        yield from _differences("", {"step": self._step(wanted)}, {"step": stuck.detail.get("step", "")})
        words = wanted.get("words", [])
        for each in [words] if isinstance(words, str) else words:
            if each not in stuck.message:
                yield f"the sentence is: {stuck.message} It lacks: {each}"
        deal = self._properties("deals", self.deal)
        if deal.get("d365_order_status") != WAITS[turn]:
            yield f"the deal shows the status {deal.get('d365_order_status')}"
        if not deal.get("d365_order_message"):
            yield "the deal shows no message"
        orders = len(orders_of(self.shop, self.deal))
        if orders != wanted.get("orders", 0):
            yield f"{orders} orders stand in Dynamics"

    def _properties(self, of: str, key: str) -> dict[str, Any]:
        return next(row["properties"] for row in self.shop.rows(of) if row["id"] == key)


def _differences(where: str, wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for name, value in wanted.items():
        if str(value) != str(found.get(name) or ""):
            yield f"{where}{name} is '{found.get(name)}'; the table says '{value}'"


async def acted(shop: Shop, rows: Sequence[Row]) -> dict[str, list[str]]:
    """What came out otherwise than each of the rows says, by situation; their deals are won for one pass together."""
    own = rows[0]
    await asyncio.sleep(60 + 3600 * own.get("hours later", 0))
    actings = [Acting(shop, row) for row in rows]
    for acting in actings:
        acting.situation()
    async with shop.opened(**(own.get("settings") or {})) as place:
        await asyncio.sleep(60)
        for report in await sync(place, ["orders"]):
            if report.error is not None:
                raise report.error
        return {acting.row.told["situation"]: await _outcome(acting, place) for acting in actings}


async def _outcome(acting: Acting, place: Workplace) -> list[str]:
    try:
        return await acting.outcome(place)
    except Exception:  # noqa: BLE001 - one row's, told as its outcome
        return [traceback.format_exc()]

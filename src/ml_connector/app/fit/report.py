"""The whole report: one topic after the other; a topic that cannot be read says so, and the others go on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from ml_connector.app.fit.adoption import Adoption
from ml_connector.app.fit.customers import CustomerReading
from ml_connector.app.fit.deals import gather_month, judge_month
from ml_connector.app.fit.dimensions import dimensions
from ml_connector.app.fit.lines import lines, verdict
from ml_connector.app.fit.offered import offered, people_set
from ml_connector.app.fit.portal import currencies, portal
from ml_connector.app.fit.products import products
from ml_connector.app.flows import order_flow
from ml_connector.domain.fit import Budget, FitReport, calls_of_first_load
from ml_connector.errors import ConnectorError
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.settings import section
from ml_connector.systems.hubspot.client import BATCH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.fit import Customers, Deals, People, Products
    from ml_connector.domain.ping import PingReport
    from ml_connector.engine.runs import Traffic

SMALLEST_LIMIT = (100, 10.0)  # calls and seconds of the smallest tier, where the portal does not tell its own
_Seen = TypeVar("_Seen")


@dataclass(slots=True)
class _Looks:
    """Takes a look at each topic; keeps why one could not be taken."""

    tell: Callable[[str], None]
    problems: dict[str, ConnectorError] = field(default_factory=dict)

    async def at(self, topic: str, look: Awaitable[_Seen]) -> _Seen | None:
        self.tell(f"Looking at {topic}")
        try:
            return await look
        except ConnectorError as exc:
            self.problems[topic] = exc
            return None


def is_possible(reports: Mapping[str, PingReport]) -> bool:
    """Whether both sides let us in far enough to look around."""
    facts = {side: report.facts for side, report in reports.items()}
    return "legal_entities" in facts.get("dynamics", {}) and "portal_id" in facts.get("hubspot", {})


async def fit(place: Workplace, reports: Mapping[str, PingReport], tell: Callable[[str], None]) -> FitReport:
    """Read both sides and change nothing, not even in our own database.

    Args:
        place: The connection.
        reports: What the ping of both sides found.
        tell: Is told each topic as its turn comes.
    """
    settings: ProductSettings = section(ProductSettings, place.settings.products, "products")
    dynamics, hubspot = await place.dynamics(), await place.hubspot()
    before, began = place.traffic(), place.around.clock.elapsed_s()
    entities = tuple(reports["dynamics"].facts["legal_entities"])
    looks, adoption = _Looks(tell), Adoption()
    shown = await looks.at("entity sets", offered(dynamics, entities))
    format_found = await looks.at("dimensions", dimensions(dynamics))
    flow = await looks.at("order settings", order_flow(place, looking=True))
    now = place.around.clock.now()
    month = await looks.at("won deals", gather_month(flow, now, adoption)) if flow else None
    reading = CustomerReading(people_set(shown), adoption)
    customers = await looks.at("customers", reading.read_customers(dynamics, entities))
    people = await looks.at("people", reading.read_people(dynamics, entities))
    released = await looks.at("products", products(dynamics, entities, adoption))
    held = await looks.at("HubSpot's companies", portal(hubspot))
    deals: Deals | None = None
    if flow and month:
        deals = await looks.at("orders they would become", judge_month(flow, month, adoption))
    money = currencies(
        reports["dynamics"].facts,
        reports["hubspot"].facts,
        reading.currencies_found(),
        settings.price_legal_entity.lower(),
    )
    found = FitReport(
        verdict="",
        lines=(),
        offered=shown,
        dimensions=format_found,
        currencies=money,
        customers=customers,
        people=people,
        shared_emails=reading.shared_emails() if customers else None,
        products=released,
        portal=held,
        deals=deals,
        budget=_budget(
            place.traffic().since(before),
            place.around.clock.elapsed_s() - began,
            _to_load(customers, people, released),
            place.budget.known_limit("hubspot"),
        ),
    )
    return _in_words(found, looks.problems)


def _in_words(found: FitReport, problems: Mapping[str, ConnectorError]) -> FitReport:
    """The same with its lines and verdict."""
    said = lines(found, problems)
    return replace(found, lines=said, verdict=verdict(said))


def _to_load(customers: Customers | None, people: People | None, released: Products | None) -> dict[str, int]:
    """Records a first load would make in HubSpot."""
    persons = customers.persons if customers else 0
    return {
        "companies": customers.organisations if customers else 0,
        "contacts": persons + (people.read if people else 0),
        "products": released.numbers - released.masters if released else 0,
    }


def _budget(
    spent: Traffic, seconds: float, to_load: Mapping[str, int], told: tuple[int, float] | None
) -> Budget:
    calls, window_s = told or SMALLEST_LIMIT
    needed = calls_of_first_load(to_load, BATCH)
    return Budget(
        calls=spent.requests,
        seconds=round(seconds, 1),
        first_load_records=to_load,
        first_load_calls=needed,
        hubspot_limit=(calls, window_s),
        limit_is_known=told is not None,
        first_load_minutes=round(needed * window_s / calls / 60, 1),
    )

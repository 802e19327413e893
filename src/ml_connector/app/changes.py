"""Whether what the settings say about times of change is there: steps of a ping."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.domain.ping import Step
from ml_connector.errors import ConnectorError
from ml_connector.flows.customers.changes import changed_customers
from ml_connector.flows.customers.settings import CustomerSettings
from ml_connector.flows.products.changes import changed_items
from ml_connector.flows.products.settings import ProductSettings
from ml_connector.settings import section
from ml_connector.systems.dynamics.source import in_legal_entities

if TYPE_CHECKING:
    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.ping import PingReport
    from ml_connector.systems.dynamics.client import DynamicsClient


async def with_times_of_change(place: Workplace, client: DynamicsClient, report: PingReport) -> PingReport:
    """The report of a ping, with a step for each setting ``changes_from`` that is not off."""
    entities = tuple(report.facts.get("legal_entities", ()))
    customers: CustomerSettings = section(CustomerSettings, place.settings.customers, "customers")
    products: ProductSettings = section(ProductSettings, place.settings.products, "products")
    chosen = (
        changed_customers(client, customers.changes_from, entities),
        changed_items(client, products.changes_from, in_legal_entities(entities)),
    )
    for rows in chosen if entities else ():
        if not rows.sets:
            continue
        try:
            newest = await rows.newest()
        except ConnectorError as error:
            step = Step(rows.setting, ok=False, detail=error.message, fix=error.hint)
            report = replace(report, steps=(*report.steps, step), error=report.error or error)
        else:
            seen = f"The newest change is of {newest}." if newest else "No row tells a time yet."
            report = replace(report, steps=(*report.steps, Step(rows.setting, ok=True, detail=seen)))
    return report

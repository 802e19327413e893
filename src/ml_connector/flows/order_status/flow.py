"""Orders of F&O that came from deals show on their deals how far they are: status and ship dates, nothing else.

The mapping is a fixed set of three properties, so it stands here and not in a file. Amounts, invoices and vouchers
are never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.records import TargetRecord, digest
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.flows.order_status.source import (
    ABSENT,
    CONFIRMED,
    NAME,
    REQUESTED,
    STATUS,
    TWICE,
    WRITTEN,
    OrderStatusSource,
)
from ml_connector.flows.order_status.status import NOT_IN_DYNAMICS, day, order_status
from ml_connector.systems.hubspot.deal_sink import DealSink

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ml_connector.domain.records import SourceRecord
    from ml_connector.systems.hubspot.client import HubSpotClient

MAPPING_VERSION = (
    1  # raise it when an order is to show otherwise on its deal: every watched one is mapped anew
)
PROPERTIES = (STATUS, REQUESTED, CONFIRMED)
DEAL_GONE = "order_status.deal_gone"


def order_status_flow(source: OrderStatusSource, hubspot: HubSpotClient, *, lanes: int) -> RecordFlow:
    """Build the flow for one connection."""
    return RecordFlow(
        name=NAME,
        source=source,
        sink=DealSink(hubspot, gone_code=DEAL_GONE),
        map=to_deal,
        mapping_version=MAPPING_VERSION,
        lanes=lanes,
        traits=Traits(bulk_is_normal=True),
        covers=lambda _deal: False,  # what is read changes with the day: a deal that is not read is not gone
    )


def to_deal(record: SourceRecord) -> TargetRecord:
    """What shall stand on the deal.

    Raises:
        RecordError: F&O shows something we do not know.
    """
    fields = record.fields
    properties = _shown(fields) if ABSENT not in fields else _kept(fields)
    gone = fields.get(ABSENT) == TWICE
    return TargetRecord(
        key=record.key,
        properties=properties,
        fingerprint=digest(properties),
        source_digest=record.digest,
        notes=(f"{_named(fields)} was missing in two runs.",) if gone else (),
    )


def _shown(fields: Mapping[str, Any]) -> dict[str, str]:
    """The properties of an order as F&O has it."""
    named = _named(fields)
    return {
        STATUS: order_status(fields["SalesOrderStatus"], fields["SalesOrderProcessingStatus"], order=named),
        REQUESTED: day(fields["RequestedShippingDate"], order=named),
        CONFIRMED: day(fields["ConfirmedShippingDate"], order=named),
    }


def _kept(fields: Mapping[str, Any]) -> dict[str, str]:
    """What stands already; an order that is gone is marked, and keeps its dates."""
    written = fields[WRITTEN]
    stands = {name: written.get(name, "") for name in PROPERTIES}
    return {**stands, STATUS: NOT_IN_DYNAMICS} if fields[ABSENT] == TWICE else stands


def _named(fields: Mapping[str, Any]) -> str:
    return f"Order {fields['SalesOrderNumber']} in {fields['dataAreaId']}"

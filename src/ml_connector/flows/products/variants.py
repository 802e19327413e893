"""Released variants of product masters, each in the shape of a release of its own.

They come from ReleasedProductVariantsV2, which every environment has and which tells the dimensions and the lifecycle
state. CDSReleasedDistinctProducts lists variants too, but not every tenant offers it, and it knows neither price
quantity nor group. Price, unit and group are the master's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.flows.products.stops import DIMENSIONS
from ml_connector.systems.dynamics.source import pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Masters = Mapping[str, Mapping[str, Row]]  # by number and legal entity, both without case

DATA_ENTITY = "ReleasedProductVariantsV2"
SELECT = (
    "dataAreaId",
    "ProductMasterNumber",
    "ProductVariantNumber",
    "ProductName",
    "ProductDescription",
    "ProductLifecycleStateId",
    *DIMENSIONS,
)
ORDER = "ProductVariantNumber,dataAreaId"
MASTER, VARIANT = "ProductMaster", "ProductVariant"  # members of EcoResProductSubtype


def masters_of(releases: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """The releases of product masters, by number and legal entity."""
    masters: dict[str, dict[str, Row]] = {}
    for row in releases:
        if row["ProductSubType"] == MASTER:
            masters.setdefault(row["ProductNumber"].casefold(), {})[row["dataAreaId"].casefold()] = row
    return masters


def as_releases(variants: Sequence[Row], masters: Masters) -> list[dict[str, Any]]:
    """Each variant as a release: its master's in the same legal entity, under the variant's number and names.

    A variant without a number, or whose master is not released there any more, is left out.
    """
    releases: list[dict[str, Any]] = []
    for found in variants:
        variant = pick(found, SELECT, DATA_ENTITY)
        number, entity = variant["ProductVariantNumber"], variant["dataAreaId"].casefold()
        master = masters.get(variant["ProductMasterNumber"].casefold(), {}).get(entity)
        if master is not None and number:
            releases.append(_release(variant, master))
    return releases


def _release(variant: Row, master: Row) -> dict[str, Any]:
    own_state = variant["ProductLifecycleStateId"]
    return {
        **master,
        **{name: variant[name] for name in ("ProductVariantNumber", *DIMENSIONS)},
        "ProductNumber": variant["ProductVariantNumber"],
        "ProductSubType": VARIANT,
        "ProductLifecycleStateId": own_state or master.get("ProductLifecycleStateId", ""),
        "EveryProduct": {
            "ProductName": variant["ProductName"],
            "ProductDescription": variant["ProductDescription"],
        },
    }

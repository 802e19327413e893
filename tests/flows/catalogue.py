"""Products as people keep them in F&O: translations, masters with variants, sales stops; and what the source reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.app.flows import record_flow

if TYPE_CHECKING:
    from tests.flows.office import Office

    from ml_connector.domain.records import Page, SourceRecord
    from ml_connector.engine.ports import RecordFlow


async def product_flow(office: Office, **chosen: Any) -> RecordFlow:
    """The flow with these settings of the section ``products``."""
    office.at.settings = office.at.settings.model_copy(update={"products": chosen})
    return await record_flow(office.at, "products")


async def pages_of(office: Office, cursor: str | None = None, **chosen: Any) -> list[Page]:
    """Every page the source reads with these settings."""
    flow = await product_flow(office, **chosen)
    return [page async for page in flow.source.pages(cursor)]


async def records_of(office: Office, **chosen: Any) -> dict[str, SourceRecord]:
    """Every record the source reads with these settings, by key; none twice."""
    found = [record for page in await pages_of(office, **chosen) for record in page.records]
    by_key = {record.key: record for record in found}
    assert len(by_key) == len(found)
    return by_key


def number_sold_in(office: Office, count: int, place: int = 0) -> str:
    """The number of a product that so many legal entities sell."""
    return [number for number, found in office.releases().items() if len(found) == count][place]


def translate(office: Office, number: str, language: str, name: str, description: str = "") -> None:
    fields = {"ProductNumber": number, "LanguageId": language}
    office.twins.pair.set_up(
        "ProductTranslations", {**fields, "ProductName": name, "Description": description}
    )


def stop_sales(office: Office, number: str, *legal_entities: str) -> None:
    """Stop the sales of a product where it is named; everywhere when nothing is."""
    for legal_entity, row in office.releases()[number].items():
        if not legal_entities or legal_entity in legal_entities:
            key = f"{legal_entity}:{row['ItemNumber']}"
            office.clerk_changes("ProductDefaultOrderSettings", key, IsSalesProcessingStopped="Yes")


def make_master(
    office: Office, number: str, *sizes: str, legal_entities: tuple[str, ...] = (), **fields: Any
) -> list[str]:
    """Turn a product into a master with a variant a size; returns the variants' numbers."""
    for legal_entity, row in office.releases()[number].items():
        office.release_changes(number, legal_entity, ProductSubType="ProductMaster")
        for size in sizes if not legal_entities or legal_entity in legal_entities else ():
            variant = {
                "dataAreaId": legal_entity,
                "ProductMasterNumber": number,
                "ItemNumber": row["ItemNumber"],
                "ProductSizeId": size,
                "ProductVariantNumber": f"{number} : {size}",
                "ProductName": f"Variant {size}",
                "ProductDescription": "",
                "ProductLifecycleStateId": "",
            }
            office.twins.pair.set_up("ReleasedProductVariantsV2", variant | fields)
    return [f"{number} : {size}" for size in sizes]

"""The starting state: the world's records as rows of F&O's tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import charges, derivations, further_data, reference_data, set_up
from ml_connector.twin.dynamics.customers import full_address, name_alias
from ml_connector.twin.dynamics.derived import DerivedTable
from ml_connector.twin.dynamics.dimensions import DELIMITERS, join_segments
from ml_connector.twin.dynamics.entities import EMPTY_DATETIME, MODIFIED, MODIFIED_ON, load_schema
from ml_connector.twin.dynamics.environment import Environment
from ml_connector.twin.dynamics.navigation import connect
from ml_connector.twin.dynamics.numbers import draw_party
from ml_connector.twin.dynamics.offers import is_offered
from ml_connector.twin.dynamics.tables import Row, Store, Table
from ml_connector.twin.dynamics.values import second
from ml_connector.twin.dynamics.views import PLANS, make_views

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics.entities import Schema
    from ml_connector.twin.world.model import Address, Customer, Person, Release, World

PRODUCT_LANGUAGE = "en-US"


def load_world(world: World, switches: Mapping[str, str], rng: random.Random, now: datetime) -> Environment:
    """Build an environment that holds the world."""
    world = _with_delimiter(world, switches["dimension_delimiter"])
    schema = load_schema(
        extended=switches["extra_properties"] == "on", timed=switches["modified_property"] != "absent"
    )
    store = Store(rng)
    store.now = now
    last_of_world: dict[str, int] = {}
    _make_tables(schema, store, last_of_world)
    currencies = {entity.id: entity.currency for entity in world.legal_entities}
    environment = Environment(
        schema=schema,
        store=store,
        views=make_views(
            schema,
            _computed(currencies, switches) | further_data.computed(store) | charges.totals(store, switches),
        ),
        switches=switches,
        default_company=world.legal_entities[0].id,
        companies={
            entity.id: {"currency": entity.currency, "language": entity.language}
            for entity in world.legal_entities
        },
    )
    reference_data.fill(world, store, switches)
    set_up.fill(world, store, switches)
    _fill_products(world, store)
    _fill_customers(environment, world, now)
    further_data.fill(world, store, switches)
    last_of_world["customers"] = store.tables["customers"].next_id - 1
    offered = {name: view for name, view in environment.views.items() if is_offered(name, switches)}
    connect(offered, store)
    return environment


def _with_delimiter(world: World, member: str) -> World:
    """The world with the delimiter of that member of DimensionSegmentDelimiter."""
    marks = {name: mark for mark, name in DELIMITERS.items()}
    return replace(world, dimension_delimiter=marks[member]) if member in marks else world


def _make_tables(schema: Schema, store: Store, last_of_world: Mapping[str, int]) -> None:
    keys: dict[str, dict[tuple[str, ...], None]] = {"parties": {("PartyNumber",): None}}
    for name, entity_set in schema.sets.items():
        table = PLANS[name].table if name in PLANS else name
        keys.setdefault(table, {})[entity_set.keys] = None
    for table, key in set_up.TABLES.items():
        keys.setdefault(table, {})[key] = None
    made = derivations.derivations(last_of_world)
    for name, found in keys.items():
        own = Table(name, *found) if name not in made else DerivedTable(name, store, made[name], *found)
        store.tables[name] = own


def _computed(
    currencies: Mapping[str, str], switches: Mapping[str, str]
) -> dict[str, dict[str, Callable[[Row], Any]]]:
    found: dict[str, dict[str, Callable[[Row], Any]]] = {
        "CustomersV3": {
            "NameAlias": name_alias,
            "FullPrimaryAddress": full_address,
            "AddressLocationId": derivations.location_of,
        },
        "CDSReleasedDistinctProducts": {"CurrencyCode": lambda row: currencies[row.values["dataAreaId"]]},
    }
    for name in MODIFIED_ON if switches["modified_property"] != "absent" else ():
        whole = switches["modified_property"] == "whole_record"
        found.setdefault(name, {})[MODIFIED] = _whole_record_modified if whole else _own_table_modified
    if switches["sales_stop"] == "hidden":
        found["ProductDefaultOrderSettings"] = {"IsSalesProcessingStopped": lambda _row: "No"}
    return found


def _own_table_modified(row: Row) -> str:
    return second(row.modified) if row.modified else EMPTY_DATETIME


def _whole_record_modified(row: Row) -> str:
    return max(_own_table_modified(row), _own_table_modified(row.joined) if row.joined else EMPTY_DATETIME)


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """Only what differs from empty: rows stay small."""
    return {name: value for name, value in values.items() if value not in ("", None)}


def _fill_products(world: World, store: Store) -> None:
    rows = {}
    for product in world.products:
        texts = {"ProductNumber": product.number, "ProductName": product.name}
        units = dict.fromkeys(
            ("SalesUnitSymbol", "InventoryUnitSymbol", "PurchaseUnitSymbol", "BOMUnitSymbol"), product.unit
        )
        rows[product.number] = store.fill(
            "products",
            _filled(
                {
                    **texts,
                    **units,
                    "ProductDescription": product.description,
                    "ProductSearchName": product.search_name,
                    "SearchName": product.search_name,
                    "ProductType": product.kind,
                    "ProductGroupId": product.group,
                    "ProductLifecycleStateId": product.lifecycle,
                }
            ),
        )
        translation = {**texts, "LanguageId": PRODUCT_LANGUAGE, "Description": product.description}
        store.fill("ProductTranslations", translation)
    for release in world.releases:
        store.fill("releases", _release(release), rows[release.product_number])


def _release(release: Release) -> dict[str, Any]:
    values = {
        "dataAreaId": release.legal_entity,
        "ItemNumber": release.item_number,
        "ProductNumber": release.product_number,
        "SalesPrice": release.price,
        "SalesPriceQuantity": release.price_quantity,
        "UnitCost": release.unit_cost,
        "SalesSiteId": release.default_site,
        "SalesWarehouseId": release.default_warehouse,
        "IsSalesProcessingStopped": "Yes" if release.stopped else "",
    }
    return _filled(values)


def _fill_customers(environment: Environment, world: World, now: datetime) -> None:
    store = environment.store
    parties: dict[str, Row] = {}
    with_format = environment.is_on("dimension_format", "active")
    for customer in world.customers:
        party = parties.get(customer.party)
        if party is None:
            party = parties[customer.party] = store.fill("parties", _party(customer))
        values = {
            "dataAreaId": customer.legal_entity,
            "CustomerAccount": customer.account,
            "CustomerGroupId": customer.group,
            "SalesCurrencyCode": customer.currency,
            "PaymentTerms": customer.payment_terms,
            "LanguageId": customer.language,
            "OnHoldStatus": "" if customer.on_hold == "No" else customer.on_hold,
            "InvoiceAccount": customer.invoice_account,
            "TaxExemptNumber": customer.tax_exempt_number,
            "ContactPersonId": customer.people[0].id if customer.people else "",
        }
        if with_format:
            missing = len(world.dimensions) - len(customer.dimension_values)
            segments = (*customer.dimension_values, *[""] * missing)
            values["DefaultDimensionDisplayValue"] = join_segments(segments, world.dimension_delimiter)
        store.fill("customers", _filled(values), party)
    for customer in world.customers:
        for person in customer.people:
            store.fill("contacts", _contact(environment, customer, person, now))


def _party(customer: Customer) -> dict[str, Any]:
    person = customer.party_type == "Person"
    first, _, last = customer.name.rpartition(" ")
    names = {"PersonFirstName": first or last, "PersonLastName": last if first else ""}
    return _filled(
        {
            "PartyNumber": customer.party,
            "PartyType": customer.party_type if person else "",
            **(names if person else {"OrganizationName": customer.name}),
            "PrimaryContactPhone": customer.phone,
            "PrimaryContactEmail": customer.email,
            "PrimaryContactURL": customer.website,
            **_address(customer.address),
        }
    )


def _address(address: Address) -> dict[str, str]:
    return {
        "AddressStreet": address.street,
        "AddressCity": address.city,
        "AddressZipCode": address.zip_code,
        "AddressState": address.state,
        "AddressCountryRegionId": address.country3,
        "AddressCountryRegionISOCode": address.country,
    }


def _contact(environment: Environment, customer: Customer, person: Person, now: datetime) -> dict[str, Any]:
    return _filled(
        {
            "dataAreaId": customer.legal_entity,
            "ContactPersonId": person.id,
            "ContactPersonPartyNumber": draw_party(environment),
            "ContactPersonName": f"{person.first_name} {person.last_name}".strip(),
            "FirstName": person.first_name,
            "LastName": person.last_name,
            "PrimaryEmailAddress": person.email,
            "PrimaryPhoneNumber": person.phone,
            "EmploymentJobTitle": person.job_title,
            "EmploymentProfession": person.job_title,
            "AssociatedPartyNumber": customer.party,
            "AssociatedContactType": "Customer",
            "AssociatedContactNumber": customer.account,
            "LastEditDateTime": second(now),
        }
    )

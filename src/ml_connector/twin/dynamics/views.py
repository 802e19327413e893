"""Which table each entity set shows, and how: joined values, computed values, row tags.

A set's property is read from the row itself, from the row joined to it, or computed. A customer's party
is shared: a write to one account shows in all. A released product falls back to its product.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.entities import Schema, with_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.twin.dynamics.entities import EntitySet
    from ml_connector.twin.dynamics.tables import Row


@dataclass(frozen=True, slots=True)
class Navigation:
    """A navigation property: the set it leads to, how many rows, and how they are found."""

    target: str
    many: bool
    find: Callable[[Row], Sequence[Row]]


def _none(_name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Plan:
    """How one set shows its table.

    ``joined`` tells which names are read through the joined row; when ``shared``, they live only there.
    ``pairs``: number of data sources, place of the row, place of the joined row.
    """

    table: str
    data_entity: str = ""
    joined: Callable[[str], bool] = _none
    shared: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    pairs: tuple[int, int, int | None] = (1, 0, None)


PARTY_PREFIXES = ("Address", "PrimaryContact", "Person", "Organization", "PartyCountry", "PartyState")
PARTY_NAMES = {
    "PartyType",
    "PartyNumber",
    "NameAlias",
    "KnownAs",
    "ElectronicLocationId",
    "FullPrimaryAddress",
}
PRODUCT_NAMES = {
    *("ProductSearchName", "SearchName", "ProductType", "ProductGroupId", "ProductLifecycleStateId"),
    *("SalesUnitSymbol", "InventoryUnitSymbol", "PurchaseUnitSymbol", "BOMUnitSymbol"),
    *("ProductName", "ProductDescription"),
}
PRODUCT_DEFAULTS = {
    "ProductSubType": "Product",
    "TrackingDimensionGroupName": "None",
    "StorageDimensionGroupName": "Site",
    "ItemModelGroupId": "STD",
    "PurchasePriceQuantity": 1,
    "UnitCostQuantity": 1,
    "IsSalesPriceAdjustmentAllowed": "Yes",
    "WillTotalSalesDiscountCalculationIncludeProduct": "Yes",
    "WillTotalPurchaseDiscountCalculationIncludeProduct": "Yes",
}


PRODUCT_OWN_DEFAULTS = {
    name: PRODUCT_DEFAULTS[name]
    for name in ("ProductSubType", "TrackingDimensionGroupName", "StorageDimensionGroupName")
}
DISTINCT_DEFAULTS = {name: value for name, value in PRODUCT_DEFAULTS.items() if name != "ProductSubType"}


def is_of_party(name: str) -> bool:
    """Whether a property of a customer belongs to its party."""
    return name in PARTY_NAMES or name.startswith(PARTY_PREFIXES)


# Data sources per entity are those seen in recorded row tags.
PLANS: dict[str, Plan] = {
    "CustomersV3": Plan(
        "customers",
        "CustCustomerV3Entity",
        is_of_party,
        shared=True,
        defaults={"PartyType": "Organization"},
        pairs=(11, 0, 4),
    ),
    "ContactPersons": Plan("contacts", defaults={"ContactPersonPartyType": "Person"}, pairs=(6, 0, None)),
    "CDSContactPersonsV2": Plan(
        "contacts", defaults={"ContactPersonPartyType": "Person"}, pairs=(6, 0, None)
    ),
    "AllProducts": Plan("products", pairs=(2, 0, None)),
    "ReleasedProductsV2": Plan(
        "releases", joined=PRODUCT_NAMES.__contains__, defaults=PRODUCT_DEFAULTS, pairs=(21, 0, 2)
    ),
    "CDSReleasedDistinctProducts": Plan(
        "releases", joined=PRODUCT_NAMES.__contains__, defaults={"IsStockedProduct": "Yes"}, pairs=(8, 0, 1)
    ),
    "ProductDefaultOrderSettings": Plan("releases", pairs=(3, 0, None)),
    "SalesOrderHeadersV2": Plan("orders", "SalesOrderHeaderV2Entity", pairs=(7, 0, None)),
    "SalesOrderHeadersV3": Plan("orders", "SalesOrderHeaderV3Entity", pairs=(7, 0, None)),
    "SalesOrderHeadersV4": Plan("orders", "SalesOrderHeaderV4Entity", pairs=(7, 0, None)),
    "SalesOrderLines": Plan("lines", "SalesOrderLineV2Entity", pairs=(8, 0, None)),
    "SalesOrderLinesV3": Plan("lines", "SalesOrderLineV3Entity", pairs=(8, 0, None)),
    "ProductsV2": Plan("products", defaults=PRODUCT_OWN_DEFAULTS, pairs=(4, 0, None)),
    "ReleasedDistinctProductsV2": Plan(
        "releases", joined=PRODUCT_NAMES.__contains__, defaults=DISTINCT_DEFAULTS, pairs=(21, 0, 2)
    ),
    "CDSSalesOrderHeaders": Plan("orders", "CDSSalesOrderHeaderEntity", pairs=(7, 0, None)),
    "CDSSalesOrderLinesV2": Plan("lines", "CDSSalesOrderLineV2Entity", pairs=(8, 0, None)),
    "CustomerGroups": Plan("CustomerGroups", "CustCustomerGroupEntity"),
    "LegalEntities": Plan("LegalEntities", pairs=(3, 0, None)),
    "Currencies": Plan("Currencies", pairs=(2, 0, None)),
    "UnitsOfMeasure": Plan("UnitsOfMeasure", pairs=(5, 0, None)),
    "Warehouses": Plan("Warehouses", pairs=(5, 0, None)),
}


class View:
    """One entity set over its table: reads values, makes row tags."""

    def __init__(
        self, entity_set: EntitySet, plan: Plan, computed: Mapping[str, Callable[[Row], Any]]
    ) -> None:
        self.plan = plan
        self.set = with_defaults(entity_set, dict(plan.defaults))
        self.name = entity_set.name
        self.table = plan.table
        self.data_entity = plan.data_entity or f"{entity_set.type}Entity"
        self.navigations: dict[str, Navigation] = {}
        self._computed = {name: make for name, make in computed.items() if name in entity_set.properties}
        self._tag = _tag_pattern(plan)
        self._readers: dict[tuple[str, ...], Callable[[Row], dict[str, Any]]] = {}

    def key_of(self, row: Row) -> str:
        """The key values joined by colons."""
        return ":".join(str(row.values.get(name, "")) for name in self.set.keys)

    def tag(self, row: Row) -> str:
        """The weak row tag: record version and id of every data source, as F&O encodes them."""
        own = (row.version, row.record_id)
        joined = row.joined
        if self.plan.pairs[2] is None:
            text = self._tag % own
        else:
            text = self._tag % (own + ((joined.version, joined.record_id) if joined else (0, 0)))
        return f'W/"{b64encode(text.encode()).decode()}"'

    def getter(self, name: str) -> Callable[[Row], Any]:
        """A function that reads one property of a row."""
        default = self.set.properties[name].default
        if name in self._computed:
            return self._computed[name]
        if self.is_joined(name):
            return lambda row: _joined_value(row, name, default)
        return lambda row: row.values.get(name, default)

    def is_own(self, name: str) -> bool:
        """Whether the property is stored in the row itself."""
        return name not in self._computed and not self.is_joined(name)

    def is_computed(self, name: str) -> bool:
        """Whether the property is worked out on reading."""
        return name in self._computed

    def is_joined(self, name: str) -> bool:
        """Whether the property is read through the joined row."""
        return self.plan.joined(name)

    def is_shared(self, name: str) -> bool:
        """Whether the property lives in the joined row alone."""
        return self.plan.shared and self.plan.joined(name)

    def reader(self, names: tuple[str, ...] = ()) -> Callable[[Row], dict[str, Any]]:
        """A function that reads several properties; no names means all."""
        found = self._readers.get(names)
        if found is None:
            found = self._readers[names] = self._make_reader(names or tuple(self.set.properties))
        return found

    def _make_reader(self, names: tuple[str, ...]) -> Callable[[Row], dict[str, Any]]:
        defaults = {name: self.set.properties[name].default for name in names}
        own = [(name, defaults[name]) for name in names if self.is_own(name)]
        joined = [(n, defaults[n]) for n in names if self.is_joined(n) and n not in self._computed]
        computed = [(name, self._computed[name]) for name in names if name in self._computed]

        def read(row: Row) -> dict[str, Any]:
            get = row.values.get
            out = {name: get(name, default) for name, default in own}
            if joined:
                beside = row.joined.values.get if row.joined else get
                for name, default in joined:
                    out[name] = get(name, beside(name, default))
            for name, make in computed:
                out[name] = make(row)
            return out

        return read


def _joined_value(row: Row, name: str, default: Any) -> Any:
    if name in row.values or row.joined is None:
        return row.values.get(name, default)
    return row.joined.values.get(name, default)


def _tag_pattern(plan: Plan) -> str:
    count, own, joined = plan.pairs
    return "'" + ";".join("%d,%d" if place in {own, joined} else "0,0" for place in range(count)) + "'"


def make_views(schema: Schema, computed: Mapping[str, Mapping[str, Any]]) -> dict[str, View]:
    """One view per entity set; ``navigation.py`` adds what leads from one to another."""
    return {
        name: View(entity_set, PLANS.get(name, Plan(name)), computed.get(name, {}))
        for name, entity_set in schema.sets.items()
    }

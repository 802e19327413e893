"""The reference page of a mapping shows the file that is shipped, row by row."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_connector.flows.customers.contacts import SUPPLIED as OF_CONTACTS
from ml_connector.flows.customers.flow import SUPPLIED as OF_CUSTOMERS
from ml_connector.flows.customers.people import CDS, CONTACT_PERSONS, FIELDS, VALUES
from ml_connector.flows.customers.settings import ContactSettings, CustomerSettings
from ml_connector.flows.orders.terms.known_values import KNOWN

if TYPE_CHECKING:
    from tests.docs.mapping_table import HEAD, ORDER_HEAD, order_table, table
else:
    from mapping_table import HEAD, ORDER_HEAD, order_table, table  # pytest puts this folder on the path

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "mappings"


@pytest.mark.parametrize("page", [PAGES / "contacts.md", PAGES / "customers.md"], ids=lambda page: page.stem)
def test_the_page_of_a_mapping_holds_its_rows_and_no_others(page: Path) -> None:
    """After a change: ``python tests/docs/mapping_table.py FLOW`` prints the table anew."""
    lines = page.read_text(encoding="utf-8").splitlines()
    shown = list(itertools.takewhile(lambda line: line.startswith("|"), lines[lines.index(HEAD[0]) :]))
    assert shown == table(page.stem)


def test_the_page_of_orders_holds_the_rows_of_header_and_line() -> None:
    """After a change: ``python tests/docs/mapping_table.py orders header`` prints the table anew, or ``line``."""
    lines = (PAGES / "orders.md").read_text(encoding="utf-8").splitlines()
    begins = [place for place, line in enumerate(lines) if line == ORDER_HEAD[0]]
    shown = [list(itertools.takewhile(lambda line: line.startswith("|"), lines[place:])) for place in begins]
    assert shown == [order_table("header"), order_table("line")]


def test_the_page_of_orders_explains_every_rule_whose_values_are_checked() -> None:
    text = (PAGES / "orders.md").read_text(encoding="utf-8")
    assert {name for name in KNOWN if f"`{name}`" not in text} == set()
    assert {known.data_entity for known in KNOWN.values() if f"`{known.data_entity}`" not in text} == set()


@pytest.mark.parametrize(("page", "supplied"), [("customers", OF_CUSTOMERS), ("contacts", OF_CONTACTS)])
def test_the_page_explains_every_source_the_connector_works_out(page: str, supplied: frozenset[str]) -> None:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    assert {name for name in supplied if f"`{name}`" not in text} == set()


def test_the_page_of_contacts_says_which_field_of_each_set_stands_behind_a_source() -> None:
    lines = (PAGES / "contacts.md").read_text(encoding="utf-8").splitlines()
    for name in VALUES:
        cells = next(line for line in lines if line.startswith(f"| `{name}` |")).split("|")[2:4]
        behind = [FIELDS[data_entity].get(name, "") for data_entity in (CDS, CONTACT_PERSONS)]
        assert [cell.strip(" `") for cell in cells] == behind, name


def test_each_setting_of_customers_and_contacts_is_explained() -> None:
    text = "".join((PAGES / f"{page}.md").read_text(encoding="utf-8") for page in ("customers", "contacts"))
    names = [f"customers.{name}" for name in CustomerSettings.model_fields]
    names += [f"contacts.{name}" for name in ContactSettings.model_fields]
    assert {name for name in names if f"`{name}`" not in text} == set()

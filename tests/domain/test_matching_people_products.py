"""Contacts by their e-mail addresses, products by their numbers."""

from __future__ import annotations

from ml_connector.domain.matching.deciding import decide
from ml_connector.domain.matching.people import Person, person_pairs
from ml_connector.domain.matching.products import Product, product_pairs


def person(record_id: str, *emails: str, key: str = "") -> Person:
    return Person(record_id, key=key, emails=frozenset(emails))


def test_a_contact_is_adopted_by_its_email_secondary_addresses_too() -> None:
    found = decide(
        person_pairs(
            [person("usmf:p-1", "ann@alder.example"), person("usmf:p-2", "bo@alder.example")],
            [person("501", "ann@home.example", "ann@alder.example"), person("502", "cy@alder.example")],
        )
    )
    assert [(each.source, each.target) for each in found.certain] == [("usmf:p-1", "501")]
    assert found.doubtful == ()


def test_an_email_that_is_not_unique_on_both_sides_is_doubtful() -> None:
    sources = [person("usmf:p-1", "ann@alder.example"), person("usmf:p-2", "ann@alder.example")]
    shared = decide(person_pairs(sources, [person("501", "ann@alder.example")]))
    assert (shared.certain, len(shared.doubtful), len(shared.collisions)) == ((), 2, 1)
    targets = [person("501", "ann@alder.example"), person("502", "a@x.example", "ann@alder.example")]
    twice = decide(person_pairs(sources[:1], targets))
    assert (twice.certain, len(twice.doubtful)) == ((), 2)


def test_a_contact_that_carries_a_key_belongs_to_that_key_alone() -> None:
    targets = [person("501", "ann@alder.example", key="usmf:p-9")]
    sources = [person("usmf:p-1", "ann@alder.example"), person("usmf:p-9")]
    found = decide(person_pairs(sources, targets))
    assert [(each.source, each.rule) for each in found.certain] == [("usmf:p-9", "own key")]


def product(record_id: str, *numbers: str, key: str = "") -> Product:
    return Product(record_id, key=key, numbers=numbers)


def test_match_once_on_exact_sku_product_number_or_item_number_unique_on_both_sides() -> None:
    found = decide(
        product_pairs(
            [product("D0001", "D0001", "1000"), product("D0002", "D0002", "2000"), product("007", "007")],
            [product("801", "D0001"), product("802", "2000"), product("803", "0007"), product("804", "x")],
        )
    )
    assert [(each.source, each.target) for each in found.certain] == [("D0001", "801"), ("D0002", "802")]
    assert [(each.source, each.target, each.rule) for each in found.doubtful] == [
        ("007", "803", "SKU written differently")
    ]


def test_a_sku_that_two_products_share_is_for_a_person() -> None:
    library = [product("801", "D0001"), product("802", "D0001")]
    found = decide(product_pairs([product("D0001", "D0001")], library))
    assert (found.certain, len(found.doubtful), len(found.collisions)) == ((), 2, 1)

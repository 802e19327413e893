"""Which customer is which company: ranked rules, and what is never enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.domain.matching.companies import Company, company_pairs
from ml_connector.domain.matching.deciding import Matching, decide


def known(record_id: str, **changed: object) -> Company:
    """One firm as somebody writes it down who knows everything."""
    whole = Company(
        id=record_id,
        name="Alder Pumpen GmbH",
        domains=frozenset({"alder.example"}),
        tax_ids=frozenset({"DE123456789"}),
        emails=frozenset({"kim@alder.example"}),
        phones=frozenset({"+493023125001"}),
        postal_code="10115",
        city="Berlin",
        country="DE",
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


NOTHING = {
    "domains": frozenset[str](), "tax_ids": frozenset[str](), "emails": frozenset[str](), "phones": frozenset[str](),
    "postal_code": "", "city": "", "country": "",
}  # fmt: skip


def matched(sources: list[Company], targets: list[Company]) -> Matching:
    return decide(company_pairs(sources, targets))


def one(source: Company, target: Company) -> tuple[str, str]:
    """What becomes of a pair that nothing else competes with."""
    found = matched([source], [target])
    if found.certain:
        return "certain", found.certain[0].rule
    return ("doubtful", found.doubtful[0].rule) if found.doubtful else ("", "")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"key": "usmf:1", "name": "Somebody else"}, "own key"),
        ({"name": "Alder Pumpn"}, "tax id and name"),
        ({"tax_ids": frozenset(), "name": "Alder Pumpen"}, "domain and name"),
        (
            {"tax_ids": frozenset(), "domains": frozenset(), "postal_code": "", "city": ""},
            "contact e-mail and name",
        ),
        (
            {"tax_ids": frozenset(), "domains": frozenset(), "emails": frozenset(), "name": "ALDER PUMPEN"},
            "name and postal code",
        ),
    ],
)
def test_ranked_rules_own_key_tax_id_domain_and_name_contact_email_name_and_postal_code(
    changed: dict[str, object], rule: str
) -> None:
    """Each is enough by itself when nothing else fits, and is named as the reason."""
    assert one(known("usmf:1"), known("77", **changed)) == ("certain", rule)


@pytest.mark.parametrize(
    "shared",
    [
        {"domains": frozenset({"alder.example"})},
        {"phones": frozenset({"+493023125001"})},
        {"domains": frozenset({"alder.example"}), "phones": frozenset({"+493023125001"}), "postal_code": "10115"},
    ],
    ids=["domain", "phone", "domain, phone and postal code"],
)  # fmt: skip
def test_never_match_by_domain_nor_by_a_shared_switchboard(shared: dict[str, object]) -> None:
    """Two companies on one domain or behind one telephone number are not even proposed."""
    other = known("77", name="Lindqvist Verpackungen AB", **(NOTHING | shared))
    assert one(known("usmf:1"), other) == ("", "")


@pytest.mark.parametrize(
    "changed",
    [
        {"postal_code": "50667", "city": "Köln"},
        {"postal_code": "", "city": "Köln"},
        {"country": "AT"},
        {"name": "Alder Pumpen AG"},
    ],
    ids=["another postal code", "another city", "another country", "another legal form"],
)
def test_branches_of_one_group_and_its_other_companies_are_doubtful_at_most(
    changed: dict[str, object],
) -> None:
    other = known("77", tax_ids=frozenset(), **changed)
    assert one(known("usmf:1"), other)[0] == "doubtful"


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"name": "Alder Pumpen", "city": "Berlin"}, "name and city"),
        ({"name": "Alder Pumpen", "country": "DE"}, "name and country"),
        ({"name": "Alder Pumpentechnik", "postal_code": "10115"}, "similar name and postal code"),
        ({"name": "Alder Pumpn", "phones": frozenset({"+493023125001"})}, "phone and similar name"),
        ({"name": "Alder Pmupen"}, "similar name"),
    ],
)
def test_what_is_less_than_certain_goes_to_a_person_with_its_reason(
    changed: dict[str, object], rule: str
) -> None:
    assert one(known("usmf:1"), known("77", **(NOTHING | changed))) == ("doubtful", rule)


def test_a_namesake_in_another_town_with_another_domain_is_nobody() -> None:
    other = known(
        "77", name="Alder Pumpen", **(NOTHING | {"city": "Kiel", "domains": frozenset({"alder-kiel.example"})})
    )  # fmt: skip
    assert one(known("usmf:1"), other) == ("", "")


def test_the_same_account_number_in_two_legal_entities_is_two_customers() -> None:
    """Each customer finds the company that carries its own key, and no other."""
    found = matched(
        [known("usmf:1"), known("demf:1")],
        [known("77", key="demf:1"), known("78", key="frrt:9")],
    )
    assert [(each.source, each.target, each.rule) for each in found.certain] == [("demf:1", "77", "own key")]
    assert found.doubtful == ()


@pytest.mark.parametrize("twice", ["source", "target"])
def test_a_record_that_would_be_linked_twice_is_a_collision_and_doubtful(twice: str) -> None:
    sources = [known("usmf:1"), known("demf:7")] if twice == "source" else [known("usmf:1")]
    targets = [known("77")] if twice == "source" else [known("77"), known("78")]
    found = matched(sources, targets)
    assert found.certain == ()
    [collision] = found.collisions
    assert sorted(collision.sources) == sorted(source.id for source in sources)
    assert sorted(collision.targets) == sorted(target.id for target in targets)
    assert len(found.doubtful) == 2
    assert all("collides with" in each.reasons[-1] for each in found.doubtful)


def test_collisions_in_a_chain_are_one_collision() -> None:
    """A fits 1 and 2, B fits 2: none of the three links is certain."""
    both = known("usmf:1")
    far = known(
        "usmf:2", **(NOTHING | {"tax_ids": frozenset({"DE999999999"}), "city": "Berlin", "country": "DE"})
    )
    targets = [
        known("71"),
        known("72", tax_ids=frozenset({"DE123456789", "DE999999999"}), domains=frozenset()),
    ]
    found = matched([both, far], targets)
    assert found.certain == ()
    assert [len(each.sources) + len(each.targets) for each in found.collisions] == [4]


def test_what_a_person_rejected_is_not_proposed_again_and_frees_the_other() -> None:
    targets = [known("77"), known("78")]
    pairs = list(company_pairs([known("usmf:1")], targets))
    found = decide(pairs, rejected={("usmf:1", "77")})
    assert [(each.source, each.target) for each in found.certain] == [("usmf:1", "78")]
    assert found.doubtful == ()
    assert found.collisions == ()


def test_reasons_say_what_agrees_and_what_does_not() -> None:
    other = known("77", tax_ids=frozenset(), postal_code="50667", city="Köln")
    [proposal] = matched([known("usmf:1")], [other]).doubtful
    assert proposal.reasons == (
        "the same name without legal form", "domain alder.example", "e-mail kim@alder.example", "phone +493023125001",
        "country DE", "but postal codes 10115 and 50667", "but cities Berlin and Köln",
    )  # fmt: skip


def test_records_without_a_name_are_matched_by_nothing_but_their_tax_id() -> None:
    assert one(known("usmf:1", name=""), known("77", name="", tax_ids=frozenset())) == ("", "")
    assert one(known("usmf:1", name=""), known("77")) == ("doubtful", "tax id")

"""Names of companies made comparable."""

from __future__ import annotations

import pytest

from ml_connector.domain.matching.names import company_name, likeness, place, postcode, without_town


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller Maschinenbau GmbH & Co. KG", "MUELLER MASCHINENBAU GMBH UND CO KG"),
        ("Müller Maschinenbau GmbH", "Muller Maschinenbau"),
        ("Rossi Impianti S.p.A.", "ROSSI IMPIANTI SPA"),
        ("Nowak Metal Sp. z o.o.", "Nowak Metal sp.z o.o."),
        ("Łódź Meble Sp. z o. o.", "Lodz Meble"),
        ("Hansen Maskinfabrik A/S", "Hansen Maskinfabrik AS"),
        ("Sørensen Teknik ApS", "Sorensen Teknik"),
        ("De Vries Techniek B.V.", "de vries techniek bv"),
        ("De Vries Techniek N.V.", "de vries techniek"),
        ("Virtanen Konepaja Oy", "Virtanen Konepaja"),
        ("Åkesson Industri AB", "Akesson Industri"),
        ("Lefèvre Mécanique SARL", "LEFEVRE MECANIQUE S.A.R.L."),
        ("Dubois Pompes SAS", "Dubois Pompes"),
        ("Clarke Valves Ltd.", "Clarke Valves Limited"),
        ("Clarke Valves PLC", "Clarke Valves"),
        ("Baker Foundry, LLC", "Baker Foundry L.L.C."),
        ("Baker Foundry Inc.", "BAKER FOUNDRY INCORPORATED"),
        ("Fraser Mining Pty. Ltd.", "Fraser Mining Pty Ltd"),
        ("Baker & Foster Mfg", "Baker and Foster Manufacturing"),
        ("O'Brien Steel Works", "OBrien Steelworks"),
    ],
)
def test_one_company_written_in_two_ways_has_one_name(one: str, other: str) -> None:
    """Legal forms, accents, capitals, points and usual abbreviations make no difference."""
    assert company_name(one).packed == company_name(other).packed
    assert likeness(company_name(one), company_name(other)) == 100


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Keller GmbH & Co. KG", "gmbh co kg"), ("Keller GmbH", "gmbh"), ("Keller AG", "ag"), ("Keller", ""),
        ("Keller e.K.", "ek"), ("Keller Sp. z o.o. Sp. k.", "sp k"), ("Keller Co., Ltd.", "ltd"),
        ("Keller GmbH Niederlassung Berlin", "gmbh"), ("Keller S.A. de C.V.", "sa de cv"),
    ],
)  # fmt: skip
def test_the_legal_form_is_kept_beside_the_name(name: str, form: str) -> None:
    """A GmbH and a GmbH & Co. KG of one name are two companies."""
    assert company_name(name).form == form


@pytest.mark.parametrize("name", ["AG", "GmbH", "Co", "SE"])
def test_a_name_that_is_a_legal_form_stays_a_name(name: str) -> None:
    assert company_name(name).packed == name.lower()


@pytest.mark.parametrize("name", ["", "   ", "&", "...", "\u200b", "株式会社", "Ж" * 500])
def test_odd_names_are_read_without_complaint(name: str) -> None:
    company_name(name)


def test_a_slip_of_the_pen_is_nearly_alike_and_another_trade_is_not() -> None:
    name = company_name("Lindqvist Maschinenbau GmbH")
    assert likeness(name, company_name("Lindqvsit Maschinenbau")) >= 90
    assert likeness(name, company_name("Lindqvist Maschb.")) >= 84
    assert likeness(name, company_name("Lindqvist Verpackungen")) < 78


def test_numbers_in_a_name_tell_two_branches_apart() -> None:
    assert likeness(company_name("Alder Works 1"), company_name("Alder Works 2")) < 78


def test_a_branch_named_by_its_town_is_compared_without_it() -> None:
    name = company_name("Alder Pumpen GmbH Niederlassung Köln")
    assert without_town(name, company_name("Köln").words).packed == "alderpumpen"


def test_postal_codes_and_towns_are_compared_as_they_are_meant() -> None:
    assert postcode("3056 GL") == postcode("3056gl")
    assert postcode("60601-1234") == "60601"
    assert postcode("D-10115") == "10115"
    assert postcode("30-399") == postcode("30399")
    assert place("Würzburg") == place("WUERZBURG") == place("Wurzburg")

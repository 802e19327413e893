"""``ping --fit`` as people and programs get it: one page, one object, and the plain ping as it always was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.app.fit.lines import lines, verdict
from ml_connector.app.fit.offered import MASTER_SETS
from ml_connector.cli.ping import fit_table
from ml_connector.cli.terminal import Reply, Terminal
from ml_connector.domain.causes import CAUSES
from ml_connector.domain.fit import (
    Budget,
    Currencies,
    Customers,
    Deals,
    Dimensions,
    EntitySet,
    FitReport,
    Offered,
    People,
    Portal,
    Products,
    Quality,
    Repeated,
    Stopped,
    Timestamp,
)
from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    import pytest
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_live import connected, use

PAGE = 66  # lines of a printed page


def plant(twins: Twins) -> None:
    """Something of everything that people get wrong."""
    rows = [row for row in twins.records("CustomersV3") if row["PartyType"] == "Organization"]
    first, second, third, *_ = [f"{row['dataAreaId']}:{row['CustomerAccount']}" for row in rows]
    spoilt = {
        first: {"PrimaryContactEmail": "no address", "PrimaryContactPhone": "no number"},
        second: {"OrganizationName": "", "NameAlias": "", "KnownAs": "", "AddressCountryRegionId": "ZZZ"},
        third: {"SalesCurrencyCode": "GBP", "PrimaryContactEmail": rows[3]["PrimaryContactEmail"]},
    }
    for key, fields in spoilt.items():
        twins.control("PATCH", "state", {"of": "CustomersV3", "key": key, "fields": fields})
    for deal in twins.open_deals()[:5]:
        twins.control("POST", f"deals/{deal}/stage", {"stage": "won"})


def test_the_report_fits_one_page_of_80_columns(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdict first; each finding a line, what to do under it; also in a world where nothing is in order."""
    use(twins, monkeypatch)
    connected(ask)
    plant(twins)
    writes = twins.writes()
    said = ask("ping", "--fit", "--quiet")
    assert said.code == 0, said.err
    page = said.out.splitlines()
    assert page[0] == "Dynamics and HubSpot answer as needed."
    assert "to look at before the first load." in page[1]
    assert [line for line in page if len(line) > 80 or line != line.rstrip()] == []
    assert len(page) <= PAGE
    assert "5 x The deal has no line items" in said.out
    assert "-> Add the line items that were sold." in said.out
    assert twins.writes() == writes


def test_a_world_where_everything_is_wrong_fits_the_page_too(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Six legal entities, long names, millions of rows, nine causes: what is too much is only counted."""
    entities = [f"le{number}" for number in range(1, 7)]
    many = Repeated(123_456, 234_567, ((f"{'usmf'}:CUST-00012345", "ussi:CUST-00054321", "demf:CUST-1"),))
    bad = Quality(1_234_567, 234_567, ("usmf:CUST-00012345", "ussi:CUST-00054321", "demf:CUST-00000001"))
    codes = [code for code in CAUSES if code.startswith("order.")][:9]
    sets = tuple(
        EntitySet(f"{'Some' * 6}Set{number}", number < 2, "something long that is lost", "missing")
        for number in range(9)
    )
    sets += tuple(EntitySet(name, needed=False, use="people", state="forbidden") for name in entities)
    found = FitReport(
        verdict="",
        lines=(),
        offered=Offered(
            sets,
            {name: dict.fromkeys(entities, 1_234_567) for name in MASTER_SETS},
            (Timestamp("CustomersV3", "LastModifiedDateTime", "there"),) * 5,
        ),
        dimensions=Dimensions(
            "A long name of a format", tuple(entities), "-", 5_000, 4_999, ("0-1-2-3",) * 3
        ),
        currencies=Currencies(
            accounting=dict.fromkeys(entities, "USD"),
            company="EUR",
            additional=("GBP", "SEK", "NOK", "DKK", "PLN"),
            of_customers={},
            not_in_portal=dict.fromkeys(("USD", "CHF", "CAD", "AUD", "JPY"), 12345),
            price_legal_entity="le1",
            price_property="",
        ),
        customers=Customers(1, 2, bad, bad, bad, bad, dict.fromkeys(entities, 1234), many, many),
        people=People("ContactPersons", 1, bad, bad, bad),
        shared_emails=many,
        products=Products(1_234_567, 1_234_567, 0, 0, many, many, "per_legal_entity"),
        portal=Portal(1_234_567, 1_234_567, 1_234_567, 1, many, many),
        deals=Deals(
            30,
            12_345,
            500,
            1,
            123,
            tuple(Stopped(code, CAUSES[code].title, 123, ("12345678901",) * 3) for code in codes),
        ),
        budget=Budget(
            {"dynamics": 12_345, "hubspot": 12_345},
            1.0,
            {},
            123_456,
            (100, 10.0),
            limit_is_known=False,
            first_load_minutes=123.4,
        ),
    )
    said = lines(
        found, {"people": UnavailableError("Dynamics could not answer now (status 503).", hint="Try again.")}
    )
    Terminal().give(Reply("ping/1", {}, ["ping", verdict(said), "", fit_table(replace(found, lines=said))]))
    page = capsysbinary.readouterr().out.decode().splitlines()
    assert [line for line in page if len(line) > 80] == []
    assert "and 6 more causes: see ml-connector ping --fit --json" in " ".join(page)
    assert len(page) <= PAGE, "\n".join(page)


def test_programs_get_the_whole_report_in_the_pings_object(
    ask: Ask, shared_twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of the ping, and under ``fit`` every figure; without --fit it is null."""
    use(shared_twins, monkeypatch)
    connected(ask)
    found = ask("ping", "--fit", "--json").object
    assert set(found["sides"]) == {"dynamics", "hubspot"}
    customers = found["fit"]["customers"]
    assert customers["organisations"] + customers["persons"] == len(shared_twins.records("CustomersV3"))
    assert found["fit"]["products"]["numbers"] == 40
    assert found["fit"]["budget"]["hubspot_limit"] == [190, 10]
    assert ask("ping", "--json").object["fit"] is None


def test_the_plain_ping_shows_its_steps_and_nothing_else(
    ask: Ask, shared_twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for no list of records; the report is for those who want it."""
    use(shared_twins, monkeypatch)
    connected(ask)
    shown = ask("ping").out.splitlines()
    assert shown[:3] == ["Dynamics and HubSpot answer as needed.", "", "Dynamics"]
    assert [line.split()[:2] for line in shown[3:5]] == [["step", "what"], ["ok", "Sign"]]
    assert not [line for line in shown if "won deals" in line]


def test_refused_credentials_end_as_the_ping_ends(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be read, so there is no report; the sentence and the exit code are the ping's."""
    use(twins, monkeypatch)
    connected(ask)
    twins.control(
        "POST",
        "faults",
        {"match": {"method": "GET", "path": "account-info"}, "fault": "expired-token", "times": 0},
    )
    plain, asked = ask("ping"), ask("ping", "--fit")
    assert (plain.code, asked.code) == (4, 4)
    assert asked.out == plain.out
    assert ask("ping", "--fit", "--json").object["fit"] is None


def test_the_report_is_about_both_sides(ready: Ask) -> None:
    """One side alone cannot suit anybody."""
    said = ready("ping", "dynamics", "--fit")
    assert said.code == 2
    assert "--fit looks at both sides." in said.err

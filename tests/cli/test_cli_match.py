"""``match`` on the command line: compare, link after a question, review, undo; answers for people and programs."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
import typer

from ml_connector.cli.terminal import Terminal

if TYPE_CHECKING:
    from tests.cli.cli_live import Twins, connected, use
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_live import connected, use

if TYPE_CHECKING:
    from tests.cli.conftest import Ask


def holds(twins: Twins, of: str, **properties: str) -> str:
    """A record that HubSpot held long before the connector came."""
    request = urllib.request.Request(  # noqa: S310 - a loopback address
        f"{twins.where['hubspot_url']}/crm/v3/objects/{of}",
        method="POST",
        data=json.dumps({"properties": properties}).encode(),
        headers={
            "Authorization": f"Bearer {twins.where['hubspot_token']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
        return str(json.load(answer)["id"])


@pytest.fixture
def customers(ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Organisations of F&O, the first known to HubSpot for certain, the second perhaps."""
    use(twins, monkeypatch)
    connected(ask)
    rows = [row for row in twins.records("CustomersV3") if row["PartyType"] == "Organization"]
    rows = [row for row in rows if row["AddressZipCode"] and row["OrganizationName"]]
    names = [row["OrganizationName"] for row in rows]
    assert len(set(names)) == len(names)
    first, second = rows[:2]
    holds(twins, "companies", name=first["OrganizationName"].upper(), zip=first["AddressZipCode"])
    holds(twins, "companies", name=second["OrganizationName"], city=second["AddressCity"])
    return rows


def key(row: dict[str, Any]) -> str:
    return f"{row['dataAreaId']}:{row['CustomerAccount']}"


def stamped(twins: Twins) -> set[str]:
    found = (row["properties"].get("d365_customer_key") for row in twins.records("companies"))
    return {each for each in found if each}


def test_match_links_what_is_certain_queues_the_rest_and_undo_takes_it_back(
    ask: Ask, twins: Twins, customers: list[dict[str, Any]]
) -> None:
    """Without a person to ask nothing is linked; with --yes the same comparison is carried out."""
    first, second = customers[:2]
    refused = ask("match", "customers", "--json")
    assert refused.code == 2
    assert stamped(twins) == set()

    done = ask("match", "customers", "--yes", "--json")
    assert done.code == 0, done.err
    answer = done.object
    assert (answer["certain"], answer["doubtful"]) == (1, 1)
    assert answer["done"]["stamped"] == 1
    assert [row["key"] for row in answer["replaced_names"]] == [key(first)]
    assert stamped(twins) == {key(first)}

    [proposal] = ask("match", "review", "--json").object["proposals"]
    assert proposal["record"] == f"customers/{key(second)}"
    one = ask("match", "review", str(proposal["id"]), "--json").object["proposals"][0]
    assert one["state"] == "doubtful"
    accepted = ask("match", "review", str(proposal["id"]), "--accept", "--json")
    assert accepted.code == 0, accepted.err
    assert accepted.object["proposals"][0]["state"] == "accepted"
    assert stamped(twins) == {key(first), key(second)}
    assert ask("match", "review", "--json").object["held"] == 0
    assert [
        event["kind"]
        for event in ask("records", "show", f"customers/{key(first)}", "--json").object["timeline"]
    ] == ["matched"]

    undone = ask("match", "undo", answer["done"]["run_id"][:10], "--yes", "--json")
    assert undone.code == 0, undone.err
    assert undone.object["taken_back"] == 2
    assert stamped(twins) == set()


def test_what_match_says_to_people_fits_80_columns(
    ask: Ask, twins: Twins, customers: list[dict[str, Any]]
) -> None:
    """The verdict first, then rules, the names the next load replaces, and the next command."""
    pages = {"match": ask("match", "customers", "--yes"), "list": ask("match", "review")}
    number = ask("match", "review", "--json").object["proposals"][0]["id"]
    pages["one"] = ask("match", "review", str(number))
    pages["rejected"] = ask("match", "review", str(number), "--reject")
    pages["none"] = ask("match", "review")
    pages["undo"] = ask("match", "undo", f"customers/{key(customers[0])}", "--yes")
    assert {name: said.code for name, said in pages.items() if said.code} == {}
    verdict = "customers: 1 linked, 1 waiting for a decision and not created meanwhile.\n"
    assert pages["match"].out.startswith(verdict)
    assert "name and postal code" in pages["match"].out
    assert customers[0]["OrganizationName"].upper() in " ".join(pages["match"].out.split())
    assert pages["match"].out.rstrip().endswith("Next: ml-connector match review")
    assert "is not companies" in pages["rejected"].out
    assert pages["none"].out == "No match waits for a decision.\n"
    assert pages["undo"].out == "1 link taken back; 0 stay.\n"
    assert [line for said in pages.values() for line in said.out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("agreed", [False, True])
def test_match_shows_everything_and_asks_before_it_stamps(
    ask: Ask, twins: Twins, customers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, *, agreed: bool
) -> None:
    """A no leaves both systems and the review as they were."""
    asked: list[str] = []

    def answer(question: str, **_rest: object) -> bool:
        asked.append(question)
        return agreed

    monkeypatch.setattr(Terminal, "may_ask", True)
    monkeypatch.setattr(typer, "confirm", answer)
    said = ask("match", "customers")
    assert said.code == 0, said.err
    assert said.out.startswith("customers: 1 certain, 1 doubtful, ")
    assert asked == [
        "Link the one record that is certain, by writing the key to HubSpot (the next load replaces 1 name)?"
    ]
    assert stamped(twins) == ({key(customers[0])} if agreed else set())
    assert ask("match", "review", "--json").object["held"] == (1 if agreed else 0)


def test_match_products_on_the_command_line(ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    use(twins, monkeypatch)
    connected(ask)
    number = twins.records("ReleasedProductsV2")[0]["ProductNumber"]
    listed = holds(twins, "products", name="Our old name", hs_sku=number)
    answer = ask("match", "products", "--yes", "--json").object
    assert answer["done"]["stamped"] == 1
    assert answer["replaced_names"][0]["target_id"] == listed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("match review 99", "no match number 99"),
        ("match review 1 --accept --reject", "exclude each other"),
        ("match review --accept", "Name the match"),
        ("match review 1 --reject --target 5", "goes with --accept"),
        ("match review --flow orders", "nothing to match for 'orders'"),
        ("match undo nothing --yes", "no match run 'nothing'"),
        ("match undo customers/usmf:none --yes", "was not linked by matching"),
        ("match undo deals/1 --yes", "nothing to match for 'deals'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(
    words: str, says: str, ask: Ask, shared_twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shared_twins, monkeypatch)
    connected(ask)
    said = ask(*words.split())
    assert said.code == 2
    assert says in said.err

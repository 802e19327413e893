"""The form of a new customer at the command line: read it, edit it, approve it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:  # pytest puts this folder on the path
    from cli_live import connected, use


def test_a_person_reads_the_form_of_a_new_customer_edits_it_and_approves(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deal for a legal entity in which its company has no account: parked, opened by a person, placed."""
    use(twins, monkeypatch)
    connected(ask)
    assert ask("sync").code == 0
    deal = twins.won_deal()
    entity = _other_entity(twins, deal)
    assert ask("sync", "orders").code == 3

    refused = ask("deals", "approve", deal, "--set", f"open_account={entity}")
    assert refused.code == 2
    assert "--because" in refused.err
    assert ask("deals", "approve", deal, "--set", "account", "--because", "a test").code == 2
    opened = ask("deals", "approve", deal, "--set", f"open_account={entity}", "--because", "they buy there")
    assert opened.code == 0, opened.err
    assert "Nobody has seen this draft yet" in opened.out

    form = ask("deals", "show", deal, "--json").object["draft"]["customer_form"]
    assert [field["name"] for field in form["fields"] if field["open"]] == ["CustomerGroupId"]
    text = ask("deals", "show", deal).out
    assert f"becomes a customer of {entity}:" in text
    assert "(open)" in text
    assert [line for line in text.splitlines() if len(line) > 80] == []
    unready = ask("deals", "approve", deal)
    assert unready.code == 1, unready.err
    assert "Open are: CustomerGroupId" in unready.err

    placed = ask(
        "deals", "approve", deal, "--set", "customer.CustomerGroupId=20", "--set", "customer.PaymentTerms=Net45",
        "--because", "they buy there", "--json",
    )  # fmt: skip
    assert placed.code == 0, placed.err
    assert (placed.object["state"], placed.object["legal_entity"]) == ("done", entity)
    assert "was created in" in ask("deals", "show", deal).out


def _other_entity(twins: Twins, deal: str) -> str:
    """The rep sells from a legal entity in which the company has no account yet."""
    (record,) = [row for row in twins.records("deals") if str(row["id"]) == deal]
    company = str(record["associations"]["companies"][0]["id"])
    (held,) = [row["properties"] for row in twins.records("companies") if str(row["id"]) == company]
    entity = next(each for each in ("ussi", "demf", "usmf") if each not in str(held["d365_customer_key"]))
    edit = {"of": "deals", "key": deal, "fields": {"d365_legal_entity": entity}}
    twins.control("PATCH", "state", edit)
    return entity

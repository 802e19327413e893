"""``plan`` and what follows from it, on the command line."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_live import connected, use

SCREEN = 40  # lines


def organisations(twins: Twins) -> list[str]:
    rows = [row for row in twins.records("CustomersV3") if row["PartyType"] == "Organization"]
    return [f"{row['dataAreaId']}:{row['CustomerAccount']}" for row in rows]


def change(twins: Twins, key: str, **fields: str) -> None:
    twins.control("PATCH", "state", {"of": "CustomersV3", "key": key, "fields": fields})


def test_a_plan_is_one_screen_and_one_object_and_ends_with_ten_when_asked(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the first load and after; ``preview`` is the same; the file it keeps is what sync --plan writes.

    Of contacts the plan states how many new ones there would be.
    """
    use(twins, monkeypatch)
    connected(ask)
    before = twins.writes()
    people = ask("plan", "contacts")
    assert "new contacts: HubSpot may bill marketing contacts, and start workflows" in " ".join(
        people.out.split()
    )
    assert ask("plan", "contacts", "--json").object["flows"]["contacts"]["counts"]["create"] > 0
    said = ask("plan", "customers", "products", "orders")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("Would be ")
    assert len(lines) <= SCREEN
    assert [line for line in lines if len(line) > 80] == []
    assert "deals show" in said.out
    assert "first load" in said.out
    customers = len(organisations(twins))
    found = ask("preview", "--json", "--exit-code", "customers", "--limit", "3")
    assert found.code == 10
    figures = found.object["flows"]["customers"]
    assert (figures["counts"]["create"], len(figures["changes"])) == (customers, 3)
    assert twins.writes() == before

    path = tmp_path / "customers.plan"
    assert ask("plan", "customers", "--out", str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    header = json.loads(path.read_bytes().splitlines()[0])
    assert (header["flow"], header["figures"]["counts"]["create"]) == ("customers", customers)
    done = ask("sync", "customers", "--plan", str(path), "--json")
    assert done.object["flows"]["customers"]["created"] == customers
    assert ask("runs", "list", "--json").object["runs"][0]["kind"] == "plan"
    nothing = ask("plan", "customers", "--exit-code")
    assert (nothing.code, nothing.out.partition("\n")[0]) == (
        0,
        "Nothing would be written. Nothing has been written now.",
    )


def test_the_steps_from_off_to_on(ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow that is off may be planned; the first few records ask; single records by their keys."""
    use(twins, monkeypatch)
    connected(ask)
    assert ask("flows", "disable").code == 0
    assert set(ask("plan", "--json").object["flows"]) == {"customers", "contacts", "products", "order_status"}
    assert ask("sync", "customers", "--first", "3").code == 2
    first = ask("sync", "customers", "--first", "3", "--yes", "--json")
    assert first.object["flows"]["customers"]["created"] == 3
    key = organisations(twins)[-1]
    text = ask("sync", "customers", "--yes", "--key", key, "--key", "usmf:nowhere")
    assert text.code == 0, text.err
    assert "1 record is not in Dynamics" in text.out
    for words in (
        "sync --first 3", "sync customers products --key usmf:1", "sync customers --first 2 --key usmf:1",
        "sync orders --first 2 --yes", "plan customers --legal-entity none", "plan --key usmf:1",
        "sync customers --yes --plan nowhere.plan", "runs release customers", "sync customers --first 0",
    ):  # fmt: skip
        said = ask(*words.split())
        assert (said.code, said.out) == (2, ""), words
        assert "Error: " in said.err


def test_a_run_that_the_breaker_stops_is_told_shown_and_released(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 with its sentence and hint; status and runs say stopped; release shows why, and asks."""
    use(twins, monkeypatch)
    monkeypatch.setenv("MLC_SYNC__BREAKER__CHANGED_LEAST", "5")
    connected(ask)
    assert ask("sync", "customers").code == 0
    keys = organisations(twins)
    for key in keys:
        change(twins, key, OrganizationName=f"Renamed {key[-3:]}")
    planned = ask("plan", "customers")
    assert "the breaker would stop customers first" in " ".join(planned.out.split())
    before = twins.writes()
    stopped = ask("sync", "customers")
    assert stopped.code == 1
    assert "was stopped before anything was written" in " ".join(stopped.out.split())
    assert "ml-connector runs release customers" in " ".join(stopped.out.split())
    assert ask("sync", "customers", "--json").object["flows"]["customers"]["error"]["code"] == "run.stopped"
    assert twins.writes() == before
    status = ask("status")
    assert status.out.startswith("The last run of customers was stopped")
    assert "Next: ml-connector plan customers" in status.out
    assert ask("runs", "list", "--json").object["runs"][0]["state"] == "stopped"

    refused = ask("runs", "release", "customers")
    assert refused.code == 2
    assert "would change" in refused.err
    assert twins.writes() == before
    released = ask("runs", "release", "customers", "--yes", "--json")
    assert released.code == 0, released.err
    assert released.object["flows"]["customers"]["updated"] == len(keys)
    assert released.object["verdict"]
    assert ask("runs", "release", "customers", "--yes").code == 2

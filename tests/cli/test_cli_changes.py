"""What people and programs are told of passes that read changes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:
    from cli_live import connected, use  # pytest puts this folder on the path


def test_a_sync_says_what_it_has_read_and_reads_everything_when_asked(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence stands below the figures, with the run, and in status; --json has its parts."""
    use(twins, monkeypatch)
    monkeypatch.setenv("MLC_CUSTOMERS__CHANGES_FROM", "bi")
    connected(ask)
    assert "reading" not in ask("sync", "customers", "--json").object["flows"]["customers"]
    full = ask("sync", "customers", "--json").object["flows"]["customers"]["reading"]
    assert (full["kind"], full["because"]) == ("full", "no full crawl has been finished yet")

    changes = ask("sync", "customers", "--json").object["flows"]["customers"]["reading"]
    assert (changes["kind"], changes["records"]) == ("changes", 0)
    assert changes["sentence"].startswith("No changes since 20")
    said = ask("sync", "customers")
    assert f"customers: {changes['sentence']}" in " ".join(said.out.split())
    latest = ask("runs", "list", "--json").object["runs"][0]
    assert (latest["kind"], latest["message"]) == ("changes", changes["sentence"])
    assert "The changes of customers is done: No changes since" in ask("runs", "show", latest["run_id"]).out
    assert ask("status").code == 0

    asked = ask("sync", "customers", "--full", "--json").object["flows"]["customers"]
    assert asked["reading"]["because"] == "a full crawl was asked for"
    assert asked["unchanged"] == asked["read"] > 0
    refused = ask("sync", "customers", "--full", "--key", "usmf:US-001")
    assert refused.code == 2
    assert "--full and --key do not go together" in refused.err


def test_ping_tells_a_setting_that_cannot_be_used(
    ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(twins, monkeypatch)
    connected(ask)
    monkeypatch.setenv("MLC_PRODUCTS__CHANGES_FROM", "LastChanged")
    said = ask("ping", "dynamics")
    assert said.code == 2
    assert "ReleasedProductsV2 has no field of that name" in " ".join(said.out.split())

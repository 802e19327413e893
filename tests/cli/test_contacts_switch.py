"""Contacts are switched on by name, by somebody who confirms three things at the terminal or by ``--yes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.cli import terminal

if TYPE_CHECKING:
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:
    from cli_live import connected, use  # pytest puts this folder on the path

NAMES = ["company_creation", "marketing_contacts", "workflows"]


@pytest.fixture
def at_work(ready: Ask, shared_twins: Twins, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Connected, every flow on that needs no name."""
    use(shared_twins, monkeypatch)
    return connected(ready)


def _state(ask: Ask) -> str:
    rows = ask("flows", "list", "--json").object["flows"]
    return str(next(row["state"] for row in rows if row["flow"] == "contacts"))


def _answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A person at the terminal who gives these answers; the questions they get."""
    asked: list[str] = []
    given = iter(answers)

    def confirm(question: str, **_options: object) -> bool:
        asked.append(question)
        return next(given) == "y"

    monkeypatch.setattr(terminal.Terminal, "may_ask", property(lambda _terminal: True))
    monkeypatch.setattr("typer.confirm", confirm)
    return asked


def test_enabling_without_names_leaves_contacts_off_and_says_so(at_work: Ask) -> None:
    said = at_work("flows", "enable")
    assert "contacts stays off until it is named: ml-connector flows enable contacts" in said.out
    assert _state(at_work) == "off"
    assert at_work("flows", "enable", "--json").object["confirmed"] == []


@pytest.mark.parametrize("words", [("flows", "enable", "contacts"), ("sync", "contacts")])
def test_without_a_terminal_it_says_what_to_confirm_and_wants_yes(
    at_work: Ask, words: tuple[str, ...]
) -> None:
    refused = at_work(*words)
    assert refused.code == 2
    for part in ("Create and associate companies with contacts", "marketing contacts", "Workflows", "--yes"):
        assert part in refused.err
    assert _state(at_work) == "off"
    assert at_work("runs", "list", "--json").object["runs"] == []


def test_the_json_shows_what_was_confirmed_once(at_work: Ask) -> None:
    """And the audit keeps it, under contacts/switch."""
    first = at_work("flows", "enable", "contacts", "--yes", "--json").object
    assert [each["name"] for each in first["confirmed"]] == NAMES
    assert [row["state"] for row in first["flows"]] == ["on"]
    assert at_work("flows", "enable", "contacts", "--json").object["confirmed"] == []
    [event] = at_work("records", "show", "contacts/switch", "--json").object["timeline"]
    assert event["kind"] == "confirmed"
    assert [each["name"] for each in event["detail"]["statements"]] == NAMES
    assert event["by"]
    assert at_work("records", "show", "contacts/switch").code == 0


def test_a_person_at_the_terminal_is_asked_each_of_the_three(
    at_work: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _answering(monkeypatch, "y", "n")
    assert at_work("flows", "enable", "contacts").out == "Nothing was switched on.\n"
    assert (len(asked), _state(at_work)) == (2, "off")
    asked = _answering(monkeypatch, "y", "y", "y")
    assert at_work("flows", "enable", "contacts").code == 0
    assert (len(asked), _state(at_work)) == (3, "on")


def test_one_pass_of_contacts_that_stay_off_confirms_the_same(
    ready: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync without names leaves them out."""
    use(twins, monkeypatch)
    at_work = connected(ready)
    bare = at_work("sync", "--json").object
    assert "contacts" not in bare["flows"]
    assert bare["confirmed"] == []
    one = at_work("sync", "contacts", "--yes", "--json").object
    assert list(one["flows"]) == ["contacts"]
    assert [each["name"] for each in one["confirmed"]] == NAMES
    assert _state(at_work) == "off"
    assert at_work("sync", "contacts").code == 2

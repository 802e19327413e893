"""``events``: what arrived and what became of it, and where the sides send their events."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.system import surroundings
from ml_connector.app.workplace import open_workplace
from ml_connector.domain.events import Told
from ml_connector.engine import inbox as box
from ml_connector.engine.inbox import Inbox, Policy, Rule
from ml_connector.settings import load_settings
from ml_connector.store import flows, inbox

if TYPE_CHECKING:
    from tests.cli.cli_answers import check_schema
    from tests.cli.cli_live import Twins, use
    from tests.cli.conftest import Ask
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_answers import check_schema
    from cli_live import use

PUBLIC = "https://connector.example"
BODY = b'{"Account":"US-001","Name":"\\u001b[31mred","ControlNumber":5}'


def told(number: int, key: str, content: bytes = BODY) -> Told:
    return Told("dynamics", "CustomerChanged", "usmf", "", str(number), b"%d" % number, content, {"key": key})


async def _arrive() -> None:
    """Three events that count for two records, one that is left out, a duplicate, a test, and refused requests."""
    rules = {"customerchanged": Rule("customers", lambda event: (event.fields["key"],))}
    policy = Policy(
        rules,
        left_out=lambda event: "legal entity demf is not chosen" if event.number == "9" else "",
        most_open=99,
        digest_key=b"k",
        keep_left_out=True,
    )
    async with open_workplace(load_settings(), surroundings(), started_by="a test") as place:
        async with place.store.write() as tx:
            cid = place.connection.connection_id
            await flows.put(tx, cid, flows.FlowRow("customers", "on"))
            refused = {(cid, "hubspot", "signature"): 2, (0, "dynamics", "token"): 1}
            await inbox.reject(tx, refused)
        door = Inbox(place.engine)
        for number, key in ((5, "usmf:US-001"), (6, "usmf:US-001"), (6, "usmf:US-001"), (9, "demf:1")):
            await door.accept([told(number, key)], policy)
        await box.done(place.engine, await box.take(place.engine, "customers", 9))
        await door.accept([told(7, "usmf:US-002")], policy)


@pytest.fixture
def arrived(ready: Ask, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A home where events have come."""
    monkeypatch.setenv("MLC_PUBLIC_URL", PUBLIC)
    asyncio.run(_arrive())
    return ready


def test_nothing_has_come_is_said_in_a_line(ready: Ask) -> None:
    assert ready("events", "list").out == "0 accepted, 0 duplicates dropped, 0 rejected today.\n"


def test_the_list_says_what_became_of_each(arrived: Ask) -> None:
    found = arrived("events", "list", "--json").object
    assert [(row["id"], row["outcome"], row["other"], row["record"]) for row in found["events"]] == [
        (5, "accepted", None, "customers/usmf:US-002"),
        (4, "out_of_scope", None, ""),
        (3, "duplicate", 2, ""),
        (2, "accepted", None, "customers/usmf:US-001"),
        (1, "superseded", 2, "customers/usmf:US-001"),
    ]
    assert found["today"]["outcomes"] == {
        "accepted": 2, "duplicate": 1, "superseded": 1, "out_of_scope": 1, "test": 0
    }  # fmt: skip
    assert found["today"]["open"] == {"customers": 1}
    assert {(row["reason"], row["count"], row["known_connection"]) for row in found["today"]["rejected"]} == {
        ("signature", 2, True), ("token", 1, False)
    }  # fmt: skip


def test_people_read_the_figures_of_the_day_first(arrived: Ask) -> None:
    lines = arrived("events", "list").out.splitlines()
    assert lines[0].startswith("3 accepted, 1 duplicate dropped, 3 rejected today; median delay ")
    assert lines[1:4] == [
        "  Still to be read: 1 in customers.",
        "  Rejected: 2 from hubspot (signature).",
        "  Rejected: 1 from dynamics (token, no connection of ours).",
    ]
    assert [line for line in lines if len(line) > 80] == []


def test_the_list_can_be_narrowed_and_paged(arrived: Ask) -> None:
    assert [
        row["id"] for row in arrived("events", "list", "--outcome", "duplicate", "--json").object["events"]
    ] == [3]
    assert arrived("events", "list", "--source", "hubspot", "--json").object["events"] == []
    said = arrived("events", "list", "--limit", "2")
    assert said.out.splitlines()[-1] == "More: ml-connector events list --before 4"
    page = arrived("events", "list", "--limit", "2", "--before", "4", "--json").object["events"]
    assert [row["id"] for row in page] == [3, 2]
    wrong = arrived("events", "list", "--outcome", "lost")
    assert (wrong.code, "it is accepted, duplicate" in wrong.err) == (2, True)


def test_one_event_is_shown_with_its_body_and_nothing_in_it_steers_the_terminal(arrived: Ask) -> None:
    event = arrived("events", "show", "3", "--json").object["event"]
    assert event["body"] == json.loads(BODY)  # that of the event it repeats
    said = arrived("events", "show", "2")
    assert "Account" in said.out
    assert "\x1b" not in said.out
    assert said.out.splitlines()[-1] == "Next: ml-connector records show customers/usmf:US-001"
    missing = arrived("events", "show", "99")
    assert (missing.code, "There is no event number 99." in missing.err) == (2, True)


def test_tail_prints_an_event_a_line(arrived: Ask) -> None:
    said = arrived("events", "tail", "--since", "0", "--limit", "5", "--json")
    found = [json.loads(line) for line in said.out.splitlines()]
    for one in found:
        check_schema(one)
    assert [one["event"]["id"] for one in found] == [1, 2, 3, 4, 5]
    lines = arrived("events", "tail", "--since", "3", "--limit", "2").out.splitlines()
    assert "out of scope: legal entity demf is not chosen" in lines[0]
    assert "accepted" in lines[1]


def test_the_endpoint_is_drawn_once_and_anew_when_asked(arrived: Ask) -> None:
    first = arrived("events", "endpoint", "--json").object
    token = first["dynamics"]["url"].removeprefix(f"{PUBLIC}/hooks/dynamics/default/")
    assert len(token) == 43  # 256 bits
    assert first["hubspot"]["url"] == f"{PUBLIC}/hooks/hubspot/default"
    assert first["dynamics"]["former_until"] is None
    assert arrived("events", "endpoint", "--json").object["dynamics"]["url"] == first["dynamics"]["url"]
    rotated = arrived("events", "endpoint", "--rotate", "--json").object["dynamics"]
    assert rotated["url"] != first["dynamics"]["url"]
    lasts = datetime.fromisoformat(rotated["former_until"]) - datetime.fromisoformat(rotated["since"])
    assert lasts == timedelta(hours=24)


def test_the_url_for_the_key_vault_stays_on_one_line(arrived: Ask) -> None:
    url = arrived("events", "endpoint", "--json").object["dynamics"]["url"]
    assert f"Dynamics: {url}" in arrived("events", "endpoint").out.splitlines()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "public_url is not set"),
        ("http://x.example", "must begin with https"),
        ("https://x/?a=1", "no query"),
    ],
)
def test_without_a_good_address_no_endpoint_is_shown(
    ready: Ask, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("MLC_PUBLIC_URL", url)
    said = ready("events", "endpoint")
    assert said.code == 2
    assert words in said.err
    assert said.out == ""


def events_line(ask: Ask, side: str) -> str:
    """The checklist's line about events."""
    steps: list[dict[str, Any]] = ask("ping", side, "--json").object["sides"][side]["steps"]
    [line] = [step["detail"] for step in steps if step["name"] == "Events"]
    return str(line)


def test_the_checklist_says_polling_alone_or_which_url_to_enter(
    shared_twins: Twins, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service key has no signing secret; connecting again without one leaves the stored one alone."""
    use(shared_twins, monkeypatch)
    monkeypatch.setenv("MLC_PUBLIC_URL", PUBLIC)
    for words in ("init", "connect dynamics --from-env", "connect hubspot --from-env"):
        assert ask(*words.split(), "-q").code == 0
    assert events_line(ask, "hubspot") == (
        "Polling alone: no signing secret is stored, and a service key cannot receive webhooks."
    )
    assert events_line(ask, "dynamics").startswith(
        "Polling alone: no endpoint for business events is prepared"
    )
    assert ask("events", "endpoint").code == 0
    assert events_line(ask, "dynamics") == (
        "An endpoint is prepared. No test event has come yet. No event has come yet."
    )
    monkeypatch.setenv("MLC_HUBSPOT_CLIENT_SECRET", "signing-secret-canary")
    said = ask("connect", "hubspot", "--from-env", "--json")
    assert said.code == 0
    assert "signing-secret-canary" not in said.out + said.err
    monkeypatch.delenv("MLC_HUBSPOT_CLIENT_SECRET")
    assert ask("connect", "hubspot", "--from-env", "-q").code == 0
    assert events_line(ask, "hubspot") == (
        f"Target URL for webhooks: {PUBLIC}/hooks/hubspot/default. No webhook has come yet."
    )
    monkeypatch.setenv("MLC_HUBSPOT_CLIENT_SECRET", "the-next-secret")
    assert ask("connect", "hubspot", "--from-env", "-q").code == 0
    assert ask("events", "endpoint", "--json").object["hubspot"]["former_until"] is not None

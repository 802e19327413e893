"""Whatever is wrong outside ends in one sentence, with the exit code of its kind and nothing half-saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.cli_live import SMALL, Twins, connected, serving, use
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_live import SMALL, connected, serving, use

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Ask

UNREACHABLE = 5


@pytest.mark.parametrize(
    ("side", "changes", "code", "said"),
    [
        ("dynamics", {"MLC_DYNAMICS_CLIENT_SECRET": "wrong~secret"}, 4, "secret"),
        ("dynamics", {"MLC_DYNAMICS_CLIENT_ID": "11111111-2222-3333-4444-555555555555"}, 4, ""),
        ("dynamics", {"MLC_DYNAMICS_LEGAL_ENTITIES": "usmf,nowhere"}, 2, "nowhere"),
        ("dynamics", {"MLC_DYNAMICS_AUTHORITY": "http://127.0.0.1:9"}, 5, ""),
        ("dynamics", {"MLC_DYNAMICS_URL": "not a url"}, 2, ""),
        ("dynamics", {"MLC_DYNAMICS_URL": "https://example.com"}, 2, "example.com"),
        ("dynamics", {"MLC_DYNAMICS_TENANT": "ten ant"}, 2, "ten ant"),
        ("dynamics", {"MLC_ALLOW_LOCAL": "0"}, 2, ""),
        ("dynamics", {"MLC_DYNAMICS_CLIENT_SECRET": ""}, 2, "MLC_DYNAMICS_CLIENT_SECRET"),
        ("hubspot", {"MLC_HUBSPOT_TOKEN": "pat-na1-wrong"}, 4, ""),
        ("hubspot", {"MLC_HUBSPOT_TOKEN": ""}, 2, "MLC_HUBSPOT_TOKEN"),
        ("hubspot", {"MLC_HUBSPOT_URL": "http://127.0.0.1:9"}, 5, ""),
        ("hubspot", {"MLC_HUBSPOT_API_VERSION": "v9"}, 2, "api_version"),
    ],
)
def test_a_side_that_does_not_work_is_not_saved(
    ready: Ask,
    shared_twins: Twins,
    monkeypatch: pytest.MonkeyPatch,
    *,
    side: str,
    changes: dict[str, str],
    code: int,
    said: str,
) -> None:
    """Whatever is wrong: one sentence with the reason, the exit code of its kind, nothing saved."""
    use(shared_twins, monkeypatch, **changes)
    answered = ready("connect", side, "--from-env")
    assert answered.code == code, answered.out + answered.err
    assert said.lower() in (answered.out + answered.err).lower()
    assert "Traceback" not in answered.err
    assert "wrong~secret" not in answered.out + answered.err
    if code != UNREACHABLE:  # what cannot be reached is tried for a while: once is enough
        machine = ready("connect", side, "--from-env", "--json")
        assert machine.code == code
        assert machine.object["schema"] in ("connect/1", "error/1")
        assert not machine.object.get("saved")
    assert {row["connected"] for row in ready("status", "--json").object["sides"]} == {False}


def test_the_token_of_another_portal_is_refused(
    ready: Ask, shared_twins: Twins, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection keeps to its portal: links into one portal mean nothing in another."""
    use(shared_twins, monkeypatch)
    assert ready("connect", "hubspot", "--from-env").code == 0
    with serving(program, *SMALL, "--seed", "2") as other:
        assert other.where["portal_id"] != shared_twins.where["portal_id"]
        use(other, monkeypatch)
        refused = ready("connect", "hubspot", "--from-env")
    assert refused.code == 4, refused.out
    assert str(shared_twins.where["portal_id"]) in refused.out
    identity = ready("status", "--json").object["sides"][1]["identity"]
    assert identity == str(shared_twins.where["portal_id"])


@pytest.mark.parametrize(
    ("file", "old", "new", "meant"),
    [
        ("customers.yaml", "target: name", "targt: name", "'target'"),
        ("customers.yaml", "fields:", "fields: [", ""),
        ("products.yaml", "fields:", "felds:", "'fields'"),
        ("orders.yaml", "header:", "haeder:", "'header'"),
    ],
)
def test_a_malformed_mapping_is_named_by_file_and_line(
    ready: Ask,
    shared_twins: Twins,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    file: str,
    old: str,
    new: str,
    meant: str,
) -> None:
    """A mapping that does not follow its language stops its flow before anything is sent: file, line, nearest word."""
    use(shared_twins, monkeypatch)
    connected(ready)
    path = home / "mappings" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    before = shared_twins.writes()
    for words in (("sync", file.removesuffix(".yaml")), ("doctor",)):
        said = ready(*words)
        assert said.code == 2
        assert f"mappings/{file}, line " in " ".join((said.out + said.err).split())
        assert meant in said.out + said.err
    assert shared_twins.writes() == before


def test_missing_properties_are_named_with_the_command_that_makes_them(
    ready: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal that was not prepared is refused before anything is written."""
    use(twins, monkeypatch)
    for words in ("connect dynamics --from-env", "connect hubspot --from-env", "flows enable customers"):
        assert ready(*words.split()).code == 0
    said = ready("sync", "customers", "--json")
    assert said.code == 2
    assert said.object["error"]["code"] == "hubspot.property_missing"
    assert "hubspot properties --create" in said.object["error"]["hint"]
    assert twins.writes() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--hubspot-limit often", "limit"),
        ("--latency-ms dynamics=slow", "latency"),
        ("--latency-ms nowhere=5", "nowhere"),
        ("--rep maybe", "rep"),
        ("--set hubspot.nonsense=1", "nonsense"),
        ("--dynamics-port 70000", "port"),
        ("--legal-entities no-such", "no-such"),
    ],
)
def test_bad_options_of_the_twins_are_named(ask: Ask, words: str, said: str) -> None:
    """Twins that cannot be started as asked say why, in one sentence, exit 2."""
    answered = ask("twin", "serve", *words.split())
    assert answered.code == 2
    assert answered.out == ""
    assert said in answered.err
    assert "Traceback" not in answered.err

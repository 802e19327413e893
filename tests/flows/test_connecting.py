"""What is connected is what answered as it must; everything else changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.connect import connect_dynamics, connect_hubspot
from ml_connector.app.flow_switch import enable
from ml_connector.app.sync import sync
from ml_connector.errors import ConfigurationError, CredentialsError
from ml_connector.store import connections

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office, dynamics_access, hubspot_access
else:
    from office import Office, dynamics_access, hubspot_access  # pytest puts this folder on the path


async def _stored(office: Office) -> list[Any]:
    """Everything that is stored about both sides, secrets in clear."""
    cid = office.at.connection.connection_id
    async with office.at.store.read() as tx:
        sides = [await connections.side(tx, cid, side) for side in ("dynamics", "hubspot")]
        entities = await connections.legal_entities(tx, cid)
        secrets = [
            await connections.secret(tx, cid, name, office.at.vault)
            for name in ("dynamics.client_secret", "hubspot.token")
        ]
    return [*sides, entities, secrets]


async def _still_works(office: Office, before: list[Any]) -> None:
    assert await _stored(office) == before
    await office.customer("usmf:US-001")
    assert await office.figures("customers") == {"read": 1, "created": 1}


async def test_the_token_of_another_portal_is_refused(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start()
    before = await _stored(office)
    other = await start(connected=False, seed=2)
    report = await connect_hubspot(office.at, hubspot_access(other.twins))
    assert isinstance(report.error, CredentialsError)
    assert report.error.code == "hubspot.other_portal"
    for twins in (office.twins, other.twins):
        assert str(twins.announcement()["portal_id"]) in report.error.message
    await _still_works(office, before)


async def test_an_unknown_legal_entity_is_named_with_the_nearest_one(office: Office) -> None:
    before = await _stored(office)
    report = await connect_dynamics(office.at, dynamics_access(office.twins, legal_entities="usmf, usmg"))
    assert isinstance(report.error, ConfigurationError)
    assert "'usmg'" in report.error.message
    assert "Did you mean 'usmf'" in report.error.message
    await _still_works(office, before)


@pytest.mark.parametrize("changed", [{"client_secret": "wrong"}, {"client_id": "wrong"}, {"tenant": "wrong"}])
async def test_wrong_credentials_of_dynamics_change_nothing(office: Office, changed: dict[str, str]) -> None:
    before = await _stored(office)
    report = await connect_dynamics(office.at, dynamics_access(office.twins, **changed))
    assert isinstance(report.error, CredentialsError)
    assert report.error.hint
    await _still_works(office, before)


async def test_a_wrong_token_of_hubspot_changes_nothing(office: Office) -> None:
    before = await _stored(office)
    report = await connect_hubspot(office.at, hubspot_access(office.twins, hubspot_token="pat-na1-wrong"))
    assert isinstance(report.error, CredentialsError)
    await _still_works(office, before)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dynamics_url": ""}, "MLC_DYNAMICS_URL is not given"),
        ({"dynamics_url": "ftp://x.example"}, "must begin with https://"),
        ({"dynamics_url": "not a url"}, "'not a url' cannot be used"),
        ({"client_secret": " "}, "MLC_DYNAMICS_CLIENT_SECRET is not given"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_sent(
    office: Office, changed: dict[str, str], said: str
) -> None:
    before, seen = await _stored(office), office.calls("dynamics")
    with pytest.raises(ConfigurationError) as refused:
        await connect_dynamics(office.at, dynamics_access(office.twins, **changed))
    assert said in refused.value.message
    assert seen == []
    assert await _stored(office) == before


async def test_a_missing_permission_for_one_data_entity_is_named_and_nothing_is_saved(office: Office) -> None:
    before = await _stored(office)
    office.fault("dynamics", "status", "GET", "SalesOrderLinesV3", status=403, times=0)
    report = await connect_dynamics(office.at, dynamics_access(office.twins))
    assert report.error is not None
    assert "SalesOrderLinesV3" in report.error.message
    office.mended()
    await _still_works(office, before)


async def test_nothing_runs_before_both_sides_are_connected(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start(connected=False)
    for use in (enable(office.at, []), sync(office.at, ["customers"])):
        with pytest.raises(ConfigurationError, match="is not connected yet"):
            await use


async def test_a_run_without_the_connectors_properties_says_so_and_writes_nothing(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start(connected=False)
    await connect_dynamics(office.at, dynamics_access(office.twins))
    await connect_hubspot(office.at, hubspot_access(office.twins))
    await enable(office.at, [])
    with pytest.raises(ConfigurationError, match="d365_") as refused:
        await sync(office.at, ["customers"])
    assert refused.value.hint == "Run: ml-connector hubspot properties --create"
    assert office.writes(0) == []

"""An OAuth app instead of a static token: it signs in again by itself, and its refresh token is never lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from pydantic import SecretStr

from ml_connector.app.connect import connect_hubspot, ping
from ml_connector.app.hubspot_credentials import StoredRefreshToken
from ml_connector.errors import ConfigurationError, CredentialsError
from ml_connector.settings import HubSpotEnvironment
from ml_connector.store import connections
from ml_connector.transport import oauth

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.office import Office


class DiedError(BaseException):
    """The process ends here."""


def access(office: Office, **changed: Any) -> HubSpotEnvironment:
    told = office.twins.announcement()
    given: dict[str, Any] = {
        "url": told["hubspot_url"],
        "client_id": told["hubspot_client_id"],
        "client_secret": SecretStr(told["hubspot_client_secret"]),
        "refresh_token": SecretStr(told["hubspot_refresh_token"]),
        **changed,
    }
    return HubSpotEnvironment(**given)


async def by_app(start: Callable[..., Awaitable[Office]], **switches: str) -> Office:
    office = await start(switches=switches)
    (await connect_hubspot(office.at, access(office))).require()
    return office


async def refresh_token(office: Office) -> str:
    cid = office.at.connection.connection_id
    async with office.at.store.read() as tx:
        return await connections.secret(tx, cid, "hubspot.refresh_token", office.at.vault)


def asked(office: Office) -> list[str]:
    """Notes each request for a token from now on."""
    seen: list[str] = []

    def note(_side: str, request: Any, _at: Any) -> None:
        if request.path.endswith("/token"):
            seen.append(request.path)

    office.twins.pair.shells["hubspot"].on_request.append(note)
    return seen


async def test_an_app_is_connected_synchronises_and_ping_says_that_it_is_one(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await by_app(start)
    steps = (await ping(office.at, ["hubspot"]))["hubspot"].steps
    assert "OAuth app" in steps[0].detail
    await office.customer("usmf:US-001")
    assert await office.figures("customers") == {"read": 1, "created": 1}


async def test_a_static_token_goes_before_the_secret_of_an_app(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start()
    token = SecretStr(office.twins.announcement()["hubspot_token"])
    report = await connect_hubspot(office.at, access(office, token=token))
    assert "static access token" in report.steps[0].detail


async def test_what_an_app_lacks_is_named(start: Callable[..., Awaitable[Office]]) -> None:
    office = await start()
    with pytest.raises(ConfigurationError, match="MLC_HUBSPOT_CLIENT_SECRET is not given"):
        await connect_hubspot(office.at, access(office, client_secret=SecretStr("")))


async def test_all_callers_share_one_request_for_a_token_and_a_401_renews_it_once(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await by_app(start)
    async with office.opened() as place:
        seen = asked(office)
        hubspot = await place.hubspot()
        await asyncio.gather(*(hubspot.pipelines("deals") for _ in range(8)))
        assert len(seen) == 1
        office.fault("hubspot", "expired-token", "GET", "/crm/pipelines", times=1)
        await hubspot.pipelines("deals")
        assert len(seen) == 2
        office.fault("hubspot", "expired-token", "GET", "/crm/pipelines", times=0)
        with pytest.raises(CredentialsError):
            await hubspot.pipelines("deals")
        assert len(seen) == 3


async def test_a_refresh_token_that_hubspot_replaces_is_stored_sealed_before_it_is_used(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await by_app(start, oauth_refresh_rotates="yes")
    first = await refresh_token(office)
    assert first != office.twins.announcement()["hubspot_refresh_token"]
    with monkeypatch.context() as patched:

        def die(*_: Any) -> None:
            raise DiedError

        patched.setattr(oauth, "fresh_token", die)
        async with office.opened() as dying:
            with pytest.raises(DiedError):
                await (await dying.hubspot()).pipelines("deals")
    assert await refresh_token(office) != first
    async with office.opened() as next_one:
        assert await (await next_one.hubspot()).pipelines("deals")


async def test_a_process_goes_on_with_the_refresh_token_that_another_has_stored(
    start: Callable[..., Awaitable[Office]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it asks after HubSpot has replaced the token and before the other has stored the one that follows."""
    office = await by_app(start, oauth_refresh_rotates="yes")
    store = StoredRefreshToken.replace

    async def late(tokens: StoredRefreshToken, old: str, new: str) -> None:
        await asyncio.sleep(1.5)
        await store(tokens, old, new)

    monkeypatch.setattr(StoredRefreshToken, "replace", late)
    async with office.opened() as one, office.opened() as other:
        clients = [await place.hubspot() for place in (one, other)]
        found = await asyncio.gather(*(client.pipelines("deals") for client in clients))
        assert all(found)
        for client in clients:
            office.fault("hubspot", "expired-token", "GET", "/crm/pipelines", times=1)
            assert await client.pipelines("deals")


@pytest.mark.parametrize("errors", ["hubspot", "rfc6749"])
async def test_a_revoked_refresh_token_is_told_and_the_current_one_mends_it(
    start: Callable[..., Awaitable[Office]], errors: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "_LOOKS_S", (0.01,))
    office = await by_app(start, **({"oauth_errors": errors} if errors == "rfc6749" else {}))
    told = office.twins.announcement()
    form = {
        "token": told["hubspot_refresh_token"],
        "client_id": told["hubspot_client_id"],
        "client_secret": told["hubspot_client_secret"],
    }
    async with httpx2.AsyncClient() as person:
        await person.post(f"{told['hubspot_url']}/oauth/2026-03/token/revoke", data=form)
    async with office.opened() as place:
        with pytest.raises(CredentialsError) as refused:
            await (await place.hubspot()).pipelines("deals")
    assert refused.value.code == "hubspot.refresh_token"
    assert refused.value.hint.endswith("enter the current one.")


async def test_a_wrong_secret_of_the_app_is_told_apart_and_nothing_is_saved(
    start: Callable[..., Awaitable[Office]],
) -> None:
    office = await start()
    report = await connect_hubspot(office.at, access(office, client_secret=SecretStr("another-secret")))
    assert report.error is not None
    assert report.error.code == "hubspot.client"
    assert await office.at.secret("hubspot.token")

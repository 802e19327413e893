"""Both twins on real sockets in the test's loop, and a connected home with its flows on."""

from __future__ import annotations

import itertools
import random
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ml_connector import telemetry
from ml_connector.app.flow_switch import enable
from ml_connector.app.home import init
from ml_connector.app.properties import hubspot_properties
from ml_connector.app.system import SystemClock, new_id
from ml_connector.domain.clock import Surroundings
from ml_connector.settings import load_settings
from ml_connector.twin.launch import TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from tests.flows.office import MovableClock, Office, connect
else:
    from office import MovableClock, Office, connect  # pytest puts this folder on the path


class ShortestWaits(random.Random):
    """Chance that always draws the beginning of a range: a wait with jitter is then none."""

    def random(self) -> float:
        return 0.0


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session", autouse=True)
def _certificates() -> Iterator[None]:
    """The list of certificates, of no use on plain http, is read once and not for each client."""
    context = httpx2.create_ssl_context()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(httpx2, "create_ssl_context", lambda: context)
        yield


@pytest.fixture
def surroundings() -> Surroundings:
    """This machine's clock, which tests put forward: the twins' answers and waits are real."""
    chance = random.Random(11)  # noqa: S311 - repeatable on purpose
    return Surroundings(MovableClock(), ShortestWaits(11), new_id, chance.randbytes)


@pytest.fixture
async def start(
    tmp_path: Path, store_url: str, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Awaitable[Office]]]:
    """Starts twins and a connected home; keywords are twin options and those of ``run``."""
    home = tmp_path / "home"
    monkeypatch.setenv("MLC_HOME", str(home))
    monkeypatch.setattr(
        telemetry, "_redactor", telemetry.Redactor()
    )  # each test is a process with its own secrets
    async with AsyncExitStack() as stack:

        async def run(
            *,
            settings: dict[str, Any] | None = None,
            connected: bool = True,
            api_version: str = "2026-03",
            house: str = "",
            clock: Callable[[], datetime] | None = None,
            **options: Any,
        ) -> Office:
            own, database_url = home, store_url
            if house:  # a home and a database of its own, for a test that needs several
                own = tmp_path / house
                database_url = f"sqlite:///{tmp_path / house}.db"
                monkeypatch.setenv("MLC_HOME", str(own))
            switches = {"customer_numbers": "manual", **options.pop("switches", {})}
            numbers = itertools.count(1)
            small: dict[str, Any] = {
                "customers": 0,
                "products": 8,
                "deals": 0,
                "rep": False,
                "hubspot_limit": (0, 0.0),
            }
            twins = await stack.enter_async_context(
                running_twins(
                    TwinOptions(**(small | options), switches=switches),
                    clock=clock or SystemClock().now,
                    rng=random.Random(3),  # noqa: S311 - repeatable on purpose
                    new_id=lambda: f"twin-{next(numbers)}",
                )
            )
            office = Office(twins, own, database_url, surroundings)
            stack.push_async_callback(office.browser.aclose)
            chosen = {"orders": {"quiet_minutes": 0}, **(settings or {})}
            await init(
                load_settings(home=own, database_url=database_url, allow_local=True, **chosen), surroundings
            )
            office.place = await stack.enter_async_context(office.opened(**chosen))
            if connected:
                await connect(office.at, twins, api_version=api_version)
                await hubspot_properties(office.at, create=True)
                await enable(office.at, [])
                office.note_changes()
            return office

        yield run


@pytest.fixture
async def office(start: Callable[..., Awaitable[Office]]) -> Office:
    """The plain case: three legal entities, eight products, no customers yet."""
    return await start()

"""A door of each test's own, on a free port of this machine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from ml_connector import telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.console.door import Door, opened, standing_still

    from ml_connector.domain.clock import Surroundings
else:
    from door import Door, opened, standing_still  # pytest puts this folder on the path


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process with its own secrets and settings."""
    monkeypatch.setattr(telemetry, "_redactor", telemetry.Redactor())
    for name in ("MLC_HOME", "MLC_PUBLIC_URL", "MLC_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def door(tmp_path: Path, store_url: str, around: Surroundings) -> AsyncIterator[Door]:
    """The plain case: one connection, flows on, three kinds of business events known."""
    async with opened(tmp_path, store_url, around) as open_door:
        yield open_door


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_door(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> AsyncIterator[Door]:
    """One for many tests that get nothing in."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(sqlite_template, folder / "store.db")
    async with opened(folder, f"sqlite:///{folder}/store.db", standing_still()) as open_door:
        yield open_door

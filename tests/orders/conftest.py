"""The table of deals, shared by the tests of a session."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.orders.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """Its tenants are prepared when their first row comes."""
    memory = Path("/dev/shm")  # noqa: S108 - files of one session, thrown away with it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        found = Table(Path(folder))
        yield found
    for shop in found.shops.values():
        shop.loop.close()
    gc.unfreeze()

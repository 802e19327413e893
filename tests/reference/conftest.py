"""Where the reference files are: a folder outside the repository, named by ``MLC_REFERENCE_DIR``.

It holds what was taken from the real systems (``dynamics/``, ``hubspot/``) and may not be stored here.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "MLC_REFERENCE_DIR"


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The folder with the reference files; without it the test is skipped, and says why."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        pytest.skip(f"{VARIABLE} names no folder: the twins were not compared with the reference files")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"{VARIABLE} is {named!r}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def dynamics_reference(reference_dir: Path) -> Path:
    """The F&O half of the reference files."""
    return reference_dir / "dynamics"


@pytest.fixture(scope="session")
def hubspot_reference(reference_dir: Path) -> Path:
    """The HubSpot half of the reference files."""
    return reference_dir / "hubspot"

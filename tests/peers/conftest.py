"""One pair of twins, started as a person starts them, for other people's clients to talk to over https.

The clients live in a venv of their own (``make test-peers``); without them nothing here is collected.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PAGE_SIZE = 10
MICROSOFT = "https://login.microsoftonline.com"
collect_ignore_glob = [] if find_spec("msal") else ["test_*.py"]


@dataclass(frozen=True)
class Told:
    """What the twins announced."""

    dynamics_url: str
    authority: str
    tenant: str
    client_id: str
    client_secret: str
    hubspot_url: str
    hubspot_token: str
    portal_id: int
    hubspot_client_id: str
    hubspot_client_secret: str
    hubspot_refresh_token: str
    ca_file: str
    certificate_file: str

    @property
    def scope(self) -> str:
        return f"{self.dynamics_url}/.default"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.peers)


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home = tmp_path_factory.mktemp("twins")
    program = shutil.which("ml-connector", path=str(Path(sys.executable).parent))
    assert program, "the project is not installed: make test-peers"
    words = (
        f"twin serve --tls --certificate-file {home / 'app.pem'} --customers 36 --products 12 --rep off "
        f"--hubspot-limit off --page-size {PAGE_SIZE} --set search_lag_s=0"
    )
    with subprocess.Popen([program, *words.split()], stdout=subprocess.PIPE, text=True, cwd=home) as process:
        try:
            assert process.stdout is not None
            announced: dict[str, Any] = json.loads(process.stdout.readline())
            announced.pop("schema")
            yield Told(**announced)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


@pytest.fixture
def microsoft(twins: Told) -> Any:
    """A requests session to which the twin is login.microsoftonline.com, as DNS would do it."""
    import requests
    from requests.adapters import HTTPAdapter

    class Detour(HTTPAdapter):  # type: ignore[misc]  # requests is in the peers' venv only
        def send(self, request: Any, **kwargs: Any) -> Any:
            host = MICROSOFT.removeprefix("https://")
            request.headers["Host"] = host
            request.url = request.url.replace(MICROSOFT, twins.authority)
            return super().send(request, **(kwargs | {"verify": twins.ca_file}))

    with requests.Session() as session:
        session.trust_env = False  # a bundle named in the environment would overrule the twin's
        session.mount(MICROSOFT, Detour())
        yield session


@pytest.fixture
def trusting(twins: Told) -> Any:
    """A requests session that trusts the twins' certificate authority."""
    import requests

    with requests.Session() as session:
        session.trust_env = False  # a bundle named in the environment would overrule the next line
        session.verify = twins.ca_file
        yield session

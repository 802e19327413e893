"""The server in front of the application: whom it believes about forwarding, and what it tells about itself."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.console.door import serving
else:
    from door import serving  # pytest puts this folder on the path


@pytest.fixture
async def caller(request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that says who it thinks calls, with these trusted proxies."""
    app = FastAPI()

    @app.get("/")
    async def who(request: Request) -> list[str]:
        return [request.client.host if request.client else "", request.url.scheme, request.url.netloc]

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    async with (
        serving(app, listening, request.param),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
}


@pytest.mark.parametrize(
    ("caller", "client", "scheme"),
    [
        ("", "127.0.0.1", "http"),
        ("10.0.0.4", "127.0.0.1", "http"),
        ("10.0.0.4, 127.0.0.1", "203.0.113.9", "https"),
    ],
    indirect=["caller"],
)
async def test_only_a_trusted_proxy_is_believed_about_whom_it_forwards(
    caller: httpx2.AsyncClient, client: str, scheme: str
) -> None:
    answer = await caller.get("/", headers=FORWARDED)
    assert answer.json() == [client, scheme, caller.base_url.netloc.decode()]
    assert "server" not in answer.headers

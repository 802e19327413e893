"""The doors for events: they read a body no further than they must, hand it on, and say as little as they can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from ml_connector.app.intake import SIGNING_HEADERS, Answer, RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ml_connector.app.intake import Intake

LARGEST = 1024 * 1024  # bytes of a body
READ_WITHIN_S = 10.0


def routes(intake: Intake) -> APIRouter:
    """The routes of both sides: plain ones, for solving parameters would be half of a request's time."""

    async def dynamics(request: Request) -> Response:
        connection, token = request.path_params["connection"], request.path_params["token"]
        return _response(await intake.dynamics(connection, token, _reader(request)))

    async def hubspot(request: Request) -> Response:
        headers = {name: tuple(request.headers.getlist(name)) for name in SIGNING_HEADERS}
        connection = request.path_params["connection"]
        return _response(await intake.hubspot(connection, _target(request), headers, _reader(request)))

    router = APIRouter()
    router.add_route("/hooks/dynamics/{connection}/{token}", dynamics, ["POST"], include_in_schema=False)
    router.add_route("/hooks/hubspot/{connection}", hubspot, ["POST"], include_in_schema=False)
    return router


def _target(request: Request) -> str:
    """Path and query as they stand in the request line; no header has a say in it."""
    query: bytes = request.scope["query_string"]
    path: bytes = request.scope["raw_path"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _reader(request: Request) -> Callable[[], Awaitable[bytes]]:
    """Reads the body when it is asked for: refused as soon as it is too large, compressed or too slow."""

    async def read() -> bytes:
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RefusedError(415, "compressed")
        said = request.headers.get("content-length", "0")
        if said.isdigit() and int(said) > LARGEST:
            raise RefusedError(413, "too_large")
        body = bytearray()
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                async for piece in request.stream():
                    body += piece
                    if len(body) > LARGEST:
                        raise RefusedError(413, "too_large")
        except TimeoutError:
            raise RefusedError(408, "too_slow") from None
        except ClientDisconnect:  # nobody will read the answer
            raise RefusedError(400, "broken_off") from None
        return bytes(body)

    return read


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(answer.retry_after_s)
    if answer.status >= 400:  # noqa: PLR2004 - a body may be left unread: the connection is not to be used again
        headers["Connection"] = "close"
    return JSONResponse({"message": answer.message}, answer.status, headers)

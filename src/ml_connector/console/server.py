"""The web application, and the server in front of it."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from ml_connector.console import health
from ml_connector.console.hooks import routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ml_connector.app.intake import Intake
    from ml_connector.app.service import Service

SHUT_DOWN_WITHIN_S = 20


def create_app(intake: Intake, service: Service | None = None) -> FastAPI:
    """The application around an open intake, which is closed with it; with a service, its health can be asked.

    FastAPI's own pages load scripts from elsewhere, so there are none.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await intake.close()

    app = FastAPI(
        title="ml-connector",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(routes(intake))
    if service is not None:
        app.include_router(health.routes(service))
    return app


def create_server(app: FastAPI, *, host: str, port: int, trusted_proxies: str = "") -> uvicorn.Server:
    """A server for it.

    Args:
        app: From ``create_app``.
        host: The address to listen on.
        port: 0 takes any free one.
        trusted_proxies: Addresses, with commas between, that may say for whom they forward; nobody else is believed.

    No access log, whatever handlers somebody gives it: the path of a business event holds the token.
    """
    logging.getLogger("uvicorn.access").disabled = True
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies.strip()),
            forwarded_allow_ips=trusted_proxies or "",
            timeout_graceful_shutdown=SHUT_DOWN_WITHIN_S,
        )
    )

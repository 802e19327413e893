"""``/healthz``, ``/readyz`` and ``/metrics``: for whoever watches. No sign-in, nothing about records."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ml_connector import __version__
from ml_connector.app.health import figures, problems

if TYPE_CHECKING:
    from ml_connector.app.service import Service

HELP = {
    "mlc_open_errors": "Records that are parked.",
    "mlc_flow_last_success_timestamp_seconds": "When a flow last got through.",
    "mlc_flow_lag_seconds": "How long the next run of a flow is overdue.",
    "mlc_deals_waiting": "Won deals that are no orders yet, by the step they stand at.",
    "mlc_scheduler_heartbeat_timestamp_seconds": "When the schedules were last looked at.",
}


def routes(service: Service) -> APIRouter:
    """The three routes."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        found = await problems(service)
        return JSONResponse({"ready": not found, "problems": found}, 503 if found else 200)

    async def metrics(request: Request) -> Response:
        if not _may_see(request, service.settings.metrics_token.get_secret_value()):
            return Response(status_code=404)
        return Response(await _text(service), media_type=CONTENT_TYPE_LATEST)

    router = APIRouter()
    for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        router.add_route(path, answer, ["GET"], include_in_schema=False)
    return router


def _may_see(request: Request, token: str) -> bool:
    """Whoever has the token; without one, whoever sits on this machine."""
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:  # a name: of a test client, or of a proxy that writes none of the addresses
        return False


async def _text(service: Service) -> bytes:
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for figure in await figures(service):
        if figure.name not in gauges:
            gauges[figure.name] = Gauge(
                figure.name, HELP[figure.name], list(figure.labels), registry=registry
            )
        gauge = gauges[figure.name]
        (gauge.labels(**figure.labels) if figure.labels else gauge).set(figure.value)
    info = Gauge("mlc_build_info", "The version that runs.", ["version"], registry=registry)
    info.labels(version=__version__).set(1)
    return generate_latest(registry)

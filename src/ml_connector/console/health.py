"""``/healthz``, ``/readyz`` and ``/metrics``: for whoever watches. No sign-in, nothing about records."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ml_connector import __version__, telemetry
from ml_connector.app.health import figures, problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.app.service import Service

HELP = {
    "mlc_open_errors": "Records that are parked.",
    "mlc_flow_last_success_timestamp_seconds": "When a flow last got through.",
    "mlc_flow_lag_seconds": "How long the next run of a flow is overdue.",
    "mlc_deals_waiting": "Won deals that are no orders yet, by the step they stand at.",
    "mlc_scheduler_heartbeat_timestamp_seconds": "When the schedules were last looked at.",
}

COUNTED = {
    "mlc_records_total": ("Records that runs of this process dealt with.", ("flow", "outcome")),
    "mlc_throttled_total": ("Answers that asked to slow down.", ("system",)),
    "mlc_events_total": ("Events that came in.", ("source", "outcome")),
}
TIMED = {
    "mlc_http_client_request_duration_seconds": (
        "How long calls took until their answer was read.",
        ("system", "operation", "status_class"),
    )
}


def routes(service: Service) -> APIRouter:
    """The three routes."""
    kept = KeptFigures()
    telemetry.set_meter(kept)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        found = await problems(service)
        return JSONResponse({"ready": not found, "problems": found}, 503 if found else 200)

    async def metrics(request: Request) -> Response:
        if not _may_see(request, service.settings.metrics_token.get_secret_value()):
            return Response(status_code=404)
        text = kept.text() + await _text(service)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    router = APIRouter()
    for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        router.add_route(path, answer, ["GET"], include_in_schema=False)
    return router


class KeptFigures:
    """The counters and times of this process since it began."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(name, words, labels, registry=self._registry)
            for name, (words, labels) in COUNTED.items()
        }
        self._times = {
            name: Histogram(name, words, labels, registry=self._registry)
            for name, (words, labels) in TIMED.items()
        }

    def count(self, name: str, by: float, labels: Mapping[str, str]) -> None:
        """Add to a counter."""
        self._counters[name].labels(**labels).inc(by)

    def time(self, name: str, seconds: float, labels: Mapping[str, str]) -> None:
        """Note how long something took."""
        self._times[name].labels(**labels).observe(seconds)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self._registry)


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

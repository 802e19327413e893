"""The network between product and twins. A request under way belongs to the twin: it survives the client's death."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2

from ml_connector.twin.shell import Manner
from ml_connector.twin.wire import Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ml_connector.twin.shell import Delivery, TwinShell


class SimulatedNetwork(httpx2.AsyncBaseTransport):
    """Carries requests of one process incarnation to the shells, by host."""

    def __init__(
        self,
        shells: Mapping[str, TwinShell],
        seam: Callable[[str], Awaitable[None]],
        keep: list[asyncio.Task[Delivery]],
    ) -> None:
        self._shells = shells
        self._seam = seam
        self._keep = keep

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        label = f"{request.method} {request.url.path}"
        shell = self._shells[f"{request.url.host}:{request.url.port}"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode("ascii")
        sent = Request(request.method, target, headers, await request.aread())
        loop = asyncio.get_running_loop()
        leaving = asyncio.ensure_future(self._seam(f"before send {label}"))
        try:
            await asyncio.shield(leaving)
        except asyncio.CancelledError:  # the client has given up, and its bytes leave all the same
            self._keep.append(loop.create_task(_handle_after(leaving, shell, sent)))
            raise
        work = loop.create_task(shell.handle(sent))
        self._keep.append(work)
        await self._seam(f"sent {label}")
        timeout_s = request.extensions.get("timeout", {}).get("read")
        done, _ = await asyncio.wait({work}, timeout=timeout_s)
        if not done:
            raise httpx2.ReadTimeout("no answer", request=request)
        await self._seam(f"answered {label}")
        return _response(work.result(), request)


async def _handle_after(leaving: asyncio.Future[None], shell: TwinShell, request: Request) -> Delivery:
    await leaving
    return await shell.handle(request)


def _response(delivery: Delivery, request: httpx2.Request) -> httpx2.Response:
    answer = delivery.answer
    if answer is None or delivery.manner is Manner.RESET:
        raise httpx2.ReadError("connection reset", request=request)
    return httpx2.Response(answer.status, headers=answer.headers, content=answer.body, request=request)

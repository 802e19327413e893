"""One call to one side: wall, budget, credential, last check, send; and what to do when it fails."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import httpx2
import structlog

from ml_connector import telemetry
from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    ThrottledError,
    UnavailableError,
    UncertainWriteError,
    WallError,
)
from ml_connector.transport import batch, strict_json
from ml_connector.transport.address import same_origin
from ml_connector.transport.judge import Again, Final, Judge, Reauthenticate, Verdict
from ml_connector.transport.request import ReadRequest, Reply, Request, WriteRequest, query
from ml_connector.transport.retry import RetryBudget, RetryPolicy, retry_after_s
from ml_connector.transport.wire import BrokenError, Timeouts, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.domain.clock import Surroundings
    from ml_connector.transport.auth import Credentials
    from ml_connector.transport.budget import Ledger
    from ml_connector.transport.wall import Wall

_log = structlog.get_logger(__name__)

_OWN_HEADERS = {"if-match"}


@dataclass(slots=True)
class _Call:
    """One call through all its attempts."""

    request: Request
    url: str
    body: bytes | None
    buckets: tuple[str, ...]
    last_check: Callable[[], None] | None
    started_s: float
    attempts: int = 0
    throttled: int = 0
    refreshed: bool = False
    authorization: str = ""

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice is harmless."""
        return not isinstance(self.request, WriteRequest) or self.request.idempotent


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt that brought no success. ``maybe_done``: the other side may have acted on it."""

    verdict: Verdict
    error: ConnectorError
    maybe_done: bool
    asked_s: float | None = None  # Retry-After


class Transport:
    """The way out to one side.

    Args:
        base_url: As ``check_base_url`` returned it; plain http marks a loopback address that was opted in.
        network: Stands in for real sockets (a simulation).
        buckets: The budget buckets of a call, general first.
        retries: How often and how long a call is repeated.
    """

    def __init__(
        self,
        *,
        side: str,
        base_url: str,
        wall: Wall,
        credentials: Credentials,
        judge: Judge,
        budget: Ledger,
        around: Surroundings,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - a frozen value
        network: httpx2.AsyncBaseTransport | None = None,
        buckets: Callable[[Request], tuple[str, ...]] = lambda request: (request.side,),
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
    ) -> None:
        self.side = side
        self.base_url = base_url.rstrip("/")
        self.budget = budget
        self.sent = 0
        self.throttled = 0
        self._wall = wall
        self._credentials = credentials
        self._judge = judge
        self._clock = around.clock
        self._rng = around.rng
        self._patience_s = timeouts.patience_s
        self._wire = Wire(network, around.clock, timeouts, local=base_url.startswith("http://"))
        self._buckets = buckets
        self._policy = retries
        self._retry_budget = RetryBudget(retries)

    async def read(self, request: ReadRequest) -> Reply:
        """Make a call that changes nothing.

        Raises:
            ConnectorError: ThrottledError, UnavailableError, an AccessError, or the system's own fault.
        """
        self._wall.check(request)
        return await self._run(request, None)

    async def write(self, request: WriteRequest, *, last_check: Callable[[], None] | None = None) -> Reply:
        """Make a call the wall lists as a write.

        Args:
            request: What to write.
            last_check: Runs as the last act before each send; it raises to stop.

        Raises:
            UncertainWriteError: A write that is not idempotent was sent and its outcome is unknown.
            ConnectorError: As for ``read``.
        """
        self._wall.check(request)
        return await self._run(request, last_check)

    async def write_together(
        self, path: str, parts: Sequence[WriteRequest], *, call_id: str, last_check: Callable[[], None] | None
    ) -> list[Reply]:
        """Several writes in one call, each checked by the wall; all or none where the side keeps to the standard.

        Returns:
            The answers of the parts; a change set that failed as a whole may answer with one.

        Raises:
            UncertainWriteError: It was sent and its outcome is unknown.
            ConnectorError: As for ``read``.
        """
        self._wall.check_together(path, parts)
        outer = batch.change_set(self.side, path, parts, call_id=call_id)
        reply = await self._run(outer, last_check)
        try:
            return batch.replies(reply)
        except strict_json.MalformedError as exc:
            raise _uncertain(outer, str(exc), reply.correlation_id) from exc

    async def authorization(self) -> str:
        """The Authorization header in force; proves the credential as far as its issuer can."""
        return await self._credentials.header(self)

    async def post_form(self, url: str, form: Mapping[str, str]) -> Reply:
        """One POST to the token endpoint, which the wall lists as the read named ``token``; not repeated.

        Raises:
            UnavailableError: No usable answer came.
        """
        self._wall.check(ReadRequest(self.side, "POST", urlsplit(url).path, "token"))
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        try:
            return await self._wire.exchange("POST", url, headers, urlencode(form).encode())
        except BrokenError as broken:
            raise UnavailableError(
                f"The sign-in service is not available: {broken.why}.", code=broken.code, sent=broken.sent
            ) from broken

    def backoff_s(self, attempt: int) -> float | None:
        """The wait after an attempt (1 is the first), or None when it was the last one."""
        return None if attempt >= self._policy.attempts else self._policy.backoff_s(attempt, self._rng)

    def elapsed_s(self) -> float:
        """The elapsed clock of this process."""
        return self._clock.elapsed_s()

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def _run(self, request: Request, last_check: Callable[[], None] | None) -> Reply:
        call = self._prepare(request, last_check)
        self._retry_budget.earn()
        while True:
            try:
                reply = await self._attempt(call)
            except BrokenError as broken:
                failure = _of_broken(call, broken)
            else:
                if httpx2.codes.is_success(reply.status):
                    return reply
                failure = self._of_reply(call, reply)
            await self._wait_to_repeat(call, failure)

    def _prepare(self, request: Request, last_check: Callable[[], None] | None) -> _Call:
        if isinstance(request, ReadRequest) and request.url is not None:
            if not same_origin(request.url, self.base_url):
                raise WallError(
                    f"{self.side} sent a next link to another host; it was not followed.",
                    code="wall.foreign_link",
                )
            if urlsplit(request.url).path != request.path:
                raise WallError(f"The next link of {self.side} does not lead to the path it was checked for.")
            url = request.url
        else:
            url = f"{self.base_url}{request.path}{query(request.params)}"
        fields = request.fields
        body = fields if isinstance(fields, bytes) or fields is None else strict_json.dumps(fields)
        return _Call(request, url, body, self._buckets(request), last_check, self.elapsed_s())

    async def _attempt(self, call: _Call) -> Reply:
        """Send once. Everything that can wait comes before the last check."""
        slot = await self.budget.acquire(call.buckets, patience_s=self._patience_s)
        try:
            call.authorization = await self._credentials.header(self)
            headers = _headers(call)
            if call.last_check is not None:
                call.last_check()
            call.attempts += 1
            self.sent += 1
            began = self.elapsed_s()
            reply = await self._wire.exchange(call.request.method, call.url, headers, call.body)
            self._tell(call.request, reply, self.elapsed_s() - began)
            self._learn(call.request, reply)
        finally:
            slot.answered()
        _log.debug(
            "call",
            side=self.side,
            method=call.request.method,
            path=call.request.path,
            status=reply.status,
            attempt=call.attempts,
            correlation_id=reply.correlation_id,
        )
        return reply

    def _learn(self, request: Request, reply: Reply) -> None:
        """What the headers tell of limits."""
        limit = self._judge.limit(request, reply.headers)
        if limit is not None:
            self.budget.learn(limit.bucket, limit.calls, limit.window_s, left=limit.left)
        day = self._judge.day(reply.headers)
        if day is not None:
            self.budget.learn_day(self.side, day.calls, day.left)

    def _tell(self, request: Request, reply: Reply, seconds: float) -> None:
        """The figures of one answered call."""
        status_class = f"{reply.status // 100}xx"
        labels = {"system": self.side, "operation": request.resource, "status_class": status_class}
        telemetry.time_taken("mlc_http_client_request_duration_seconds", seconds, **labels)
        if reply.status == httpx2.codes.TOO_MANY_REQUESTS:
            telemetry.count("mlc_throttled_total", system=self.side)

    def _of_reply(self, call: _Call, reply: Reply) -> _Failure:
        if httpx2.codes.is_redirect(reply.status):
            return _Failure(Final(), _redirected(self.side, reply.status), maybe_done=False)
        verdict = self._judge.verdict(reply.status, reply.headers, reply.data)
        maybe_done = httpx2.codes.is_server_error(reply.status) and isinstance(verdict, Again)
        if maybe_done and not call.repeatable:
            error: ConnectorError = _uncertain(
                call.request, f"the answer was status {reply.status}", reply.correlation_id
            )
        else:
            error = self._judge.fault(reply, call.request)
        return _Failure(verdict, error, maybe_done, retry_after_s(reply.headers, self._clock.now()))

    async def _wait_to_repeat(self, call: _Call, failure: _Failure) -> None:
        """Wait until the call may be sent again, or raise its error."""
        verdict = failure.verdict
        if isinstance(verdict, Reauthenticate):
            if call.refreshed or not self._credentials.invalidate(call.authorization):
                raise failure.error
            call.refreshed = True
            return
        if isinstance(verdict, Final):
            raise failure.error
        wait_s = self._wait_s(call, verdict, failure.asked_s)
        if verdict.day_is_spent:
            wait_s = min(wait_s, self.budget.day_is_spent(self.side))
        if verdict.pause:
            for bucket in (verdict.bucket,) if verdict.bucket else call.buckets:
                self.budget.pause(bucket, self.elapsed_s() + wait_s)
        if failure.maybe_done and not call.repeatable:
            raise failure.error
        self._count(call, verdict, wait_s, failure.error)
        _log.debug("waiting", side=self.side, seconds=round(wait_s, 3), reason=verdict.reason)
        if not verdict.pause or verdict.bucket not in {"", *call.buckets}:  # the budget keeps a pause
            await asyncio.sleep(wait_s)

    def _wait_s(self, call: _Call, verdict: Again, asked_s: float | None) -> float:
        if asked_s is not None:
            return max(asked_s, verdict.least_s)
        if verdict.after_s is not None:
            return max(verdict.after_s, verdict.least_s)
        return max(self._policy.backoff_s(call.attempts, self._rng), verdict.least_s)

    def _count(self, call: _Call, verdict: Again, wait_s: float, error: ConnectorError) -> None:
        """Take one repeat from the allowances of this call, or raise."""
        too_old = self.elapsed_s() - call.started_s >= self._policy.age_s
        if verdict.throttled:
            self.throttled += 1
            call.throttled += 1
            if too_old or call.throttled >= self._policy.throttled_attempts or wait_s > self._patience_s:
                raise _throttled(self.side, verdict, wait_s)
            return
        attempts = call.attempts - call.throttled
        if too_old or attempts >= self._policy.attempts or wait_s > self._patience_s:
            raise error
        if not self._retry_budget.spend():
            raise error


def _headers(call: _Call) -> dict[str, str]:
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "authorization": call.authorization,
        "user-agent": "ml-connector",
    }
    if call.body is not None:
        headers["content-type"] = "application/json"
    if isinstance(call.request, WriteRequest):
        headers["content-type"] = call.request.content_type
        for name, value in call.request.headers:
            if name.lower() not in _OWN_HEADERS:
                raise WallError(f"The header {name} may not be set on a write.")
            headers[name.lower()] = value
        if call.request.call_id:
            headers["x-client-request-id"] = call.request.call_id
    return headers


def _of_broken(call: _Call, broken: BrokenError) -> _Failure:
    verdict: Verdict = Again(reason=broken.why) if broken.again else Final()
    if broken.sent and not call.repeatable:
        error: ConnectorError = _uncertain(call.request, broken.why, "")
    else:
        error = UnavailableError(
            f"{call.request.side} is not available: {broken.why}.",
            code=broken.code,
            hint="Check the address and the network; nothing is lost, it is tried again.",
            sent=broken.sent,
        )
    error.__cause__ = broken
    return _Failure(verdict, error, maybe_done=broken.sent)


def _redirected(side: str, status: int) -> ConfigurationError:
    return ConfigurationError(
        f"{side} answered with a redirect (status {status}); redirects are not followed.",
        code="configuration.redirect",
        hint="Check the URL of the connection: it must be the address of the service itself.",
    )


def _uncertain(request: Request, why: str, correlation_id: str) -> UncertainWriteError:
    return UncertainWriteError(
        f"The write to {request.resource} in {request.side} may have landed: {why}.",
        hint="It is looked up before anything is sent again.",
        correlation_id=correlation_id,
    )


def _throttled(side: str, verdict: Again, wait_s: float) -> ThrottledError:
    return ThrottledError(
        f"{side} asked for a pause of {math.ceil(wait_s)} s ({verdict.reason or 'too many calls'}).",
        retry_after_s=wait_s,
        hint="Nothing is lost: run it again after the pause.",
    )

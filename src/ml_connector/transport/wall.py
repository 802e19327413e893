"""The ledger wall: what may be read and written, judged by method and path before a byte leaves."""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003  # a dataclass field's type, read at run time by tools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import WallError
from ml_connector.transport import strict_json
from ml_connector.transport.request import JSON, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.transport.request import Request

# Dot segments, double slashes, query marks and control characters would let two readers see two paths.
_CROOKED = re.compile(r"[\x00-\x20\x7f?#\\]|//|/\.\.?(?:/|$)|%2e|%2f|%5c", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may be called; ``forbids`` looks at a write's fields and names what it may not hold."""

    method: str
    path: re.Pattern[str]
    resource: str
    forbids: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Wall:
    """Everything one side lets through. What is not listed is refused."""

    side: str
    reads: tuple[Rule, ...]
    writes: tuple[Rule, ...]
    together: str = ""  # the path that takes several writes in one call

    def check(self, request: Request) -> None:
        """Let a listed request pass.

        Raises:
            WallError: The request is not listed, or holds a field its rule forbids.
        """
        is_write = isinstance(request, WriteRequest)
        if request.side != self.side:
            raise WallError(f"A request for {request.side} was handed to the way out to {self.side}.")
        if _CROOKED.search(request.path):
            raise WallError(f"The path of a request to {self.side} is malformed: {request.path!r}.")
        if isinstance(request, WriteRequest) and request.content_type != JSON:
            raise WallError(f"A write to {request.resource} in {self.side} is not JSON.")
        rule = self._rule(request, self.writes if is_write else self.reads)
        if is_write and rule.forbids is not None:
            fields = request.fields
            complaint = rule.forbids(strict_json.loads(fields) if isinstance(fields, bytes) else fields)
            if complaint:
                raise WallError(f"A write to {request.resource} in {self.side} was stopped: {complaint}.")

    def check_together(self, path: str, parts: Sequence[WriteRequest]) -> None:
        """Let several writes pass in one call when each of them would pass alone.

        Raises:
            WallError: The side has no such call, or a part is not listed.
        """
        if not self.together or path != self.together or not parts:
            raise WallError(f"The ledger wall does not list writes together on {path} of {self.side}.")
        for part in parts:
            if not isinstance(part, WriteRequest) or part.params or part.headers:
                raise WallError("A part of a call to write several records is not a plain write.")
            self.check(part)

    def _rule(self, request: Request, rules: tuple[Rule, ...]) -> Rule:
        for rule in rules:
            if (
                rule.method == request.method
                and rule.resource == request.resource
                and rule.path.fullmatch(request.path)
            ):
                return rule
        kind = "write" if isinstance(request, WriteRequest) else "read"
        raise WallError(
            f"The ledger wall does not list this {kind}: {request.method} {request.path}.",
            hint="Nothing was sent. Writes are limited to the records this product synchronises.",
        )

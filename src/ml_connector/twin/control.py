"""The control API under ``/__twin__/``: ground truth, the log of writes, faults, and what people do by hand.

It stands beside the shells, so that no latency, fault or limit touches it. Both ports offer it and show both
sides; only a fault applies to the side on whose port it was ordered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.faults import parse_fault
from ml_connector.twin.shell import Delivery
from ml_connector.twin.wire import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.twin.pair import Pair
    from ml_connector.twin.shell import TwinShell
    from ml_connector.twin.wire import Request

ROOT = "/__twin__/"
MOST_RECORDS = 10_000
_QUOTE = re.compile(r"deals/(?P<deal>[^/]+)/quote")
_STAGE = re.compile(r"deals/(?P<deal>[^/]+)/stage")


class Control:
    """Answers control calls about a pair of twins."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    async def serve(self, shell: TwinShell, request: Request) -> Delivery:
        """Answer what came in on one side's port: a control call here, all else by the shell."""
        if request.raw_path.startswith(ROOT):
            return Delivery(self.answer(shell.side, request))
        return await shell.handle(request)

    def answer(self, side: str, request: Request) -> Answer:
        """Answer one control call at once; errors are ``{"error": sentence}``."""
        path = request.path.removeprefix(ROOT).rstrip("/")
        try:
            stage = _STAGE.fullmatch(path)
            if stage is not None and request.method == "POST":
                return self._move(stage["deal"], request)
            quote = _QUOTE.fullmatch(path)
            if quote is not None and request.method == "POST":
                return self._quote(quote["deal"], request)
            return self._route(f"{request.method} {path}")(side, request)
        except LookupError as error:
            return json_answer(404, {"error": str(error.args[0])})
        except ValueError as error:
            return json_answer(400, {"error": str(error)})

    def _route(self, call: str) -> Callable[[str, Request], Answer]:
        routes = {
            "GET state": self._state,
            "PATCH state": self._edit,
            "GET writes": self._writes,
            "POST faults": self._arm,
            "DELETE faults": self._disarm,
            "POST rep": self._act,
            "POST reset": self._reset,
        }
        if call not in routes:
            raise LookupError(
                f"there is no control call {call}; there are {', '.join(routes)}, "
                "POST deals/ID/stage, POST deals/ID/quote"
            )
        return routes[call]

    def _state(self, _side: str, request: Request) -> Answer:
        of = request.param("of")
        if of is not None:
            after, limit = request.param("after") or None, _number(request, "limit", 100)
            records, following = self._pair.records(of, after=after, limit=max(1, min(limit, MOST_RECORDS)))
            return json_answer(200, {"records": records, "after": following})
        state = {
            "schema": "twin.state/1",
            "counts": self._pair.counts(),
            "writes": len(self._pair.log.rows),
            "throttled": sum(shell.throttled for shell in self._pair.shells.values()),
        }
        return json_answer(200, state)

    def _edit(self, _side: str, request: Request) -> Answer:
        order = _object(request)
        fields = _member(order, "fields", dict)
        self._pair.edit(_member(order, "of", str), _member(order, "key", str), fields)
        return Answer(204)

    def _writes(self, _side: str, request: Request) -> Answer:
        rows = self._pair.log.after(_number(request, "after", 0))
        return json_answer(200, [row.as_json() for row in rows])

    def _arm(self, side: str, request: Request) -> Answer:
        fault = parse_fault(_object(request))
        return json_answer(201, {"id": self._pair.shells[side].faults.add(fault)})

    def _disarm(self, side: str, _request: Request) -> Answer:
        self._pair.shells[side].faults.clear()
        return Answer(204)

    def _move(self, deal: str, request: Request) -> Answer:
        self._pair.set_deal_stage(deal, _member(_object(request), "stage", str))
        return Answer(204)

    def _quote(self, deal: str, request: Request) -> Answer:
        """Make a quote of a deal: its status, and whether the buyer has accepted it."""
        order = _object(request)
        accepted = order.get("accepted", False)
        if not isinstance(accepted, bool):
            raise ValueError("accepted must be true or false")  # noqa: TRY004  one error for bad input
        status = str(order.get("status", "APPROVAL_NOT_NEEDED"))
        return json_answer(201, {"id": self._pair.make_quote(deal, status=status, accepted=accepted)})

    def _act(self, _side: str, request: Request) -> Answer:
        """Let the rep act: so many steps, or one deal linked and quoted."""
        order = _object(request)
        if "deal" in order:
            return json_answer(200, {"did": self._pair.quote(_member(order, "deal", str))})
        return json_answer(200, {"did": self._pair.act(_member(order, "steps", int))})

    def _reset(self, _side: str, request: Request) -> Answer:
        order = _object(request)
        self._pair.reset(_member(order, "seed", int) if "seed" in order else self._pair.options.seed)
        return Answer(204)


def _object(request: Request) -> dict[str, Any]:
    try:
        order = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(order, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004  one error for bad input
    return order


def _member(order: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = order.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        words = {dict: "an object", str: "a text", int: "a whole number"}
        raise ValueError(f"{name} must be {words[kind]}")  # noqa: TRY004  one error for bad input
    return value


def _number(request: Request, name: str, default: int) -> int:
    text = request.param(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text)

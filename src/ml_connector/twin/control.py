"""The control API under ``/__twin__/``: ground truth, the log of writes, faults, and what people do by hand.

It stands beside the shells, so that no latency, fault or limit touches it. Both ports offer it and show both
sides; only a fault applies to the side on whose port it was ordered. CONTROL_CALLS lists the calls. Those about
what the twins send by themselves (``webhooks``, ``deliveries``, ``business-events``) live in ``event_calls``:
nothing is sent before a receiver is registered there, and ``reset`` forgets receivers and deliveries.

What people in F&O do:

* ``POST /__twin__/orders/{legal_entity}:{number}/{act}``: ``confirm``, ``pick``, ``deliver``, ``invoice``,
  ``cancel`` or ``change`` an order. The body is optional: ``{"share": "partly"}`` for a part of a delivery or
  invoice, ``{"line": LOT}`` to cancel or change one line, ``{"quantity": "5"}`` or ``{"date": "2026-03-02"}`` for a
  change. Answers ``{"status": SalesOrderProcessingStatus}``.
* ``POST /__twin__/set-up``: add a row to a table of F&O's set-up, ``{"of": "SalesPriceAgreements", "fields": {}}``;
  ``validations`` are rules that an environment has added to F&O's own, as ``dynamics/validations.py`` says.
* ``DELETE /__twin__/state``: delete a record of F&O, ``{"of": "CustomersV3", "key": "usmf:US-001"}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.dynamics.people import ACTS
from ml_connector.twin.dynamics.set_up import TABLES
from ml_connector.twin.event_calls import EVENT_CALLS, EventCalls
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
_ORDER = re.compile(r"orders/(?P<entity>[^:/]+):(?P<number>[^/]+)/(?P<act>\w+)")
CONTROL_CALLS: tuple[tuple[str, str, str], ...] = (
    ("GET", "state", "counts of both sides; ?of=SET records of one set or object type, ?after=, ?limit="),
    ("PATCH", "state", "change a record as a person in that system would: of, key, fields"),
    ("GET", "writes", "the log of writes; ?after=SEQ"),
    ("POST", "faults", "arm a fault on this port's side"),
    ("DELETE", "faults", "disarm the faults of this port's side"),
    ("POST", "rep", "let the rep act: steps, or deal to link and quote one deal"),
    ("POST", "reset", "start over: seed?"),
    ("POST", "deals/ID/stage", "move a deal: stage"),
    ("POST", "deals/ID/quote", "make a quote of a deal: status?, accepted?"),
    ("POST", "certificates", "make the application a certificate, or register one: certificate?"),
    ("DELETE", "state", "delete a record of F&O: of, key"),
    ("POST", "set-up", "add a row to a table of F&O's set-up: of, fields"),
    (
        "POST",
        "orders/LEGAL_ENTITY:NUMBER/ACT",
        f"what people in F&O do to an order, {', '.join(ACTS)}: share?, line?, quantity?, date?",
    ),
    *EVENT_CALLS,
)
_QUOTE = re.compile(r"deals/(?P<deal>[^/]+)/quote")
_STAGE = re.compile(r"deals/(?P<deal>[^/]+)/stage")


class Control:
    """Answers control calls about a pair of twins."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._event_calls = EventCalls(pair.events)
        self._about = ((_STAGE, self._move), (_QUOTE, self._quote), (_ORDER, self._act_on_order))

    async def serve(self, shell: TwinShell, request: Request) -> Delivery:
        """Answer what came in on one side's port: a control call here, all else by the shell."""
        if request.raw_path.startswith(ROOT):
            return Delivery(await self._told(request) or self.answer(shell.side, request))
        return await shell.handle(request)

    async def _told(self, request: Request) -> Answer | None:
        """Answer a call about what the twins send, which may wait for a receiver; None for all others."""
        call = self._event_calls.find(f"{request.method} {_path(request)}")
        if call is None:
            return None
        try:
            return await call(_object(request) | dict(request.query))
        except LookupError as error:
            return json_answer(404, {"error": str(error.args[0])})
        except ValueError as error:
            return json_answer(400, {"error": str(error)})

    def answer(self, side: str, request: Request) -> Answer:
        """Answer one control call at once; errors are ``{"error": sentence}``."""
        path = _path(request)
        try:
            for pattern, do in self._about:
                found = pattern.fullmatch(path) if request.method == "POST" else None
                if found is not None:
                    return do(found, request)
            return self._route(f"{request.method} {path}")(side, request)
        except LookupError as error:
            return json_answer(404, {"error": str(error.args[0])})
        except ValueError as error:
            return json_answer(400, {"error": str(error)})

    def _route(self, call: str) -> Callable[[str, Request], Answer]:
        routes = {
            "GET state": self._state,
            "PATCH state": self._edit,
            "DELETE state": self._remove,
            "POST set-up": self._set_up,
            "GET writes": self._writes,
            "POST faults": self._arm,
            "DELETE faults": self._disarm,
            "POST rep": self._act,
            "POST reset": self._reset,
            "POST certificates": self._certify,
        }
        if call not in routes:
            raise LookupError(
                f"there is no control call {call}; "
                f"there are {', '.join(f'{method} {path}' for method, path, _does in CONTROL_CALLS)}"
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

    def _move(self, path: re.Match[str], request: Request) -> Answer:
        self._pair.set_deal_stage(path["deal"], _member(_object(request), "stage", str))
        return Answer(204)

    def _act_on_order(self, path: re.Match[str], request: Request) -> Answer:
        if path["act"] not in ACTS:
            raise LookupError(f"people cannot {path['act']} an order; they can {', '.join(ACTS)}")
        how = _object(request)
        status = self._pair.act_on_order(path["act"], path["entity"], path["number"], how)
        return json_answer(200, {"status": status})

    def _set_up(self, _side: str, request: Request) -> Answer:
        order = _object(request)
        of = _member(order, "of", str)
        if of not in TABLES:
            raise LookupError(f"F&O has no set-up {of!r}; it has {', '.join(TABLES)}")
        self._pair.set_up(of, _member(order, "fields", dict))
        return Answer(204)

    def _remove(self, _side: str, request: Request) -> Answer:
        order = _object(request)
        self._pair.remove(_member(order, "of", str), _member(order, "key", str))
        return Answer(204)

    def _quote(self, path: re.Match[str], request: Request) -> Answer:
        """Make a quote of a deal: its status, and whether the buyer has accepted it."""
        order = _object(request)
        accepted = order.get("accepted", False)
        if not isinstance(accepted, bool):
            raise ValueError("accepted must be true or false")  # noqa: TRY004  one error for bad input
        status = str(order.get("status", "APPROVAL_NOT_NEEDED"))
        return json_answer(201, {"id": self._pair.make_quote(path["deal"], status=status, accepted=accepted)})

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

    def _certify(self, _side: str, request: Request) -> Answer:
        """Register the application's certificate; without one, make it a key and a certificate."""
        order = _object(request)
        if "certificate" in order:
            self._pair.register_certificate(_member(order, "certificate", str))
            return Answer(204)
        made = self._pair.make_certificate()
        return json_answer(201, {"certificate": made.certificate, "private_key": made.private_key})


def _path(request: Request) -> str:
    return request.path.removeprefix(ROOT).rstrip("/")


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

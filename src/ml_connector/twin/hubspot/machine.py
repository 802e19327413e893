"""The HubSpot machine: one request in, one answer out, everything in memory and instant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.account import Account
from ml_connector.twin.hubspot.calculated import CALCULATORS, PERSON
from ml_connector.twin.hubspot.calls import Call, answer, is_id
from ml_connector.twin.hubspot.errors import ApiError, missing_scopes, unauthenticated
from ml_connector.twin.hubspot.limits import Exceeded, Limits
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.pipelines import stage_in
from ml_connector.twin.hubspot.portal import Portal
from ml_connector.twin.hubspot.routing import Found, Router, scopes_for
from ml_connector.twin.hubspot.settings import Settings
from ml_connector.twin.hubspot.values import stamp
from ml_connector.twin.hubspot.versions import VERSIONS
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.hubspot.store import Record, Table
    from ml_connector.twin.wire import Request
    from ml_connector.twin.world.model import Deal, World

LONGEST_TARGET = 8_192  # longer request lines are answered 414
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class HubSpotMachine:
    """One portal behind the CRM API.

    Args:
        world: What the portal starts from: owners, pipelines, currencies and open deals.
        rng: Draws ids and the order of batch results.
        new_id: Makes correlation ids.
        switches: Chosen behaviour where nobody outside knows HubSpot's, see ``SWITCHES``.
        limit: (calls, seconds) of the sliding window; (0, 0) is no limit.
        token: The only bearer token that is accepted.
        portal_id: The account's id.
        now: When the portal starts.
    """

    side = "hubspot"

    def __init__(
        self,
        world: World,
        *,
        rng: random.Random,
        new_id: Callable[[], str],
        switches: Mapping[str, str],
        limit: tuple[int, float],
        token: str,
        portal_id: int,
        now: datetime,
    ) -> None:
        settings = Settings(switches)
        self.portal = Portal(world, rng=rng, settings=settings, portal_id=portal_id, now=now)
        self.limits = Limits(limit, settings)
        self.account = Account(self.portal, self.limits, token)
        self._router = Router(self.account)
        self._new_id = new_id
        self._retry_after = settings["hubspot_retry_after"]
        self.world_deals: dict[int, Deal] = self._load_deals(world.deals, now)

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """Refuse a wrong token (401), a full quota (429) or a missing scope (403); count everything else."""
        found = self._router.find(request.method, request.raw_path)
        if found is not None and found.route.access == "open":
            return None
        if request.headers.get("authorization") != f"Bearer {self.account.token}":
            return self._refusal(unauthenticated(), request, found, now)
        exceeded = self.limits.arrive(found.route.pool if found else "plain", now)
        if exceeded is not None:
            return self._throttled(exceeded, request, found, now)
        if found is not None:
            needed = scopes_for(found)
            if needed and not self.account.scopes.intersection(needed):
                return self._refusal(missing_scopes(needed), request, found, now)
        return None

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one admitted request; what it changes is changed when this returns."""
        self.portal.arrive(now)
        found = self._router.find(request.method, request.raw_path)
        if len(request.target) > LONGEST_TARGET:
            return self._refusal(ApiError(414, "URI Too Long", None), request, found, now)
        if found is None:
            return self._refusal(ApiError(404, "resource not found", None), request, found, now)
        call = Call(self.portal, found.version, request, found.args)
        try:
            made = found.route.operation(call)
        except ApiError as refused:
            return self._refusal(refused, request, found, now)
        return self._finish(made, found, now)

    def counts(self) -> dict[str, int]:
        """Live records by plural type name."""
        return {name: len(table.live) for name, table in self.portal.tables.items()}

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Live records of one type in id order, with every value and association.

        Raises:
            LookupError: There is no such object type.
        """
        table = self._table(of)
        start = int(after) + 1 if after else 0
        page, following = table.page(start, limit, archived=False)
        printed = [self._truth(table, record) for record in page]
        return printed, str(page[-1].id) if following is not None else None

    def edit(self, of: str, key: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Change one record as a person in HubSpot would.

        Raises:
            LookupError: There is no such object type or record.
            ValueError: A value that HubSpot refuses, with its sentence.
        """
        self.portal.arrive(now, PERSON)
        table = self._table(of)
        record = table.get(int(key)) if is_id(key) else None
        if record is None:
            raise LookupError(f"There is no {table.kind.singular} {key} in the portal.")
        given = {name: value if value is None else str(value) for name, value in fields.items()}
        try:
            draft = self.portal.draft_update(table, record, given, VERSIONS["v3"], {})
        except ApiError as refused:
            raise ValueError(refused.message) from refused
        self.portal.commit(draft, PERSON)

    def set_deal_stage(self, deal_id: str, stage: str, now: datetime) -> None:
        """Move a deal to a stage of its pipeline, by id or label; ``won`` is the one that closes it as won.

        Raises:
            LookupError: There is no such deal or stage.
        """
        table = self.portal.tables["deals"]
        record = table.get(int(deal_id)) if is_id(deal_id) else None
        if record is None:
            raise LookupError(f"There is no deal {deal_id} in the portal.")
        pipeline = self.portal.pipelines.all[record.properties["pipeline"]]
        chosen = stage_in(pipeline, stage)
        fields = {"dealstage": chosen.id}
        if chosen.closed:
            fields["closedate"] = stamp(now)
        self.edit("deals", deal_id, fields, now)

    def _load_deals(self, deals: tuple[Deal, ...], now: datetime) -> dict[int, Deal]:
        portal, table = self.portal, self.portal.tables["deals"]
        owners = {owner.email: owner.id for owner in portal.owners}
        loaded = {}
        for deal in deals:
            pipeline = portal.pipelines.named(deal.pipeline)
            given = {
                "dealname": deal.name,
                "pipeline": pipeline.id,
                "dealstage": stage_in(pipeline, deal.stage).id,
                "deal_currency_code": deal.currency,
                "closedate": stamp(now + timedelta(days=deal.close_in_days)),
                "hubspot_owner_id": owners.get(deal.owner_email),
            }
            record = portal.commit(portal.draft_create(table, given, VERSIONS["v3"], {}), PERSON)
            loaded[record.id] = deal
        return loaded

    def _table(self, of: str) -> Table:
        kind = object_type(of)
        if kind is None:
            raise LookupError(f"HubSpot has no object type {of!r}; it has {', '.join(self.portal.tables)}.")
        return self.portal.tables[kind.name]

    def _truth(self, table: Table, record: Record) -> dict[str, Any]:
        portal = self.portal
        computed = {
            name: value
            for name, calculate in CALCULATORS[table.kind.name].items()
            if (value := calculate(portal, record)) is not None
        }
        linked = {
            target: [{"id": str(i), "types": sorted(t)} for i, t in found.items()]
            for target in portal.tables
            if (found := portal.links.of(table.kind.name, record.id, target))
        }
        return {
            "id": str(record.id),
            "properties": record.properties | computed,
            "createdAt": record.created_at,
            "updatedAt": record.updated_at,
            "archived": False,
            "associations": linked,
        }

    def _throttled(self, exceeded: Exceeded, request: Request, found: Found | None, now: datetime) -> Answer:
        body = {
            "status": "error",
            "message": exceeded.message,
            "errorType": "RATE_LIMIT",
            "correlationId": self._new_id(),
            "policyName": exceeded.policy,
            "requestId": self._new_id(),
        }
        made = answer(429, body, _untouched(request, found))
        made.throttled = True
        if self._retry_after != "none":
            made.headers["Retry-After"] = self._retry_after
        return self._finish(made, found, now)

    def _refusal(self, refused: ApiError, request: Request, found: Found | None, now: datetime) -> Answer:
        made = answer(refused.status, refused.body(self._new_id()), _untouched(request, found))
        return self._finish(made, found, now)

    def _finish(self, made: Answer, found: Found | None, now: datetime) -> Answer:
        made.headers.update(self.limits.headers(found.route.pool if found else "plain", now))
        made.headers["x-hubspot-correlation-id"] = self._new_id()
        return made


def _untouched(request: Request, found: Found | None) -> Written | None:
    """A refused write has touched nothing; a refused read is no write."""
    if request.method in _READS or (found is not None and found.route.reads):
        return None
    key = found.args.get("id") or found.args.get("name") if found else None
    return Written((key,) if key else (), committed=False)
